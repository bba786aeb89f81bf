#include "diffusion/t2i_adapter.h"

#include "nn/concat.h"
#include "nn/reshape.h"
#include "tests/net_check.h"
#include "tests/plain_layers.h"

typedef struct {
    Arena arena;
    Weights weights;
    AdapterConfig config;
    T2iAdapter net;
    Tensor *picture; /* (N,2,4 f,6 f) */
} Tiny;

enum { F = 2, N = 2, H = 5, W = 6 }; /* H is odd: the last row of averages is of one */

static void tiny_new(Tiny *t, const char *type, bool trainable)
{
    char text[300];
    Error err = {0};
    *t = (Tiny){0};
    snprintf(
        text, sizeof text,
        "{\"adapter_type\": \"%s\", \"in_channels\": 2, \"channels\": [4, 8, 8, 8], \"num_res_blocks\": 2,"
        "\"downscale_factor\": %d}",
        type, F);
    if (t2i_adapter_config_read(&t->config, json_of(&t->arena, text), "tiny", &t->arena, &err) != STATUS_OK)
        exit(1 + printf("%s\n", err.text));
    t->weights = weights_create(&t->arena, 61);
    t->weights.trainable = trainable;
    t2i_adapter_load(&t->net, &t->config, &t->weights, "");
    CHECK(weights_finish(&t->weights, &err) == STATUS_OK);
    scramble(&t->weights, 62);
    t->picture = any_tensor(&t->arena, 63, 4, N, 2, F * H, F * W);
}

static const char *const TYPES[] = {"full_adapter", "full_adapter_xl", "light_adapter"};

/* ---- the formulas once more, in binary64 ---- */

typedef struct {
    double *x;
    int C, H, W;
} Map;

static Map convolved(Map m, const Affine *a)
{
    const int kernel = a->weight->dim[2];
    const Map y = {plain_conv2d(m.x, a, N, m.C, m.H, m.W, 1, kernel / 2, m.H, m.W), a->weight->dim[0], m.H,
                   m.W};
    free(m.x);
    return y;
}

static Map copied(Map m)
{
    const size_t bytes = (size_t)(N * m.C * m.H * m.W) * sizeof(double);
    double *x = malloc(bytes);
    memcpy(x, m.x, bytes);
    m.x = x;
    return m;
}

static Map unshuffled(const Tensor *p)
{
    const Map y = {malloc(tensor_count(p) * sizeof(double)), p->dim[1] * F * F, p->dim[2] / F,
                   p->dim[3] / F};
    size_t i = 0;
    for (int n = 0; n < N; n++)
        for (int c = 0; c < y.C; c++)
            for (int h = 0; h < y.H; h++)
                for (int w = 0; w < y.W; w++) {
                    const int from = c / (F * F), dy = c / F % F, dx = c % F;
                    y.x[i++] =
                        p->data[((n * p->dim[1] + from) * p->dim[2] + h * F + dy) * p->dim[3] + w * F + dx];
                }
    return y;
}

static Map halved(Map m)
{
    const Map y = {NULL, m.C, (m.H + 1) / 2, (m.W + 1) / 2};
    double *x = calloc((size_t)(N * y.C * y.H * y.W), sizeof *x);
    for (int c = 0; c < N * m.C; c++)
        for (int h = 0; h < m.H; h++)
            for (int w = 0; w < m.W; w++) {
                const int rows = h / 2 * 2 + 1 < m.H ? 2 : 1, columns = w / 2 * 2 + 1 < m.W ? 2 : 1;
                x[(c * y.H + h / 2) * y.W + w / 2] += m.x[(c * m.H + h) * m.W + w] / (rows * columns);
            }
    free(m.x);
    return (Map){x, y.C, y.H, y.W};
}

static Map residual(Map m, const AdapterResnet *r)
{
    Map h = convolved(copied(m), &r->conv1);
    const size_t n = (size_t)(N * h.C * h.H * h.W);
    for (size_t i = 0; i < n; i++)
        h.x[i] = h.x[i] > 0.0 ? h.x[i] : 0.0;
    h = convolved(h, &r->conv2);
    for (size_t i = 0; i < n; i++)
        h.x[i] += m.x[i];
    free(m.x);
    return h;
}

static void test_features_by_the_formula(void)
{
    static const int SIZES[3][5] = {{5, 3, 2, 1}, {5, 5, 3, 3}, {5, 3, 2, 1, 1}}; /* heights */
    for (int k = 0; k < 3; k++) {
        Tiny t;
        Arena arena = {0};
        Tape tape = {.arena = &arena};
        AdapterFeatures f;
        tiny_new(&t, TYPES[k], false);
        CHECK(t2i_adapter(&f, &tape, &t.net, t.picture));
        CHECK(f.count == (k == 2 ? 5 : 4));
        Map m = unshuffled(t.picture);
        if (k < 2)
            m = convolved(m, &t.net.conv_in);
        for (int i = 0; i < f.count; i++) {
            const AdapterBlock *b = &t.net.block[i];
            if (k == 1 ? i == 2 : i > 0)
                m = halved(m);
            if (b->in_conv.weight != NULL)
                m = convolved(m, &b->in_conv);
            for (int r = 0; r < 2; r++)
                m = residual(m, &b->resnet[r]);
            if (k == 2)
                m = convolved(m, &b->out_conv);
            CHECK(m.H == SIZES[k][i] && m.C == f.feature[i]->dim[1] && m.H == f.feature[i]->dim[2]);
            CHECK(furthest(f.feature[i], m.x, (size_t)(N * m.C * m.H * m.W)) < 2e-5);
        }
        free(m.x);
        arena_free(&arena);
        arena_free(&t.arena);
    }
}

/* All features of a sample as one row. */
static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    AdapterFeatures f;
    Tensor *rows[ADAPTER_LEVELS + 1];
    if (!t2i_adapter(&f, tape, context, inputs[0]))
        return NULL;
    for (int i = 0; i < f.count; i++)
        rows[i] = reshape(tape, f.feature[i], 2, (const int[]){inputs[0]->dim[0], -1});
    return concat(tape, rows, f.count, 1);
}

/* Small weights, and before every relu a bias that is far from its kink on one side or the other: slopes exist. */
static void away_from_kinks(Weights *w)
{
    uint64_t state = 64;
    for (const Parameter *p = w->first; p != NULL; p = p->next)
        for (size_t i = 0; i < tensor_count(p->tensor); i++)
            p->tensor->data[i] = strstr(p->name, "block1.bias") != NULL ? (i % 3 == 0 ? -8.0f : 8.0f)
                                                                        : 0.18f * any_float(&state);
}

static void test_gradients_are_slopes(void)
{
    for (int k = 0; k < 3; k++) {
        Tiny t;
        tiny_new(&t, TYPES[k], false);
        away_from_kinks(&t.weights);
        check_slope(run, &t.net, &t.picture, t.picture, 1e-2f, 5e-3);
        for (const Parameter *p = t.weights.first; p != NULL; p = p->next)
            check_slope(run, &t.net, &t.picture, p->tensor, 1e-2f, 5e-3);
        arena_free(&t.arena);
    }
}

static void test_a_batch_is_its_samples(void)
{
    for (int k = 0; k < 3; k++) {
        Tiny t;
        Arena arena = {0};
        Tape tape = {.arena = &arena};
        tiny_new(&t, TYPES[k], false);
        const Tensor *both = run(&tape, &t.net, &t.picture);
        for (int n = 0; n < N; n++) {
            Tensor one = *t.picture, *p = &one;
            one.dim[0] = 1;
            one.data += (size_t)n * tensor_sample(t.picture);
            const Tensor *alone = run(&tape, &t.net, &p);
            CHECK(
                same_bits(both->data + (size_t)n * tensor_sample(both), alone->data, tensor_count(alone)));
        }
        arena_free(&arena);
        arena_free(&t.arena);
    }
}

static void test_weighted_sums_and_repeats(void)
{
    Tiny t, other;
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    AdapterFeatures f, sum = {0};
    tiny_new(&t, TYPES[0], false);
    tiny_new(&other, TYPES[1], false);
    CHECK(t2i_adapter(&f, &tape, &t.net, t.picture));
    CHECK(adapter_features_add(&sum, &tape, &f, 0.5f) && adapter_features_add(&sum, &tape, &f, 0.25f));
    for (int i = 0; i < f.count; i++)
        for (size_t k = 0; k < tensor_count(f.feature[i]); k++) {
            const float a = 0.5f * f.feature[i]->data[k], b = 0.25f * f.feature[i]->data[k];
            CHECK(sum.feature[i]->data[k] == a + b);
        }
    AdapterFeatures twice = f;
    CHECK(adapter_features_repeat(&twice, &tape, 3));
    for (int i = 0; i < f.count; i++) {
        const size_t count = tensor_count(f.feature[i]);
        CHECK(twice.feature[i]->dim[0] == 3 * N);
        CHECK(same_bits(twice.feature[i]->data + 2 * count, f.feature[i]->data, count));
    }
    UnetHooks hooks = {0};
    adapter_features_hook(&hooks, &f);
    CHECK(hooks.adapter_count == 4 && hooks.adapter_features[2] == f.feature[2]);

    CHECK(t2i_adapter(&f, &tape, &other.net, other.picture));
    CHECK(!adapter_features_add(&sum, &tape, &f, 1.0f) && tape.error.status == STATUS_SHAPE);
    CHECK_TEXT(tape.error.text, "features 1 of two adapters are (2,8,3,3) and (2,8,5,6)");
    tape.error = (Error){0};
    f.count = 2;
    CHECK(!adapter_features_add(&sum, &tape, &f, 1.0f));
    CHECK_TEXT(tape.error.text, "adapters of 4 and of 2 features");
    arena_free(&arena);
    arena_free(&t.arena);
    arena_free(&other.arena);
}

static void test_pictures_that_do_not_fit(void)
{
    Tiny t;
    Arena arena = {0};
    tiny_new(&t, TYPES[0], false);
    Tensor *const wrong[] = {any_tensor(&arena, 1, 4, 1, 3, 4, 4), any_tensor(&arena, 1, 4, 1, 2, 4, 5),
                             any_tensor(&arena, 1, 3, 2, 4, 4), any_tensor(&arena, 1, 4, 1, 2, 0, 4)};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        Tape tape = {.arena = &arena};
        AdapterFeatures f = {.count = -1};
        CHECK(!t2i_adapter(&f, &tape, &t.net, wrong[i]) && f.count == -1);
        CHECK(tape.error.status == STATUS_SHAPE);
        CHECK_TEXT(tape.error.text, "the adapter expects (N,2,H,W) with sides that 2 divides");
    }
    arena_free(&arena);
    arena_free(&t.arena);
}

typedef struct {
    Arena arena, gradients;
    Tiny *t;
} Again;

static Status load_again(void *context)
{
    Again *a = context;
    T2iAdapter net;
    Weights w = weights_create(&a->arena, 1);
    t2i_adapter_load(&net, &a->t->config, &w, "");
    const Status status = weights_finish(&w, NULL);
    arena_free(&a->arena);
    return status;
}

static Status run_again(void *context)
{
    Again *a = context;
    Tape tape = {.arena = &a->arena, .gradients = &a->gradients, .recording = true};
    AdapterFeatures f, sum = {0};
    Status status = STATUS_OK;
    if (!t2i_adapter(&f, &tape, &a->t->net, a->t->picture) || !adapter_features_repeat(&f, &tape, 2) ||
        !adapter_features_add(&sum, &tape, &f, 0.5f) || !adapter_features_add(&sum, &tape, &f, 0.5f))
        status = tape.error.status;
    else
        status = tape_backward(&tape, sum.feature[sum.count - 1], NULL);
    arena_free(&a->arena);
    arena_free(&a->gradients);
    return status;
}

static void test_failing_allocations(void)
{
    for (int k = 0; k < 3; k += 2) {
        Tiny t;
        tiny_new(&t, TYPES[k], true);
        Again a = {.t = &t};
        check_allocations(load_again, &a, &a.arena);
        check_allocations(run_again, &a, &a.arena);
        check_allocations(run_again, &a, &a.gradients);
        arena_free(&t.arena);
    }
}

int main(void)
{
    test_features_by_the_formula();
    test_gradients_are_slopes();
    test_a_batch_is_its_samples();
    test_weighted_sums_and_repeats();
    test_pictures_that_do_not_fit();
    test_failing_allocations();
    return check_report("t2i_adapter");
}
