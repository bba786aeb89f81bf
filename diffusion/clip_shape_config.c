#include "diffusion/clip_shape_config.h"

#include <string.h>

/* transformers' names; "gelu_new" and the like, which approximate, are not among them. */
static const char *const ACTIVATION_NAMES[] = {"quick_gelu", "gelu", "relu", "silu", NULL};
static const Activation ACTIVATIONS[] = {ACTIVATION_QUICK_GELU, ACTIVATION_GELU, ACTIVATION_RELU,
                                         ACTIVATION_SILU};

/* Rates of dropout, the drawing of first weights, the form of results, and what PretrainedConfig keeps for models
 * that generate text. */
static const char *const PASSED_OVER[] = {
    "add_cross_attention",
    "architectures",
    "attention_dropout",
    "chunk_size_feed_forward",
    "diversity_penalty",
    "do_sample",
    "dropout",
    "dtype",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "gradient_checkpointing",
    "id2label",
    "initializer_factor",
    "initializer_range",
    "is_decoder",
    "is_encoder_decoder",
    "label2id",
    "length_penalty",
    "max_length",
    "min_length",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict",
    "return_dict_in_generate",
    "temperature",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "tie_word_embeddings",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "typical_p",
    "use_bfloat16",
    "use_cache",
    NULL,
};

void clip_config_pass_over(ConfigReader *r)
{
    for (int i = 0; PASSED_OVER[i] != NULL; i++)
        config_get(r, PASSED_OVER[i]);
    if (json_count(config_get(r, "pruned_heads")) != 0)
        config_refuse(r, "pruned_heads", "only a model with all of its heads is supported");
}

const char *clip_activation_name(Activation act)
{
    int i = 0;
    while (ACTIVATIONS[i] != act)
        i++;
    return ACTIVATION_NAMES[i];
}

ClipShape clip_shape_read(ConfigReader *r, const ClipShape *defaults)
{
    ClipShape s = *defaults;
    s.width = config_int(r, "hidden_size", s.width, 1, CLIP_WIDTH_MAX);
    s.inner = config_int(r, "intermediate_size", s.inner, 1, CLIP_WIDTH_MAX);
    s.layers = config_int(r, "num_hidden_layers", s.layers, 1, CLIP_LAYERS_MAX);
    s.heads = config_int(r, "num_attention_heads", s.heads, 1, CLIP_WIDTH_MAX);
    s.act = ACTIVATIONS[config_choice(r, "hidden_act", 0, ACTIVATION_NAMES)];
    s.eps = (float)config_number(r, "layer_norm_eps", 1e-5, 0.0, 1.0);
    clip_config_pass_over(r);
    if (s.width % s.heads != 0)
        config_refuse(r, "num_attention_heads", "expected a divisor of hidden_size %d", s.width);
    return s;
}

bool clip_config_names(const Json *architectures, const char *class_name)
{
    for (size_t i = 0; i < json_count(architectures); i++)
        if (strcmp(json_text(json_at(architectures, i), ""), class_name) == 0)
            return true;
    return false;
}
