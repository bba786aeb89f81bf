/* transformer2d.h and the transformer_block.h inside it. */
#include "diffusion/transformer2d.h"

#include "tests/net_check.h"
#include "tests/plain_layers.h"

enum { N = 2, C = 8, H = 3, W = 2, P = H * W, S = 4, D = 6 };

typedef struct {
    Arena arena;
    Weights weights;
    Transformer2d t;
    Tensor *x, *text;
} Fixture;

static void fixture_new(Fixture *f, bool linear_projection, bool only_cross, int layers)
{
    const Transformer2dShape shape = {.channels = C,
                                      .groups = 2,
                                      .heads = 4,
                                      .layers = layers,
                                      .cross_attention_dim = D,
                                      .use_linear_projection = linear_projection,
                                      .only_cross_attention = only_cross};
    f->arena = (Arena){0};
    f->weights = weights_create(&f->arena, 21);
    transformer2d_load(&f->t, &f->weights, "attentions.1", shape);
    CHECK(f->weights.error.status == STATUS_OK);
    scramble(&f->weights, 22);
    f->x = any_tensor(&f->arena, 23, 4, N, C, H, W);
    f->text = any_tensor(&f->arena, 24, 3, N, S, D);
}

/* x += to_out(attention(norm(x), over)); over NULL: the normalised x itself. */
static void plain_attend(double *x, const AttentionLayer *a, const Affine *norm, const double *over,
                         int rows)
{
    double *h = plain_layer_norm(x, norm, N * P, C);
    double *q = plain_linear(h, &a->to_q, N * P);
    double *k = plain_linear(over != NULL ? over : h, &a->to_k, N * rows);
    double *v = plain_linear(over != NULL ? over : h, &a->to_v, N * rows);
    double *m = plain_attention(q, k, v, N, P, rows, C, a->heads), *y = plain_linear(m, &a->to_out, N * P);
    plain_add(x, y, (size_t)N * P * C);
    free(h);
    free(q);
    free(k);
    free(v);
    free(m);
    free(y);
}

static void plain_block(double *x, const TransformerBlock *b, const double *text)
{
    const bool cross = b->only_cross_attention;
    plain_attend(x, &b->attn1, &b->norm1, cross ? text : NULL, cross ? S : P);
    plain_attend(x, &b->attn2, &b->norm2, text, S);
    double *h = plain_layer_norm(x, &b->norm3, N * P, C);
    double *wide = plain_linear(h, &b->expand, N * P), *gated = plain_geglu(wide, N * P, 4 * C);
    double *y = plain_linear(gated, &b->shrink, N * P);
    plain_add(x, y, (size_t)N * P * C);
    free(h);
    free(wide);
    free(gated);
    free(y);
}

static double *plain_transformer2d(const Transformer2d *t, const Tensor *x, const Tensor *text)
{
    double *px = plain_copy(x->data, tensor_count(x)), *pt = plain_copy(text->data, tensor_count(text));
    double *h = plain_group_norm(px, &t->norm, N, C, P, t->shape.groups, 1e-6);
    double *rows = plain_transpose(h, N, C, P), *in = plain_linear(rows, &t->proj_in, N * P);
    for (int i = 0; i < t->shape.layers; i++)
        plain_block(in, &t->block[i], pt);
    double *out = plain_linear(in, &t->proj_out, N * P), *y = plain_transpose(out, N, P, C);
    plain_add(y, px, (size_t)N * C * P);
    free(px);
    free(pt);
    free(h);
    free(rows);
    free(in);
    free(out);
    return y;
}

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    return transformer2d(tape, context, inputs[0], inputs[1], NULL);
}

static void test_formula_and_slopes(void)
{
    for (int kind = 0; kind < 4; kind++) {
        Fixture f;
        fixture_new(&f, kind & 1, kind & 2, kind == 3 ? 2 : 1);
        Tape tape = {.arena = &f.arena};
        double *want = plain_transformer2d(&f.t, f.x, f.text);
        CHECK(furthest(transformer2d(&tape, &f.t, f.x, f.text, NULL), want, (size_t)N * C * P) < 2e-5);
        free(want);
        Tensor *inputs[2] = {f.x, f.text};
        check_slope(run, &f.t, inputs, f.x, 1e-2f, 1e-3);
        check_slope(run, &f.t, inputs, f.text, 1e-2f, 1e-3);
        check_slope(run, &f.t, inputs, f.t.block[0].expand.weight, 1e-2f, 1e-3);
        check_slope(run, &f.t, inputs, f.t.proj_in.weight, 1e-2f, 1e-3);
        arena_free(&f.arena);
    }
}

static void test_eps_is_1e_6(void)
{
    Fixture f;
    fixture_new(&f, true, false, 1);
    for (size_t i = 0; i < tensor_count(f.x); i++)
        f.x->data[i] *= 1e-3f; /* variance 3e-7: the norm's eps decides */
    Tape tape = {.arena = &f.arena};
    double *want = plain_transformer2d(&f.t, f.x, f.text);
    CHECK(furthest(transformer2d(&tape, &f.t, f.x, f.text, NULL), want, (size_t)N * C * P) < 2e-5);
    free(want);
    arena_free(&f.arena);
}

static void test_conv_and_linear_projections_have_the_same_bits(void)
{
    Fixture conv, lin;
    fixture_new(&conv, false, false, 1);
    fixture_new(&lin, true, false, 1);
    CHECK(conv.t.proj_in.weight->rank == 4 && lin.t.proj_in.weight->rank == 2);
    Tape tape = {.arena = &conv.arena};
    const Tensor *y = transformer2d(&tape, &conv.t, conv.x, conv.text, NULL);
    const Tensor *z = transformer2d(&tape, &lin.t, conv.x, conv.text, NULL);
    CHECK(y != NULL && z != NULL && same_bits(y->data, z->data, (size_t)N * C * P));
    arena_free(&conv.arena);
    arena_free(&lin.arena);
}

typedef struct {
    int count;
    char name[16][64];
} Names;

static void note(void *context, const char *name, const Tensor *x)
{
    Names *n = context;
    (void)x;
    if (n->count < 16)
        snprintf(n->name[n->count++], sizeof n->name[0], "%s", name);
}

static void test_intermediates_have_the_names_of_diffusers(void)
{
    static const char *const WANT[] = {
        "attentions.1.transformer_blocks.0.attn1", "attentions.1.transformer_blocks.0.attn2",
        "attentions.1.transformer_blocks.0.ff", "attentions.1.transformer_blocks.0", "attentions.1"};
    Fixture f;
    Names names = {0};
    fixture_new(&f, false, false, 1);
    Tape tape = {.arena = &f.arena, .observe = note, .observer = &names};
    CHECK(transformer2d(&tape, &f.t, f.x, f.text, NULL) != NULL);
    CHECK(names.count == 5);
    for (int i = 0; i < 5 && i < names.count; i++)
        CHECK(strcmp(names.name[i], WANT[i]) == 0);
    arena_free(&f.arena);
}

static void test_a_text_of_another_width_is_refused(void)
{
    Fixture f;
    fixture_new(&f, false, false, 1);
    Tape tape = {.arena = &f.arena};
    Tensor *wide = any_tensor(&f.arena, 1, 3, N, S, D + 1);
    CHECK(transformer2d(&tape, &f.t, f.x, wide, NULL) == NULL && tape.error.status == STATUS_SHAPE);
    arena_free(&f.arena);
}

int main(void)
{
    test_formula_and_slopes();
    test_eps_is_1e_6();
    test_conv_and_linear_projections_have_the_same_bits();
    test_intermediates_have_the_names_of_diffusers();
    test_a_text_of_another_width_is_refused();
    return check_report("transformer2d");
}
