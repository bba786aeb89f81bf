#include "metrics/dncnn_residual.h"

static Status run(double *residual, const double *x, int height, int width, void *context, Arena *scratch,
                  Error *err)
{
    const size_t n = 3 * (size_t)height * (size_t)width;
    const DnCnn *net = context;
    Tape tape = {.arena = scratch};
    float *planes = tape_alloc(&tape, n, sizeof *planes);
    Tensor *y = NULL;
    for (size_t i = 0; i < n && planes != NULL; i++)
        planes[i] = (float)x[i]; /* a level / 256: exact */
    if (planes != NULL)
        y = dncnn(&tape, net, tape_input(&tape, planes, 4, (const int[]){1, 3, height, width}, false));
    if (y == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    for (size_t i = 0; i < tensor_count(y); i++)
        residual[i] = (double)y->data[i];
    return STATUS_OK;
}

ResidualFilter dncnn_residual(DnCnn *net, const char *name, const char *recipe)
{
    return (ResidualFilter){name, recipe, DNCNN_MARGIN, run, net};
}
