#include "diffusion/clip.h"

#include <string.h>

#include "base/file.h"
#include "base/sum.h"
#include "nn/losses.h"

enum { BATCH = 16 }; /* pictures or texts embedded at a time; changes no bit */

void clip_load(Clip *c, Weights *w, const ClipConfig *config)
{
    c->config = *config;
    c->logit_scale = weights_tensor(w, "", "logit_scale", (Init){INIT_ZEROS, 0.0}, 0, NULL);
    if (c->logit_scale != NULL && w->create)
        c->logit_scale->data[0] = (float)config->logit_scale_init;
    clip_text_load(&c->text, w, &config->text);
    clip_vision_load(&c->vision, w, &config->vision);
    if (w->error.status == STATUS_OK && (c->text.projection == NULL || c->vision.projection == NULL))
        error_set(&w->error, STATUS_FORMAT, "no tensor %s.weight in the weights of a CLIP",
                  c->text.projection == NULL ? "text_projection" : "visual_projection");
}

/* Do the parts fit together? */
static Status check(const Clip *c, const char *name, Error *err)
{
    const ClipConfig *k = &c->config;
    if (c->tokenizer.vocabulary > k->text.vocab_size || c->tokenizer.length > k->text.positions)
        return error_set(err, STATUS_SHAPE,
                         "%s: the tokenizer has %d ids and prompts of %d, the text encoder takes %d ids "
                         "and prompts of %d",
                         name, c->tokenizer.vocabulary, c->tokenizer.length, k->text.vocab_size,
                         k->text.positions);
    if (k->vision.channels != 3)
        return error_set(err, STATUS_SHAPE, "%s: the vision encoder takes %d channels, pictures have 3",
                         name, k->vision.channels);
    if (c->picture.size != k->vision.image_size)
        return error_set(err, STATUS_SHAPE,
                         "%s: pictures are prepared at %d pixels, the vision encoder takes %d", name,
                         c->picture.size, k->vision.image_size);
    return STATUS_OK;
}

/* preprocessor_config.json, or the defaults at the encoder's size. */
static Status read_picture(Clip *c, const char *folder, Arena *arena, Error *err)
{
    const char *path = path_join(arena, folder, "preprocessor_config.json");
    const Json *json = NULL;
    if (path == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to open %s", folder);
    c->picture = CLIP_PICTURE_DEFAULTS;
    c->picture.size = c->config.vision.image_size;
    if (!file_exists(path))
        return STATUS_OK;
    const Status status = json_read(&json, path, arena, err);
    return status == STATUS_OK ? clip_picture_read(&c->picture, json, path, arena, err) : status;
}

Status clip_open(Clip *out, const char *folder, bool trainable, Arena *arena, Error *err)
{
    Clip c = {.logit_scale = NULL};
    ClipConfig config;
    const Json *json = NULL;
    const char *path = path_join(arena, folder, "config.json");
    const char *weights = path_join(arena, folder, "model.safetensors");
    if (path == NULL || weights == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to open %s", folder);
    Status status = json_read(&json, path, arena, err);
    if (status == STATUS_OK)
        status = clip_config_read(&config, json, path, arena, err);
    if (status == STATUS_OK)
        status = tokenizer_open(&c.tokenizer, folder, arena, err);
    if (status != STATUS_OK)
        return status;
    weights_open(&c.weights, arena, weights);
    c.weights.trainable = trainable;
    clip_load(&c, &c.weights, &config);
    status = weights_finish(&c.weights, err);
    if (status == STATUS_OK)
        status = read_picture(&c, folder, arena, err);
    if (status == STATUS_OK)
        status = check(&c, folder, err);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

Status clip_create(Clip *out, const ClipConfig *config, const Tokenizer *tokenizer, uint64_t seed,
                   bool trainable, Arena *arena, Error *err)
{
    Clip c = {.tokenizer = *tokenizer, .picture = CLIP_PICTURE_DEFAULTS};
    c.picture.size = config->vision.image_size;
    c.weights = weights_create(arena, seed);
    c.weights.trainable = trainable;
    clip_load(&c, &c.weights, config);
    Status status = weights_finish(&c.weights, err);
    if (status == STATUS_OK)
        status = check(&c, "clip_create", err);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

Tensor *clip_image_rows(Tape *tape, const Clip *c, Tensor *x)
{
    return unit_rows(tape, tape_named(tape, clip_vision(tape, &c->vision, x, NULL), "image_embeds", ""));
}

Tensor *clip_text_rows(Tape *tape, const Clip *c, const int *ids, int N, int T)
{
    ClipTextRun run = {.want_pooled = true};
    clip_text(tape, &c->text, ids, N, T, &run);
    return unit_rows(tape, tape_named(tape, run.projected, "text_embeds", ""));
}

/* ---- whole pictures and texts ---- */

/* Rows of `count` items to out. */
static Status keep(float *out, const Tape *tape, const Tensor *rows, Error *err)
{
    if (rows == NULL)
        return error_set(err, tape->error.status, "%s", tape->error.text);
    memcpy(out, rows->data, tensor_count(rows) * sizeof *out);
    return STATUS_OK;
}

static Status embed_texts(float *out, const Clip *c, const char *const *texts, int count, Arena *scratch,
                          Error *err)
{
    const int length = c->tokenizer.length;
    Tape tape = {.arena = scratch};
    int *ids = tape_alloc(&tape, (size_t)count * (size_t)length, sizeof *ids);
    if (ids == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    for (int i = 0; i < count; i++) {
        EncodedPrompt prompt;
        const Status status = tokenizer_encode(&prompt, &c->tokenizer, texts[i], scratch, err);
        if (status != STATUS_OK)
            return status;
        memcpy(ids + (size_t)i * (size_t)length, prompt.ids, (size_t)length * sizeof *ids);
    }
    return keep(out, &tape, clip_text_rows(&tape, c, ids, count, length), err);
}

Status clip_embed_texts(float *out, const Clip *c, const char *const *texts, int count, Arena *scratch,
                        Error *err)
{
    Status status = STATUS_OK;
    for (int i = 0; i < count && status == STATUS_OK; i += BATCH) {
        const ArenaMark mark = arena_mark(scratch);
        const int n = count - i < BATCH ? count - i : BATCH;
        status =
            embed_texts(out + (size_t)i * (size_t)c->config.projection_dim, c, texts + i, n, scratch, err);
        arena_release(scratch, mark);
    }
    return status;
}

static Status embed_images(float *out, const Clip *c, const Image *images, int count, Arena *scratch,
                           Error *err)
{
    const int side = c->picture.size, dim[4] = {count, 3, side, side};
    const size_t one = (size_t)3 * (size_t)side * (size_t)side;
    Tape tape = {.arena = scratch};
    float *planes = tape_alloc(&tape, (size_t)count * one, sizeof *planes);
    if (planes == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    for (int i = 0; i < count; i++) {
        const Status status =
            clip_picture_planes(planes + (size_t)i * one, &c->picture, &images[i], scratch, err);
        if (status != STATUS_OK)
            return status;
    }
    return keep(out, &tape, clip_image_rows(&tape, c, tape_input(&tape, planes, 4, dim, false)), err);
}

Status clip_embed_images(float *out, const Clip *c, const Image *images, int count, Arena *scratch,
                         Error *err)
{
    Status status = STATUS_OK;
    for (int i = 0; i < count && status == STATUS_OK; i += BATCH) {
        const ArenaMark mark = arena_mark(scratch);
        const int n = count - i < BATCH ? count - i : BATCH;
        status = embed_images(out + (size_t)i * (size_t)c->config.projection_dim, c, images + i, n, scratch,
                              err);
        arena_release(scratch, mark);
    }
    return status;
}

double clip_similarity(const float *a, const float *b, int width)
{
    const double product = sum8_dot(a, b, (size_t)width); /* lengths are 1 but for their last bit */
    return product > 1.0 ? 1.0 : product < -1.0 ? -1.0 : product;
}
