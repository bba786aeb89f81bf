/* The tape by itself (nn/tape.c, nn/tape_backward.c): gradients of graphs, segments in their three modes, memory
 * that comes back, errors that stay. */
#include "nn/tape.h"

#include "nn/activation.h"
#include "nn/elementwise.h"
#include "nn/layer_norm.h"
#include "nn/reshape.h"
#include "tests/gradcheck.h"

/* ---- graphs ---- */

/* y = x w x + x: x is used three times. */
static void test_gradient_of_many_uses_by_hand(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float x[2] = {3, -2}, w[2] = {5, 7};
    Tensor *tx = tape_input(&tape, x, 1, (int[]){2}, true), *tw = tape_input(&tape, w, 1, (int[]){2}, true);
    Tensor *y = add(&tape, multiply(&tape, multiply(&tape, tx, tw), tx), tx);
    const float dy[2] = {1, 10}, dx[2] = {31, -270}, dw[2] = {9, 40};
    CHECK(y != NULL && y->data[0] == 48.0f && y->data[1] == 26.0f);
    CHECK(tape_backward(&tape, y, dy) == STATUS_OK);
    CHECK(same_bits(tx->grad, dx, 2) && same_bits(tw->grad, dw, 2));
    CHECK(tape.last == NULL && y->grad == NULL);

    y = multiply(&tape, tx, tw); /* a second walk adds to the first */
    CHECK(tape_backward(&tape, y, NULL) == STATUS_OK);
    CHECK(tx->grad[0] == 36.0f && tw->grad[1] == 38.0f);
    arena_free(&arena);
    arena_free(&gradients);
}

/* A kept gradient starts at +0, so that a first contribution of -0 is treated like all others. */
static void test_kept_gradients_start_at_zero(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float x[1] = {1}, zeros[1] = {0};
    const float minus[1] = {-0.0f}, plus[1] = {0.0f};
    Tensor *kept = tape_input(&tape, x, 1, (int[]){1}, true),
           *given = tape_input(&tape, x, 1, (int[]){1}, true);
    given->grad = zeros;
    CHECK(tape_backward(&tape, add(&tape, kept, given), minus) == STATUS_OK);
    CHECK(same_bits(kept->grad, plus, 1) && same_bits(given->grad, plus, 1));
    arena_free(&arena);
    arena_free(&gradients);
}

static void test_nothing_is_recorded_without_need(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float x[2] = {1, 2};
    Tensor *fixed = tape_input(&tape, x, 1, (int[]){2}, false),
           *asked = tape_input(&tape, x, 1, (int[]){2}, true);
    Tensor *y = silu(&tape, fixed);
    CHECK(y != NULL && !y->wants_grad && tape.last == NULL);
    CHECK(add(&tape, y, asked) != NULL && tape.last != NULL);
    CHECK(tape_backward(&tape, y, NULL) == STATUS_ARGUMENT);
    CHECK_TEXT(tape.error.text, "nothing trainable");
    Tape off = {.arena = &arena};
    y = silu(&off, asked);
    CHECK(y != NULL && !y->wants_grad && off.last == NULL);
    arena_free(&arena);
    arena_free(&gradients);
}

static void test_first_error_stays(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float x[6] = {0};
    Tensor *a = tape_input(&tape, x, 1, (int[]){6}, true), *b = tape_input(&tape, x, 1, (int[]){5}, true);
    CHECK(silu(&tape, add(&tape, a, b)) == NULL && tape.error.status == STATUS_SHAPE);
    CHECK(reshape(&tape, a, 2, (int[]){6, 6}) == NULL && silu(&tape, a) == NULL);
    CHECK(tape_alloc(&tape, 1, 1) == NULL && tape_scratch(&tape, 1) == NULL);
    CHECK(tape_fail(&tape, STATUS_FILE, "later") == NULL);
    CHECK(tape_backward(&tape, a, NULL) == STATUS_SHAPE && a->grad == NULL);
    CHECK_TEXT(tape.error.text, "add: shapes (6) and (5)");
    CHECK(tape_segment(&tape, case_segment, NULL, 0, NULL, 0) == NULL);
    arena_free(&arena);
    arena_free(&gradients);
}

static void test_impossible_tensors(void)
{
    static const struct {
        int rank, dim[5];
        Status status;
    } bad[] = {{5, {1, 1, 1, 1, 1}, STATUS_SHAPE},
               {-1, {0}, STATUS_SHAPE},
               {2, {3, -1}, STATUS_SHAPE},
               {4, {2147483647, 2147483647, 2147483647, 2147483647}, STATUS_SHAPE}};
    Arena arena = {.limit = 1 << 20};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Tape tape = {.arena = &arena};
        CHECK(tape_result(&tape, NULL, bad[i].rank, bad[i].dim) == NULL &&
              tape.error.status == bad[i].status);
    }
    Tape tape = {.arena = &arena};
    CHECK(tape_result(&tape, NULL, 2, (int[]){1 << 15, 1 << 15}) == NULL &&
          tape.error.status == STATUS_MEMORY);
    Tape lost = {.arena = &arena, .recording = true}; /* recording without a place for gradients */
    float x[1] = {1};
    Tensor *asked = tape_input(&lost, x, 0, NULL, true);
    CHECK(tape_backward(&lost, silu(&lost, asked), NULL) == STATUS_MEMORY);
    arena_free(&arena);
}

/* ---- segments ---- */

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

/* The second training step finds all gradient buffers of the first, and needs no new ones. */
static void test_gradient_buffers_are_used_again(void)
{
    Arena keep = {0};
    const OperatorCase c = network_case(&keep);
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        Arena results = {0}, gradients = {0};
        Tape tape = {
            .arena = &results, .gradients = &gradients, .recording = true, .checkpoint = checkpoint};
        size_t used[3];
        for (int step = 0; step < 3; step++) {
            const ArenaMark mark = arena_mark(&results);
            CHECK(tape_backward(&tape, c.build(&tape, c.x, NULL), NULL) == STATUS_OK);
            CHECK(tape.last == NULL);
            arena_release(&results, mark);
            used[step] = gradients.used;
        }
        CHECK(used[0] == used[1] && used[1] == used[2]);
        for (int k = 0; k < c.count; k++)
            c.x[k]->grad = NULL;
        arena_free(&results);
        arena_free(&gradients);
    }
    arena_free(&keep);
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

/* Segments whose result is their input, or a view of something that is given back. */
static Tensor *odd_segments(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    Tensor *same = tape_segment(tape, give_back, NULL, 0, x, 1);
    return tape_segment(tape, inner_view, NULL, 0, &same, 1);
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

/* ---- observing ---- */

typedef struct {
    int calls;
    char names[200];
} Seen;

static void see(void *context, const char *name, const Tensor *x)
{
    Seen *seen = context;
    seen->calls += x != NULL;
    strcat(seen->names, name);
    strcat(seen->names, ";");
}

static Tensor *named_segment(Tape *tape, const void *context, Tensor *const *x)
{
    (void)context;
    return tape_named(tape, silu(tape, x[0]), "block", "out");
}

static void test_observer_sees_each_tensor_once(void)
{
    for (int mode = RUN_PLAIN; mode <= RUN_INFERENCE; mode++) {
        Arena results = {0}, gradients = {0}, keep = {0};
        Seen seen = {0, ""};
        Tape tape = {.arena = &results, .gradients = &gradients, .observe = see, .observer = &seen};
        Tensor *x = test_tensor(&keep, 1, 1, (int[]){4});
        tape.recording = mode != RUN_INFERENCE;
        tape.checkpoint = mode == RUN_CHECKPOINT;
        Tensor *y = tape_segment(&tape, named_segment, NULL, 0, &x, 1);
        y = tape_named(&tape, y, "", "last");
        CHECK(tape_named(&tape, x, "first", "") == x && tape_named(&tape, NULL, "a", "b") == NULL);
        CHECK(!tape.recording || tape_backward(&tape, y, NULL) == STATUS_OK);
        CHECK(seen.calls == 3 && strcmp(seen.names, "block.out;last;first;") == 0);
        arena_free(&results);
        arena_free(&gradients);
        arena_free(&keep);
    }
}

int main(void)
{
    test_gradient_of_many_uses_by_hand();
    test_kept_gradients_start_at_zero();
    test_nothing_is_recorded_without_need();
    test_first_error_stays();
    test_impossible_tensors();
    test_three_modes_give_the_same_bits();
    test_failing_allocations_in_every_mode();
    test_segments_give_memory_back();
    test_gradient_buffers_are_used_again();
    test_frozen_segment_is_not_computed_again();
    test_segment_with_trained_weights_alone();
    test_odd_segments();
    test_observer_sees_each_tensor_once();
    return check_report("tape");
}
