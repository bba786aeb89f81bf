/* diffusion/pipeline_inpaint.h - a part of a picture made anew, as diffusers' StableDiffusionInpaintPipeline does.
 *
 *   z0      the picture's latent, a sample of the posterior
 *   m       the mask at the latent's size (nearest), 1: made anew, 0: kept
 *   x       noise (strength 1), or z0 with the noise of the first step that is taken
 *
 * A U-Net for pictures sees x alone, and behind every step
 *   x <- (1 - m) (z0 with the same noise at the next step's level, behind the last step z0 itself) + m x
 *                                               p = RN(RN(1 - m) z), q = RN(m x), RN(p + q)
 * A U-Net for inpainting takes 2 L + 1 channels: x, m, and the latent of the picture with the masked part grey [RomB22,
 * section 4.5]; its x is left alone.
 *
 * The generator of each picture gives: the noise of z0's posterior (not where the U-Net is for inpainting and the
 * strength is 1), the noise of x, the noise of the masked picture's posterior (also where it is not looked at), then what
 * the sampler draws. */
#ifndef DIFFUSION_PIPELINE_INPAINT_H
#define DIFFUSION_PIPELINE_INPAINT_H

#include "diffusion/pipeline_img2img.h"

typedef struct {
    Txt2ImgOptions text;   /* as Img2ImgOptions */
    PicturePlanes picture; /* one for all, or as many as are made */
    const float *mask;     /* (height, width) of the picture: 0.5 and more is made anew */
    double strength;       /* share of the steps, in (0, 1]; 1: from noise alone */
} InpaintOptions;

/* As txt2img.  STATUS_SHAPE when the picture does not fit or the U-Net takes neither L nor 2 L + 1 channels. */
MUST_CHECK Status inpaint(Txt2ImgResult *out, const Model *m, const InpaintOptions *options, Arena *arena,
                          Error *err);

#endif
