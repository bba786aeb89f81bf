#include "cli/tensor_difference.h"

#include <float.h>

#include "tests/check.h"

static NamedTensor tensor(float *data, int rank, uint64_t a, uint64_t b)
{
    return (NamedTensor){
        .name = "x", .rank = rank, .dim = {a, b}, .count = rank == 2 ? a * b : a, .data = data};
}

static void test_steps_between_floats(void)
{
    CHECK(float_steps(1.0f, 1.0f) == 0 && float_steps(1.0f, 1.0f + FLT_EPSILON) == 1);
    CHECK(float_steps(0.0f, -0.0f) == 0);
    CHECK(float_steps(0x1p-149f, -0x1p-149f) == 2 && float_steps(-0x1p-149f, 0x1p-149f) == 2);
    CHECK(float_steps(FLT_MAX, INFINITY) == 1);
    CHECK(float_steps(NAN, NAN) == 0 && float_steps(NAN, 1.0f) == 0xffffffffu);
}

/* Steps across 0 count nothing that anybody could use, so they are counted apart. */
static void test_other_signs(void)
{
    float x[4] = {1e-9f, -2.0f, 3.0f, -0.0f}, y[4] = {-1e-9f, -2.0f, 3.0f + 4 * FLT_EPSILON, 1.0f};
    const NamedTensor a = tensor(x, 1, 4, 0), b = tensor(y, 1, 4, 0);
    Difference d = tensor_difference(&a, &b);
    CHECK(d.different == 3 && d.other_signs == 1 && d.first == 0 && d.most_ulps == 0x3f800000u);
    CHECK(signs_differ(1e-9f, -1e-9f) && !signs_differ(0.0f, -1.0f) && !signs_differ(-0.0f, 1.0f));
    CHECK(!signs_differ(NAN, -1.0f) && !signs_differ(-2.0f, -1.0f));
    x[3] = y[3];
    d = tensor_difference(&a, &b);
    CHECK(d.most_ulps == 2 && d.other_signs == 1);
    NamedTensor levels = a;
    levels.dtype = U8;
    CHECK(has_ulps(&a) && !has_ulps(&levels));
}

static void test_where_they_part(void)
{
    float x[6] = {1, 2, 3, 4, 5, 6}, y[6] = {1, 2, 3, 4.5f, 5, 4};
    const NamedTensor a = tensor(x, 2, 2, 3), b = tensor(y, 2, 2, 3), flat = tensor(x, 1, 6, 0);
    char text[160];
    const Difference d = tensor_difference(&a, &b);
    CHECK(d.count == 6 && d.different == 2 && d.first == 3 && d.a == 4.0f && d.b == 4.5f);
    CHECK(d.ulps == 0x100000 && d.largest == 2.0 && d.other_signs == 0);
    CHECK(parts(&d, 0.0) && parts(&d, 1.9) && !parts(&d, 2.0));
    place_text(text, &a, d.first);
    CHECK(strcmp(text, "[1,0]") == 0);
    shape_text(text, &a);
    CHECK(strcmp(text, "(2,3)") == 0);
    CHECK(same_shape(&a, &b) && !same_shape(&a, &flat));
    const Difference none = tensor_difference(&a, &a);
    CHECK(none.different == 0 && none.first == SIZE_MAX && !parts(&none, 0.0));
}

static void test_zeros_and_no_numbers(void)
{
    float x[3] = {0.0f, NAN, INFINITY}, y[3] = {-0.0f, NAN, -INFINITY}, z[3] = {0.0f, 1.0f, INFINITY};
    const NamedTensor a = tensor(x, 1, 3, 0), b = tensor(y, 1, 3, 0), c = tensor(z, 1, 3, 0);
    Difference d = tensor_difference(&a, &b);
    CHECK(d.different == 2 && d.first == 0 && d.ulps == 0 && d.largest == INFINITY);
    d = tensor_difference(&a, &c);
    CHECK(d.different == 1 && d.first == 1 && d.largest == INFINITY && parts(&d, 1e30));
    const NamedTensor zero = tensor(x, 1, 1, 0), minus = tensor(y, 1, 1, 0);
    d = tensor_difference(&zero, &minus);
    CHECK(d.different == 1 && parts(&d, 0.0) && !parts(&d, 1e-30)); /* the sign of a zero is a bit */
}

int main(void)
{
    test_steps_between_floats();
    test_other_signs();
    test_where_they_part();
    test_zeros_and_no_numbers();
    return check_report("tensor_difference");
}
