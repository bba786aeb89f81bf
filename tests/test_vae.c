#include "diffusion/vae.h"

#include "base/threads.h"
#include "tests/net_check.h"

static const char *const TINY_VAE =
    "{\"block_out_channels\": [4, 6, 8], \"norm_num_groups\": 2, \"layers_per_block\": 1, "
    "\"latent_channels\": 2,"
    "\"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
    "\"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]%s}";

enum { H = 10, W = 13, LH = 2, LW = 3 };

typedef struct {
    Arena arena;
    Weights weights;
    VaeConfig config;
    Vae vae;
    int N;
    Tensor *x, *z, *dmoments, *dy;
} TinyVae;

static void tiny_vae_new(TinyVae *t, const char *more, int N, bool trainable)
{
    char json[1000];
    Error err = {0};
    *t = (TinyVae){.N = N};
    snprintf(json, sizeof json, TINY_VAE, more);
    CHECK(vae_config_read(&t->config, json_of(&t->arena, json), "tiny", &t->arena, &err) == STATUS_OK);
    t->weights = weights_create(&t->arena, 101);
    t->weights.trainable = trainable;
    vae_load(&t->vae, &t->config, &t->weights, "");
    if (!CHECK(weights_finish(&t->weights, &err) == STATUS_OK))
        exit(1);
    scramble(&t->weights, 102);
    t->x = any_tensor(&t->arena, 103, 4, N, 3, H, W);
    t->z = any_tensor(&t->arena, 104, 4, N, 2, LH, LW);
    t->dmoments = any_tensor(&t->arena, 105, 4, N, 4, LH, LW);
    t->dy = any_tensor(&t->arena, 106, 4, N, 3, 4 * LH, 4 * LW);
}

static Tensor *run_encode(Tape *tape, const void *context, Tensor *const *inputs)
{
    return vae_encode(tape, context, inputs[0]);
}

static Tensor *run_decode(Tape *tape, const void *context, Tensor *const *inputs)
{
    return vae_decode(tape, context, inputs[0]);
}

static void test_sizes(void)
{
    TinyVae t;
    tiny_vae_new(&t, "", 2, false);
    Tape tape = {.arena = &t.arena};
    const Tensor *m = vae_encode(&tape, &t.vae, t.x), *y = vae_decode(&tape, &t.vae, t.z);
    CHECK(m != NULL && tensor_same_shape(m, t.dmoments));
    CHECK(y != NULL && tensor_same_shape(y, t.dy));
    arena_free(&t.arena);
}

static void test_slopes(void)
{
    static const char *const ENCODER[] = {"encoder.conv_in.weight",
                                          "encoder.down_blocks.0.downsamplers.0.conv.weight",
                                          "encoder.mid_block.attentions.0.group_norm.weight",
                                          "encoder.mid_block.attentions.0.to_v.weight",
                                          "encoder.conv_out.bias",
                                          "quant_conv.weight"};
    static const char *const DECODER[] = {"post_quant_conv.weight",
                                          "decoder.conv_in.weight",
                                          "decoder.mid_block.resnets.1.conv2.weight",
                                          "decoder.up_blocks.1.resnets.0.conv_shortcut.weight",
                                          "decoder.up_blocks.0.upsamplers.0.conv.weight",
                                          "decoder.up_blocks.2.resnets.1.norm2.bias",
                                          "decoder.conv_norm_out.weight"};
    TinyVae t;
    tiny_vae_new(&t, "", 2, false);
    check_slope(run_encode, &t.vae, &t.x, t.x, 2e-3f, 3e-3);
    check_slope(run_decode, &t.vae, &t.z, t.z, 2e-3f, 3e-3);
    for (size_t i = 0; i < sizeof ENCODER / sizeof ENCODER[0]; i++)
        check_slope(run_encode, &t.vae, &t.x, parameter(&t.weights, ENCODER[i]), 2e-3f, 3e-3);
    for (size_t i = 0; i < sizeof DECODER / sizeof DECODER[0]; i++)
        check_slope(run_decode, &t.vae, &t.z, parameter(&t.weights, DECODER[i]), 2e-3f, 3e-3);
    arena_free(&t.arena);
}

/* Results and input gradients of both ways. */
typedef struct {
    size_t moments, x, y, z; /* counts */
    float *out_moments, *dx, *out_y, *dz;
} Result;

static Result vjp_of(const TinyVae *t, bool checkpoint, Arena *keep)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .checkpoint = checkpoint};
    Result r = {tensor_count(t->dmoments),
                tensor_count(t->x),
                tensor_count(t->dy),
                tensor_count(t->z),
                NULL,
                NULL,
                NULL,
                NULL};
    r.out_moments = arena_alloc(keep, r.moments, sizeof(float));
    r.dx = arena_alloc(keep, r.x, sizeof(float));
    r.out_y = arena_alloc(keep, r.y, sizeof(float));
    r.dz = arena_alloc(keep, r.z, sizeof(float));
    CHECK(vae_encode_vjp(r.out_moments, r.dx, &tape, &t->vae, t->x, t->dmoments->data) == STATUS_OK);
    CHECK(vae_decode_vjp(r.out_y, r.dz, &tape, &t->vae, t->z, t->dy->data) == STATUS_OK);
    CHECK(arena.used == 0);
    arena_free(&arena);
    arena_free(&gradients);
    return r;
}

static bool same_result(const Result *a, const Result *b)
{
    return same_bits(a->out_moments, b->out_moments, a->moments) && same_bits(a->dx, b->dx, a->x) &&
           same_bits(a->out_y, b->out_y, a->y) && same_bits(a->dz, b->dz, a->z);
}

static void test_recording_checkpoints_and_threads_change_no_bit(void)
{
    TinyVae t;
    Arena keep = {0};
    tiny_vae_new(&t, "", 2, false);
    Tape tape = {.arena = &keep};
    threads_set(1);
    const Result one = vjp_of(&t, false, &keep);
    CHECK(same_bits(one.out_moments, vae_encode(&tape, &t.vae, t.x)->data, one.moments));
    CHECK(same_bits(one.out_y, vae_decode(&tape, &t.vae, t.z)->data, one.y));
    for (int threads = 1; threads < 4; threads++) {
        threads_set(threads);
        const Result other = vjp_of(&t, threads != 2, &keep);
        CHECK(same_result(&one, &other));
    }
    threads_set(0);
    arena_free(&keep);
    arena_free(&t.arena);
}

static void test_a_batch_is_its_samples(void)
{
    TinyVae t;
    Arena keep = {0};
    tiny_vae_new(&t, "", 3, false);
    const Result whole = vjp_of(&t, false, &keep);
    for (int n = 0; n < 3; n++) {
        TinyVae one = t;
        Tensor x = *t.x, z = *t.z, dm = *t.dmoments, dy = *t.dy;
        x.dim[0] = z.dim[0] = dm.dim[0] = dy.dim[0] = 1;
        x.data += (size_t)n * tensor_count(&x);
        z.data += (size_t)n * tensor_count(&z);
        dm.data += (size_t)n * tensor_count(&dm);
        dy.data += (size_t)n * tensor_count(&dy);
        one.x = &x;
        one.z = &z;
        one.dmoments = &dm;
        one.dy = &dy;
        const Result part = vjp_of(&one, false, &keep);
        CHECK(same_bits(part.out_moments, whole.out_moments + (size_t)n * part.moments, part.moments));
        CHECK(same_bits(part.dx, whole.dx + (size_t)n * part.x, part.x));
        CHECK(same_bits(part.out_y, whole.out_y + (size_t)n * part.y, part.y));
        CHECK(same_bits(part.dz, whole.dz + (size_t)n * part.z, part.z));
    }
    arena_free(&keep);
    arena_free(&t.arena);
}

static void test_other_settings(void)
{
    static const char *const SETTINGS[] = {"", ", \"mid_block_add_attention\": false",
                                           ", \"use_quant_conv\": false, \"use_post_quant_conv\": false"};
    static const size_t PARAMETERS[] = {0, 20, 4};
    size_t all = 0;
    for (int i = 0; i < 3; i++) {
        TinyVae t;
        Arena keep = {0};
        tiny_vae_new(&t, SETTINGS[i], 1, false);
        all = i == 0 ? t.weights.count : all;
        CHECK(t.weights.count == all - PARAMETERS[i]);
        vjp_of(&t, false, &keep);
        check_slope(run_decode, &t.vae, &t.z, t.z, 2e-3f, 3e-3);
        arena_free(&keep);
        arena_free(&t.arena);
    }
}

static void test_inputs_that_do_not_fit_are_refused(void)
{
    TinyVae t;
    tiny_vae_new(&t, "", 1, false);
    Tape first = {.arena = &t.arena}, second = {.arena = &t.arena}, third = {.arena = &t.arena};
    CHECK(vae_encode(&first, &t.vae, any_tensor(&t.arena, 1, 4, 1, 3, 3, 9)) == NULL);
    CHECK(first.error.status == STATUS_SHAPE);
    CHECK_TEXT(first.error.text,
               "picture of shape (1,3,3,9), the VAE expects (N,3,H,W) with sides of at least 4");
    CHECK(vae_encode(&second, &t.vae, any_tensor(&t.arena, 1, 4, 1, 4, 8, 8)) == NULL);
    CHECK(second.error.status == STATUS_SHAPE);
    CHECK(vae_decode(&third, &t.vae, any_tensor(&t.arena, 1, 4, 1, 3, 2, 2)) == NULL);
    CHECK_TEXT(third.error.text, "latent of shape (1,3,2,2)");
    arena_free(&t.arena);
}

typedef struct {
    int count;
    char name[64][80];
} Names;

static void note(void *context, const char *name, const Tensor *x)
{
    Names *n = context;
    (void)x;
    if (n->count < 64)
        snprintf(n->name[n->count++], sizeof n->name[0], "%s", name);
}

static void test_intermediates_have_the_names_of_diffusers(void)
{
    static const char *const WANT[] = {"encoder.conv_in",
                                       "encoder.down_blocks.0.resnets.0",
                                       "encoder.down_blocks.0.downsamplers.0",
                                       "encoder.down_blocks.2",
                                       "encoder.mid_block.attentions.0",
                                       "encoder.mid_block",
                                       "encoder.conv_out",
                                       "quant_conv",
                                       "post_quant_conv",
                                       "decoder.conv_in",
                                       "decoder.mid_block",
                                       "decoder.up_blocks.0.upsamplers.0",
                                       "decoder.up_blocks.2",
                                       "decoder.conv_out"};
    TinyVae t;
    Names names = {0};
    tiny_vae_new(&t, "", 1, false);
    Tape tape = {.arena = &t.arena, .observe = note, .observer = &names};
    vae_encode(&tape, &t.vae, t.x);
    vae_decode(&tape, &t.vae, t.z);
    int at = 0;
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++) {
        while (at < names.count && strcmp(names.name[at], WANT[i]) != 0)
            at++;
        if (!CHECK(at < names.count))
            printf("    %s\n", WANT[i]);
    }
    arena_free(&t.arena);
}

typedef struct {
    TinyVae t;
    Arena arena, gradients;
    float out[4 * LH * 4 * LW * 3], dz[2 * LH * LW];
} Attempt;

static Status run_vjp(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena, .gradients = &a->gradients};
    const Status status = vae_decode_vjp(a->out, a->dz, &tape, &a->t.vae, a->t.z, a->t.dy->data);
    arena_release(&a->gradients, (ArenaMark){0});
    CHECK(a->arena.used == 0);
    return status;
}

static Status load(void *context)
{
    Attempt *a = context;
    Vae vae;
    Error err = {0};
    Weights w = weights_create(&a->arena, 1);
    vae_load(&vae, &a->t.config, &w, "");
    const Status status = weights_finish(&w, &err);
    arena_release(&a->arena, (ArenaMark){0});
    return status;
}

static void test_failing_allocations(void)
{
    static Attempt a;
    tiny_vae_new(&a.t, "", 1, false);
    check_allocations(load, &a, &a.arena);
    check_allocations(run_vjp, &a, &a.arena);
    check_allocations(run_vjp, &a, &a.gradients);
    arena_free(&a.arena);
    arena_free(&a.gradients);
    arena_free(&a.t.arena);
}

int main(void)
{
    test_sizes();
    test_slopes();
    test_recording_checkpoints_and_threads_change_no_bit();
    test_a_batch_is_its_samples();
    test_other_settings();
    test_inputs_that_do_not_fit_are_refused();
    test_intermediates_have_the_names_of_diffusers();
    test_failing_allocations();
    return check_report("vae");
}
