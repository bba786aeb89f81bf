/* Attention with somebody looking at the probabilities: the bits of attention without. */
#include "nn/attention.h"

#include "nn/elementwise.h"
#include "tests/net_check.h"

enum { B = 2, T = 5, S = 7, HEADS = 3, D = 4, C = HEADS * D };

typedef struct {
    int shown;
    bool halve;
} Watcher;

static Tensor *watch(void *context, Tape *tape, Tensor *p)
{
    Watcher *w = context;
    w->shown++;
    CHECK(p->rank == 3 && p->dim[0] == B * HEADS && p->dim[1] == T && p->dim[2] == S);
    for (size_t i = 0; i < tensor_count(p); i += S) {
        double sum = 0.0;
        for (size_t j = 0; j < S; j++)
            sum += p->data[i + j];
        CHECK_NEAR(sum, 1.0, 1e-6);
    }
    return w->halve ? scale(tape, p, 0.5f) : p;
}

static Tensor *refuse(void *context, Tape *tape, Tensor *p)
{
    (void)context;
    (void)p;
    return tape_fail(tape, STATUS_ARGUMENT, "not this time");
}

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    return attention(tape, inputs[0], inputs[1], inputs[2], *(const AttentionOptions *)context);
}

/* Result and gradients of one attention, one after the other. */
static float *all_numbers(const AttentionOptions *options, Tensor *const *inputs, Arena *keep,
                          size_t *count)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    Tensor *own[3];
    size_t at = (size_t)B * T * C;
    *count = at + tensor_count(inputs[0]) + 2 * tensor_count(inputs[1]);
    float *all = arena_alloc(keep, *count, sizeof *all), *dy = arena_alloc(keep, at, sizeof *dy);
    for (int i = 0; i < 3; i++)
        own[i] = tape_input(&tape, inputs[i]->data, 3, inputs[i]->dim, true);
    Tensor *y = run(&tape, options, own);
    fill_any(dy, at, 9);
    if (!CHECK(y != NULL && tape_backward(&tape, y, dy) == STATUS_OK))
        exit(1);
    memcpy(all, y->data, at * sizeof *all);
    for (int i = 0; i < 3; i++) {
        memcpy(all + at, own[i]->grad, tensor_count(own[i]) * sizeof *all);
        at += tensor_count(own[i]);
    }
    arena_free(&arena);
    arena_free(&gradients);
    return all;
}

/* Scores that a causal query may not see may be anything, with and without somebody looking. */
static void test_hidden_scores_may_be_infinite(void)
{
    Arena arena = {0};
    size_t count = 0;
    Tensor *inputs[3] = {any_tensor(&arena, 1, 3, B, T, C), any_tensor(&arena, 2, 3, B, S, C),
                         any_tensor(&arena, 3, 3, B, S, C)};
    for (int c = 0; c < C; c++) /* the last key of the second sample: later than every query */
        inputs[1]->data[(2 * S - 1) * C + c] = c % 3 == 0 ? NAN : INFINITY;
    AttentionOptions options = {.heads = HEADS, .causal = true};
    Watcher w = {0};
    const float *plain = all_numbers(&options, inputs, &arena, &count);
    options.edit = watch;
    options.edit_context = &w;
    const float *watched = all_numbers(&options, inputs, &arena, &count);
    int wrong = 0, numbers = 0;
    for (size_t k = 0; k < count; k++) {
        const bool number = plain[k] == plain[k];
        wrong += number ? memcmp(&plain[k], &watched[k], sizeof *plain) != 0 : watched[k] == watched[k];
        numbers += k < (size_t)B * T * C && number;
    }
    CHECK(wrong == 0 && numbers == B * T * C && w.shown == 1);
    arena_free(&arena);
}

static void test_looking_changes_no_bit(void)
{
    Arena arena = {0};
    size_t count = 0;
    Tensor *inputs[3] = {any_tensor(&arena, 1, 3, B, T, C), any_tensor(&arena, 2, 3, B, S, C),
                         any_tensor(&arena, 3, 3, B, S, C)};
    Tensor *masks[3] = {NULL, any_tensor(&arena, 4, 2, T, S), any_tensor(&arena, 5, 3, B, T, S)};
    masks[1]->data[3] = masks[2]->data[5] = -INFINITY;
    for (int i = 0; i < 6; i++) {
        Watcher w = {0};
        AttentionOptions options = {.heads = HEADS, .causal = i >= 3, .mask = masks[i % 3]};
        options.scale = i == 4 ? 0.3f : 0.0f;
        const float *plain = all_numbers(&options, inputs, &arena, &count);
        options.edit = watch;
        options.edit_context = &w;
        const float *watched = all_numbers(&options, inputs, &arena, &count);
        CHECK(w.shown == 1);
        for (size_t k = 0; k < count; k++)
            if (!CHECK(plain[k] == watched[k])) {
                printf("    mask %d, causal %d, number %zu: %a %a\n", i % 3, i >= 3, k, plain[k],
                       watched[k]);
                break;
            }
        check_slope(run, &options, inputs, inputs[0], 1e-2f, 1e-3);
        check_slope(run, &options, inputs, inputs[1], 1e-2f, 1e-3);
        check_slope(run, &options, inputs, inputs[2], 1e-2f, 1e-3);
    }
    arena_free(&arena);
}

static void test_an_edit_counts(void)
{
    Arena arena = {0};
    Watcher w = {.halve = true};
    Tape tape = {.arena = &arena};
    AttentionOptions options = {.heads = HEADS};
    Tensor *inputs[3] = {any_tensor(&arena, 1, 3, B, T, C), any_tensor(&arena, 2, 3, B, S, C),
                         any_tensor(&arena, 3, 3, B, S, C)};
    const Tensor *plain = run(&tape, &options, inputs);
    options.edit = watch;
    options.edit_context = &w;
    const Tensor *half = run(&tape, &options, inputs);
    for (size_t i = 0; i < tensor_count(plain); i++)
        CHECK(half->data[i] == 0.5f * plain->data[i]);
    check_slope(run, &options, inputs, inputs[1], 1e-2f, 1e-3);
    options.edit = refuse;
    CHECK(run(&tape, &options, inputs) == NULL && tape.error.status == STATUS_ARGUMENT);
    CHECK_TEXT(tape.error.text, "not this time");
    arena_free(&arena);
}

typedef struct {
    Arena inputs, arena;
} Attempt;

static Status attempt(void *context)
{
    Attempt *a = context;
    Watcher w = {0};
    Tensor *q = any_tensor(&a->inputs, 1, 3, B, T, C), *k = any_tensor(&a->inputs, 2, 3, B, S, C);
    const AttentionOptions options = {.heads = HEADS, .causal = true, .edit = watch, .edit_context = &w};
    Tape tape = {.arena = &a->arena};
    attention(&tape, q, k, k, options);
    arena_release(&a->arena, (ArenaMark){0});
    return tape.error.status;
}

static void test_failing_allocations(void)
{
    Attempt a = {0};
    check_allocations(attempt, &a, &a.arena);
    arena_free(&a.arena);
    arena_free(&a.inputs);
}

int main(void)
{
    test_looking_changes_no_bit();
    test_hidden_scores_may_be_infinite();
    test_an_edit_counts();
    test_failing_allocations();
    return check_report("attention_edit");
}
