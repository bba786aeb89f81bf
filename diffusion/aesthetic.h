/* diffusion/aesthetic.h - a picture's score from its CLIP row.
 *
 *     raw   = weight . row + bias,   row of length 1 (diffusion/clip.h)
 *     score = clamp(raw, 1, 10)
 *
 * A linear head on the normalised embedding, as LAION's aesthetic predictor of the first version; "weight" (1,width) and
 * "bias" (1) as its torch.nn.Linear.  A head belongs to the one CLIP that it was trained on.
 *
 * A folder holds model.safetensors and config.json:
 *   {"_class_name": "AestheticHead", "projection_dim": 128, "clip": "clip-guide", "clip_sha256": "..."}
 * with the name of that CLIP and the SHA-256 of its model.safetensors. */
#ifndef DIFFUSION_AESTHETIC_H
#define DIFFUSION_AESTHETIC_H

#include "diffusion/clip.h"

typedef struct {
    int width;               /* of the rows: projection_dim */
    const char *clip;        /* name of the CLIP that it stands on */
    const char *clip_sha256; /* of its weights, 64 digits; "" when it is not known */
    Weights weights;
    Tensor *weight, *bias; /* (1,width), (1) */
} Aesthetic;

MUST_CHECK Status aesthetic_open(Aesthetic *out, const char *folder, Arena *arena, Error *err);

/* A new head to be trained: weight N(0, 1/width), bias in the middle of the scale.  The texts must stay alive. */
MUST_CHECK Status aesthetic_create(Aesthetic *out, int width, const char *clip, const char *clip_sha256,
                                   uint64_t seed, Arena *arena, Error *err);

MUST_CHECK Status aesthetic_save(const Aesthetic *a, const char *folder, DType dtype, Arena *scratch,
                                 Error *err);

/* rows (N,width) -> (N): raw and score.  The score's gradient is 0 where raw is beyond the scale. */
Tensor *aesthetic_raw(Tape *tape, const Aesthetic *a, Tensor *rows);
Tensor *aesthetic_score(Tape *tape, const Aesthetic *a, Tensor *rows);

/* Scores (count) of whole pictures.  STATUS_SHAPE when the CLIP's rows are not as wide. */
MUST_CHECK Status aesthetic_of_images(float *out, const Aesthetic *a, const Clip *c, const Image *images,
                                      int count, Arena *scratch, Error *err);

#endif
