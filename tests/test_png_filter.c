#include "io/png_filter.h"
#include "tests/check.h"

/* Two pixels of two bytes under two others, each filter by hand. */
static void test_two_pixels_by_hand(void)
{
    static const unsigned char ROW[4] = {10, 20, 250, 7}, ABOVE[4] = {5, 255, 9, 100};
    static const unsigned char WANT[PNG_FILTERS][4] = {
        {10, 20, 250, 7},
        {10, 20, 240, 243}, /* 250 - 10, 7 - 20 + 256 */
        {5, 21, 241, 163},  /* 10 - 5, 20 - 255 + 256, 250 - 9, 7 - 100 + 256 */
        {8, 149, 241, 203}, /* 10 - 2, 20 - 127 + 256, 250 - (10 + 9) / 2, 7 - (20 + 100) / 2 + 256 */
        {5, 21, 240, 243}}; /* guesses 5, 255 (above), 10 (a), 20 (a) */
    for (int kind = 0; kind < PNG_FILTERS; kind++) {
        unsigned char out[4];
        png_filter(out, ROW, ABOVE, 4, 2, kind);
        if (!CHECK(memcmp(out, WANT[kind], 4) == 0))
            printf("    filter %d: %d %d %d %d\n", kind, out[0], out[1], out[2], out[3]);
    }
}

/* The three guesses of Paeth's filter, and the order a, b, c of its ties: a = row[0], b = above[1], c =
 * above[0]. */
static void test_paeth_prefers_left_then_above(void)
{
    static const unsigned char CASE[][4] = {                                    /* a, b, c, guess */
                                            {10, 20, 20, 10},                   /* sum 10 is a */
                                            {10, 20, 10, 20},                   /* sum 20 is b */
                                            {10, 30, 20, 20},                   /* sum 20 is c */
                                            {1, 3, 0, 3},                       /* sum 4: b is nearest */
                                            {7, 7, 7, 7},     {10, 12, 11, 11}, /* sum 11: c is nearest */
                                            {2, 0, 1, 1},     {4, 8, 6, 6},
                                            {0, 6, 4, 0}}; /* sum 2: a and c are 2 away, a wins */
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        const unsigned char row[2] = {CASE[i][0], 0}, above[2] = {CASE[i][2], CASE[i][1]};
        unsigned char out[2];
        png_filter(out, row, above, 2, 1, PNG_PAETH);
        CHECK(out[1] == (256 - CASE[i][3]) % 256);
    }
}

static void test_unfilter_undoes_filter(void)
{
    unsigned char row[64], above[64], out[64];
    unsigned state = 5;
    int same = 1;
    for (int trial = 0; trial < 2000; trial++) {
        const size_t step = 1 + (size_t)trial % 8, size = 1 + (size_t)trial % 64;
        for (size_t i = 0; i < size; i++) {
            state = state * 1664525u + 1013904223u;
            row[i] = (unsigned char)(state >> 24 & 255);
            above[i] = (unsigned char)(state >> 16 & 255);
        }
        for (int kind = 0; kind < PNG_FILTERS; kind++) {
            png_filter(out, row, above, size, step, kind);
            png_unfilter(out, above, size, step, kind);
            same = same && memcmp(out, row, size) == 0;
        }
    }
    CHECK(same);
}

int main(void)
{
    test_two_pixels_by_hand();
    test_paeth_prefers_left_then_above();
    test_unfilter_undoes_filter();
    return check_report("png_filter");
}
