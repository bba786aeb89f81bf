#include "metrics/inception_input.h"

#include "diffusion/inception.h"
#include "metrics/resize_tf1.h"

void inception_input(float *y, const float *levels, int h, int w)
{
    resize_tf1(y, levels, 3, h, w, INCEPTION_SIZE, INCEPTION_SIZE);
    for (int i = 0; i < 3 * INCEPTION_SIZE * INCEPTION_SIZE; i++) {
        const float centred = y[i] - 128.0f;
        y[i] = centred / 128.0f;
    }
}
