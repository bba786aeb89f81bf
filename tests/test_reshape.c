#include "nn/reshape.h"

#include "tests/gradcheck.h"

static Tensor *build_reshape(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    return reshape(tape, x[0], 3, (int[]){x[0]->dim[0], -1, 2});
}

static Tensor *build_permute(Tape *tape, Tensor *const *x, const void *context)
{
    return permute(tape, x[0], context);
}

static void test_reshape_is_a_view(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    Tensor *x = test_tensor(&arena, 1, 3, (int[]){2, 3, 4});
    const Tensor *y = reshape(&tape, x, 2, (int[]){6, -1});
    CHECK(y != NULL && y->data == x->data && y->rank == 2 && y->dim[0] == 6 && y->dim[1] == 4 &&
          y->dim[2] == 1);
    CHECK(y != NULL && !y->wants_grad); /* nothing is recorded */
    const Tensor *line = reshape(&tape, x, 1, (int[]){24});
    CHECK(line != NULL && tensor_count(line) == 24);
    Tensor *none = test_tensor(&arena, 1, 2, (int[]){0, 5});
    CHECK(reshape(&tape, none, 3, (int[]){5, 0, 7}) != NULL);
    arena_free(&arena);
}

static void test_reshape_refused(void)
{
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 3, (int[]){2, 3, 4});
    Tensor *none = test_tensor(&arena, 1, 2, (int[]){0, 5});
    const struct {
        Tensor *x;
        int rank, dim[5];
    } bad[] = {
        {x, 2, {6, 5}},          {x, 2, {5, -1}},    {x, 2, {-1, -1}},
        {x, 3, {-2, 3, -4}},     {x, 2, {0, -1}},    {x, 1, {0}},
        {x, 5, {2, 3, 4, 1, 1}}, {x, -1, {0}},       {x, 0, {0}},
        {none, 1, {5}},          {none, 2, {0, -1}}, {x, 4, {2147483647, 2147483647, 2147483647, 24}}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Tape tape = {.arena = &arena};
        if (!CHECK(reshape(&tape, bad[i].x, bad[i].rank, bad[i].dim) == NULL &&
                   tape.error.status == STATUS_SHAPE))
            printf("    %zu\n", i);
    }
    arena_free(&arena);
}

/* Every order of the axes of every small shape, number by number. */
static void test_all_permutations(void)
{
    static const int shapes[][4] = {{2, 3, 4, 5}, {1, 17, 1, 33}, {3, 1, 20, 18},
                                    {1, 1, 1, 1}, {2, 40, 3, 1},  {0, 2, 3, 4}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int code = 0; code < 256; code++) {
            const int order[4] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6};
            const int *dim = shapes[s];
            float x[2400], y[2400];
            size_t at = 0, wrong = 0;
            int i[4];
            if ((1 << order[0] | 1 << order[1] | 1 << order[2] | 1 << order[3]) != 15)
                continue;
            test_fill(x, 2400, s);
            permute_forward(y, x, 4, dim, order);
            for (i[0] = 0; i[0] < dim[order[0]]; i[0]++)
                for (i[1] = 0; i[1] < dim[order[1]]; i[1]++)
                    for (i[2] = 0; i[2] < dim[order[2]]; i[2]++)
                        for (i[3] = 0; i[3] < dim[order[3]]; i[3]++, at++) {
                            int from[4];
                            for (int k = 0; k < 4; k++)
                                from[order[k]] = i[k];
                            const int place =
                                ((from[0] * dim[1] + from[1]) * dim[2] + from[2]) * dim[3] + from[3];
                            wrong += y[at] != x[place];
                        }
            CHECK(wrong == 0 && at == (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2] * (size_t)dim[3]);
        }
}

static void test_permute_refused(void)
{
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 3, (int[]){2, 3, 4});
    const int bad[][3] = {{0, 1, 1}, {0, 1, 3}, {-1, 0, 1}, {2, 2, 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Tape tape = {.arena = &arena};
        CHECK(permute(&tape, x, bad[i]) == NULL && tape.error.status == STATUS_ARGUMENT);
        CHECK_TEXT(tape.error.text, "(2,3,4)");
    }
    Tape tape = {.arena = &arena};
    CHECK(permute(&tape, NULL, bad[0]) == NULL && reshape(&tape, NULL, 0, NULL) == NULL);
    CHECK(tape.error.status == STATUS_OK);
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0};
    OperatorCase c = {.name = "reshape", .build = build_reshape, .count = 1};
    test_reshape_is_a_view();
    test_reshape_refused();
    test_all_permutations();
    test_permute_refused();
    c.x[0] = test_tensor(&arena, 1, 4, (int[]){3, 2, 4, 5});
    operatorcheck(&c, 0);
    c = (OperatorCase){
        .name = "permute", .build = build_permute, .context = (int[]){0, 2, 3, 1}, .count = 1};
    c.x[0] = test_tensor(&arena, 1, 4, (int[]){2, 40, 17, 23});
    operatorcheck(&c, 0);
    c.context = (int[]){0, 2, 1, 3};
    operatorcheck(&c, 0);
    arena_free(&arena);
    return check_report("reshape");
}
