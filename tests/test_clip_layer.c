/* One layer of CLIP against a plain binary64 implementation; slopes; batches. */
#include "diffusion/clip_layer.h"

#include "tests/net_check.h"
#include "tests/plain_layers.h"

enum { N = 2, T = 5, C = 8, INNER = 12 };

typedef struct {
    Arena arena;
    Weights weights;
    ClipLayer layer;
    Tensor *x;
} Fixture;

static void fixture_new(Fixture *f, Activation act)
{
    const ClipShape shape = {
        .width = C, .inner = INNER, .layers = 3, .heads = 2, .act = act, .eps = 1e-5f, .causal = true};
    f->arena = (Arena){0};
    f->weights = weights_create(&f->arena, 31);
    clip_layer_load(&f->layer, &f->weights, "layers.1", &shape);
    CHECK(f->weights.error.status == STATUS_OK);
    scramble(&f->weights, 32);
    f->x = any_tensor(&f->arena, 33, 3, N, T, C);
}

/* The attention of one sample with a causal mask, straight from its definition. */
static void plain_causal(double *y, const double *q, const double *k, const double *v)
{
    const int d = C / 2;
    for (int h = 0; h < 2; h++)
        for (int t = 0; t < T; t++) {
            double p[T], sum = 0;
            for (int s = 0; s <= t; s++) {
                double score = 0;
                for (int i = 0; i < d; i++)
                    score += q[t * C + h * d + i] * k[s * C + h * d + i];
                p[s] = exp(score / sqrt(d));
                sum += p[s];
            }
            for (int i = 0; i < d; i++) {
                y[t * C + h * d + i] = 0;
                for (int s = 0; s <= t; s++)
                    y[t * C + h * d + i] += p[s] / sum * v[s * C + h * d + i];
            }
        }
}

static double plain_act(double x, Activation act)
{
    return act == ACTIVATION_GELU ? x * 0.5 * (1 + erf(x / sqrt(2))) : x / (1 + exp(-1.702 * x));
}

static void test_against_the_definition(Activation act)
{
    Fixture f;
    fixture_new(&f, act);
    const ClipLayer *l = &f.layer;
    double want[N * T * C], *attended = calloc(N * T * C, sizeof *attended);
    for (int i = 0; i < N * T * C; i++)
        want[i] = f.x->data[i];
    double *h = plain_layer_norm(want, &l->norm1, N * T, C);
    double *q = plain_linear(h, &l->q, N * T), *k = plain_linear(h, &l->k, N * T),
           *v = plain_linear(h, &l->v, N * T);
    for (int n = 0; n < N; n++)
        plain_causal(attended + n * T * C, q + n * T * C, k + n * T * C, v + n * T * C);
    double *y = plain_linear(attended, &l->out, N * T);
    plain_add(want, y, N * T * C);
    double *h2 = plain_layer_norm(want, &l->norm2, N * T, C), *wide = plain_linear(h2, &l->fc1, N * T);
    for (int i = 0; i < N * T * INNER; i++)
        wide[i] = plain_act(wide[i], act);
    double *z = plain_linear(wide, &l->fc2, N * T);
    plain_add(want, z, N * T * C);
    Tape tape = {.arena = &f.arena};
    CHECK(furthest(clip_layer(&tape, l, f.x), want, N * T * C) < 2e-6);
    double *used[] = {attended, h, q, k, v, y, h2, wide, z};
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++)
        free(used[i]);
    arena_free(&f.arena);
}

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    return clip_layer(tape, context, inputs[0]);
}

static void test_slopes(void)
{
    Fixture f;
    fixture_new(&f, ACTIVATION_QUICK_GELU);
    check_slope(run, &f.layer, &f.x, f.x, 1e-2f, 1e-3);
    for (Parameter *p = f.weights.first; p != NULL; p = p->next)
        if (p->tensor != f.layer.k.bias) /* moves all scores of a query alike: its gradient is 0 */
            check_slope(run, &f.layer, &f.x, p->tensor, 1e-2f, 2e-3);
    arena_free(&f.arena);
}

/* A batch is its samples, and later tokens do not reach earlier ones: bit for bit. */
static void test_batches_and_causality(void)
{
    Fixture f;
    fixture_new(&f, ACTIVATION_GELU);
    Tape tape = {.arena = &f.arena};
    const Tensor *both = clip_layer(&tape, &f.layer, f.x);
    Tensor one = *f.x;
    one.dim[0] = 1;
    one.data = f.x->data + T * C;
    const Tensor *second = clip_layer(&tape, &f.layer, &one);
    CHECK(same_bits(second->data, both->data + T * C, T * C));
    Tensor shorter = *f.x;
    shorter.dim[0] = 1;
    shorter.dim[1] = 3;
    const Tensor *front = clip_layer(&tape, &f.layer, &shorter);
    CHECK(same_bits(front->data, both->data, 3 * C));
    arena_free(&f.arena);
}

/* Deviations of openai/CLIP: q, k, v 1/sqrt(C), out 1/sqrt(2 C layers) and so on; biases zero. */
static void test_initialisation(void)
{
    Arena arena = {0};
    Weights w = weights_create(&arena, 4);
    const ClipShape shape = {.width = 64, .inner = 256, .layers = 8, .heads = 2, .eps = 1e-5f};
    ClipLayer l;
    clip_layer_load(&l, &w, "", &shape);
    const struct {
        const Affine *a;
        double deviation;
    } want[] = {{&l.q, 0.125}, {&l.out, 0.03125}, {&l.fc1, 1 / sqrt(128.0)}, {&l.fc2, 0.03125}};
    for (size_t i = 0; i < 4; i++) {
        double square = 0, bias = 0;
        for (size_t k = 0; k < tensor_count(want[i].a->weight); k++)
            square += (double)want[i].a->weight->data[k] * want[i].a->weight->data[k];
        for (size_t k = 0; k < tensor_count(want[i].a->bias); k++)
            bias += fabs(want[i].a->bias->data[k]);
        const double got = sqrt(square / (double)tensor_count(want[i].a->weight));
        CHECK(fabs(got / want[i].deviation - 1) < 0.05 && bias == 0);
    }
    CHECK(w.count == 16);
    arena_free(&arena);
}

int main(void)
{
    test_against_the_definition(ACTIVATION_QUICK_GELU);
    test_against_the_definition(ACTIVATION_GELU);
    test_slopes();
    test_batches_and_causality();
    test_initialisation();
    return check_report("clip_layer");
}
