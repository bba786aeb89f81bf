/* weights/weight_file.h - where load mode looks names up: files of any format of io/tensor_archive.h.
 * Used by weights.c alone; see weights.h for what callers do. */
#ifndef WEIGHTS_WEIGHT_FILE_H
#define WEIGHTS_WEIGHT_FILE_H

#include "weights/weights.h"

/* Fills x with the tensor `name` of the first file that has it.  The shape must be x's; leading or trailing
 * axes of length 1 may be left out or added (a linear layer saved as a 1x1 convolution).  Keeps the failure
 * in w->error. */
Status weight_file_read(Weights *w, const char *name, Tensor *x);

bool weight_file_has(const Weights *w, const char *name);
void weight_file_ignore(Weights *w, const char *name);

/* A survey notes instead what is missing, misshapen or left over, and reads no numbers.
 *
 * Sets w->error when a file holds a tensor that was neither asked for nor ignored. */
void weight_file_check_all_asked(Weights *w);

#endif
