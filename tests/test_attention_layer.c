#include "diffusion/attention_layer.h"

#include "nn/elementwise.h"
#include "tests/net_check.h"
#include "tests/plain_layers.h"

enum { N = 2, T = 5, S = 3, C = 8, D = 6, HEADS = 2 };

typedef struct {
    Arena arena;
    Weights weights;
    AttentionLayer layer;
    Tensor *x, *text;
} Fixture;

static void fixture_new(Fixture *f, int context)
{
    f->arena = (Arena){0};
    f->weights = weights_create(&f->arena, 11);
    attention_layer_load(&f->layer, &f->weights, "attn", C, context, HEADS);
    CHECK(f->weights.error.status == STATUS_OK);
    scramble(&f->weights, 12);
    f->x = any_tensor(&f->arena, 13, 3, N, T, C);
    f->text = any_tensor(&f->arena, 14, 3, N, S, D);
}

static double *plain_layer(const AttentionLayer *a, const Tensor *x, const Tensor *over)
{
    const int rows = over->dim[1];
    double *px = plain_copy(x->data, tensor_count(x)), *po = plain_copy(over->data, tensor_count(over));
    double *q = plain_linear(px, &a->to_q, N * T);
    double *k = plain_linear(po, &a->to_k, N * rows), *v = plain_linear(po, &a->to_v, N * rows);
    double *h = plain_attention(q, k, v, N, T, rows, C, a->heads);
    double *y = plain_linear(h, &a->to_out, N * T);
    free(px);
    free(po);
    free(q);
    free(k);
    free(v);
    free(h);
    return y;
}

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    return attention_layer(tape, context, inputs[0], inputs[1], NULL);
}

static void test_formula_and_slopes(void)
{
    for (int cross = 0; cross < 2; cross++) {
        Fixture f;
        fixture_new(&f, cross ? D : C);
        Tape tape = {.arena = &f.arena};
        Tensor *text = cross ? f.text : NULL;
        double *want = plain_layer(&f.layer, f.x, cross ? f.text : f.x);
        CHECK(furthest(attention_layer(&tape, &f.layer, f.x, text, NULL), want, (size_t)N * T * C) < 1e-5);
        free(want);
        Tensor *inputs[2] = {f.x, text};
        check_slope(run, &f.layer, inputs, f.x, 1e-2f, 1e-3);
        check_slope(run, &f.layer, inputs, f.layer.to_k.weight, 1e-2f, 1e-3);
        if (cross)
            check_slope(run, &f.layer, inputs, f.text, 1e-2f, 1e-3);
        arena_free(&f.arena);
    }
}

static void test_the_vae_layer_has_one_head_and_all_biases(void)
{
    Fixture f;
    fixture_new(&f, C);
    f.weights = weights_create(&f.arena, 3);
    attention_layer_load_vae(&f.layer, &f.weights, "mid.attentions.0", C);
    scramble(&f.weights, 4);
    CHECK(f.weights.count == 8 && f.layer.heads == 1);
    CHECK(parameter(&f.weights, "mid.attentions.0.to_q.bias") != NULL);
    CHECK(parameter(&f.weights, "mid.attentions.0.to_out.0.weight") != NULL);
    Tape tape = {.arena = &f.arena};
    double *want = plain_layer(&f.layer, f.x, f.x);
    CHECK(furthest(attention_layer(&tape, &f.layer, f.x, NULL, NULL), want, (size_t)N * T * C) < 1e-5);
    free(want);
    arena_free(&f.arena);
}

typedef struct {
    int asked, shown;
    float halve; /* what the map is multiplied by; 0: it is left alone */
    float sum;   /* of all probabilities */
    int dim[3];
} Watcher;

static bool wants(void *context, const char *name, int queries)
{
    Watcher *w = context;
    w->asked += strcmp(name, "attn") == 0 && queries == T;
    return true;
}

static bool wants_none(void *context, const char *name, int queries)
{
    return !wants(context, name, queries);
}

static Tensor *watch(void *context, Tape *tape, const char *name, Tensor *p)
{
    Watcher *w = context;
    w->shown += strcmp(name, "attn") == 0;
    for (int i = 0; i < 3; i++)
        w->dim[i] = p->dim[i];
    w->sum = 0.0f;
    for (size_t i = 0; i < tensor_count(p); i++)
        w->sum = w->sum + p->data[i];
    return w->halve != 0.0f ? scale(tape, p, w->halve) : p;
}

static void test_watching_changes_no_bit(void)
{
    Fixture f;
    Watcher w = {0};
    UnetHooks hooks = {.wants_map = wants, .map = watch, .map_context = &w};
    fixture_new(&f, D);
    Tape tape = {.arena = &f.arena};
    const size_t count = (size_t)N * T * C;
    const Tensor *plain = attention_layer(&tape, &f.layer, f.x, f.text, NULL);
    const Tensor *watched = attention_layer(&tape, &f.layer, f.x, f.text, &hooks);
    CHECK(same_bits(plain->data, watched->data, count));
    CHECK(w.asked == 1 && w.shown == 1);
    CHECK(w.dim[0] == N * HEADS && w.dim[1] == T && w.dim[2] == S);
    CHECK_NEAR(w.sum, N * HEADS * T, 1e-5);
    w.halve = 0.5f;
    const Tensor *edited = attention_layer(&tape, &f.layer, f.x, f.text, &hooks);
    CHECK(!same_bits(plain->data, edited->data, count));
    hooks.wants_map = wants_none;
    CHECK(same_bits(plain->data, attention_layer(&tape, &f.layer, f.x, f.text, &hooks)->data, count));
    CHECK(w.asked == 3 && w.shown == 2);
    arena_free(&f.arena);
}

int main(void)
{
    test_formula_and_slopes();
    test_the_vae_layer_has_one_head_and_all_biases();
    test_watching_changes_no_bit();
    return check_report("attention_layer");
}
