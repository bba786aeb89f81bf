/* guidance/picture_loss.h - what a picture is to be, as a number to be made small with its gradient: the losses that
 * classifier guidance (guidance/one_step.h) and the optimisation of noise (guidance/doodl_run.h) share [WalGEN23, section 4].
 *
 *   clip        d(row of the picture, row that is wanted)       guidance/spherical.h; of a text, or of pictures
 *               over crops the least or the mean; over several CLIPs  sum_i w_i d_i / sum_i w_i
 *   class       -log softmax(logits)_k, or with `binary` -log sigmoid(logit_k); mean over crops
 *   aesthetic   s = sum_i w_i score_i / heads, mean over crops:  -s, s, or |s - target|
 *   pixels      mean (x - target)^2, x in [-1, 1]
 *   symmetry    mean (x - x mirrored)^2
 *
 * The first three look at u = clamp(x / 2 + 1/2, 0, 1), cut out (guidance/cutouts.h) and normalised as the network wants it;
 * where the clamp acts nothing flows back. */
#ifndef GUIDANCE_PICTURE_LOSS_H
#define GUIDANCE_PICTURE_LOSS_H

#include "diffusion/aesthetic.h"
#include "diffusion/vgg.h"
#include "guidance/cutouts.h"

/* A callback: x (1,3,H,W) in about [-1, 1] on the tape -> (1).  Whatever is random is drawn from rng.  Failures are on the
 * tape. */
typedef struct {
    const void *context;
    Tensor *(*measure)(Tape *tape, const void *context, Tensor *x, Rng *rng);
} PictureLoss;

/* u (1,3,H,W) as above. */
Tensor *unit_picture(Tape *tape, Tensor *x);

enum { LOSS_CLIPS = 4 };

typedef struct {
    const Clip *clip;
    double weight;       /* > 0 */
    const float *wanted; /* (projection_dim), of length 1 */
} ClipTarget;

typedef struct {
    ClipTarget target[LOSS_CLIPS];
    int count;
    bool mean; /* over crops; false: the least */
    CutoutOptions crops;
} ClipLoss;

PictureLoss clip_loss(const ClipLoss *loss);

/* The row that is wanted of one CLIP: of a text. */
MUST_CHECK Status clip_wanted_text(float *out, const Clip *c, const char *text, Arena *scratch, Error *err);

/* Of pictures: the mean of their rows, brought to length 1.  Grey ones (R = G = B everywhere) are left out.  Errors: no
 * pictures, none that has colour, rows whose mean is 0. */
MUST_CHECK Status clip_wanted_pictures(float *out, const Clip *c, const Image *pictures, int count,
                                       Arena *scratch, Error *err);

typedef struct {
    const Vgg *vgg;
    int head, label;
    bool binary;
    CutoutOptions crops;
} ClassLoss;

PictureLoss class_loss(const ClassLoss *loss);

typedef enum { AESTHETIC_MORE, AESTHETIC_LESS, AESTHETIC_TARGET } AestheticAim;

typedef struct {
    const Aesthetic *head;
    const Clip *clip;
    double weight;
} AestheticTerm;

typedef struct {
    AestheticTerm term[LOSS_CLIPS];
    int count;
    AestheticAim aim;
    double target; /* 1..10 */
    CutoutOptions crops;
} AestheticLoss;

PictureLoss aesthetic_loss(const AestheticLoss *loss);

typedef struct {
    const float *planes; /* (3,H,W) in [-1, 1] */
    int height, width;
} PixelLoss;

PictureLoss pixel_loss(const PixelLoss *loss);

PictureLoss symmetry_loss(void);

#endif
