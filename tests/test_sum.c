#include "base/sum.h"

#include "base/isa.h"
#include "tests/check.h"

enum { LONGEST = 1003 };

/* The definition, word for word. */
static double plain_sum(const double *x, size_t n)
{
    double s[8] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 8] = s[i % 8] + x[i];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* Of both signs and of sizes from 2^-40 to 2^40, so that each sum rounds and its order shows. */
static float number(unsigned i)
{
    const unsigned hash = (i * 2654435761u) ^ (i * 40503u >> 3);
    const float sign = (hash & 1u) != 0 ? -1.0f : 1.0f;
    return sign * ldexpf((float)(hash >> 8 | 1u), (int)(hash >> 3 & 63u) - 56);
}

static void test_every_length_equals_the_definition(void)
{
    static float x[LONGEST], y[LONGEST];
    static double wide[LONGEST], squares[LONGEST], products[LONGEST];
    for (unsigned i = 0; i < LONGEST; i++) {
        x[i] = number(i);
        y[i] = number(i + 5000u);
        wide[i] = (double)x[i];
        const double d = (double)x[i] - 0.3;
        squares[i] = d * d;
        products[i] = (double)x[i] * (double)y[i];
    }
    for (size_t n = 0; n <= LONGEST; n += n < 40 ? 1 : 107) {
        CHECK(sum8(x, n) == plain_sum(wide, n));
        CHECK(sum8_double(wide, n) == plain_sum(wide, n));
        CHECK(sum8_squares(x, n, 0.3) == plain_sum(squares, n));
        CHECK(sum8_dot(x, y, n) == plain_sum(products, n));
    }
}

/* 2^60 and 1 in one lane lose the 1; in two lanes of which one is -2^60 they do not. */
static void test_lanes_by_hand(void)
{
    float x[16] = {0};
    x[0] = 0x1p60f;
    x[8] = 1.0f;
    x[4] = -0x1p60f;
    CHECK(sum8(x, 16) == 0.0);
    x[8] = 0.0f;
    x[1] = 1.0f;
    CHECK(sum8(x, 16) == 1.0);
}

static void test_empty_sum_is_plus_zero(void)
{
    const float minus_zero = -0.0f;
    CHECK(!signbit(sum8(NULL, 0)));
    CHECK(!signbit(sum8(&minus_zero, 1))); /* the lanes start at +0 */
}

int main(void)
{
    for (IsaLevel level = ISA_BASE; level <= ISA_AVX512; level++) {
        isa_limit(level);
        test_every_length_equals_the_definition();
        test_lanes_by_hand();
    }
    test_empty_sum_is_plus_zero();
    return check_report("sum");
}
