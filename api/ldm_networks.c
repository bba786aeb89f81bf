/* ldm99.h: single calls of the networks, and their gradients. */
#include <string.h>

#include "api/ldm_call.h"
#include "diffusion/vae_latent.h"
#include "diffusion/vjp.h"

/* A tensor that is only read. */
static Tensor read_only(const float *data, int rank, int d0, int d1, int d2, int d3)
{
    return (Tensor){.rank = rank, .dim = {d0, d1, d2, d3}, .data = (float *)(uintptr_t)data};
}

static Status check_sizes(LdmCall *call, int N, int height, int width, int more)
{
    if (N >= 1 && height >= 1 && width >= 1 && more >= 1)
        return STATUS_OK;
    return error_set(&call->error, STATUS_ARGUMENT, "N is %d, sides %d x %d, T %d: each at least 1", N,
                     height, width, more);
}

/* ---- the U-Net ---- */

ldm_status ldm_unet(float *y, const ldm_model *model, const float *x, const float *times, const float *text,
                    int N, int h, int w, int T, ldm_error *error)
{
    LdmCall call;
    const Unet *net = &model->model.unet;
    Status status = ldm_call_begin(&call, model, MODEL_UNET);
    if (status == STATUS_OK)
        status = check_sizes(&call, N, h, w, T);
    if (status == STATUS_OK) {
        Tensor in = read_only(x, 4, N, net->config.in_channels, h, w);
        Tensor rows = read_only(text, 3, N, T, net->config.level[0].cross_attention_dim, 1);
        Tape tape = {.arena = &call.arena};
        const Tensor *out = unet(&tape, net, &in, times, &rows, NULL);
        if (out != NULL)
            memcpy(y, out->data, tensor_count(out) * sizeof *y);
        else
            status = error_set(&call.error, tape.error.status, "%s", tape.error.text);
    }
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_unet_vjp(float *y, float *dx, float *dtext, const ldm_model *model, const float *x,
                        const float *times, const float *text, const float *dy, int N, int h, int w, int T,
                        ldm_error *error)
{
    LdmCall call;
    const Unet *net = &model->model.unet;
    Status status = ldm_call_begin(&call, model, MODEL_UNET);
    if (status == STATUS_OK)
        status = check_sizes(&call, N, h, w, T);
    if (status == STATUS_OK) {
        const Tensor in = read_only(x, 4, N, net->config.in_channels, h, w);
        const Tensor rows = read_only(text, 3, N, T, net->config.level[0].cross_attention_dim, 1);
        Tape tape = {.arena = &call.arena, .gradients = &call.gradients};
        status = unet_vjp(y, dx, dtext, &tape, net, &in, times, &rows, NULL, dy);
        if (status != STATUS_OK)
            error_set(&call.error, status, "%s", tape.error.text);
    }
    return ldm_call_end(&call, status, error);
}

/* ---- the autoencoder, between pictures and the U-Net's latents ---- */

static Tensor *run_decode(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Vae *vae = context;
    return vae_decode(tape, vae, latent_unscale(tape, &vae->config, inputs[0]));
}

/* inputs: the picture, and noise or NULL. */
static Tensor *run_encode(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Vae *vae = context;
    Tensor *moments = vae_encode(tape, vae, inputs[0]);
    Tensor *z = inputs[1] != NULL ? latent_sample(tape, moments, inputs[1]) : latent_mean(tape, moments);
    return latent_scale(tape, &vae->config, z);
}

/* y = run(x, noise), sample after sample when no gradient is asked for (so that memory does not grow with N). */
static Status forward(LdmCall *call, float *y, const Vae *vae, Segment run, const Tensor *x,
                      const Tensor *noise)
{
    for (int n = 0; n < x->dim[0]; n++) {
        const ArenaMark mark = arena_mark(&call->arena);
        Tape tape = {.arena = &call->arena};
        Tensor one = *x, own = {0};
        one.dim[0] = 1;
        one.data = x->data + (size_t)n * tensor_sample(x);
        if (noise != NULL) {
            own = *noise;
            own.dim[0] = 1;
            own.data = noise->data + (size_t)n * tensor_sample(noise);
        }
        Tensor *const inputs[2] = {&one, noise != NULL ? &own : NULL};
        const Tensor *out = run(&tape, vae, inputs);
        if (out == NULL)
            return error_set(&call->error, tape.error.status, "%s", tape.error.text);
        memcpy(y + (size_t)n * tensor_count(out), out->data, tensor_count(out) * sizeof *y);
        arena_release(&call->arena, mark);
    }
    return STATUS_OK;
}

static Status backward(LdmCall *call, float *y, float *dx, const Vae *vae, Segment run, const Tensor *x,
                       const Tensor *noise, const float *dy)
{
    Tape tape = {.arena = &call->arena, .gradients = &call->gradients};
    const Tensor *const inputs[2] = {x, noise};
    float *const gradient[2] = {dx, NULL};
    const Status status = vjp(y, gradient, &tape, run, vae, inputs, 2, dy);
    return status == STATUS_OK ? status : error_set(&call->error, status, "%s", tape.error.text);
}

ldm_status ldm_decode(float *picture, const ldm_model *model, const float *latents, int N, int h, int w,
                      ldm_error *error)
{
    LdmCall call;
    const Vae *vae = &model->model.vae;
    Status status = ldm_call_begin(&call, model, MODEL_VAE);
    if (status == STATUS_OK)
        status = check_sizes(&call, N, h, w, 1);
    const Tensor z = read_only(latents, 4, N, vae->config.latent_channels, h, w);
    if (status == STATUS_OK)
        status = forward(&call, picture, vae, run_decode, &z, NULL);
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_decode_vjp(float *picture, float *dlatents, const ldm_model *model, const float *latents,
                          const float *dpicture, int N, int h, int w, ldm_error *error)
{
    LdmCall call;
    const Vae *vae = &model->model.vae;
    Status status = ldm_call_begin(&call, model, MODEL_VAE);
    if (status == STATUS_OK)
        status = check_sizes(&call, N, h, w, 1);
    const Tensor z = read_only(latents, 4, N, vae->config.latent_channels, h, w);
    if (status == STATUS_OK)
        status = backward(&call, picture, dlatents, vae, run_decode, &z, NULL, dpicture);
    return ldm_call_end(&call, status, error);
}

/* The tensors of an encoding; noise has no data when there is none. */
static Status encode_inputs(LdmCall *call, Tensor *x, Tensor *noise, const Vae *vae, const float *picture,
                            const float *numbers, int N, int H, int W)
{
    const int factor = vae_factor(&vae->config);
    if (H % factor != 0 || W % factor != 0)
        return error_set(&call->error, STATUS_ARGUMENT, "a picture of %d x %d, expected multiples of %d", W,
                         H, factor);
    *x = read_only(picture, 4, N, vae->config.in_channels, H, W);
    *noise = read_only(numbers, 4, N, vae->config.latent_channels, H / factor, W / factor);
    return check_sizes(call, N, H, W, 1);
}

ldm_status ldm_encode(float *latents, const ldm_model *model, const float *picture, const float *noise,
                      int N, int H, int W, ldm_error *error)
{
    LdmCall call;
    Tensor x, own;
    const Vae *vae = &model->model.vae;
    Status status = ldm_call_begin(&call, model, MODEL_VAE);
    if (status == STATUS_OK)
        status = encode_inputs(&call, &x, &own, vae, picture, noise, N, H, W);
    if (status == STATUS_OK)
        status = forward(&call, latents, vae, run_encode, &x, noise != NULL ? &own : NULL);
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_encode_vjp(float *latents, float *dpicture, const ldm_model *model, const float *picture,
                          const float *noise, const float *dlatents, int N, int H, int W, ldm_error *error)
{
    LdmCall call;
    Tensor x, own;
    const Vae *vae = &model->model.vae;
    Status status = ldm_call_begin(&call, model, MODEL_VAE);
    if (status == STATUS_OK)
        status = encode_inputs(&call, &x, &own, vae, picture, noise, N, H, W);
    if (status == STATUS_OK)
        status =
            backward(&call, latents, dpicture, vae, run_encode, &x, noise != NULL ? &own : NULL, dlatents);
    return ldm_call_end(&call, status, error);
}
