/* cli/golden_networks.c - small networks in the true architectures, samplers (see golden_items.h). */
#include <string.h>

#include "cli/golden_items.h"
#include "diffusion/clip_text.h"
#include "diffusion/denoise.h"
#include "cli/golden_models.h"

static Status unet_item(Sha256 *hash, Arena *arena, Error *err)
{
    Unet net;
    Weights w = weights_create(arena, 3);
    const Status status = golden_unet(&net, &w, arena, err);
    if (status != STATUS_OK)
        return status;
    Tape t = {.arena = arena, .gradients = arena + 1, .recording = true};
    static const float timesteps[2] = {3.0f, 981.0f};
    Tensor *x = golden_input(&t, 30, 4, (const int[]){2, 4, 8, 8});
    Tensor *text = golden_input(&t, 31, 3, (const int[]){2, 6, GOLDEN_TEXT_WIDTH});
    return golden_add_gradients(hash, &t, unet(&t, &net, x, timesteps, text, NULL), (Tensor *[]){x, text},
                                2, err);
}

static Status vae_item(Sha256 *hash, Arena *arena, Error *err)
{
    Vae vae;
    Weights w = weights_create(arena, 4);
    const Status status = golden_vae(&vae, &w, arena, err);
    if (status != STATUS_OK)
        return status;
    Tape t = {.arena = arena, .gradients = arena + 1, .recording = true};
    Tensor *x = golden_input(&t, 32, 4, (const int[]){1, 3, 16, 16}), *moments = vae_encode(&t, &vae, x);
    golden_add_tensor(hash, "moments", moments);
    Tensor *z = golden_input(&t, 33, 4, (const int[]){1, 4, 4, 4});
    return golden_add_gradients(hash, &t, vae_decode(&t, &vae, z), (Tensor *[]){z}, 1, err);
}

static Status text_item(Sha256 *hash, Arena *arena, Error *err)
{
    ClipText text;
    Weights w = weights_create(arena, 5);
    const int ids[12] = {20, 1, 2, 3, 21, 21, 20, 7, 21, 21, 21, 21};
    golden_text(&text, &w);
    const Status status = weights_finish(&w, err);
    if (status != STATUS_OK)
        return status;
    Tape t = {.arena = arena};
    const Tensor *y = clip_text(&t, &text, ids, 2, 6, NULL);
    if (y == NULL)
        return error_set(err, t.error.status, "%s", t.error.text);
    golden_add_tensor(hash, "last_hidden_state", y);
    return STATUS_OK;
}

/* A network whose answer everybody can work out: half of what it sees. */
static Status predict_half(void *context, float *out, const float *x, double time, Error *err)
{
    (void)context, (void)time, (void)err;
    for (int i = 0; i < 128; i++)
        out[i] = x[i % 64] * 0.5f;
    return STATUS_OK;
}

static Status sampler_item(Sha256 *hash, Arena *arena, Error *err)
{
    static const Sampler *const HASHED[] = {&SAMPLER_DDIM, &SAMPLER_DDPM};
    for (int k = 0; k < 2; k++) {
        SamplerRun run;
        float x[64];
        const int dim = 64;
        Rng rng = rng_stream(RNG_PHILOX, 8, STREAM_NOISE, 0);
        const Denoiser network = {.predict = predict_half, .conditions = 2};
        const SamplerOptions options = {.eta = 0.5};
        Status status =
            sampler_begin(&run, HASHED[k], &SCHEDULER_DEFAULTS, options, 10, 1, 64, &rng, arena, err);
        if (status != STATUS_OK)
            return status;
        rng_normal_fill(&rng, x, 64);
        sampler_start(&run, x);
        status = denoise(x, &run, &network, (GuidanceOptions){.guidance = 3.0, .rescale = 0.5}, NULL, arena,
                         err);
        if (status != STATUS_OK)
            return status;
        golden_add_floats(hash, HASHED[k]->name, x, 1, &dim);
    }
    return STATUS_OK;
}

const GoldenItem GOLDEN_NETWORKS[] = {
    {"diffusion.unet", unet_item,
     "diffusion/unet*.c, diffusion/transformer*.c, diffusion/res*.c, weights/weights.c"},
    {"diffusion.vae", vae_item, "diffusion/vae*.c, diffusion/res_block.c"},
    {"diffusion.clip_text", text_item, "diffusion/clip*.c"},
    {"diffusion.samplers", sampler_item,
     "diffusion/sampler*.c, diffusion/schedule.c, diffusion/prediction.c"},
    {NULL, NULL, NULL},
};
