#include "diffusion/clip_text_config.h"

#include <string.h>

#include "diffusion/config_reader.h"

enum { WIDTH = 65536, LAYERS = 1024, POSITIONS = 65536, VOCABULARY = 1 << 24 };

/* transformers' names; "gelu_new" and the like, which approximate, are not among them. */
static const char *const ACTIVATION_NAMES[] = {"quick_gelu", "gelu", "relu", "silu", NULL};
static const Activation ACTIVATIONS[] = {ACTIVATION_QUICK_GELU, ACTIVATION_GELU, ACTIVATION_RELU,
                                         ACTIVATION_SILU};

/* What says nothing about the result of an inference. */
static const char *const PASSED_OVER[] = {"architectures",
                                          "attention_dropout",
                                          "dropout",
                                          "dtype",
                                          "gradient_checkpointing",
                                          "initializer_factor",
                                          "initializer_range",
                                          "output_attentions",
                                          "output_hidden_states",
                                          "return_dict",
                                          "torch_dtype",
                                          "transformers_version",
                                          "use_cache",
                                          NULL};

static bool names_projection(const Json *architectures)
{
    for (size_t i = 0; i < json_count(architectures); i++)
        if (strcmp(json_text(json_at(architectures, i), ""), "CLIPTextModelWithProjection") == 0)
            return true;
    return false;
}

Status clip_text_config_read(ClipTextConfig *out, const Json *json, const char *name, Arena *arena,
                             Error *err)
{
    ConfigReader reader = config_reader(json, name, arena), *r = &reader;
    ClipTextConfig c = {0};
    if (config_get(r, "model_type") != NULL)
        config_only_text(r, "model_type", "clip_text_model");
    c.vocab_size = config_int(r, "vocab_size", 49408, 1, VOCABULARY);
    c.positions = config_int(r, "max_position_embeddings", 77, 1, POSITIONS);
    c.shape.width = config_int(r, "hidden_size", 512, 1, WIDTH);
    c.shape.inner = config_int(r, "intermediate_size", 2048, 1, WIDTH);
    c.shape.layers = config_int(r, "num_hidden_layers", 12, 1, LAYERS);
    c.shape.heads = config_int(r, "num_attention_heads", 8, 1, WIDTH);
    c.shape.act = ACTIVATIONS[config_choice(r, "hidden_act", 0, ACTIVATION_NAMES)];
    c.shape.eps = (float)config_number(r, "layer_norm_eps", 1e-5, 0.0, 1.0);
    c.shape.causal = true;
    c.bos_token_id = config_int(r, "bos_token_id", 49406, 0, VOCABULARY);
    c.eos_token_id = config_int(r, "eos_token_id", 49407, 0, VOCABULARY);
    c.pad_token_id =
        config_is_null(r, "pad_token_id") ? 1 : config_int(r, "pad_token_id", 1, 0, VOCABULARY);
    c.projection_dim = config_int(r, "projection_dim", 512, 1, WIDTH);
    c.has_projection = names_projection(config_get(r, "architectures"));
    for (int i = 0; PASSED_OVER[i] != NULL; i++)
        config_get(r, PASSED_OVER[i]);
    if (c.shape.width % c.shape.heads != 0)
        config_refuse(r, "num_attention_heads", "expected a divisor of hidden_size %d", c.shape.width);
    const Status status = config_finish(r, err);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

void clip_text_config_write(JsonWriter *w, const ClipTextConfig *c)
{
    int act = 0;
    while (ACTIVATIONS[act] != c->shape.act)
        act++;
    json_begin_object(w, NULL);
    json_begin_array(w, "architectures");
    json_write_text(w, NULL, c->has_projection ? "CLIPTextModelWithProjection" : "CLIPTextModel");
    json_end(w);
    json_write_number(w, "attention_dropout", 0.0);
    json_write_int(w, "bos_token_id", c->bos_token_id);
    json_write_int(w, "eos_token_id", c->eos_token_id);
    json_write_text(w, "hidden_act", ACTIVATION_NAMES[act]);
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
    json_end(w);
}
