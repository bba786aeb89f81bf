/* ldm99.h: pictures and arrays as files. */
#include <string.h>

#include "api/ldm_call.h"
#include "base/difference.h"
#include "io/npy.h"
#include "io/picture.h"

/* ---- pictures ---- */

ldm_status ldm_picture_read(ldm_picture *out, const char *path, const ldm_allocator *allocator,
                            ldm_error *error)
{
    ArenaSource room;
    const ArenaSource *source = ldm_source(&room, allocator);
    LdmCall call = ldm_call_from(source);
    Image image;
    Status status = picture_read(&image, path, &call.arena, &call.error);
    if (status == STATUS_OK)
        status = ldm_hand_over(out, &call, source, &image);
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_picture_parse(ldm_picture *out, const void *data, size_t size,
                             const ldm_allocator *allocator, ldm_error *error)
{
    ArenaSource room;
    const ArenaSource *source = ldm_source(&room, allocator);
    LdmCall call = ldm_call_from(source);
    Image image;
    Status status = picture_decode(&image, data, size, "picture", &call.arena, &call.error);
    if (status == STATUS_OK)
        status = ldm_hand_over(out, &call, source, &image);
    return ldm_call_end(&call, status, error);
}

/* The caller's picture as ours, and the list of its texts. */
static Status borrow(Image *image, PngText **texts, int *count, LdmCall *call, const ldm_picture *picture,
                     const char *const *pairs)
{
    *image = (Image){picture->width, picture->height, picture->channels, picture->pixels};
    *count = 0;
    for (; pairs != NULL && pairs[2 * *count] != NULL; ++*count)
        if (pairs[2 * *count + 1] == NULL)
            return error_set(&call->error, STATUS_ARGUMENT, "the text of \"%.79s\" is not given",
                             pairs[2 * *count]);
    *texts = arena_alloc(&call->arena, (size_t)*count, sizeof **texts);
    if (*texts == NULL)
        return error_set(&call->error, STATUS_MEMORY, "no memory for the texts of a picture");
    for (int i = 0; i < *count; i++)
        (*texts)[i] = (PngText){pairs[2 * i], pairs[2 * i + 1]};
    if (image->width < 1 || image->height < 1 ||
        (image->channels != 1 && image->channels != 3 && image->channels != 4))
        return error_set(&call->error, STATUS_ARGUMENT, "a picture of %d x %d with %d channels",
                         image->width, image->height, image->channels);
    return STATUS_OK;
}

ldm_status ldm_picture_write(const char *path, const ldm_picture *picture, const char *const *texts,
                             const ldm_allocator *allocator, ldm_error *error)
{
    ArenaSource room;
    LdmCall call = ldm_call_from(ldm_source(&room, allocator));
    Image image;
    PngText *list;
    int count;
    Status status = borrow(&image, &list, &count, &call, picture, texts);
    if (status == STATUS_OK)
        status = picture_write(path, &image, list, count, &call.arena, &call.error);
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_picture_encode(unsigned char **data, size_t *size, const ldm_picture *picture,
                              const char *const *texts, const ldm_allocator *allocator, ldm_error *error)
{
    ArenaSource room;
    const ArenaSource *source = ldm_source(&room, allocator);
    LdmCall call = ldm_call_from(source);
    Bytes bytes = {.arena = &call.arena};
    Image image;
    PngText *list;
    int count;
    Status status = borrow(&image, &list, &count, &call, picture, texts);
    if (status == STATUS_OK)
        status = png_encode(&bytes, &image, list, count, &call.error);
    unsigned char *copy = status == STATUS_OK ? ldm_copy_out(&call, source, bytes.data, bytes.size) : NULL;
    if (copy != NULL) {
        *data = copy;
        *size = bytes.size;
    }
    return ldm_call_end(&call, status == STATUS_OK ? call.error.status : status, error);
}

void ldm_planes_from_picture(float *planes, const ldm_picture *picture)
{
    const Image image = {picture->width, picture->height, picture->channels, picture->pixels};
    image_to_planes(planes, &image);
}

void ldm_picture_from_planes(ldm_picture *picture, const float *planes)
{
    Image image = {picture->width, picture->height, picture->channels, picture->pixels};
    image_from_planes(&image, planes);
}

/* ---- arrays ---- */

ldm_status ldm_array_read(float **data, int *rank, uint64_t dim[LDM_RANK], const char *path,
                          const ldm_allocator *allocator, ldm_error *error)
{
    ArenaSource room;
    const ArenaSource *source = ldm_source(&room, allocator);
    LdmCall call = ldm_call_from(source);
    NpyArray array;
    Status status = npy_read(&array, path, &call.arena, &call.error);
    const size_t count = status == STATUS_OK ? (size_t)npy_numbers(&array) : 0;
    float *numbers = NULL;
    if (status == STATUS_OK) {
        numbers = count <= SIZE_MAX / sizeof *numbers
                      ? memory_take(source, (count + (count == 0)) * sizeof *numbers)
                      : NULL;
        if (numbers == NULL)
            status = error_set(&call.error, STATUS_MEMORY, "%s: no memory for %zu numbers", path, count);
    }
    if (status == STATUS_OK) {
        dtype_to_f32(numbers, array.data, array.dtype, count);
        *data = numbers;
        *rank = array.rank;
        for (int i = 0; i < LDM_RANK; i++)
            dim[i] = i < array.rank ? array.dim[i] : 1;
    }
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_array_write(const char *path, const float *data, int rank, const uint64_t *dim,
                           const ldm_allocator *allocator, ldm_error *error)
{
    ArenaSource room;
    LdmCall call = ldm_call_from(ldm_source(&room, allocator));
    NpyArray array = {.dtype = F32, .rank = rank, .data = (void *)(uintptr_t)data};
    Status status = STATUS_OK;
    if (rank < 0 || rank > LDM_RANK)
        status = error_set(&call.error, STATUS_ARGUMENT, "%s: rank is %d, expected 0 to %d", path, rank,
                           LDM_RANK);
    for (int i = 0; status == STATUS_OK && i < rank; i++)
        array.dim[i] = dim[i];
    if (status == STATUS_OK)
        status = npy_write(path, &array, &call.arena, &call.error);
    return ldm_call_end(&call, status, error);
}

void ldm_compare(ldm_difference *out, const float *a, const float *b, size_t count)
{
    const Difference d = difference_of(a, b, count);
    *out = (ldm_difference){d.different, d.different > 0 ? d.first : count, d.largest, d.most_ulps,
                            d.other_signs};
}
