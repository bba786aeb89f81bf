#include "diffusion/train_vae.h"

#include "base/rng.h"
#include "diffusion/vae_latent.h"
#include "nn/concat.h"
#include "nn/elementwise.h"
#include "nn/losses.h"
#include "nn/reduce.h"

Status vae_loss_weights_read(VaeLossWeights *out, const Json *json, const char *name, Arena *arena,
                             Error *err)
{
    ConfigReader r = config_reader(json, name, arena);
    const VaeLossWeights read = {.mse = config_number(&r, "mse", 0.0, 0.0, 1e6),
                                 .l1 = config_number(&r, "l1", 0.0, 0.0, 1e6),
                                 .edge = config_number(&r, "edge", 0.0, 0.0, 1e6),
                                 .kl = config_number(&r, "kl", 0.0, 0.0, 1e6),
                                 .perceptual = config_number(&r, "perceptual", 0.0, 0.0, 1e6)};
    const Status status = config_finish(&r, err);
    if (status == STATUS_OK)
        *out = read;
    return status;
}

/* Mean of |difference of neighbours| along one axis. */
static Tensor *mean_edge(Tape *tape, Tensor *d, int axis)
{
    if (d == NULL)
        return NULL;
    const int length = d->dim[axis] - 1;
    Tensor *before = slice(tape, d, axis, 0, length);
    Tensor *difference = subtract(tape, slice(tape, d, axis, 1, length), before);
    return mean_sample(tape, absolute(tape, difference));
}

Tensor *vae_training_loss(Tape *tape, const Vae *vae, const VaeLossWeights *weights, const Vgg *features,
                          Tensor *x, Tensor *xi)
{
    Tensor *moments = vae_encode(tape, vae, x);
    if (moments == NULL)
        return NULL;
    Tensor *mean = latent_mean(tape, moments), *logvar = latent_logvar(tape, moments);
    Tensor *z = add(tape, mean, multiply(tape, exponential(tape, scale(tape, logvar, 0.5f)), xi));
    Tensor *back = vae_decode(tape, vae, z);
    Tensor *d = subtract(tape, back, x);
    if (d == NULL)
        return NULL;
    const double kl = weights->kl / (double)tensor_sample(mean);
    Tensor *loss = scale(tape, mean_sample(tape, power2(tape, d)), (float)weights->mse);
    loss = add(tape, loss, scale(tape, mean_sample(tape, absolute(tape, d)), (float)weights->l1));
    loss = add(tape, loss, scale(tape, mean_edge(tape, d, 3), (float)weights->edge));
    loss = add(tape, loss, scale(tape, mean_edge(tape, d, 2), (float)weights->edge));
    if (weights->perceptual > 0.0)
        loss =
            add(tape, loss, scale(tape, lpips(tape, features, NULL, back, x), (float)weights->perceptual));
    return add(tape, loss, scale(tape, gaussian_kl(tape, mean, logvar), (float)kl));
}

/* Samples first .. first+count-1 as one tensor (count,3,size,size). */
static Tensor *pictures(VaeTraining *self, Tape *tape, const DataSet *data, uint64_t seed, uint64_t first,
                        int count)
{
    const int dim[4] = {count, 3, data->size, data->size};
    const size_t one = (size_t)3 * (size_t)data->size * (size_t)data->size;
    float *x = tape_alloc(tape, one * (size_t)count, sizeof *x);
    if (x == NULL || data_planes(x, data, seed, first, count, &self->scratch, &tape->error) != STATUS_OK)
        return NULL;
    return tape_input(tape, x, 4, dim, false);
}

/* xi: each sample's own stream, so that it does not depend on the batch. */
static Tensor *posterior_noise(const VaeTraining *self, Tape *tape, uint64_t first, int count)
{
    const VaeConfig *c = &self->vae->config;
    const int side = self->train.size / vae_factor(c);
    const int dim[4] = {count, c->latent_channels, side, side};
    const size_t one = (size_t)c->latent_channels * (size_t)side * (size_t)side;
    float *data = tape_alloc(tape, one * (size_t)count, sizeof *data);
    for (int i = 0; data != NULL && i < count; i++) {
        Rng rng = rng_stream(RNG_PHILOX, self->seed, STREAM_POSTERIOR, first + (uint64_t)i);
        rng_normal_fill(&rng, data + (size_t)i * one, one);
    }
    return data != NULL ? tape_input(tape, data, 4, dim, false) : NULL;
}

static Tensor *losses(void *context, Tape *tape, uint64_t first, int count)
{
    VaeTraining *self = context;
    Tensor *x = pictures(self, tape, &self->train, self->seed, first, count);
    return vae_training_loss(tape, self->vae, &self->loss, self->features, x,
                             posterior_noise(self, tape, first, count));
}

static Tensor *held_out(void *context, Tape *tape, uint64_t first, int count)
{
    VaeTraining *self = context;
    Tensor *x = pictures(self, tape, &self->held_out, self->seed + 1, first, count);
    return vae_training_loss(tape, self->vae, &self->loss, self->features, x,
                             posterior_noise(self, tape, first, count));
}

TrainTask vae_training_task(VaeTraining *self)
{
    return (TrainTask){.name = "vae", .self = self, .losses = losses, .held_out = held_out};
}
