/* CLIPVisionConfig: every key honoured, passed over or refused; written and read again. */
#include "diffusion/clip_vision_config.h"

#include "tests/net_check.h"

static void test_defaults(void)
{
    Arena arena = {0};
    ClipVisionConfig c = {0};
    CHECK(clip_vision_config_read(&c, json_of(&arena, "{}"), "config.json", &arena, NULL) == STATUS_OK);
    CHECK(c.channels == 3 && c.image_size == 224 && c.patch_size == 32 && clip_vision_grid(&c) == 7);
    CHECK(c.shape.width == 768 && c.shape.inner == 3072 && c.shape.layers == 12 && c.shape.heads == 12);
    CHECK(c.shape.act == ACTIVATION_QUICK_GELU && c.shape.eps == 1e-5f && !c.shape.causal);
    CHECK(c.projection_dim == 512 && !c.has_projection);
    arena_free(&arena);
}

/* The image encoder of a published model for pictures as prompts, h94/IP-Adapter. */
static const char PUBLISHED[] =
    "{\"_name_or_path\": \"./image_encoder\", \"architectures\": [\"CLIPVisionModelWithProjection\"],"
    "\"attention_dropout\": 0.0, \"dropout\": 0.0, \"hidden_act\": \"gelu\", \"hidden_size\": 1280,"
    "\"image_size\": 224, \"initializer_factor\": 1.0, \"initializer_range\": 0.02,"
    "\"intermediate_size\": 5120, \"layer_norm_eps\": 1e-05, \"model_type\": \"clip_vision_model\","
    "\"num_attention_heads\": 16, \"num_channels\": 3, \"num_hidden_layers\": 32, \"patch_size\": 14,"
    "\"projection_dim\": 1024, \"torch_dtype\": \"float16\", \"transformers_version\": \"4.28.0.dev0\"}";

static void test_published_file_and_back(void)
{
    Arena arena = {0};
    ClipVisionConfig c = {0}, again = {0};
    CHECK(clip_vision_config_read(&c, json_of(&arena, PUBLISHED), "config.json", &arena, NULL) ==
          STATUS_OK);
    CHECK(c.shape.width == 1280 && c.shape.layers == 32 && c.shape.act == ACTIVATION_GELU);
    CHECK(clip_vision_grid(&c) == 16 && c.has_projection && c.projection_dim == 1024);
    c.channels = 4;
    c.image_size = 65;
    c.patch_size = 16;
    c.shape.eps = 0x1p-10f;
    Bytes b = {.arena = &arena};
    JsonWriter w = {.out = &b};
    clip_vision_config_write(&w, &c);
    bytes_add_byte(&b, 0);
    CHECK(clip_vision_config_read(&again, json_of(&arena, (const char *)b.data), "again", &arena, NULL) ==
          STATUS_OK);
    CHECK(again.channels == 4 && again.image_size == 65 && again.patch_size == 16);
    CHECK(clip_vision_grid(&again) == 4 && again.shape.eps == 0x1p-10f && again.has_projection);
    CHECK(again.shape.width == 1280 && again.shape.inner == 5120 && again.shape.layers == 32);
    CHECK(again.shape.heads == 16 && again.shape.act == ACTIVATION_GELU && again.projection_dim == 1024);
    arena_free(&arena);
}

static void refuse(const char *text, const char *why)
{
    Arena arena = {0};
    ClipVisionConfig c = {.channels = -4};
    Error err = {0};
    CHECK(clip_vision_config_read(&c, json_of(&arena, text), "config.json", &arena, &err) == STATUS_FORMAT);
    CHECK(c.channels == -4);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    refuse("3", "config.json");
    refuse("{\"vocab_size\": 3}", "vocab_size");
    refuse("{\"hidden_act\": \"gelu_new\"}", "gelu_new");
    refuse("{\"image_size\": 0}", "image_size");
    refuse("{\"image_size\": [224, 224]}", "image_size");
    refuse("{\"image_size\": 16}", "expected at most image_size 16");
    refuse("{\"num_channels\": -3}", "num_channels");
    refuse("{\"num_attention_heads\": 7}", "expected a divisor of hidden_size 768");
    refuse("{\"model_type\": \"clip_text_model\"}", "model_type");
    refuse("{\"projection_dim\": 0}", "projection_dim");
}

int main(void)
{
    test_defaults();
    test_published_file_and_back();
    test_refused();
    return check_report("clip_vision_config");
}
