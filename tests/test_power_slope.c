#include "metrics/power_slope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "nn/fft.h"
#include "tests/net_check.h"

enum { N = 256, MOST_RINGS = 400 };

static Arena arena;

/* A Gaussian field (n,n) with power r^-slope: white noise through a filter. */
static double *field(int n, double slope, uint64_t seed)
{
    const size_t count = (size_t)n * (size_t)n;
    float *white = arena_raw(&arena, count, sizeof *white);
    double *z = arena_alloc(&arena, count, 2 * sizeof *z), *plane = arena_raw(&arena, count, sizeof *plane);
    Fft2Plan plan;
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_INIT, 0);
    rng_normal_fill(&rng, white, count);
    CHECK(fft2_plan(&plan, n, n, &arena, NULL) == STATUS_OK);
    double *room = arena_raw(&arena, fft2_scratch(&plan), sizeof *room);
    for (size_t i = 0; i < count; i++)
        z[2 * i] = (double)white[i];
    fft2_forward(&plan, z, room);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const double u = i <= n / 2 ? i : i - n, v = j <= n / 2 ? j : j - n, r = sqrt(u * u + v * v);
            const double gain = r > 0.0 ? pow(r, slope / 2.0) : 0.0;
            z[2 * (i * n + j)] *= gain;
            z[2 * (i * n + j) + 1] *= gain;
        }
    fft2_inverse(&plan, z, room);
    for (size_t i = 0; i < count; i++)
        plane[i] = z[2 * i];
    return plane;
}

/* A picture of it: deviation `size` levels around `level`. */
static Image picture(int n, double slope, uint64_t seed, double size, double level)
{
    const double *plane = field(n, slope, seed);
    Image image;
    double square = 0.0;
    CHECK(image_new(&image, n, n, 3, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < n * n; i++)
        square += plane[i] * plane[i] / (n * n);
    for (int i = 0; i < 3 * n * n; i++) {
        const double v = rint(level + size * plane[i / 3] / sqrt(square));
        image.pixels[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    return image;
}

/* A wave of 3 cycles down and 4 along: all its energy, a^2 n^2 / 2, is in ring 5; the mean is in ring 0. */
static void test_a_wave(void)
{
    enum { n = 32 };
    double *plane = arena_alloc(&arena, n * n, sizeof *plane), power[MOST_RINGS];
    int counts[MOST_RINGS], all = 0;
    for (int i = 0; i < n * n; i++)
        plane[i] = 7.0 + 2.0 * cos(6.283185307179586 * (3 * (i / n) + 4 * (i % n)) / n);
    CHECK(power_of_plane(power, counts, plane, n, &arena, NULL) == STATUS_OK);
    CHECK(power_rings(n) == 24 && counts[0] == 1 && counts[1] == 8 &&
          counts[5] == 28); /* [4.5, 5.5): 25, 26, 29 */
    for (int r = 0; r < power_rings(n); r++) {
        const double want = r == 5 ? 4.0 * n * n / 2.0 : r == 0 ? 49.0 * n * n : 0.0;
        CHECK_NEAR(power[r] * counts[r], want, 1e-8);
        all += counts[r];
    }
    CHECK(all == n * n);
}

/* Parseval: every frequency is in one ring. */
static void test_energy_stays(void)
{
    static const int SIDES[] = {2, 31, 48, 67};
    for (int k = 0; k < 4; k++) {
        const int n = SIDES[k];
        const double *plane = field(n, -1.0, 5);
        double power[MOST_RINGS], energy = 0.0, square = 0.0;
        int counts[MOST_RINGS];
        CHECK(power_of_plane(power, counts, plane, n, &arena, NULL) == STATUS_OK);
        for (int r = 0; r < power_rings(n); r++)
            energy += power[r] * counts[r];
        for (int i = 0; i < n * n; i++)
            square += plane[i] * plane[i];
        CHECK_NEAR(energy / square, 1.0, 1e-12);
    }
}

/* Powers of r lie on a line, as single points and in bins; the toolbox's labels are one too high. */
static void test_lines(void)
{
    double power[MOST_RINGS], late[MOST_RINGS];
    PowerSlopeOptions options = POWER_SLOPE_DEFAULTS;
    PowerLine line;
    for (int r = 0; r < MOST_RINGS; r++) {
        power[r] = 5.0 * pow(r, -3.0);
        late[r] = 5.0 * pow(r + 1, -3.0);
    }
    CHECK(power_line(&line, power, N, &options, NULL) == STATUS_OK);
    CHECK(line.low == 10 && line.high == 128 && line.points == 119);
    CHECK_NEAR(line.slope, -3.0, 1e-12);
    CHECK_NEAR(line.offset, log10(5.0), 1e-12);
    CHECK(line.error < 1e-12);
    options.toolbox_labels = true;
    CHECK(power_line(&line, late, N, &options, NULL) == STATUS_OK);
    CHECK_NEAR(line.slope, -3.0, 1e-12);
    CHECK(power_line(&line, power, N, &options, NULL) == STATUS_OK && line.slope < -3.01 &&
          line.slope > -3.3);
    options = (PowerSlopeOptions){.low = 10, .high = 100, .log_bins = true};
    CHECK(power_line(&line, power, N, &options, NULL) == STATUS_OK && line.points == 45);
    CHECK_NEAR(line.slope, -3.0, 0.02);
    options = (PowerSlopeOptions){.low = 4, .high = 6};
    power[4] = 100.0, power[5] = 10.0, power[6] = 10.0;
    CHECK(power_line(&line, power, N, &options, NULL) == STATUS_OK && line.points == 3);
    const double x[3] = {log10(4), log10(5), log10(6)}, mean = (x[0] + x[1] + x[2]) / 3.0;
    double xx = 0.0, xy = 0.0;
    for (int i = 0; i < 3; i++) {
        xx += (x[i] - mean) * (x[i] - mean);
        xy += (x[i] - mean) * (i == 0 ? 2.0 : 1.0);
    }
    CHECK_NEAR(line.slope, xy / xx, 1e-10);
}

/* Fields with power r^-2 have slope -2 within the scatter of a picture, sets nearly exactly; white noise has 0. */
static void test_fields(void)
{
    static const double SLOPES[] = {0.0, -1.0, -2.0, -3.0};
    double power[MOST_RINGS];
    for (int k = 0; k < 4; k++) {
        PowerSet set = {.options = POWER_SLOPE_DEFAULTS};
        PowerLine line;
        for (int i = 0; i < 6; i++) {
            const Image image = picture(N, SLOPES[k], (uint64_t)(10 * k + i), 40.0, 128.0);
            CHECK(power_set_add(&line, &set, &image, &arena, &arena, NULL) == STATUS_OK);
            CHECK_NEAR(line.slope, SLOPES[k], 0.06);
            CHECK(line.error > 0.0 && line.error < 0.05);
        }
        CHECK(power_set_line(&line, power, &set, NULL) == STATUS_OK && set.count == 6);
        CHECK_NEAR(line.slope, SLOPES[k], 0.03);
    }
}

static double slope_of(const Image *image)
{
    PowerSet set = {.options = POWER_SLOPE_DEFAULTS};
    PowerLine line = {.slope = NAN};
    CHECK(power_set_add(&line, &set, image, &arena, &arena, NULL) == STATUS_OK);
    return line.slope;
}

/* Contrast and brightness do not count; noise on top makes the line flatter. */
static void test_what_changes_the_slope(void)
{
    const Image one = picture(N, -2.0, 77, 20.0, 100.0);
    Image twice = picture(N, -2.0, 77, 20.0, 100.0), brighter = twice, noisy = twice;
    brighter.pixels = arena_raw(&arena, 3 * N * N, 1);
    noisy.pixels = arena_raw(&arena, 3 * N * N, 1);
    for (int i = 0; i < 3 * N * N; i++) {
        const int v = one.pixels[i], w = v < 40 ? 40 : v > 160 ? 160 : v;
        one.pixels[i] = (unsigned char)w;
        twice.pixels[i] = (unsigned char)(2 * w - 80);
        brighter.pixels[i] = (unsigned char)(w + 90);
        noisy.pixels[i] = (unsigned char)(w + (int)(((unsigned)i / 3 * 2654435761u) >> 28));
    }
    const double slope = slope_of(&one);
    CHECK_NEAR(slope_of(&twice), slope, 1e-9);
    CHECK_NEAR(slope_of(&brighter), slope, 1e-9);
    CHECK(slope_of(&noisy) > slope + 0.1);
}

/* 64 x 40 grey pixels stand in the middle of 64 x 64 of their mean. */
static void test_padding_and_grey(void)
{
    Image wide, square;
    CHECK(image_new(&wide, 64, 40, 1, &arena, NULL) == STATUS_OK);
    CHECK(image_new(&square, 64, 64, 3, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < 64 * 40; i++) /* 100 and 102 in equal parts, in no order: the mean is 101 */
        wide.pixels[i] = (unsigned char)(i % 2 == (i / 2 * 7919 / 13) % 2 ? 100 : 102);
    int sum = 0;
    for (int i = 0; i < 64 * 40; i++)
        sum += wide.pixels[i];
    CHECK(sum == 101 * 64 * 40);
    for (int i = 0; i < 3 * 64 * 64; i++) {
        const int row = i / 3 / 64 - 12;
        square.pixels[i] = row >= 0 && row < 40 ? wide.pixels[row * 64 + i / 3 % 64] : 101;
    }
    CHECK_NEAR(slope_of(&wide), slope_of(&square), 1e-9);
}

static void refused(PowerSlopeOptions options, const Image *image, Status want, const char *text)
{
    PowerSet set = {.options = options};
    PowerLine line;
    Error err = {0};
    CHECK(power_set_add(&line, &set, image, &arena, &arena, &err) == want && set.count == 0);
    CHECK_TEXT(err.text, text);
}

static void test_refused(void)
{
    const PowerSlopeOptions usual = POWER_SLOPE_DEFAULTS;
    PowerSet set = {.options = POWER_SLOPE_DEFAULTS};
    PowerLine line;
    double power[MOST_RINGS];
    Image image = picture(64, -2.0, 1, 40.0, 128.0), small = picture(31, -2.0, 1, 40.0, 128.0),
          flat = image;
    const Image other = picture(48, -2.0, 1, 40.0, 128.0);
    CHECK(power_set_line(&line, power, &set, NULL) == STATUS_ARGUMENT);
    refused(usual, &small, STATUS_ARGUMENT, "expected 32 to 4096");
    refused((PowerSlopeOptions){.low = 0}, &image, STATUS_ARGUMENT, "of 1 to 32");
    refused((PowerSlopeOptions){.low = 1, .toolbox_labels = true}, &image, STATUS_ARGUMENT, "of 2 to 32");
    refused((PowerSlopeOptions){.low = 10, .high = 33}, &image, STATUS_ARGUMENT, "from 10 to 33");
    refused((PowerSlopeOptions){.low = 10, .high = 11}, &image, STATUS_ARGUMENT, "at least three");
    CHECK(power_set_add(&line, &set, &image, &arena, &arena, NULL) == STATUS_OK);
    CHECK(power_set_add(&line, &set, &other, &arena, &arena, NULL) == STATUS_SHAPE && set.count == 1);
    flat.pixels = arena_alloc(&arena, 3 * 64 * 64, 1);
    refused(usual, &flat, STATUS_ARGUMENT, "one colour");
    for (int i = 0; i < 3 * 64 * 64; i++) /* a wave along, nothing at other frequencies */
        flat.pixels[i] = (unsigned char)(i / 3 % 2 == 0 ? 100 : 110);
    refused(usual, &flat, STATUS_ARGUMENT, "no power at 10");
}

static Arena failing;

static Status attempt(void *context)
{
    PowerSet set = {.options = POWER_SLOPE_DEFAULTS};
    PowerLine line;
    const Status status = power_set_add(&line, &set, context, &failing, &failing, NULL);
    arena_free(&failing);
    return status;
}

int main(void)
{
    test_a_wave();
    test_energy_stays();
    test_lines();
    test_fields();
    test_what_changes_the_slope();
    test_padding_and_grey();
    test_refused();
    Image image = picture(48, -2.0, 1, 40.0, 128.0);
    check_allocations(attempt, &image, &failing);
    arena_free(&arena);
    return check_report("power_slope");
}
