#include "io/png_filter.h"

#include <string.h>

/* Of a, b, c the nearest to a + b - c; of equals the first. */
static int paeth(int a, int b, int c)
{
    const int pa = b > c ? b - c : c - b, pb = a > c ? a - c : c - a, sum = a + b - 2 * c;
    const int pc = sum < 0 ? -sum : sum;
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

static int guess(int a, int b, int c, int kind)
{
    switch (kind) {
    case PNG_SUB: return a;
    case PNG_UP: return b;
    case PNG_AVERAGE: return (a + b) / 2;
    case PNG_PAETH: return paeth(a, b, c);
    default: return 0;
    }
}

void png_unfilter(unsigned char *row, const unsigned char *above, size_t size, size_t step, int kind)
{
    if (kind == PNG_NONE)
        return;
    for (size_t i = 0; i < step && i < size; i++)
        row[i] = (unsigned char)((row[i] + guess(0, above[i], 0, kind)) & 255);
    if (kind == PNG_SUB)
        for (size_t i = step; i < size; i++)
            row[i] = (unsigned char)((row[i] + row[i - step]) & 255);
    else if (kind == PNG_UP)
        for (size_t i = step; i < size; i++)
            row[i] = (unsigned char)((row[i] + above[i]) & 255);
    else if (kind == PNG_AVERAGE)
        for (size_t i = step; i < size; i++)
            row[i] = (unsigned char)((row[i] + (row[i - step] + above[i]) / 2) & 255);
    else
        for (size_t i = step; i < size; i++)
            row[i] = (unsigned char)((row[i] + paeth(row[i - step], above[i], above[i - step])) & 255);
}

void png_filter(unsigned char *out, const unsigned char *row, const unsigned char *above, size_t size,
                size_t step, int kind)
{
    for (size_t i = 0; i < size; i++) {
        const int a = i >= step ? row[i - step] : 0, c = i >= step ? above[i - step] : 0;
        out[i] = (unsigned char)((row[i] - guess(a, above[i], c, kind)) & 255);
    }
}
