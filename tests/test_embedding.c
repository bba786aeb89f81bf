#include "nn/embedding.h"

#include "base/sum.h"
#include "tests/gradcheck.h"

typedef struct {
    int ids[12], rank, dim[3];
} Ids;

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    const Ids *i = context;
    return embedding(tape, x[0], i->ids, i->rank, i->dim);
}

/* Row 2 is used twice in sample 0 and once in sample 1: (1 + 4) first, then + 16. */
static void test_gradient_by_hand(void)
{
    const int ids[6] = {2, 0, 2, 1, 1, 2};
    const float dy[6] = {1, 2, 4, 8, 32, 16};
    float dtable[3] = {0, 0, 0.5f};
    embedding_backward(dtable, dy, ids, 2, 3, 1);
    CHECK(dtable[0] == 2.0f && dtable[1] == 40.0f && dtable[2] == 21.5f);
}

/* Sums inside a sample are made in binary64 and rounded once: 1 + 2^-24 + 2^-24 is more than 1. */
static void test_sample_is_summed_before_it_is_rounded(void)
{
    const int ids[3] = {0, 0, 0};
    const float dy[3] = {1.0f, 0x1p-24f, 0x1p-24f};
    float dtable[1] = {0};
    embedding_backward(dtable, dy, ids, 1, 3, 1);
    CHECK(dtable[0] == 1.0f + 0x1p-23f);
    dtable[0] = 0;
    embedding_backward(dtable, dy, ids, 3, 1, 1); /* three samples: each addition rounds */
    CHECK(dtable[0] == 1.0f);
}

/* A batch leaves what its samples leave one after the other. */
static void test_batch_equals_samples(void)
{
    enum { N = 3, P = 9, V = 5, C = 7 };
    float dy[N * P * C], whole[V * C] = {0}, parts[V * C] = {0};
    int ids[N * P];
    test_fill(dy, N * P * C, 1);
    for (int i = 0; i < N * P; i++)
        ids[i] = i * i % V;
    embedding_backward(whole, dy, ids, N, P, C);
    for (int n = 0; n < N; n++)
        embedding_backward(parts, dy + n * P * C, ids + n * P, 1, P, C);
    CHECK(same_bits(whole, parts, V * C));
}

/* Twenty uses of a row in one sample: eight lanes, in order of position. */
static void test_lanes(void)
{
    enum { P = 40, C = 50 };
    float dy[P * C], got[2 * C] = {0};
    int ids[P];
    test_fill_steep(dy, P * C, 3);
    for (int p = 0; p < P; p++)
        ids[p] = p % 3 == 1;
    embedding_backward(got, dy, ids, 1, P, C);
    for (int id = 0; id < 2; id++)
        for (int c = 0; c < C; c++) {
            float used[P];
            size_t n = 0;
            for (int p = 0; p < P; p++)
                if (ids[p] == id)
                    used[n++] = dy[p * C + c];
            const float want = (float)sum8(used, n);
            CHECK(got[id * C + c] == want);
        }
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *table = test_tensor(&arena, 1, 2, (int[]){4, 3}), *line = test_tensor(&arena, 1, 1, (int[]){4});
    const struct {
        Tensor *table;
        int ids[2], rank;
        Status status;
    } bad[] = {{table, {0, 4}, 1, STATUS_ARGUMENT},
               {table, {-1, 0}, 1, STATUS_ARGUMENT},
               {line, {0, 0}, 1, STATUS_SHAPE},
               {table, {0, 0}, 4, STATUS_SHAPE},
               {table, {0, 0}, -1, STATUS_SHAPE}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Tape tape = {.arena = &arena};
        CHECK(embedding(&tape, bad[i].table, bad[i].ids, bad[i].rank, (int[]){2, 1, 1, 1}) == NULL);
        CHECK(tape.error.status == bad[i].status);
    }
    Tape tape = {.arena = &arena};
    CHECK(embedding(&tape, table, (int[]){0, 0}, 1, (int[]){-2}) == NULL &&
          tape.error.status == STATUS_SHAPE);
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0};
    const Ids flat = {{3, 0, 3, 5}, 1, {4, 0, 0}},
              rows = {{1, 2, 1, 1, 5, 0, 0, 5, 5, 5, 5, 2}, 2, {3, 4, 0}};
    const Ids one = {{4}, 0, {0, 0, 0}};
    const Ids *const all[] = {&flat, &rows, &one};
    test_gradient_by_hand();
    test_sample_is_summed_before_it_is_rounded();
    test_batch_equals_samples();
    test_lanes();
    for (int i = 0; i < 3; i++) {
        OperatorCase c = {.name = "embedding", .build = build, .context = all[i], .count = 1};
        c.x[0] = test_tensor(&arena, 1, 2, (int[]){6, 10});
        gradcheck(&c);
        memorycheck(&c);
        widthcheck(&c);
        segmentcheck(&c);
    }
    test_refused();
    arena_free(&arena);
    return check_report("embedding");
}
