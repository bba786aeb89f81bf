#include "diffusion/unet_hooks.h"

#include "nn/elementwise.h"
#include "nn/linear.h"
#include "tests/tiny_unet.h"

typedef struct {
    const Unet *net;
    const float *timesteps;
    UnetHooks *hooks;
} Call;

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Call *call = context;
    return unet(tape, call->net, inputs[0], call->timesteps, inputs[1], call->hooks);
}

/* The plain result, in an arena. */
static const float *result(const TinyUnet *t, const UnetHooks *hooks, Arena *arena)
{
    Tape tape = {.arena = arena};
    const Tensor *y = unet(&tape, &t->net, t->x, t->timesteps, t->text, hooks);
    if (!CHECK(y != NULL)) {
        printf("    %s\n", tape.error.text);
        exit(1);
    }
    return y->data;
}

/* Shapes of the tiny network's skips: conv_in; down 0 and its down-sampling; two units of down 1 and its
 * down-sampling; down 2. */
enum { SKIPS = 7 };
static const int SKIP[SKIPS][3] = {{4, 5, 7}, {4, 5, 7}, {4, 3, 4}, {6, 3, 4},
                                   {6, 3, 4}, {6, 2, 2}, {8, 2, 2}};
static const int MID[3] = {8, 2, 2};
static const int FEATURE[4][3] = {{4, 3, 4}, {6, 3, 4}, {8, 2, 2}, {8, 2, 2}};

static Tensor *extra(TinyUnet *t, uint64_t seed, const int *shape)
{
    return any_tensor(&t->arena, seed, 4, t->N, shape[0], shape[1], shape[2]);
}

static void test_controlnet_residuals_reach_every_skip(void)
{
    TinyUnet t;
    Arena arena = {0};
    Tensor *residual[SKIPS];
    tiny_unet_new(&t, TINY_UNET, 1, false);
    for (int i = 0; i < SKIPS; i++)
        residual[i] = extra(&t, (uint64_t)(50 + i), SKIP[i]);
    UnetHooks hooks = {.down_residuals = residual, .down_residual_count = SKIPS};
    hooks.mid_residual = extra(&t, 60, MID);
    const size_t count = tensor_count(t.dy);
    CHECK(!same_bits(result(&t, NULL, &arena), result(&t, &hooks, &arena), count));
    const Call call = {&t.net, t.timesteps, &hooks};
    for (int i = 0; i < SKIPS; i++)
        check_slope(run, &call, (Tensor *[2]){t.x, t.text}, residual[i], 1e-2f, 3e-3);
    check_slope(run, &call, (Tensor *[2]){t.x, t.text}, hooks.mid_residual, 1e-2f, 3e-3);
    check_slope(run, &call, (Tensor *[2]){t.x, t.text}, t.x, 1e-3f, 5e-3);
    arena_free(&arena);
    arena_free(&t.arena);
}

static void test_residuals_are_added(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    Tensor *skip[2] = {any_tensor(&arena, 1, 4, 1, 2, 2, 2), any_tensor(&arena, 2, 4, 1, 3, 1, 1)};
    Tensor *residual[2] = {any_tensor(&arena, 3, 4, 1, 2, 2, 2), any_tensor(&arena, 4, 4, 1, 3, 1, 1)};
    Tensor *mid = any_tensor(&arena, 5, 4, 1, 3, 1, 1), *now[2] = {skip[0], skip[1]}, *now_mid = mid;
    const UnetHooks hooks = {
        .down_residuals = residual, .down_residual_count = 2, .mid_residual = residual[1]};
    hooks_add_residuals(&tape, &hooks, now, 2, &now_mid);
    for (int i = 0; i < 2; i++)
        for (size_t n = 0; n < tensor_count(skip[i]); n++)
            CHECK(now[i]->data[n] == skip[i]->data[n] + residual[i]->data[n]);
    CHECK(now_mid->data[2] == mid->data[2] + residual[1]->data[2]);
    arena_free(&arena);
}

static void test_residuals_of_zero_change_nothing(void)
{
    TinyUnet t;
    Arena arena = {0};
    Tensor *residual[SKIPS];
    tiny_unet_new(&t, TINY_UNET, 1, false);
    for (int i = 0; i < SKIPS; i++) {
        residual[i] = extra(&t, 1, SKIP[i]);
        memset(residual[i]->data, 0, tensor_count(residual[i]) * sizeof(float));
    }
    const UnetHooks hooks = {.down_residuals = residual, .down_residual_count = SKIPS}, none = {0};
    const size_t count = tensor_count(t.dy);
    const float *plain = result(&t, NULL, &arena);
    CHECK(same_bits(plain, result(&t, &hooks, &arena), count));
    CHECK(same_bits(plain, result(&t, &none, &arena), count));
    arena_free(&arena);
    arena_free(&t.arena);
}

static void test_adapter_features_reach_every_block(void)
{
    TinyUnet t;
    Arena arena = {0};
    Tensor *feature[4];
    tiny_unet_new(&t, TINY_UNET, 1, false);
    for (int i = 0; i < 4; i++)
        feature[i] = extra(&t, (uint64_t)(70 + i), FEATURE[i]);
    UnetHooks hooks = {.adapter_features = feature};
    const size_t count = tensor_count(t.dy);
    const float *before = result(&t, NULL, &arena);
    for (int i = 0; i < 4; i++) { /* one more feature each time is one more change */
        hooks.adapter_count = i + 1;
        const float *now = result(&t, &hooks, &arena);
        CHECK(!same_bits(before, now, count));
        before = now;
    }
    const Call call = {&t.net, t.timesteps, &hooks};
    for (int i = 0; i < 4; i++)
        check_slope(run, &call, (Tensor *[2]){t.x, t.text}, feature[i], 1e-2f, 3e-3);
    arena_free(&arena);
    arena_free(&t.arena);
}

static void refused(const TinyUnet *t, const UnetHooks *hooks, const char *part)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    CHECK(unet(&tape, &t->net, t->x, t->timesteps, t->text, hooks) == NULL);
    CHECK(tape.error.status == STATUS_SHAPE);
    CHECK_TEXT(tape.error.text, part);
    arena_free(&arena);
}

static void test_what_does_not_fit_is_refused(void)
{
    TinyUnet t;
    Tensor *residual[SKIPS], *feature[5];
    tiny_unet_new(&t, TINY_UNET, 1, false);
    for (int i = 0; i < SKIPS; i++)
        residual[i] = extra(&t, 1, SKIP[i]);
    for (int i = 0; i < 5; i++)
        feature[i] = extra(&t, 1, FEATURE[i < 4 ? i : 3]);
    UnetHooks hooks = {.down_residuals = residual, .down_residual_count = SKIPS - 1};
    refused(&t, &hooks, "6 ControlNet residuals for a U-Net with 7 skip connections");
    hooks.down_residual_count = SKIPS;
    residual[2] = extra(&t, 1, (const int[3]){4, 1, 1}); /* would broadcast */
    refused(&t, &hooks, "ControlNet residual 2 is (1,4,1,1), the U-Net has (1,4,3,4) there");
    hooks = (UnetHooks){.mid_residual = extra(&t, 1, (const int[3]){4, 2, 2})};
    refused(&t, &hooks, "middle residual");
    hooks = (UnetHooks){.adapter_features = feature, .adapter_count = 5};
    refused(&t, &hooks, "5 adapter features for a U-Net with 3 down blocks");
    feature[1] = extra(&t, 1, FEATURE[0]);
    hooks.adapter_count = 2;
    refused(&t, &hooks, "adapter feature 1");
    arena_free(&t.arena);
}

/* A low-rank increment to one layer, as LoRA makes it. */
typedef struct {
    const Affine *target;
    Tensor *down, *up; /* (r,in), (out,r) */
    int linears, convolutions;
} LowRank;

static Tensor *add_low_rank(void *context, Tape *tape, const Affine *layer, const Conv2dOptions *options,
                            Tensor *x, Tensor *y)
{
    LowRank *l = context;
    l->linears += options == NULL;
    l->convolutions += options != NULL;
    if (layer->weight != l->target->weight)
        return y;
    return add(tape, y, linear(tape, linear(tape, x, l->down, NULL), l->up, NULL));
}

static void test_low_rank_increments_are_merged_weights(void)
{
    enum { RANK = 2 };
    TinyUnet t;
    Arena arena = {0};
    tiny_unet_new(&t, TINY_UNET, 1, false);
    const Affine *target = &t.net.encoder.down[1].unit[0].attention.block[0].attn2.to_v;
    const int out = target->weight->dim[0], in = target->weight->dim[1];
    LowRank l = {.target = target};
    l.down = any_tensor(&t.arena, 80, 2, RANK, in);
    l.up = any_tensor(&t.arena, 81, 2, out, RANK);
    UnetHooks hooks = {.layer = add_low_rank, .layer_context = &l};
    const size_t count = tensor_count(t.dy);
    const float *plain = result(&t, NULL, &arena), *low = result(&t, &hooks, &arena);
    const Call call = {&t.net, t.timesteps, &hooks};
    CHECK(l.linears > 60 && l.convolutions > 30);
    CHECK(!same_bits(plain, low, count));
    check_slope(run, &call, (Tensor *[2]){t.x, t.text}, l.up, 1e-2f, 3e-3);
    for (int o = 0; o < out; o++)
        for (int i = 0; i < in; i++)
            for (int r = 0; r < RANK; r++)
                target->weight->data[o * in + i] += l.up->data[o * RANK + r] * l.down->data[r * in + i];
    const float *merged = result(&t, NULL, &arena);
    for (size_t i = 0; i < count; i++)
        CHECK_NEAR(low[i], merged[i], 2e-5);
    arena_free(&arena);
    arena_free(&t.arena);
}

/* Collects the cross-attention maps of a 3 x 4 grid. */
typedef struct {
    Tensor *map[16];
    int count;
} Maps;

static bool wants(void *context, const char *name, int queries)
{
    (void)context;
    return queries == 12 && strstr(name, "attn2") != NULL;
}

static Tensor *keep_map(void *context, Tape *tape, const char *name, Tensor *p)
{
    Maps *m = context;
    (void)tape;
    (void)name;
    if (m->count < 16)
        m->map[m->count++] = p;
    return p;
}

static void test_maps_change_no_bit(void)
{
    TinyUnet t;
    Arena arena = {0}, gradients = {0};
    Maps maps = {0};
    const UnetHooks hooks = {.wants_map = wants, .map = keep_map, .map_context = &maps};
    tiny_unet_new(&t, TINY_UNET, 1, false);
    const size_t count = tensor_count(t.dy), inputs = tensor_count(t.x);
    CHECK(same_bits(result(&t, NULL, &arena), result(&t, &hooks, &arena), count));
    CHECK(maps.count == 2 * 2 + 3 * 2); /* units times layers of down block 1 and of up block 1 */
    float *dx[4];
    for (int i = 0; i < 4; i++) {
        Tape tape = {.arena = &arena, .gradients = &gradients, .checkpoint = i % 2 == 1};
        maps.count = 0;
        dx[i] = arena_alloc(&t.arena, inputs, sizeof(float));
        CHECK(unet_vjp(NULL, dx[i], NULL, &tape, &t.net, t.x, t.timesteps, t.text, i < 2 ? NULL : &hooks,
                       t.dy->data) == STATUS_OK);
        CHECK(same_bits(dx[0], dx[i], inputs));
    }
    arena_free(&arena);
    arena_free(&gradients);
    arena_free(&t.arena);
}

/* A loss made of the maps of one evaluation: the weighted sum of all of them. */
static Tensor *map_loss(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Call *call = context;
    Maps *maps = call->hooks->map_context;
    maps->count = 0;
    unet(tape, call->net, inputs[0], call->timesteps, inputs[1], call->hooks);
    if (maps->count == 0)
        return NULL;
    Tensor *sum = maps->map[0];
    for (int i = 1; i < maps->count; i++)
        sum = add(tape, sum, maps->map[i]);
    return sum;
}

static void test_a_loss_of_maps_has_a_gradient(void)
{
    TinyUnet t;
    Maps maps = {0};
    UnetHooks hooks = {.wants_map = wants, .map = keep_map, .map_context = &maps};
    tiny_unet_new(&t, TINY_UNET, 1, false);
    const Call call = {&t.net, t.timesteps, &hooks};
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        Arena arena = {0}, gradients = {0};
        Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true, .checkpoint = checkpoint};
        Tensor *x = tape_input(&tape, t.x->data, 4, t.x->dim, true);
        Tensor *loss = map_loss(&tape, &call, (Tensor *[2]){x, t.text});
        if (!CHECK(loss != NULL))
            break;
        float *dy = arena_alloc(&t.arena, tensor_count(loss), sizeof *dy);
        float *direction = arena_alloc(&t.arena, tensor_count(x), sizeof *direction);
        fill_any(dy, tensor_count(loss), 90);
        fill_any(direction, tensor_count(x), 91);
        CHECK(tape_backward(&tape, loss, dy) == STATUS_OK);
        double slope = 0.0, sums[2] = {0};
        for (size_t i = 0; i < tensor_count(x); i++)
            slope += (double)x->grad[i] * (double)direction[i];
        for (int side = 0; side < 2; side++) {
            Tape again = {.arena = &arena, .gradients = &gradients, .recording = true};
            float *moved = arena_alloc(&arena, tensor_count(x), sizeof *moved);
            for (size_t i = 0; i < tensor_count(x); i++)
                moved[i] = t.x->data[i] + (side ? -2e-3f : 2e-3f) * direction[i];
            Tensor *y = map_loss(&again, &call,
                                 (Tensor *[2]){tape_input(&again, moved, 4, t.x->dim, true), t.text});
            for (size_t i = 0; i < tensor_count(y); i++)
                sums[side] += (double)dy[i] * (double)y->data[i];
        }
        const double measured = (sums[0] - sums[1]) / 4e-3;
        if (!CHECK(fabs(slope - measured) <= 1e-2 * fabs(slope)))
            printf("    gradient says %g, slope is %g\n", slope, measured);
        arena_free(&arena);
        arena_free(&gradients);
    }
    arena_free(&t.arena);
}

/* Without a weight a distilled network is like one that never had the projection. */
static void test_guidance_goes_into_the_time_embedding(void)
{
    TinyUnet t, plain;
    Arena arena = {0};
    char json[1000];
    const float w[2] = {6.5f, 0.0f};
    UnetHooks hooks = {.guidance = w};
    snprintf(json, sizeof json, "{\"time_cond_proj_dim\": 8, %s", TINY_UNET + 1);
    tiny_unet_new(&t, json, 2, false);
    tiny_unet_new(&plain, TINY_UNET, 2, false);
    const size_t half = tensor_count(t.dy) / 2;
    const float *without = result(&t, NULL, &arena), *with = result(&t, &hooks, &arena);
    CHECK(!same_bits(without, with, half) && !same_bits(without + half, with + half, half));
    const Call call = {&t.net, t.timesteps, &hooks};
    check_slope(run, &call, (Tensor *[2]){t.x, t.text},
                parameter(&t.weights, "time_embedding.cond_proj.weight"), 2e-2f, 3e-3);
    CHECK(t.weights.count == plain.weights.count + 1);
    Tape tape = {.arena = &arena};
    CHECK(unet(&tape, &plain.net, plain.x, plain.timesteps, plain.text, &hooks) == NULL);
    CHECK(tape.error.status == STATUS_ARGUMENT);
    arena_free(&arena);
    arena_free(&t.arena);
    arena_free(&plain.arena);
}

int main(void)
{
    test_guidance_goes_into_the_time_embedding();
    test_controlnet_residuals_reach_every_skip();
    test_residuals_are_added();
    test_residuals_of_zero_change_nothing();
    test_adapter_features_reach_every_block();
    test_what_does_not_fit_is_refused();
    test_low_rank_increments_are_merged_weights();
    test_maps_change_no_bit();
    test_a_loss_of_maps_has_a_gradient();
    return check_report("unet_hooks");
}
