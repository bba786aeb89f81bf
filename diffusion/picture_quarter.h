/* diffusion/picture_quarter.h - one quarter of a picture at the size of the whole: how a scene is shown to a
 * classifier, thing by thing. */
#ifndef DIFFUSION_PICTURE_QUARTER_H
#define DIFFUSION_PICTURE_QUARTER_H

#include "nn/tape.h"

enum {
    PICTURE_QUARTERS = 4
}; /* top left, top right, bottom left, bottom right: PLACE_TOP_LEFT + quarter */

/* x (N,C,H,W) with even sides: its quarter, enlarged by nn/resample.h's bilinear to (N,C,H,W).
 * STATUS_SHAPE for other sides, STATUS_ARGUMENT for another quarter. */
Tensor *picture_quarter(Tape *tape, Tensor *x, int quarter);

#endif
