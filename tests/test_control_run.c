#include "diffusion/control_run.h"

#include "tests/tiny_control.h"

enum { IMAGES = 2, CONDITIONS = 2, ROWS = IMAGES * CONDITIONS };

typedef struct {
    TinyUnet u;
    TinyControl a, b;
    Control control[2];
    ControlBatch batch;
} Fixture;

static void fixture_new(Fixture *f, const char *more)
{
    tiny_unet_new(&f->u, TINY_UNET, ROWS, false);
    tiny_control_new(&f->a, more, 1, false);
    tiny_control_new(&f->b, "", IMAGES, false);
    scramble(&f->a.weights, 52);
    scramble(&f->b.weights, 54);
    f->control[0] = (Control){&f->a.net, f->a.picture->data, 1, 0.5f, 0.0, 1.0};
    f->control[1] = (Control){&f->b.net, f->b.picture->data, IMAGES, 1.0f, 0.25, 0.75};
    f->batch = (ControlBatch){IMAGES, CONDITIONS, TINY_H, TINY_W};
}

static void fixture_free(Fixture *f)
{
    arena_free(&f->u.arena);
    arena_free(&f->a.arena);
    arena_free(&f->b.arena);
}

/* What enters the network at call `call` of 8, of which the first was left out. */
static UnetHooks hooks_at(Fixture *f, int count, bool guess, int call, Arena *arena)
{
    ControlRun run;
    UnetHooks hooks = {0};
    Error err = {0};
    Tape tape = {.arena = arena};
    const SamplerRun loop = {.calls = 9, .first = 1};
    const float times[ROWS] = {7.0f, 17.0f, 27.0f, 37.0f};
    CHECK(control_run_begin(&run, f->control, count, guess, f->batch, arena, &err) == STATUS_OK);
    CHECK(control_run_before(&run, &loop, call + 1, NULL, &err) == STATUS_OK);
    CHECK(run.call == call && run.calls == 8);
    control_run_steer(&run, &tape, &hooks, f->u.x, times, f->u.text, CONDITIONS);
    CHECK(tape.error.status == STATUS_OK);
    return hooks;
}

/* Row `row` of one ControlNet's residual i, computed alone. */
static const float *alone(Fixture *f, const Control *c, bool guess, int row, int i, Arena *arena)
{
    Tape tape = {.arena = arena};
    ControlResiduals r;
    Tensor x = one_sample(f->u.x, row), text = one_sample(f->u.text, row);
    const int picture = c->pictures == 1 ? 0 : row % IMAGES;
    const size_t size = 4 * TINY_PICTURE * TINY_H * TINY_W;
    Tensor p = *f->a.picture;
    const float time = 7.0f + 10.0f * (float)row;
    p.data = (float *)(size_t)(c->picture + (size_t)picture * size);
    CHECK(controlnet(&r, &tape, c->net, &x, &time, &text, controlnet_condition(&tape, c->net, &p),
                     (ControlOptions){.scale = c->scale, .guess_mode = guess}));
    return i < r.count ? r.down[i]->data : r.mid->data;
}

/* Call 0 of 8 has the first ControlNet alone; calls 2 to 5 have both; 6 and 7 the first again. */
static void test_each_is_on_in_its_share_of_the_run(void)
{
    Fixture f;
    fixture_new(&f, "");
    for (int call = 0; call < 8; call++) {
        Arena arena = {0};
        const bool both = call >= 2 && call <= 5;
        const UnetHooks hooks = hooks_at(&f, 2, false, call, &arena);
        CHECK(hooks.down_residual_count == TINY_SKIPS);
        for (int row = 0; row < ROWS; row++)
            for (int i = 0; i <= TINY_SKIPS; i += TINY_SKIPS) { /* the first and the middle */
                const Tensor *got = i < TINY_SKIPS ? hooks.down_residuals[i] : hooks.mid_residual;
                const float *a = alone(&f, &f.control[0], false, row, i, &arena);
                const float *b = alone(&f, &f.control[1], false, row, i, &arena);
                for (size_t k = 0; k < tensor_sample(got); k++) {
                    const float want = both ? a[k] + b[k] : a[k];
                    CHECK(got->data[(size_t)row * tensor_sample(got) + k] == want);
                }
            }
        arena_free(&arena);
    }
    f.control[0].start = 0.5;
    Arena arena = {0};
    const UnetHooks none = hooks_at(&f, 1, false, 0, &arena);
    CHECK(none.down_residuals == NULL && none.down_residual_count == 0 && none.mid_residual == NULL);
    arena_free(&arena);
    fixture_free(&f);
}

/* Zeros for the rows of the negative prompt; those of the prompt as if it were alone. */
static void test_guess_mode_leaves_the_negative_prompt(void)
{
    for (int pooled = 0; pooled < 2; pooled++) { /* which means guess mode, too */
        Fixture f;
        Arena arena = {0};
        fixture_new(&f, pooled ? ", \"global_pool_conditions\": true" : "");
        const UnetHooks hooks = hooks_at(&f, 1, !pooled, 3, &arena);
        for (int row = 0; row < ROWS; row++)
            for (int i = 0; i <= TINY_SKIPS; i++) {
                const Tensor *got = i < TINY_SKIPS ? hooks.down_residuals[i] : hooks.mid_residual;
                const float *want = alone(&f, &f.control[0], true, row, i, &arena);
                CHECK(got->dim[0] == ROWS);
                for (size_t k = 0; k < tensor_sample(got); k++)
                    CHECK(got->data[(size_t)row * tensor_sample(got) + k] ==
                          (row < IMAGES ? 0.0f : want[k]));
            }
        arena_free(&arena);
        fixture_free(&f);
    }
}

/* Channels behind the latent's (inpainting) are not for the ControlNet. */
static void test_channels_behind_the_latent_are_not_seen(void)
{
    Fixture f;
    Arena arena = {0};
    fixture_new(&f, "");
    const UnetHooks want = hooks_at(&f, 2, false, 3, &arena);
    Tensor *narrow = f.u.x, *wide = any_tensor(&arena, 9, 4, ROWS, TINY_CHANNELS + 2, TINY_H, TINY_W);
    const size_t own = tensor_sample(narrow);
    for (int n = 0; n < ROWS; n++)
        memcpy(wide->data + (size_t)n * tensor_sample(wide), narrow->data + (size_t)n * own,
               own * sizeof(float));
    f.u.x = wide;
    const UnetHooks got = hooks_at(&f, 2, false, 3, &arena);
    CHECK(same_bits(got.mid_residual->data, want.mid_residual->data, tensor_count(want.mid_residual)));
    arena_free(&arena);
    fixture_free(&f);
}

static const char *const ADAPTER =
    "{\"in_channels\": 2, \"channels\": [4, 6], \"num_res_blocks\": 1, \"downscale_factor\": 2}";

static void test_adapter_features_for_every_row(void)
{
    Arena arena = {0};
    Error err = {0};
    AdapterConfig c;
    T2iAdapter net;
    Weights w = weights_create(&arena, 5);
    AdapterFeatures f, one;
    Tape tape = {.arena = &arena};
    CHECK(t2i_adapter_config_read(&c, json_of(&arena, ADAPTER), "a", &arena, &err) == STATUS_OK);
    t2i_adapter_load(&net, &c, &w, "");
    scramble(&w, 6);
    const Tensor *own = any_tensor(&arena, 7, 4, IMAGES, 2, 4, 6),
                 *shared = any_tensor(&arena, 8, 4, 1, 2, 4, 6);
    const Adapter adapters[2] = {{&net, own->data, IMAGES, 4, 6, 0.5f},
                                 {&net, shared->data, 1, 4, 6, 2.0f}};
    const ControlBatch batch = {IMAGES, CONDITIONS, 2, 3};
    CHECK(adapter_run_features(&f, adapters, 2, batch, &arena, &err) == STATUS_OK && f.count == 2);
    for (int row = 0; row < ROWS; row++) {
        Tensor a = one_sample(own, row % IMAGES), b = *shared;
        CHECK(f.feature[1]->dim[0] == ROWS && t2i_adapter(&one, &tape, &net, &a));
        const float *first = one.feature[1]->data;
        CHECK(t2i_adapter(&one, &tape, &net, &b));
        const float *second = one.feature[1]->data;
        const size_t n = tensor_sample(f.feature[1]);
        for (size_t k = 0; k < n; k++) {
            const float p = 0.5f * first[k], q = 2.0f * second[k];
            CHECK(f.feature[1]->data[(size_t)row * n + k] == p + q);
        }
    }
    const Adapter bad = {&net, own->data, 3, 4, 6, 1.0f}, small = {&net, own->data, 1, 3, 6, 1.0f};
    CHECK(adapter_run_features(&f, &bad, 1, batch, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "adapter 0 has 3 pictures for 2 images");
    err = (Error){0};
    CHECK(adapter_run_features(&f, &small, 1, batch, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "sides that 2 divides");
    arena_free(&arena);
}

typedef struct {
    Fixture *f;
    Arena arena;
} Again;

static Status run_again(void *context)
{
    Again *a = context;
    ControlRun run = {0};
    UnetHooks hooks = {0};
    Error err = {0};
    Tape tape = {.arena = &a->arena};
    const float times[ROWS] = {1.0f, 1.0f, 1.0f, 1.0f};
    Status status = control_run_begin(&run, a->f->control, 2, true, a->f->batch, &a->arena, &err);
    if (status == STATUS_OK) {
        run.call = 2;
        run.calls = 8;
        control_run_steer(&run, &tape, &hooks, a->f->u.x, times, a->f->u.text, CONDITIONS);
        status = tape.error.status;
    }
    arena_free(&a->arena);
    return status;
}

static void test_refused_and_failing_allocations(void)
{
    Fixture f;
    Arena arena = {0};
    ControlRun run = {.count = -1};
    Error err = {0};
    fixture_new(&f, "");
    Again a = {.f = &f};
    check_allocations(run_again, &a, &a.arena);
    f.control[1].pictures = 3;
    CHECK(control_run_begin(&run, f.control, 2, false, f.batch, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "ControlNet 1 has 3 pictures for 2 images, expected 1 or 2");
    CHECK(run.count == -1);
    err = (Error){0};
    f.batch.conditions = 3;
    CHECK(control_run_begin(&run, f.control, 1, false, f.batch, &arena, &err) == STATUS_ARGUMENT);
    arena_free(&arena);
    fixture_free(&f);
}

int main(void)
{
    test_each_is_on_in_its_share_of_the_run();
    test_guess_mode_leaves_the_negative_prompt();
    test_channels_behind_the_latent_are_not_seen();
    test_adapter_features_for_every_row();
    test_refused_and_failing_allocations();
    return check_report("control_run");
}
