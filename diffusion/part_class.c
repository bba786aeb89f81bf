#include "diffusion/part_class.h"

#include <string.h>

#include "diffusion/clip_text.h"
#include "diffusion/clip_vision.h"
#include "diffusion/controlnet.h"
#include "diffusion/t2i_adapter.h"
#include "diffusion/vae.h"

/* "4 levels of 320, 640, 1280, 1280 channels" */
static void add_levels(Bytes *about, const int *channels, int levels)
{
    bytes_add_format(about, "%d level%s of", levels, levels == 1 ? "" : "s");
    for (int i = 0; i < levels; i++)
        bytes_add_format(about, "%s %d", i > 0 ? "," : "", channels[i]);
    bytes_add_text(about, " channels");
}

static void add_unet_levels(Bytes *about, const UnetConfig *c)
{
    int channels[UNET_LEVELS];
    for (int i = 0; i < c->levels; i++)
        channels[i] = c->level[i].channels;
    add_levels(about, channels, c->levels);
    bytes_add_format(about, ", attends to rows of %d", c->level[0].cross_attention_dim);
}

static Status ask_unet(Weights *w, Bytes *about, const Json *json, const char *name, Arena *arena,
                       Error *err)
{
    UnetConfig c;
    Unet net;
    const Status status = unet_config_read(&c, json, name, arena, err);
    if (status != STATUS_OK)
        return status;
    unet_load(&net, &c, w, "");
    add_unet_levels(about, &c);
    bytes_add_format(about, ", %d channels in and %d out", c.in_channels, c.out_channels);
    return STATUS_OK;
}

static Status ask_vae(Weights *w, Bytes *about, const Json *json, const char *name, Arena *arena,
                      Error *err)
{
    VaeConfig c;
    Vae vae;
    const Status status = vae_config_read(&c, json, name, arena, err);
    if (status != STATUS_OK)
        return status;
    vae_load(&vae, &c, w, "");
    add_levels(about, c.channels, c.levels);
    bytes_add_format(about, ", latents of %d channels, %d times smaller", c.latent_channels,
                     vae_factor(&c));
    return STATUS_OK;
}

static Status ask_controlnet(Weights *w, Bytes *about, const Json *json, const char *name, Arena *arena,
                             Error *err)
{
    ControlNetConfig c;
    ControlNet net;
    const Status status = controlnet_config_read(&c, json, name, arena, err);
    if (status != STATUS_OK)
        return status;
    controlnet_load(&net, &c, w, "");
    add_unet_levels(about, &c.unet);
    bytes_add_format(about, ", pictures of %d channels, %d times the latent", c.conditioning_channels,
                     controlnet_factor(&c));
    return STATUS_OK;
}

static Status ask_adapter(Weights *w, Bytes *about, const Json *json, const char *name, Arena *arena,
                          Error *err)
{
    AdapterConfig c;
    T2iAdapter net;
    const Status status = t2i_adapter_config_read(&c, json, name, arena, err);
    if (status != STATUS_OK)
        return status;
    t2i_adapter_load(&net, &c, w, "");
    add_levels(about, c.channels, c.levels);
    bytes_add_format(about, ", %s, %d features of pictures of %d channels, %d times smaller",
                     t2i_adapter_type_name(c.type), t2i_adapter_features(&c), c.in_channels,
                     c.downscale_factor);
    return STATUS_OK;
}

static Status ask_text(Weights *w, Bytes *about, const Json *json, const char *name, Arena *arena,
                       Error *err)
{
    ClipTextConfig c;
    ClipText text;
    const Status status = clip_text_config_read(&c, json, name, arena, err);
    if (status != STATUS_OK)
        return status;
    clip_text_load(&text, w, &c);
    bytes_add_format(about, "%d layers of width %d, %d tokens, prompts of %d", c.shape.layers,
                     c.shape.width, c.vocab_size, c.positions);
    return STATUS_OK;
}

static Status ask_vision(Weights *w, Bytes *about, const Json *json, const char *name, Arena *arena,
                         Error *err)
{
    ClipVisionConfig c;
    ClipVision vision;
    const Status status = clip_vision_config_read(&c, json, name, arena, err);
    if (status != STATUS_OK)
        return status;
    clip_vision_load(&vision, w, &c);
    bytes_add_format(about, "%d layers of width %d, pictures of %d in patches of %d", c.shape.layers,
                     c.shape.width, c.image_size, c.patch_size);
    return STATUS_OK;
}

static const PartClass CLASSES[] = {
    {"UNet2DConditionModel", ask_unet},  {"AutoencoderKL", ask_vae},
    {"ControlNetModel", ask_controlnet}, {"T2IAdapter", ask_adapter},
    {"CLIPTextModel", ask_text},         {"CLIPTextModelWithProjection", ask_text},
    {"CLIPVisionModel", ask_vision},     {"CLIPVisionModelWithProjection", ask_vision},
};

const char *part_class_name(const Json *config)
{
    const char *name = json_text(json_get(config, "_class_name"), NULL);
    return name != NULL ? name : json_text(json_at(json_get(config, "architectures"), 0), NULL);
}

const PartClass *part_class_of(const Json *config)
{
    const char *name = part_class_name(config);
    for (size_t i = 0; name != NULL && i < sizeof CLASSES / sizeof CLASSES[0]; i++)
        if (strcmp(CLASSES[i].class_name, name) == 0)
            return &CLASSES[i];
    return NULL;
}
