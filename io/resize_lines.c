#include "io/resize_lines.h"

#include <string.h>

#include "base/isa.h"

extern const ResizeLinesTable resize_lines_base, resize_lines_avx2, resize_lines_avx512;

static const ResizeLinesTable *table(void)
{
#if ISA_LEVELS > 1
    static const ResizeLinesTable *const tables[] = {&resize_lines_base, &resize_lines_avx2,
                                                     &resize_lines_avx512};
    return tables[isa_level()];
#else
    return &resize_lines_base;
#endif
}

void resize_weigh(float *out, const float *in, const float *weight, int taps, size_t stride, size_t n)
{
    table()->weigh(out, in, weight, taps, stride, n);
}

void resize_premultiply(float *out, const unsigned char *pixel, size_t count)
{
    table()->premultiply(out, pixel, count);
}

static inline void transpose(float *out, const float *in, size_t rows, size_t columns, bool mirror,
                             size_t channels)
{
    for (size_t r = 0; r < rows; r++) {
        const float *row = in + (mirror ? rows - 1 - r : r) * columns * channels;
        for (size_t c = 0; c < columns; c++)
            memcpy(out + (c * rows + r) * channels, row + c * channels, channels * sizeof *out);
    }
}

void resize_transpose(float *out, const float *in, size_t rows, size_t columns, size_t channels,
                      bool mirror)
{
    if (channels == 4) /* a copy of known length is one instruction */
        transpose(out, in, rows, columns, mirror, 4);
    else
        transpose(out, in, rows, columns, mirror, channels);
}
