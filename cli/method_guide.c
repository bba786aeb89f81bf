/* cli/method_guide.c - guide: pictures from a prompt, guided by the gradient of a loss at every step. */
#include <stdio.h>
#include <string.h>

#include "cli/picture_method.h"
#include "guidance/one_step.h"

static void guide_table(PictureRequest *r, Option table[PICTURE_METHOD_OPTIONS])
{
    GuideInput *g = &r->guide;
    const Option rows[] = {
        {OPTION_CHOICE, "guide-on", 0, NULL, &g->on, 0, 0, "blend x0",
         "the picture that the loss looks at: the one-step estimate blended with the noisy state as the "
         "published baseline does, or the estimate alone"},
        {OPTION_FLAG, "freeze-unet", 0, NULL, &g->frozen, 0, 0, NULL,
         "take the network's answer as constant: cheaper, and less of the gradient"},
        {OPTION_TEXT, "noise-aware", 0, NULL, &g->noisy, 0, 0, "FOLDER",
         "classifier of noisy latents instead of a loss of pictures: \"style-noisy\" is the shipped one; "
         "--target and --head name its answer"},
    };
    memcpy(table, rows, sizeof rows);
    guide_loss_table(&g->loss, table + sizeof rows / sizeof rows[0]);
}

static Status note(void *context, const char *path, Error *err)
{
    return picture_request_input(context, path, err);
}

static Status read_loss(PictureRequest *r, Txt2ImgOptions *o, Arena *arena, Error *err)
{
    GuideInput *g = &r->guide;
    const FileNote files = {r, note};
    const int factor = vae_factor(&r->run.model.config.vae);
    const UnetConfig *unet = &r->run.model.config.unet;
    if (o->height == 0)
        o->height = unet->sample_height * factor;
    if (o->width == 0)
        o->width = unet->sample_width * factor;
    if (g->loss.factor < 0.0 && !r->command->quiet)
        fprintf(stderr, "ldm99: --grad-scale below 0 makes the loss large\n");
    if (g->noisy == NULL)
        return guide_loss_open(&g->loss, r->lora.prompt, o->height, o->width, &files, arena, err);
    if (g->loss.targets.count != 1)
        return error_set(err, STATUS_ARGUMENT, "--noise-aware: one class is needed: --target noto");
    g->vgg = arena_alloc(arena, 1, sizeof *g->vgg);
    if (g->vgg == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a classifier");
    const char *folder = strcmp(g->noisy, "style-noisy") == 0 ? NULL : g->noisy;
    const char *head = strcmp(g->loss.head, "class") == 0 ? "style" : g->loss.head;
    return guide_class_open(g->vgg, &g->vgg_head, &g->vgg_label, folder, "style-noisy", head,
                            g->loss.targets.text[0], &files, arena, err);
}

static Status run(Txt2ImgResult *out, PictureRequest *r, const Txt2ImgOptions *o, Error *err)
{
    const GuideInput *input = &r->guide;
    Arena scratch = {.account = &r->command->memory};
    const int factor = vae_factor(&r->run.model.config.vae);
    OneStepGuide g = ONE_STEP_GUIDE;
    g.model = &r->run.model;
    g.decoded.vae = &r->run.model.vae;
    g.decoded.loss = input->loss.loss;
    g.decoded.factor = input->loss.factor;
    g.noisy = (NoisyClass){input->vgg, input->vgg_head, input->vgg_label};
    g.on = strcmp(input->on, "x0") == 0 ? GUIDE_X0 : GUIDE_BLEND;
    g.through_unet = !input->frozen;
    g.height = o->height / factor;
    g.width = o->width / factor;
    g.seed = o->seed;
    g.arena = &scratch;
    const DenoiseHooks hooks = one_step_hooks(&g);
    const PipelineParts parts = {.context = &g, .loop = &hooks};
    Txt2ImgOptions guided = *o;
    guided.parts = &parts;
    Status status = one_step_begin(&g, &r->command->arena, err);
    if (status == STATUS_OK)
        status = txt2img(out, &r->run.model, &guided, &r->command->arena, err);
    arena_free(&scratch);
    return status;
}

const PictureMethod METHOD_GUIDE = {
    .name = "guide",
    .about = "Pictures from a prompt, guided at every step by the gradient of a loss of the picture.",
    .table = guide_table,
    .read = read_loss,
    .run = run};
