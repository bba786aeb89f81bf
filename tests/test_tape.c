/* The tape by itself (nn/tape.c, nn/tape_backward.c): gradients of graphs, errors that stay, the observer; its
 * segments are in test_segments.c. */
#include "nn/tape.h"

#include "nn/activation.h"
#include "nn/elementwise.h"
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

/* u + v, both made on the way: each gets the whole gradient, through however many views. */
static void test_gradients_are_handed_on(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float x[1000] = {1, 2}, w[1000] = {3, 4};
    Tensor *tx = tape_input(&tape, x, 1, (int[]){1000}, true),
           *tw = tape_input(&tape, w, 1, (int[]){1000}, true);
    Tensor *u = scale(&tape, tx, 2.0f), *v = scale(&tape, tw, 5.0f);
    Tensor *twice = add(&tape, u, u), *y = add(&tape, twice, v);
    for (int i = 0; i < 10; i++)
        y = reshape(&tape, y, 2, (int[]){i % 2 ? 10 : 100, -1});
    Tensor *kept = y;
    kept->keeps_grad = true; /* as a caller may ask of any tensor */
    y = subtract(&tape, y, reshape(&tape, v, 2, (int[]){10, 100}));
    float dy[1000] = {-0.0f, 1};
    CHECK(tape_backward(&tape, y, dy) == STATUS_OK);
    const float dx[2] = {0.0f, 4.0f}, dw[2] = {0.0f, 0.0f};
    CHECK(same_bits(tx->grad, dx, 2) && same_bits(tw->grad, dw, 2));
    CHECK(kept->grad != NULL && kept->grad[1] == 1.0f);
    CHECK(y->grad == NULL && u->grad == NULL && v->grad == NULL && twice->grad == NULL);
    arena_free(&arena);
    arena_free(&gradients);
}

/* Copied while others will read it, then given away, then added. */
static void test_grad_pass_by_hand(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients};
    Tensor out = {.rank = 1, .dim = {2, 1, 1, 1}, .wants_grad = true}, x = out, y = out,
           not = {.dim = {2, 1, 1, 1}};
    float *given = tape_scratch(&tape, 2);
    out.grad = given;
    given[0] = -0.0f;
    given[1] = 3.0f;
    tape_grad_pass(&tape, &not, &out, true);
    tape_grad_pass(&tape, &x, &out, false);
    CHECK(not .grad == NULL && out.grad == given && x.grad != given && same_bits(x.grad, given, 2));
    tape_grad_pass(&tape, &y, &out, true);
    CHECK(y.grad == given && out.grad == NULL);
    tape_grad_pass(&tape, &x, &out, true); /* nothing came to out */
    tape_grad_pass(&tape, &x, &y, true);
    CHECK(x.grad[1] == 6.0f && y.grad == given && given[1] == 3.0f);
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

static bool asks_for_maps(void *context, const char *name)
{
    return context != NULL && strcmp(name, "unet.attn.map") == 0;
}

static void test_a_watch_knows_the_place(void)
{
    Arena arena = {0};
    Seen seen = {0, ""};
    const TapeWatch watch = {.observe = see, .wants = asks_for_maps, .observer = &seen};
    Tape tape = {.arena = &arena};
    Tensor *x = test_tensor(&arena, 1, 1, (int[]){4});
    tape_watch(&tape, NULL, "unet");
    tape_named(&tape, x, "a", "b");
    CHECK(seen.calls == 0 && tape.place == NULL && !tape_wants_to_see(&tape, "attn", "map"));
    tape_watch(&tape, &watch, "unet");
    tape_named(&tape, x, "a", "b");
    tape_named(&tape, x, "", "b");
    tape_named(&tape, x, "a", "");
    CHECK(tape_wants_to_see(&tape, "attn", "map") && !tape_wants_to_see(&tape, "attn", "mat"));
    tape.place = "";
    tape_named(&tape, x, "a", "");
    CHECK(strcmp(seen.names, "unet.a.b;unet.b;unet.a;a;") == 0);
    tape.wants = NULL;
    CHECK(!tape_wants_to_see(&tape, "attn", "map"));
    arena_free(&arena);
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
    test_gradients_are_handed_on();
    test_grad_pass_by_hand();
    test_nothing_is_recorded_without_need();
    test_first_error_stays();
    test_impossible_tensors();
    test_observer_sees_each_tensor_once();
    test_a_watch_knows_the_place();
    return check_report("tape");
}
