#include "metrics/residual_spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/net_check.h"

enum { SIDE = 64, PLANE = RESIDUAL_BINS * RESIDUAL_BINS, MIDDLE = RESIDUAL_BINS / 2 };

static Arena arena;

/* The picture itself less 1/2: white noise stays white. */
static Status same(double *residual, const double *x, int height, int width, void *context, Arena *scratch,
                   Error *err)
{
    (void)context, (void)scratch, (void)err;
    for (int i = 0; i < 3 * height * width; i++)
        residual[i] = x[i] - 0.5;
    return STATUS_OK;
}

static const ResidualFilter SAME = {"same", "the picture", 0, same, NULL};

/* Noise of deviation `size` levels around 128, even levels; grid > 0: lines every `grid` pixels. */
static Image noise(int width, int height, int channels, uint64_t seed, double size, int grid)
{
    Image image;
    CHECK(image_new(&image, width, height, channels, &arena, NULL) == STATUS_OK);
    const size_t n = (size_t)width * (size_t)height * (size_t)channels;
    float *x = arena_raw(&arena, n, sizeof *x);
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_INIT, 0);
    rng_normal_fill(&rng, x, n);
    for (size_t i = 0; i < n; i++) {
        const bool line = grid > 0 && i / (size_t)channels % (size_t)width % (size_t)grid == 0;
        const int level = 2 * (int)rint((128.0 + size * (double)x[i] + (line ? 16.0 : 0.0)) / 2.0);
        image.pixels[i] = (unsigned char)(level < 0 ? 0 : level > 254 ? 254 : level);
    }
    return image;
}

static void add(ResidualSet *set, const Image *image, const ResidualFilter *f)
{
    CHECK(residual_set_add(set, image, f, &arena, &arena, NULL) == STATUS_OK);
}

static ResidualSet set_of(int n, uint64_t seed, double size, int grid, const ResidualFilter *f)
{
    ResidualSet set = {0};
    for (int i = 0; i < n; i++) {
        const Image image = noise(SIDE, SIDE, 3, seed + (uint64_t)i, size, grid);
        add(&set, &image, f);
    }
    return set;
}

static double *spectrum(const ResidualSet *set, ResidualNorm norm, bool grey)
{
    double *s = arena_alloc(&arena, RESIDUAL_NUMBERS, sizeof *s);
    CHECK(residual_spectrum(s, set, norm, grey, NULL) == STATUS_OK);
    return s;
}

static double distance(const ResidualSet *a, const ResidualSet *b)
{
    return residual_distance(spectrum(a, RESIDUAL_NORM_MEAN, true), spectrum(b, RESIDUAL_NORM_MEAN, true),
                             PLANE);
}

/* Bins twice as fine repeat and halve, bins twice as wide take 1/4, 1/2, 1/4; 222 stay; the mean stays always. */
static void test_bins(void)
{
    enum { MOST = 444 };
    double *x = arena_alloc(&arena, MOST * MOST, sizeof *x), *y = arena_alloc(&arena, PLANE, sizeof *y);
    static const int SIDES[][2] = {{1, 222}, {1, 111}, {1, 444}, {64, 50}, {7, 300}, {1, 1}};
    for (int k = 0; k < 6; k++) {
        const int h = SIDES[k][0], w = SIDES[k][1];
        double mean = 0.0, got = 0.0;
        for (int i = 0; i < h * w; i++) {
            x[i] = (i * 37 + 11) % 101;
            mean += x[i] / (h * w);
        }
        CHECK(residual_resample(y, x, h, w, &arena, NULL) == STATUS_OK);
        for (int i = 0; i < PLANE; i++)
            got += y[i] / PLANE;
        CHECK_NEAR(got, mean, 1e-10);
        for (int i = 0; i < RESIDUAL_BINS && h == 1 && w > 1; i++) {
            const double want = w == 222 ? x[i]
                                : w == 111
                                    ? (x[i / 2] + x[(i + 1) / 2 % 111]) / 2.0
                                    : x[(2 * i + 443) % 444] / 4.0 + x[2 * i] / 2.0 + x[2 * i + 1] / 4.0;
            CHECK_NEAR(y[i], want, 1e-12);
            CHECK_NEAR(y[5 * RESIDUAL_BINS + i], want, 1e-12);
        }
    }
    CHECK(residual_resample(y, x, 0, 4, &arena, NULL) == STATUS_SHAPE);
}

/* Parseval: the mean of S is the mean of the residual's squares. */
static void test_mean_of_squares(void)
{
    ResidualSet set = {0};
    double want = 0.0, got = 0.0;
    const Image image = noise(50, 37, 3, 1, 20.0, 0);
    add(&set, &image, &SAME);
    for (int i = 0; i < 3 * 50 * 37; i++) {
        const double v = image.pixels[i] / 256.0 - 0.5;
        want += v * v / (3 * 50 * 37);
    }
    const double *s = spectrum(&set, RESIDUAL_NORM_NONE, false);
    for (int i = 0; i < RESIDUAL_NUMBERS; i++)
        got += s[i] / RESIDUAL_NUMBERS;
    CHECK_NEAR(got / want, 1.0, 1e-12);
    const double *mean = spectrum(&set, RESIDUAL_NORM_MEAN, false),
                 *quarter = spectrum(&set, RESIDUAL_NORM_QUARTER, false);
    for (int i = 0; i < RESIDUAL_NUMBERS; i += 997) {
        CHECK_NEAR(mean[i] * got, s[i], 1e-12 * want + 1e-12 * s[i]);
        CHECK_NEAR(quarter[i] * 4.0, mean[i], 1e-12 * (1.0 + mean[i]));
    }
    const double *grey = spectrum(&set, RESIDUAL_NORM_NONE, true);
    CHECK_NEAR(grey[777], (s[777] + s[PLANE + 777] + s[2 * PLANE + 777]) / 3.0, 1e-15);
}

/* White noise is flat, and two sets of it are the nearer the more pictures there are: 1 / sqrt(n). */
static void test_white_noise(void)
{
    const ResidualSet a = set_of(15, 100, 20.0, 0, &SAME), b = set_of(15, 200, 20.0, 0, &SAME);
    const ResidualSet c = set_of(60, 300, 20.0, 0, &SAME), d = set_of(60, 400, 20.0, 0, &SAME);
    const double *s = spectrum(&c, RESIDUAL_NORM_MEAN, true);
    double most = 0.0;
    for (int i = 0; i < PLANE; i++)
        most = fabs(s[i] - 1.0) > most ? fabs(s[i] - 1.0) : most;
    CHECK(most < 0.5); /* 180 spectra: deviation 0.075 */
    CHECK(distance(&a, &a) == 0.0 && distance(&a, &b) == distance(&b, &a));
    const double few = distance(&a, &b), many = distance(&c, &d);
    CHECK_NEAR(few / many, 2.0, 0.2);
    CHECK_NEAR(few, 222.0 * sqrt(2.0 / 45.0), 0.15 * few); /* bins of 3.5 pixels: nearly a frequency each */
}

/* Lines every 8 pixels: peaks in the middle row at multiples of 222 / 8 of the middle. */
static void test_a_grid(void)
{
    const ResidualSet plain = set_of(10, 500, 20.0, 0, &RESIDUAL_GAUSS);
    const ResidualSet grid = set_of(10, 600, 20.0, 8, &RESIDUAL_GAUSS);
    const double *s = spectrum(&grid, RESIDUAL_NORM_NONE, true),
                 *p = spectrum(&plain, RESIDUAL_NORM_NONE, true);
    for (int k = 1; k <= 3; k++) {
        const int at = MIDDLE * RESIDUAL_BINS + MIDDLE, off = (int)rint(27.75 * k);
        CHECK(s[at + off] > 5.0 * p[at + off] && s[at - off] > 5.0 * p[at - off]);
        CHECK(s[at + off - 14] < 3.0 * p[at + off - 14]);
        CHECK(s[at + off * RESIDUAL_BINS] < 3.0 * p[at + off * RESIDUAL_BINS]);
    }
    CHECK(distance(&plain, &grid) > 2.0 * distance(&plain, &plain) + 50.0);
}

/* Half the contrast: the same spectrum after `mean`, where the filter is linear. */
static void test_contrast(void)
{
    ResidualSet one = {0}, half = {0};
    Image image = noise(SIDE, SIDE, 3, 1, 20.0, 0);
    add(&one, &image, &RESIDUAL_GAUSS);
    for (int i = 0; i < 3 * SIDE * SIDE; i++)
        image.pixels[i] /= 2;
    add(&half, &image, &RESIDUAL_GAUSS);
    CHECK(distance(&one, &half) < 1e-10);
}

/* Grey is three equal channels, alpha counts not, other sizes may join, pictures without a residual do not count. */
static void test_kinds_of_pictures(void)
{
    ResidualSet grey = {0}, alpha = {0};
    const Image g = noise(40, 36, 1, 3, 20.0, 0), large = noise(52, 41, 1, 4, 20.0, 0);
    Image with = noise(40, 36, 4, 5, 0.0, 0), plain = noise(40, 36, 3, 6, 0.0, 0);
    for (int i = 0; i < 40 * 36; i++)
        for (int c = 0; c < 3; c++)
            with.pixels[4 * i + c] = g.pixels[i];
    add(&grey, &g, &RESIDUAL_MEDIAN3);
    add(&alpha, &with, &RESIDUAL_MEDIAN3);
    CHECK(distance(&grey, &alpha) == 0.0 && grey.count == 1 && grey.dropped == 0);
    add(&grey, &large, &RESIDUAL_MEDIAN3);
    CHECK(grey.count == 2 && distance(&grey, &alpha) > 0.0);
    add(&grey, &plain, &RESIDUAL_MEDIAN3);
    CHECK(grey.count == 2 && grey.dropped == 1);
}

static Status not_finite(double *residual, const double *x, int height, int width, void *context,
                         Arena *scratch, Error *err)
{
    const Status status = same(residual, x, height, width, context, scratch, err);
    residual[7] = NAN;
    return status;
}

static void test_refused(void)
{
    static const ResidualFilter BROKEN = {"broken", "", 0, not_finite, NULL};
    ResidualSet set = {0};
    double *s = arena_alloc(&arena, RESIDUAL_NUMBERS, sizeof *s);
    const Image small = noise(9, 30, 3, 1, 20.0, 0), image = noise(30, 30, 3, 1, 20.0, 0);
    Error err = {0}, none = {0};
    CHECK(residual_set_add(&set, &small, &RESIDUAL_GAUSS, &arena, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "expected sides from 10");
    CHECK(residual_set_add(&set, &image, &BROKEN, &arena, &arena, NULL) == STATUS_NOT_FINITE);
    CHECK(set.count == 0);
    CHECK(residual_spectrum(s, &set, RESIDUAL_NORM_MEAN, true, &none) == STATUS_ARGUMENT);
}

static Arena failing;

static Status attempt(void *context)
{
    ResidualSet set = {0};
    const Status status = residual_set_add(&set, context, &RESIDUAL_GAUSS, &failing, &failing, NULL);
    arena_free(&failing);
    return status;
}

int main(void)
{
    test_bins();
    test_mean_of_squares();
    test_white_noise();
    test_a_grid();
    test_contrast();
    test_kinds_of_pictures();
    test_refused();
    Image image = noise(30, 33, 3, 1, 20.0, 0);
    check_allocations(attempt, &image, &failing);
    arena_free(&arena);
    return check_report("residual_spectrum");
}
