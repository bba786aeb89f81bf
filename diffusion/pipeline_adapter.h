/* diffusion/pipeline_adapter.h - text to image steered by pictures through T2I-Adapters [Mou23], as diffusers'
 * StableDiffusionAdapterPipeline runs it: features of the pictures, weighted and added up once, enter the U-Net in every
 * step, for all conditions alike.  What is drawn is what text to image draws. */
#ifndef DIFFUSION_PIPELINE_ADAPTER_H
#define DIFFUSION_PIPELINE_ADAPTER_H

#include "diffusion/pipeline_txt2img.h"
#include "diffusion/t2i_adapter.h"

typedef struct {
    const T2iAdapter *adapter;
    const float *picture; /* (in_channels, height, width) in [0, 1]: one for all pictures of the run */
    double scale;         /* conditioning scale; 1: as trained */
    double start, end; /* share of the steps in which it works, 0 <= start < end <= 1 (diffusers: always) */
} AdapterPicture;

enum { ADAPTERS_MAX = 8 };

typedef struct {
    Txt2ImgOptions text; /* with width and height of the pictures; `parts` does not count */
    const AdapterPicture *adapter;
    int count; /* 1 to ADAPTERS_MAX */
} AdapterRunOptions;

/* As txt2img.  STATUS_SHAPE when an adapter does not fit the U-Net or the picture. */
MUST_CHECK Status adapter_txt2img(Txt2ImgResult *out, const Model *m, const AdapterRunOptions *options,
                                  Arena *arena, Error *err);

#endif
