/* weights/weights.h - named parameters: the only way by which a layer gets its numbers.
 *
 * A Weights object is in one of two modes.  In *load* mode a parameter is looked up by its full name in one or
 * more tensor files, its shape is checked and its numbers are converted to binary32.  In *create* mode it
 * is drawn by the documented initialisation from a stream of its own (seed and full name), so that no
 * parameter depends on which others exist.  So a layer's load function is at once its shape table, its
 * initialiser and its audit list.
 *
 * The first failure stays in ->error: afterwards every function returns NULL, and a model's load function is
 * written as plain assignments and checked once, with weights_finish. */
#ifndef WEIGHTS_WEIGHTS_H
#define WEIGHTS_WEIGHTS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "nn/tensor.h"

typedef enum {
    INIT_ZEROS,
    INIT_ONES,
    INIT_UNIFORM, /* U(-limit, limit) */
    INIT_NORMAL   /* N(0, limit^2) */
} InitKind;

typedef struct {
    InitKind kind;
    double limit; /* half width of the uniform, standard deviation of the normal */
} Init;

typedef struct {
    Tensor *weight, *bias; /* bias is NULL where the layer has none */
} Affine;

typedef struct Parameter {
    const char *name; /* full name in the file: "down_blocks.0.resnets.0.conv1.weight" */
    Tensor *tensor;
    struct Parameter *next; /* in the order of loading */
} Parameter;

/* What a survey finds wrong with a tensor: it is missing, of another shape, or asked for by nobody. */
typedef struct WeightNote {
    const char *name, *text; /* "is missing, expected with shape (3,4)" */
    struct WeightNote *next;
} WeightNote;

typedef struct Weights {
    Arena *arena;             /* holds the parameters, and their gradients when trainable */
    struct WeightFile *files; /* load mode: where names are looked up, the first file first */
    bool create;              /* create mode: nothing is read */
    bool draw_missing; /* load mode: what no file holds is drawn as in create mode (a network that grows) */
    uint64_t seed;     /* of what is drawn */
    bool trainable;    /* what is asked for from now on gets a gradient */
    bool
        survey; /* load mode: names and shapes only; tensors have no data, and what does not fit is noted */
    WeightNote *first_note, *last_note; /* of a survey */
    Parameter *first, *last;
    size_t count;   /* parameters */
    size_t numbers; /* numbers in all parameters */
    Error error;
} Weights;

/* Create mode: every parameter is drawn from `seed`. */
Weights weights_create(Arena *arena, uint64_t seed);

/* Load mode: parameters come from the file at `path`, of any format of io/tensor_archive.h (or, where that does not
 * exist, from the shards that "path" + ".index.json" names).  May be called again to add a file. */
void weights_open(Weights *w, Arena *arena, const char *path);

struct TensorArchive;

/* The same for an archive that is open already, which must stay. */
void weights_open_archive(Weights *w, Arena *arena, const struct TensorArchive *archive);

/* The parameter "prefix.name" (prefix "" is left out) of that shape; init says what create mode draws.
 * Errors: no such tensor, another shape, a dtype that cannot be read, no memory. */
Tensor *weights_tensor(Weights *w, const char *prefix, const char *name, Init init, int rank,
                       const int *dim);

/* What layers ask for: name.weight and name.bias under the prefix, PyTorch's default initialisations
 * (uniform within 1/sqrt(fan in) for linear and conv2d, weight and bias; ones and zeros for norms). */
Affine weights_linear(Weights *w, const char *prefix, const char *name, int out, int in);
Affine weights_linear_no_bias(Weights *w, const char *prefix, const char *name, int out, int in);
Affine weights_conv2d(Weights *w, const char *prefix, const char *name, int out, int in, int kernel);
Affine weights_norm(Weights *w, const char *prefix, const char *name, int channels);

/* True when load mode has "prefix.name" (any shape); create mode: false.  For optional and renamed tensors. */
bool weights_has(const Weights *w, const char *prefix, const char *name);

/* Declares a tensor that a file may hold and nobody needs (I64 position_ids), so that it is not "unused". */
void weights_ignore(Weights *w, const char *prefix, const char *name);

/* The end of loading: fails with STATUS_FORMAT when a file holds a tensor that nobody asked for (a survey notes
 * them). */
MUST_CHECK Status weights_finish(Weights *w, Error *err);

/* The prefix of a child: "prefix.format..." written into text; returns text.  weights_child(t, "mid_block",
 * "resnets.%d", 1) is "mid_block.resnets.1". */
enum { WEIGHTS_NAME = 256 };
const char *weights_child(char text[WEIGHTS_NAME], const char *prefix, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The parameters "prefix..." (prefix "encoder" is encoder.conv_in.weight and the like) are from now on none to train: they
 * get no gradient.  How many they are. */
size_t weights_freeze(Weights *w, const char *prefix);

/* Sets all gradients to zero before a step. */
void weights_zero_grad(Weights *w);

#endif
