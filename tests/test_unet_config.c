#include "diffusion/unet_config.h"

#include "tests/net_cases.h"

static const char *const SMALL =
    "\"block_out_channels\": [32, 64], \"down_block_types\": [\"DownBlock2D\", \"CrossAttnDownBlock2D\"],"
    "\"up_block_types\": [\"CrossAttnUpBlock2D\", \"UpBlock2D\"]";

/* The small config with more keys; returns the sentence of the failure, empty when there is none. */
static const char *sentence(const char *more)
{
    static Error err;
    char text[2000];
    Arena arena = {0};
    UnetConfig c = {.levels = -1};
    snprintf(text, sizeof text, "{%s%s%s}", SMALL, more[0] != '\0' ? ", " : "", more);
    err = (Error){0};
    const Status status = unet_config_read(&c, json_of(&arena, text), "unet/config.json", &arena, &err);
    CHECK((status == STATUS_OK) == (err.text[0] == '\0'));
    CHECK((status == STATUS_OK) == (c.levels != -1));
    arena_free(&arena);
    return err.text;
}

static UnetConfig read_text(Arena *arena, const char *text)
{
    UnetConfig c = {0};
    Error err = {0};
    if (!CHECK(unet_config_read(&c, json_of(arena, text), "test", arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    return c;
}

static void test_absent_keys_have_the_class_defaults(void)
{
    Arena arena = {0};
    const UnetConfig c = read_text(&arena, "{}");
    const int channels[4] = {320, 640, 1280, 1280};
    CHECK(c.levels == 4 && c.in_channels == 4 && c.out_channels == 4);
    for (int i = 0; i < 4; i++) {
        const UnetLevel *l = &c.level[i];
        CHECK(l->channels == channels[i] && l->layers == 2 && l->heads == 8 &&
              l->cross_attention_dim == 1280);
        CHECK(l->transformer_layers == 1 && l->up_transformer_layers == 1 && !l->only_cross_attention);
        CHECK(l->down_attends == (i < 3) && l->up_attends == (i < 3));
    }
    CHECK(c.mid == UNET_MID_CROSS_ATTN && c.norm_num_groups == 32 && c.norm_eps == 1e-5);
    CHECK(c.flip_sin_to_cos && c.freq_shift == 0.0 && c.time_embedding_dim == 1280);
    CHECK(c.downsample_padding == 1 && c.conv_in_kernel == 3 && c.sample_height == 0);
    CHECK(!c.use_linear_projection && !c.center_input_sample);
    CHECK(unet_skip_count(&c) == 12);
    arena_free(&arena);
}

static void test_one_number_or_a_list(void)
{
    Arena arena = {0};
    char text[2000];
    snprintf(text, sizeof text,
             "{%s, \"layers_per_block\": [1, 3], \"attention_head_dim\": [2, 4], \"cross_attention_dim\": "
             "[24, 48],"
             "\"transformer_layers_per_block\": [1, 2], \"reverse_transformer_layers_per_block\": [5, 6],"
             "\"only_cross_attention\": [false, true], \"sample_size\": [8, 12], \"mid_block_type\": null}",
             SMALL);
    const UnetConfig c = read_text(&arena, text);
    const UnetLevel *fine = &c.level[0], *coarse = &c.level[1];
    CHECK(fine->layers == 1 && coarse->layers == 3 && fine->heads == 2 && coarse->heads == 4);
    CHECK(fine->cross_attention_dim == 24 && coarse->cross_attention_dim == 48);
    CHECK(fine->transformer_layers == 1 && coarse->transformer_layers == 2);
    CHECK(coarse->up_transformer_layers == 5 && fine->up_transformer_layers == 6);
    CHECK(!fine->only_cross_attention && coarse->only_cross_attention);
    CHECK(!fine->down_attends && coarse->down_attends && !fine->up_attends && coarse->up_attends);
    CHECK(c.sample_height == 8 && c.sample_width == 12 && c.mid == UNET_MID_NONE);
    CHECK(unet_skip_count(&c) == 2 + 4);
    arena_free(&arena);
}

static void test_what_is_not_done_is_refused_by_name(void)
{
    static const char *const REFUSED[] = {"\"num_attention_heads\": 8",
                                          "\"encoder_hid_dim\": 768",
                                          "\"encoder_hid_dim_type\": \"text_proj\"",
                                          "\"class_embed_type\": \"timestep\"",
                                          "\"addition_embed_type\": \"text_time\"",
                                          "\"addition_time_embed_dim\": 256",
                                          "\"num_class_embeds\": 1000",
                                          "\"time_embedding_act_fn\": \"silu\"",
                                          "\"timestep_post_act\": \"silu\"",
                                          "\"projection_class_embeddings_input_dim\": 2816",
                                          "\"cross_attention_norm\": \"layer_norm\"",
                                          "\"mid_block_only_cross_attention\": true",
                                          "\"dual_cross_attention\": true",
                                          "\"resnet_skip_time_act\": true",
                                          "\"class_embeddings_concat\": true",
                                          "\"dropout\": 0.1",
                                          "\"resnet_out_scale_factor\": 1.4",
                                          "\"resnet_time_scale_shift\": \"scale_shift\"",
                                          "\"time_embedding_type\": \"fourier\"",
                                          "\"attention_type\": \"gated\"",
                                          "\"act_fn\": \"mish\"",
                                          "\"mid_block_type\": \"UNetMidBlock2DSimpleCrossAttn\"",
                                          "\"norm_num_groups\": null",
                                          "\"conv_in_kernel\": 4",
                                          "\"downsample_padding\": 2",
                                          "\"in_channels\": 0",
                                          "\"layers_per_block\": 0",
                                          "\"layers_per_block\": [1]",
                                          "\"freq_shift\": 1.5",
                                          "\"norm_num_groups\": 24",
                                          "\"attention_head_dim\": 7",
                                          "\"cross_attention_dim\": [[1, 2], 3]",
                                          "\"some_new_setting\": true"};
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        char key[80];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(REFUSED[i], ":"), REFUSED[i]);
        CHECK_TEXT(sentence(REFUSED[i]), "unet/config.json: ");
        CHECK_TEXT(sentence(REFUSED[i]), key);
    }
    CHECK(strcmp(sentence(""), "") == 0);
    CHECK(strcmp(sentence("\"upcast_attention\": true, \"act_fn\": \"swish\", \"_name_or_path\": \"x\""),
                 "") == 0);
}

static void test_lists_have_to_fit(void)
{
    Arena arena = {0};
    UnetConfig c;
    Error err = {0};
    const char *three = "{\"block_out_channels\": [32, 64, 64]}";
    CHECK(unet_config_read(&c, json_of(&arena, three), "c", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "\"down_block_types\" is absent, expected a list of 3 block types");
    err = (Error){0};
    const char *wrong =
        "{\"down_block_types\": [\"DownBlock2D\", \"DownBlock2D\", \"DownBlock2D\", \"AttnDownBlock2D\"]}";
    CHECK(unet_config_read(&c, json_of(&arena, wrong), "c", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "\"AttnDownBlock2D\"");
    err = (Error){0};
    CHECK(unet_config_read(&c, json_of(&arena, "{\"block_out_channels\": []}"), "c", &arena, &err) ==
          STATUS_FORMAT);
    CHECK_TEXT(err.text, "block_out_channels");
    err = (Error){0};
    CHECK(unet_config_read(&c, json_of(&arena, "{\"block_out_channels\": [320, 640, 1280, 70000]}"), "c",
                           &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "whole numbers in 1 to 65536");
    arena_free(&arena);
}

/* Writes c and reads that again. */
static void check_round_trip(const UnetConfig *c)
{
    Arena arena = {0};
    Bytes bytes = {.arena = &arena};
    JsonWriter w = {.out = &bytes};
    UnetConfig again = {0};
    Error err = {0};
    const Json *json = NULL;
    unet_config_write(&w, c);
    CHECK(!bytes.failed);
    CHECK(json_parse(&json, (const char *)bytes.data, bytes.size, "written", &arena, &err) == STATUS_OK);
    CHECK(unet_config_read(&again, json, "written", &arena, &err) == STATUS_OK);
    if (!CHECK(unet_config_same(c, &again)))
        printf("    %s\n%.*s\n", err.text, (int)bytes.size, (const char *)bytes.data);
    arena_free(&arena);
}

static void test_written_and_read_again_it_is_the_same(void)
{
    Arena arena = {0};
    char text[2000];
    snprintf(
        text, sizeof text,
        "{%s, \"layers_per_block\": [1, 3], \"attention_head_dim\": [2, 4], \"cross_attention_dim\": [24, "
        "48],"
        "\"transformer_layers_per_block\": [1, 2], \"reverse_transformer_layers_per_block\": [5, 6],"
        "\"only_cross_attention\": [false, true], \"sample_size\": [8, 12], \"mid_block_type\": null,"
        "\"time_embedding_dim\": 96, \"time_cond_proj_dim\": 256, \"norm_eps\": 1e-6, \"freq_shift\": 1, "
        "\"flip_sin_to_cos\": false,"
        "\"center_input_sample\": true, \"upcast_attention\": true, \"use_linear_projection\": true,"
        "\"downsample_padding\": 0, \"conv_in_kernel\": 1, \"conv_out_kernel\": 5, \"out_channels\": 8,"
        "\"in_channels\": 9, \"norm_num_groups\": 16, \"mid_block_scale_factor\": 1.4142}",
        SMALL);
    const UnetConfig odd = read_text(&arena, text), usual = read_text(&arena, "{}");
    check_round_trip(&odd);
    check_round_trip(&usual);
    CHECK(!unet_config_same(&odd, &usual));
    arena_free(&arena);
}

static void test_controlnet_shares_the_keys(void)
{
    static const char *const OWN[] = {"conditioning_channels", NULL};
    Arena arena = {0};
    UnetConfig c = {0};
    Error err = {0};
    const char *text =
        "{\"_class_name\": \"ControlNetModel\", \"conditioning_channels\": 3,"
        "\"block_out_channels\": [32, 64], \"down_block_types\": [\"DownBlock2D\", \"DownBlock2D\"]}";
    CHECK(unet_config_read_controlnet(&c, json_of(&arena, text), "c", OWN, &arena, &err) == STATUS_OK);
    CHECK(c.levels == 2 && c.conv_in_kernel == 3 && c.time_embedding_dim == 128);
    CHECK(unet_config_read(&c, json_of(&arena, text), "c", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "_class_name");
    arena_free(&arena);
}

static void test_checkpoints_of_the_cases(void)
{
    static const char *const PATHS[] = {"models/sd1-tiny/unet/config.json",
                                        "models/sd2-tiny/unet/config.json"};
    Arena arena = {0};
    for (int i = 0; i < 2 && case_exists("a-sd1-ddim-cfg7.5"); i++) {
        UnetConfig c;
        Error err = {0};
        if (!CHECK(unet_config_read(&c, case_json(&arena, PATHS[i]), PATHS[i], &arena, &err) ==
                   STATUS_OK)) {
            printf("    %s\n", err.text);
            continue;
        }
        check_round_trip(&c);
        CHECK(c.use_linear_projection == (i == 1) && c.level[1].heads == 4);
    }
    arena_free(&arena);
}

typedef struct {
    Arena arena;
    const Json *json;
} Reading;

static Status read_again(void *context)
{
    Reading *r = context;
    UnetConfig c;
    const ArenaMark mark = arena_mark(&r->arena);
    const Status status = unet_config_read(&c, r->json, "c", &r->arena, NULL);
    arena_release(&r->arena, mark);
    return status;
}

static void test_failing_allocations(void)
{
    Arena texts = {0};
    Reading r = {.json = json_of(&texts, "{}")};
    check_allocations(read_again, &r, &r.arena);
    arena_free(&r.arena);
    arena_free(&texts);
}

int main(void)
{
    test_absent_keys_have_the_class_defaults();
    test_one_number_or_a_list();
    test_what_is_not_done_is_refused_by_name();
    test_lists_have_to_fit();
    test_written_and_read_again_it_is_the_same();
    test_controlnet_shares_the_keys();
    test_checkpoints_of_the_cases();
    test_failing_allocations();
    return check_report("unet_config");
}
