#include "cli/picture_features.h"

enum { PICTURES_AT_A_TIME = 32, LARGE_AT_A_TIME = 4 }; /* of Inception; neither changes a bit */

/* The picture (3,size,size); its own size is counted. */
static Status read_picture(float *planes, const FeatureNetwork *network, const PictureNames *names,
                           size_t i, PictureSizes *sizes, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    Image image;
    Status status = picture_open(&image, names, i, arena, err);
    if (status != STATUS_OK)
        return status;
    if (sizes->count == 0) {
        sizes->width = image.width;
        sizes->height = image.height;
    }
    sizes->count++;
    sizes->different += image.width != sizes->width || image.height != sizes->height;
    status = feature_network_picture(planes, network, &image, arena, err);
    arena_release(arena, mark);
    return status;
}

/* The features of `n` pictures from `first` on, for the sink; the tape's arena keeps them. */
static Status features_of(const float **out, const FeatureNetwork *network, Tape *tape,
                          const PictureNames *names, size_t first, int n, PictureSizes *sizes, Error *err)
{
    const char *const *path = names->path + first;
    const size_t numbers = 3 * (size_t)network->size * (size_t)network->size;
    float *x = arena_raw(tape->arena, (size_t)n, numbers * sizeof *x);
    if (x == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures", n);
    for (int i = 0; i < n; i++) {
        const Status status = read_picture(x + (size_t)i * numbers, network, names, first + (size_t)i,
                                           sizes, tape->arena, err);
        if (status != STATUS_OK)
            return status;
    }
    const float *feature = feature_network_run(tape, network, x, n);
    if (feature == NULL)
        return error_set(err, tape->error.status, "%.150s: %s", path[0], tape->error.text);
    for (size_t i = 0; i < (size_t)n * (size_t)network->d; i++)
        if (feature[i] - feature[i] != 0.0f)
            return error_set(err, STATUS_NOT_FINITE, "%.150s: its features are not finite",
                             path[i / (size_t)network->d]);
    *out = feature;
    return STATUS_OK;
}

Status picture_features(const FeatureNetwork *network, const PictureNames *names, FeatureSink *sink,
                        void *context, PictureSizes *sizes, Arena *scratch, Error *err)
{
    Status status = STATUS_OK;
    const size_t most = network->is_inception ? LARGE_AT_A_TIME : PICTURES_AT_A_TIME;
    *sizes = (PictureSizes){.count = 0};
    for (size_t i = 0; i < names->count && status == STATUS_OK; i += most) {
        const ArenaMark mark = arena_mark(scratch);
        const size_t left = names->count - i;
        const int n = (int)(left < most ? left : most);
        const float *x = NULL;
        Tape tape = {.arena = scratch};
        status = features_of(&x, network, &tape, names, i, n, sizes, err);
        if (status == STATUS_OK)
            status = sink(context, x, n, err);
        arena_release(scratch, mark);
    }
    return status;
}
