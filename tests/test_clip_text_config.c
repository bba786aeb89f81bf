/* CLIPTextConfig: every key honoured, passed over or refused; written and read again. */
#include "diffusion/clip_text_config.h"

#include "tests/net_check.h"

static void test_defaults(void)
{
    Arena arena = {0};
    ClipTextConfig c = {0};
    CHECK(clip_text_config_read(&c, json_of(&arena, "{}"), "config.json", &arena, NULL) == STATUS_OK);
    CHECK(c.vocab_size == 49408 && c.positions == 77 && c.shape.width == 512 && c.shape.inner == 2048);
    CHECK(c.shape.layers == 12 && c.shape.heads == 8 && c.shape.act == ACTIVATION_QUICK_GELU);
    CHECK(c.shape.eps == 1e-5f && c.shape.causal && c.eos_token_id == 49407 && !c.has_projection);
    arena_free(&arena);
}

/* The text encoder of Stable Diffusion 1.4, as it was published. */
static const char SD14[] =
    "{\"_name_or_path\": \"openai/clip-vit-large-patch14\", \"architectures\": [\"CLIPTextModel\"],"
    "\"attention_dropout\": 0.0, \"bos_token_id\": 0, \"dropout\": 0.0, \"eos_token_id\": 2,"
    "\"hidden_act\": \"quick_gelu\", \"hidden_size\": 768, \"initializer_factor\": 1.0,"
    "\"initializer_range\": 0.02, \"intermediate_size\": 3072, \"layer_norm_eps\": 1e-05,"
    "\"max_position_embeddings\": 77, \"model_type\": \"clip_text_model\", \"num_attention_heads\": 12,"
    "\"num_hidden_layers\": 12, \"pad_token_id\": 1, \"torch_dtype\": \"float32\","
    "\"transformers_version\": \"4.21.0.dev0\", \"vocab_size\": 49408}";

static void test_published_file_and_back(void)
{
    Arena arena = {0};
    ClipTextConfig c = {0}, again = {0};
    CHECK(clip_text_config_read(&c, json_of(&arena, SD14), "config.json", &arena, NULL) == STATUS_OK);
    CHECK(c.shape.width == 768 && c.shape.heads == 12 && c.eos_token_id == 2 && c.bos_token_id == 0);
    c.shape.act = ACTIVATION_GELU;
    c.has_projection = true;
    c.projection_dim = 33;
    c.shape.layers = 23;
    Bytes b = {.arena = &arena};
    JsonWriter w = {.out = &b};
    clip_text_config_write(&w, &c);
    bytes_add_byte(&b, 0);
    CHECK(clip_text_config_read(&again, json_of(&arena, (const char *)b.data), "again", &arena, NULL) ==
          STATUS_OK);
    CHECK(again.shape.act == ACTIVATION_GELU && again.has_projection && again.projection_dim == 33);
    CHECK(again.shape.layers == 23 && again.shape.eps == c.shape.eps && again.eos_token_id == 2);
    CHECK(again.vocab_size == c.vocab_size && again.shape.inner == 3072 && again.pad_token_id == 1);
    arena_free(&arena);
}

static void refuse(const char *text, const char *why)
{
    Arena arena = {0};
    ClipTextConfig c = {.vocab_size = -4};
    Error err = {0};
    CHECK(clip_text_config_read(&c, json_of(&arena, text), "config.json", &arena, &err) == STATUS_FORMAT);
    CHECK(c.vocab_size == -4);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    refuse("[]", "config.json");
    refuse("{\"hiden_size\": 3}", "hiden_size");
    refuse("{\"hidden_act\": \"gelu_new\"}", "gelu_new");
    refuse("{\"hidden_size\": 0}", "hidden_size");
    refuse("{\"hidden_size\": 1e9}", "hidden_size");
    refuse("{\"num_attention_heads\": 7}", "expected a divisor of hidden_size 512");
    refuse("{\"num_hidden_layers\": \"many\"}", "num_hidden_layers");
    refuse("{\"model_type\": \"bert\"}", "model_type");
    refuse("{\"layer_norm_eps\": -1}", "layer_norm_eps");
}

int main(void)
{
    test_defaults();
    test_published_file_and_back();
    test_refused();
    return check_report("clip_text_config");
}
