/* diffusion/layer_name.h - a layer's full name, kept for as long as its parameters. */
#ifndef DIFFUSION_LAYER_NAME_H
#define DIFFUSION_LAYER_NAME_H

#include "weights/weights.h"

/* A copy of prefix in the parameters' arena; NULL, and an error in w, when there is no memory. */
const char *layer_name(Weights *w, const char *prefix);

/* `count` structs of `size` zeroed bytes for a model's layers, from the same arena; NULL and
 * an error in w. */
void *layer_array(Weights *w, int count, size_t size);

#endif
