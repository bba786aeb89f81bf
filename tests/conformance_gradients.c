/* Gradients of a weighted sum of a network's result, to its inputs and to its parameters.
 *
 *   U-Net:        sample (the result), down.i, mid, up.i ... (stages), loss = sum(sample * loss_weight),
 *                 grad.latent, grad.encoder_hidden_states, grad.param.NAME
 *   autoencoder:  decoded, loss, grad.latent, grad.param.NAME of the decoder;
 *                 enc.loss, enc.grad.image, enc.grad.param.NAME of the encoder, for sum(moments * enc_loss_weight) */
#include "tests/conformance.h"

#include <stdio.h>
#include <string.h>

#include "diffusion/unet.h"
#include "diffusion/vae.h"

static bool handles_unet(const CaseFile *c)
{
    return case_has_input(c, "sample") && case_has_input(c, "loss_weight") &&
           case_has_input(c, "encoder_hidden_states") && case_wants_any(c, "grad.");
}

static bool handles_vae(const CaseFile *c)
{
    return (case_has_input(c, "latent") && case_has_input(c, "loss_weight") &&
            case_wants_any(c, "grad.")) ||
           (case_has_input(c, "image") && case_has_input(c, "enc_loss_weight") &&
            case_wants_any(c, "enc.grad."));
}

/* sum(y * weight), in binary64 in order. */
static void check_loss(CaseFile *c, const char *name, const float *y, const Tensor *weight)
{
    double loss = 0.0;
    for (size_t i = 0; i < tensor_count(weight); i++)
        loss += (double)y[i] * (double)weight->data[i];
    case_doubles(c, name, &loss, 1);
}

/* The gradients of those parameters whose names begin so. */
static void check_parameters(CaseFile *c, const Weights *w, const char *start)
{
    for (const Parameter *p = w->first; p != NULL; p = p->next) {
        char name[WEIGHTS_NAME + 40];
        snprintf(name, sizeof name, "%s%s", start, p->name);
        case_numbers(c, name, p->tensor->grad, tensor_count(p->tensor));
    }
}

static float *room(CaseFile *c, const Tensor *x)
{
    return x != NULL ? arena_alloc(c->arena, tensor_count(x), sizeof(float)) : NULL;
}

/* ---- U-Net ---- */

static void see_stage(void *context, const char *name, const Tensor *x)
{
    char stage[CASE_STAGE];
    case_stage_name(stage, name);
    case_tensor(context, stage, x);
    if (strcmp(name, "time_proj") == 0)
        case_tensor(context, "time_proj_sinusoid", x);
}

static bool open_unet(CaseFile *c, Unet *net, Weights *w)
{
    Error err = {0};
    UnetConfig config;
    const char *path, *folder = case_checkpoint(c, "unet");
    const Json *json = case_config(c, folder, &path);
    if (json == NULL ||
        !case_went_well(c, "unet", unet_config_read(&config, json, path, c->arena, &err), &err))
        return false;
    case_weights(c, w, folder);
    w->trainable = true;
    unet_load(net, &config, w, "");
    return case_went_well(c, "unet", weights_finish(w, &err), &err);
}

static void run_unet(CaseFile *c)
{
    Unet net;
    Weights weights = {0};
    Error err = {0};
    const Tensor *x = case_input(c, "sample"), *text = case_input(c, "encoder_hidden_states");
    const Tensor *dy = case_input(c, "loss_weight"), *t = case_input(c, "timestep");
    float *y = room(c, dy), *dx = room(c, x), *dtext = room(c, text);
    float *times = x != NULL ? arena_alloc(c->arena, (size_t)x->dim[0], sizeof *times) : NULL;
    if (y == NULL || dx == NULL || dtext == NULL || t == NULL || times == NULL ||
        !open_unet(c, &net, &weights))
        return;
    for (int n = 0; n < x->dim[0]; n++)
        times[n] = t->data[tensor_count(t) > 1 ? n : 0];
    Arena gradients = {0};
    Tape tape = {.arena = c->arena, .gradients = &gradients, .observe = see_stage, .observer = c};
    const Status status = unet_vjp(y, dx, dtext, &tape, &net, x, times, text, NULL, dy->data);
    arena_free(&gradients);
    if (!case_went_well(c, "unet", status, status != STATUS_OK ? &tape.error : &err))
        return;
    case_numbers(c, "sample", y, tensor_count(dy));
    check_loss(c, "loss", y, dy);
    case_numbers(c, "grad.latent", dx, tensor_count(x));
    case_numbers(c, "grad.sample", dx, tensor_count(x));
    case_numbers(c, "grad.encoder_hidden_states", dtext, tensor_count(text));
    check_parameters(c, &weights, "grad.param.");
}

const CaseKind CASES_OF_UNET_GRADIENTS = {"gradients of the U-Net", handles_unet, run_unet, NULL};

/* ---- autoencoder ---- */

static bool open_vae(CaseFile *c, Vae *vae, Weights *w)
{
    Error err = {0};
    VaeConfig config;
    const char *path, *folder = case_checkpoint(c, "vae");
    const Json *json = case_config(c, folder, &path);
    if (json == NULL ||
        !case_went_well(c, "vae", vae_config_read(&config, json, path, c->arena, &err), &err))
        return false;
    case_weights(c, w, folder);
    w->trainable = true;
    vae_load(vae, &config, w, "");
    return case_went_well(c, "vae", weights_finish(w, &err), &err);
}

/* One half of the autoencoder, and the names of its inputs and results. */
typedef struct {
    const char *input, *weight, *result, *loss, *gradient, *parameters;
    Status (*vjp)(float *y, float *dx, Tape *tape, const Vae *vae, const Tensor *x, const float *dy);
} Half;

static const Half HALVES[] = {
    {"latent", "loss_weight", "decoded", "loss", "grad.latent", "grad.param.", vae_decode_vjp},
    {"image", "enc_loss_weight", "enc.moments", "enc.loss", "enc.grad.image", "enc.grad.param.",
     vae_encode_vjp},
};

static void run_half(CaseFile *c, const Vae *vae, Weights *w, const Half *half)
{
    Error err = {0};
    const Tensor *x = case_input(c, half->input), *dy = case_input(c, half->weight);
    float *y = room(c, dy), *dx = room(c, x);
    if (y == NULL || dx == NULL)
        return;
    Arena gradients = {0};
    Tape tape = {.arena = c->arena, .gradients = &gradients};
    weights_zero_grad(w);
    const Status status = half->vjp(y, dx, &tape, vae, x, dy->data);
    arena_free(&gradients);
    if (!case_went_well(c, "vae", status, status != STATUS_OK ? &tape.error : &err))
        return;
    case_numbers(c, half->result, y, tensor_count(dy));
    check_loss(c, half->loss, y, dy);
    case_numbers(c, half->gradient, dx, tensor_count(x));
    check_parameters(c, w, half->parameters);
}

static void run_vae(CaseFile *c)
{
    Vae vae;
    Weights weights = {0};
    if (!open_vae(c, &vae, &weights))
        return;
    for (size_t i = 0; i < sizeof HALVES / sizeof HALVES[0]; i++)
        if (case_has_input(c, HALVES[i].input) && case_has_input(c, HALVES[i].weight))
            run_half(c, &vae, &weights, &HALVES[i]);
}

const CaseKind CASES_OF_VAE_GRADIENTS = {"gradients of the autoencoder", handles_vae, run_vae, NULL};
