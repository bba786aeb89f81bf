#include "diffusion/vae_latent.h"

#include "nn/concat.h"
#include "nn/elementwise.h"

/* diffusers' bounds: exp(20) and exp(-30) are still far from overflow. */
static const float LOGVAR_LOW = -30.0f, LOGVAR_HIGH = 20.0f;

static Tensor *half(Tape *tape, Tensor *moments, int which)
{
    if (moments == NULL)
        return NULL;
    if (moments->rank != 4 || moments->dim[1] % 2 != 0) {
        char got[64];
        return tape_fail(tape, STATUS_SHAPE, "moments of shape %s, expected (N,2L,h,w)",
                         tensor_shape_text(moments, got));
    }
    const int L = moments->dim[1] / 2;
    return slice(tape, moments, 1, which * L, L);
}

Tensor *latent_mean(Tape *tape, Tensor *moments)
{
    return half(tape, moments, 0);
}

Tensor *latent_logvar(Tape *tape, Tensor *moments)
{
    return clamp(tape, half(tape, moments, 1), LOGVAR_LOW, LOGVAR_HIGH);
}

Tensor *latent_sample(Tape *tape, Tensor *moments, Tensor *noise)
{
    Tensor *deviation = exponential(tape, scale(tape, latent_logvar(tape, moments), 0.5f));
    Tensor *mean = latent_mean(tape, moments);
    return add(tape, mean, multiply(tape, deviation, noise));
}

Tensor *latent_scale(Tape *tape, const VaeConfig *c, Tensor *z)
{
    if (c->shift_factor != 0.0)
        z = add_scalar(tape, z, -(float)c->shift_factor);
    return scale(tape, z, (float)c->scaling_factor);
}

Tensor *latent_unscale(Tape *tape, const VaeConfig *c, Tensor *z)
{
    /* diffusers divides here; dividing and multiplying by the inverse differ in the last bit. */
    float *factor = tape_alloc(tape, 1, sizeof *factor);
    if (factor == NULL)
        return NULL;
    *factor = (float)c->scaling_factor;
    z = divide(tape, z, tape_input(tape, factor, 0, NULL, false));
    return c->shift_factor != 0.0 ? add_scalar(tape, z, (float)c->shift_factor) : z;
}
