#include "cli/feature_network.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/folder_list.h"
#include "cli/common.h"
#include "io/resize.h"
#include "io/sha256.h"
#include "metrics/feature_sums.h"
#include "metrics/inception_input.h"
#include "metrics/map_embedding.h"
#include "nn/resample.h"

enum { LOCATION_STAGE = 3, STYLE_STAGE = 2 };

const char *const FEATURE_TAPS[] = {"hidden", "location", "style",           "gram",   "64", "192",
                                    "768",    "2048",     "logits_unbiased", "logits", NULL};

FeatureTap feature_tap_named(const char *word)
{
    for (int i = 0; FEATURE_TAPS[i] != NULL; i++)
        if (strcmp(word, FEATURE_TAPS[i]) == 0)
            return (FeatureTap)i;
    return FEATURE_HIDDEN;
}

/* ---- what is taken of it ---- */

static bool is_embedding(FeatureTap tap)
{
    return tap == FEATURE_LOCATION || tap == FEATURE_STYLE || tap == FEATURE_GRAM;
}

static MapEmbedding embedding_of(FeatureTap tap)
{
    return tap == FEATURE_LOCATION ? MAP_LOCATION : tap == FEATURE_STYLE ? MAP_STYLE_OUTER : MAP_STYLE_GRAM;
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

static Status too_long(const FeatureNetwork *f, FeatureTap tap, int stage, int stages, size_t d, Error *err)
{
    return error_set(err, STATUS_ARGUMENT,
                     "%.150s: %s takes stage %d with at most %d numbers; this network has %d stages and "
                     "%zu numbers there",
                     f->folder, FEATURE_TAPS[tap], stage, FEATURE_SUMS_WIDTH, stages, d);
}

static Status vgg_tap_of(FeatureNetwork *f, FeatureTap tap, Error *err)
{
    const VggConfig *c = &f->vgg.config;
    const int stage = tap == FEATURE_LOCATION ? LOCATION_STAGE : STYLE_STAGE;
    char name[60];
    size_t d = (size_t)c->hidden[c->hidden_count - 1];
    if (tap > FEATURE_GRAM)
        return error_set(err, STATUS_ARGUMENT, "%.150s: \"%s\" is a feature of Inception, this is a VGG",
                         f->folder, FEATURE_TAPS[tap]);
    if (f->half_pixel)
        return error_set(err, STATUS_ARGUMENT, "%.150s: --resize is of Inception, this is a VGG",
                         f->folder);
    snprintf(name, sizeof name, "hidden%d", c->hidden_count);
    if (is_embedding(tap)) {
        int channels = 0, side = 0;
        stage_shape(c, stage, &channels, &side);
        d = map_embedding_count(embedding_of(tap), channels, side, side);
        snprintf(name, sizeof name, "stage%d.%s (%d channels, %d x %d)", stage, FEATURE_TAPS[tap], channels,
                 side, side);
        if (vgg_stages(c) < stage || d < 1 || d > FEATURE_SUMS_WIDTH)
            return too_long(f, tap, stage, vgg_stages(c), d, err);
    }
    f->d = (int)d;
    snprintf(
        f->recipe, sizeof f->recipe,
        "%s/%s of %d numbers, not Inception; weights SHA-256 %s, configuration SHA-256 %s; pictures "
        "over white, RGB of 8 bits, scaled by cubic to cover %d x %d and cut to the middle unless they are "
        "of that size, 2 (p / 255) - 1",
        f->name, name, f->d, f->weights, f->config, c->sample_size, c->sample_size);
    return STATUS_OK;
}

static void inception_tap_of(FeatureNetwork *f, FeatureTap tap)
{
    static const int WIDTH[] = {[FEATURE_HIDDEN] = 2048,
                                [FEATURE_LOCATION] = 35 * 35,
                                [FEATURE_STYLE] = 64 * 65 / 2,
                                [FEATURE_GRAM] = 64 * 65 / 2,
                                [FEATURE_64] = 64,
                                [FEATURE_192] = 192,
                                [FEATURE_768] = 768,
                                [FEATURE_2048] = 2048,
                                [FEATURE_LOGITS_UNBIASED] = INCEPTION_CLASSES,
                                [FEATURE_LOGITS] = INCEPTION_CLASSES};
    char name[60];
    if (is_embedding(tap))
        snprintf(name, sizeof name, "%s.%s", tap == FEATURE_LOCATION ? "MaxPool_2" : "MaxPool_1",
                 FEATURE_TAPS[tap]);
    else
        snprintf(name, sizeof name, "%s", tap == FEATURE_HIDDEN ? "2048" : FEATURE_TAPS[tap]);
    f->d = WIDTH[tap];
    snprintf(
        f->recipe, sizeof f->recipe,
        "%s/%s of %d numbers, Inception v3 of published FIDs; weights SHA-256 %s; pictures over white, RGB "
        "of 8 bits, bilinear to %d x %d %s",
        f->name, name, f->d, f->weights, INCEPTION_SIZE, INCEPTION_SIZE,
        f->half_pixel ? "between pixels' centres, 2 (p / 255) - 1, which is pytorch-fid's way"
                      : "as TensorFlow 1, (p - 128) / 128, which is torch-fidelity's way");
}

Status feature_network_tap(FeatureNetwork *f, FeatureTap tap, Error *err)
{
    Status status = STATUS_OK;
    if (f->is_inception)
        inception_tap_of(f, tap);
    else
        status = vgg_tap_of(f, tap, err);
    if (status == STATUS_OK)
        f->tap = tap;
    return status;
}

/* ---- opening ---- */

static Status hash_of(char hex[65], const char *folder, const char *name, Arena *arena, Error *err)
{
    const char *path = path_join(arena, folder, name);
    return path != NULL ? sha256_file(hex, path, err)
                        : error_set(err, STATUS_MEMORY, "%.150s: no memory for a file name", folder);
}

static Status open_inception(FeatureNetwork *f, Arena *arena, Error *err)
{
    Status status = inception_open(&f->inception, f->folder, arena, err);
    if (status == STATUS_OK)
        status = sha256_file(f->weights, f->folder, err);
    f->is_inception = true;
    f->size = INCEPTION_SIZE;
    snprintf(f->name, sizeof f->name, "inception-%.8s", f->weights);
    return status;
}

static Status open_vgg(FeatureNetwork *f, bool shipped, Arena *arena, Error *err)
{
    Status status = vgg_open(&f->vgg, f->folder, arena, err);
    if (status == STATUS_OK)
        status = hash_of(f->weights, f->folder, "model.safetensors", arena, err);
    if (status == STATUS_OK)
        status = hash_of(f->config, f->folder, "config.json", arena, err);
    if (status != STATUS_OK)
        return status;
    const VggConfig *c = &f->vgg.config;
    if (c->in_channels != 3 || c->noise_levels != 0 || c->heads == 0 || c->hidden_count == 0)
        return error_set(err, STATUS_ARGUMENT, "%.150s: is no network of pictures with a hidden layer",
                         f->folder);
    f->size = c->sample_size;
    if (shipped)
        snprintf(f->name, sizeof f->name, "ldm99-features");
    else
        snprintf(f->name, sizeof f->name, "vgg-%.8s", f->weights);
    return STATUS_OK;
}

Status feature_network_open(FeatureNetwork *out, const char *word, Arena *arena, Error *err)
{
    FeatureNetwork f = {.folder = word};
    Status status = STATUS_OK;
    if (word == NULL)
        status = shipped_folder(&f.folder, "features", arena, err);
    if (status == STATUS_OK)
        status = word != NULL && !is_folder(word) ? open_inception(&f, arena, err)
                                                  : open_vgg(&f, word == NULL, arena, err);
    if (status == STATUS_OK)
        status = feature_network_tap(&f, FEATURE_HIDDEN, err);
    if (status == STATUS_OK)
        *out = f;
    return status;
}

/* ---- running ---- */

/* Levels (3,h,w), 0 to 255. */
static void levels_of(float *planes, const Image *image)
{
    const size_t n = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < 3 * n; i++)
        planes[i] = (float)image->pixels[3 * (i % n) + i / n];
}

/* p / 255 between the pixels' centres, then 2 u - 1. */
static Status half_pixel_input(float *planes, const Image *image, Arena *scratch, Error *err)
{
    const size_t n = 3 * (size_t)image->width * (size_t)image->height;
    Tape tape = {.arena = scratch};
    float *u = tape_alloc(&tape, n, sizeof *u);
    const Tensor *y = NULL;
    if (u != NULL) {
        image_to_unit_planes(u, image);
        Tensor *x = tape_input(&tape, u, 4, (const int[]){1, 3, image->height, image->width}, false);
        y = bilinear(&tape, x, INCEPTION_SIZE, INCEPTION_SIZE);
    }
    for (size_t i = 0; y != NULL && i < tensor_count(y); i++)
        planes[i] = 2.0f * y->data[i] - 1.0f;
    return y != NULL ? STATUS_OK : error_set(err, tape.error.status, "%s", tape.error.text);
}

Status feature_network_picture(float *planes, const FeatureNetwork *f, const Image *picture, Arena *scratch,
                               Error *err)
{
    static const unsigned char white[3] = {255, 255, 255};
    Image image = *picture;
    Status status = image_flatten(&image, &image, white, scratch, err);
    if (status == STATUS_OK)
        status = image_convert(&image, &image, 3, scratch, err);
    if (status == STATUS_OK && f->is_inception && f->half_pixel)
        return half_pixel_input(planes, &image, scratch, err);
    if (status == STATUS_OK && f->is_inception) {
        const size_t n = (size_t)image.width * (size_t)image.height;
        float *levels = arena_raw(scratch, n, 3 * sizeof *levels);
        if (levels == NULL)
            return error_set(err, STATUS_MEMORY, "no memory for a picture of %d x %d", image.width,
                             image.height);
        levels_of(levels, &image);
        inception_input(planes, levels, image.height, image.width);
        return STATUS_OK;
    }
    if (status == STATUS_OK && (image.width != f->size || image.height != f->size))
        status = image_cover(&image, &image, f->size, f->size, RESIZE_CUBIC, scratch, err);
    if (status == STATUS_OK)
        image_to_planes(planes, &image);
    return status;
}

/* Rows of a map (n,C,h,w). */
static const float *embedded(Tape *tape, const FeatureNetwork *f, const Tensor *map, int n)
{
    const int channels = map->dim[1], height = map->dim[2], width = map->dim[3];
    const size_t numbers = tensor_sample(map), d = (size_t)f->d;
    float *x = tape_alloc(tape, (size_t)n, d * sizeof *x);
    for (size_t i = 0; i < (size_t)n && x != NULL; i++)
        map_embedding(x + i * d, embedding_of(f->tap), map->data + i * numbers, channels, height, width);
    return x;
}

static const float *run_inception(Tape *tape, const FeatureNetwork *f, Tensor *x, int n)
{
    InceptionTaps taps;
    inception(&taps, tape, &f->inception, x);
    if (taps.logits == NULL)
        return NULL;
    switch (f->tap) {
    case FEATURE_LOCATION: return embedded(tape, f, taps.maxima[1], n);
    case FEATURE_STYLE:
    case FEATURE_GRAM: return embedded(tape, f, taps.maxima[0], n);
    case FEATURE_64: return taps.pooled[0]->data;
    case FEATURE_192: return taps.pooled[1]->data;
    case FEATURE_768: return taps.pooled[2]->data;
    case FEATURE_LOGITS_UNBIASED: return taps.logits_unbiased->data;
    case FEATURE_LOGITS: return taps.logits->data;
    case FEATURE_HIDDEN:
    case FEATURE_2048: break;
    }
    return taps.pooled[3]->data;
}

const float *feature_network_run(Tape *tape, const FeatureNetwork *f, float *planes, int n)
{
    Tensor *x = tape_input(tape, planes, 4, (const int[]){n, 3, f->size, f->size}, false);
    VggTaps taps = {.stages = 0};
    if (f->is_inception)
        return run_inception(tape, f, x, n);
    if (vgg(tape, &f->vgg, x, NULL, &taps) == NULL)
        return NULL;
    if (f->tap == FEATURE_HIDDEN)
        return taps.hidden[f->vgg.config.hidden_count - 1]->data;
    return embedded(tape, f, taps.stage[(f->tap == FEATURE_LOCATION ? LOCATION_STAGE : STYLE_STAGE) - 1],
                    n);
}
