#include "nn/concat.h"

#include "tests/gradcheck.h"

static Tensor *build_concat(Tape *tape, Tensor *const *x, const void *context)
{
    return concat(tape, x, 3, *(const int *)context);
}

/* The same tensor twice, and a slice of what comes out. */
static Tensor *build_twice(Tape *tape, Tensor *const *x, const void *context)
{
    Tensor *const parts[3] = {x[0], x[1], x[0]};
    (void)context;
    return slice(tape, concat(tape, parts, 3, 1), -3, 1, x[0]->dim[1] + x[1]->dim[1]);
}

static void test_by_hand(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float a[4] = {1, 2, 3, 4}, b[2] = {5, 6};
    Tensor ta = {.rank = 2, .dim = {2, 2, 1, 1}, .data = a},
           tb = {.rank = 2, .dim = {2, 1, 1, 1}, .data = b};
    Tensor *const parts[2] = {&ta, &tb};
    const float want[6] = {1, 2, 5, 3, 4, 6}, middle[4] = {2, 5, 4, 6};
    Tensor *y = concat(&tape, parts, 2, 1);
    CHECK(y != NULL && y->dim[0] == 2 && y->dim[1] == 3 && memcmp(y->data, want, sizeof want) == 0);
    const Tensor *z = slice(&tape, y, 1, 1, 2);
    CHECK(z != NULL && z->dim[1] == 2 && memcmp(z->data, middle, sizeof middle) == 0);
    const Tensor *last = slice(&tape, y, 0, 1, 1);
    CHECK(last != NULL && last->dim[0] == 1 && memcmp(last->data, want + 3, 3 * sizeof(float)) == 0);
    const Tensor *nothing = slice(&tape, y, 0, 2, 0);
    CHECK(nothing != NULL && tensor_count(nothing) == 0);
    arena_free(&arena);
}

/* What a slice leaves out has a gradient of exactly 0. */
static void test_slice_gradient_by_hand(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float x[6] = {1, 2, 3, 4, 5, 6};
    const float dy[2] = {7, 8}, want[6] = {0, 7, 0, 0, 8, 0};
    Tensor *in = tape_input(&tape, x, 2, (int[]){2, 3}, true);
    CHECK(tape_backward(&tape, slice(&tape, in, 1, 1, 1), dy) == STATUS_OK);
    CHECK(same_bits(in->grad, want, 6));
    arena_free(&arena);
    arena_free(&gradients);
}

/* Slices of a concatenation are its parts. */
static void test_slices_undo_concat(void)
{
    Arena arena = {0};
    for (int axis = 0; axis < 4; axis++) {
        Tape tape = {.arena = &arena};
        Tensor *x[3];
        int start = 0;
        for (int i = 0; i < 3; i++) {
            int dim[4] = {2, 3, 4, 5};
            dim[axis] = i + 1;
            x[i] = test_tensor(&arena, (uint64_t)i, 4, dim);
        }
        Tensor *y = concat(&tape, x, 3, axis);
        for (int i = 0; i < 3; start += ++i) {
            const Tensor *part = slice(&tape, y, axis - 4, start, i + 1);
            CHECK(part != NULL && tensor_same_shape(part, x[i]));
            CHECK(part != NULL && same_bits(part->data, x[i]->data, tensor_count(part)));
        }
    }
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *a = test_tensor(&arena, 1, 2, (int[]){2, 3}), *b = test_tensor(&arena, 1, 2, (int[]){3, 3});
    Tensor *c = test_tensor(&arena, 1, 1, (int[]){2}), huge = *a;
    huge.dim[1] = 2147483647;
    const struct {
        Tensor *parts[2];
        int count, axis;
        Status status;
    } bad[] = {{{a, b}, 2, 1, STATUS_SHAPE},    {{a, c}, 2, 0, STATUS_SHAPE},
               {{a, b}, 2, 2, STATUS_ARGUMENT}, {{a, b}, 2, -3, STATUS_ARGUMENT},
               {{a, b}, 0, 0, STATUS_ARGUMENT}, {{a, &huge}, 2, 1, STATUS_SHAPE}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Tape tape = {.arena = &arena};
        CHECK(concat(&tape, bad[i].parts, bad[i].count, bad[i].axis) == NULL &&
              tape.error.status == bad[i].status);
    }
    static const int cuts[][3] = {{2, 0, 1},  {-3, 0, 1}, {1, -1, 2},        {1, 2, 2},
                                  {1, 0, -1}, {1, 4, 0},  {1, 2147483647, 2}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        Tape tape = {.arena = &arena};
        CHECK(slice(&tape, a, cuts[i][0], cuts[i][1], cuts[i][2]) == NULL &&
              tape.error.status == STATUS_ARGUMENT);
    }
    Tape tape = {.arena = &arena};
    Tensor *const gone[2] = {a, NULL};
    CHECK(concat(&tape, gone, 2, 0) == NULL && slice(&tape, NULL, 0, 0, 0) == NULL);
    CHECK(tape.error.status == STATUS_OK);
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0};
    const int axes[] = {1, 2, -1};
    test_by_hand();
    test_slice_gradient_by_hand();
    test_slices_undo_concat();
    for (int k = 0; k < 3; k++) {
        const int axis = axes[k] < 0 ? 3 : axes[k];
        OperatorCase c = {.name = "concat", .build = build_concat, .context = &axes[k], .count = 3};
        for (int i = 0; i < 3; i++) {
            int dim[4] = {2, 3, 4, 5};
            dim[axis] += 2 * i;
            c.x[i] = test_tensor(&arena, (uint64_t)i, 4, dim);
        }
        operatorcheck(&c, 0);
    }
    OperatorCase c = {.name = "concat twice", .build = build_twice, .count = 2};
    c.x[0] = test_tensor(&arena, 1, 4, (int[]){2, 3, 4, 5});
    c.x[1] = test_tensor(&arena, 2, 4, (int[]){2, 2, 4, 5});
    operatorcheck(&c, 0);
    test_refused();
    arena_free(&arena);
    return check_report("concat");
}
