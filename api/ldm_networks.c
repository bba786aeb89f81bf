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

/* What a tape says went wrong. */
static Status failed(LdmCall *call, const Tape *tape)
{
    return error_set(&call->error, tape->error.status, "%s", tape->error.text);
}

/* ---- the U-Net ---- */

static Status begin_unet(LdmCall *call, Tensor *in, Tensor *rows, const ldm_model *model, const float *x,
                         const float *text, int N, int h, int w, int T)
{
    const UnetConfig *c = &model->model.unet.config;
    Status status = ldm_call_begin(call, model, MODEL_UNET);
    if (status == STATUS_OK)
        status = check_sizes(call, N, h, w, T);
    if (status == STATUS_OK) {
        *in = read_only(x, 4, N, c->in_channels, h, w);
        *rows = read_only(text, 3, N, T, c->level[0].cross_attention_dim, 1);
    }
    return status;
}

ldm_status ldm_unet(float *y, const ldm_model *model, const float *x, const float *times, const float *text,
                    int N, int h, int w, int T, ldm_error *error)
{
    LdmCall call;
    Tensor in, rows;
    Status status = begin_unet(&call, &in, &rows, model, x, text, N, h, w, T);
    if (status == STATUS_OK) {
        Tape tape = {.arena = &call.arena};
        const Tensor *out = unet(&tape, &model->model.unet, &in, times, &rows, NULL);
        if (out != NULL)
            memcpy(y, out->data, tensor_count(out) * sizeof *y);
        else
            status = failed(&call, &tape);
    }
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_unet_vjp(float *y, float *dx, float *dtext, const ldm_model *model, const float *x,
                        const float *times, const float *text, const float *dy, int N, int h, int w, int T,
                        ldm_error *error)
{
    LdmCall call;
    Tensor in, rows;
    Status status = begin_unet(&call, &in, &rows, model, x, text, N, h, w, T);
    if (status == STATUS_OK) {
        Tape tape = {.arena = &call.arena, .gradients = &call.gradients};
        if (unet_vjp(y, dx, dtext, &tape, &model->model.unet, &in, times, &rows, NULL, dy) != STATUS_OK)
            status = failed(&call, &tape);
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
            return failed(call, &tape);
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
    return vjp(y, gradient, &tape, run, vae, inputs, 2, dy) == STATUS_OK ? STATUS_OK : failed(call, &tape);
}

/* ---- latents to pictures ---- */

static Status begin_decode(LdmCall *call, Tensor *z, const ldm_model *model, const float *latents, int N,
                           int h, int w)
{
    Status status = ldm_call_begin(call, model, MODEL_VAE);
    if (status == STATUS_OK)
        status = check_sizes(call, N, h, w, 1);
    if (status == STATUS_OK)
        *z = read_only(latents, 4, N, model->model.vae.config.latent_channels, h, w);
    return status;
}

ldm_status ldm_decode(float *picture, const ldm_model *model, const float *latents, int N, int h, int w,
                      ldm_error *error)
{
    LdmCall call;
    Tensor z;
    Status status = begin_decode(&call, &z, model, latents, N, h, w);
    if (status == STATUS_OK)
        status = forward(&call, picture, &model->model.vae, run_decode, &z, NULL);
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_decode_vjp(float *picture, float *dlatents, const ldm_model *model, const float *latents,
                          const float *dpicture, int N, int h, int w, ldm_error *error)
{
    LdmCall call;
    Tensor z;
    Status status = begin_decode(&call, &z, model, latents, N, h, w);
    if (status == STATUS_OK)
        status = backward(&call, picture, dlatents, &model->model.vae, run_decode, &z, NULL, dpicture);
    return ldm_call_end(&call, status, error);
}

/* The picture of one sample, made in the call's memory. */
static Status paint(Image *image, LdmCall *call, const Vae *vae, const Tensor *z)
{
    const int factor = vae_factor(&vae->config);
    if (z->dim[3] > IMAGE_SIDE_MAX / factor || z->dim[2] > IMAGE_SIDE_MAX / factor)
        return error_set(&call->error, STATUS_ARGUMENT, "latents of %d x %d, expected sides up to %d",
                         z->dim[3], z->dim[2], IMAGE_SIDE_MAX / factor);
    Status status = image_new(image, z->dim[3] * factor, z->dim[2] * factor, vae->config.out_channels,
                              &call->arena, &call->error);
    if (status != STATUS_OK)
        return status;
    float *planes = arena_raw(&call->arena, image_size(image), sizeof *planes);
    if (planes == NULL)
        return error_set(&call->error, STATUS_MEMORY, "no memory for a picture of %d x %d", image->width,
                         image->height);
    status = forward(call, planes, vae, run_decode, z, NULL);
    if (status == STATUS_OK)
        image_from_planes(image, planes);
    return status;
}

ldm_status ldm_decode_picture(ldm_picture *out, const ldm_model *model, const float *latents, int h, int w,
                              const ldm_allocator *allocator, ldm_error *error)
{
    ArenaSource room;
    LdmCall call;
    Image image;
    Tensor z;
    Status status = begin_decode(&call, &z, model, latents, 1, h, w);
    if (status == STATUS_OK)
        status = paint(&image, &call, &model->model.vae, &z);
    if (status == STATUS_OK)
        status = ldm_hand_over(out, &call, ldm_source(&room, allocator), &image);
    return ldm_call_end(&call, status, error);
}

/* ---- pictures to latents ---- */

/* The tensors of an encoding; *noise is NULL when there is none, else own. */
static Status begin_encode(LdmCall *call, Tensor *x, Tensor *own, const Tensor **noise,
                           const ldm_model *model, const float *picture, const float *numbers, int N, int H,
                           int W)
{
    const VaeConfig *c = &model->model.vae.config;
    Status status = ldm_call_begin(call, model, MODEL_VAE);
    if (status == STATUS_OK)
        status = check_sizes(call, N, H, W, 1);
    if (status != STATUS_OK)
        return status;
    const int factor = vae_factor(c);
    if (H % factor != 0 || W % factor != 0)
        return error_set(&call->error, STATUS_ARGUMENT, "a picture of %d x %d, expected multiples of %d", W,
                         H, factor);
    *x = read_only(picture, 4, N, c->in_channels, H, W);
    *own = read_only(numbers, 4, N, c->latent_channels, H / factor, W / factor);
    *noise = numbers != NULL ? own : NULL;
    return STATUS_OK;
}

ldm_status ldm_encode(float *latents, const ldm_model *model, const float *picture, const float *noise,
                      int N, int H, int W, ldm_error *error)
{
    LdmCall call;
    Tensor x, own;
    const Tensor *drawn;
    Status status = begin_encode(&call, &x, &own, &drawn, model, picture, noise, N, H, W);
    if (status == STATUS_OK)
        status = forward(&call, latents, &model->model.vae, run_encode, &x, drawn);
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_encode_vjp(float *latents, float *dpicture, const ldm_model *model, const float *picture,
                          const float *noise, const float *dlatents, int N, int H, int W, ldm_error *error)
{
    LdmCall call;
    Tensor x, own;
    const Tensor *drawn;
    Status status = begin_encode(&call, &x, &own, &drawn, model, picture, noise, N, H, W);
    if (status == STATUS_OK)
        status = backward(&call, latents, dpicture, &model->model.vae, run_encode, &x, drawn, dlatents);
    return ldm_call_end(&call, status, error);
}
