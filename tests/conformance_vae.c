/* The autoencoder: moments, latents, pictures and the stages between. */
#include "tests/conformance.h"

#include <stdio.h>
#include <string.h>

#include "diffusion/vae.h"
#include "diffusion/vae_latent.h"
#include "nn/elementwise.h"

static bool handles(const CaseFile *c)
{
    return case_has_input(c, "image") && case_wants(c, "mean") && case_wants(c, "logvar");
}

static void see(void *context, const char *name, const Tensor *x)
{
    char stage[CASE_STAGE];
    case_stage_name(stage, name);
    case_tensor(context, stage, x);
    if (strcmp(name, "encoder.conv_out") == 0)
        case_tensor(context, "enc.out", x);
    if (strcmp(name, "decoder.conv_out") == 0)
        case_tensor(context, "dec.out", x);
}

/* One number a sample: the sum of (mean^2 + var - 1 - logvar) / 2. */
static void check_kl(CaseFile *c, const Tensor *mean, const Tensor *logvar, const Tensor *variance)
{
    const size_t n = tensor_sample(mean);
    double *kl = arena_alloc(c->arena, (size_t)mean->dim[0], sizeof *kl);
    if (kl == NULL)
        return;
    for (size_t i = 0; i < tensor_count(mean); i++) {
        const double m = (double)mean->data[i];
        kl[i / n] += 0.5 * (m * m + (double)variance->data[i] - 1.0 - (double)logvar->data[i]);
    }
    case_doubles(c, "kl", kl, (size_t)mean->dim[0]);
}

static Tensor *check_moments(CaseFile *c, Tape *tape, Tensor *moments)
{
    Tensor *mean = latent_mean(tape, moments), *logvar = latent_logvar(tape, moments);
    Tensor *std = exponential(tape, scale(tape, logvar, 0.5f)), *variance = exponential(tape, logvar);
    case_tensor(c, "mean", mean);
    case_tensor(c, "mode", mean);
    case_tensor(c, "logvar", logvar);
    case_tensor(c, "std", std);
    case_tensor(c, "var", variance);
    if (mean != NULL && logvar != NULL && variance != NULL)
        check_kl(c, mean, logvar, variance);
    return mean;
}

/* The stages of the decoder are of the sample, where the case has one. */
static void check_both_ways(CaseFile *c, const Vae *vae, Tape *tape)
{
    Tensor *x = case_input(c, "image");
    Tensor *moments = vae_encode(tape, vae, x);
    Tensor *mean = check_moments(c, tape, moments);
    if (case_has_input(c, "noise")) {
        Tensor *sample = latent_sample(tape, moments, case_input(c, "noise"));
        case_tensor(c, "sample", sample);
        case_tensor(c, "decoded_of_sample", vae_decode(tape, vae, sample));
        tape->observe = NULL;
    }
    if (case_wants(c, "decoded_of_mean") || case_wants(c, "decoded_of_mode") ||
        !case_has_input(c, "noise")) {
        const Tensor *y = vae_decode(tape, vae, mean);
        case_tensor(c, "decoded_of_mean", y);
        case_tensor(c, "decoded_of_mode", y);
    }
    if (tape->error.status != STATUS_OK)
        case_fail(c, "vae", "%s", tape->error.text);
}

static void run(CaseFile *c)
{
    Error err = {0};
    VaeConfig config;
    Weights weights = {0};
    Vae vae;
    const char *path, *folder = case_checkpoint(c, "vae");
    const Json *json = case_config(c, folder, &path);
    if (json == NULL ||
        !case_went_well(c, "vae", vae_config_read(&config, json, path, c->arena, &err), &err))
        return;
    case_weights(c, &weights, folder);
    vae_load(&vae, &config, &weights, "");
    if (!case_went_well(c, "vae", weights_finish(&weights, &err), &err))
        return;
    Tape tape = {.arena = c->arena, .observe = see, .observer = c};
    check_both_ways(c, &vae, &tape);
}

const CaseKind CASES_OF_VAE = {"autoencoder", handles, run, NULL};
