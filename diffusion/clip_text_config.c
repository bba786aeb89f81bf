#include "diffusion/clip_text_config.h"

#include "diffusion/clip_shape_config.h"

enum { POSITIONS = 65536, VOCABULARY = 1 << 24 };

Status clip_text_config_read(ClipTextConfig *out, const Json *json, const char *name, Arena *arena,
                             Error *err)
{
    ConfigReader reader = config_reader(json, name, arena), *r = &reader;
    ClipTextConfig c = {0};
    if (config_get(r, "model_type") != NULL)
        config_only_text(r, "model_type", "clip_text_model");
    c.vocab_size = config_int(r, "vocab_size", 49408, 1, VOCABULARY);
    c.positions = config_int(r, "max_position_embeddings", 77, 1, POSITIONS);
    c.shape = clip_shape_read(
        r, &(ClipShape){.width = 512, .inner = 2048, .layers = 12, .heads = 8, .causal = true});
    c.bos_token_id =
        config_is_null(r, "bos_token_id") ? 49406 : config_int(r, "bos_token_id", 49406, 0, VOCABULARY);
    c.eos_token_id = config_int(r, "eos_token_id", 49407, 0, VOCABULARY);
    c.pad_token_id =
        config_is_null(r, "pad_token_id") ? 1 : config_int(r, "pad_token_id", 1, 0, VOCABULARY);
    c.projection_dim = config_int(r, "projection_dim", 512, 1, CLIP_WIDTH_MAX);
    c.has_projection = clip_config_names(config_get(r, "architectures"), "CLIPTextModelWithProjection");
    const Status status = config_finish(r, err);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

void clip_text_config_members(JsonWriter *w, const ClipTextConfig *c)
{
    json_write_number(w, "attention_dropout", 0.0);
    json_write_int(w, "bos_token_id", c->bos_token_id);
    json_write_int(w, "eos_token_id", c->eos_token_id);
    json_write_text(w, "hidden_act", clip_activation_name(c->shape.act));
    json_write_int(w, "hidden_size", c->shape.width);
    json_write_number(w, "initializer_factor", 1.0);
    json_write_number(w, "initializer_range", 0.02);
    json_write_int(w, "intermediate_size", c->shape.inner);
    json_write_number(w, "layer_norm_eps", (double)c->shape.eps);
    json_write_int(w, "max_position_embeddings", c->positions);
    json_write_text(w, "model_type", "clip_text_model");
    json_write_int(w, "num_attention_heads", c->shape.heads);
    json_write_int(w, "num_hidden_layers", c->shape.layers);
    json_write_int(w, "pad_token_id", c->pad_token_id);
    json_write_int(w, "projection_dim", c->projection_dim);
    json_write_text(w, "torch_dtype", "float32");
    json_write_text(w, "transformers_version", "4.36.2");
    json_write_int(w, "vocab_size", c->vocab_size);
}

void clip_text_config_write(JsonWriter *w, const ClipTextConfig *c)
{
    json_begin_object(w, NULL);
    json_begin_array(w, "architectures");
    json_write_text(w, NULL, c->has_projection ? "CLIPTextModelWithProjection" : "CLIPTextModel");
    json_end(w);
    clip_text_config_members(w, c);
    json_end(w);
}
