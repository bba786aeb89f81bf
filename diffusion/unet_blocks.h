/* diffusion/unet_blocks.h - the blocks of the U-Net, one for each resolution and direction; diffusers'
 * DownBlock2D, CrossAttnDownBlock2D, UNetMidBlock2D(CrossAttn), UpBlock2D and CrossAttnUpBlock2D. */
#ifndef DIFFUSION_UNET_BLOCKS_H
#define DIFFUSION_UNET_BLOCKS_H

#include "diffusion/resample_layer.h"
#include "diffusion/res_unit.h"
#include "diffusion/unet_config.h"

typedef struct {
    const char *name; /* "down_blocks.0" */
    int units;
    bool attends;
    ResUnit *unit;
    ResampleLayer down; /* none in the coarsest block */
} DownBlock;

enum { MID_UNITS = 2 };

typedef struct {
    const char *name;
    int units;               /* 0, 1 or 2: UnetMid */
    ResUnit unit[MID_UNITS]; /* residual block and transformer; residual block */
} MidBlock;

typedef struct {
    const char *name; /* "up_blocks.0" */
    int units;
    ResUnit *unit;
    ResampleLayer up; /* none in the finest block */
} UpBlock;

/* Level i's blocks, level 0 being the finest; prefix is the network's. */
void down_block_load(DownBlock *b, Weights *w, const char *prefix, const UnetConfig *c, int level);
void mid_block_load(MidBlock *b, Weights *w, const char *prefix, const UnetConfig *c);
void up_block_load(UpBlock *b, Weights *w, const char *prefix, const UnetConfig *c, int level);

/* Leaves the result of each unit and of the down-sampling in skip[] (down_block_skips of them) and returns
 * the last.  index: which of the hooks' adapter features is this block's. */
int down_block_skips(const DownBlock *b);
Tensor *down_block(Tape *tape, const DownBlock *b, Tensor *x, Tensor *emb, Tensor *text,
                   const UnetHooks *hooks, int index, Tensor **skip);

Tensor *mid_block(Tape *tape, const MidBlock *b, Tensor *x, Tensor *emb, Tensor *text,
                  const UnetHooks *hooks);

/* skip[0 .. units-1] in the order in which they were made: the last one is used first.  H and W: the size
 * of the skips that the next block takes (a block that does not up-sample ignores them). */
Tensor *up_block(Tape *tape, const UpBlock *b, Tensor *x, Tensor *const *skip, Tensor *emb, Tensor *text,
                 const UnetHooks *hooks, int H, int W);

#endif
