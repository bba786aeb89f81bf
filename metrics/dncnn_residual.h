/* metrics/dncnn_residual.h - what DnCNN finds in a picture as a residual: the published one of PR. */
#ifndef METRICS_DNCNN_RESIDUAL_H
#define METRICS_DNCNN_RESIDUAL_H

#include "diffusion/dncnn.h"
#include "metrics/residual_filter.h"

/* The network must stay; name and recipe are the caller's. */
ResidualFilter dncnn_residual(DnCnn *net, const char *name, const char *recipe);

#endif
