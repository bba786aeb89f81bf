/* diffusion/pipeline_control.h - text to image steered by pictures through ControlNets [Zha23], as diffusers'
 * StableDiffusionControlNetPipeline runs it.
 *
 * Step i of n uses a net where start <= i / n and (i + 1) / n <= end, elsewhere the U-Net runs as if it were not there.
 * The residuals of several nets are added.  In guess mode, which a first net that pools globally asks for too, the nets
 * see the prompt alone: with guidance the rows of the negative prompt get nothing.  What is drawn is what text to
 * image draws. */
#ifndef DIFFUSION_PIPELINE_CONTROL_H
#define DIFFUSION_PIPELINE_CONTROL_H

#include "diffusion/controlnet.h"
#include "diffusion/pipeline_txt2img.h"

typedef struct {
    const ControlNet *net;
    const float *picture; /* (3, height, width) in [0, 1]: one for all pictures of the run */
    double scale;         /* conditioning scale; 1: as trained */
    double start, end;    /* share of the steps, 0 <= start < end <= 1 */
} Control;

enum { CONTROLS_MAX = 8 };

typedef struct {
    Txt2ImgOptions text; /* with width and height of the control pictures; `parts` does not count */
    const Control *control;
    int count; /* 1 to CONTROLS_MAX */
    bool guess_mode;
} ControlRunOptions;

/* Whether the net is used in call i of n. */
bool control_used(const Control *c, int i, int n);

/* As txt2img.  STATUS_ARGUMENT for a share that is none; STATUS_SHAPE when a net does not fit the U-Net. */
MUST_CHECK Status control_txt2img(Txt2ImgResult *out, const Model *m, const ControlRunOptions *options,
                                  Arena *arena, Error *err);

#endif
