#include "io/tensor_archive.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "io/safetensors.h"
#include "tests/check.h"
#include "tests/scratch.h"

static const float *numbers_of(const TensorArchive *a, const char *name, float out[32])
{
    Error err = {0};
    const ArchiveTensor *t = archive_find(a, name);
    for (int i = 0; i < 32; i++)
        out[i] = -1.0f;
    if (!CHECK(t != NULL && t->numbers <= 32 &&
               archive_read_f32(out, a, t, 0, (size_t)t->numbers, &err) == STATUS_OK))
        printf("    %s: %s\n", name, err.text);
    return out;
}

static void test_a_file_of_torch_gives_its_tensors_views_and_kinds(void)
{
    Arena arena = {0};
    TensorArchive a = {0};
    Error err = {0};
    float x[32];
    if (!CHECK(archive_open(&a, "tests/vectors/torch/zip.ckpt", &arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        return;
    }
    CHECK(a.count == 9 && a.kind == ARCHIVE_TORCH && archive_find(&a, "state_dict") == NULL);
    static const char *const SAME[] = {"a", "h", "b", "d"};
    static const DType KIND[] = {F32, F16, BF16, F64};
    for (int k = 0; k < 4; k++) {
        const ArchiveTensor *t = archive_find(&a, SAME[k]);
        CHECK(t->rank == 2 && t->dim[0] == 4 && t->dim[1] == 6 && t->dtype == KIND[k]);
        numbers_of(&a, SAME[k], x);
        for (int i = 0; i < 24; i++)
            CHECK(x[i] == (float)i);
    }
    numbers_of(&a, "t", x);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 4; j++)
            CHECK(x[4 * i + j] == (float)(6 * j + i));
    numbers_of(&a, "part", x);
    CHECK(x[0] == 8 && x[1] == 9 && x[2] == 10 && x[3] == 14 && x[5] == 16);
    CHECK(numbers_of(&a, "i", x)[4] == 4 && numbers_of(&a, "s", x)[0] == 3.5f);
    CHECK(archive_find(&a, "e")->numbers == 0 && archive_find(&a, "s")->rank == 0);
    /* from the middle: rows 1 and 2 of the transpose, less one number at each end */
    CHECK(archive_read_f32(x, &a, archive_find(&a, "t"), 5, 6, &err) == STATUS_OK);
    CHECK(x[0] == 7 && x[1] == 13 && x[2] == 19 && x[3] == 2 && x[5] == 14);
    CHECK(archive_read_f32(x, &a, archive_find(&a, "h"), 7, 3, &err) == STATUS_OK);
    CHECK(x[0] == 7 && x[1] == 8 && x[2] == 9);
    CHECK(archive_read_f32(x, &a, archive_find(&a, "part"), 2, 3, &err) == STATUS_OK);
    CHECK(x[0] == 10 && x[1] == 14 && x[2] == 15);
    arena_free(&arena);
}

static void check_refused(const char *path, Status status, const char *words)
{
    Arena arena = {0};
    TensorArchive a = {.count = 77};
    Error err = {0};
    CHECK(archive_open(&a, path, &arena, &err) == status && a.count == 77 && arena.used == 0);
    CHECK_TEXT(err.text, words);
    arena_free(&arena);
}

static void test_what_is_no_archive_is_refused_in_one_sentence(void)
{
    check_refused("tests/vectors/torch/legacy.pth", STATUS_FORMAT, "before version 1.6");
    check_refused("tests/vectors/torch/module.pt", STATUS_FORMAT, "names torch.nn.modules.linear.Linear");
    check_refused("tests/vectors/torch/none.pt", STATUS_FILE, "none.pt");
    check_refused("tests/test_tensor_archive.c", STATUS_FORMAT, "not safetensors");
    check_refused("tests/vectors/arrays/zip-streamed.zip", STATUS_FORMAT, "without data.pkl");
}

/* ---- shards ---- */

typedef struct {
    char path[4][SCRATCH_PATH]; /* two shards, their index, and the name of the whole */
} Sharded;

static const char *base_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

static void write_shards(Sharded *s, const char *second, const char *tensor)
{
    Arena arena = {0};
    Bytes index = {.arena = &arena};
    const float data[6] = {1, 2, 3, 4, 5, 6};
    const SafetensorsItem one[] = {{.name = "x.a", .dtype = F32, .rank = 1, .dim = {6}, .f32 = data}};
    const SafetensorsItem two[] = {{.name = "x.b", .dtype = BF16, .rank = 2, .dim = {3, 2}, .f32 = data},
                                   {.name = "x.c", .dtype = F64, .rank = 1, .dim = {2}, .f32 = data}};
    scratch_path(s->path[0], "part-1.safetensors");
    scratch_path(s->path[1], "part-2.safetensors");
    scratch_path(s->path[2], "whole.safetensors.index.json");
    scratch_path(s->path[3], "whole.safetensors");
    CHECK(safetensors_write(s->path[0], one, 1, NULL, &arena, NULL) == STATUS_OK);
    CHECK(safetensors_write(s->path[1], two, 2, NULL, &arena, NULL) == STATUS_OK);
    bytes_add_format(&index, "{\"weight_map\": {\"x.a\": \"%s\",", base_name(s->path[0]));
    bytes_add_format(&index, " \"x.b\": \"%s\",", second != NULL ? second : base_name(s->path[1]));
    bytes_add_format(&index, " \"%s\": \"%s\"}}", tensor, base_name(s->path[1]));
    CHECK(file_write(s->path[2], index.data, index.size, NULL) == STATUS_OK);
    arena_free(&arena);
}

static void remove_shards(const Sharded *s)
{
    for (int i = 0; i < 3; i++)
        file_remove(s->path[i]);
}

static void test_shards_are_one_archive(void)
{
    Sharded s;
    write_shards(&s, NULL, "x.c");
    for (int k = 2; k < 4; k++) { /* by the index, and by the name that it stands for */
        Arena arena = {0};
        TensorArchive a = {0};
        Error err = {0};
        float x[32];
        if (CHECK(archive_open(&a, s.path[k], &arena, &err) == STATUS_OK)) {
            CHECK(a.count == 3 && numbers_of(&a, "x.a", x)[5] == 6);
            CHECK(numbers_of(&a, "x.b", x)[5] == 6 && archive_find(&a, "x.b")->dtype == BF16);
            CHECK(numbers_of(&a, "x.c", x)[1] == 2);
        } else {
            printf("    %s\n", err.text);
        }
        arena_free(&arena);
    }
    remove_shards(&s);
}

static void test_an_index_that_is_wrong_is_refused(void)
{
    static const struct {
        const char *second, *tensor, *words;
        Status status;
    } BAD[] = {{"../x.safetensors", "x.c", "the file of x.b is not a name beside it", STATUS_FORMAT},
               {"", "x.c", "is not a name beside it", STATUS_FORMAT},
               {"absent.safetensors", "x.c", "absent.safetensors", STATUS_FILE},
               {NULL, "x.d", "has no tensor x.d", STATUS_FORMAT}};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        Sharded s;
        write_shards(&s, BAD[i].second, BAD[i].tensor);
        check_refused(s.path[3], BAD[i].status, BAD[i].words);
        CHECK(file_write(s.path[2], "{}", 2, NULL) == STATUS_OK);
        check_refused(s.path[3], STATUS_FORMAT, "weight_map");
        remove_shards(&s);
    }
}

static void test_each_failing_allocation_is_reported(void)
{
    Sharded s;
    write_shards(&s, NULL, "x.c");
    const char *const paths[] = {"tests/vectors/torch/zip.ckpt", s.path[3]};
    for (int k = 0; k < 2; k++) {
        Status status = STATUS_MEMORY;
        size_t n = 1;
        for (; status != STATUS_OK && n < 2000; n++) {
            Arena arena = {.fail_after = n};
            TensorArchive a = {0};
            Error err = {0};
            status = archive_open(&a, paths[k], &arena, &err);
            CHECK(status == STATUS_OK || (status == STATUS_MEMORY && arena.used == 0 && a.count == 0));
            arena_free(&arena);
        }
        CHECK(n > 10 && status == STATUS_OK);
    }
    remove_shards(&s);
}

int main(void)
{
    test_a_file_of_torch_gives_its_tensors_views_and_kinds();
    test_what_is_no_archive_is_refused_in_one_sentence();
    test_shards_are_one_archive();
    test_an_index_that_is_wrong_is_refused();
    test_each_failing_allocation_is_reported();
    return check_report("tensor_archive");
}
