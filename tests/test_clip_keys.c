/* CLIPTextModel (with and without projection) and CLIPVisionModelWithProjection: every key of transformers 4.36's
 * classes. */
#include "diffusion/clip_text.h"
#include "diffusion/clip_vision.h"
#include "tests/config_keys.h"

/* ---- text ---- */

static Status run_text(Sha256 *result, Bytes *written, const Json *json, Arena *arena, Error *err)
{
    ClipTextConfig c;
    ClipText text;
    Weights w = weights_create(arena, 1);
    JsonWriter writer = {.out = written};
    Tape tape = {.arena = arena};
    ClipTextRun run = {.want_pooled = true};
    const int ids[5] = {8, 3, 6, 2, 2}; /* 6: the end token of the base; 8: the largest id */
    Status status = clip_text_config_read(&c, json, "config.json", arena, err);
    if (status != STATUS_OK)
        return status;
    clip_text_config_write(&writer, &c);
    clip_text_load(&text, &w, &c);
    status = weights_finish(&w, err);
    if (status != STATUS_OK)
        return status;
    set_by_name(&w, result);
    status = hash_result(result, &tape, clip_text(&tape, &text, ids, 1, 5, &run), err);
    if (status == STATUS_OK)
        status = hash_result(result, &tape, run.projected != NULL ? run.projected : run.pooled, err);
    return status;
}

static const char *const TEXT_BASE[][2] = {
    {"architectures", "[\"CLIPTextModelWithProjection\"]"},
    {"model_type", "\"clip_text_model\""},
    {"vocab_size", "12"},
    {"hidden_size", "8"},
    {"intermediate_size", "12"},
    {"projection_dim", "6"},
    {"num_hidden_layers", "2"},
    {"num_attention_heads", "2"},
    {"max_position_embeddings", "7"},
    {"hidden_act", "\"quick_gelu\""},
    {"layer_norm_eps", "1e-05"},
    {"attention_dropout", "0.0"},
    {"initializer_range", "0.02"},
    {"initializer_factor", "1.0"},
    {"pad_token_id", "1"},
    {"bos_token_id", "5"},
    {"eos_token_id", "6"},
    {NULL, NULL},
};

static const KeyRow TEXT_ROWS[] = {
    {"architectures", "[\"CLIPTextModel\"]", CHANGES, NULL}, /* no projection */
    {"model_type", "\"bert\"", REFUSED, NULL},
    {"vocab_size", "20", CHANGES, NULL},
    {"hidden_size", "16", CHANGES, NULL},
    {"intermediate_size", "16", CHANGES, NULL},
    {"projection_dim", "4", CHANGES, NULL},
    {"num_hidden_layers", "3", CHANGES, NULL},
    {"num_hidden_layers", "0", REFUSED, NULL},
    {"num_attention_heads", "4", CHANGES, NULL},
    {"num_attention_heads", "3", REFUSED, NULL},
    {"max_position_embeddings", "9", CHANGES, NULL},
    {"hidden_act", "\"gelu\"", CHANGES, NULL},
    {"hidden_act", "\"gelu_new\"", REFUSED, NULL},
    {"layer_norm_eps", "0.01", CHANGES, NULL},
    {"attention_dropout", "0.1", SAME, NULL}, /* training's, as the next two */
    {"initializer_range", "0.1", SAME, NULL},
    {"initializer_factor", "2.0", SAME, NULL},
    {"pad_token_id", "0", KEPT, NULL}, /* the tokenizer pads */
    {"bos_token_id", "4", KEPT, NULL},
    {"bos_token_id", "null", KEPT, NULL},
    {"eos_token_id", "3", CHANGES, NULL}, /* pooled elsewhere */
    {"eos_token_id", "2", CHANGES, NULL}, /* the largest id */
    {"eos_token_id", "null", REFUSED, NULL},
    {"tf_legacy_loss", "false", SAME, NULL},
    {"pruned_heads", "{}", SAME, NULL},
    {"pruned_heads", "{\"0\": [1]}", REFUSED, NULL},
    {"torch_dtype", "\"float16\"", SAME, NULL},
    {"num_channels", "3", REFUSED, NULL}, /* the vision model's */
};

/* ---- vision ---- */

static Status run_vision(Sha256 *result, Bytes *written, const Json *json, Arena *arena, Error *err)
{
    ClipVisionConfig c;
    ClipVision vision;
    Weights w = weights_create(arena, 1);
    JsonWriter writer = {.out = written};
    Tape tape = {.arena = arena};
    Status status = clip_vision_config_read(&c, json, "config.json", arena, err);
    if (status != STATUS_OK)
        return status;
    clip_vision_config_write(&writer, &c);
    clip_vision_load(&vision, &w, &c);
    status = weights_finish(&w, err);
    if (status != STATUS_OK)
        return status;
    set_by_name(&w, result);
    Tensor *x = any_tensor(arena, 2, 4, 1, c.channels, c.image_size, c.image_size);
    return hash_result(result, &tape, clip_vision(&tape, &vision, x, NULL), err);
}

static const char *const VISION_BASE[][2] = {
    {"architectures", "[\"CLIPVisionModelWithProjection\"]"},
    {"model_type", "\"clip_vision_model\""},
    {"hidden_size", "8"},
    {"intermediate_size", "12"},
    {"projection_dim", "6"},
    {"num_hidden_layers", "2"},
    {"num_attention_heads", "2"},
    {"num_channels", "3"},
    {"image_size", "8"},
    {"patch_size", "4"},
    {"hidden_act", "\"quick_gelu\""},
    {"layer_norm_eps", "1e-05"},
    {"attention_dropout", "0.0"},
    {"initializer_range", "0.02"},
    {"initializer_factor", "1.0"},
    {NULL, NULL},
};

static const KeyRow VISION_ROWS[] = {
    {"architectures", "[\"CLIPVisionModel\"]", CHANGES, NULL},
    {"model_type", "\"vit\"", REFUSED, NULL},
    {"hidden_size", "16", CHANGES, NULL},
    {"intermediate_size", "16", CHANGES, NULL},
    {"projection_dim", "4", CHANGES, NULL},
    {"num_hidden_layers", "3", CHANGES, NULL},
    {"num_attention_heads", "4", CHANGES, NULL},
    {"num_attention_heads", "5", REFUSED, NULL},
    {"num_channels", "1", CHANGES, NULL},
    {"image_size", "12", CHANGES, NULL},
    {"patch_size", "2", CHANGES, NULL},
    {"patch_size", "9", REFUSED, NULL},
    {"hidden_act", "\"gelu\"", CHANGES, NULL},
    {"hidden_act", "\"tanh\"", REFUSED, NULL},
    {"layer_norm_eps", "0.01", CHANGES, NULL},
    {"attention_dropout", "0.1", SAME, NULL},
    {"initializer_range", "0.1", SAME, NULL},
    {"initializer_factor", "2.0", SAME, NULL},
    {"vocab_size", "12", REFUSED, NULL}, /* the text model's */
};

int main(void)
{
    check_keys(&(KeyTable){TEXT_BASE, run_text, TEXT_ROWS, sizeof TEXT_ROWS / sizeof TEXT_ROWS[0]});
    check_keys(
        &(KeyTable){VISION_BASE, run_vision, VISION_ROWS, sizeof VISION_ROWS / sizeof VISION_ROWS[0]});
    return check_report("clip_keys");
}
