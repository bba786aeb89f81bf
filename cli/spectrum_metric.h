/* cli/spectrum_metric.h - `ldm99 metric pr A B` and `psd A [B]`: what the power spectra of sets of pictures are like. */
#ifndef CLI_SPECTRUM_METRIC_H
#define CLI_SPECTRUM_METRIC_H

#include "cli/set_metric.h"

/* Residual power spectra (metrics/residual_spectrum.h); says its result. */
MUST_CHECK Status residual_metric(const SetMetric *m, Error *err);

/* Slopes of power spectra (metrics/power_slope.h); says its result. */
MUST_CHECK Status slope_metric(const SetMetric *m, Error *err);

#endif
