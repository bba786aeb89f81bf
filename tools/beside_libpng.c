/* beside_libpng.c - a program with zlib, libpng and ldm99 in it: each does its own work, and libpng reads what ldm99
 * wrote.  Built by tools/check_install.sh. */
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "ldm99.h"

static int fails(const char *what)
{
    printf("%s\n", what);
    return 1;
}

int main(void)
{
    static unsigned char pixels[5 * 4 * 3], got[5 * 4 * 3], packed[200], unpacked[sizeof pixels];
    const ldm_picture picture = {5, 4, 3, pixels};
    unsigned char *data = NULL;
    size_t size = 0;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * 37);
    if (ldm_picture_encode(&data, &size, &picture, NULL, NULL, NULL) != LDM_OK)
        return fails("ldm_picture_encode");

    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_memory(&image, data, size) || image.width != 5 || image.height != 4)
        return fails("libpng cannot begin");
    image.format = PNG_FORMAT_RGB;
    if (!png_image_finish_read(&image, NULL, got, 0, NULL) || memcmp(got, pixels, sizeof pixels) != 0)
        return fails("libpng reads other pixels");
    ldm_free(NULL, data);

    uLongf packed_size = sizeof packed, unpacked_size = sizeof unpacked;
    if (compress(packed, &packed_size, pixels, sizeof pixels) != Z_OK ||
        uncompress(unpacked, &unpacked_size, packed, packed_size) != Z_OK ||
        memcmp(unpacked, pixels, sizeof pixels) != 0 || crc32(0, pixels, sizeof pixels) == 0)
        return fails("zlib");
    return 0;
}
