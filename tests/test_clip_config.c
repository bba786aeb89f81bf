/* CLIPConfig: both halves, older files, what is refused; written and read again. */
#include "diffusion/clip_config.h"

#include "tests/net_check.h"

static void test_defaults(void)
{
    Arena arena = {0};
    ClipConfig c = {0};
    CHECK(clip_config_read(&c, json_of(&arena, "{}"), "config.json", &arena, NULL) == STATUS_OK);
    CHECK(c.projection_dim == 512 && c.logit_scale_init == 2.6592);
    CHECK(c.text.shape.width == 512 && c.vision.shape.width == 768 && c.vision.patch_size == 32);
    CHECK(c.text.has_projection && c.vision.has_projection);
    arena_free(&arena);
}

/* openai/clip-vit-base-patch32 as it was published, without its lists of nulls. */
static const char PUBLISHED[] =
    "{\"_name_or_path\": \"openai/clip-vit-base-patch32\", \"architectures\": [\"CLIPModel\"],"
    "\"initializer_factor\": 1.0, \"logit_scale_init_value\": 2.6592, \"model_type\": \"clip\","
    "\"projection_dim\": 512, \"text_config\": {\"_name_or_path\": \"\", \"add_cross_attention\": false,"
    "\"architectures\": null, \"attention_dropout\": 0.0, \"bad_words_ids\": null, \"bos_token_id\": 0,"
    "\"chunk_size_feed_forward\": 0, \"diversity_penalty\": 0.0, \"do_sample\": false, \"dropout\": 0.0,"
    "\"early_stopping\": false, \"encoder_no_repeat_ngram_size\": 0, \"eos_token_id\": 2,"
    "\"hidden_act\": \"quick_gelu\", \"hidden_size\": 512, \"id2label\": {\"0\": \"LABEL_0\"},"
    "\"initializer_factor\": 1.0, \"initializer_range\": 0.02, \"intermediate_size\": 2048,"
    "\"is_decoder\": false, \"is_encoder_decoder\": false, \"label2id\": {\"LABEL_0\": 0},"
    "\"layer_norm_eps\": 1e-05, \"length_penalty\": 1.0, \"max_length\": 20,"
    "\"max_position_embeddings\": 77, \"min_length\": 0, \"model_type\": \"clip_text_model\","
    "\"no_repeat_ngram_size\": 0, \"num_attention_heads\": 8, \"num_beam_groups\": 1, \"num_beams\": 1,"
    "\"num_hidden_layers\": 12, \"num_return_sequences\": 1, \"output_scores\": false, \"pad_token_id\": 1,"
    "\"projection_dim\": 77, \"pruned_heads\": {}, \"remove_invalid_values\": false,"
    "\"repetition_penalty\": 1.0, \"return_dict\": true, \"return_dict_in_generate\": false,"
    "\"temperature\": 1.0, \"tie_encoder_decoder\": false, \"tie_word_embeddings\": true, \"top_k\": 50,"
    "\"top_p\": 1.0, \"torchscript\": false, \"use_bfloat16\": false, \"vocab_size\": 49408},"
    "\"text_config_dict\": null, \"torch_dtype\": \"float32\", \"transformers_version\": null,"
    "\"vision_config\": {\"dropout\": 0.0, \"hidden_size\": 768, \"image_size\": 224, \"patch_size\": 16,"
    "\"model_type\": \"clip_vision_model\"}, \"vision_config_dict\": null}";

static void test_published_file_and_back(void)
{
    Arena arena = {0};
    ClipConfig c = {0}, again = {0};
    Error err = {0};
    if (!CHECK(clip_config_read(&c, json_of(&arena, PUBLISHED), "config.json", &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(c.text.eos_token_id == 2 && c.text.shape.heads == 8 && c.vision.patch_size == 16);
    CHECK(c.text.projection_dim == 512 && c.vision.projection_dim == 512); /* not the inner one, 77 */
    c.projection_dim = c.text.projection_dim = c.vision.projection_dim = 24;
    c.logit_scale_init = 1.5;
    c.text.shape.layers = 3;
    c.vision.shape.layers = 4;
    c.vision.shape.act = ACTIVATION_GELU;
    Bytes b = {.arena = &arena};
    JsonWriter w = {.out = &b};
    clip_config_write(&w, &c);
    bytes_add_byte(&b, 0);
    CHECK(clip_config_read(&again, json_of(&arena, (const char *)b.data), "again", &arena, NULL) ==
          STATUS_OK);
    CHECK(again.projection_dim == 24 && again.text.projection_dim == 24 && again.logit_scale_init == 1.5);
    CHECK(again.text.shape.layers == 3 && again.vision.shape.layers == 4);
    CHECK(again.text.shape.act == ACTIVATION_QUICK_GELU && again.vision.shape.act == ACTIVATION_GELU);
    CHECK(again.vision.patch_size == 16 && again.text.vocab_size == 49408);
    arena_free(&arena);
}

static void test_older_keys_count_first(void)
{
    Arena arena = {0};
    ClipConfig c = {0};
    CHECK(clip_config_read(&c,
                           json_of(&arena, "{\"text_config\": {\"hidden_size\": 64},"
                                           "\"text_config_dict\": {\"hidden_size\": 32},"
                                           "\"vision_config\": {\"hidden_size\": 36}}"),
                           "config.json", &arena, NULL) == STATUS_OK);
    CHECK(c.text.shape.width == 32 && c.vision.shape.width == 36);
    arena_free(&arena);
}

static void refuse(const char *text, const char *why)
{
    Arena arena = {0};
    ClipConfig c = {.projection_dim = -4};
    Error err = {0};
    CHECK(clip_config_read(&c, json_of(&arena, text), "config.json", &arena, &err) == STATUS_FORMAT);
    CHECK(c.projection_dim == -4);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    refuse("[]", "config.json");
    refuse("{\"model_type\": \"siglip\"}", "siglip");
    refuse("{\"projection_dim\": 0}", "projection_dim");
    refuse("{\"fusion\": true}", "fusion");
    refuse("{\"text_config\": 7}", "config.json (text_config)");
    refuse("{\"text_config\": {\"hidden_act\": \"mish\"}}", "config.json (text_config): \"hidden_act\"");
    refuse("{\"vision_config\": {\"image_size\": -1}}", "config.json (vision_config): \"image_size\"");
    refuse("{\"vision_config_dict\": {\"patch\": 4}}", "\"patch\"");
}

int main(void)
{
    test_defaults();
    test_published_file_and_back();
    test_older_keys_count_first();
    test_refused();
    return check_report("clip_config");
}
