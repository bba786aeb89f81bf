#include "diffusion/lora.h"

#include <math.h>

#include "nn/elementwise.h"
#include "nn/linear.h"
#include "nn/matmul.h"
#include "nn/reshape.h"

/* s up(down(x)) of one layer. */
static Tensor *increment(Tape *tape, const LoraLayer *l, const Conv2dOptions *options, Tensor *x)
{
    Tensor *h;
    if (options == NULL)
        h = linear(tape, linear(tape, x, l->down, NULL), l->up, NULL);
    else
        h = conv2d(tape, conv2d(tape, x, l->down, NULL, *options), l->up, NULL, conv2d_padding(1, 0));
    return scale(tape, h, l->scale);
}

Tensor *lora_layer(void *context, Tape *tape, const Affine *layer, const Conv2dOptions *options, Tensor *x,
                   Tensor *y)
{
    const LoraSet *set = context;
    for (int i = 0; i < set->count; i++)
        for (size_t k = 0; k < set->lora[i].count; k++) {
            const LoraLayer *l = &set->lora[i].layers[k];
            if (l->weight == layer->weight)
                y = add(tape, y, increment(tape, l, options, x));
        }
    return y;
}

/* The product up down as a matrix (out, in k k), then W + s times it, one rounding after the other. */
static Status merge_layer(const LoraLayer *l, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Tape tape = {.arena = scratch};
    const int out = l->weight->dim[0], inner = (int)(tensor_count(l->down) / (size_t)l->rank);
    Tensor *up = reshape(&tape, l->up, 2, (const int[]){out, l->rank});
    Tensor *product = matmul(&tape, up, reshape(&tape, l->down, 2, (const int[]){l->rank, inner}), false);
    if (product == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    for (size_t i = 0; i < tensor_count(product); i++) {
        const float d = l->scale * product->data[i];
        l->weight->data[i] = l->weight->data[i] + d;
    }
    arena_release(scratch, mark);
    return STATUS_OK;
}

Status lora_merge(const Lora *lora, Arena *scratch, Error *err)
{
    Status status = STATUS_OK;
    for (size_t i = 0; i < lora->count && status == STATUS_OK; i++)
        status = merge_layer(&lora->layers[i], scratch, err);
    return status;
}
