/* cli/mask_blur.h - a mask with soft edges, and a picture laid over another through it. */
#ifndef CLI_MASK_BLUR_H
#define CLI_MASK_BLUR_H

#include "io/image.h"

/* mask (height, width) in [0, 1] blurred by a Gaussian whose standard deviation is `pixels`, cut off at three of them;
 * the edges go on.  Along rows, then along columns, in binary64. */
MUST_CHECK Status mask_blur(float *mask, int width, int height, int pixels, Arena *arena, Error *err);

/* made = mask made + (1 - mask) kept, rounded to the nearest level; both pictures have the mask's size and 3 channels. */
void mask_lay_over(Image *made, const Image *kept, const float *mask);

#endif
