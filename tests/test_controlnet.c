#include "diffusion/controlnet.h"

#include "nn/elementwise.h"
#include "tests/plain_layers.h"
#include "tests/tiny_control.h"

typedef struct {
    const Unet *unet;
    const ControlNet *net;
    const float *timesteps;
    ControlOptions options;
} Call;

enum { X, TEXT, PICTURE };

/* The U-Net steered by the ControlNet: every gradient of the whole. */
static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Call *call = context;
    ControlResiduals r;
    UnetHooks *hooks = tape_alloc(tape, 1, sizeof *hooks); /* lives until the walk back */
    Tensor *condition = controlnet_condition(tape, call->net, inputs[PICTURE]);
    if (hooks == NULL || !controlnet(&r, tape, call->net, inputs[X], call->timesteps, inputs[TEXT],
                                     condition, call->options))
        return NULL;
    *hooks = (UnetHooks){0};
    control_residuals_hook(hooks, &r);
    return unet(tape, call->unet, inputs[X], call->timesteps, inputs[TEXT], hooks);
}

static bool residuals(ControlResiduals *r, Tape *tape, const TinyUnet *u, const TinyControl *t,
                      ControlOptions options)
{
    return controlnet(r, tape, &t->net, u->x, u->timesteps, u->text,
                      controlnet_condition(tape, &t->net, t->picture), options);
}

static void test_it_starts_as_the_plain_network(void)
{
    TinyUnet u;
    TinyControl t;
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    ControlResiduals r;
    tiny_unet_new(&u, TINY_UNET, 2, false);
    tiny_control_new(&t, "", 2, false);
    CHECK(residuals(&r, &tape, &u, &t, (ControlOptions){.scale = 1.0f}));
    CHECK(r.count == TINY_SKIPS);
    for (int i = 0; i <= r.count; i++) {
        const Tensor *x = i < r.count ? r.down[i] : r.mid;
        for (size_t k = 0; k < tensor_count(x); k++)
            CHECK(x->data[k] == 0.0f);
    }
    const Call call = {&u.net, &t.net, u.timesteps, {.scale = 1.0f}};
    const Tensor *plain = unet(&tape, &u.net, u.x, u.timesteps, u.text, NULL);
    const Tensor *steered = run(&tape, &call, (Tensor *[]){u.x, u.text, t.picture});
    CHECK(same_bits(plain->data, steered->data, tensor_count(plain)));
    scramble(&t.weights, 52);
    steered = run(&tape, &call, (Tensor *[]){u.x, u.text, t.picture});
    CHECK(!same_bits(plain->data, steered->data, tensor_count(plain)));
    arena_free(&arena);
    arena_free(&t.arena);
    arena_free(&u.arena);
}

/* In the first step the zero convolutions alone get a gradient, and it is not zero. */
static void test_zero_convolutions_learn_first(void)
{
    TinyUnet u;
    TinyControl t;
    Arena arena = {0}, gradients = {0};
    tiny_unet_new(&u, TINY_UNET, 1, false);
    tiny_control_new(&t, "", 1, true);
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    const Call call = {&u.net, &t.net, u.timesteps, {.scale = 1.0f}};
    CHECK(tape_backward(&tape, run(&tape, &call, (Tensor *[]){u.x, u.text, t.picture}), u.dy->data) ==
          STATUS_OK);
    for (const Parameter *p = t.weights.first; p != NULL; p = p->next) {
        bool moves = false;
        for (size_t i = 0; i < tensor_count(p->tensor); i++)
            moves = moves || p->tensor->grad[i] != 0.0f;
        const bool zero = strncmp(p->name, "controlnet_down_blocks.", 23) == 0 ||
                          strncmp(p->name, "controlnet_mid_block.", 21) == 0;
        if (!CHECK(moves == zero))
            printf("    %s\n", p->name);
    }
    arena_free(&arena);
    arena_free(&gradients);
    arena_free(&t.arena);
    arena_free(&u.arena);
}

static void test_gradients_are_slopes(void)
{
    static const char *const PARAMETERS[] = {"controlnet_cond_embedding.conv_in.weight",
                                             "controlnet_cond_embedding.blocks.0.weight",
                                             "controlnet_cond_embedding.blocks.1.bias",
                                             "controlnet_cond_embedding.conv_out.weight",
                                             "controlnet_down_blocks.0.weight",
                                             "controlnet_down_blocks.6.bias",
                                             "controlnet_mid_block.weight",
                                             "conv_in.weight",
                                             "time_embedding.linear_2.weight",
                                             "mid_block.resnets.1.conv2.weight"};
    TinyUnet u;
    TinyControl t;
    tiny_unet_new(&u, TINY_UNET, 2, false);
    tiny_control_new(&t, "", 2, false);
    scramble(&t.weights, 52);
    const Call call = {&u.net, &t.net, u.timesteps, {.scale = 0.5f}};
    Tensor *const inputs[] = {u.x, u.text, t.picture};
    for (size_t i = 0; i < sizeof PARAMETERS / sizeof PARAMETERS[0]; i++)
        check_slope(run, &call, inputs, parameter(&t.weights, PARAMETERS[i]), 1.6e-2f, 5e-3);
    for (int i = 0; i < 3; i++)
        check_slope(run, &call, inputs, inputs[i], 4e-3f, 5e-3);
    arena_free(&t.arena);
    arena_free(&u.arena);
}

/* One picture for two samples: as two equal ones, and its gradient is the sum of theirs. */
static void test_one_picture_serves_a_batch(void)
{
    TinyUnet u;
    TinyControl t;
    Arena arena = {0};
    tiny_unet_new(&u, TINY_UNET, 2, false);
    tiny_control_new(&t, "", 2, false);
    scramble(&t.weights, 52);
    const size_t half = tensor_sample(t.picture);
    memcpy(t.picture->data + half, t.picture->data, half * sizeof(float));
    Tensor one = one_sample(t.picture, 0);
    const Call call = {&u.net, &t.net, u.timesteps, {.scale = 1.0f}};
    Tape tape = {.arena = &arena};
    const Tensor *two = run(&tape, &call, (Tensor *[]){u.x, u.text, t.picture});
    const Tensor *shared = run(&tape, &call, (Tensor *[]){u.x, u.text, &one});
    CHECK(same_bits(two->data, shared->data, tensor_count(two)));
    check_slope(run, &call, (Tensor *[]){u.x, u.text, &one}, &one, 2e-2f, 5e-3);
    arena_free(&arena);
    arena_free(&t.arena);
    arena_free(&u.arena);
}

static void test_a_batch_is_its_samples(void)
{
    TinyUnet u;
    TinyControl t;
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    ControlResiduals both, alone;
    tiny_unet_new(&u, TINY_UNET, 2, false);
    tiny_control_new(&t, "", 2, false);
    scramble(&t.weights, 52);
    CHECK(residuals(&both, &tape, &u, &t, (ControlOptions){.scale = 0.7f, .guess_mode = true}));
    for (int n = 0; n < 2; n++) {
        Tensor x = one_sample(u.x, n), text = one_sample(u.text, n), picture = one_sample(t.picture, n);
        CHECK(controlnet(&alone, &tape, &t.net, &x, u.timesteps + n, &text,
                         controlnet_condition(&tape, &t.net, &picture),
                         (ControlOptions){.scale = 0.7f, .guess_mode = true}));
        for (int i = 0; i <= both.count; i++) {
            const Tensor *all = i < both.count ? both.down[i] : both.mid;
            const Tensor *own = i < both.count ? alone.down[i] : alone.mid;
            CHECK(same_bits(all->data + (size_t)n * tensor_sample(all), own->data, tensor_count(own)));
        }
    }
    arena_free(&arena);
    arena_free(&t.arena);
    arena_free(&u.arena);
}

/* Zero convolutions with bias 1 give the gains themselves: 7 skips and the middle, 10^(-1 + i/7). */
static void test_gains_by_hand(void)
{
    static const double WANT[TINY_SKIPS + 1] = {0.1,        0.13894955, 0.19306977, 0.26826958,
                                                0.37275937, 0.51794747, 0.71968567, 1.0};
    TinyUnet u;
    TinyControl t;
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    ControlResiduals r;
    tiny_unet_new(&u, TINY_UNET, 1, false);
    tiny_control_new(&t, "", 1, false);
    for (const Parameter *p = t.weights.first; p != NULL; p = p->next)
        if (strncmp(p->name, "controlnet_down_blocks.", 23) == 0 ||
            strncmp(p->name, "controlnet_mid_block.", 21) == 0)
            for (size_t i = 0; strstr(p->name, "bias") != NULL && i < tensor_count(p->tensor); i++)
                p->tensor->data[i] = 1.0f;
    for (int guess = 0; guess < 2; guess++) {
        CHECK(residuals(&r, &tape, &u, &t, (ControlOptions){.scale = 0.5f, .guess_mode = guess == 1}));
        for (int i = 0; i <= TINY_SKIPS; i++) {
            const Tensor *x = i < TINY_SKIPS ? r.down[i] : r.mid;
            const double want = guess == 1 ? 0.5 * WANT[i] : 0.5;
            for (size_t k = 0; k < tensor_count(x); k++)
                CHECK_NEAR(x->data[k], want, 1e-7);
        }
    }
    arena_free(&arena);
    arena_free(&t.arena);
    arena_free(&u.arena);
}

/* The condition's five convolutions one after the other, in binary64. */
static void test_the_condition_by_the_formula(void)
{
    enum { H = 2 * TINY_H, W = 2 * TINY_W };
    TinyControl t;
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    tiny_control_new(&t, "", 1, false);
    scramble(&t.weights, 52);
    const ControlNet *net = &t.net;
    double *p = plain_copy(t.picture->data, tensor_count(t.picture));
    double *a = plain_conv2d(p, &net->cond_in, 1, TINY_PICTURE, H, W, 1, 1, H, W);
    plain_silu(a, 3 * H * W);
    double *b = plain_conv2d(a, &net->cond_block[0], 1, 3, H, W, 1, 1, H, W);
    plain_silu(b, 3 * H * W);
    double *c = plain_conv2d(b, &net->cond_block[1], 1, 3, H, W, 2, 1, TINY_H, TINY_W);
    plain_silu(c, 5 * TINY_H * TINY_W);
    double *want = plain_conv2d(c, &net->cond_out, 1, 5, TINY_H, TINY_W, 1, 1, TINY_H, TINY_W);
    CHECK(furthest(controlnet_condition(&tape, net, t.picture), want, 4 * TINY_H * TINY_W) < 1e-5);
    free(p);
    free(a);
    free(b);
    free(c);
    free(want);
    arena_free(&arena);
    arena_free(&t.arena);
}

static void test_channel_order(void)
{
    TinyUnet u;
    TinyControl rgb, bgr;
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    tiny_unet_new(&u, TINY_UNET, 1, false);
    tiny_control_new(&rgb, "", 1, false);
    tiny_control_new(&bgr, ", \"controlnet_conditioning_channel_order\": \"bgr\"", 1, false);
    scramble(&rgb.weights, 52);
    scramble(&bgr.weights, 52);
    const size_t plane = 4 * TINY_H * TINY_W;
    memcpy(bgr.picture->data, rgb.picture->data + plane, plane * sizeof(float));
    memcpy(bgr.picture->data + plane, rgb.picture->data, plane * sizeof(float));
    const Tensor *a = controlnet_condition(&tape, &rgb.net, rgb.picture);
    const Tensor *b = controlnet_condition(&tape, &bgr.net, bgr.picture);
    const Tensor *c = controlnet_condition(&tape, &bgr.net, rgb.picture);
    CHECK(same_bits(a->data, b->data, tensor_count(a)));
    CHECK(!same_bits(a->data, c->data, tensor_count(a)));
    arena_free(&arena);
    arena_free(&rgb.arena);
    arena_free(&bgr.arena);
    arena_free(&u.arena);
}

static void test_pooled_conditions(void)
{
    TinyUnet u;
    TinyControl t, pooled;
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    ControlResiduals r, p;
    tiny_unet_new(&u, TINY_UNET, 2, false);
    tiny_control_new(&t, "", 2, false);
    tiny_control_new(&pooled, ", \"global_pool_conditions\": true", 2, false);
    scramble(&t.weights, 52);
    scramble(&pooled.weights, 52);
    CHECK(residuals(&r, &tape, &u, &t, (ControlOptions){.scale = 0.5f}));
    CHECK(residuals(&p, &tape, &u, &pooled, (ControlOptions){.scale = 0.5f, .guess_mode = true}));
    for (int i = 0; i <= r.count; i++) {
        const Tensor *x = i < r.count ? r.down[i] : r.mid, *y = i < r.count ? p.down[i] : p.mid;
        const size_t pixels = tensor_positions(x);
        CHECK(tensor_same_shape(x, y));
        for (size_t row = 0; row < tensor_count(x) / pixels; row++) {
            double sum = 0.0;
            for (size_t k = 0; k < pixels; k++)
                sum += x->data[row * pixels + k];
            for (size_t k = 0; k < pixels; k++)
                CHECK_NEAR(y->data[row * pixels + k], sum / (double)pixels, 1e-6);
        }
    }
    const Call call = {&u.net, &pooled.net, u.timesteps, {.scale = 0.5f}};
    check_slope(run, &call, (Tensor *[]){u.x, u.text, pooled.picture},
                parameter(&pooled.weights, "controlnet_down_blocks.3.weight"), 1.6e-2f, 5e-3);
    arena_free(&arena);
    arena_free(&t.arena);
    arena_free(&pooled.arena);
    arena_free(&u.arena);
}

static void test_several_are_added(void)
{
    TinyUnet u;
    TinyControl t;
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    ControlResiduals a, b, sum = {0};
    tiny_unet_new(&u, TINY_UNET, 1, false);
    tiny_control_new(&t, "", 1, false);
    scramble(&t.weights, 52);
    CHECK(residuals(&a, &tape, &u, &t, (ControlOptions){.scale = 1.0f}));
    CHECK(residuals(&b, &tape, &u, &t, (ControlOptions){.scale = -0.25f}));
    CHECK(control_residuals_add(&sum, &tape, &a));
    const ControlResiduals first = sum;
    CHECK(first.down[0] == a.down[0] && first.mid == a.mid);
    sum = (ControlResiduals){0};
    ControlResiduals copy = a;
    copy.down = arena_alloc(&arena, (size_t)a.count, sizeof *copy.down);
    memcpy(copy.down, a.down, (size_t)a.count * sizeof *copy.down);
    CHECK(control_residuals_add(&sum, &tape, &copy) && control_residuals_add(&sum, &tape, &b));
    for (size_t k = 0; k < tensor_count(a.mid); k++)
        CHECK(sum.mid->data[k] == a.mid->data[k] + b.mid->data[k]);
    for (size_t k = 0; k < tensor_count(a.down[3]); k++)
        CHECK(sum.down[3]->data[k] == a.down[3]->data[k] + b.down[3]->data[k]);
    b.count--;
    CHECK(!control_residuals_add(&sum, &tape, &b) && tape.error.status == STATUS_SHAPE);
    CHECK_TEXT(tape.error.text, "ControlNets of 7 and of 6 residuals");
    tape.error = (Error){0};
    b.count++;
    b.mid = any_tensor(&arena, 1, 4, 1, 8, 1, 1); /* would broadcast */
    CHECK(!control_residuals_add(&sum, &tape, &b));
    CHECK_TEXT(tape.error.text, "(1,8,1,1)");
    arena_free(&arena);
    arena_free(&t.arena);
    arena_free(&u.arena);
}

static void test_the_unet_is_copied(void)
{
    TinyUnet u, other;
    TinyControl t;
    Arena arena = {0};
    Error err = {0};
    Tape tape = {.arena = &arena};
    UnetEncoding own, copied;
    tiny_unet_new(&u, TINY_UNET, 1, false);
    tiny_control_new(&t, "", 1, false);
    const float *cond = parameter(&t.weights, "controlnet_cond_embedding.conv_in.weight")->data;
    const float before = cond[3];
    CHECK(controlnet_copy_unet(&t.weights, &u.weights, &err) == STATUS_OK);
    CHECK(cond[3] == before);
    CHECK(unet_encode(&own, &tape, &u.net.encoder, u.x, u.timesteps, u.text, NULL, NULL));
    CHECK(unet_encode(&copied, &tape, &t.net.encoder, u.x, u.timesteps, u.text, NULL, NULL));
    CHECK(same_bits(own.mid->data, copied.mid->data, tensor_count(own.mid)));
    for (int i = 0; i < TINY_SKIPS; i++)
        CHECK(same_bits(own.skip[i]->data, copied.skip[i]->data, tensor_count(own.skip[i])));

    char json[1000];
    snprintf(json, sizeof json, "{\"norm_eps\": 1e-5, \"conv_in_kernel\": 5, %s", TINY_UNET + 1);
    tiny_unet_new(&other, json, 1, false);
    const float kept = t.net.encoder.time1.weight->data[0];
    other.net.encoder.time1.weight->data[0] = kept + 1.0f;
    CHECK(controlnet_copy_unet(&t.weights, &other.weights, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "the ControlNet's conv_in.weight is (4,3,3,3), the U-Net's is (4,3,5,5)");
    CHECK(t.net.encoder.time1.weight->data[0] == kept);
    arena_free(&arena);
    arena_free(&t.arena);
    arena_free(&u.arena);
    arena_free(&other.arena);
}

static void refused(const TinyControl *t, Tensor *x, Tensor *text, Tensor *picture, const char *part)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const float times[2] = {1.0f, 2.0f};
    ControlResiduals r = {.count = -1};
    CHECK(!controlnet(&r, &tape, &t->net, x, times, text, controlnet_condition(&tape, &t->net, picture),
                      (ControlOptions){.scale = 1.0f}));
    CHECK(tape.error.status == STATUS_SHAPE && r.count == -1);
    CHECK_TEXT(tape.error.text, part);
    arena_free(&arena);
}

static void test_what_does_not_fit_is_refused(void)
{
    TinyUnet u;
    TinyControl t;
    Arena a = {0};
    tiny_unet_new(&u, TINY_UNET, 2, false);
    tiny_control_new(&t, "", 2, false);
    refused(&t, u.x, u.text, any_tensor(&a, 1, 4, 2, 3, 10, 14), "the ControlNet expects (N,2,H,W)");
    refused(&t, u.x, u.text, any_tensor(&a, 1, 3, 2, 10, 14), "condition of shape (2,10,14)");
    refused(&t, u.x, u.text, any_tensor(&a, 1, 4, 2, 2, 5, 7), "2 times as wide and high as the latent");
    refused(&t, u.x, u.text, any_tensor(&a, 1, 4, 3, 2, 10, 14), "for a latent (2,3,5,7)");
    refused(&t, u.x, any_tensor(&a, 1, 3, 2, 3, 5), t.picture, "text of shape (2,3,5)");
    refused(&t, any_tensor(&a, 1, 4, 2, 4, 5, 7), u.text, t.picture, "(N,3,H,W)");
    refused(&t, any_tensor(&a, 1, 2, 2, 4), u.text, t.picture, "latent (2,4)");
    arena_free(&a);
    arena_free(&t.arena);
    arena_free(&u.arena);
}

typedef struct {
    Arena arena, gradients;
    const TinyUnet *u;
    const TinyControl *t;
} Again;

static Status load_again(void *context)
{
    Again *a = context;
    ControlNet net;
    Weights w = weights_create(&a->arena, 1);
    controlnet_load(&net, &a->t->config, &w, "");
    const Status status = weights_finish(&w, NULL);
    arena_free(&a->arena);
    return status;
}

/* There and back without the U-Net, from the middle's residual. */
static Status run_again(void *context)
{
    Again *a = context;
    Tape tape = {.arena = &a->arena, .gradients = &a->gradients, .recording = true};
    ControlResiduals r;
    const bool good = residuals(&r, &tape, a->u, a->t, (ControlOptions){.scale = 1.0f});
    const Status status = good ? tape_backward(&tape, r.mid, NULL) : tape.error.status;
    arena_free(&a->arena);
    arena_free(&a->gradients);
    return status;
}

static void test_failing_allocations(void)
{
    TinyUnet u;
    TinyControl t;
    tiny_unet_new(&u, TINY_UNET, 1, false);
    tiny_control_new(
        &t, ", \"global_pool_conditions\": true, \"controlnet_conditioning_channel_order\": \"bgr\"", 1,
        true);
    Again a = {.u = &u, .t = &t};
    check_allocations(load_again, &a, &a.arena);
    check_allocations(run_again, &a, &a.arena);
    check_allocations(run_again, &a, &a.gradients);
    arena_free(&t.arena);
    arena_free(&u.arena);
}

/* Checkpointed, the same gradients; the condition's convolutions run once. */
static void test_checkpoints_change_no_bit(void)
{
    TinyUnet u;
    TinyControl t[2];
    tiny_unet_new(&u, TINY_UNET, 2, false);
    for (int k = 0; k < 2; k++) {
        Arena arena = {0}, gradients = {0};
        Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true, .checkpoint = k == 1};
        tiny_control_new(&t[k], "", 2, true);
        scramble(&t[k].weights, 52);
        const Call call = {&u.net, &t[k].net, u.timesteps, {.scale = 1.0f}};
        CHECK(tape_backward(&tape, run(&tape, &call, (Tensor *[]){u.x, u.text, t[k].picture}),
                            u.dy->data) == STATUS_OK);
        arena_free(&arena);
        arena_free(&gradients);
    }
    const Parameter *q = t[1].weights.first;
    for (const Parameter *p = t[0].weights.first; p != NULL; p = p->next, q = q->next)
        CHECK(same_bits(p->tensor->grad, q->tensor->grad, tensor_count(p->tensor)));
    arena_free(&t[0].arena);
    arena_free(&t[1].arena);
    arena_free(&u.arena);
}

int main(void)
{
    test_it_starts_as_the_plain_network();
    test_zero_convolutions_learn_first();
    test_gradients_are_slopes();
    test_one_picture_serves_a_batch();
    test_a_batch_is_its_samples();
    test_gains_by_hand();
    test_the_condition_by_the_formula();
    test_channel_order();
    test_pooled_conditions();
    test_several_are_added();
    test_the_unet_is_copied();
    test_what_does_not_fit_is_refused();
    test_failing_allocations();
    test_checkpoints_change_no_bit();
    return check_report("controlnet");
}
