#include "nn/reduce.h"

#include "tests/gradcheck.h"

typedef struct {
    const char *name;
    Tensor *(*along)(Tape *tape, Tensor *x, int axis);
    Tensor *(*whole)(Tape *tape, Tensor *x);
    int axis;
} Reduction;

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    const Reduction *r = context;
    return r->along != NULL ? r->along(tape, x[0], r->axis) : r->whole(tape, x[0]);
}

static const Tensor *run(Tape *tape, float *x, Reduction r)
{
    Tensor *in = tape_input(tape, x, 3, (int[]){2, 2, 3}, false);
    return build(tape, &in, &r);
}

static void test_by_hand(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float x[12] = {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60};
    static const struct {
        Reduction reduction;
        int rank, dim[3];
        float want[6];
    } rows[] = {
        {{"sum", sum_axis, NULL, 0}, 3, {1, 2, 3}, {11, 22, 33, 44, 55, 66}},
        {{"sum", sum_axis, NULL, 1}, 3, {2, 1, 3}, {5, 7, 9, 50, 70, 90}},
        {{"sum", sum_axis, NULL, -1}, 3, {2, 2, 1}, {6, 15, 60, 150}},
        {{"mean", mean_axis, NULL, 0}, 3, {1, 2, 3}, {5.5f, 11, 16.5f, 22, 27.5f, 33}},
        {{"mean", mean_axis, NULL, -2}, 3, {2, 1, 3}, {2.5f, 3.5f, 4.5f, 25, 35, 45}},
        {{"sum", NULL, sum_sample, 0}, 1, {2, 1, 1}, {21, 210}},
        {{"mean", NULL, mean_sample, 0}, 1, {2, 1, 1}, {3.5f, 35}},
        {{"sum", NULL, sum_all, 0}, 1, {1, 1, 1}, {231}},
        {{"mean", NULL, mean_all, 0}, 1, {1, 1, 1}, {19.25f}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const Tensor *y = run(&tape, x, rows[i].reduction);
        if (!CHECK(y != NULL && y->rank == rows[i].rank &&
                   memcmp(y->dim, rows[i].dim, sizeof rows[i].dim) == 0 &&
                   same_bits(y->data, rows[i].want, tensor_count(y))))
            printf("    row %zu\n", i);
    }
    float one[1] = {7};
    const Tensor *y = sum_all(&tape, tape_input(&tape, one, 0, NULL, false));
    CHECK(y != NULL && y->rank == 1 && y->data[0] == 7.0f);
    arena_free(&arena);
}

/* Along the samples in binary64 one after the other; otherwise in eight lanes: they differ for 1, 2^53, -2^53. */
static void test_orders(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float x[9] = {1.0f, 0x1p60f, 0, 0, 0, 0, 0, 0, -0x1p60f};
    const Tensor *samples = sum_axis(&tape, tape_input(&tape, x, 1, (int[]){9}, false), 0);
    CHECK(samples != NULL && samples->data[0] == 0.0f); /* 1 + 2^60 - 2^60 */
    const Tensor *lanes = sum_sample(&tape, tape_input(&tape, x, 2, (int[]){1, 9}, false));
    CHECK(lanes != NULL && lanes->data[0] == 0.0f); /* lane 0: 1 - 2^60 */
    x[8] = 0, x[7] = -0x1p60f;
    lanes = sum_sample(&tape, tape_input(&tape, x, 2, (int[]){1, 9}, false));
    samples = sum_axis(&tape, tape_input(&tape, x, 1, (int[]){9}, false), 0);
    CHECK(lanes != NULL && lanes->data[0] == 1.0f); /* lanes 1 and 7 meet before lane 0 */
    CHECK(samples != NULL && samples->data[0] == 0.0f);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 2, (int[]){2, 3}), *none = test_tensor(&arena, 1, 2, (int[]){2, 0});
    for (int axis = -4; axis < 4; axis++) {
        Tape tape = {.arena = &arena};
        const bool good = axis >= -2 && axis < 2;
        CHECK((sum_axis(&tape, x, axis) != NULL) == good);
        CHECK(tape.error.status == (good ? STATUS_OK : STATUS_ARGUMENT));
    }
    Tape tape = {.arena = &arena}, tape2 = {.arena = &arena}, tape3 = {.arena = &arena},
         tape4 = {.arena = &arena};
    CHECK(mean_axis(&tape, none, 1) == NULL && tape.error.status == STATUS_SHAPE);
    CHECK(mean_sample(&tape2, none) == NULL && tape2.error.status == STATUS_SHAPE);
    CHECK(mean_all(&tape3, none) == NULL && tape3.error.status == STATUS_SHAPE);
    CHECK(sum_all(&tape4, NULL) == NULL && mean_all(&tape4, NULL) == NULL &&
          sum_axis(&tape4, NULL, 0) == NULL);
    const Tensor *zero = sum_sample(&tape4, none);
    CHECK(zero != NULL && zero->data[0] == 0.0f && zero->data[1] == 0.0f &&
          tape4.error.status == STATUS_OK);
    arena_free(&arena);
}

int main(void)
{
    static const Reduction all[] = {
        {"sum_axis", sum_axis, NULL, 1},       {"sum_axis", sum_axis, NULL, -1},
        {"mean_axis", mean_axis, NULL, 2},     {"sum_sample", NULL, sum_sample, 0},
        {"mean_sample", NULL, mean_sample, 0}, {"sum_axis", sum_axis, NULL, 0},
        {"mean_axis", mean_axis, NULL, 0},     {"sum_all", NULL, sum_all, 0},
        {"mean_all", NULL, mean_all, 0}};
    Arena arena = {0};
    test_by_hand();
    test_orders();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        OperatorCase c = {.name = all[i].name, .build = build, .context = &all[i], .count = 1};
        c.x[0] = test_tensor(&arena, 1, 4, (int[]){3, 5, 11, 4});
        gradcheck(&c);
        memorycheck(&c);
        widthcheck(&c);
        segmentcheck(&c);
        if (i < 5)
            batchcheck(&c, 0);
    }
    test_refused();
    arena_free(&arena);
    return check_report("reduce");
}
