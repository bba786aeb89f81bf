#include "guidance/picture_loss.h"

#include <math.h>

#include "guidance/spherical.h"
#include "nn/concat.h"
#include "nn/elementwise.h"
#include "nn/losses.h"
#include "nn/reduce.h"

Tensor *unit_picture(Tape *tape, Tensor *x)
{
    return clamp(tape, add_scalar(tape, scale(tape, x, 0.5f), 0.5f), 0.0f, 1.0f);
}

/* Rows of the crops in one CLIP's space. */
static Tensor *clip_rows(Tape *tape, const Clip *c, Tensor *u, const CutoutOptions *crops, Rng *rng)
{
    Tensor *cut = cutouts_of(tape, u, crops, c->picture.size, rng);
    return clip_image_rows(tape, c, clip_picture_normalise(tape, &c->picture, cut));
}

/* ---- clip ---- */

/* The least of (N) as (1), the first among equals. */
static Tensor *least(Tape *tape, Tensor *x)
{
    int best = 0;
    if (x == NULL)
        return NULL;
    for (int i = 1; i < x->dim[0]; i++)
        best = x->data[i] < x->data[best] ? i : best;
    return slice(tape, x, 0, best, 1);
}

static Tensor *measure_clip(Tape *tape, const void *context, Tensor *x, Rng *rng)
{
    const ClipLoss *loss = context;
    Tensor *u = unit_picture(tape, x), *sum = NULL;
    double weights = 0.0;
    for (int i = 0; i < loss->count; i++)
        weights += loss->target[i].weight;
    if (loss->count < 1 || !(weights > 0.0))
        return tape_fail(tape, STATUS_ARGUMENT, "the weights of %d CLIP models sum up to %g", loss->count,
                         weights);
    for (int i = 0; i < loss->count; i++) {
        const ClipTarget *t = &loss->target[i];
        Tensor *rows = clip_rows(tape, t->clip, u, &loss->crops, rng);
        Tensor *away = spherical_distance(tape, rows, t->wanted);
        Tensor *one = loss->mean ? mean_all(tape, away) : least(tape, away);
        one = scale(tape, one, (float)(t->weight / weights));
        sum = sum == NULL ? one : add(tape, sum, one);
    }
    return sum;
}

PictureLoss clip_loss(const ClipLoss *loss)
{
    return (PictureLoss){loss, measure_clip};
}

Status clip_wanted_text(float *out, const Clip *c, const char *text, Arena *scratch, Error *err)
{
    return clip_embed_texts(out, c, &text, 1, scratch, err);
}

static bool is_grey(const Image *p)
{
    if (p->channels < 3)
        return true;
    const size_t n = (size_t)p->width * (size_t)p->height;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *rgb = p->pixels + i * (size_t)p->channels;
        if (rgb[0] != rgb[1] || rgb[1] != rgb[2])
            return false;
    }
    return true;
}

static Status mean_row(float *out, const Clip *c, const Image *pictures, int count, Arena *scratch,
                       Error *err)
{
    const size_t D = (size_t)c->config.projection_dim;
    float *row = arena_raw(scratch, D, sizeof *row);
    double *mean = arena_alloc(scratch, D, sizeof *mean), squares = 0.0;
    int used = 0;
    if (row == NULL || mean == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the rows of %d pictures", count);
    for (int i = 0; i < count; i++) {
        if (is_grey(&pictures[i]))
            continue;
        const Status status = clip_embed_images(row, c, &pictures[i], 1, scratch, err);
        if (status != STATUS_OK)
            return status;
        for (size_t k = 0; k < D; k++)
            mean[k] += (double)row[k];
        used++;
    }
    for (size_t k = 0; k < D; k++)
        squares += mean[k] * mean[k];
    if (used == 0)
        return error_set(err, STATUS_ARGUMENT,
                         count == 0 ? "no pictures to be alike" : "all %d pictures to be alike are grey",
                         count);
    if (!(squares > 0.0))
        return error_set(err, STATUS_NOT_FINITE, "the rows of %d pictures have no mean direction", used);
    for (size_t k = 0; k < D; k++)
        out[k] = (float)(mean[k] / sqrt(squares));
    return STATUS_OK;
}

Status clip_wanted_pictures(float *out, const Clip *c, const Image *pictures, int count, Arena *scratch,
                            Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    const Status status = mean_row(out, c, pictures, count, scratch, err);
    arena_release(scratch, mark);
    return status;
}

/* ---- class ---- */

static Tensor *measure_class(Tape *tape, const void *context, Tensor *x, Rng *rng)
{
    const ClassLoss *loss = context;
    const VggConfig *config = &loss->vgg->config;
    if (loss->head < 0 || loss->head >= config->heads || loss->label < 0 ||
        loss->label >= config->head[loss->head].outputs)
        return tape_fail(tape, STATUS_ARGUMENT, "the classifier has no answer %d of head %d", loss->label,
                         loss->head);
    Tensor *cut = cutouts_of(tape, unit_picture(tape, x), &loss->crops, config->sample_size, rng);
    Tensor *signed_ones = add_scalar(tape, scale(tape, cut, 2.0f), -1.0f);
    Tensor *logits = vgg(tape, loss->vgg, signed_ones, NULL, NULL);
    logits = vgg_head_logits(tape, loss->vgg, logits, loss->head);
    if (logits == NULL)
        return NULL;
    const int N = logits->dim[0];
    if (loss->binary) {
        Tensor *one = slice(tape, logits, 1, loss->label, 1);
        float *yes = tape_alloc(tape, (size_t)N, sizeof *yes);
        for (int i = 0; yes != NULL && i < N; i++)
            yes[i] = 1.0f;
        const Tensor *target = tape_input(tape, yes, 2, (const int[]){N, 1}, false);
        return mean_all(tape, bce_with_logits(tape, one, target));
    }
    int *labels = tape_alloc(tape, (size_t)N, sizeof *labels);
    for (int i = 0; labels != NULL && i < N; i++)
        labels[i] = loss->label;
    return mean_all(tape, labels != NULL ? cross_entropy(tape, logits, labels) : NULL);
}

PictureLoss class_loss(const ClassLoss *loss)
{
    return (PictureLoss){loss, measure_class};
}

/* ---- aesthetic ---- */

static Tensor *measure_aesthetic(Tape *tape, const void *context, Tensor *x, Rng *rng)
{
    const AestheticLoss *loss = context;
    Tensor *u = unit_picture(tape, x), *sum = NULL;
    if (loss->count < 1)
        return tape_fail(tape, STATUS_ARGUMENT, "no head that scores");
    for (int i = 0; i < loss->count; i++) {
        const AestheticTerm *t = &loss->term[i];
        Tensor *rows = clip_rows(tape, t->clip, u, &loss->crops, rng);
        Tensor *score = mean_all(tape, aesthetic_score(tape, t->head, rows));
        score = scale(tape, score, (float)(t->weight / loss->count));
        sum = sum == NULL ? score : add(tape, sum, score);
    }
    if (loss->aim == AESTHETIC_LESS)
        return sum;
    if (loss->aim == AESTHETIC_MORE)
        return scale(tape, sum, -1.0f);
    return absolute(tape, add_scalar(tape, sum, -(float)loss->target));
}

PictureLoss aesthetic_loss(const AestheticLoss *loss)
{
    return (PictureLoss){loss, measure_aesthetic};
}

/* ---- pixels, symmetry ---- */

static Tensor *measure_pixels(Tape *tape, const void *context, Tensor *x, Rng *rng)
{
    const PixelLoss *loss = context;
    (void)rng;
    const int dim[4] = {1, 3, loss->height, loss->width};
    Tensor *target = tape_input(tape, (float *)(size_t)loss->planes, 4, dim, false);
    return mse_loss(tape, x, target);
}

PictureLoss pixel_loss(const PixelLoss *loss)
{
    return (PictureLoss){loss, measure_pixels};
}

/* x with its columns from right to left. */
static Tensor *mirrored(Tape *tape, Tensor *x)
{
    if (x == NULL)
        return NULL;
    const int W = x->dim[3];
    Tensor **column = tape_alloc(tape, (size_t)W, sizeof *column);
    if (column == NULL)
        return NULL;
    for (int i = 0; i < W; i++)
        column[i] = slice(tape, x, 3, W - 1 - i, 1);
    return concat(tape, column, W, 3);
}

static Tensor *measure_symmetry(Tape *tape, const void *context, Tensor *x, Rng *rng)
{
    (void)context, (void)rng;
    return mse_loss(tape, x, mirrored(tape, x));
}

PictureLoss symmetry_loss(void)
{
    return (PictureLoss){NULL, measure_symmetry};
}
