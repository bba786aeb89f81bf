/* The U-Net against diffusers: block outputs, gradients, whole runs' evaluations, ControlNet residuals, adapter
 * features, LoRA increments and attention maps coming in by the hooks. */
#include "diffusion/unet.h"
#include "nn/elementwise.h"
#include "nn/linear.h"
#include "tests/net_cases.h"

typedef struct {
    Arena arena;
    Weights weights;
    UnetConfig config;
    Unet net;
} Model;

/* models/NAME/unet, every tensor of which must find its place. */
static void model_open(Model *m, const char *name, bool trainable)
{
    char below[200], path[CASE_PATH];
    Error err = {0};
    *m = (Model){0};
    snprintf(below, sizeof below, "models/%s/unet/config.json", name);
    Status status = unet_config_read(&m->config, case_json(&m->arena, below), below, &m->arena, &err);
    if (status == STATUS_OK) {
        snprintf(below, sizeof below, "models/%s/unet/diffusion_pytorch_model.safetensors", name);
        weights_open(&m->weights, &m->arena, case_path(path, below));
        m->weights.trainable = trainable;
        unet_load(&m->net, &m->config, &m->weights, "");
        status = weights_finish(&m->weights, &err);
    }
    if (!CHECK(status == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
}

/* Names of our intermediates and of the case's. */
static const char *const STAGES[][2] = {{"time_proj", "time_proj_sinusoid"},
                                        {"time_embedding", "time_embedding"},
                                        {"conv_in", "conv_in"},
                                        {"down_blocks.0.resnets.0", "down.0.resnet0"},
                                        {"down_blocks.0.attentions.0", "down.0.attn0"},
                                        {"down_blocks.0", "down.0"},
                                        {"down_blocks.1", "down.1"},
                                        {"down_blocks.2", "down.2"},
                                        {"mid_block", "mid"},
                                        {"up_blocks.0", "up.0"},
                                        {"up_blocks.1", "up.1"},
                                        {"up_blocks.2", "up.2"}};
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

static void check_parameter_gradients(const Case *c, const Model *m)
{
    const char *start = "grad.param.";
    int checked = 0;
    for (const Parameter *p = m->weights.first; p != NULL; p = p->next) {
        char name[300];
        snprintf(name, sizeof name, "%s%s", start, p->name);
        if (safetensors_find(&c->expected, name) == NULL)
            continue;
        case_compare(c, name, p->tensor->grad, tensor_count(p->tensor));
        checked++;
    }
    CHECK(checked == 19);
}

static void test_stages_and_gradients(void)
{
    Arena arena = {0}, gradients = {0};
    Model m;
    Case c;
    if (!case_exists("m-unet-sd1-grad") || !case_open(&c, "m-unet-sd1-grad", &arena))
        return;
    model_open(&m, "sd1-tiny", true);
    const Tensor *x = case_input(&c, "sample"), *text = case_input(&c, "encoder_hidden_states");
    const Tensor *dy = case_input(&c, "loss_weight"), *t = case_input(&c, "timestep");
    const float timesteps[2] = {t->data[0], t->data[0]};
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        Stages stages = {.c = &c};
        Tape tape = {.arena = &arena, .gradients = &gradients, .checkpoint = checkpoint};
        tape.observe = check_stage;
        tape.observer = &stages;
        float *y = arena_alloc(&arena, tensor_count(dy), sizeof *y);
        float *dx = arena_alloc(&arena, tensor_count(x), sizeof *dx);
        float *dtext = arena_alloc(&arena, tensor_count(text), sizeof *dtext);
        weights_zero_grad(&m.weights);
        CHECK(unet_vjp(y, dx, dtext, &tape, &m.net, x, timesteps, text, NULL, dy->data) == STATUS_OK);
        CHECK(stages.seen == STAGE_COUNT);
        case_compare(&c, "sample", y, tensor_count(dy));
        case_compare(&c, "grad.latent", dx, tensor_count(x));
        case_compare(&c, "grad.encoder_hidden_states", dtext, tensor_count(text));
        check_parameter_gradients(&c, &m);
    }
    arena_free(&arena);
    arena_free(&gradients);
    arena_free(&m.arena);
}

/* The evaluations of a text-to-image run: rows without prompt first, then rows with it. */
static void check_run(const char *name, const char *model)
{
    static const int CALLS[] = {0, 1, 2, 3, 9};
    Arena arena = {0};
    Model m;
    Case c;
    if (!case_exists(name) || !case_open(&c, name, &arena))
        return;
    model_open(&m, model, false);
    Tape tape = {.arena = &arena};
    Tensor *parts[2] = {case_tensor(&c, &c.expected, "text_embeds_uncond"),
                        case_tensor(&c, &c.expected, "text_embeds_cond")};
    Tensor *text = any_tensor(&arena, 1, 3, 2, parts[0]->dim[1], parts[0]->dim[2]);
    for (int i = 0; i < 2; i++)
        memcpy(text->data + (size_t)i * tensor_count(parts[i]), parts[i]->data,
               tensor_count(parts[i]) * sizeof(float));
    const Tensor *t = case_tensor(&c, &c.expected, "unet_t");
    for (int i = 0; i < 5; i++) {
        char in[32], out[32];
        snprintf(in, sizeof in, "unet_in.%d", CALLS[i]);
        snprintf(out, sizeof out, "unet_out.%d", CALLS[i]);
        const float timesteps[2] = {t->data[CALLS[i]], t->data[CALLS[i]]};
        case_check(&c, out, unet(&tape, &m.net, case_tensor(&c, &c.expected, in), timesteps, text, NULL));
    }
    arena_free(&arena);
    arena_free(&m.arena);
}

static void test_controlnet_residuals(void)
{
    enum { SKIPS = 9 };
    Arena arena = {0};
    Model m;
    Case c;
    if (!case_exists("f-controlnet") || !case_open(&c, "f-controlnet", &arena))
        return;
    model_open(&m, "sd1-tiny", false);
    Tensor *residual[SKIPS];
    for (int i = 0; i < SKIPS; i++) {
        char name[32];
        snprintf(name, sizeof name, "down_res.%d", i);
        residual[i] = case_tensor(&c, &c.expected, name);
    }
    const UnetHooks hooks = {.down_residuals = residual,
                             .down_residual_count = SKIPS,
                             .mid_residual = case_tensor(&c, &c.expected, "mid_res")};
    const float timesteps[2] = {601.0f, 601.0f};
    Tape tape = {.arena = &arena};
    Tensor *text = case_tensor(&c, &c.expected, "encoder_hidden_states");
    case_check(&c, "unet_out", unet(&tape, &m.net, case_input(&c, "sample"), timesteps, text, &hooks));
    arena_free(&arena);
    arena_free(&m.arena);
}

static void test_adapter_features(void)
{
    static const char *const NAMES[] = {"g-t2iadapter-full", "g-t2iadapter-light"};
    for (int k = 0; k < 2; k++) {
        Arena arena = {0};
        Model m;
        Case c;
        if (!case_exists(NAMES[k]) || !case_open(&c, NAMES[k], &arena))
            continue;
        model_open(&m, "sd1-tiny", false);
        Tensor *feature[3];
        for (int i = 0; i < 3; i++) {
            char name[32];
            snprintf(name, sizeof name, "feature.%d", i);
            feature[i] = case_tensor(&c, &c.expected, name);
        }
        const UnetHooks hooks = {.adapter_features = feature, .adapter_count = 3};
        const float timestep = 301.0f;
        Tape tape = {.arena = &arena};
        Tensor *text = case_tensor(&c, &c.expected, "encoder_hidden_states");
        case_check(&c, "unet_out", unet(&tape, &m.net, case_input(&c, "sample"), &timestep, text, &hooks));
        arena_free(&arena);
        arena_free(&m.arena);
    }
}

/* LoRA in diffusers' attention-processor names: "unet.BLOCK.attn1.processor.to_q_lora.down.weight". */
typedef struct {
    const Model *m;
    const Case *c;
    Safetensors file;
    float weight;
    int applied;
} Lora;

/* Turns "BLOCK.attn1.to_out.0.weight" into "unet.BLOCK.attn1.processor.to_out_lora". */
static bool lora_name(char out[300], const char *name)
{
    const char *attention = strstr(name, ".attn");
    const char *to = attention != NULL ? strstr(attention, ".to_") : NULL;
    if (to == NULL)
        return false;
    snprintf(out, 300, "unet.%.*s.processor.%.*s_lora", (int)(to - name), name, (int)strcspn(to + 1, "."),
             to + 1);
    return true;
}

static Tensor *add_lora(void *context, Tape *tape, const Affine *layer, const Conv2dOptions *options,
                        Tensor *x, Tensor *y)
{
    Lora *l = context;
    char own[300], name[320];
    for (const Parameter *p = l->m->weights.first; options == NULL && p != NULL; p = p->next)
        if (p->tensor == layer->weight && lora_name(own, p->name)) {
            snprintf(name, sizeof name, "%s.down.weight", own);
            Tensor *down = case_tensor(l->c, &l->file, name);
            snprintf(name, sizeof name, "%s.up.weight", own);
            Tensor *up = case_tensor(l->c, &l->file, name);
            l->applied++;
            return add(tape, y,
                       scale(tape, linear(tape, linear(tape, x, down, NULL), up, NULL), l->weight));
        }
    return y;
}

static void test_lora_increments(void)
{
    char path[CASE_PATH];
    Arena arena = {0};
    Model m;
    Case c;
    Error err = {0};
    if (!case_exists("h-lora") || !case_open(&c, "h-lora", &arena))
        return;
    model_open(&m, "sd1-tiny", false);
    Lora lora = {.m = &m, .c = &c};
    CHECK(safetensors_open(&lora.file, case_path(path, "h-lora/pytorch_lora_weights.safetensors"), &arena,
                           &err) == STATUS_OK);
    UnetHooks hooks = {.layer = add_lora, .layer_context = &lora};
    const float timestep = 501.0f;
    Tape tape = {.arena = &arena};
    Tensor *x = case_input(&c, "sample"), *text = case_tensor(&c, &c.expected, "encoder_hidden_states");
    case_check(&c, "unet_out.no_lora", unet(&tape, &m.net, x, &timestep, text, NULL));
    lora.weight = 1.0f;
    case_check(&c, "unet_out.diffusers_lora_scale1", unet(&tape, &m.net, x, &timestep, text, &hooks));
    CHECK(lora.applied == (int)lora.file.count / 2);
    lora.weight = 0.6f;
    case_check(&c, "unet_out.diffusers_lora_scale0.6", unet(&tape, &m.net, x, &timestep, text, &hooks));
    arena_free(&arena);
    arena_free(&m.arena);
}

/* Adds up the cross-attention maps of an 8 x 8 grid: (64,77), mean over layers and heads. */
typedef struct {
    double sum[64 * 77];
    int maps;
} Aggregate;

static bool wants_cross(void *context, const char *name, int queries)
{
    (void)context;
    return queries == 64 && strstr(name, "attn2") != NULL;
}

static Tensor *aggregate(void *context, Tape *tape, const char *name, Tensor *p)
{
    Aggregate *a = context;
    (void)tape;
    (void)name;
    CHECK(p->dim[1] == 64 && p->dim[2] == 77);
    for (int h = 0; h < p->dim[0]; h++)
        for (int i = 0; i < 64 * 77; i++)
            a->sum[i] += p->data[h * 64 * 77 + i];
    a->maps += p->dim[0];
    return p;
}

static void test_attention_maps(void)
{
    static Aggregate a;
    Arena arena = {0};
    Model m;
    Case c;
    float mean[64 * 77];
    if (!case_exists("l-attend-and-excite") || !case_open(&c, "l-attend-and-excite", &arena))
        return;
    model_open(&m, "sd1-tiny", false);
    const UnetHooks hooks = {.wants_map = wants_cross, .map = aggregate, .map_context = &a};
    const float timestep = 876.0f; /* first of 8 steps of 1000, "leading", offset 1 */
    Tape tape = {.arena = &arena};
    CHECK(unet(&tape, &m.net, case_input(&c, "latents"), &timestep,
               case_tensor(&c, &c.expected, "text_embeds_cond"), &hooks) != NULL);
    for (int i = 0; i < 64 * 77; i++)
        mean[i] = (float)(a.sum[i] / a.maps);
    case_compare(&c, "aggregated_attention.0", mean, 64 * 77);
    arena_free(&arena);
    arena_free(&m.arena);
}

int main(void)
{
    test_stages_and_gradients();
    check_run("a-sd1-ddim-cfg7.5", "sd1-tiny");
    check_run("b-sd2-vpred-cfg7.5", "sd2-tiny");
    test_controlnet_residuals();
    test_adapter_features();
    test_lora_increments();
    test_attention_maps();
    return check_report("unet_cases");
}
