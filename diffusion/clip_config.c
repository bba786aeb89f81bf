#include "diffusion/clip_config.h"

#include "diffusion/clip_shape_config.h"

/* The object that counts, of two keys; `empty` when neither is there. */
static const Json *part(ConfigReader *r, const char *older, const char *newer, const Json *empty)
{
    const Json *first = config_get(r, older), *second = config_get(r, newer);
    if (json_kind(first) != JSON_ABSENT && json_kind(first) != JSON_NULL)
        return first;
    return json_kind(second) != JSON_ABSENT && json_kind(second) != JSON_NULL ? second : empty;
}

/* "config.json (text_config)"; NULL when there is no memory. */
static const char *part_name(const char *name, const char *key, Arena *arena)
{
    Bytes b = {.arena = arena};
    bytes_add_text(&b, name);
    bytes_add_text(&b, " (");
    bytes_add_text(&b, key);
    bytes_add_text(&b, ")");
    bytes_add_byte(&b, '\0');
    return b.failed ? NULL : (const char *)b.data;
}

Status clip_config_read(ClipConfig *out, const Json *json, const char *name, Arena *arena, Error *err)
{
    ConfigReader reader = config_reader(json, name, arena), *r = &reader;
    ClipConfig c = {0};
    const Json *empty = NULL;
    Status status = json_parse(&empty, "{}", 2, name, arena, err);
    if (status != STATUS_OK)
        return status;
    if (config_get(r, "model_type") != NULL)
        config_only_text(r, "model_type", "clip");
    c.projection_dim = config_int(r, "projection_dim", 512, 1, CLIP_WIDTH_MAX);
    c.logit_scale_init = config_number(r, "logit_scale_init_value", 2.6592, -100.0, 100.0);
    const Json *text = part(r, "text_config_dict", "text_config", empty);
    const Json *vision = part(r, "vision_config_dict", "vision_config", empty);
    clip_config_pass_over(r);
    status = config_finish(r, err);
    const char *text_name = part_name(name, "text_config", arena);
    const char *vision_name = part_name(name, "vision_config", arena);
    if (status == STATUS_OK && (text_name == NULL || vision_name == NULL))
        status = error_set(err, STATUS_MEMORY, "%s: no memory to read it", name);
    if (status == STATUS_OK)
        status = clip_text_config_read(&c.text, text, text_name, arena, err);
    if (status == STATUS_OK)
        status = clip_vision_config_read(&c.vision, vision, vision_name, arena, err);
    c.text.projection_dim = c.vision.projection_dim = c.projection_dim;
    c.text.has_projection = c.vision.has_projection = true;
    if (status == STATUS_OK)
        *out = c;
    return status;
}

void clip_config_write(JsonWriter *w, const ClipConfig *c)
{
    json_begin_object(w, NULL);
    json_begin_array(w, "architectures");
    json_write_text(w, NULL, "CLIPModel");
    json_end(w);
    json_write_number(w, "initializer_factor", 1.0);
    json_write_number(w, "logit_scale_init_value", c->logit_scale_init);
    json_write_text(w, "model_type", "clip");
    json_write_int(w, "projection_dim", c->projection_dim);
    json_begin_object(w, "text_config");
    clip_text_config_members(w, &c->text);
    json_end(w);
    json_write_text(w, "torch_dtype", "float32");
    json_write_text(w, "transformers_version", "4.36.2");
    json_begin_object(w, "vision_config");
    clip_vision_config_members(w, &c->vision);
    json_end(w);
    json_end(w);
}
