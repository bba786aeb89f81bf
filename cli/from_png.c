#include "cli/from_png.h"

#include <stdio.h>
#include <string.h>

#include "io/png.h"

/* stable-diffusion-webui, modules/sd_samplers_kdiffusion.py and sd_samplers_timesteps.py. */
static const char *const SAMPLER_NAMES[][2] = {{"Euler a", "euler_a"},
                                               {"Euler", "euler"},
                                               {"Heun", "heun"},
                                               {"LMS", "lms"},
                                               {"DPM2", "dpm2"},
                                               {"DPM++ 2M", "dpm++2m"},
                                               {"DPM++ 2S a", "dpm++2s"},
                                               {"DDIM", "ddim"},
                                               {"PLMS", "pndm"},
                                               {"UniPC", "unipc"},
                                               {"LCM", "lcm"},
                                               {"DDPM", "ddpm"}};

/* Sets an option that the subcommand has. */
static Status set(const Options *options, const char *name, const char *value, Error *err)
{
    return options_find(options, name, strlen(name)) != NULL ? options_set(options, name, value, err)
                                                             : STATUS_OK;
}

/* "Euler a", "DPM++ 2M Karras", or a name of ours. */
static Status set_sampler(const Options *options, const char *value, const char *path, Arena *arena,
                          Error *err)
{
    const size_t length = strlen(value), karras = strlen(" Karras");
    const bool is_karras = length > karras && strcmp(value + length - karras, " Karras") == 0;
    const char *plain = arena_text(arena, value, is_karras ? length - karras : length), *ours = plain;
    Error why = {.status = STATUS_OK};
    if (plain == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its text", path);
    for (size_t i = 0; i < sizeof SAMPLER_NAMES / sizeof SAMPLER_NAMES[0]; i++)
        if (strcmp(SAMPLER_NAMES[i][0], plain) == 0)
            ours = SAMPLER_NAMES[i][1];
    if (set(options, "sampling-method", ours, &why) != STATUS_OK)
        return error_set(err, STATUS_FORMAT, "%s: its sampler, \"%.60s\", is not here", path, plain);
    return is_karras ? set(options, "scheduler", "karras", err) : STATUS_OK;
}

static Status set_size(const Options *options, const char *value, const char *path, Arena *arena,
                       Error *err)
{
    const char *x = strchr(value, 'x');
    const char *width = x != NULL ? arena_text(arena, value, (size_t)(x - value)) : NULL;
    if (x == NULL || width == NULL)
        return error_set(err, STATUS_FORMAT, "%s: its size is \"%.40s\", expected WIDTHxHEIGHT", path,
                         value);
    const Status status = set(options, "width", width, err);
    return status == STATUS_OK ? set(options, "height", x + 1, err) : status;
}

/* One "Key: value" of the last line. */
static Status set_pair(const Options *options, const char *key, const char *value, const char *path,
                       Arena *arena, Error *err)
{
    static const char *const SAME[][2] = {{"Steps", "steps"},
                                          {"CFG scale", "cfg-scale"},
                                          {"Seed", "seed"},
                                          {"Denoising strength", "strength"}};
    int layers = 0;
    char number[20];
    for (size_t i = 0; i < sizeof SAME / sizeof SAME[0]; i++)
        if (strcmp(SAME[i][0], key) == 0)
            return set(options, SAME[i][1], value, err);
    if (strcmp(key, "Size") == 0)
        return set_size(options, value, path, arena, err);
    if (strcmp(key, "Sampler") == 0)
        return set_sampler(options, value, path, arena, err);
    if (strcmp(key, "Schedule type") == 0 && strcmp(value, "Karras") == 0)
        return set(options, "scheduler", "karras", err);
    if (strcmp(key, "Clip skip") == 0 && sscanf(value, "%9d", &layers) == 1 && layers > 0) {
        snprintf(number, sizeof number, "%d", layers - 1);
        return set(options, "clip-skip", number, err);
    }
    return STATUS_OK;
}

/* "Steps: 20, Sampler: Euler a, ...": values in quotation marks may hold commas. */
static Status set_pairs(const Options *options, const char *line, const char *path, Arena *arena,
                        Error *err)
{
    Status status = STATUS_OK;
    while (*line != '\0' && status == STATUS_OK) {
        const char *colon = strstr(line, ": ");
        if (colon == NULL)
            break;
        const char *value = colon + 2, *close = *value == '"' ? strchr(value + 1, '"') : NULL;
        const char *from = close != NULL ? close : value, *end = from + strcspn(from, ",\n");
        const char *name = arena_text(arena, line, (size_t)(colon - line));
        const char *text = arena_text(arena, value, (size_t)(end - value));
        if (name == NULL || text == NULL)
            return error_set(err, STATUS_MEMORY, "%s: no memory for its text", path);
        status = set_pair(options, name, text, path, arena, err);
        line = end + strspn(end, ", \n");
    }
    return status;
}

Status options_from_parameters(const Options *options, const char *text, const char *path, Arena *arena,
                               Error *err)
{
    static const char NEGATIVE[] = "Negative prompt: ";
    const char *line = NULL, *negative = NULL, *end;
    for (const char *p = text; p != NULL; p = strchr(p, '\n') != NULL ? strchr(p, '\n') + 1 : NULL) {
        line = strncmp(p, "Steps: ", 7) == 0 ? p : line;
        negative = strncmp(p, NEGATIVE, sizeof NEGATIVE - 1) == 0 && line == NULL && negative == NULL
                       ? p
                       : negative;
    }
    if (line == NULL)
        return error_set(err, STATUS_FORMAT, "%s: its text \"parameters\" has no line \"Steps: ...\"",
                         path);
    end = negative != NULL ? negative : line;
    const char *prompt = arena_text(arena, text, (size_t)(end - text) - (end > text));
    const char *without = "";
    if (negative != NULL)
        without =
            arena_text(arena, negative + sizeof NEGATIVE - 1, (size_t)(line - negative) - sizeof NEGATIVE);
    if (prompt == NULL || without == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its text", path);
    Status status = set(options, "prompt", prompt, err);
    if (status == STATUS_OK)
        status = set(options, "negative-prompt", without, err);
    return status == STATUS_OK ? set_pairs(options, line, path, arena, err) : status;
}

Status options_from_png(const Options *options, const char *path, Arena *arena, Error *err)
{
    PngText *texts = NULL;
    int count = 0;
    const Json *json = NULL;
    Status status = png_read_texts(&texts, &count, path, arena, err);
    if (status != STATUS_OK)
        return status;
    const char *ours = png_text(texts, count, "ldm99"), *theirs = png_text(texts, count, "parameters");
    if (ours == NULL && theirs == NULL)
        return error_set(err, STATUS_FORMAT,
                         "%s: does not say how it was made (no text \"ldm99\" or \"parameters\")", path);
    if (ours == NULL)
        return options_from_parameters(options, theirs, path, arena, err);
    status = json_parse(&json, ours, strlen(ours), path, arena, err);
    return status == STATUS_OK ? options_set_all(options, json_get(json, "options"), path, err) : status;
}
