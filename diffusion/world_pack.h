/* diffusion/world_pack.h - the sheets of a world, made from renderings of its drawings.
 *
 * The renderings are pictures RENDERS/STYLE/SLUG.png with alpha, of any size, one for each pair of
 * pairs.tsv (tools/rebuild_sprites.sh makes them from the artwork's vector files).  Each is trimmed to what
 * is to be seen, centred in a square, brought to the size of a cell (world_resample.h) and
 * put into its place. */
#ifndef DIFFUSION_WORLD_PACK_H
#define DIFFUSION_WORLD_PACK_H

#include "diffusion/world.h"

/* The sheet of one style; only the tables of `world` are looked at.  Cells of
 * 8 to WORLD_CELL_MAX pixels. */
MUST_CHECK Status world_pack(Image *out, const World *world, int style, const char *renders, int cell,
                             Arena *arena, Error *err);

/* A picture with alpha, fitted into a cell at `to` (cell, cell, 4; rows `stride` bytes apart).
 * STATUS_FORMAT when nothing is to be seen; scratch memory is given back. */
MUST_CHECK Status world_fit(unsigned char *to, size_t stride, int cell, const Image *picture,
                            const char *name, Arena *scratch, Error *err);

#endif
