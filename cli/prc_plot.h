/* cli/prc_plot.h - precision against recall, for balls of several sizes. */
#ifndef CLI_PRC_PLOT_H
#define CLI_PRC_PLOT_H

#include "base/arena.h"
#include "base/error.h"

/* A point for each of the neighbours 1, 2, 3, 5 and 8 that the smaller set has, of features x (n1,d) and y (n2,d): small
 * balls ask whether pictures are alike one by one, large ones whether they are of one kind. */
MUST_CHECK Status prc_plot(const char *path, const char *title, const float *x, int n1, const float *y,
                           int n2, int d, Arena *scratch, Error *err);

#endif
