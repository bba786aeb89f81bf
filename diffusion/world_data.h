/* diffusion/world_data.h - the picture world as a data set (diffusion/data_set.h), without end. */
#ifndef DIFFUSION_WORLD_DATA_H
#define DIFFUSION_WORLD_DATA_H

#include "diffusion/data_set.h"
#include "diffusion/world_scene.h"

typedef struct {
    const World *world;
    WorldOptions options;
} WorldData;

/* The set over *self, which must outlive it.  With options.maps its pictures have their maps beside them, as wide as
 * needed, in the order concepts, categories, sketch, depth, lines, masks: for contact sheets, not for networks. */
DataSet world_data_set(WorldData *self);

#endif
