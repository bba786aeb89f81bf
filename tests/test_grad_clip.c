#include "nn/grad_clip.h"

#include "tests/check.h"

int main(void)
{
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
