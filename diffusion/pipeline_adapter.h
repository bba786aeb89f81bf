/* diffusion/pipeline_adapter.h - text to image steered by pictures through T2I-Adapters [Mou23], as diffusers'
 * StableDiffusionAdapterPipeline runs it: features of the pictures, weighted and added up once (diffusion/control_run.h),
 * enter the U-Net for all conditions alike.  What is drawn is what text to image draws. */
#ifndef DIFFUSION_PIPELINE_ADAPTER_H
#define DIFFUSION_PIPELINE_ADAPTER_H

#include "diffusion/pipeline_control.h"

enum { ADAPTERS_MAX = 8 };

typedef struct {
    Txt2ImgOptions text; /* width and height are those of the pictures; `parts` does not count */
    const Adapter *adapter;
    int count; /* 1 to ADAPTERS_MAX */
    double start,
        end; /* share of the steps in which they work: 0 and 1 for all, which is what diffusers does */
} AdapterRunOptions;

/* As txt2img.  STATUS_SHAPE when an adapter does not fit the U-Net or the picture. */
MUST_CHECK Status adapter_txt2img(Txt2ImgResult *out, const Model *m, const AdapterRunOptions *options,
                                  Arena *arena, Error *err);

#endif
