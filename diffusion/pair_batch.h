/* diffusion/pair_batch.h - pictures with their captions, so chosen that no caption of a batch fits another picture of it.
 *
 * A contrastive loss takes every other caption of the batch for wrong; a caption that is true of two pictures would teach
 * an error, and make retrieval a lottery.  A caption fits a picture when all that it says is true of it:
 *
 *     the same kind of picture (single, scene, layered), the same things in the same places,
 *     and, where the caption says them, the same style and the same background.
 *
 * So "a rose" and "a rose in noto style on pink" may not both be in a batch when the second picture is that of a rose;
 * "a rose in noto style" and "a rose in blob style" may, and that is how styles are learned.
 *
 * Batch b of n pairs looks at the scenes (seed, 8nb), (seed, 8nb + 1) ... in this order, and takes those that neither
 * fit a caption taken before nor have a caption that fits a picture taken before.                         [ours] */
#ifndef DIFFUSION_PAIR_BATCH_H
#define DIFFUSION_PAIR_BATCH_H

#include "diffusion/world_scene.h"

enum { PAIR_CANDIDATES = 8 }; /* scenes that are looked at for one pair, at most */

/* Whether the caption of `said`, at its level, is true of the picture of `shown`. */
bool caption_fits(const WorldScene *said, const WorldScene *shown);

/* Writes the n scenes of batch `batch`.  STATUS_ARGUMENT when the options do not have so many that can be told apart, or
 * the batch's number is too high; the options must have passed world_options_check. */
MUST_CHECK Status pair_batch(WorldScene *scenes, int n, const World *world, const WorldOptions *options,
                             uint64_t seed, uint64_t batch, Error *err);

#endif
