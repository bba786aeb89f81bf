/* Networks of features: Inception's file and a VGG's folder, their taps and recipes. */
#include "cli/picture_features.h"

#include <math.h>

#include "metrics/inception_input.h"
#include "metrics/map_embedding.h"
#include "tests/picture_files.h"
#include "weights/weights_save.h"

enum { PLANES = 3 * INCEPTION_SIZE * INCEPTION_SIZE };

static PictureFiles files;
static char path[SCRATCH_PATH]; /* of Inception's drawn weights */
static Inception net;
static Arena kept;

static void write_network(void)
{
    Weights w = weights_create(&kept, 9);
    Error err = {0};
    scratch_path(path, "inception.safetensors");
    inception_load(&net, &w, "");
    CHECK(weights_save(&w, NULL, path, F32, &kept, &err) == STATUS_OK);
}

/* A picture of 5 x 3 with a level of its own in each place. */
static Image small_picture(Arena *arena)
{
    Image image;
    CHECK(image_new(&image, 5, 3, 3, arena, NULL) == STATUS_OK);
    for (int i = 0; i < 45; i++)
        image.pixels[i] = (unsigned char)(5 * i);
    return image;
}

static void test_inception(void)
{
    static const int WIDTH[] = {2048, 1225, 2080, 2080, 64, 192, 768, 2048, 1008, 1008};
    Arena arena = {0};
    FeatureNetwork f;
    Error err = {0};
    InceptionTaps taps;
    float levels[45], *want = arena_raw(&arena, PLANES, sizeof *want);
    float *planes = arena_raw(&arena, PLANES, sizeof *planes);
    if (!CHECK(feature_network_open(&f, path, &arena, &err) == STATUS_OK))
        return;
    CHECK(f.is_inception && f.d == 2048 && f.size == 299 && strncmp(f.name, "inception-", 10) == 0);
    CHECK(strncmp(f.name + 10, f.weights, 8) == 0 && strlen(f.weights) == 64);
    CHECK_TEXT(f.recipe, "/2048 of 2048 numbers, Inception v3");
    CHECK_TEXT(f.recipe, "TensorFlow 1");
    const Image image = small_picture(&arena);
    for (int i = 0; i < 45; i++)
        levels[i] = (float)(5 * (3 * (i % 15) + i / 15));
    inception_input(want, levels, 3, 5);
    CHECK(feature_network_picture(planes, &f, &image, &arena, &err) == STATUS_OK);
    CHECK(memcmp(planes, want, PLANES * sizeof *want) == 0);
    Tape tape = {.arena = &arena};
    inception(&taps, &tape, &net, tape_input(&tape, want, 4, (const int[]){1, 3, 299, 299}, false));
    const Tensor *const rows[] = {taps.pooled[3],       NULL,           NULL,           NULL,
                                  taps.pooled[0],       taps.pooled[1], taps.pooled[2], taps.pooled[3],
                                  taps.logits_unbiased, taps.logits};
    for (int tap = FEATURE_HIDDEN; tap <= FEATURE_LOGITS; tap++) {
        CHECK(feature_tap_named(FEATURE_TAPS[tap]) == (FeatureTap)tap);
        CHECK(feature_network_tap(&f, (FeatureTap)tap, &err) == STATUS_OK && f.d == WIDTH[tap]);
        if (tap == FEATURE_STYLE || tap == FEATURE_64 || tap == FEATURE_192 || tap == FEATURE_2048)
            continue; /* a run takes a while */
        const float *x = feature_network_run(&tape, &f, planes, 1);
        float own[2080];
        if (tap == FEATURE_LOCATION)
            map_embedding(own, MAP_LOCATION, taps.maxima[1]->data, 192, 35, 35);
        else if (rows[tap] == NULL)
            map_embedding(own, tap == FEATURE_GRAM ? MAP_STYLE_GRAM : MAP_STYLE_OUTER, taps.maxima[0]->data,
                          64, 73, 73);
        if (CHECK(x != NULL))
            CHECK(memcmp(x, rows[tap] != NULL ? rows[tap]->data : own, (size_t)f.d * sizeof *x) == 0);
    }
    arena_free(&arena);
}

/* pytorch-fid's way: between the centres of the pixels, -1 to 1. */
static void test_half_pixel(void)
{
    Arena arena = {0};
    FeatureNetwork f = {.is_inception = true, .half_pixel = true, .size = INCEPTION_SIZE};
    Error err = {0};
    float *planes = arena_raw(&arena, PLANES, sizeof *planes);
    CHECK(feature_network_tap(&f, FEATURE_2048, &err) == STATUS_OK);
    CHECK_TEXT(f.recipe, "pytorch-fid's way");
    const Image image = small_picture(&arena);
    CHECK(feature_network_picture(planes, &f, &image, &arena, &err) == STATUS_OK);
    for (int i = 0; i < 299; i += 37)
        for (int j = 0; j < 299; j += 23) {
            double at[2] = {(i + 0.5) * 3 / 299 - 0.5, (j + 0.5) * 5 / 299 - 0.5};
            at[0] = at[0] < 0.0 ? 0.0 : at[0] > 2.0 ? 2.0 : at[0];
            at[1] = at[1] < 0.0 ? 0.0 : at[1] > 4.0 ? 4.0 : at[1];
            const double level =
                5.0 * (3.0 * (5.0 * at[0] + at[1]) + 1.0); /* channel 1: a slope stays one */
            CHECK_NEAR(planes[299 * 299 + i * 299 + j], 2.0 * level / 255.0 - 1.0, 1e-6);
        }
    arena_free(&arena);
}

/* Pictures by fours: the same rows as one by one. */
static Status keep(void *context, const float *x, int n, Error *err)
{
    float **next = context;
    (void)err;
    memcpy(*next, x, (size_t)n * 64 * sizeof *x);
    *next += n * 64;
    return STATUS_OK;
}

static void test_pictures_in_fours(void)
{
    Arena arena = {0}, scratch = {0};
    FeatureNetwork f;
    PictureNames names;
    PictureSizes sizes;
    Error err = {0};
    float all[5 * 64], one[5 * 64], *next = all;
    if (!CHECK(feature_network_open(&f, path, &arena, &err) == STATUS_OK &&
               feature_network_tap(&f, FEATURE_64, &err) == STATUS_OK &&
               picture_names(&names, files.folder, &arena, &err) == STATUS_OK && names.count == 5))
        return;
    CHECK(picture_features(&f, &names, keep, &next, &sizes, &scratch, &err) == STATUS_OK);
    CHECK(next == all + 5 * 64 && sizes.count == 5 && sizes.different == 1);
    next = one;
    for (int i = 3; i <= 5; i += 2) {
        const PictureNames part = picture_names_part(&names, i, 5);
        CHECK(picture_features(&f, &part, keep, &next, &sizes, &scratch, &err) == STATUS_OK);
    }
    CHECK(memcmp(all + 2 * 64, one, 64 * sizeof *all) == 0);
    CHECK(memcmp(all + 4 * 64, one + 64, 64 * sizeof *all) == 0);
    CHECK(memcmp(all, all + 64, 64 * sizeof *all) != 0);
    arena_free(&arena);
    arena_free(&scratch);
}

static void test_refused(void)
{
    Arena arena = {0};
    FeatureNetwork f;
    Error err = {0}, none = {0}, other = {0};
    CHECK(feature_network_open(&f, "weights/features", &arena, &err) == STATUS_OK && !f.is_inception);
    CHECK(feature_network_tap(&f, FEATURE_768, &err) == STATUS_ARGUMENT && f.tap == FEATURE_HIDDEN);
    CHECK_TEXT(err.text, "\"768\" is a feature of Inception, this is a VGG");
    f.half_pixel = true;
    CHECK(feature_network_tap(&f, FEATURE_HIDDEN, &other) == STATUS_ARGUMENT);
    CHECK_TEXT(other.text, "--resize is of Inception");
    other = none;
    CHECK(feature_network_open(&f, "/no/such/network", &arena, &none) != STATUS_OK);
    CHECK_TEXT(none.text, "/no/such/network");
    CHECK(feature_network_open(&f, "weights/features/model.safetensors", &arena, &other) == STATUS_FORMAT);
    CHECK_TEXT(other.text, "Conv2d_1a_3x3");
    arena_free(&arena);
}

/* A network that gives NaN is refused with the picture's name, and nothing is handed on. */
static Status count_rows(void *context, const float *x, int n, Error *err)
{
    (void)x, (void)err;
    *(int *)context += n;
    return STATUS_OK;
}

static void test_features_that_are_not_finite(void)
{
    Arena arena = {0}, scratch = {0};
    FeatureNetwork f;
    PictureNames names;
    PictureSizes sizes;
    Error err = {0};
    int rows = 0;
    CHECK(picture_names(&names, files.folder, &arena, &err) == STATUS_OK);
    CHECK(feature_network_open(&f, "weights/features", &arena, &err) == STATUS_OK);
    f.vgg.conv[0].weight->data[0] = NAN;
    CHECK(picture_features(&f, &names, count_rows, &rows, &sizes, &scratch, &err) == STATUS_NOT_FINITE);
    CHECK_TEXT(err.text, "0.png: its features are not finite");
    CHECK(rows == 0);
    arena_free(&arena);
    arena_free(&scratch);
}

int main(void)
{
    files_begin(&files, "feature_network");
    for (int i = 0; i < 5; i++) {
        char name[20];
        snprintf(name, sizeof name, "%d.png", i);
        files_picture(&files, name, 64, i == 3 ? 40 : 64, 50 * i);
    }
    write_network();
    test_inception();
    test_half_pixel();
    test_pictures_in_fours();
    test_refused();
    test_features_that_are_not_finite();
    remove(path);
    files_end(&files);
    arena_free(&kept);
    return check_report("feature_network");
}
