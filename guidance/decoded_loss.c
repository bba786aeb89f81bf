#include "guidance/decoded_loss.h"

#include <math.h>
#include <string.h>

#include "diffusion/vae_latent.h"

Tensor *decoded_loss_on(Tape *tape, const DecodedLoss *d, Tensor *z, Rng *rng, const Tensor **picture)
{
    Tensor *x = vae_decode(tape, d->vae, latent_unscale(tape, &d->vae->config, z));
    if (x == NULL)
        return NULL;
    if (picture != NULL)
        *picture = x;
    Tensor *loss = d->loss.measure(tape, d->loss.context, x, rng);
    if (loss != NULL && tensor_count(loss) != 1)
        return tape_fail(tape, STATUS_SHAPE, "a loss of %zu numbers, expected one", tensor_count(loss));
    if (loss != NULL && !tensor_finite(loss))
        return tape_fail(tape, STATUS_NOT_FINITE, "the loss of the picture is not a number");
    return loss;
}

static double share_beyond(const Tensor *x)
{
    const size_t n = tensor_count(x);
    size_t beyond = 0;
    for (size_t i = 0; i < n; i++)
        beyond += x->data[i] < -1.0f || x->data[i] > 1.0f;
    return (double)beyond / (double)n;
}

static void run(double *loss, double *g, float *picture, double *clipped, Tape *tape, const DecodedLoss *d,
                const double *z, const int dim[4], Rng *rng)
{
    const size_t n = (size_t)dim[1] * (size_t)dim[2] * (size_t)dim[3];
    const float factor = (float)d->factor;
    float *rounded = tape_alloc(tape, n, sizeof *rounded);
    const Tensor *x = NULL;
    if (rounded == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        rounded[i] = (float)z[i];
    Tensor *in = tape_input(tape, rounded, 4, dim, g != NULL);
    Tensor *L = decoded_loss_on(tape, d, in, rng, &x);
    if (L == NULL)
        return;
    if (loss != NULL)
        *loss = d->factor * (double)L->data[0];
    if (clipped != NULL)
        *clipped = share_beyond(x);
    if (picture != NULL)
        memcpy(picture, x->data, tensor_count(x) * sizeof *picture);
    if (g == NULL || tape_backward(tape, L, &factor) != STATUS_OK)
        return;
    for (size_t i = 0; i < n; i++)
        g[i] = in->grad != NULL ? (double)in->grad[i] : 0.0;
}

Status decoded_loss(double *loss, double *g, float *picture, double *clipped, const DecodedLoss *d,
                    const double *z, int height, int width, Rng *rng, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    const int dim[4] = {1, d->vae->config.latent_channels, height, width};
    Arena gradients = {.account = scratch->account, .source = scratch->source};
    Tape tape = {
        .arena = scratch, .gradients = &gradients, .recording = g != NULL, .checkpoint = d->checkpoint};
    run(loss, g, picture, clipped, &tape, d, z, dim, rng);
    arena_free(&gradients);
    arena_release(scratch, mark);
    return tape.error.status == STATUS_OK ? STATUS_OK
                                          : error_set(err, tape.error.status, "%s", tape.error.text);
}
