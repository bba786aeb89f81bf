/* cli/golden_doodl.c - gradients of pictures: crops, directions, one-step guidance, three updates of DOODL. */
#include <string.h>

#include "cli/golden_items.h"
#include "cli/golden_models.h"
#include "diffusion/pipeline_txt2img.h"
#include "guidance/doodl_run.h"
#include "guidance/one_step.h"
#include "guidance/spherical.h"
#include "nn/losses.h"
#include "nn/reduce.h"
#include "nn/reshape.h"

enum { LATENT = 8, L = 4 };

/* x (1,3,H,W) -> (1): the crops' mean directions against one, so that every part of a CLIP loss but its network counts. */
static Tensor *measure(Tape *tape, const void *context, Tensor *x, Rng *rng)
{
    const CutoutOptions crops = {.count = 3, .power = 0.5, .least = 11};
    Tensor *cut = cutouts_of(tape, unit_picture(tape, x), &crops, 8, rng);
    if (cut == NULL)
        return NULL;
    Tensor *rows = reshape(tape, cut, 2, (const int[]){cut->dim[0], -1});
    return mean_all(tape, spherical_distance(tape, unit_rows(tape, rows), context));
}

/* The direction that is wanted: of a ramp. */
static const float *wanted(Arena *arena)
{
    enum { D = 3 * 8 * 8 };
    Tape tape = {.arena = arena};
    float *ramp = tape_alloc(&tape, D, sizeof *ramp);
    for (int i = 0; ramp != NULL && i < D; i++)
        ramp[i] = (float)(i % 17) - 4.0f;
    const Tensor *row =
        ramp != NULL ? unit_rows(&tape, tape_input(&tape, ramp, 2, (const int[]){1, D}, false)) : NULL;
    return row != NULL ? row->data : NULL;
}

static Status no_memory(Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory for guidance");
}

static Status doodl_item(Sha256 *hash, Arena *arena, Error *err)
{
    Model m;
    DoodlRun run;
    float latent[L * LATENT * LATENT];
    const float *row = wanted(arena);
    Status status = row != NULL ? golden_model(&m, arena, err) : no_memory(err);
    DoodlOptions o = DOODL_DEFAULTS;
    o.prompt = "a red apple";
    o.guidance = 3.0;
    o.steps.steps = 5;
    o.updates = 3;
    o.update.clip = 0.05;
    o.loss.vae = &m.vae;
    o.loss.loss = (PictureLoss){row, measure};
    o.height = o.width = LATENT;
    o.seed = 12;
    if (status == STATUS_OK)
        status = doodl_run_begin(&run, &m, &o, NULL, arena, err);
    if (status == STATUS_OK)
        status = doodl_run(latent, &run, NULL, err);
    if (status != STATUS_OK)
        return status;
    golden_add_floats(hash, "latents", latent, 4, (const int[]){1, L, LATENT, LATENT});
    for (size_t i = 0; i < run.n; i++) /* the noise as it is, binary64 */
        for (int b = 0; b < 8; b++) {
            uint64_t bits;
            memcpy(&bits, &run.z.x[i], sizeof bits);
            const unsigned char byte = (unsigned char)(bits >> (8 * b));
            sha256_add(hash, &byte, 1);
        }
    return STATUS_OK;
}

static Status one_step_item(Sha256 *hash, Arena *arena, Error *err)
{
    static const char *const PROMPT[1] = {"a blue heart"};
    Model m;
    Arena scratch = {.account = arena->account, .source = arena->source};
    OneStepGuide g = ONE_STEP_GUIDE;
    float x[2 * L * LATENT * LATENT];
    const DenoiseHooks hooks = one_step_hooks(&g);
    const PipelineParts parts = {.context = &g, .loop = &hooks};
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    const float *row = wanted(arena);
    Status status = row != NULL ? golden_model(&m, arena, err) : no_memory(err);
    g.model = &m;
    g.decoded.vae = &m.vae;
    g.decoded.loss = (PictureLoss){row, measure};
    g.decoded.factor = 2.0;
    g.height = g.width = LATENT;
    g.seed = 13;
    g.arena = &scratch;
    o.prompts = PROMPT;
    o.count = 1;
    o.images = 2;
    o.steps = 3;
    o.seed = 13;
    o.parts = &parts;
    if (status == STATUS_OK)
        status = one_step_begin(&g, arena, err);
    if (status == STATUS_OK)
        status = txt2img_latents(x, NULL, &m, &o, arena, err);
    arena_free(&scratch);
    if (status == STATUS_OK)
        golden_add_floats(hash, "latents", x, 4, (const int[]){2, L, LATENT, LATENT});
    return status;
}

const GoldenItem GOLDEN_DOODL[] = {
    {"guidance.one_step", one_step_item, "guidance/one_step.c, guidance/cutouts.c, guidance/spherical.c"},
    {"guidance.doodl_3_updates", doodl_item,
     "guidance/doodl_run.c, guidance/decoded_loss.c, diffusion/doodl.c, diffusion/edict.c"},
    {NULL, NULL, NULL},
};
