#include "diffusion/unet.h"

#include "base/threads.h"
#include "tests/tiny_unet.h"

typedef struct {
    const Unet *net;
    const float *timesteps;
    const UnetHooks *hooks;
} Call;

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Call *call = context;
    return unet(tape, call->net, inputs[0], call->timesteps, inputs[1], call->hooks);
}

/* Result and both input gradients of unet_vjp, one after the other. */
typedef struct {
    size_t x, text, y; /* counts */
    float *dx, *dtext, *out;
} Result;

static Result result_new(const TinyUnet *t, Arena *arena)
{
    Result r = {tensor_count(t->x), tensor_count(t->text), tensor_count(t->dy), NULL, NULL, NULL};
    r.dx = arena_alloc(arena, r.x, sizeof(float));
    r.dtext = arena_alloc(arena, r.text, sizeof(float));
    r.out = arena_alloc(arena, r.y, sizeof(float));
    return r;
}

static Result vjp_of(const TinyUnet *t, const UnetHooks *hooks, bool checkpoint, Arena *keep)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .checkpoint = checkpoint};
    const Result r = result_new(t, keep);
    if (!CHECK(unet_vjp(r.out, r.dx, r.dtext, &tape, &t->net, t->x, t->timesteps, t->text, hooks,
                        t->dy->data) == STATUS_OK))
        printf("    %s\n", tape.error.text);
    CHECK(arena.used == 0 && tape.last == NULL && !tape.recording);
    arena_free(&arena);
    arena_free(&gradients);
    return r;
}

static bool same_result(const Result *a, const Result *b)
{
    return same_bits(a->out, b->out, a->y) && same_bits(a->dx, b->dx, a->x) &&
           same_bits(a->dtext, b->dtext, a->text);
}

static void test_the_result_has_the_shape_of_the_input(void)
{
    TinyUnet t;
    Arena arena = {0};
    tiny_unet_new(&t, TINY_UNET, 2, false);
    for (int H = 1; H < 7; H++) {
        Tape tape = {.arena = &arena};
        Tensor *x = any_tensor(&t.arena, 1, 4, 2, TINY_CHANNELS, H, 9 - H);
        const Tensor *y = unet(&tape, &t.net, x, t.timesteps, t.text, NULL);
        CHECK(y != NULL && tensor_same_shape(x, y));
    }
    arena_free(&arena);
    arena_free(&t.arena);
}

static void test_slopes(void)
{
    /* The step is larger where a parameter has little to say: the difference has to stand above rounding. */
    static const struct {
        const char *name;
        float step;
    } CHECKED[] = {{"conv_in.weight", 2e-3f},
                   {"time_embedding.linear_1.bias", 2e-3f},
                   {"time_embedding.linear_2.weight", 2e-3f},
                   {"down_blocks.0.downsamplers.0.conv.weight", 2e-3f},
                   {"down_blocks.1.resnets.1.conv2.weight", 2e-3f},
                   {"down_blocks.1.attentions.0.transformer_blocks.1.attn1.to_q.weight", 2e-2f},
                   {"mid_block.resnets.1.time_emb_proj.weight", 5e-2f},
                   {"mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight", 1e-1f},
                   {"up_blocks.0.upsamplers.0.conv.bias", 2e-3f},
                   {"up_blocks.1.resnets.2.conv_shortcut.weight", 2e-3f},
                   {"up_blocks.2.attentions.1.norm.bias", 2e-3f},
                   {"conv_norm_out.weight", 2e-3f},
                   {"conv_out.weight", 2e-3f}};
    TinyUnet t;
    tiny_unet_new(&t, TINY_UNET, 2, false);
    const Call call = {.net = &t.net, .timesteps = t.timesteps};
    Tensor *inputs[2] = {t.x, t.text};
    check_slope(run, &call, inputs, t.x, 2e-3f, 2e-3);
    check_slope(run, &call, inputs, t.text, 5e-3f, 2e-3);
    for (size_t i = 0; i < sizeof CHECKED / sizeof CHECKED[0]; i++)
        check_slope(run, &call, inputs, parameter(&t.weights, CHECKED[i].name), CHECKED[i].step, 3e-3);
    arena_free(&t.arena);
}

static void test_recording_and_checkpoints_change_no_bit(void)
{
    TinyUnet t;
    Arena arena = {0}, keep = {0};
    tiny_unet_new(&t, TINY_UNET, 2, false);
    Tape tape = {.arena = &arena};
    const Tensor *y = unet(&tape, &t.net, t.x, t.timesteps, t.text, NULL);
    const Result plain = vjp_of(&t, NULL, false, &keep), again = vjp_of(&t, NULL, true, &keep);
    CHECK(y != NULL && same_bits(y->data, plain.out, plain.y));
    CHECK(same_result(&plain, &again));
    arena_free(&arena);
    arena_free(&keep);
    arena_free(&t.arena);
}

/* unet_vjp is a tape, recorded and walked back. */
static void test_vjp_gives_the_gradients_of_the_tape(void)
{
    TinyUnet t;
    Arena arena = {0}, gradients = {0}, keep = {0};
    tiny_unet_new(&t, TINY_UNET, 2, false);
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    Tensor *x = tape_input(&tape, t.x->data, 4, t.x->dim, true);
    Tensor *text = tape_input(&tape, t.text->data, 3, t.text->dim, true);
    Tensor *y = unet(&tape, &t.net, x, t.timesteps, text, NULL);
    CHECK(y != NULL && tape_backward(&tape, y, t.dy->data) == STATUS_OK);
    const Result r = vjp_of(&t, NULL, false, &keep);
    CHECK(same_bits(r.dx, x->grad, r.x) && same_bits(r.dtext, text->grad, r.text));
    arena_free(&arena);
    arena_free(&gradients);
    arena_free(&keep);
    arena_free(&t.arena);
}

static void test_threads_change_no_bit(void)
{
    TinyUnet t;
    Arena keep = {0};
    tiny_unet_new(&t, TINY_UNET, 2, false);
    threads_set(1);
    const Result one = vjp_of(&t, NULL, false, &keep);
    for (int threads = 2; threads < 5; threads++) {
        threads_set(threads);
        const Result many = vjp_of(&t, NULL, false, &keep);
        CHECK(same_result(&one, &many));
    }
    threads_set(0);
    arena_free(&keep);
    arena_free(&t.arena);
}

/* The parameters' gradients, one after the other. */
static float *all_gradients(const Weights *w, Arena *keep)
{
    float *all = arena_alloc(keep, w->numbers, sizeof *all);
    size_t at = 0;
    for (const Parameter *p = w->first; p != NULL; p = p->next) {
        const size_t count = tensor_count(p->tensor);
        if (p->tensor->grad != NULL)
            memcpy(all + at, p->tensor->grad, count * sizeof *all);
        at += count;
    }
    return all;
}

/* A batch of N is N runs of one: results, input gradients, and parameter gradients added up. */
static void test_a_batch_is_its_samples(void)
{
    enum { BATCH = 3 };
    TinyUnet t;
    Arena keep = {0}, arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients};
    tiny_unet_new(&t, TINY_UNET, BATCH, true);
    const Result whole = vjp_of(&t, NULL, false, &keep);
    const float *summed = all_gradients(&t.weights, &keep);
    weights_zero_grad(&t.weights);
    const Result parts = result_new(&t, &keep);
    for (int n = 0; n < BATCH; n++) {
        const Tensor x = one_sample(t.x, n), text = one_sample(t.text, n), dy = one_sample(t.dy, n);
        CHECK(unet_vjp(parts.out + n * (parts.y / BATCH), parts.dx + n * (parts.x / BATCH),
                       parts.dtext + n * (parts.text / BATCH), &tape, &t.net, &x, t.timesteps + n, &text,
                       NULL, dy.data) == STATUS_OK);
    }
    CHECK(same_result(&whole, &parts));
    const float *added = all_gradients(&t.weights, &keep);
    CHECK(same_bits(summed, added, t.weights.numbers));
    weights_zero_grad(&t.weights);
    tape.checkpoint = true;
    CHECK(unet_vjp(NULL, NULL, NULL, &tape, &t.net, t.x, t.timesteps, t.text, NULL, t.dy->data) ==
          STATUS_OK);
    CHECK(same_bits(summed, all_gradients(&t.weights, &keep), t.weights.numbers));
    arena_free(&arena);
    arena_free(&gradients);
    arena_free(&keep);
    arena_free(&t.arena);
}

static void test_without_recording_memory_is_given_back(void)
{
    TinyUnet t;
    Arena arena = {0}, recorded = {0};
    tiny_unet_new(&t, TINY_UNET, 2, false);
    Tape tape = {.arena = &arena}, second = {.arena = &recorded, .recording = true};
    const Tensor *y = unet(&tape, &t.net, t.x, t.timesteps, t.text, NULL);
    CHECK(y != NULL && arena.used <= tensor_count(y) * sizeof(float) + sizeof *y + 2 * ARENA_ALIGN);
    t.x->wants_grad = true;
    CHECK(unet(&second, &t.net, t.x, t.timesteps, t.text, NULL) != NULL);
    CHECK(4 * arena.peak < recorded.peak);
    arena_free(&arena);
    arena_free(&recorded);
    arena_free(&t.arena);
}

static void refused(const TinyUnet *t, Tensor *x, Tensor *text, const char *part)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    CHECK(unet(&tape, &t->net, x, t->timesteps, text, NULL) == NULL);
    CHECK(tape.error.status == STATUS_SHAPE);
    CHECK_TEXT(tape.error.text, part);
    arena_free(&arena);
}

static void test_inputs_that_do_not_fit_are_refused(void)
{
    TinyUnet t;
    tiny_unet_new(&t, TINY_UNET, 2, false);
    refused(&t, t.x, NULL, "text of width 6");
    refused(&t, any_tensor(&t.arena, 1, 4, 2, 4, 8, 8), t.text, "expects (N,3,H,W)");
    refused(&t, any_tensor(&t.arena, 1, 3, 3, 8, 8), t.text, "input of shape (3,8,8)");
    refused(&t, t.x, any_tensor(&t.arena, 1, 3, 2, 3, 7), "expects (2,tokens,6)");
    refused(&t, t.x, any_tensor(&t.arena, 1, 3, 1, 3, 6), "text of shape (1,3,6)");
    arena_free(&t.arena);
}

typedef struct {
    int count;
    char name[200][80];
} Names;

static void note(void *context, const char *name, const Tensor *x)
{
    Names *n = context;
    (void)x;
    if (n->count < 200)
        snprintf(n->name[n->count++], sizeof n->name[0], "%s", name);
}

static void test_intermediates_have_the_names_of_diffusers(void)
{
    static const char *const WANT[] = {"time_proj",
                                       "time_embedding",
                                       "conv_in",
                                       "down_blocks.0.resnets.0",
                                       "down_blocks.0.downsamplers.0",
                                       "down_blocks.0",
                                       "down_blocks.1.attentions.1",
                                       "mid_block.resnets.1",
                                       "mid_block",
                                       "up_blocks.0.upsamplers.0",
                                       "up_blocks.2",
                                       "conv_norm_out",
                                       "conv_out"};
    TinyUnet t;
    Names names = {0};
    Arena arena = {0};
    tiny_unet_new(&t, TINY_UNET, 1, false);
    Tape tape = {.arena = &arena, .observe = note, .observer = &names};
    CHECK(unet(&tape, &t.net, t.x, t.timesteps, t.text, NULL) != NULL);
    int at = 0;
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++) { /* in this order, others between */
        while (at < names.count && strcmp(names.name[at], WANT[i]) != 0)
            at++;
        if (!CHECK(at < names.count))
            printf("    %s\n", WANT[i]);
    }
    arena_free(&arena);
    arena_free(&t.arena);
}

/* Middle blocks of one residual block and of none, a text in every attention, a picture in [0,1]. */
static void test_other_settings(void)
{
    static const char *const REST =
        "\"in_channels\": 3, \"out_channels\": 3, \"block_out_channels\": [4, 6], \"norm_num_groups\": 2,"
        "\"layers_per_block\": 1, \"attention_head_dim\": 2, \"cross_attention_dim\": 6,"
        "\"down_block_types\": [\"CrossAttnDownBlock2D\", \"DownBlock2D\"],"
        "\"up_block_types\": [\"UpBlock2D\", \"CrossAttnUpBlock2D\"]}";
    static const char *const SETTINGS[] = {
        "\"use_linear_projection\": false", "\"mid_block_type\": \"UNetMidBlock2D\"",
        "\"mid_block_type\": null",         "\"only_cross_attention\": true",
        "\"center_input_sample\": true",    "\"freq_shift\": 1",
        "\"flip_sin_to_cos\": false",       "\"mid_block_scale_factor\": 1.5",
        "\"downsample_padding\": 0",        "\"conv_out_kernel\": 1",
        "\"time_embedding_dim\": 10",       "\"norm_eps\": 0.5"};
    enum { COUNT = sizeof SETTINGS / sizeof SETTINGS[0] };
    Arena keep = {0};
    Result result[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char json[1000];
        TinyUnet t;
        snprintf(json, sizeof json, "{%s, %s", SETTINGS[i], REST);
        tiny_unet_new(&t, json, 1, false);
        result[i] = vjp_of(&t, NULL, false, &keep);
        for (int k = 0; k < i; k++) /* no setting is without effect */
            CHECK(!same_bits(result[i].out, result[k].out, result[i].y));
        const Call call = {.net = &t.net, .timesteps = t.timesteps};
        check_slope(run, &call, (Tensor *[2]){t.x, t.text}, t.x, 1e-3f, 5e-3);
        arena_free(&t.arena);
    }
    arena_free(&keep);
}

typedef struct {
    TinyUnet t;
    Arena arena, gradients;
    Result r;
} Attempt;

static Status run_vjp(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena, .gradients = &a->gradients, .checkpoint = true};
    const Status status = unet_vjp(a->r.out, a->r.dx, a->r.dtext, &tape, &a->t.net, a->t.x, a->t.timesteps,
                                   a->t.text, NULL, a->t.dy->data);
    arena_release(&a->gradients, (ArenaMark){0});
    CHECK(a->arena.used == 0);
    return status;
}

static Status load(void *context)
{
    Attempt *a = context;
    Unet net;
    Error err = {0};
    Weights w = weights_create(&a->arena, 1);
    unet_load(&net, &a->t.config, &w, "");
    const Status status = weights_finish(&w, &err);
    arena_release(&a->arena, (ArenaMark){0});
    return status;
}

static void test_failing_allocations(void)
{
    Attempt a = {0};
    Arena keep = {0};
    tiny_unet_new(&a.t, TINY_UNET, 1, false);
    a.r = result_new(&a.t, &keep);
    check_allocations(load, &a, &a.arena);
    check_allocations(run_vjp, &a, &a.arena);
    check_allocations(run_vjp, &a, &a.gradients);
    arena_free(&a.arena);
    arena_free(&a.gradients);
    arena_free(&keep);
    arena_free(&a.t.arena);
}

int main(void)
{
    test_the_result_has_the_shape_of_the_input();
    test_slopes();
    test_recording_and_checkpoints_change_no_bit();
    test_vjp_gives_the_gradients_of_the_tape();
    test_threads_change_no_bit();
    test_a_batch_is_its_samples();
    test_without_recording_memory_is_given_back();
    test_inputs_that_do_not_fit_are_refused();
    test_intermediates_have_the_names_of_diffusers();
    test_other_settings();
    test_failing_allocations();
    return check_report("unet");
}
