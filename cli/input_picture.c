#include "cli/input_picture.h"

#include "io/picture.h"
#include "io/resize.h"

static Status set_side(int *side, int own, const char *what, const char *path, int factor, Error *err)
{
    if (*side == 0)
        *side = own / factor * factor;
    if (*side < 1)
        return error_set(err, STATUS_SHAPE, "%s: its %s is %d pixels, expected at least %d", path, what,
                         own, factor);
    return STATUS_OK;
}

Status input_picture(Image *out, const char *path, int channels, int *width, int *height, int factor,
                     Arena *arena, Error *err)
{
    static const unsigned char WHITE[3] = {255, 255, 255};
    Image picture;
    Status status = picture_read(&picture, path, arena, err);
    if (status == STATUS_OK)
        status = image_flatten(&picture, &picture, WHITE, arena, err);
    if (status == STATUS_OK)
        status = image_convert(&picture, &picture, channels, arena, err);
    if (status == STATUS_OK)
        status = set_side(width, picture.width, "width", path, factor, err);
    if (status == STATUS_OK)
        status = set_side(height, picture.height, "height", path, factor, err);
    if (status == STATUS_OK && (picture.width != *width || picture.height != *height))
        status = image_resize(&picture, &picture, *width, *height, (ResizeOptions){0}, arena, err);
    if (status == STATUS_OK)
        *out = picture;
    return status;
}

float *input_planes(const Image *picture, bool unit, Arena *arena)
{
    float *planes = arena_raw(arena, image_size(picture), sizeof *planes);
    if (planes != NULL && unit)
        image_to_unit_planes(planes, picture);
    else if (planes != NULL)
        image_to_planes(planes, picture);
    return planes;
}
