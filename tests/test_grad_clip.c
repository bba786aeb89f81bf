#include "nn/grad_clip.h"

#include <math.h>

#include "base/sum.h"
#include "base/threads.h"
#include "tests/check.h"

/* More parameters than are summed at once: added in their order, whoever computed the sums. */
static void test_many_parameters(void)
{
    enum { MANY = 150 };
    static float numbers[MANY][3];
    Tensor p[MANY], *list[MANY];
    double sum = 0.0;
    for (int i = 0; i < MANY; i++) {
        p[i] = (Tensor){.rank = 1, .dim = {3, 1, 1, 1}, .grad = i % 7 == 3 ? NULL : numbers[i]};
        list[i] = &p[i];
        for (int k = 0; k < 3; k++)
            numbers[i][k] = (float)(i * 3 + k) / 7.0f;
        sum += p[i].grad != NULL ? sum8_squares(numbers[i], 3, 0.0) : 0.0;
    }
    for (int threads = 1; threads <= 3; threads++) {
        threads_set(threads);
        CHECK(grad_norm(list, MANY) == sqrt(sum));
    }
    CHECK(grad_norm(list, 65) < grad_norm(list, 66) && grad_norm(list, 128) < grad_norm(list, 129));
}

int main(void)
{
    test_many_parameters();
    float a[3] = {3, 0, 0}, b[1] = {4};
    Tensor first = {.rank = 1, .dim = {3, 1, 1, 1}, .grad = a}, none = {.rank = 1, .dim = {9, 1, 1, 1}};
    Tensor second = {.rank = 0, .dim = {1, 1, 1, 1}, .grad = b}, *list[3] = {&first, &none, &second};

    CHECK(grad_norm(list, 3) == 5.0);
    CHECK(grad_clip(list, 3, 0.0) == 5.0 && a[0] == 3.0f); /* only measures */
    CHECK(grad_clip(list, 3, 6.0) == 5.0 && a[0] == 3.0f && b[0] == 4.0f);
    const float factor = (float)(1.0 / (5.0 + 1e-6)), clipped = 3.0f * factor;
    CHECK(grad_clip(list, 3, 1.0) == 5.0);
    CHECK(a[0] == clipped && a[1] == 0.0f);
    CHECK_NEAR(grad_norm(list, 3), 1.0, 1e-6);
    CHECK(b[0] > 0.0f);
    CHECK(grad_norm(list, 0) == 0.0);

    b[0] = INFINITY; /* a broken step is told, not hidden */
    const float before = a[0];
    CHECK(grad_clip(list, 3, 1.0) == (double)INFINITY && a[0] == before);
    b[0] = NAN;
    CHECK(isnan(grad_clip(list, 3, 1.0)) && a[0] == before);
    return check_report("grad_clip");
}
