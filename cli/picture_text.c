#include "cli/picture_text.h"

#include "base/decimal.h"
#include "cli/common.h"
#include "io/json.h"

static const char *sampler_name(const Model *model, const Txt2ImgOptions *o)
{
    return o->sampler != NULL ? o->sampler->name : model->config.scheduler.class_name;
}

/* "PROMPT\nNegative prompt: ...\nSteps: 20, Sampler: ddim, CFG scale: 7, Seed: 42, Size: 64x64, Version: ..." */
static void add_parameters(Bytes *out, const Model *model, const Txt2ImgOptions *o, const char *prompt,
                           uint64_t seed, int width, int height)
{
    char guidance[32];
    decimal_write(guidance, o->guidance);
    bytes_add_text(out, prompt);
    bytes_add_text(out, "\n");
    if (o->negative != NULL && o->negative[0] != '\0') {
        bytes_add_text(out, "Negative prompt: ");
        bytes_add_text(out, o->negative);
        bytes_add_text(out, "\n");
    }
    bytes_add_format(
        out, "Steps: %d, Sampler: %s, CFG scale: %s, Seed: %llu, Size: %dx%d, Version: ldm99 %s", o->steps,
        sampler_name(model, o), guidance, (unsigned long long)seed, width, height, LDM99_VERSION);
    bytes_add_byte(out, '\0');
}

static void add_json(Bytes *out, const Model *model, const char *folder, const Txt2ImgOptions *o,
                     const char *prompt, uint64_t seed, int width, int height)
{
    JsonWriter w = {.out = out};
    json_begin_object(&w, NULL);
    json_write_text(&w, "program", "ldm99");
    json_write_text(&w, "version", LDM99_VERSION);
    json_write_text(&w, "subcommand", "txt2img");
    json_write_text(&w, "model", folder);
    json_write_text(&w, "prompt", prompt);
    json_write_text(&w, "negative-prompt", o->negative != NULL ? o->negative : "");
    json_write_int(&w, "width", width);
    json_write_int(&w, "height", height);
    json_write_int(&w, "steps", o->steps);
    json_write_number(&w, "cfg-scale", o->guidance);
    json_write_number(&w, "cfg-rescale", o->rescale);
    json_write_text(&w, "sampling-method", sampler_name(model, o));
    json_write_number(&w, "eta", o->options.eta);
    json_write_int(&w, "clip-skip", o->clip_skip);
    json_write_text(&w, "rng", o->rng == RNG_TORCH ? "torch" : "philox");
    json_write_uint64(&w, "seed", seed);
    json_end(&w);
    bytes_add_byte(out, '\0');
}

Status picture_texts(PngText texts[PICTURE_TEXTS], const Model *model, const char *folder,
                     const Txt2ImgOptions *options, int i, int width, int height, Arena *arena, Error *err)
{
    Bytes parameters = {.arena = arena}, json = {.arena = arena};
    const char *prompt = options->prompts[i / options->images];
    const uint64_t seed = options->seed + (uint64_t)i;
    add_parameters(&parameters, model, options, prompt, seed, width, height);
    add_json(&json, model, folder, options, prompt, seed, width, height);
    if (parameters.failed || json.failed)
        return error_set(err, STATUS_MEMORY, "no memory for a picture's text");
    texts[0] = (PngText){"parameters", (const char *)parameters.data};
    texts[1] = (PngText){"ldm99", (const char *)json.data};
    return STATUS_OK;
}
