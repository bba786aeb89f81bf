#include "io/resize.h"

#include <math.h>

#include "base/contract.h"
#include "io/resize_lines.h"
#include "io/resize_weights.h"

enum { PANEL = 256 };

/* out (n) = sum over the taps of weight * row, rows of n samples: taps ascending in panels (contract,
 * section 3). */
static void row_make(float *out, float *panel, const float *rows, const ResizeTaps *taps, size_t n)
{
    const float *first = rows + (size_t)taps->first * n;
    resize_weigh(out, first, taps->weight, taps->count < PANEL ? taps->count : PANEL, n, n);
    for (int k = PANEL; k < taps->count; k += PANEL) {
        const int count = taps->count - k < PANEL ? taps->count - k : PANEL;
        resize_weigh(panel, first + (size_t)k * n, taps->weight + k, count, n, n);
        for (size_t i = 0; i < n; i++)
            out[i] = out[i] + panel[i];
    }
}

/* Samples as floats; with alpha a (0..255) the colours as c * a and the alpha as a * 255, all exact. */
static void load(float *out, const Image *in, bool mirror)
{
    const size_t channels = (size_t)in->channels;
    for (int y = 0; y < in->height; y++)
        for (int x = 0; x < in->width; x++, out += channels) {
            const unsigned char *p = image_at(in, mirror ? in->width - 1 - x : x, y);
            for (size_t c = 0; c < channels; c++)
                out[c] = (float)(channels < 4 ? p[c] : p[c] * (c < 3 ? p[3] : 255));
        }
}

static unsigned char rounded(float x)
{
    x = x > 0.0f ? x : 0.0f;
    x = x < 255.0f ? x : 255.0f;
    return (unsigned char)rintf(x);
}

/* The way back, from samples (columns, rows, channels). */
static void store(Image *out, const float *in)
{
    const size_t channels = (size_t)out->channels;
    for (int x = 0; x < out->width; x++)
        for (int y = 0; y < out->height; y++, in += channels) {
            unsigned char *p = image_at(out, x, y);
            if (channels == 4) {
                const float alpha = in[3] / 255.0f;
                p[3] = rounded(alpha);
            }
            for (size_t c = 0; c < channels && c < 3; c++) {
                float sample = in[c];
                if (channels == 4) {
                    sample = 255.0f * sample;
                    sample = p[3] > 0 ? sample / in[3] : 0.0f;
                }
                p[c] = rounded(sample);
            }
        }
}

static Status filtered(Image *out, const Image *in, const ResizeOptions *o, Arena *arena, Error *err)
{
    const size_t channels = (size_t)in->channels, w = (size_t)in->width, h = (size_t)in->height;
    const size_t columns = (size_t)out->width, rows = (size_t)out->height;
    const size_t widest = w * h > rows * columns ? w * h : rows * columns;
    const size_t most = widest > w * rows ? widest : w * rows; /* pixels of the largest stage */
    const ResizeTaps *down =
        resize_weights(o->filter, in->height, out->height, o->top, o->height, o->clear, arena);
    const ResizeTaps *across =
        resize_weights(o->filter, in->width, out->width, o->left, o->width, o->clear, arena);
    float *a = arena_raw(arena, most, channels * sizeof *a),
          *b = arena_raw(arena, most, channels * sizeof *b);
    float *panel = arena_raw(arena, w > rows ? w : rows, channels * sizeof *panel);
    if (down == NULL || across == NULL || a == NULL || b == NULL || panel == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to resize a picture from %d x %d to %d x %d pixels",
                         in->width, in->height, out->width, out->height);
    load(a, in, o->mirror);
    for (size_t y = 0; y < rows; y++)
        row_make(b + y * w * channels, panel, a, &down[y], w * channels);
    resize_transpose(a, b, rows, w, channels, false);
    for (size_t x = 0; x < columns; x++)
        row_make(b + x * rows * channels, panel, a, &across[x], rows * channels);
    store(out, b);
    return STATUS_OK;
}

/* False for NaN, too. */
static bool within(double x, double least, double most)
{
    return x >= least && x <= most;
}

Status image_resize(Image *out, const Image *in, int width, int height, ResizeOptions options, Arena *arena,
                    Error *err)
{
    const ArenaMark before = arena_mark(arena);
    Image made = {0};
    Status status = image_new(&made, width, height, in->channels, arena, err);
    if (status != STATUS_OK)
        return status;
    ResizeOptions o = options;
    o.width = options.width == 0.0 ? width : options.width;
    o.height = options.height == 0.0 ? height : options.height;
    const ArenaMark mark = arena_mark(arena);
    if (!within(o.left, -IMAGE_SIDE_MAX, IMAGE_SIDE_MAX) ||
        !within(o.top, -IMAGE_SIDE_MAX, IMAGE_SIDE_MAX) || !within(o.width, 1, IMAGE_SIDE_MAX) ||
        !within(o.height, 1, IMAGE_SIDE_MAX))
        status =
            error_set(err, STATUS_ARGUMENT, "a picture cannot be drawn %g x %g pixels large at (%g, %g)",
                      o.width, o.height, o.left, o.top);
    else
        status = filtered(&made, in, &o, arena, err);
    arena_release(arena, status == STATUS_OK ? mark : before);
    if (status == STATUS_OK)
        *out = made;
    return status;
}

Status image_cover(Image *out, const Image *in, int width, int height, ResizeFilter filter, Arena *arena,
                   Error *err)
{
    const double across = (double)width / in->width, down = (double)height / in->height;
    const double factor = across > down ? across : down;
    ResizeOptions options = {.filter = filter};
    options.width = across >= down ? width : in->width * factor;
    options.height = down >= across ? height : in->height * factor;
    options.left = (width - options.width) / 2.0;
    options.top = (height - options.height) / 2.0;
    return image_resize(out, in, width, height, options, arena, err);
}
