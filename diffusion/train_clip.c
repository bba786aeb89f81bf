#include "diffusion/train_clip.h"

#include <string.h>

#include "diffusion/config_reader.h"
#include "nn/concat.h"
#include "nn/losses.h"

enum { PAIRS_MAX = 65536, FIRST_GROUP = 1 << 20 /* held-out batches of the loss are far below */ };

Status clip_loss_options_read(ClipLossOptions *out, const Json *json, const char *name, Arena *arena,
                              Error *err)
{
    const Json *object = json;
    if (json_kind(json) == JSON_ABSENT && json_parse(&object, "{}", 2, name, arena, err) != STATUS_OK)
        return STATUS_MEMORY;
    ConfigReader r = config_reader(object, name, arena);
    const ClipLossOptions read = {.pairs = config_int(&r, "pairs", 64, 2, PAIRS_MAX),
                                  .retrieval = config_int(&r, "retrieval", 0, 0, RETRIEVAL_GROUPS_MAX)};
    const Status status = config_finish(&r, err);
    if (status == STATUS_OK)
        *out = read;
    return status;
}

Status clip_pairs(float **x, int **ids, const Clip *c, const World *world, const WorldScene *scenes,
                  int count, int size, Arena *arena, Error *err)
{
    const int side = c->picture.size, length = c->tokenizer.length;
    const size_t one = (size_t)3 * (size_t)side * (size_t)side;
    float *planes = arena_raw(arena, (size_t)count * one, sizeof *planes);
    int *tokens = arena_raw(arena, (size_t)count * (size_t)length, sizeof *tokens);
    if (planes == NULL || tokens == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures and captions", count);
    for (int i = 0; i < count; i++) {
        const ArenaMark mark = arena_mark(arena);
        WorldSample sample;
        EncodedPrompt prompt;
        Status status = world_sample_of(&sample, world, &scenes[i], size, 0, arena, err);
        if (status == STATUS_OK)
            status = clip_picture_planes(planes + (size_t)i * one, &c->picture, &sample.image, arena, err);
        if (status == STATUS_OK)
            status = tokenizer_encode(&prompt, &c->tokenizer, sample.caption, arena, err);
        if (status != STATUS_OK)
            return status;
        memcpy(tokens + (size_t)i * (size_t)length, prompt.ids, (size_t)length * sizeof *tokens);
        arena_release(arena, mark);
    }
    *x = planes;
    *ids = tokens;
    return STATUS_OK;
}

/* ---- the loss ---- */

/* Pairs of the batches first .. first+count-1, one batch after the other. */
static Status draw(float **x, int **ids, const ClipTraining *self, const WorldOptions *options,
                   uint64_t seed, uint64_t first, int count, Arena *arena, Error *err)
{
    const int pairs = self->options.pairs;
    WorldScene *scenes = arena_raw(arena, (size_t)count * (size_t)pairs, sizeof *scenes);
    Status status = STATUS_OK;
    if (scenes == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d scenes", pairs);
    for (int i = 0; i < count && status == STATUS_OK; i++)
        status = pair_batch(scenes + (size_t)i * (size_t)pairs, pairs, self->world, options, seed,
                            first + (uint64_t)i, err);
    return status == STATUS_OK ? clip_pairs(x, ids, self->clip, self->world, scenes, count * pairs,
                                            options->size, arena, err)
                               : status;
}

/* Losses (count) of rows (count pairs,width).  The last batch first: the walk back then meets the first one first, and
 * adds to the scale's gradient in ascending order. */
static Tensor *losses_of(Tape *tape, const Clip *c, Tensor *image, Tensor *text, int pairs, int count)
{
    Tensor **part = tape_alloc(tape, (size_t)count, sizeof(Tensor *));
    if (part == NULL)
        return NULL;
    for (int i = count - 1; i >= 0; i--) {
        Tensor *pictures = slice(tape, image, 0, i * pairs, pairs);
        part[i] = contrastive_loss(tape, pictures, slice(tape, text, 0, i * pairs, pairs), c->logit_scale);
    }
    return concat(tape, part, count, 0);
}

static Tensor *run(ClipTraining *self, Tape *tape, const WorldOptions *options, uint64_t seed,
                   uint64_t first, int count)
{
    const Clip *c = self->clip;
    const int pairs = self->options.pairs, side = c->picture.size;
    const int dim[4] = {count * pairs, 3, side, side};
    float *x = NULL;
    int *ids = NULL;
    /* The pictures stay on the tape's arena; scenes and files in between are small beside activations. */
    if (draw(&x, &ids, self, options, seed, first, count, tape->arena, &tape->error) != STATUS_OK)
        return NULL;
    tape->place = "vision_model";
    Tensor *image = clip_image_rows(tape, c, tape_input(tape, x, 4, dim, false));
    tape->place = "text_model";
    Tensor *text = clip_text_rows(tape, c, ids, count * pairs, c->tokenizer.length);
    tape->place = NULL;
    return losses_of(tape, c, image, text, pairs, count);
}

static Tensor *losses(void *context, Tape *tape, uint64_t first, int count)
{
    ClipTraining *self = context;
    return run(self, tape, &self->train, self->seed, first, count);
}

static Tensor *held_out(void *context, Tape *tape, uint64_t first, int count)
{
    ClipTraining *self = context;
    return run(self, tape, &self->held_out, self->seed + 1, first, count);
}

/* exp(logit_scale) within [1, 100]. */
static void bound_scale(void *context)
{
    const float top = 0x1.26bb1cp+2f; /* ln 100 */
    float *s = ((ClipTraining *)context)->clip->logit_scale->data;
    *s = *s < 0.0f ? 0.0f : *s > top ? top : *s;
}

TrainTask clip_training_task(ClipTraining *self)
{
    return (TrainTask){
        .name = "clip", .self = self, .losses = losses, .held_out = held_out, .after_step = bound_scale};
}

/* ---- retrieval ---- */

/* The place of the greatest of n numbers, `step` apart, the first of several; *alone: there is no other so great. */
static int greatest(const double *x, int n, int step, bool *alone)
{
    int best = 0;
    *alone = true;
    for (int i = 1; i < n; i++) {
        if (x[i * step] == x[best * step])
            *alone = false;
        if (x[i * step] > x[best * step]) {
            best = i;
            *alone = true;
        }
    }
    return best;
}

ClipRetrieval clip_retrieve(int *which, const float *image, const float *text, int n, int width)
{
    double alike[RETRIEVAL * RETRIEVAL]; /* picture i and caption j */
    int found_text = 0, found_image = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            alike[i * n + j] =
                clip_similarity(image + (size_t)i * (size_t)width, text + (size_t)j * (size_t)width, width);
    for (int i = 0; i < n; i++) {
        bool alone;
        which[i] = greatest(alike + i * n, n, 1, &alone);
        found_text += which[i] == i && alone;
        found_image += greatest(alike + i, n, n, &alone) == i && alone;
    }
    return (ClipRetrieval){.text = (double)found_text / n, .image = (double)found_image / n};
}

Status clip_retrieval_group(WorldScene scenes[RETRIEVAL], const ClipTraining *self, int group, Error *err)
{
    return pair_batch(scenes, RETRIEVAL, self->world, &self->held_out, self->seed + 1,
                      (uint64_t)FIRST_GROUP + (uint64_t)group, err);
}

static Status retrieve_group(ClipRetrieval *out, ClipTraining *self, int group, Error *err)
{
    const Clip *c = self->clip;
    const int side = c->picture.size, dim[4] = {RETRIEVAL, 3, side, side};
    WorldScene scenes[RETRIEVAL];
    float *x = NULL;
    int *ids = NULL, which[RETRIEVAL];
    Status status = clip_retrieval_group(scenes, self, group, err);
    if (status == STATUS_OK)
        status = clip_pairs(&x, &ids, c, self->world, scenes, RETRIEVAL, self->held_out.size,
                            &self->scratch, err);
    if (status != STATUS_OK)
        return status;
    Tape tape = {.arena = &self->scratch};
    const Tensor *image = clip_image_rows(&tape, c, tape_input(&tape, x, 4, dim, false));
    const Tensor *text = clip_text_rows(&tape, c, ids, RETRIEVAL, c->tokenizer.length);
    if (image == NULL || text == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    *out = clip_retrieve(which, image->data, text->data, RETRIEVAL, c->config.projection_dim);
    return STATUS_OK;
}

Status clip_retrieval(ClipRetrieval *out, ClipTraining *self, Error *err)
{
    const int groups = self->options.retrieval;
    ClipRetrieval sum = {0.0, 0.0};
    Status status = STATUS_OK;
    for (int i = 0; i < groups && status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(&self->scratch);
        ClipRetrieval one = {0.0, 0.0};
        status = retrieve_group(&one, self, i, err);
        arena_release(&self->scratch, mark);
        sum.text += one.text;
        sum.image += one.image;
    }
    if (status == STATUS_OK && groups > 0)
        *out = (ClipRetrieval){.text = sum.text / groups, .image = sum.image / groups};
    return status;
}
