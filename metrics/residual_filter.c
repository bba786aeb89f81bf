#include "metrics/residual_filter.h"

#include <string.h>

#include "base/elementary64.h"

enum { CHANNELS = 3, REACH = 4 /* deviations of the Gaussian that count */ };

/* y (height, width - 2 REACH) of x (height, width), pixels `step` numbers apart: along rows or columns. */
static void smooth(double *y, const double *x, size_t lines, size_t count, size_t line_step, size_t step,
                   size_t y_line_step, const double *g)
{
    for (size_t i = 0; i < lines; i++)
        for (size_t j = 0; j < count; j++) {
            const double *from = x + i * line_step + j * step;
            double sum = 0.0;
            for (size_t k = 0; k <= 2 * REACH; k++)
                sum += g[k] * from[k * step];
            y[i * y_line_step + j * step] = sum;
        }
}

static Status gauss(double *residual, const double *x, int height, int width, void *context, Arena *scratch,
                    Error *err)
{
    const size_t H = (size_t)height, W = (size_t)width, h = H - 2 * REACH, w = W - 2 * REACH;
    double g[2 * REACH + 1], sum = 0.0;
    double *across = arena_raw(scratch, H * W, sizeof *across),
           *both = arena_raw(scratch, H * W, sizeof *both);
    (void)context;
    if (across == NULL || both == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to smooth a picture of %d x %d", width, height);
    for (int k = 0; k <= 2 * REACH; k++)
        sum += g[k] = exp_f64(-0.5 * (k - REACH) * (k - REACH));
    for (int k = 0; k <= 2 * REACH; k++)
        g[k] /= sum;
    for (size_t c = 0; c < CHANNELS; c++) {
        const double *plane = x + c * H * W;
        smooth(across, plane, H, w, W, 1, W, g);
        smooth(both, across, w, h, 1, W, 1, g);
        for (size_t i = 0; i < h; i++)
            for (size_t j = 0; j < w; j++)
                residual[(c * h + i) * w + j] = plane[(i + REACH) * W + j + REACH] - both[i * W + j];
    }
    return STATUS_OK;
}

/* Of nine numbers, which are put in order. */
static double median_of(double v[9])
{
    for (int i = 1; i < 9; i++) {
        const double take = v[i];
        int k = i;
        for (; k > 0 && v[k - 1] > take; k--)
            v[k] = v[k - 1];
        v[k] = take;
    }
    return v[4];
}

static Status median3(double *residual, const double *x, int height, int width, void *context,
                      Arena *scratch, Error *err)
{
    const size_t H = (size_t)height, W = (size_t)width, h = H - 2, w = W - 2;
    (void)context, (void)scratch, (void)err;
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t i = 0; i < h; i++)
            for (size_t j = 0; j < w; j++) {
                const double *from = x + (c * H + i) * W + j;
                double v[9];
                for (size_t k = 0; k < 9; k++)
                    v[k] = from[k / 3 * W + k % 3];
                residual[(c * h + i) * w + j] = from[W + 1] - median_of(v);
            }
    return STATUS_OK;
}

static double limited(double x)
{
    const double most = 3.0 / 256;
    return x > most ? most : x < -most ? -most : x;
}

/* What the block with its upper left pixel at `p` gives its pixel in row `down` and column `right`. */
static double haar_detail(const double *p, size_t W, int down, int right)
{
    const double a = p[0], b = p[1], c = p[W], d = p[W + 1];
    const double across = limited((a - b + c - d) / 2.0), along = limited((a + b - c - d) / 2.0);
    const double both = limited((a - b - c + d) / 2.0);
    return ((right ? -across : across) + (down ? -along : along) + (right != down ? -both : both)) / 2.0;
}

static Status haar(double *residual, const double *x, int height, int width, void *context, Arena *scratch,
                   Error *err)
{
    const size_t H = (size_t)height, W = (size_t)width, h = H - 2, w = W - 2;
    (void)context, (void)scratch, (void)err;
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t i = 0; i < h; i++)
            for (size_t j = 0; j < w; j++) {
                const double *p = x + (c * H + i) * W + j;
                residual[(c * h + i) * w + j] =
                    (haar_detail(p, W, 1, 1) + haar_detail(p + 1, W, 1, 0) + haar_detail(p + W, W, 0, 1) +
                     haar_detail(p + W + 1, W, 0, 0)) /
                    4.0;
            }
    return STATUS_OK;
}

const ResidualFilter RESIDUAL_GAUSS = {"gauss", "less a Gaussian of deviation 1 (9 taps)", REACH, gauss,
                                       NULL};
const ResidualFilter RESIDUAL_MEDIAN3 = {"median3", "less the median of 3 x 3", 1, median3, NULL};
const ResidualFilter RESIDUAL_HAAR = {"haar", "Haar details, soft threshold 3/256", 1, haar, NULL};

const ResidualFilter *residual_filter_find(const char *name)
{
    const ResidualFilter *const all[] = {&RESIDUAL_GAUSS, &RESIDUAL_MEDIAN3, &RESIDUAL_HAAR};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}
