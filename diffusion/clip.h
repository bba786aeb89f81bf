/* diffusion/clip.h - CLIP: pictures and texts as rows of one space, in which what belongs together is near.
 *
 *   image(x)     v / |v|,   v = visual_projection pooled vision(x)       diffusion/clip_vision.h
 *   text(s)      t / |t|,   t = text_projection pooled text(s)           diffusion/clip_text.h
 *   similarity   image(x) . text(s), the cosine, in [-1, 1]
 *   logits       exp(logit_scale) * similarity, between all texts and all pictures
 *
 * A model is a folder in the layout of transformers' CLIPModel: config.json, model.safetensors, the tokenizer's files
 * (diffusion/tokenizer.h) and, where it is, preprocessor_config.json (diffusion/clip_picture.h).  Reading is strict, as
 * in diffusion/model.h.
 * Source: Radford et al. 2021 [Rad21], section 2.3 and figure 3; names as transformers 4.36, modeling_clip.py. */
#ifndef DIFFUSION_CLIP_H
#define DIFFUSION_CLIP_H

#include "diffusion/clip_config.h"
#include "diffusion/clip_picture.h"
#include "diffusion/clip_text.h"
#include "diffusion/clip_vision.h"
#include "diffusion/tokenizer.h"
#include "io/dtype.h"

typedef struct {
    ClipConfig config;
    ClipPicture picture;
    ClipText text;
    ClipVision vision;
    Tensor *logit_scale; /* one number: the logarithm of the scale */
    Tokenizer tokenizer;
    Weights weights;
} Clip;

/* logit_scale, and what the two encoders load: "text_model....", "vision_model....", both projections. */
void clip_load(Clip *c, Weights *w, const ClipConfig *config);

/* Reads a folder; the arena keeps everything.  Parameters get gradients only when `trainable`. */
MUST_CHECK Status clip_open(Clip *out, const char *folder, bool trainable, Arena *arena, Error *err);

/* A new model, its parameters drawn from the seed; the tokenizer must stay alive. */
MUST_CHECK Status clip_create(Clip *out, const ClipConfig *config, const Tokenizer *tokenizer,
                              uint64_t seed, bool trainable, Arena *arena, Error *err);

/* Writes a folder that transformers and clip_open read, weights as dtype (F32, F16, BF16).  config.json comes last: a
 * folder without it is unfinished. */
MUST_CHECK Status clip_save(const Clip *c, const char *folder, DType dtype, Arena *scratch, Error *err);

/* ---- on the tape: rows of length 1, (N,projection_dim) ---- */

/* x (N,3,image_size,image_size), normalised (clip_picture_normalise). */
Tensor *clip_image_rows(Tape *tape, const Clip *c, Tensor *x);

/* ids (N,T), T at most the longest prompt. */
Tensor *clip_text_rows(Tape *tape, const Clip *c, const int *ids, int N, int T);

/* ---- whole pictures and texts: out (count,projection_dim), rows of length 1 ---- */

/* What does not fit into the longest prompt is cut off, as by CLIPProcessor.  Scratch is given back. */
MUST_CHECK Status clip_embed_texts(float *out, const Clip *c, const char *const *texts, int count,
                                   Arena *scratch, Error *err);
MUST_CHECK Status clip_embed_images(float *out, const Clip *c, const Image *images, int count,
                                    Arena *scratch, Error *err);

/* The cosine of two rows of length 1: their product by sum8, within [-1, 1]. */
double clip_similarity(const float *a, const float *b, int width);

#endif
