#include "cli/picture_features.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/common.h"
#include "io/picture.h"
#include "io/resize.h"
#include "io/sha256.h"
#include "metrics/feature_sums.h"
#include "metrics/map_embedding.h"

enum { PICTURES_AT_A_TIME = 32, LOCATION_STAGE = 3, STYLE_STAGE = 2 };

const char *const FEATURE_TAPS[] = {"hidden", "location", "style", "gram", NULL};

FeatureTap feature_tap_named(const char *word)
{
    for (int i = 0; FEATURE_TAPS[i] != NULL; i++)
        if (strcmp(word, FEATURE_TAPS[i]) == 0)
            return (FeatureTap)i;
    return FEATURE_HIDDEN;
}

static Status hash_of(char hex[65], const char *folder, const char *name, Arena *arena, Error *err)
{
    const char *path = path_join(arena, folder, name);
    return path != NULL ? sha256_file(hex, path, err)
                        : error_set(err, STATUS_MEMORY, "%.150s: no memory for a file name", folder);
}

/* Channels and side of a stage, counted from 1. */
static void stage_shape(const VggConfig *c, int stage, int *channels, int *side)
{
    int maxima = 0;
    *side = c->sample_size;
    for (int i = 0; i < c->layers && maxima < stage; i++) {
        if (c->layer[i] > 0)
            *channels = c->layer[i];
        else if (++maxima < stage)
            *side /= 2;
    }
}

static MapEmbedding embedding_of(FeatureTap tap)
{
    return tap == FEATURE_LOCATION ? MAP_LOCATION : tap == FEATURE_STYLE ? MAP_STYLE_OUTER : MAP_STYLE_GRAM;
}

Status feature_network_tap(FeatureNetwork *f, FeatureTap tap, Error *err)
{
    const VggConfig *c = &f->vgg.config;
    const int stage = tap == FEATURE_LOCATION ? LOCATION_STAGE : STYLE_STAGE;
    char name[60];
    size_t d = (size_t)c->hidden[c->hidden_count - 1];
    snprintf(name, sizeof name, "hidden%d", c->hidden_count);
    if (tap != FEATURE_HIDDEN) {
        int channels = 0, side = 0;
        stage_shape(c, stage, &channels, &side);
        d = map_embedding_count(embedding_of(tap), channels, side, side);
        snprintf(name, sizeof name, "stage%d.%s (%d channels, %d x %d)", stage, FEATURE_TAPS[tap], channels,
                 side, side);
        if (vgg_stages(c) < stage || d < 1 || d > FEATURE_SUMS_WIDTH)
            return error_set(
                err, STATUS_ARGUMENT,
                "%.150s: %s takes stage %d with at most %d numbers; this network has %d stages and %zu "
                "numbers there",
                f->folder, FEATURE_TAPS[tap], stage, FEATURE_SUMS_WIDTH, vgg_stages(c), d);
    }
    f->tap = tap;
    f->d = (int)d;
    snprintf(
        f->recipe, sizeof f->recipe,
        "%s/%s of %d numbers, not Inception; weights SHA-256 %s, configuration SHA-256 %s; pictures "
        "over white, RGB of 8 bits, scaled by cubic to cover %d x %d and cut to the middle unless they are "
        "of that size, 2 (p / 255) - 1",
        f->name, name, f->d, f->weights, f->config, c->sample_size, c->sample_size);
    return STATUS_OK;
}

Status feature_network_open(FeatureNetwork *out, const char *folder, Arena *arena, Error *err)
{
    FeatureNetwork f = {.folder = folder};
    Status status = STATUS_OK;
    if (folder == NULL)
        status = shipped_folder(&f.folder, "features", arena, err);
    if (status == STATUS_OK)
        status = vgg_open(&f.vgg, f.folder, arena, err);
    if (status == STATUS_OK)
        status = hash_of(f.weights, f.folder, "model.safetensors", arena, err);
    if (status == STATUS_OK)
        status = hash_of(f.config, f.folder, "config.json", arena, err);
    if (status != STATUS_OK)
        return status;
    const VggConfig *c = &f.vgg.config;
    if (c->in_channels != 3 || c->noise_levels != 0 || c->heads == 0 || c->hidden_count == 0)
        return error_set(err, STATUS_ARGUMENT, "%.150s: is no network of pictures with a hidden layer",
                         f.folder);
    if (folder == NULL)
        snprintf(f.name, sizeof f.name, "ldm99-features");
    else
        snprintf(f.name, sizeof f.name, "vgg-%.8s", f.weights);
    status = feature_network_tap(&f, FEATURE_HIDDEN, err);
    if (status == STATUS_OK)
        *out = f;
    return status;
}

/* The picture (3,size,size) in [-1,1]; its own size is counted. */
static Status read_picture(float *planes, const char *path, int size, PictureSizes *sizes, Arena *arena,
                           Error *err)
{
    static const unsigned char white[3] = {255, 255, 255};
    const ArenaMark mark = arena_mark(arena);
    Image image;
    Status status = picture_read(&image, path, arena, err);
    if (status != STATUS_OK)
        return status;
    if (sizes->count == 0) {
        sizes->width = image.width;
        sizes->height = image.height;
    }
    sizes->count++;
    sizes->different += image.width != sizes->width || image.height != sizes->height;
    status = image_flatten(&image, &image, white, arena, err);
    if (status == STATUS_OK)
        status = image_convert(&image, &image, 3, arena, err);
    if (status == STATUS_OK && (image.width != size || image.height != size))
        status = image_cover(&image, &image, size, size, RESIZE_CUBIC, arena, err);
    if (status == STATUS_OK)
        image_to_planes(planes, &image);
    arena_release(arena, mark);
    return status;
}

/* The features (n,d) that the network is tapped for; NULL: no memory. */
static const float *tapped(const FeatureNetwork *f, const VggTaps *taps, int n, Arena *arena)
{
    if (f->tap == FEATURE_HIDDEN)
        return taps->hidden[f->vgg.config.hidden_count - 1]->data;
    const Tensor *map = taps->stage[(f->tap == FEATURE_LOCATION ? LOCATION_STAGE : STYLE_STAGE) - 1];
    const int channels = map->dim[1], height = map->dim[2], width = map->dim[3];
    const size_t numbers = (size_t)channels * (size_t)height * (size_t)width;
    float *x = arena_raw(arena, (size_t)n, (size_t)f->d * sizeof *x);
    for (int i = 0; i < n && x != NULL; i++)
        map_embedding(x + (size_t)i * (size_t)f->d, embedding_of(f->tap), map->data + (size_t)i * numbers,
                      channels, height, width);
    return x;
}

/* `n` pictures' features, for the sink; the tape's arena keeps them. */
static Status features_of(const float **out, const FeatureNetwork *network, Tape *tape,
                          const char *const *path, int n, PictureSizes *sizes, Error *err)
{
    const int size = network->vgg.config.sample_size;
    const size_t numbers = 3 * (size_t)size * (size_t)size;
    float *x = arena_raw(tape->arena, (size_t)n, numbers * sizeof *x);
    if (x == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures", n);
    for (int i = 0; i < n; i++) {
        const Status status = read_picture(x + (size_t)i * numbers, path[i], size, sizes, tape->arena, err);
        if (status != STATUS_OK)
            return status;
    }
    VggTaps taps = {.stages = 0};
    Tensor *input = tape_input(tape, x, 4, (const int[]){n, 3, size, size}, false);
    if (vgg(tape, &network->vgg, input, NULL, &taps) == NULL)
        return error_set(err, tape->error.status, "%.150s: %s", path[0], tape->error.text);
    const float *feature = tapped(network, &taps, n, tape->arena);
    if (feature == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the features of %d pictures", n);
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
    *sizes = (PictureSizes){.count = 0};
    for (size_t i = 0; i < names->count && status == STATUS_OK; i += PICTURES_AT_A_TIME) {
        const ArenaMark mark = arena_mark(scratch);
        const size_t left = names->count - i;
        const int n = left < PICTURES_AT_A_TIME ? (int)left : PICTURES_AT_A_TIME;
        const float *x = NULL;
        Tape tape = {.arena = scratch};
        status = features_of(&x, network, &tape, names->path + i, n, sizes, err);
        if (status == STATUS_OK)
            status = sink(context, x, n, err);
        arena_release(scratch, mark);
    }
    return status;
}
