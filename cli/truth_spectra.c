/* cli/truth_spectra.c - the Fourier transform of planes as the sums that define it (see truth_ops.h). */
#include <math.h>

#include "base/elementary64.h"
#include "cli/truth_ops.h"

/* cos or sin of 2 pi m / n, 0 <= m < n.  Also 0 and 1 have a bound: a method by convolution (Bluestein) does not see them. */
static TruthId on_circle(Truth *t, int m, int n, bool sine)
{
    static const double quarter[5] = {0.0, 1.0, 0.0, -1.0, 0.0};
    const double angle = 6.283185307179586477 * m / n;
    double y = sine ? sin_f64(angle) : cos_f64(angle);
    if (4 * m % n == 0)
        y = quarter[(4 * m / n + !sine) % 4];
    return truth_inexact(t, y, 0x1p-50);
}

/* One part of one number: sum over the plane of x cos or -x sin of 2 pi (k h / H + l w / W). */
static TruthId one(Truth *t, const TruthId *x, int H, int W, int k, int l, bool imaginary)
{
    const int n = H * W;
    Arena *arena = t->arena;
    TruthId *factor = arena_alloc(arena, (size_t)n, sizeof *factor);
    if (factor == NULL) {
        t->failed = true;
        return 0;
    }
    for (int i = 0; i < n; i++) {
        const int h = i / W, w = i % W,
                  m = (int)(((long long)k * h % H * W + (long long)l * w % W * H) % n);
        factor[i] = on_circle(t, m, n, imaginary);
    }
    truth_sum_begin(t);
    for (int i = 0; i < n; i++)
        truth_sum_multiply_add(t, x[i], factor[i]);
    return truth_scale(t, truth_sum_end(t), (imaginary ? -1.0 : 1.0) / sqrt((double)n));
}

TruthTensor *truth_fft2(Truth *t, const TruthTensor *x)
{
    if (x == NULL)
        return NULL;
    const int C = x->dim[1], H = x->dim[2], W = x->dim[3], plane = H * W;
    TruthTensor *y = truth_tensor(t, 4, (const int[]){x->dim[0], 2 * C, H, W});
    for (int i = 0; y != NULL && i < x->dim[0] * C * plane; i++) {
        const int p = i / plane, sample = p / C, channel = p % C, k = i % plane / W, l = i % W;
        for (int part = 0; part < 2; part++)
            y->id[((sample * 2 + part) * C + channel) * plane + i % plane] =
                one(t, x->id + p * plane, H, W, k, l, part == 1);
    }
    return y;
}
