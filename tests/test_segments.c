/* Segments of the tape in their three modes, and the memory that comes back (nn/tape.c, nn/tape_backward.c). */
#include "nn/activation.h"
#include "nn/elementwise.h"
#include "nn/layer_norm.h"
#include "nn/reshape.h"
#include "nn/tape.h"
#include "tests/gradcheck.h"

static Tensor *block(Tape *tape, const void *context, Tensor *const *x)
{
    Tensor *const *weight = context;
    Tensor *h = multiply(tape, layer_norm(tape, x[0], NULL, NULL, 1e-2f), *weight);
    h = multiply(tape, silu(tape, h), x[0]);
    if (x[1] != NULL)
        h = add(tape, h, x[1]);
    return add(tape, h, x[0]);
}

/* A block inside a segment inside a segment. */
static Tensor *nested(Tape *tape, const void *context, Tensor *const *x)
{
    Tensor *const *weights = context;
    Tensor *h = tape_segment(tape, block, weights, sizeof *weights, x, 2);
    Tensor *const again[2] = {h, x[0]};
    return tape_segment(tape, block, weights + 1, sizeof *weights, again, 2);
}

/* Two segments with a skip past both, the second given the same tensor twice, then a view of the sum. */
static Tensor *network(Tape *tape, Tensor *const *x, const void *context)
{
    Tensor *const first[2] = {x[0], NULL};
    (void)context;
    Tensor *a = tape_segment(tape, block, &x[1], sizeof x[1], first, 2);
    Tensor *const twice[2] = {a, a};
    Tensor *b = tape_segment(tape, nested, &x[2], 2 * sizeof x[2], twice, 2);
    return reshape(tape, add(tape, multiply(tape, b, x[0]), a), 2, (int[]){x[0]->dim[0], -1});
}

static OperatorCase network_case(Arena *arena)
{
    OperatorCase c = {.name = "network", .build = network, .count = 4};
    c.x[0] = test_tensor(arena, 1, 3, (int[]){2, 3, 8});
    for (int k = 1; k < 4; k++)
        c.x[k] = test_tensor(arena, (uint64_t)k + 1, 1, (int[]){8});
    return c;
}

/* Runs a network of segments; `checkpoint`, or plainly recorded, or not recorded. */
static void run_mode(const OperatorCase *c, RunMode mode, size_t fail_results, size_t fail_gradients,
                     CaseResult *out, Arena *keep)
{
    Arena results = {.fail_after = fail_results}, gradients = {.fail_after = fail_gradients};
    Tape tape = {.arena = &results, .gradients = &gradients};
    tape.recording = mode != RUN_INFERENCE;
    tape.checkpoint = mode == RUN_CHECKPOINT;
    *out = (CaseResult){.count = 0};
    Tensor *y = c->build(&tape, c->x, c->context);
    if (y != NULL) {
        out->count = tensor_count(y);
        out->y = kept_copy(keep, y->data, out->count);
        if (tape.recording && tape_backward(&tape, y, NULL) == STATUS_OK)
            for (int k = 0; k < c->count; k++)
                out->grad[k] = kept_copy(keep, c->x[k]->grad, tensor_count(c->x[k]));
    }
    out->status = tape.error.status;
    CHECK((y == NULL) <= (out->status != STATUS_OK));
    CHECK(tape.recording == (mode != RUN_INFERENCE) && !tape.tracing);
    for (int k = 0; k < c->count; k++)
        c->x[k]->grad = NULL;
    arena_free(&results);
    arena_free(&gradients);
}

static void test_three_modes_give_the_same_bits(void)
{
    Arena arena = {0};
    const OperatorCase c = network_case(&arena);
    CaseResult want, got;
    run_mode(&c, RUN_PLAIN, 0, 0, &want, &arena);
    CHECK(want.status == STATUS_OK && want.count == 48);
    run_mode(&c, RUN_CHECKPOINT, 0, 0, &got, &arena);
    check_same(&c, &got, &want, "checkpointing changes no bit");
    run_mode(&c, RUN_INFERENCE, 0, 0, &got, &arena);
    CHECK(got.status == STATUS_OK && got.count == want.count && same_bits(got.y, want.y, want.count));
    operatorcheck(&c, 0xe); /* also as one segment around the others */
    arena_free(&arena);
}

static void test_failing_allocations_in_every_mode(void)
{
    Arena arena = {0};
    const OperatorCase c = network_case(&arena);
    for (int mode = RUN_PLAIN; mode <= RUN_INFERENCE; mode++)
        for (int gradients = 0; gradients < (mode == RUN_INFERENCE ? 1 : 2); gradients++) {
            CaseResult r = {.status = STATUS_MEMORY};
            size_t n = 0;
            while (r.status == STATUS_MEMORY && ++n < 1000) {
                Arena keep = {0};
                run_mode(&c, (RunMode)mode, gradients ? 0 : n, gradients ? n : 0, &r, &keep);
                arena_free(&keep);
            }
            CHECK(r.status == STATUS_OK && n > 5);
        }
    arena_free(&arena);
}

/* After a segment only its result is left (and, when it must be computed again, its node). */
static void test_segments_give_memory_back(void)
{
    enum { NUMBERS = 3000 };
    Arena arena = {0}, keep = {0};
    Tensor *x = test_tensor(&keep, 1, 2, (int[]){3, NUMBERS / 3}),
           *w = test_tensor(&keep, 2, 1, (int[]){NUMBERS / 3});
    Tensor *const inputs[2] = {x, x};
    size_t used[3];
    for (int mode = RUN_PLAIN; mode <= RUN_INFERENCE; mode++) {
        Tape tape = {
            .arena = &arena, .recording = mode != RUN_INFERENCE, .checkpoint = mode == RUN_CHECKPOINT};
        const ArenaMark mark = arena_mark(&arena);
        const size_t before = arena.used;
        CHECK(tape_segment(&tape, block, &w, sizeof w, inputs, 2) != NULL);
        used[mode] = arena.used - before;
        CHECK((tape.last != NULL) == (mode != RUN_INFERENCE));
        arena_release(&arena, mark);
    }
    const size_t result = NUMBERS * sizeof(float);
    CHECK(used[RUN_INFERENCE] >= result && used[RUN_INFERENCE] < result + 400);
    CHECK(used[RUN_CHECKPOINT] >= result && used[RUN_CHECKPOINT] < result + 1000);
    CHECK(used[RUN_PLAIN] > 4 * result);
    arena_free(&arena);
    arena_free(&keep);
}

/* The second training step finds all gradient buffers of the first and needs no new ones; what a segment computes
 * again is given back. */
static void check_buffers_are_used_again(const OperatorCase *c)
{
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        Arena results = {0}, gradients = {0};
        Tape tape = {
            .arena = &results, .gradients = &gradients, .recording = true, .checkpoint = checkpoint};
        size_t used[4]; /* in the first step the kept gradients are new */
        for (int step = 0; step < 4; step++) {
            const ArenaMark mark = arena_mark(&results);
            Tensor *y = c->build(&tape, c->x, NULL);
            const size_t forward = results.used;
            CHECK(tape_backward(&tape, y, NULL) == STATUS_OK);
            CHECK(tape.last == NULL && results.used == forward);
            arena_release(&results, mark);
            used[step] = gradients.used;
        }
        CHECK(used[1] == used[2] && used[2] == used[3]);
        for (int k = 0; k < c->count; k++)
            c->x[k]->grad = NULL;
        arena_free(&results);
        arena_free(&gradients);
    }
}

/* Frozen weights and inputs that ask for nothing: the segment is not recorded, and what comes after it is. */
static void test_frozen_segment_is_not_computed_again(void)
{
    Arena results = {0}, gradients = {0}, keep = {0};
    Tape tape = {.arena = &results, .gradients = &gradients, .recording = true, .checkpoint = true};
    Tensor *x = test_tensor(&keep, 1, 2, (int[]){2, 4}), *w = test_tensor(&keep, 2, 1, (int[]){4});
    Tensor *trained = test_tensor(&keep, 3, 2, (int[]){2, 4});
    Tensor *const inputs[2] = {x, NULL};
    x->wants_grad = w->wants_grad = false;
    Tensor *frozen = tape_segment(&tape, block, &w, sizeof w, inputs, 2);
    CHECK(frozen != NULL && !frozen->wants_grad && tape.last == NULL);
    CHECK(tape_backward(&tape, multiply(&tape, frozen, trained), NULL) == STATUS_OK);
    CHECK(trained->grad != NULL && frozen != NULL && same_bits(trained->grad, frozen->data, 8));
    arena_free(&results);
    arena_free(&gradients);
    arena_free(&keep);
}

/* Only a weight is trained: no input asks, yet the segment is walked. */
static void test_segment_with_trained_weights_alone(void)
{
    Arena keep = {0};
    OperatorCase c = network_case(&keep);
    CaseResult want, got;
    c.x[0]->wants_grad = false;
    run_mode(&c, RUN_PLAIN, 0, 0, &want, &keep);
    run_mode(&c, RUN_CHECKPOINT, 0, 0, &got, &keep);
    check_same(&c, &got, &want, "only weights are trained");
    gradcheck(&c);
    arena_free(&keep);
}

static Tensor *give_back(Tape *tape, const void *context, Tensor *const *x)
{
    (void)tape, (void)context;
    return x[0];
}

static Tensor *inner_view(Tape *tape, const void *context, Tensor *const *x)
{
    (void)context;
    Tensor *h = silu(tape, silu(tape, x[0]));
    return reshape(tape, h, 1, (int[]){-1});
}

static Tensor *product(Tape *tape, const void *context, Tensor *const *x)
{
    (void)context;
    return multiply(tape, silu(tape, x[0]), x[1]);
}

/* Segments whose result is their input, whose inputs are one tensor that nobody else uses, and whose result is a
 * view of something that is given back. */
static Tensor *odd_segments(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    Tensor *same = tape_segment(tape, give_back, NULL, 0, x, 1);
    Tensor *const twice[2] = {same, same};
    Tensor *square = tape_segment(tape, product, NULL, 0, twice, 2);
    return tape_segment(tape, inner_view, NULL, 0, &square, 1);
}

static void test_odd_segments(void)
{
    Arena keep = {0};
    OperatorCase c = {.name = "odd segments", .build = odd_segments, .count = 1};
    CaseResult want, got;
    c.x[0] = test_tensor(&keep, 1, 2, (int[]){3, 5});
    run_mode(&c, RUN_PLAIN, 0, 0, &want, &keep);
    run_mode(&c, RUN_CHECKPOINT, 0, 0, &got, &keep);
    check_same(&c, &got, &want, "odd segments");
    run_mode(&c, RUN_INFERENCE, 0, 0, &got, &keep);
    CHECK(same_bits(got.y, want.y, 15));
    arena_free(&keep);
}

static void test_gradient_buffers_are_used_again(void)
{
    Arena keep = {0};
    const OperatorCase c = network_case(&keep);
    OperatorCase odd = {.name = "odd segments", .build = odd_segments, .count = 1};
    odd.x[0] = test_tensor(&keep, 1, 2, (int[]){3, 5});
    check_buffers_are_used_again(&c);
    check_buffers_are_used_again(&odd);
    arena_free(&keep);
}

typedef struct {
    int *runs;
} Counter;

static Tensor *counted(Tape *tape, const void *context, Tensor *const *x)
{
    const Counter *c = context;
    ++*c->runs;
    return silu(tape, x[0]);
}

static Tensor *counted_inside(Tape *tape, const void *context, Tensor *const *x)
{
    return tape_segment(tape, counted, context, sizeof(Counter), x, 1);
}

/* A segment inside a checkpointed segment runs twice: once forward, once again with its surroundings. */
static void test_inner_segment_runs_twice(void)
{
    Arena results = {0}, gradients = {0}, keep = {0};
    Tape tape = {.arena = &results, .gradients = &gradients, .recording = true, .checkpoint = true};
    int runs = 0;
    const Counter counter = {&runs};
    Tensor *x = test_tensor(&keep, 1, 1, (int[]){4});
    Tensor *y = tape_segment(&tape, counted_inside, &counter, sizeof counter, &x, 1);
    CHECK(runs == 1);
    CHECK(tape_backward(&tape, y, NULL) == STATUS_OK && runs == 2 && tape.checkpoint);
    arena_free(&results);
    arena_free(&gradients);
    arena_free(&keep);
}

int main(void)
{
    test_three_modes_give_the_same_bits();
    test_failing_allocations_in_every_mode();
    test_segments_give_memory_back();
    test_gradient_buffers_are_used_again();
    test_frozen_segment_is_not_computed_again();
    test_segment_with_trained_weights_alone();
    test_odd_segments();
    test_inner_segment_runs_twice();
    return check_report("segments");
}
