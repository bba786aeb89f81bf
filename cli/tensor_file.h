/* cli/tensor_file.h - the tensors of any file that holds some, as binary32: .npy, .npz, .safetensors, pictures. */
#ifndef CLI_TENSOR_FILE_H
#define CLI_TENSOR_FILE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "io/dtype.h"

typedef struct {
    const char *name; /* "" for the one array of a .npy, "pixels" for a picture (height, width, channels) */
    DType dtype;      /* in the file */
    int rank;
    uint64_t dim[8];
    size_t count;
    float *data;
    bool picture; /* numbers are 0 to 255 */
} NamedTensor;

typedef struct {
    const char *kind; /* "safetensors", "npy", "npz", "picture" */
    NamedTensor *tensors;
    size_t count;
} TensorFile;

/* Whether the name ends as one of those that are read: also .png, .ppm, .pgm. */
bool is_tensor_file(const char *name);

/* The tensor of that name; NULL when there is none. */
const NamedTensor *tensor_file_find(const TensorFile *file, const char *name);

MUST_CHECK Status tensor_file_read(TensorFile *out, const char *path, Arena *arena, Error *err);

#endif
