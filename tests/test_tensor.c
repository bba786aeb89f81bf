#include "nn/tensor.h"

#include "tests/check.h"

int main(void)
{
    char text[64];
    const Tensor number = {.rank = 0, .dim = {1, 1, 1, 1}}, line = {.rank = 1, .dim = {7, 1, 1, 1}};
    const Tensor picture = {.rank = 4, .dim = {2, 3, 4, 5}}, empty = {.rank = 3, .dim = {2, 0, 4, 1}};
    const Tensor large = {.rank = 4, .dim = {2147483647, 2147483647, 2147483647, 2147483647}};

    CHECK(tensor_count(&number) == 1 && tensor_sample(&number) == 1 && tensor_positions(&number) == 1);
    CHECK(tensor_count(&line) == 7 && tensor_sample(&line) == 1 && tensor_positions(&line) == 1);
    CHECK(tensor_count(&picture) == 120 && tensor_sample(&picture) == 60 &&
          tensor_positions(&picture) == 20);
    CHECK(tensor_count(&empty) == 0 && tensor_sample(&empty) == 0 && tensor_positions(&empty) == 4);

    Tensor other = picture;
    CHECK(tensor_same_shape(&picture, &other));
    other.dim[2] = 5;
    CHECK(!tensor_same_shape(&picture, &other));
    other = picture;
    other.rank = 3;
    CHECK(!tensor_same_shape(&picture, &other));
    CHECK(tensor_same_shape(&number, &number));

    float numbers[7] = {1.0f, -0.0f, 0x1p-149f, 3e38f};
    Tensor full = line;
    full.data = numbers;
    CHECK(tensor_finite(&full) && tensor_finite(&empty));
    numbers[6] = -INFINITY;
    CHECK(!tensor_finite(&full));
    numbers[6] = NAN;
    CHECK(!tensor_finite(&full));

    CHECK(strcmp(tensor_shape_text(&number, text), "()") == 0);
    CHECK(strcmp(tensor_shape_text(&line, text), "(7)") == 0);
    CHECK(strcmp(tensor_shape_text(&picture, text), "(2,3,4,5)") == 0);
    CHECK(strcmp(tensor_shape_text(&large, text), "(2147483647,2147483647,2147483647,2147483647)") == 0);
    return check_report("tensor");
}
