/* cli/method_control.c - control and adapter: pictures from a prompt, steered by pictures. */
#include <string.h>

#include "cli/input_picture.h"
#include "cli/picture_method.h"
#include "diffusion/control_files.h"
#include "diffusion/pipeline_adapter.h"

/* The options that both have. */
static void shared_rows(PictureRequest *r, Option rows[5])
{
    const Option shared[5] = {
        {OPTION_TEXTS, "control-image", 0, "image", &r->steer.images, 0, 0, "FILE",
         "PNG or PPM; one for each network, or one for all"},
        {OPTION_NUMBER, "control-strength", 0, "controlnet-conditioning-scale adapter-conditioning-scale",
         &r->steer.strength, 0, 100, NULL, "factor of what the networks add; 1: as trained"},
        {OPTION_NUMBER, "control-start", 0, "control-guidance-start", &r->steer.start, 0, 1, NULL,
         "share of the steps before they begin"},
        {OPTION_NUMBER, "control-end", 0, "control-guidance-end", &r->steer.end, 0, 1, NULL,
         "share of the steps after which they stop"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    memcpy(rows, shared, sizeof shared);
}

static void control_table(PictureRequest *r, Option table[PICTURE_METHOD_OPTIONS])
{
    const Option rows[] = {
        {OPTION_TEXTS, "control-net", 0, "controlnet", &r->steer.folders, 0, 0, "FOLDER",
         "ControlNet in the diffusers layout; may be given several times"},
        {OPTION_FLAG, "guess-mode", 0, NULL, &r->steer.guess_mode, 0, 0, NULL,
         "the networks see the prompt alone, and coarse levels count more"},
    };
    memcpy(table, rows, sizeof rows);
    shared_rows(r, table + 2);
}

static void adapter_table(PictureRequest *r, Option table[PICTURE_METHOD_OPTIONS])
{
    const Option row = {OPTION_TEXTS,
                        "adapter",
                        0,
                        NULL,
                        &r->steer.folders,
                        0,
                        0,
                        "FOLDER",
                        "T2I-Adapter in the diffusers layout; may be given several times"};
    table[0] = row;
    shared_rows(r, table + 1);
}

static Status check(const PictureRequest *r, const char *option, Error *err)
{
    const int nets = r->steer.folders.count, images = r->steer.images.count;
    if (nets == 0)
        return error_set(err, STATUS_ARGUMENT, "%s: a network is needed: --%s FOLDER", r->method->name,
                         option);
    if (nets > CONTROLS_MAX)
        return error_set(err, STATUS_ARGUMENT, "%s: %d networks, expected at most %d", r->method->name,
                         nets, CONTROLS_MAX);
    if (images != nets && images != 1)
        return error_set(err, STATUS_ARGUMENT, "%s: %d control images for %d networks, expected 1 or %d",
                         r->method->name, images, nets, nets);
    return control_share_check(r->steer.start, r->steer.end, r->method->name, err);
}

/* Network i's files and picture; the planes of an image that serves all are read again for each. */
static Status read_one(float **planes, PictureRequest *r, Txt2ImgOptions *o, int i, int channels,
                       int factor, Arena *arena, Error *err)
{
    const char *path = r->steer.images.text[r->steer.images.count > 1 ? i : 0];
    ControlFiles files;
    Image picture;
    Status status = control_files_find(&files, r->steer.folders.text[i], arena, err);
    if (status == STATUS_OK)
        status = picture_request_input(r, files.config, err);
    if (status == STATUS_OK)
        status = picture_request_input(r, files.weights, err);
    if (status == STATUS_OK)
        status = picture_request_input(r, path, err);
    if (status == STATUS_OK && channels != 1 && channels != 3)
        status = error_set(err, STATUS_SHAPE, "%s: takes pictures of %d channels, expected 1 or 3",
                           files.config, channels);
    if (status == STATUS_OK)
        status = input_picture(&picture, path, channels, &o->width, &o->height, factor, arena, err);
    if (status != STATUS_OK)
        return status;
    *planes = input_planes(&picture, true, arena);
    return *planes != NULL ? STATUS_OK
                           : error_set(err, STATUS_MEMORY, "%s: no memory for its numbers", path);
}

static Status read_controls(PictureRequest *r, Txt2ImgOptions *o, Arena *arena, Error *err)
{
    Status status = check(r, "control-net", err);
    const int count = r->steer.folders.count, factor = vae_factor(&r->run.model.config.vae);
    if (status == STATUS_OK)
        r->steer.control = arena_alloc(arena, (size_t)count, sizeof *r->steer.control);
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        ControlNet *net = arena_alloc(arena, 1, sizeof *net);
        float *planes = NULL;
        if (net == NULL || r->steer.control == NULL)
            return error_set(err, STATUS_MEMORY, "no memory for %d ControlNets", count);
        status = controlnet_open(net, r->steer.folders.text[i], arena, err);
        if (status == STATUS_OK)
            status = read_one(&planes, r, o, i, net->config.conditioning_channels, factor, arena, err);
        r->steer.control[i] =
            (Control){net, planes, 1, (float)r->steer.strength, r->steer.start, r->steer.end};
    }
    return status;
}

static Status run_controls(Txt2ImgResult *out, PictureRequest *r, const Txt2ImgOptions *o, Error *err)
{
    const ControlRunOptions options = {.text = *o,
                                       .control = r->steer.control,
                                       .count = r->steer.folders.count,
                                       .guess_mode = r->steer.guess_mode};
    return control_txt2img(out, &r->run.model, &options, &r->command->arena, err);
}

static Status read_adapters(PictureRequest *r, Txt2ImgOptions *o, Arena *arena, Error *err)
{
    Status status = check(r, "adapter", err);
    const int count = r->steer.folders.count, factor = vae_factor(&r->run.model.config.vae);
    if (status == STATUS_OK)
        r->steer.adapter = arena_alloc(arena, (size_t)count, sizeof *r->steer.adapter);
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        T2iAdapter *net = arena_alloc(arena, 1, sizeof *net);
        float *planes = NULL;
        if (net == NULL || r->steer.adapter == NULL)
            return error_set(err, STATUS_MEMORY, "no memory for %d adapters", count);
        status = t2i_adapter_open(net, r->steer.folders.text[i], arena, err);
        if (status == STATUS_OK)
            status = read_one(&planes, r, o, i, net->config.in_channels, factor, arena, err);
        r->steer.adapter[i] = (Adapter){net, planes, 1, o->height, o->width, (float)r->steer.strength};
    }
    return status;
}

static Status run_adapters(Txt2ImgResult *out, PictureRequest *r, const Txt2ImgOptions *o, Error *err)
{
    const AdapterRunOptions options = {.text = *o,
                                       .adapter = r->steer.adapter,
                                       .count = r->steer.folders.count,
                                       .start = r->steer.start,
                                       .end = r->steer.end};
    return adapter_txt2img(out, &r->run.model, &options, &r->command->arena, err);
}

const PictureMethod METHOD_CONTROL = {
    .name = "control",
    .about = "Pictures from a prompt, steered by pictures through ControlNets.",
    .table = control_table,
    .read = read_controls,
    .run = run_controls};
const PictureMethod METHOD_ADAPTER = {
    .name = "adapter",
    .about = "Pictures from a prompt, steered by pictures through T2I-Adapters.",
    .table = adapter_table,
    .read = read_adapters,
    .run = run_adapters};
