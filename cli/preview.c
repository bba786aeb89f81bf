#include "cli/preview.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "diffusion/latent_pictures.h"
#include "io/png.h"

void preview_table(Preview *p, Option table[PREVIEW_OPTIONS])
{
    const Option rows[PREVIEW_OPTIONS] = {
        {OPTION_TEXT, "preview-dir", 0, NULL, &p->folder, 0, 0, "DIR",
         "write into this folder what each step predicts the picture to be, as step-NNN.png"},
        {OPTION_INT, "preview-every", 0, NULL, &p->every, 1, 1000000, NULL,
         "steps from one preview to the next; the last step has one in any case"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    memcpy(table, rows, sizeof rows);
}

/* Picture k of `count` at a call. */
static Status write_picture(Preview *p, const Image *picture, int call, int k, int count, Error *err)
{
    Command *c = p->command;
    char name[48];
    if (count > 1)
        snprintf(name, sizeof name, "step-%03d_%d.png", call, k + 1);
    else
        snprintf(name, sizeof name, "step-%03d.png", call);
    const char *path = path_join(&c->arena, p->folder, name);
    if (path == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a file name");
    const Status status = png_write(path, picture, NULL, 0, &c->arena, err);
    if (status == STATUS_OK)
        result_file_quietly(&c->result, path);
    return status;
}

/* The decoder may make no numbers of a latent that is far off yet: then the step has no picture, and the run goes on. */
static Status show(Preview *p, const float *x0, const SamplerRun *run, int call, Error *err)
{
    Arena *arena = &p->command->arena;
    const int channels = p->model.config.unet.out_channels;
    const int width = (int)(run->sample / (size_t)(channels * p->latent_height));
    Error why = {.status = STATUS_OK};
    for (int k = 0; k < run->images; k++) {
        Image picture;
        Status status = decode_latents(&picture, &p->model, x0 + (size_t)k * run->sample, 1,
                                       p->latent_height, width, arena, &why);
        if (status == STATUS_NOT_FINITE) {
            if (!p->command->quiet)
                fprintf(stderr, "step %d has no preview: %s\n", call, why.text);
            why = (Error){.status = STATUS_OK};
            continue;
        }
        if (status == STATUS_OK)
            status = write_picture(p, &picture, call, k, run->images, &why);
        if (status != STATUS_OK)
            return error_set(err, why.status, "%s", why.text);
    }
    return STATUS_OK;
}

static Status guided(void *context, const SamplerRun *run, int call, const float *input, float *out,
                     Error *err)
{
    Preview *p = context;
    Arena *arena = &p->command->arena;
    const size_t n = (size_t)run->images * run->sample;
    if (call % p->every != 0 && call + 1 != run->calls)
        return STATUS_OK;
    const ArenaMark mark = arena_mark(arena);
    float *x0 = arena_raw(arena, n, sizeof *x0);
    Status status = STATUS_OK;
    if (x0 == NULL)
        status = error_set(err, STATUS_MEMORY, "no memory for the preview of %d pictures", run->images);
    if (status == STATUS_OK) {
        sampler_x0(run, call, x0, input, out);
        status = show(p, x0, run, call, err);
    }
    arena_release(arena, mark);
    return status;
}

Status preview_begin(Preview *p, const Model *m, int latent_height, Command *c, Error *err)
{
    p->model = *m;
    p->model.watch = NULL;
    p->latent_height = latent_height;
    p->command = c;
    p->hooks = (DenoiseHooks){.context = p, .guided = guided};
    return folder_make(p->folder, err);
}
