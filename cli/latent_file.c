#include "cli/latent_file.h"

#include "io/npy.h"

Status latent_file_write(const char *path, const float *latents, const uint64_t dim[4], Arena *arena,
                         Error *err)
{
    NpyArray array = {.dtype = F32, .rank = 4};
    for (int i = 0; i < 4; i++)
        array.dim[i] = dim[i];
    array.data = (void *)(uintptr_t)latents; /* only read */
    return npy_write(path, &array, arena, err);
}

Status latent_file_load(float **latents, int dim[4], const char *path, int channels, Arena *arena,
                        Error *err)
{
    NpyArray array;
    const Status status = npy_read(&array, path, arena, err);
    if (status != STATUS_OK)
        return status;
    const int first = array.rank == 3 ? 0 : 1;
    bool good = (array.rank == 3 || array.rank == 4) && array.dim[first] == (uint64_t)channels;
    good = good && (array.rank == 3 || (array.dim[0] > 0 && array.dim[0] < 1000000));
    dim[0] = good && array.rank == 4 ? (int)array.dim[0] : 1;
    for (int i = 0; good && i < 3; i++) {
        good = array.dim[first + i] > 0 && array.dim[first + i] < 1000000;
        dim[1 + i] = (int)array.dim[first + i];
    }
    if (!good)
        return error_set(err, STATUS_SHAPE, "%s: is not an array of latents (count, %d, height, width)",
                         path, channels);
    const size_t count = (size_t)npy_numbers(&array);
    *latents = arena_raw(arena, count, sizeof **latents);
    if (*latents == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for %zu numbers", path, count);
    dtype_to_f32(*latents, array.data, array.dtype, count);
    return STATUS_OK;
}

Status latent_file_read(Txt2ImgOptions *o, const char *path, int which, const Model *model, Arena *arena,
                        Error *err)
{
    int dim[4];
    float *latents = NULL;
    const Status status =
        latent_file_load(&latents, dim, path, model->config.vae.latent_channels, arena, err);
    if (status != STATUS_OK)
        return status;
    if (which >= dim[0])
        return error_set(err, STATUS_SHAPE, "%s: holds %d latents, number %d is wanted", path, dim[0],
                         which);
    const size_t sample = (size_t)dim[1] * (size_t)dim[2] * (size_t)dim[3];
    o->latents = which < 0 ? latents : latents + (size_t)which * sample;
    o->images = which < 0 ? dim[0] : 1;
    o->height = dim[2] * vae_factor(&model->config.vae);
    o->width = dim[3] * vae_factor(&model->config.vae);
    return STATUS_OK;
}
