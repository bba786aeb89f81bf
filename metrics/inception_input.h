/* metrics/inception_input.h - a picture as the Inception of published FIDs sees it.
 *
 *   levels p (3,h,w), 0 to 255 -> at 299 x 299 as TensorFlow 1 does it (metrics/resize_tf1.h) -> (p - 128) / 128
 *
 * Binary32; the last step is exact but for the rounding of p - 128.
 * Source: toshas/torch-fidelity, feature_extractor_inceptionv3.py. */
#ifndef METRICS_INCEPTION_INPUT_H
#define METRICS_INCEPTION_INPUT_H

/* y (3,299,299) of levels (3,h,w), sides from 1 to 2^24. */
void inception_input(float *y, const float *levels, int h, int w);

#endif
