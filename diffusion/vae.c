#include "diffusion/vae.h"

#include "diffusion/vjp.h"

void vae_load(Vae *vae, const VaeConfig *config, Weights *w, const char *prefix)
{
    char child[WEIGHTS_NAME];
    const int L = config->latent_channels;
    *vae = (Vae){.config = *config};
    vae_encoder_load(&vae->encoder, w, weights_child(child, prefix, "encoder"), config);
    vae_decoder_load(&vae->decoder, w, weights_child(child, prefix, "decoder"), config);
    if (config->use_quant_conv)
        vae->quant_conv = weights_conv2d(w, prefix, "quant_conv", 2 * L, 2 * L, 1);
    if (config->use_post_quant_conv)
        vae->post_quant_conv = weights_conv2d(w, prefix, "post_quant_conv", L, L, 1);
}

/* The 1x1 convolution between the latent and the network, where there is one. */
static Tensor *mixed(Tape *tape, const Affine *conv, const char *name, Tensor *x)
{
    if (conv->weight == NULL)
        return x;
    return tape_named(tape, conv2d(tape, x, conv->weight, conv->bias, conv2d_padding(1, 0)), name, "");
}

static bool fits(Tape *tape, const Tensor *x, int channels, int smallest, const char *what)
{
    char got[64];
    if (x == NULL || tape->error.status != STATUS_OK)
        return false;
    if (x->rank != 4 || x->dim[1] != channels || x->dim[0] < 1 || x->dim[2] < smallest ||
        x->dim[3] < smallest)
        tape_fail(tape, STATUS_SHAPE,
                  "%s of shape %s, the VAE expects (N,%d,H,W) with sides of at least %d", what,
                  tensor_shape_text(x, got), channels, smallest);
    return tape->error.status == STATUS_OK;
}

static Tensor *run_encode(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Vae *vae = *(const Vae *const *)context;
    if (!fits(tape, inputs[0], vae->config.in_channels, vae_factor(&vae->config), "picture"))
        return NULL;
    return mixed(tape, &vae->quant_conv, "quant_conv", vae_encoder(tape, &vae->encoder, inputs[0]));
}

static Tensor *run_decode(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Vae *vae = *(const Vae *const *)context;
    if (!fits(tape, inputs[0], vae->config.latent_channels, 1, "latent"))
        return NULL;
    return vae_decoder(tape, &vae->decoder,
                       mixed(tape, &vae->post_quant_conv, "post_quant_conv", inputs[0]));
}

Tensor *vae_encode(Tape *tape, const Vae *vae, Tensor *x)
{
    return run_giving_back(tape, run_encode, &vae, sizeof vae, &x, 1);
}

Tensor *vae_decode(Tape *tape, const Vae *vae, Tensor *z)
{
    return run_giving_back(tape, run_decode, &vae, sizeof vae, &z, 1);
}

Status vae_encode_vjp(float *moments, float *dx, Tape *tape, const Vae *vae, const Tensor *x,
                      const float *dmoments)
{
    return vjp(moments, &dx, tape, run_encode, &vae, &x, 1, dmoments);
}

Status vae_decode_vjp(float *y, float *dz, Tape *tape, const Vae *vae, const Tensor *z, const float *dy)
{
    return vjp(y, &dz, tape, run_decode, &vae, &z, 1, dy);
}
