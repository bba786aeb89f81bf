/* The VAE against diffusers: stages, moments, pictures and gradients, under the new and the old names. */
#include "diffusion/vae.h"
#include "diffusion/vae_latent.h"
#include "tests/net_cases.h"

typedef struct {
    Arena arena;
    Weights weights;
    VaeConfig config;
    Vae vae;
} Model;

static void model_open(Model *m, const char *folder, bool trainable)
{
    char below[200], path[CASE_PATH];
    Error err = {0};
    *m = (Model){0};
    snprintf(below, sizeof below, "%s/config.json", folder);
    Status status = vae_config_read(&m->config, case_json(&m->arena, below), below, &m->arena, &err);
    if (status == STATUS_OK) {
        snprintf(below, sizeof below, "%s/diffusion_pytorch_model.safetensors", folder);
        weights_open(&m->weights, &m->arena, case_path(path, below));
        m->weights.trainable = trainable;
        vae_load(&m->vae, &m->config, &m->weights, "");
        status = weights_finish(&m->weights, &err);
    }
    if (!CHECK(status == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
}

/* Names of our intermediates and of the case's. */
static const char *const STAGES[][2] = {
    {"encoder.conv_in", "enc.conv_in"},      {"encoder.down_blocks.0", "enc.down.0"},
    {"encoder.down_blocks.1", "enc.down.1"}, {"encoder.down_blocks.2", "enc.down.2"},
    {"encoder.mid_block", "enc.mid"},        {"encoder.conv_out", "enc.out"},
    {"decoder.mid_block", "dec.mid"},        {"decoder.up_blocks.0", "dec.up.0"},
    {"decoder.up_blocks.1", "dec.up.1"},     {"decoder.up_blocks.2", "dec.up.2"}};
enum { STAGE_COUNT = sizeof STAGES / sizeof STAGES[0] };

typedef struct {
    const Case *c;
    int seen;
} Stages;

static void check_stage(void *context, const char *name, const Tensor *x)
{
    Stages *s = context;
    for (int i = 0; i < STAGE_COUNT; i++)
        if (strcmp(name, STAGES[i][0]) == 0) {
            s->seen++;
            case_check(s->c, STAGES[i][1], x);
        }
}

static void check_both_ways(const Case *c, const char *folder)
{
    Model m;
    Stages stages = {.c = c};
    model_open(&m, folder, false);
    Tape tape = {.arena = &m.arena, .observe = check_stage, .observer = &stages};
    Tensor *moments = vae_encode(&tape, &m.vae, case_input(c, "image"));
    case_check(c, "mean", latent_mean(&tape, moments));
    case_check(c, "logvar", latent_logvar(&tape, moments));
    Tensor *sample = latent_sample(&tape, moments, case_input(c, "noise"));
    case_check(c, "sample", sample);
    case_check(c, "decoded_of_sample", vae_decode(&tape, &m.vae, sample));
    CHECK(stages.seen == STAGE_COUNT);
    arena_free(&m.arena);
}

static void test_both_ways_under_new_and_old_names(void)
{
    Arena arena = {0};
    Case c;
    if (!case_exists("d-vae-sd1-48x64") || !case_open(&c, "d-vae-sd1-48x64", &arena))
        return;
    check_both_ways(&c, "models/sd1-tiny/vae");
    if (case_exists("d-vae-oldkeys"))
        check_both_ways(&c, "d-vae-oldkeys/vae");
    arena_free(&arena);
}

/* `start` is "grad.param." for the decoder's, "enc.grad.param." for the encoder's. */
static void check_parameter_gradients(const Case *c, const Model *m, const char *start, int expected)
{
    int checked = 0;
    for (const Parameter *p = m->weights.first; p != NULL; p = p->next) {
        char name[300];
        snprintf(name, sizeof name, "%s%s", start, p->name);
        if (safetensors_find(&c->expected, name) == NULL)
            continue;
        case_compare(c, name, p->tensor->grad, tensor_count(p->tensor));
        checked++;
    }
    CHECK(checked == expected);
}

static void test_gradients(void)
{
    Arena arena = {0}, gradients = {0};
    Model m;
    Case c;
    if (!case_exists("m-vae-grad") || !case_open(&c, "m-vae-grad", &arena))
        return;
    model_open(&m, "models/sd1-tiny/vae", true);
    const Tensor *z = case_input(&c, "latent"), *x = case_input(&c, "image");
    const Tensor *dy = case_input(&c, "loss_weight"), *dmoments = case_input(&c, "enc_loss_weight");
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        Tape tape = {.arena = &arena, .gradients = &gradients, .checkpoint = checkpoint};
        float *y = arena_alloc(&arena, tensor_count(dy), sizeof *y);
        float *dz = arena_alloc(&arena, tensor_count(z), sizeof *dz);
        float *dx = arena_alloc(&arena, tensor_count(x), sizeof *dx);
        weights_zero_grad(&m.weights);
        CHECK(vae_decode_vjp(y, dz, &tape, &m.vae, z, dy->data) == STATUS_OK);
        CHECK(vae_encode_vjp(NULL, dx, &tape, &m.vae, x, dmoments->data) == STATUS_OK);
        case_compare(&c, "decoded", y, tensor_count(dy));
        case_compare(&c, "grad.latent", dz, tensor_count(z));
        case_compare(&c, "enc.grad.image", dx, tensor_count(x));
        check_parameter_gradients(&c, &m, "grad.param.", 10);
        check_parameter_gradients(&c, &m, "enc.grad.param.", 4);
    }
    arena_free(&arena);
    arena_free(&gradients);
    arena_free(&m.arena);
}

/* The last latents of a text-to-image run become its picture. */
static void check_run(const char *name, const char *folder)
{
    Arena arena = {0};
    Model m;
    Case c;
    if (!case_exists(name) || !case_open(&c, name, &arena))
        return;
    model_open(&m, folder, false);
    size_t count = 0;
    float *steps = case_numbers(&c, &c.expected, "latents_per_step", &count);
    const SafetensorsEntry *entry = safetensors_find(&c.expected, "latents_per_step");
    const int dim[4] = {1, 4, (int)entry->dim[3], (int)entry->dim[4]};
    const size_t one = (size_t)dim[1] * (size_t)dim[2] * (size_t)dim[3];
    Tape tape = {.arena = &arena};
    Tensor *z = tape_input(&tape, steps + count - one, 4, dim, false);
    case_check(&c, "decoded", vae_decode(&tape, &m.vae, latent_unscale(&tape, &m.config, z)));
    arena_free(&arena);
    arena_free(&m.arena);
}

int main(void)
{
    test_both_ways_under_new_and_old_names();
    test_gradients();
    check_run("a-sd1-ddim-cfg7.5", "models/sd1-tiny/vae");
    check_run("b-sd2-vpred-cfg7.5", "models/sd2-tiny/vae");
    return check_report("vae_cases");
}
