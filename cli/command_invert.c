/* cli/command_invert.c - from a picture to the noise that DDIM makes it of, and back: how far is the way back off? */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/sum.h"
#include "cli/commands.h"
#include "cli/input_picture.h"
#include "cli/latent_file.h"
#include "cli/picture_method.h"
#include "cli/picture_output.h"
#include "cli/picture_text.h"
#include "diffusion/pipeline_invert.h"
#include "io/sha256.h"

typedef struct {
    Command command;
    PictureRequest request;
    Dump dump;
    const TapeWatch *watch; /* the dump's; NULL: nobody */
    const char *input, *output, *picture, *method;
    Image original;
    float *latent, *noise; /* (1, L, h, w) */
    Txt2ImgShape shape;
} Invert;

/* The picture's latent: the posterior's mean, as nothing is drawn. */
static Status read_latent(Invert *v, Txt2ImgOptions *o, Error *err)
{
    Arena *arena = &v->command.arena;
    const Model *m = &v->request.run.model;
    Status status = picture_request_input(&v->request, v->input, err);
    if (status == STATUS_OK)
        status = input_picture(&v->original, v->input, 3, &o->width, &o->height, vae_factor(&m->config.vae),
                               arena, err);
    if (status == STATUS_OK)
        status = txt2img_shape(&v->shape, m, o, err);
    if (status != STATUS_OK)
        return status;
    const size_t n = (size_t)v->shape.channels * (size_t)v->shape.height * (size_t)v->shape.width;
    const PicturePlanes planes = {input_planes(&v->original, false, arena), 1, v->original.height,
                                  v->original.width};
    v->latent = arena_raw(arena, n, sizeof *v->latent);
    v->noise = arena_raw(arena, n, sizeof *v->noise);
    if (planes.planes == NULL || v->latent == NULL || v->noise == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its latent", v->input);
    return encode_pictures(v->latent, 1, m, &planes, NULL, arena, err);
}

static bool on_step(void *context, const DenoiseProgress *at)
{
    Invert *v = context;
    progress_show(&v->request.progress, (uint64_t)at->call + 1, (uint64_t)at->calls, "", true);
    return !interrupted();
}

/* The noise as a file, which the way back starts from. */
static Status write_noise(Invert *v, Error *err)
{
    const uint64_t dim[4] = {1, (uint64_t)v->shape.channels, (uint64_t)v->shape.height,
                             (uint64_t)v->shape.width};
    const Status status = latent_file_write(v->output, v->noise, dim, &v->command.arena, err);
    if (status == STATUS_OK)
        result_file(&v->command.result, v->output);
    return status;
}

/* The way back, as a picture of `txt2img --latents`, which is what it says of itself. */
static Status way_back(Txt2ImgResult *made, Invert *v, const InvertOptions *o, Error *err)
{
    const Txt2ImgOptions back = ddim_return(o, v->noise);
    PictureRequest *r = &v->request;
    Status status = txt2img(made, &r->run.model, &back, &v->command.arena, err);
    r->latents = v->output;
    r->latent = -1;
    r->inputs = 0;
    r->width = r->height = 0;
    r->run.sampler_name = "ddim";
    r->run.sampler = sampler_find("ddim");
    if (status == STATUS_OK)
        status = sha256_file(r->latents_hash, v->output, err);
    if (status == STATUS_OK && v->picture != NULL)
        status = pictures_write(r, made, v->picture, err);
    return status;
}

/* How far what came back is from what went in. */
static void report(Invert *v, const Txt2ImgResult *made)
{
    const size_t n = (size_t)v->shape.channels * (size_t)v->shape.height * (size_t)v->shape.width;
    double most = 0.0, squares = 0.0, off = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)made->latents[i] - (double)v->latent[i];
        most = fabs(d) > most ? fabs(d) : most;
        squares += d * d;
    }
    for (size_t i = 0; i < image_size(&v->original); i++) {
        const double d = (double)made->pictures[0].pixels[i] - (double)v->original.pixels[i];
        off += d * d;
    }
    const double rms = sqrt(squares / (double)n), pixels = sqrt(off / (double)image_size(&v->original));
    const double scale = sqrt(sum8_squares(v->latent, n, 0.0) / (double)n);
    JsonWriter *w = &v->command.result.json;
    json_write_text(w, "model", v->request.run.folder);
    json_write_text(w, "input", v->input);
    json_begin_object(w, "round_trip");
    json_write_number(w, "latent_rms_error", rms);
    json_write_number(w, "latent_max_error", most);
    json_write_number(w, "latent_rms", scale);
    json_write_number(w, "pixel_rms_error", pixels);
    json_end(w);
    result_line(&v->command.result,
                "round trip: latents off by %.6g rms, %.6g at most (their rms is %.6g); pixels by %.4g "
                "levels rms\n",
                rms, most, scale, pixels);
}

static Status make(Invert *v, Error *err)
{
    PictureRequest *r = &v->request;
    Txt2ImgResult made;
    DenoiseHooks hooks = {.context = v, .progress = on_step};
    InvertOptions o;
    if (v->input == NULL)
        return error_set(err, STATUS_ARGUMENT, "invert: a picture is needed: -i x.png");
    if (r->latents != NULL)
        return error_set(err, STATUS_ARGUMENT, "invert: --latents is what it makes, not what it takes");
    if (r->prompt == NULL)
        r->prompt = "";
    Status status = picture_request_open(r, &o.text, &v->command, err);
    if (status == STATUS_OK)
        status = read_latent(v, &o.text, err);
    if (status != STATUS_OK)
        return status;
    o.latents = v->latent;
    o.text.loop = &hooks;
    r->run.model.watch = v->watch;
    interrupts_watch();
    r->progress = progress_begin("invert", v->command.quiet, 0);
    status = ddim_invert(v->noise, &r->run.model, &o, &v->command.arena, err);
    if (status == STATUS_OK)
        status = write_noise(v, err);
    if (status == STATUS_OK)
        status = way_back(&made, v, &o, err);
    progress_end(&r->progress);
    if (status == STATUS_OK)
        report(v, &made);
    return status;
}

static Status run(Invert *v, Error *err)
{
    Status status = dump_begin(&v->watch, &v->dump, &v->command, err);
    if (status == STATUS_OK)
        status = make(v, err);
    const Status dumped = dump_end(&v->dump, err);
    return status == STATUS_OK ? dumped : status;
}

int command_invert(int argc, char **argv)
{
    Invert v = {.output = "noise.npy", .method = "ddim", .request = PICTURE_REQUEST};
    Option request[PICTURE_OPTIONS], dump[DUMP_OPTIONS];
    const Option own[] = {
        {OPTION_TEXT, "init-img", 'i', "input image", &v.input, 0, 0, "FILE", "PNG or PPM to invert"},
        {OPTION_TEXT, "output", 'o', NULL, &v.output, 0, 0, "FILE",
         ".npy with the noise, for txt2img --latents --sampling-method ddim"},
        {OPTION_TEXT, "picture", 0, "reconstruction", &v.picture, 0, 0, "PNG",
         "also write what comes back"},
        {OPTION_CHOICE, "method", 0, NULL, &v.method, 0, 0, "ddim", "how: one of"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "invert",
                           .usage = "",
                           .about =
                               "From a picture to the noise that DDIM makes it of; the way back's error.",
                           .presets = PICTURE_PRESETS,
                           .tables = {NULL, own, dump}};
    v.request.name = "invert";
    v.request.guidance = 1.0;
    picture_request_table(&v.request, request);
    dump_table(&v.dump, dump);
    if (command_begin(&v.command, &about, request, argc, argv)) {
        const Status status = run(&v, &v.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&v.command);
}
