/* diffusion/control_run.h - ControlNets and adapters in a run of the denoising loop.
 *
 * ControlNets run before each call of the U-Net; call i of n has their residuals where i/n >= start and
 * (i + 1)/n <= end (elsewhere diffusers multiplies them by 0, here they are left out).  In guess mode under
 * guidance they see the rows of the prompt alone, and the rows of the negative prompt get nothing; a first
 * ControlNet with global_pool_conditions means guess mode.  An adapter's features are the same in every call.
 *
 * Source: diffusers 0.27, pipelines/controlnet/pipeline_controlnet.py and
 * pipelines/t2i_adapter/pipeline_stable_diffusion_adapter.py. */
#ifndef DIFFUSION_CONTROL_RUN_H
#define DIFFUSION_CONTROL_RUN_H

#include "diffusion/controlnet.h"
#include "diffusion/sampler.h"
#include "diffusion/t2i_adapter.h"

/* One ControlNet with its picture. */
typedef struct {
    const ControlNet *net;
    const float *
        picture; /* (pictures,conditioning_channels,f h,f w) in [0,1], f = controlnet_factor, latent h x w */
    int pictures;      /* 1: the same for all images of the run; else one for each of them */
    float scale;       /* controlnet_conditioning_scale; 1: as trained */
    double start, end; /* control_guidance_start and _end: 0 and 1 for the whole run */
} Control;

/* The batch of the network's calls: under condition 0 all images, then under condition 1 all images. */
typedef struct {
    int images, conditions;
    int height, width; /* of the latent */
} ControlBatch;

typedef struct {
    const Control *control;
    int count;
    bool guess_mode;
    ControlBatch batch;
    Tensor **condition; /* (count) for the rows that they see */
    int call, calls;    /* where the run is */
} ControlRun;

/* Computes the conditions; the arena keeps them.  `control` must outlive the run.  On failure *out is untouched. */
MUST_CHECK Status control_run_begin(ControlRun *out, const Control *control, int count, bool guess_mode,
                                    ControlBatch batch, Arena *arena, Error *err);

/* These two have a ControlRun as context: a DenoiseHooks.before, which tells it where the run is, and a UnetSteer
 * (diffusion/unet_denoiser.h), which puts the summed residuals of the ControlNets that are on into *hooks.  x may have
 * more channels than they take (9 for inpainting): they see the first. */
MUST_CHECK Status control_run_before(void *context, const SamplerRun *run, int call, float *x, Error *err);
void control_run_steer(void *context, Tape *tape, UnetHooks *hooks, Tensor *x, const float *times,
                       Tensor *text, int conditions);

/* One adapter with its picture. */
typedef struct {
    const T2iAdapter *net;
    const float *picture; /* (pictures,in_channels,height,width) in [0,1] */
    int pictures;         /* 1: the same for all images of the run; else one for each of them */
    int height, width;    /* of the picture: those of the pictures that are made */
    float scale;          /* adapter_conditioning_scale */
} Adapter;

/* The weighted sum of the features of all adapters, for every row of the batch; the arena keeps them. */
MUST_CHECK Status adapter_run_features(AdapterFeatures *out, const Adapter *adapters, int count,
                                       ControlBatch batch, Arena *arena, Error *err);

#endif
