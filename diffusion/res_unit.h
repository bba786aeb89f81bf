/* diffusion/res_unit.h - a residual block and, where there is one, the transformer after it.
 *
 * U-Net and VAE are rows of such units.  Each runs as a segment of the tape: without gradients its
 * intermediates are given back at once, with checkpointing they are computed again in backward. */
#ifndef DIFFUSION_RES_UNIT_H
#define DIFFUSION_RES_UNIT_H

#include "diffusion/res_block.h"
#include "diffusion/transformer2d.h"

typedef struct {
    ResBlock resnet;
    Transformer2d attention; /* block is NULL: there is none */
} ResUnit;

/* x (N,in,H,W); skip, or NULL, is put behind its channels first; emb (N,E) and text (N,S,D) may be NULL
 * where the unit has no use for them.  Returns (N,out,H,W). */
Tensor *res_unit(Tape *tape, const ResUnit *unit, Tensor *x, Tensor *skip, Tensor *emb, Tensor *text,
                 const UnetHooks *hooks);

/* Runs a larger part of a network: as a segment when nothing is recorded, plainly otherwise (its units are
 * segments themselves). */
Tensor *run_giving_back(Tape *tape, Segment run, const void *context, size_t size, Tensor *const *inputs,
                        int count);

#endif
