/* cli/method_image.c - img2img and inpaint: pictures from a picture. */
#include <stdio.h>
#include <string.h>

#include "cli/input_picture.h"
#include "cli/mask_blur.h"
#include "cli/picture_method.h"
#include "diffusion/pipeline_inpaint.h"

/* The options that both have. */
static void shared_rows(PictureRequest *r, Option rows[3])
{
    const Option shared[3] = {
        {OPTION_TEXT, "init-img", 'i', "input image", &r->image.path, 0, 0, "FILE",
         "PNG or PPM to start from"},
        {OPTION_NUMBER, "strength", 0, NULL, &r->image.strength, 0, 1, NULL,
         "share of the steps that are taken: 0.75 of 20 steps are 15"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    memcpy(rows, shared, sizeof shared);
}

static void image_table(PictureRequest *r, Option table[PICTURE_METHOD_OPTIONS])
{
    shared_rows(r, table);
}

static void inpaint_table(PictureRequest *r, Option table[PICTURE_METHOD_OPTIONS])
{
    const Option rows[] = {
        {OPTION_TEXT, "mask", 0, "mask-image", &r->image.mask_path, 0, 0, "FILE",
         "PNG or PPM: what is light is made anew"},
        {OPTION_INT, "mask-blur", 0, NULL, &r->image.mask_blur, 0, 256, NULL,
         "pixels: the mask is blurred, and the result laid over the picture through it; 0: neither"},
    };
    memcpy(table, rows, sizeof rows);
    shared_rows(r, table + 2);
}

/* The picture, in the size that the options say or its own. */
static Status read_image(PictureRequest *r, Txt2ImgOptions *o, Arena *arena, Error *err)
{
    int taken = 0;
    if (r->image.path == NULL)
        return error_set(err, STATUS_ARGUMENT, "%s: a picture is needed: -i x.png", r->method->name);
    Status status = strength_read(&taken, r->steps, r->image.strength, err);
    if (status == STATUS_OK)
        status = picture_request_input(r, r->image.path, err);
    if (status == STATUS_OK)
        status = input_picture(&r->image.picture, r->image.path, 3, &o->width, &o->height,
                               vae_factor(&r->run.model.config.vae), arena, err);
    if (status != STATUS_OK)
        return status;
    r->image.planes = input_planes(&r->image.picture, false, arena);
    if (r->image.planes == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its numbers", r->image.path);
    if (!r->command->quiet)
        fprintf(stderr, "strength %g: %d of %d steps\n", r->image.strength, taken, r->steps);
    return STATUS_OK;
}

static Status read_mask(PictureRequest *r, Txt2ImgOptions *o, Arena *arena, Error *err)
{
    Image mask;
    if (r->image.mask_path == NULL)
        return error_set(err, STATUS_ARGUMENT, "inpaint: a mask is needed: --mask m.png");
    Status status = read_image(r, o, arena, err);
    if (status == STATUS_OK)
        status = picture_request_input(r, r->image.mask_path, err);
    if (status == STATUS_OK)
        status = input_picture(&mask, r->image.mask_path, 1, &o->width, &o->height, 1, arena, err);
    if (status != STATUS_OK)
        return status;
    r->image.mask = input_planes(&mask, true, arena);
    if (r->image.mask == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its numbers", r->image.mask_path);
    return r->image.mask_blur > 0
               ? mask_blur(r->image.mask, mask.width, mask.height, r->image.mask_blur, arena, err)
               : STATUS_OK;
}

static PicturePlanes planes_of(const PictureRequest *r)
{
    return (PicturePlanes){r->image.planes, 1, r->image.picture.height, r->image.picture.width};
}

static Status run_image(Txt2ImgResult *out, PictureRequest *r, const Txt2ImgOptions *o, Error *err)
{
    const Img2ImgOptions options = {.text = *o, .picture = planes_of(r), .strength = r->image.strength};
    return img2img(out, &r->run.model, &options, &r->command->arena, err);
}

static Status run_inpaint(Txt2ImgResult *out, PictureRequest *r, const Txt2ImgOptions *o, Error *err)
{
    const InpaintOptions options = {
        .text = *o, .picture = planes_of(r), .mask = r->image.mask, .strength = r->image.strength};
    const Status status = inpaint(out, &r->run.model, &options, &r->command->arena, err);
    for (int i = 0; status == STATUS_OK && r->image.mask_blur > 0 && i < out->count; i++)
        mask_lay_over(&out->pictures[i], &r->image.picture, r->image.mask);
    return status;
}

const PictureMethod METHOD_IMG2IMG = {.name = "img2img",
                                      .about = "Pictures from a picture and a prompt.",
                                      .has_strength = true,
                                      .table = image_table,
                                      .read = read_image,
                                      .run = run_image};
const PictureMethod METHOD_INPAINT = {.name = "inpaint",
                                      .about = "A part of a picture made anew.",
                                      .has_strength = true,
                                      .table = inpaint_table,
                                      .read = read_mask,
                                      .run = run_inpaint};
