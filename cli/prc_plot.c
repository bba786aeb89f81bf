#include "cli/prc_plot.h"

#include <stdio.h>

#include "io/svg_plot.h"
#include "metrics/precision_recall.h"

enum { SIZES = 5 };

Status prc_plot(const char *path, const char *title, const float *x, int n1, const float *y, int n2, int d,
                Arena *scratch, Error *err)
{
    static const int NEIGHBOUR[SIZES] = {1, 2, 3, 5, 8};
    PlotSeries series[SIZES];
    PrecisionRecall p[SIZES];
    char label[SIZES][16];
    size_t count = 0;
    for (; count < SIZES && NEIGHBOUR[count] < (n1 < n2 ? n1 : n2); count++) {
        const Status status = precision_recall(&p[count], x, n1, y, n2, d, NEIGHBOUR[count], scratch, err);
        if (status != STATUS_OK)
            return status;
        snprintf(label[count], sizeof label[count], "k = %d", NEIGHBOUR[count]);
        series[count] = (PlotSeries){.label = label[count],
                                     .x = &p[count].recall,
                                     .y = &p[count].precision,
                                     .count = 1,
                                     .style = PLOT_MARKS};
    }
    const PlotOptions options = {.title = title,
                                 .x_label = "recall",
                                 .y_label = "precision",
                                 .x_low = 0.0,
                                 .x_high = 1.0,
                                 .y_low = 0.0,
                                 .y_high = 1.0,
                                 .width = 520,
                                 .height = 480};
    return svg_plot_write(path, series, count, &options, scratch, err);
}
