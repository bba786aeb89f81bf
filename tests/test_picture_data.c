#include "diffusion/picture_data.h"

#include "base/rng.h"
#include "diffusion/world_export.h"
#include "io/resize.h"
#include "tests/picture_files.h"
#include "tests/tiny_world.h"

static PictureFiles f;

static PictureOptions small(void)
{
    PictureOptions o = PICTURE_DEFAULTS;
    o.size = 8;
    o.held_out = 0.0;
    return o;
}

static void empty(void)
{
    files_remove(f.folder);
    CHECK(folder_make(f.folder, NULL) == STATUS_OK);
}

static Status open_data(PictureData *data, const PictureOptions *options, Arena *arena, Error *err)
{
    PictureFolder folder;
    const Status status = picture_folder_open(&folder, f.folder, NULL, arena, err);
    return status == STATUS_OK ? picture_data_open(data, &folder, options, arena, err) : status;
}

static void opened(PictureData *data, const PictureOptions *options)
{
    Error err = {0};
    if (!CHECK(open_data(data, options, &f.arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
}

static Image picture(const DataSet *set, uint64_t seed, uint64_t index)
{
    DataSample sample = {.caption = NULL};
    CHECK(data_sample(set, seed, index, &sample, &f.arena, NULL) == STATUS_OK);
    return sample.image;
}

static int
grey_right(const Image *image) /* 0 or 255 + shade: which picture of files_picture, mirrored or not */
{
    const int left = image_at(image, 0, 4)[1], right = image_at(image, 7, 4)[1];
    return left == 0 ? right : -left;
}

/* ---- one picture becomes a square ---- */

static void test_a_picture_of_the_size_is_taken_as_it_is(void)
{
    PictureData data;
    const PictureOptions o = small();
    Image want;
    empty();
    files_picture(&f, "a.png", 8, 8, 90);
    opened(&data, &o);
    const DataSet set = picture_train_set(&data);
    const Image got = picture(&set, 1, 0);
    CHECK(picture_read(&want, files_path(&f, "a.png"), &f.arena, NULL) == STATUS_OK);
    CHECK(set.size == 8 && set.count == 1);
    CHECK(memcmp(got.pixels, want.pixels, 8 * 8 * 3) == 0);
}

/* 16 x 8: cover cuts the sides away, contain leaves white above and below, stretch keeps half and half. */
static void test_fits(void)
{
    Image wide, covered;
    empty();
    files_picture(&f, "a.ppm", 16, 8, 0);
    CHECK(picture_read(&wide, files_path(&f, "a.ppm"), &f.arena, NULL) == STATUS_OK);
    CHECK(image_cover(&covered, &wide, 8, 8, RESIZE_LANCZOS3, &f.arena, NULL) == STATUS_OK);
    for (int fit = FIT_COVER; fit <= FIT_STRETCH; fit++) {
        PictureData data;
        PictureOptions o = small();
        o.fit = (PictureFit)fit;
        opened(&data, &o);
        const DataSet set = picture_train_set(&data);
        const Image got = picture(&set, 1, 0);
        CHECK(image_at(&got, 0, 4)[0] == 255 && image_at(&got, 0, 4)[1] == 0);
        CHECK(image_at(&got, 7, 4)[0] == 0);
        if (fit == FIT_COVER)
            CHECK(memcmp(got.pixels, covered.pixels, 8 * 8 * 3) == 0);
        for (int x = 0; x < 8; x++)
            CHECK((image_at(&got, x, 0)[2] == 255 && image_at(&got, x, 7)[2] == 255) ==
                  (fit == FIT_CONTAIN));
    }
}

static void test_transparent_is_white(void)
{
    PictureData data;
    const PictureOptions o = small();
    Image clear;
    empty();
    CHECK(image_new(&clear, 8, 8, 4, &f.arena, NULL) == STATUS_OK);
    CHECK(picture_write(files_path(&f, "a.png"), &clear, NULL, 0, &f.arena, NULL) == STATUS_OK);
    opened(&data, &o);
    const DataSet set = picture_train_set(&data);
    const Image got = picture(&set, 1, 0);
    CHECK(got.channels == 3 && image_at(&got, 3, 3)[0] == 255 && image_at(&got, 7, 7)[2] == 255);
}

/* ---- order and mirrors ---- */

enum { COUNT = 12 };

static void write_many(void)
{
    char name[20];
    empty();
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "%02d.ppm", i);
        files_picture(&f, name, 8, 8, 10 * i + 20);
    }
}

/* Each round shows all of them, in the order of its own stream. */
static void test_rounds(void)
{
    PictureData data;
    const PictureOptions o = small();
    int seen[COUNT] = {0}, moved = 0;
    write_many();
    opened(&data, &o);
    const DataSet set = picture_train_set(&data);
    for (uint64_t round = 0; round < 3; round++) {
        uint32_t order[COUNT];
        Rng rng = rng_stream(RNG_PHILOX, 9, STREAM_DATA, round);
        rng_permutation(&rng, order, COUNT);
        for (int i = 0; i < COUNT; i++) {
            const Image got = picture(&set, 9, round * COUNT + (uint64_t)i);
            const int which = (grey_right(&got) - 20) / 10;
            CHECK(which == (int)order[i]);
            seen[which]++;
            moved += which != i;
        }
    }
    for (int i = 0; i < COUNT; i++)
        CHECK(seen[i] == 3);
    CHECK(moved > 10);
    for (uint64_t i = 0; i < 2 * COUNT; i++) { /* two seeds in turn, each with its own order */
        const uint64_t seed = 9 + i % 2;
        uint32_t order[COUNT];
        Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_DATA, 0);
        rng_permutation(&rng, order, COUNT);
        const Image got = picture(&set, seed, i / 2);
        CHECK((grey_right(&got) - 20) / 10 == (int)order[i / 2]);
    }
}

/* Over two rounds every picture comes once each way. */
static void test_mirrors(void)
{
    PictureData data;
    PictureOptions o = small();
    int plain[COUNT] = {0}, mirrored[COUNT] = {0}, first = 0;
    write_many();
    o.mirror = true;
    opened(&data, &o);
    const DataSet set = picture_train_set(&data), held = picture_held_out_set(&data);
    for (uint64_t i = 0; i < 2 * COUNT; i++) {
        const Image got = picture(&set, 9, i);
        const int shade = grey_right(&got);
        (shade < 0 ? mirrored : plain)[((shade < 0 ? -shade : shade) - 20) / 10]++;
        first += i < COUNT && shade < 0;
    }
    for (int i = 0; i < COUNT; i++)
        CHECK(plain[i] == 1 && mirrored[i] == 1);
    CHECK(first > 1 && first < COUNT - 1);
    CHECK(held.count == 0);
}

static void test_repeats(void)
{
    PictureData data;
    PictureOptions o = small();
    int shown[2] = {0};
    empty();
    files_folder(&f, "3_a");
    files_picture(&f, "3_a/x.ppm", 8, 8, 20);
    files_picture(&f, "y.ppm", 8, 8, 30);
    opened(&data, &o);
    const DataSet set = picture_train_set(&data);
    CHECK(set.count == 4);
    for (uint64_t i = 0; i < 8; i++) {
        const Image got = picture(&set, 2, i);
        shown[(grey_right(&got) - 20) / 10]++;
    }
    CHECK(shown[0] == 6 && shown[1] == 2);
}

/* ---- what is held out ---- */

static uint32_t held_out_of(double share)
{
    PictureData data;
    PictureOptions o = small();
    o.held_out = share;
    opened(&data, &o);
    CHECK(data.train.count + data.held_out.count == data.folder.count);
    for (uint32_t i = 0; i < data.held_out.count; i++) /* by the hash: those below the share */
        for (uint32_t j = 0; j < data.train.count; j++)
            CHECK(memcmp(data.hash[data.held_out.entry[i]], data.hash[data.train.entry[j]], 32) < 0);
    return data.held_out.count;
}

static void test_held_out(void)
{
    write_many();
    const uint32_t half = held_out_of(0.5);
    CHECK(held_out_of(0.0) == 0 && half > 1 && half < COUNT - 1);
    CHECK(held_out_of(1e-9) == 1 && held_out_of(0.9999999) == COUNT - 1);
    files_picture(&f, "z.ppm", 8, 8, 20); /* a copy goes where its twin is */
    const uint32_t now = held_out_of(0.5);
    CHECK(now == half || now == half + 1);
    for (int i = 0; i < COUNT; i++) { /* all of them equal: none can be told apart to be held out */
        char name[20];
        snprintf(name, sizeof name, "%02d.ppm", i);
        files_picture(&f, name, 8, 8, 20);
    }
    CHECK(held_out_of(1e-9) == 0);
}

static void test_a_test_folder_is_held_out(void)
{
    PictureData data;
    PictureOptions o = small();
    o.held_out = 0.5;
    write_many();
    files_folder(&f, "test");
    files_picture(&f, "test/a.ppm", 8, 8, 200);
    files_picture(&f, "test/b.ppm", 8, 8, 210);
    opened(&data, &o);
    const DataSet train = picture_train_set(&data), held = picture_held_out_set(&data);
    CHECK(train.count == COUNT && held.count == 2);
    const Image a = picture(&held, 77, 0), b = picture(&held, 78, 1), again = picture(&held, 1, 2);
    CHECK(grey_right(&a) == 200 && grey_right(&b) == 210 && grey_right(&again) == 200);
}

/* ---- memory, fingerprint, bad files ---- */

/* Read anew each time, the pictures are the same; a file that changes then is noticed. */
static void test_reading_anew(void)
{
    PictureData kept, fresh;
    PictureOptions o = small();
    DataSample sample;
    Error err = {0};
    write_many();
    opened(&kept, &o);
    o.keep = 100;
    opened(&fresh, &o);
    const DataSet a = picture_train_set(&kept), b = picture_train_set(&fresh);
    CHECK(kept.pixels != NULL && fresh.pixels == NULL);
    CHECK(strcmp(kept.fingerprint, fresh.fingerprint) == 0);
    for (uint64_t i = 0; i < COUNT; i++)
        CHECK(memcmp(picture(&a, 1, i).pixels, picture(&b, 1, i).pixels, 8 * 8 * 3) == 0);
    for (int i = 0; i < COUNT; i++) {
        char name[20];
        snprintf(name, sizeof name, "%02d.ppm", i);
        files_picture(&f, name, 8, 8, 5);
    }
    CHECK(data_sample(&b, 1, 0, &sample, &f.arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "has changed since the run began");
    CHECK(data_sample(&a, 1, 0, &sample, &f.arena, NULL) == STATUS_OK);
}

static void test_fingerprint(void)
{
    PictureData data;
    const PictureOptions o = small();
    char before[65];
    write_many();
    opened(&data, &o);
    memcpy(before, data.fingerprint, 65);
    opened(&data, &o);
    CHECK(strcmp(before, data.fingerprint) == 0);
    files_write(&f, "03.txt", "");
    opened(&data, &o);
    CHECK(strcmp(before, data.fingerprint) != 0); /* an empty caption is a caption */
    remove(files_path(&f, "03.txt"));
    files_picture(&f, "05.ppm", 8, 8, 77);
    opened(&data, &o);
    CHECK(strcmp(before, data.fingerprint) != 0);
}

static void test_bad_files(void)
{
    PictureData data;
    PictureOptions o = small();
    Error err = {0};
    write_many();
    files_write(&f, "04.ppm", "P6 no picture");
    CHECK(open_data(&data, &o, &f.arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "04.ppm");
    CHECK(strstr(err.text, "more") == NULL);
    files_write(&f, "07.ppm", "");
    files_write(&f, "metadata.jsonl",
                "{\"file_name\": \"gone.png\"}\n{\"file_name\": \"07.ppm\"}\n"
                "{\"file_name\": \"04.ppm\"}\n{\"file_name\": \"01.ppm\"}\n");
    err = (Error){0};
    CHECK(open_data(&data, &o, &f.arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "gone.png");
    CHECK_TEXT(err.text, "2 more of 4 pictures are bad");
    o.size = 7;
    CHECK(open_data(&data, &o, &f.arena, NULL) == STATUS_ARGUMENT);
    o = small();
    o.held_out = 1.0;
    CHECK(open_data(&data, &o, &f.arena, NULL) == STATUS_ARGUMENT);
    empty();
    files_folder(&f, "validation");
    files_picture(&f, "validation/a.ppm", 8, 8, 1);
    err = (Error){0};
    o = small();
    CHECK(open_data(&data, &o, &f.arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "none is left to train on");
}

/* ---- out of the world and in again ---- */

static void test_export_and_import(void)
{
    static TinyWorld tiny;
    WorldOptions pictures = WORLD_DEFAULTS;
    const WorldExport what = {.seed = 5, .first = 3, .count = 9};
    PictureData data;
    PictureOptions o = PICTURE_DEFAULTS;
    tiny_world(&tiny);
    pictures.size = o.size = 32;
    pictures.maps = WORLD_MAP_LABELS;
    empty();
    CHECK(world_export(f.folder, &tiny.world, &pictures, &what, &f.arena, NULL) == STATUS_OK);
    opened(&data, &o);
    const DataSet sets[] = {picture_train_set(&data), picture_held_out_set(&data)};
    bool seen[9] = {false};
    CHECK(data.folder.count == 9 && sets[0].count + sets[1].count == 9);
    for (int s = 0; s < 2; s++)
        for (uint64_t i = 0; i < sets[s].count; i++) {
            DataSample got;
            CHECK(data_sample(&sets[s], 1, i, &got, &f.arena, NULL) == STATUS_OK);
            for (int k = 0; k < 9; k++) {
                WorldSample want;
                CHECK(world_sample(&tiny.world, &pictures, 5, 3 + (uint64_t)k, &want, &f.arena, NULL) ==
                      STATUS_OK);
                seen[k] = seen[k] || (strcmp(got.caption, want.caption) == 0 &&
                                      memcmp(got.image.pixels, want.image.pixels, 32 * 32 * 3) == 0);
            }
        }
    for (int k = 0; k < 9; k++)
        CHECK(seen[k]);
}

static bool stop(void *context, uint64_t done, uint64_t count)
{
    *(uint64_t *)context = count;
    return done < 2;
}

static void test_interrupted(void)
{
    PictureData data;
    PictureOptions o = small();
    uint64_t count = 0;
    o.progress = stop;
    o.context = &count;
    write_many();
    CHECK(open_data(&data, &o, &f.arena, NULL) == STATUS_INTERRUPTED && count == COUNT);
}

static void test_failing_allocations(void)
{
    Status status = STATUS_MEMORY;
    const PictureOptions o = small();
    empty();
    files_picture(&f, "a.ppm", 9, 12, 1);
    files_picture(&f, "b.png", 8, 8, 2);
    for (size_t n = 1; n < 1000 && status != STATUS_OK; n++) {
        Arena failing = {.fail_after = n};
        PictureData data;
        DataSample sample;
        status = open_data(&data, &o, &failing, NULL);
        if (status == STATUS_OK) {
            const DataSet set = picture_train_set(&data);
            status = data_sample(&set, 1, 0, &sample, &failing, NULL);
        }
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        arena_free(&failing);
    }
    CHECK(status == STATUS_OK);
}

int main(void)
{
    files_begin(&f, "pictures");
    test_a_picture_of_the_size_is_taken_as_it_is();
    test_fits();
    test_transparent_is_white();
    test_rounds();
    test_mirrors();
    test_repeats();
    test_held_out();
    test_a_test_folder_is_held_out();
    test_reading_anew();
    test_fingerprint();
    test_bad_files();
    test_export_and_import();
    test_interrupted();
    test_failing_allocations();
    files_end(&f);
    return check_report("picture_data");
}
