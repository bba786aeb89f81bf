#include "nn/time_embedding.h"

#include "base/elementary.h"

static const float MINUS_LOG_10000 = -0x1.26bb1cp+3f; /* -ln 10000, rounded */

void time_embedding_forward(float *out, const float *timesteps, int N, int width, bool flip_sin_to_cos,
                            float freq_shift)
{
    const int half = width / 2;
    const float span = (float)half - freq_shift;
    for (int i = 0; i < half; i++) {
        float exponent = MINUS_LOG_10000 * (float)i;
        exponent = exponent / span;
        const float frequency = exp_f32(exponent);
        for (int n = 0; n < N; n++) {
            float *row = out + (size_t)n * (size_t)width;
            const float angle = timesteps[n] * frequency;
            row[flip_sin_to_cos ? half + i : i] = sin_f32(angle);
            row[flip_sin_to_cos ? i : half + i] = cos_f32(angle);
        }
    }
    for (int n = 0; n < N && width % 2 != 0; n++)
        out[(size_t)n * (size_t)width + (size_t)width - 1] = 0.0f;
}

Tensor *time_embedding(Tape *tape, const float *timesteps, int N, int width, bool flip_sin_to_cos,
                       float freq_shift)
{
    if (timesteps == NULL)
        return NULL;
    if (N < 0 || width < 2 || !((float)(width / 2) > freq_shift))
        return tape_fail(tape, STATUS_ARGUMENT, "time_embedding: width %d with frequency shift %g", width,
                         (double)freq_shift);
    Tensor *y = tape_result(tape, NULL, 2, (int[]){N, width});
    if (y != NULL)
        time_embedding_forward(y->data, timesteps, N, width, flip_sin_to_cos, freq_shift);
    return y;
}
