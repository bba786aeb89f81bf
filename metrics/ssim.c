/* metrics/ssim.c - structural similarity.  Source: [WanB04], section III and ssim_index.m.
 *
 *   source       here                  what it is
 *   w            weight                11 x 11 circular Gaussian, sigma 1.5, sum 1: the product of two lines
 *   mu_x, mu_y   m[A], m[B]            weighted means of a window
 *   sigma_x^2    m[AA] - m[A]^2        weighted variance, and so sigma_y^2 and the covariance sigma_xy
 *   L            range
 *   C_1, C_2     c1, c2                (K_1 L)^2, (K_2 L)^2 with K_1 = 0.01, K_2 = 0.03
 *   MSSIM        *out                  mean over all windows that lie inside the picture
 *
 * All in binary64; every sum is sum8: down a window's columns, along the line of column sums, over the windows of a
 * plane.  Several planes (colours): the mean of theirs. */
#include "base/elementary64.h"
#include "base/sum.h"
#include "base/threads.h"
#include "metrics/pair_metric.h"

enum { WINDOW = 11, HALF = WINDOW / 2 };
enum { A, B, AA, BB, AB, MOMENTS };

static const double SIGMA = 1.5, K1 = 0x1.47ae147ae147bp-7 /* 0.01 */, K2 = 0x1.eb851eb851eb8p-6 /* 0.03 */;

typedef struct {
    const float *a, *b; /* one plane */
    size_t width;       /* of it */
    double weight[WINDOW], c1, c2;
    double *columns; /* (workers, MOMENTS, width) */
    double *map;     /* one number a window: (height - 10, width - 10) */
} Windows;

static void fill_weights(double weight[WINDOW])
{
    for (int k = 0; k < WINDOW; k++)
        weight[k] = exp_f64(-(double)((k - HALF) * (k - HALF)) / (2.0 * SIGMA * SIGMA));
    const double sum = sum8_double(weight, WINDOW);
    for (int k = 0; k < WINDOW; k++)
        weight[k] /= sum;
}

/* The five moments of eleven rows, down each column. */
static void sum_columns(double *columns, const Windows *w, size_t y)
{
    double p[MOMENTS][WINDOW];
    for (size_t x = 0; x < w->width; x++) {
        for (size_t k = 0; k < WINDOW; k++) {
            const double a = (double)w->a[(y + k) * w->width + x], b = (double)w->b[(y + k) * w->width + x];
            p[A][k] = w->weight[k] * a;
            p[B][k] = w->weight[k] * b;
            p[AA][k] = w->weight[k] * (a * a);
            p[BB][k] = w->weight[k] * (b * b);
            p[AB][k] = w->weight[k] * (a * b);
        }
        for (size_t i = 0; i < MOMENTS; i++)
            columns[i * w->width + x] = sum8_double(p[i], WINDOW);
    }
}

static double similarity(const Windows *w, const double m[MOMENTS])
{
    const double aa = m[A] * m[A], bb = m[B] * m[B], ab = m[A] * m[B];
    const double above = (2.0 * ab + w->c1) * (2.0 * (m[AB] - ab) + w->c2);
    const double below = (aa + bb + w->c1) * ((m[AA] - aa) + (m[BB] - bb) + w->c2);
    return above / below;
}

/* One row of windows. */
static void row_task(void *context, size_t y, int worker)
{
    const Windows *w = context;
    double *columns = w->columns + (size_t)worker * MOMENTS * w->width;
    const size_t windows = w->width - (WINDOW - 1);
    sum_columns(columns, w, y);
    for (size_t x = 0; x < windows; x++) {
        double m[MOMENTS], p[WINDOW];
        for (size_t i = 0; i < MOMENTS; i++) {
            for (size_t k = 0; k < WINDOW; k++)
                p[k] = w->weight[k] * columns[i * w->width + x + k];
            m[i] = sum8_double(p, WINDOW);
        }
        w->map[y * windows + x] = similarity(w, m);
    }
}

static Status measure_ssim(double *out, const PicturePair *pair, Arena *scratch, Error *err)
{
    const Status status = pair_check(pair, "ssim", err);
    if (status != STATUS_OK)
        return status;
    if (pair->width < WINDOW || pair->height < WINDOW)
        return error_set(err, STATUS_SHAPE, "ssim: a picture of %d x %d, expected at least %d x %d",
                         pair->width, pair->height, WINDOW, WINDOW);
    const ArenaMark mark = arena_mark(scratch);
    const size_t width = (size_t)pair->width, plane = width * (size_t)pair->height;
    const size_t rows = (size_t)pair->height - (WINDOW - 1), windows = rows * (width - (WINDOW - 1));
    Windows w = {.width = width,
                 .c1 = (K1 * pair->range) * (K1 * pair->range),
                 .c2 = (K2 * pair->range) * (K2 * pair->range),
                 .columns = arena_raw(scratch, (size_t)threads_count() * MOMENTS * width, sizeof(double)),
                 .map = arena_raw(scratch, windows, sizeof(double))};
    if (w.columns == NULL || w.map == NULL)
        return error_set(err, STATUS_MEMORY, "ssim: no memory for %zu windows", windows);
    fill_weights(w.weight);
    double sum = 0.0;
    for (int c = 0; c < pair->planes; c++) {
        w.a = pair->a + (size_t)c * plane;
        w.b = pair->b + (size_t)c * plane;
        parallel_for(rows, row_task, &w);
        sum += sum8_double(w.map, windows) / (double)windows;
    }
    arena_release(scratch, mark);
    *out = sum / (double)pair->planes;
    return STATUS_OK;
}

const PairMetric METRIC_SSIM = {
    "ssim",
    "ssim 1: mean over all 11 x 11 Gaussian windows (sigma 1.5) inside the picture and over its planes, "
    "K1 0.01, K2 0.03, weighted variances, no downsampling",
    "", true, measure_ssim};
