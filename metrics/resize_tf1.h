/* metrics/resize_tf1.h - pictures at another size as TensorFlow 1 did it, on which published FIDs stand.
 *
 *   scale = RN(in / out);  position = RN(i scale), from the left edge, not from the pixels' centres
 *   low = floor(position);  high = min(low + 1, in - 1);  share = RN(position - low)
 *   y = RN(a + RN(RN(b - a) share)), along x for the two rows, then along y
 *
 * Each output reads four inputs whatever the sizes: no antialiasing.  Everything is binary32.
 * Source: toshas/torch-fidelity, interpolate_compat_tensorflow.py; TensorFlow 1, resize_bilinear with align_corners
 * false.  Derivation: docs/math/metrics.md. */
#ifndef METRICS_RESIZE_TF1_H
#define METRICS_RESIZE_TF1_H

/* x (planes,h,w) to y (planes,H,W); every side from 1 to 2^24. */
void resize_tf1(float *y, const float *x, int planes, int h, int w, int H, int W);

#endif
