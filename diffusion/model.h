/* diffusion/model.h - a whole text-to-image model: a folder in the layout of diffusers,
 * read, made and written.
 *
 *   model_index.json    names the parts and their classes
 *   tokenizer/          vocab.json, merges.txt ...                   diffusion/tokenizer.h
 *   text_encoder/       config.json, model.safetensors               diffusion/clip_text.h
 *   unet/, vae/         config.json, diffusion_pytorch_model.safetensors, or that name with ".fp16", or in
 *                       shards
 *   scheduler/          scheduler_config.json                        diffusion/schedule_config.h
 *
 * Reading is strict: a part that is not known, a tensor that is missing, misshapen or left over, and parts
 * that do not fit together are errors that name them.  As diffusers' StableDiffusionPipeline does, a
 * scheduler that says steps_offset 0 or clip_sample true is taken to mean 1 and false (files from before
 * 2022-10 say so by mistake). */
#ifndef DIFFUSION_MODEL_H
#define DIFFUSION_MODEL_H

#include "diffusion/clip_text.h"
#include "diffusion/schedule_config.h"
#include "diffusion/tokenizer.h"
#include "diffusion/unet.h"
#include "diffusion/vae.h"
#include "io/dtype.h"

/* Parts, to be or-ed together. */
enum {
    MODEL_TOKENIZER = 1,
    MODEL_TEXT = 2,
    MODEL_UNET = 4,
    MODEL_VAE = 8,
    MODEL_SCHEDULER = 16,
    MODEL_ALL = 31,
    MODEL_SURVEY =
        32 /* of the networks only names and shapes: what does not fit is noted in their Weights */
};

typedef struct {
    ClipTextConfig text;
    UnetConfig unet;
    VaeConfig vae;
    SchedulerConfig scheduler;
} ModelConfig;

typedef struct {
    unsigned parts; /* which of the rest are there */
    ModelConfig config;
    Tokenizer tokenizer;
    ClipText text;
    Unet unet;
    Vae vae;
    Weights text_weights, unet_weights, vae_weights;
    const TapeWatch
        *watch; /* looks on while the parts run, as "text_encoder.", "unet.", "vae."; NULL: nobody */
} Model;

/* Reads the wanted parts; those of `trainable` get gradients.  The arena keeps everything. */
MUST_CHECK Status model_open(Model *out, const char *folder, unsigned parts, unsigned trainable,
                             Arena *arena, Error *err);

/* A new model, its parameters drawn from the seed; the tokenizer and the config's lists must stay alive. */
MUST_CHECK Status model_create(Model *out, const ModelConfig *config, const Tokenizer *tokenizer,
                               uint64_t seed, unsigned trainable, Arena *arena, Error *err);

/* Writes a folder that diffusers and model_open read: the parts that the model has, weights as dtype (F32,
 * F16 or BF16).  model_index.json comes last: a folder without it is unfinished. */
MUST_CHECK Status model_save(const Model *m, const char *folder, DType dtype, Arena *scratch, Error *err);

/* model_index.json for the parts of `m`; `scheduler` is the class of its scheduler. */
void model_index_write(JsonWriter *w, const Model *m, const char *scheduler);

/* Do the parts that are there fit together?  STATUS_SHAPE with one sentence when not. */
MUST_CHECK Status model_check(const Model *m, Error *err);

#endif
