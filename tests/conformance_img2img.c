/* Runs that start from a picture: StableDiffusionImg2ImgPipeline and StableDiffusionInpaintPipeline of diffusers.
 *
 *   image (input)                (N,3,H,W) in [0, 1];  mask (input) (1,1,H,W)
 *   img2img.*, inpaint....*      latents_per_step, latents, image (tests/conformance_pipe.h)
 *   START noise.i                the draws of the generator, in their order
 * Settings are keys of case.json, of its objects "img2img" and "inpaint", or words of "what" behind those two. */
#include "diffusion/pipeline_inpaint.h"
#include "tests/conformance_pipe.h"

#include <stdio.h>
#include <string.h>

static const char *const STRENGTH[] = {"strength", NULL};
static const char *const SEED[] = {"generator_seed", "generator seed", "seed", NULL};
static const char *const PROMPT[] = {"prompt", NULL};
static const char *const NEGATIVE[] = {"negative_prompt", "negative prompt", "negative", NULL};
static const char *const GUIDANCE[] = {"guidance_scale", "CFG", "cfg", NULL};
static const char *const STEPS[] = {"num_inference_steps", "steps", NULL};
static const char *const ETA[] = {"eta", NULL};

typedef struct {
    Model model;
    const char *prompt;
    PicturePlanes picture;
    const float *mask; /* NULL: img2img */
    double strength;
    PipelineParts parts; /* what txt2img_shape has to know of the network */
} ImageCase;

static bool handles(const CaseFile *c)
{
    return case_has_input(c, "image") && (case_wants_any(c, "img2img.") || case_wants_any(c, "inpaint"));
}

static Status run_image(void *context, float *x, const Model *m, const Txt2ImgOptions *o, Arena *arena,
                        Error *err)
{
    const ImageCase *i = context;
    Txt2ImgResult made;
    const Img2ImgOptions image = {.text = *o, .picture = i->picture, .strength = i->strength};
    const InpaintOptions hole = {
        .text = *o, .picture = i->picture, .mask = i->mask, .strength = i->strength};
    const Status status =
        i->mask != NULL ? inpaint(&made, m, &hole, arena, err) : img2img(&made, m, &image, arena, err);
    if (status == STATUS_OK)
        memcpy(x, made.latents,
               (size_t)made.count * (size_t)(made.channels * made.height * made.width) * sizeof *x);
    return status;
}

/* The picture in [-1, 1], as the pipelines' processor makes it. */
static bool read_picture(CaseFile *c, ImageCase *i)
{
    Tensor *image = case_input(c, "image");
    if (image == NULL || image->rank != 4 || image->dim[1] != 3) {
        case_fail(c, "image", "expected (N,3,H,W)");
        return false;
    }
    float *planes = arena_raw(c->arena, tensor_count(image), sizeof *planes);
    for (size_t k = 0; planes != NULL && k < tensor_count(image); k++)
        planes[k] = 2.0f * image->data[k] - 1.0f;
    i->picture = (PicturePlanes){planes, image->dim[0], image->dim[2], image->dim[3]};
    return planes != NULL;
}

static void set_options(const CaseFile *c, ImageCase *i, Txt2ImgOptions *o)
{
    *o = TXT2IMG_DEFAULTS;
    i->prompt = case_said_text(c, PROMPT, "");
    i->strength = case_said(c, STRENGTH, i->mask != NULL ? 1.0 : 0.8);
    o->prompts = &i->prompt;
    o->count = 1;
    o->images = i->picture.count;
    o->negative = case_said_text(c, NEGATIVE, "");
    o->width = i->picture.width;
    o->height = i->picture.height;
    o->steps = (int)case_said(c, STEPS, case_said_before(c, "steps", o->steps));
    const double guidance = case_said(c, GUIDANCE, o->guidance);
    o->guidance = guidance > 1.0 ? guidance : 1.0; /* diffusers guides above 1 */
    o->sampler = case_said_sampler(c, &i->model);
    o->options.eta = case_said(c, ETA, 0.0);
    o->options.compat_f32 = true;
    o->rng = RNG_TORCH;
    o->seed = (uint64_t)case_said(c, SEED, 0.0);
}

static void check_noise(CaseFile *c, const Txt2ImgOptions *o, const char *start)
{
    char name[100];
    Rng rng = rng_stream(RNG_TORCH, o->seed, STREAM_NOISE, 0);
    for (int i = 0;; i++) {
        snprintf(name, sizeof name, "%snoise.%d", start, i);
        const SafetensorsEntry *entry = safetensors_find(&c->expected, name);
        const size_t n = entry != NULL ? (size_t)safetensors_numbers(entry) : 0;
        float *noise = n > 0 ? arena_raw(c->arena, n, sizeof *noise) : NULL;
        if (noise == NULL)
            return;
        rng_normal_fill(&rng, noise, n);
        case_numbers(c, name, noise, n);
    }
}

static void check_run(CaseFile *c, ImageCase *i, const char *start)
{
    Txt2ImgOptions o;
    set_options(c, i, &o);
    if (o.sampler == NULL) {
        case_fail(c, start, "no sampler of the class that the case or the model names");
        return;
    }
    const UnetConfig *unet = &i->model.config.unet;
    i->parts = (PipelineParts){.extra_channels = unet->in_channels - unet->out_channels};
    o.parts = &i->parts;
    check_noise(c, &o, start);
    case_run_with(c, &i->model, &o, start, run_image, i);
}

/* The tensors' names up to the first point, of those that begin with "inpaint". */
static bool inpaint_start(const CaseFile *c, char start[40])
{
    for (size_t k = 0; k < c->expected.count; k++) {
        const char *name = c->expected.entries[k].name, *point = strchr(name, '.');
        if (strncmp(name, "inpaint", 7) == 0 && point != NULL && point - name < 38) {
            snprintf(start, 40, "%.*s.", (int)(point - name), name);
            return true;
        }
    }
    return false;
}

static void run(CaseFile *c)
{
    ImageCase i = {.mask = NULL};
    CaseFile part;
    Error err = {0};
    char start[40];
    const char *folder = case_checkpoint(c, "");
    if (folder == NULL || !read_picture(c, &i) ||
        !case_went_well(c, folder, model_open(&i.model, folder, MODEL_ALL, 0, c->arena, &err), &err))
        return;
    if (case_wants_any(c, "img2img.") && case_part(&part, c, "img2img", "img2img", "inpaint"))
        check_run(&part, &i, "img2img.");
    const Tensor *mask = inpaint_start(c, start) ? case_input(c, "mask") : NULL;
    if (mask != NULL && case_part(&part, c, "inpaint", "inpaint", "img2img")) {
        i.mask = mask->data;
        check_run(&part, &i, start);
    }
}

const CaseKind CASES_OF_IMG2IMG = {"img2img and inpainting", handles, run, NULL};
