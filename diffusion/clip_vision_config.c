#include "diffusion/clip_vision_config.h"

#include "diffusion/clip_shape_config.h"

enum { CHANNELS = 1024, SIDE = 16384 };

Status clip_vision_config_read(ClipVisionConfig *out, const Json *json, const char *name, Arena *arena,
                               Error *err)
{
    ConfigReader reader = config_reader(json, name, arena), *r = &reader;
    ClipVisionConfig c = {0};
    if (config_get(r, "model_type") != NULL)
        config_only_text(r, "model_type", "clip_vision_model");
    c.channels = config_int(r, "num_channels", 3, 1, CHANNELS);
    c.image_size = config_int(r, "image_size", 224, 1, SIDE);
    c.patch_size = config_int(r, "patch_size", 32, 1, SIDE);
    c.shape = clip_shape_read(r, &(ClipShape){.width = 768, .inner = 3072, .layers = 12, .heads = 12});
    c.projection_dim = config_int(r, "projection_dim", 512, 1, CLIP_WIDTH_MAX);
    c.has_projection = clip_config_names(config_get(r, "architectures"), "CLIPVisionModelWithProjection");
    if (c.patch_size > c.image_size)
        config_refuse(r, "patch_size", "expected at most image_size %d", c.image_size);
    const Status status = config_finish(r, err);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

void clip_vision_config_members(JsonWriter *w, const ClipVisionConfig *c)
{
    json_write_number(w, "attention_dropout", 0.0);
    json_write_text(w, "hidden_act", clip_activation_name(c->shape.act));
    json_write_int(w, "hidden_size", c->shape.width);
    json_write_int(w, "image_size", c->image_size);
    json_write_number(w, "initializer_factor", 1.0);
    json_write_number(w, "initializer_range", 0.02);
    json_write_int(w, "intermediate_size", c->shape.inner);
    json_write_number(w, "layer_norm_eps", (double)c->shape.eps);
    json_write_text(w, "model_type", "clip_vision_model");
    json_write_int(w, "num_attention_heads", c->shape.heads);
    json_write_int(w, "num_channels", c->channels);
    json_write_int(w, "num_hidden_layers", c->shape.layers);
    json_write_int(w, "patch_size", c->patch_size);
    json_write_int(w, "projection_dim", c->projection_dim);
    json_write_text(w, "torch_dtype", "float32");
    json_write_text(w, "transformers_version", "4.36.2");
}

void clip_vision_config_write(JsonWriter *w, const ClipVisionConfig *c)
{
    json_begin_object(w, NULL);
    json_begin_array(w, "architectures");
    json_write_text(w, NULL, c->has_projection ? "CLIPVisionModelWithProjection" : "CLIPVisionModel");
    json_end(w);
    clip_vision_config_members(w, c);
    json_end(w);
}

int clip_vision_grid(const ClipVisionConfig *c)
{
    return c->image_size / c->patch_size;
}
