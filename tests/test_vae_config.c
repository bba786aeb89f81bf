#include "diffusion/vae_config.h"

#include "tests/net_cases.h"

static const char *sentence(const char *keys)
{
    static Error err;
    char text[1000];
    Arena arena = {0};
    VaeConfig c = {.levels = -1};
    snprintf(text, sizeof text, "{%s}", keys);
    err = (Error){0};
    const Status status = vae_config_read(&c, json_of(&arena, text), "vae/config.json", &arena, &err);
    CHECK((status == STATUS_OK) == (err.text[0] == '\0'));
    CHECK((status == STATUS_OK) == (c.levels != -1));
    arena_free(&arena);
    return err.text;
}

static VaeConfig read_text(const char *text)
{
    Arena arena = {0};
    VaeConfig c = {0};
    Error err = {0};
    if (!CHECK(vae_config_read(&c, json_of(&arena, text), "test", &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    arena_free(&arena);
    return c;
}

static void test_absent_keys_have_the_class_defaults(void)
{
    const VaeConfig c = read_text("{}");
    CHECK(c.levels == 1 && c.channels[0] == 64 && c.layers == 1 && c.norm_num_groups == 32);
    CHECK(c.in_channels == 3 && c.out_channels == 3 && c.latent_channels == 4);
    CHECK(c.scaling_factor == 0.18215 && c.shift_factor == 0.0 && c.force_upcast);
    CHECK(c.mid_block_add_attention && c.use_quant_conv && c.use_post_quant_conv);
    CHECK(c.sample_height == 32 && c.sample_width == 32 && vae_factor(&c) == 1);
}

static void test_what_is_not_done_is_refused_by_name(void)
{
    static const char *const REFUSED[] = {
        "\"act_fn\": \"gelu\"",
        "\"latents_mean\": [0.1, 0.2, 0.3, 0.4]",
        "\"latents_std\": [1, 1, 1, 1]",
        "\"down_block_types\": [\"AttnDownEncoderBlock2D\"]",
        "\"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]",
        "\"norm_num_groups\": 48",
        "\"latent_channels\": \"four\"",
        "\"scaling_factor\": 0",
        "\"sample_size\": -1",
        "\"unknown_key\": 0",
        "\"_class_name\": \"AsymmetricAutoencoderKL\""};
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        char key[80];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(REFUSED[i], ":"), REFUSED[i]);
        CHECK_TEXT(sentence(REFUSED[i]), "vae/config.json: ");
        CHECK_TEXT(sentence(REFUSED[i]), key);
    }
    CHECK_TEXT(sentence("\"block_out_channels\": [32, 64]"), "down_block_types");
    CHECK(strcmp(sentence("\"latents_mean\": null, \"shift_factor\": null, \"force_upcast\": false"), "") ==
          0);
}

static void check_round_trip(const VaeConfig *c)
{
    Arena arena = {0};
    Bytes bytes = {.arena = &arena};
    JsonWriter w = {.out = &bytes};
    VaeConfig again = {0};
    Error err = {0};
    const Json *json = NULL;
    vae_config_write(&w, c);
    CHECK(!bytes.failed);
    CHECK(json_parse(&json, (const char *)bytes.data, bytes.size, "written", &arena, &err) == STATUS_OK);
    CHECK(vae_config_read(&again, json, "written", &arena, &err) == STATUS_OK);
    if (!CHECK(vae_config_same(c, &again)))
        printf("    %s\n%.*s\n", err.text, (int)bytes.size, (const char *)bytes.data);
    arena_free(&arena);
}

static void test_written_and_read_again_it_is_the_same(void)
{
    const VaeConfig usual = read_text("{}");
    const VaeConfig odd = read_text(
        "{\"block_out_channels\": [24, 48, 72], \"norm_num_groups\": 12, \"layers_per_block\": 3,"
        "\"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
        "\"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\", \"UpDecoderBlock2D\"],"
        "\"in_channels\": 1, \"out_channels\": 2, \"latent_channels\": 16, \"sample_size\": [48, 64],"
        "\"scaling_factor\": 0.3611, \"shift_factor\": 0.1159, \"force_upcast\": false,"
        "\"mid_block_add_attention\": false, \"use_quant_conv\": false, \"use_post_quant_conv\": false}");
    CHECK(odd.levels == 3 && odd.channels[2] == 72 && vae_factor(&odd) == 4 && odd.shift_factor == 0.1159);
    CHECK(odd.sample_height == 48 && odd.sample_width == 64 && !odd.use_quant_conv);
    check_round_trip(&usual);
    check_round_trip(&odd);
    CHECK(!vae_config_same(&usual, &odd));
}

static void test_checkpoints_of_the_cases(void)
{
    static const char *const PATHS[] = {"models/sd1-tiny/vae/config.json",
                                        "models/sd2-tiny/vae/config.json"};
    Arena arena = {0};
    for (int i = 0; i < 2 && case_exists("a-sd1-ddim-cfg7.5"); i++) {
        VaeConfig c;
        Error err = {0};
        if (!CHECK(vae_config_read(&c, case_json(&arena, PATHS[i]), PATHS[i], &arena, &err) == STATUS_OK)) {
            printf("    %s\n", err.text);
            continue;
        }
        check_round_trip(&c);
        CHECK(vae_factor(&c) == (i == 0 ? 4 : 2));
    }
    arena_free(&arena);
}

int main(void)
{
    test_absent_keys_have_the_class_defaults();
    test_what_is_not_done_is_refused_by_name();
    test_written_and_read_again_it_is_the_same();
    test_checkpoints_of_the_cases();
    return check_report("vae_config");
}
