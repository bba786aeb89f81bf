#include "io/image.h"

#include <math.h>
#include <string.h>

Status image_new(Image *out, int width, int height, int channels, Arena *arena, Error *err)
{
    if (width < 1 || height < 1 || width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX ||
        (long long)width * height > IMAGE_PIXELS_MAX)
        return error_set(err, STATUS_ARGUMENT,
                         "a picture of %d x %d pixels (sides 1 to %d, at most %d pixels)", width, height,
                         (int)IMAGE_SIDE_MAX, (int)IMAGE_PIXELS_MAX);
    if (channels != 1 && channels != 3 && channels != 4)
        return error_set(err, STATUS_ARGUMENT, "a picture of %d channels (1, 3 or 4 wanted)", channels);
    unsigned char *pixels = arena_alloc(arena, (size_t)width * (size_t)height, (size_t)channels);
    if (pixels == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a picture of %d x %d x %d bytes", width, height,
                         channels);
    *out = (Image){width, height, channels, pixels};
    return STATUS_OK;
}

size_t image_size(const Image *image)
{
    return (size_t)image->width * (size_t)image->height * (size_t)image->channels;
}

unsigned char *image_at(const Image *image, int x, int y)
{
    return image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * (size_t)image->channels;
}

static unsigned grey_of(const unsigned char *rgb)
{
    return (19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16;
}

/* One pixel, its channels changed from `have` to `want`. */
static void pixel_convert(unsigned char *to, int want, const unsigned char *from, int have)
{
    if (want == 1) {
        to[0] = (unsigned char)(have == 1 ? from[0] : grey_of(from));
        return;
    }
    for (int c = 0; c < 3; c++)
        to[c] = from[have == 1 ? 0 : c];
    if (want == 4)
        to[3] = have == 4 ? from[3] : 255;
}

Status image_convert(Image *out, const Image *in, int channels, Arena *arena, Error *err)
{
    Image made = {0};
    const Status status = image_new(&made, in->width, in->height, channels, arena, err);
    if (status != STATUS_OK)
        return status;
    const size_t count = (size_t)in->width * (size_t)in->height;
    for (size_t i = 0; i < count; i++)
        pixel_convert(made.pixels + i * (size_t)channels, channels, in->pixels + i * (size_t)in->channels,
                      in->channels);
    *out = made;
    return STATUS_OK;
}

Status image_flatten(Image *out, const Image *in, const unsigned char background[3], Arena *arena,
                     Error *err)
{
    if (in->channels != 4)
        return image_convert(out, in, in->channels, arena, err);
    Image made = {0};
    const Status status = image_new(&made, in->width, in->height, 3, arena, err);
    if (status != STATUS_OK)
        return status;
    image_fill(&made, background);
    image_over(&made, in, 0, 0);
    *out = made;
    return STATUS_OK;
}

Status image_crop(Image *out, const Image *in, int x, int y, int width, int height, Arena *arena,
                  Error *err)
{
    if (x < 0 || y < 0 || width < 1 || height < 1 || x > in->width - width || y > in->height - height)
        return error_set(err, STATUS_ARGUMENT,
                         "a part of %d x %d at (%d, %d) does not lie in a picture of %d x %d", width,
                         height, x, y, in->width, in->height);
    Image made = {0};
    const Status status = image_new(&made, width, height, in->channels, arena, err);
    if (status != STATUS_OK)
        return status;
    for (int row = 0; row < height; row++)
        memcpy(image_at(&made, 0, row), image_at(in, x, y + row), (size_t)width * (size_t)in->channels);
    *out = made;
    return STATUS_OK;
}

void image_fill(Image *image, const unsigned char *colour)
{
    const size_t size = image_size(image), channels = (size_t)image->channels;
    for (size_t i = 0; i < size; i++)
        image->pixels[i] = colour[i % channels];
}

/* Of a part with `length` samples laid at `at` in `room` samples: the first that is inside and the first
 * that is outside again. */
static void clipped(int *first, int *end, int at, int length, int room)
{
    const long long last = (long long)room - at;
    *first = at < 0 ? (at < -length ? length : -at) : 0;
    *end = last < length ? (int)(last < 0 ? 0 : last) : length;
}

void image_paste(Image *image, const Image *part, int x, int y)
{
    int x0, x1, y0, y1;
    clipped(&x0, &x1, x, part->width, image->width);
    clipped(&y0, &y1, y, part->height, image->height);
    for (int row = y0; row < y1; row++)
        for (int column = x0; column < x1; column++)
            pixel_convert(image_at(image, x + column, y + row), image->channels,
                          image_at(part, column, row), part->channels);
}

/* With alphas a over b (of 255) and colours s, d:  alpha = a + b (1 - a),  colour = (a s + (1 - a) b d) /
 * alpha.  In units of 1/255^2 both numerators are whole, so there is one rounding. */
static void pixel_over(unsigned char *to, int channels, const unsigned char *from)
{
    const unsigned a = from[3], b = channels == 4 ? to[3] : 255;
    const unsigned below = (255 - a) * b, total = 255 * a + below;
    if (total == 0)
        return;
    for (int c = 0; c < 3; c++)
        to[c] = (unsigned char)((255 * a * from[c] + below * to[c] + total / 2) / total);
    if (channels == 4)
        to[3] = (unsigned char)((total + 127) / 255);
}

void image_over(Image *image, const Image *part, int x, int y)
{
    if (part->channels != 4 || image->channels == 1) {
        image_paste(image, part, x, y);
        return;
    }
    int x0, x1, y0, y1;
    clipped(&x0, &x1, x, part->width, image->width);
    clipped(&y0, &y1, y, part->height, image->height);
    for (int row = y0; row < y1; row++)
        for (int column = x0; column < x1; column++)
            pixel_over(image_at(image, x + column, y + row), image->channels, image_at(part, column, row));
}

void image_mirror(Image *image)
{
    for (int y = 0; y < image->height; y++)
        for (int left = 0, right = image->width - 1; left < right; left++, right--)
            for (int c = 0; c < image->channels; c++) {
                unsigned char *a = image_at(image, left, y) + c, *b = image_at(image, right, y) + c;
                const unsigned char kept = *a;
                *a = *b;
                *b = kept;
            }
}

void image_to_unit_planes(float *planes, const Image *image)
{
    const size_t plane = (size_t)image->width * (size_t)image->height, channels = (size_t)image->channels;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < plane; i++)
            planes[c * plane + i] = (float)image->pixels[i * channels + c] / 255.0f;
}

void image_to_planes(float *planes, const Image *image)
{
    const size_t size = image_size(image);
    image_to_unit_planes(planes, image);
    for (size_t i = 0; i < size; i++) {
        const float doubled = 2.0f * planes[i];
        planes[i] = doubled - 1.0f;
    }
}

static unsigned char sample_of(float x)
{
    float s = x * 0.5f;
    s = s + 0.5f;
    s = s > 0.0f ? s : 0.0f;
    s = s < 1.0f ? s : 1.0f;
    s = s * 255.0f;
    return (unsigned char)rintf(s);
}

void image_from_planes(Image *image, const float *planes)
{
    const size_t plane = (size_t)image->width * (size_t)image->height, channels = (size_t)image->channels;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < plane; i++)
            image->pixels[i * channels + c] = sample_of(planes[c * plane + i]);
}
