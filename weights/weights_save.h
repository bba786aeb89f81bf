/* weights/weights_save.h - parameters back into a safetensors file in the layout that they came from. */
#ifndef WEIGHTS_WEIGHTS_SAVE_H
#define WEIGHTS_WEIGHTS_SAVE_H

#include "io/dtype.h"
#include "weights/weights.h"

/* Writes all parameters under their names and shapes as dtype (F32, F16 or BF16), in the
 * order of loading.  `values` replaces the parameters' own numbers when it is not NULL: one run of w->numbers
 * floats in that order (the averaged weights of EMA).  All or nothing; see file_write. */
MUST_CHECK Status weights_save(const Weights *w, const float *values, const char *path, DType dtype,
                               Arena *scratch, Error *err);

#endif
