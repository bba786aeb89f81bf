#include "cli/picture_text.h"

#include "base/decimal.h"
#include "cli/picture_method.h"
#include "io/json.h"
#include "io/sha256.h"

void picture_hash(char hex[65], const Image *picture)
{
    sha256_hex(hex, picture->pixels, image_size(picture));
}

/* "PROMPT\nNegative prompt: ...\nSteps: 20, Sampler: ddim, CFG scale: 7, Seed: 42, Size: 64x64, Version: ..." */
static void add_parameters(Bytes *out, const PictureRequest *r, const SamplerRun *plan,
                           const Image *picture)
{
    char number[32];
    decimal_write(number, r->guidance);
    bytes_add_text(out, r->prompt);
    bytes_add_text(out, "\n");
    if (r->negative != NULL && r->negative[0] != '\0') {
        bytes_add_text(out, "Negative prompt: ");
        bytes_add_text(out, r->negative);
        bytes_add_text(out, "\n");
    }
    bytes_add_format(out, "Steps: %d, Sampler: %s, CFG scale: %s, Seed: %llu, Size: %dx%d, ", r->steps,
                     plan->sampler->name, number, (unsigned long long)r->seed, picture->width,
                     picture->height);
    if (r->method->has_strength) {
        decimal_write(number, r->image.strength);
        bytes_add_format(out, "Denoising strength: %s, ", number);
    }
    bytes_add_format(out, "Version: ldm99 %s", LDM99_VERSION);
    bytes_add_byte(out, '\0');
}

void request_write(JsonWriter *w, PictureRequest *r, const SamplerRun *plan, const Image *picture)
{
    Option table[PICTURE_OPTIONS], own[PICTURE_METHOD_OPTIONS];
    picture_request_table(r, table);
    r->method->table(r, own);
    json_begin_object(w, "options");
    options_write_table(w, table);
    options_write_table(w, own);
    json_end(w);
    if (r->inputs > 0)
        json_begin_object(w, "inputs_sha256");
    for (int i = 0; i < r->inputs; i++)
        json_write_text(w, r->input[i].path, r->input[i].sha256);
    if (r->inputs > 0)
        json_end(w);
    if (r->latents != NULL) {
        json_write_int(w, "latent", r->latent);
        json_write_text(w, "latents_sha256", r->latents_hash);
    }
    json_begin_object(w, "resolved");
    json_write_text(w, "sampling-method", plan->sampler->name);
    json_write_text(w, "prediction", scheduler_value_name("prediction_type", plan->config.prediction_type));
    json_write_text(w, "timestep-spacing",
                    scheduler_value_name("timestep_spacing", plan->config.timestep_spacing));
    json_write_int(w, "width", picture->width);
    json_write_int(w, "height", picture->height);
    json_end(w);
}

static void write_schedule(JsonWriter *w, const SamplerRun *plan)
{
    double alpha_bar, ignored;
    json_begin_array(w, "timesteps");
    for (int i = plan->first; i < plan->calls; i++)
        json_write_number(w, NULL, plan->time[i]);
    json_end(w);
    json_begin_array(w, "sigmas");
    for (int i = plan->first; i < plan->calls; i++)
        json_write_number(w, NULL, sampler_level(&ignored, plan, i));
    json_end(w);
    json_begin_array(w, "alpha_bars");
    for (int i = plan->first; i < plan->calls; i++) {
        sampler_level(&alpha_bar, plan, i);
        json_write_number(w, NULL, alpha_bar);
    }
    json_end(w);
}

/* `r` is of this picture alone. */
static void add_json(Bytes *out, PictureRequest *r, const SamplerRun *plan, const Image *picture)
{
    char hash[65];
    JsonWriter w = {.out = out};
    json_begin_object(&w, NULL);
    json_write_text(&w, "program", "ldm99");
    json_write_text(&w, "version", LDM99_VERSION);
    json_write_int(&w, "contract", LDM99_CONTRACT);
    json_write_text(&w, "subcommand", r->method->name);
    request_write(&w, r, plan, picture);
    write_schedule(&w, plan);
    json_begin_object(&w, "model_sha256");
    for (size_t i = 0; i < r->files.count; i++)
        json_write_text(&w, r->files.file[i].name, r->files.file[i].sha256);
    json_end(&w);
    picture_hash(hash, picture);
    json_write_text(&w, "pixels_sha256", hash);
    json_end(&w);
    bytes_add_byte(out, '\0');
}

Status picture_texts(PngText texts[PICTURE_TEXTS], const PictureRequest *r, int i, const Image *picture,
                     Arena *arena, Error *err)
{
    Bytes parameters = {.arena = arena}, json = {.arena = arena};
    SamplerRun plan;
    PictureRequest one = *r;
    one.batch = 1;
    one.seed = r->seed + (uint64_t)i;
    one.latent = (r->latent > 0 ? r->latent : 0) + i;
    if (one.run.shipped)
        one.run.folder = NULL; /* it is found again wherever it is */
    const Status status = picture_request_plan(&plan, r, arena, err);
    if (status != STATUS_OK)
        return status;
    add_parameters(&parameters, &one, &plan, picture);
    add_json(&json, &one, &plan, picture);
    if (parameters.failed || json.failed)
        return error_set(err, STATUS_MEMORY, "no memory for a picture's text");
    texts[0] = (PngText){"parameters", (const char *)parameters.data};
    texts[1] = (PngText){"ldm99", (const char *)json.data};
    return STATUS_OK;
}
