/* guidance/cutouts.h - random squares of a picture, each brought to a network's size: what guidance by a network that was
 * trained on small pictures looks at [WalGEN23, appendix C; the MakeCutouts of CLIP-guided diffusion].
 *
 * For a picture of H x W and a network of side C, S_max = min(H, W), S_min = min(H, W, C); a square has the side
 *
 *   S = int(u^power (S_max - S_min) + S_min),   u ~ U[0, 1),   top ~ {0 .. H - S},   left ~ {0 .. W - S}
 *
 * (small powers favour large squares), and becomes C x C by means: output row i is the mean of the square's rows
 * floor(i S / C) .. ceil((i + 1) S / C) - 1, and columns alike (torch's adaptive_avg_pool2d).  Going back every source pixel
 * of a mean gets 1 / n of its gradient; the windows overlap where C does not divide S.
 *
 * Draws: for each square u, top, left, in this order, from the caller's stream. */
#ifndef GUIDANCE_CUTOUTS_H
#define GUIDANCE_CUTOUTS_H

#include "base/rng.h"
#include "nn/tape.h"

typedef struct {
    int count;    /* of squares; 0: the whole picture, scaled bilinearly */
    double power; /* q >= 0 */
    int least;    /* S_min in pixels; 0: by the rule above */
} CutoutOptions;

extern const CutoutOptions CUTOUT_DEFAULTS; /* 16 squares, power 0.3 */

typedef struct {
    int top, left, size;
} Cutout;

enum { CUTOUTS_MAX = 1024 };

/* Errors: counts, power or `least` out of range. */
MUST_CHECK Status cutouts_check(const CutoutOptions *o, Error *err);

/* out (count): squares of a picture of height x width for a network of that side. */
void cutouts_draw(Cutout *out, const CutoutOptions *o, int side, int height, int width, Rng *rng);

/* x (1,C,H,W) -> (count,C,side,side): slices, each by adaptive_average_pool (nn/resample.h).  STATUS_ARGUMENT when a square
 * is not within the picture. */
Tensor *cutouts_pool(Tape *tape, Tensor *x, const Cutout *cutout, int count, int side);

/* Draws and pools; where all squares are the whole picture, one is enough and one is given, with the same draws. */
Tensor *cutouts_of(Tape *tape, Tensor *x, const CutoutOptions *o, int side, Rng *rng);

#endif
