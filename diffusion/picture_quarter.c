#include "diffusion/picture_quarter.h"

#include "nn/concat.h"
#include "nn/resample.h"

Tensor *picture_quarter(Tape *tape, Tensor *x, int quarter)
{
    char got[64];
    if (x == NULL)
        return NULL;
    if (x->rank != 4 || x->dim[2] % 2 != 0 || x->dim[3] % 2 != 0 || x->dim[2] < 2 || x->dim[3] < 2)
        return tape_fail(tape, STATUS_SHAPE, "the quarter of a picture of shape %s, expected even sides",
                         tensor_shape_text(x, got));
    if (quarter < 0 || quarter >= PICTURE_QUARTERS)
        return tape_fail(tape, STATUS_ARGUMENT, "quarter %d of a picture, expected 0 to 3", quarter);
    const int H = x->dim[2], W = x->dim[3];
    Tensor *rows = slice(tape, x, 2, quarter / 2 * (H / 2), H / 2);
    return bilinear(tape, slice(tape, rows, 3, quarter % 2 * (W / 2), W / 2), H, W);
}
