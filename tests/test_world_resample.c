#include "diffusion/world_resample.h"

#include <stdlib.h>

#include "base/isa.h"
#include "tests/check.h"

enum { CELL = 8, SIDE_MAX = 64 };

static float out[SIDE_MAX * SIDE_MAX * 4], scratch[200000];

/* Opaque columns left of `columns`, red growing to the right and green downwards. */
static void draw(unsigned char drawing[CELL * CELL * 4], int columns)
{
    memset(drawing, 0, CELL * CELL * 4);
    for (int y = 0; y < CELL; y++)
        for (int x = 0; x < columns; x++) {
            const unsigned char rgba[4] = {(unsigned char)(30 * x), (unsigned char)(20 * y), 9, 255};
            memcpy(drawing + (y * CELL + x) * 4, rgba, 4);
        }
}

static void resample(const unsigned char *drawing, int side, bool mirror)
{
    if (world_resample_scratch(CELL, side) > sizeof scratch / sizeof scratch[0])
        abort();
    world_resample(out, drawing, CELL * 4, CELL, side, mirror, scratch);
}

static const float *at(int side, int x, int y)
{
    return out + (y * side + x) * 4;
}

static void test_same_size_changes_nothing(void)
{
    unsigned char drawing[CELL * CELL * 4];
    draw(drawing, 5);
    drawing[3] = 77; /* half transparent */
    resample(drawing, CELL, false);
    for (int i = 0; i < CELL * CELL; i++) {
        const int a = drawing[4 * i + 3];
        CHECK(out[4 * i + 3] == (float)(255 * a));
        for (int c = 0; c < 3; c++)
            CHECK(out[4 * i + c] == (float)(drawing[4 * i + c] * a));
    }
}

/* Halved, an output lies in the middle of inputs at +-1/2, +-3/2, +-5/2, +-7/2; the cubic at half of that is 111/128,
 * 29/128, -9/128, -3/128, the sum of all eight 2.  Beyond the cell nothing is opaque: in rows the first output
 * misses 29 - 9 - 3 of 256, the second -3.  The drawing is four opaque columns. */
static void test_half_size_by_hand(void)
{
    static const double across[4] = {242.0 / 256, 242.0 / 256, 17.0 / 256, -3.0 / 256};
    static const double down[4] = {239.0 / 256, 259.0 / 256, 259.0 / 256, 239.0 / 256};
    unsigned char drawing[CELL * CELL * 4];
    draw(drawing, 4);
    resample(drawing, 4, false);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            CHECK_NEAR(at(4, x, y)[3] / WORLD_FULL, across[x] > 0.0 ? across[x] * down[y] : 0.0, 1e-6);
}

static void test_mirror_is_the_mirror_image(void)
{
    static float first[21 * 21 * 4];
    unsigned char drawing[CELL * CELL * 4];
    draw(drawing, 3);
    resample(drawing, 21, false);
    memcpy(first, out, sizeof first);
    resample(drawing, 21, true);
    for (int y = 0; y < 21; y++)
        for (int x = 0; x < 21; x++)
            CHECK(memcmp(at(21, x, y), first + (y * 21 + 20 - x) * 4, 4 * sizeof(float)) == 0);
}

static void test_colours_stay_within_coverage(void)
{
    unsigned char drawing[CELL * CELL * 4];
    for (int i = 0; i < CELL * CELL * 4; i++)
        drawing[i] = (unsigned char)((i * 2654435761u) >> 13);
    for (int side = 1; side <= 40; side++) {
        int good = 1;
        resample(drawing, side, side % 2 == 1);
        for (int i = 0; i < side * side; i++) {
            const float *p = out + 4 * i;
            good = good && p[3] >= 0.0f && p[3] <= WORLD_FULL;
            for (int c = 0; c < 3; c++)
                good = good && p[c] >= 0.0f && p[c] <= p[3];
        }
        CHECK(good);
    }
}

static void test_opaque_stays_opaque_inside(void)
{
    unsigned char drawing[CELL * CELL * 4];
    memset(drawing, 255, sizeof drawing);
    for (int side = 5; side <= 40; side++) {
        resample(drawing, side, false);
        CHECK_NEAR(at(side, side / 2, side / 2)[0] / WORLD_FULL, 1.0, 1e-2);
        CHECK(at(side, 0, side / 2)[3] > WORLD_FULL / 2);
    }
}

/* Where the filter overshoots, coverage and colour do so together. */
static void test_flat_colour_stays_flat(void)
{
    unsigned char drawing[CELL * CELL * 4];
    for (int i = 0; i < CELL * CELL; i++)
        memcpy(drawing + 4 * i, (const unsigned char[4]){200, 100, 50, 255}, 4);
    for (int side = 3; side <= 40; side++) {
        int good = 1;
        resample(drawing, side, false);
        for (int i = 0; i < side * side; i++) {
            const float *p = out + 4 * i;
            good =
                good && fabs(p[0] * 255.0 - p[3] * 200.0) < 60.0 && fabs(p[2] * 255.0 - p[3] * 50.0) < 60.0;
        }
        CHECK(good);
    }
}

static void test_levels_give_the_same_bits(void)
{
    static float first[27 * 27 * 4];
    unsigned char drawing[CELL * CELL * 4];
    for (int i = 0; i < CELL * CELL * 4; i++)
        drawing[i] = (unsigned char)((i * 2654435761u) >> 15);
    isa_limit(ISA_BASE);
    resample(drawing, 27, false);
    memcpy(first, out, sizeof first);
    isa_limit(ISA_AVX2);
    resample(drawing, 27, false);
    CHECK(memcmp(first, out, sizeof first) == 0);
    isa_limit(ISA_AVX512);
    resample(drawing, 27, false);
    CHECK(memcmp(first, out, sizeof first) == 0);
}

static void test_over_and_flatten_by_hand(void)
{
    const float half = (float)WORLD_FULL / 2;
    float canvas[8] = {0, 0, WORLD_FULL, WORLD_FULL, 0, 0, 0, 0}; /* opaque blue, nothing */
    const float pixel[8] = {half, 0, 0, half, half, 0, 0, half};  /* half red */
    const unsigned char white[3] = {255, 255, 255};
    unsigned char rgb[6];
    world_over(canvas, pixel, 2);
    CHECK(canvas[0] == half && canvas[1] == 0.0f && canvas[2] == half && canvas[3] == (float)WORLD_FULL);
    CHECK(canvas[4] == half && canvas[6] == 0.0f && canvas[7] == half);
    world_flatten(rgb, canvas, 2, white);
    CHECK(rgb[0] == 128 && rgb[1] == 0 && rgb[2] == 128); /* 127.5 goes up */
    CHECK(rgb[3] == 255 && rgb[4] == 128 && rgb[5] == 128);
}

int main(void)
{
    test_same_size_changes_nothing();
    test_half_size_by_hand();
    test_mirror_is_the_mirror_image();
    test_colours_stay_within_coverage();
    test_opaque_stays_opaque_inside();
    test_flat_colour_stays_flat();
    test_levels_give_the_same_bits();
    test_over_and_flatten_by_hand();
    return check_report("world_resample");
}
