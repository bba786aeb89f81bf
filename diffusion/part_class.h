/* diffusion/part_class.h - which network a config.json is of, among those that are done here, and what its file has to
 * hold: one table for all that look at a part of a model by itself.
 *
 *   _class_name        UNet2DConditionModel, AutoencoderKL, ControlNetModel, T2IAdapter     (diffusers)
 *   architectures      CLIPTextModel, CLIPTextModelWithProjection,
 *                      CLIPVisionModel, CLIPVisionModelWithProjection                        (transformers) */
#ifndef DIFFUSION_PART_CLASS_H
#define DIFFUSION_PART_CLASS_H

#include "io/json.h"
#include "weights/weights.h"

typedef struct {
    const char *class_name;
    /* Reads the configuration, asks w for every parameter of such a network, and adds a few words about its shape
     * ("3 levels, 16 to 32 channels") to `about`. */
    Status (*ask)(Weights *w, Bytes *about, const Json *config, const char *name, Arena *arena, Error *err);
} PartClass;

/* NULL when the file names no class, or one that is not done here. */
const PartClass *part_class_of(const Json *config);

/* The class that the file names, for error sentences; NULL when it names none. */
const char *part_class_name(const Json *config);

#endif
