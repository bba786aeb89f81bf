/* diffusion/pipeline_control.h - text to image steered by pictures through ControlNets [Zha23], as diffusers'
 * StableDiffusionControlNetPipeline runs it.
 *
 * diffusion/control_run.h says in which steps a net works, what guess mode is and how several add up; this page puts them
 * into text to image.  What is drawn is what text to image draws. */
#ifndef DIFFUSION_PIPELINE_CONTROL_H
#define DIFFUSION_PIPELINE_CONTROL_H

#include "diffusion/control_run.h"
#include "diffusion/pipeline_txt2img.h"

enum { CONTROLS_MAX = 8 };

typedef struct {
    Txt2ImgOptions text; /* width and height are those of the control pictures; `parts` does not count */
    const Control *control;
    int count; /* 1 to CONTROLS_MAX */
    bool guess_mode;
} ControlRunOptions;

/* As txt2img.  STATUS_ARGUMENT for a share of the steps that is none; STATUS_SHAPE when a net does not fit the U-Net. */
MUST_CHECK Status control_txt2img(Txt2ImgResult *out, const Model *m, const ControlRunOptions *options,
                                  Arena *arena, Error *err);

/* A share of the steps: 0 <= start < end <= 1.  `what` begins the sentence. */
MUST_CHECK Status control_share_check(double start, double end, const char *what, Error *err);

/* The batch that a run of text to image gives its network. */
MUST_CHECK Status control_batch_of(ControlBatch *out, const Model *m, const Txt2ImgOptions *text,
                                   Error *err);

#endif
