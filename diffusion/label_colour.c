#include "diffusion/label_colour.h"

#include <assert.h>

void label_colour(unsigned char rgb[3], unsigned label)
{
    rgb[0] = rgb[1] = rgb[2] = 0;
    for (int j = 0; j < 8; j++, label >>= 3) {
        for (int c = 0; c < 3; c++)
            rgb[c] = (unsigned char)(rgb[c] | (label >> c & 1) << (7 - j));
    }
}

void label_paint(Image *out, const uint16_t *label)
{
    assert(out->channels == 3);
    const size_t count = (size_t)out->width * (size_t)out->height;
    for (size_t i = 0; i < count; i++)
        label_colour(out->pixels + 3 * i, label[i]);
}
