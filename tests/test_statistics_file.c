#include "metrics/statistics_file.h"

#include "base/file.h"
#include "io/npz.h"
#include "tests/gradcheck.h"
#include "tests/scratch.h"

enum { D = 3, N = 20 };
static float x[N * D];
static char path[SCRATCH_PATH], other[SCRATCH_PATH];

/* Rows begin ... end as shard i of n. */
static Status write_part(const char *name, int begin, int end, int shard, int shards, Arena *arena,
                         Error *err)
{
    StatisticsFile f = {.recipe = "net/tap: as it is", .shard = shard, .shards = shards};
    Status status = feature_sums_new(&f.sums, D, arena, err);
    if (status == STATUS_OK)
        status = feature_sums_add(&f.sums, x + begin * D, end - begin, arena, err);
    return status == STATUS_OK ? statistics_file_write(name, &f, arena, err) : status;
}

static void test_written_and_read(void)
{
    Arena arena = {0};
    StatisticsFile f;
    FeatureStatistics plain;
    CHECK(write_part(path, 0, N, 1, 1, &arena, NULL) == STATUS_OK);
    CHECK(feature_statistics(&plain, x, N, D, &arena, NULL) == STATUS_OK);
    if (CHECK(statistics_file_read(&f, path, true, &arena, NULL) == STATUS_OK)) {
        CHECK(f.count == N && f.features.n == N && f.features.d == D && f.shard == 1 && f.shards == 1);
        CHECK(strcmp(f.recipe, "net/tap: as it is") == 0 && f.has_sums && f.sums.n == N);
        for (int i = 0; i < D * D; i++)
            CHECK_NEAR(f.features.covariance[i], plain.covariance[i], 1e-14);
        CHECK_NEAR(f.features.mean[2], plain.mean[2], 1e-15);
    }
    CHECK(statistics_file_read(&f, path, false, &arena, NULL) == STATUS_OK && f.sums.sum == NULL);
    arena_free(&arena);
}

/* Parts of any sizes, also empty ones, joined: the bytes of the whole set's file. */
static void test_joined_parts_are_the_whole(void)
{
    static const int cut[] = {0, 0, 7, 8, N};
    Arena arena = {0};
    Bytes want, got;
    StatisticsFile to, from;
    int shard[4];
    CHECK(write_part(path, 0, N, 1, 1, &arena, NULL) == STATUS_OK &&
          file_read(&want, path, &arena, NULL) == STATUS_OK);
    for (int i = 3; i >= 0; i--) {
        CHECK(write_part(other, cut[i], cut[i + 1], i + 1, 4, &arena, NULL) == STATUS_OK);
        CHECK(statistics_file_read(i == 3 ? &to : &from, other, true, &arena, NULL) == STATUS_OK);
        if (i < 3)
            CHECK(statistics_file_join(&to, &from, "a", "b", NULL) == STATUS_OK);
        shard[i] = i == 3 ? to.shard : from.shard;
    }
    CHECK(shards_are_whole(shard, 4, 4, NULL) == STATUS_OK);
    to.shard = to.shards = 1;
    CHECK(statistics_file_write(other, &to, &arena, NULL) == STATUS_OK &&
          file_read(&got, other, &arena, NULL) == STATUS_OK);
    CHECK(got.size == want.size && memcmp(got.data, want.data, got.size) == 0);
    arena_free(&arena);
}

static void test_one_and_no_feature(void)
{
    Arena arena = {0};
    StatisticsFile f;
    for (int n = 0; n < 2; n++) {
        CHECK(write_part(path, 0, n, 1, 2, &arena, NULL) == STATUS_OK);
        CHECK(statistics_file_read(&f, path, true, &arena, NULL) == STATUS_OK && f.count == n);
        CHECK(f.features.mean == NULL && f.features.covariance == NULL && f.shards == 2);
    }
    arena_free(&arena);
}

static void test_shards(void)
{
    Error err = {0}, twice = {0};
    CHECK(shards_are_whole((const int[]){1, 1}, 2, 1, NULL) == STATUS_OK);
    CHECK(shards_are_whole((const int[]){3, 1}, 2, 3, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "shard 2 of 3 is missing");
    CHECK(shards_are_whole((const int[]){2, 1, 2}, 3, 2, &twice) == STATUS_ARGUMENT);
    CHECK_TEXT(twice.text, "shard 2 of 2 is there twice");
}

static void test_what_does_not_join(void)
{
    Arena arena = {0};
    StatisticsFile a, b;
    CHECK(write_part(path, 0, 9, 1, 1, &arena, NULL) == STATUS_OK);
    CHECK(statistics_file_read(&a, path, true, &arena, NULL) == STATUS_OK);
    CHECK(statistics_file_read(&b, path, true, &arena, NULL) == STATUS_OK);
    b.recipe = "other";
    CHECK(statistics_file_join(&a, &b, "a", "b", NULL) == STATUS_ARGUMENT && a.sums.n == 9);
    b.recipe = a.recipe;
    b.shards = 2;
    CHECK(statistics_file_join(&a, &b, "a", "b", NULL) == STATUS_ARGUMENT);
    b.shards = 1;
    b.sums.d = 2;
    CHECK(statistics_file_join(&a, &b, "a", "b", NULL) == STATUS_SHAPE);
    b.has_sums = false;
    CHECK(statistics_file_join(&a, &b, "a", "b", NULL) == STATUS_ARGUMENT && a.sums.n == 9);
    arena_free(&arena);
}

/* A file of `count` arrays is refused with that status and sentence. */
static void refused(const NpzItem *items, size_t count, Status status, const char *part)
{
    Arena arena = {0};
    Error err = {0};
    StatisticsFile f = {.count = 77};
    CHECK(npz_write(path, items, count, false, &arena, NULL) == STATUS_OK);
    CHECK(statistics_file_read(&f, path, true, &arena, &err) == status && f.count == 77);
    CHECK_TEXT(err.text, part);
    arena_free(&arena);
}

static void test_files_of_others(void)
{
    static double mu[2] = {1, 2}, sigma[4] = {1, 0, 0, 1};
    static int64_t n[2] = {5, 0}, sums[3 * EXACT_LIMBS];
    NpzItem items[] = {
        {"mu", {.dtype = F64, .rank = 1, .dim = {2}, .data = mu}},
        {"sigma", {.dtype = F64, .rank = 2, .dim = {2, 2}, .data = sigma}},
        {"n", {.dtype = I64, .rank = 0, .data = n}},
        {"sum", {.dtype = I64, .rank = 2, .dim = {2, EXACT_LIMBS}, .data = sums}},
        {"product", {.dtype = I64, .rank = 2, .dim = {3, EXACT_LIMBS}, .data = sums}},
        {"shard", {.dtype = I64, .rank = 1, .dim = {2}, .data = n}},
    };
    Arena arena = {0};
    StatisticsFile f;
    CHECK(npz_write(path, items, 2, true, &arena, NULL) == STATUS_OK); /* as pytorch-fid: deflated */
    if (CHECK(statistics_file_read(&f, path, true, &arena, NULL) == STATUS_OK))
        CHECK(f.count == -1 && !f.has_sums && f.recipe == NULL && f.features.covariance[3] == 1.0);
    CHECK(npz_write(path, items, 5, false, &arena, NULL) == STATUS_OK);
    CHECK(statistics_file_read(&f, path, true, &arena, NULL) == STATUS_OK && f.has_sums && f.count == 5);
    arena_free(&arena);

    refused(items, 1, STATUS_FORMAT, "has no array \"sigma\"");
    refused(items + 1, 1, STATUS_FORMAT, "has no array \"mu\"");
    refused(items, 6, STATUS_FORMAT, "\"shard\" is 0");
    n[1] = 2;
    refused(items, 6, STATUS_FORMAT, "is shard 5 of 2");
    sums[4] = -1;
    refused(items, 5, STATUS_FORMAT, "row 0 of \"sum\" is no carried sum");
    sums[4] = 0;
    items[4].array.dim[0] = 2;
    refused(items, 5, STATUS_FORMAT, "\"product\" has 2 axes, the first of 2, expected 2 of 3");
    n[0] = -5;
    refused(items, 3, STATUS_FORMAT, "\"n\" is -5");
    char bell_text[] = "a\ab";
    const NpzItem bell[] = {
        items[0], items[1], {"recipe", {.dtype = U8, .rank = 1, .dim = {3}, .data = bell_text}}};
    refused(bell, 3, STATUS_FORMAT, "\"recipe\" is no line of text");
    mu[1] = NAN;
    refused(items, 2, STATUS_NOT_FINITE, "number 1 of \"mu\"");
    mu[1] = 0.0;
    sigma[2] = INFINITY;
    refused(items, 2, STATUS_NOT_FINITE, "number 2 of \"sigma\"");
    items[0].array.dim[0] = 1;
    refused(items, 2, STATUS_FORMAT, "expected 2 of 1");
    items[0].array.dtype = I64;
    refused(items, 2, STATUS_FORMAT, "\"mu\" holds I64");
}

static void test_failing_allocations(void)
{
    Status status = STATUS_MEMORY;
    size_t failed = 0;
    CHECK(remove(path) == 0);
    for (size_t n = 1; n < 200 && status != STATUS_OK; n++) {
        Arena arena = {.fail_after = n};
        Error err = {0};
        StatisticsFile f;
        status = write_part(path, 0, N, 1, 1, &arena, &err);
        CHECK(status == STATUS_OK || !file_exists(path));
        if (status == STATUS_OK)
            status = statistics_file_read(&f, path, true, &arena, &err);
        CHECK((status == STATUS_OK || status == STATUS_MEMORY) && err.status == status);
        failed += status == STATUS_MEMORY;
        arena_free(&arena);
        file_remove(path);
    }
    CHECK(status == STATUS_OK && failed > 10);
}

int main(void)
{
    test_fill(x, N * D, 4);
    scratch_path(path, "statistics_a");
    scratch_path(other, "statistics_b");
    test_written_and_read();
    test_joined_parts_are_the_whole();
    test_one_and_no_feature();
    test_shards();
    test_what_does_not_join();
    test_files_of_others();
    test_failing_allocations();
    file_remove(path);
    file_remove(other);
    return check_report("statistics_file");
}
