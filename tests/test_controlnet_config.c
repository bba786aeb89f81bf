/* ControlNetModel's config.json: defaults, round trips, a U-Net's half (its keys one by one: test_control_keys.c). */
#include "diffusion/controlnet_config.h"

#include "diffusion/t2i_adapter_config.h"
#include "tests/net_check.h"

static const char *const SMALL =
    "{\"block_out_channels\": [32, 64], \"down_block_types\": [\"DownBlock2D\", \"CrossAttnDownBlock2D\"],"
    "\"layers_per_block\": [1, 3], \"attention_head_dim\": [2, 4], \"cross_attention_dim\": [24, 48],"
    "\"transformer_layers_per_block\": [1, 2], \"only_cross_attention\": [false, true], \"norm_eps\": 1e-6,"
    "\"flip_sin_to_cos\": false, \"freq_shift\": 1, \"downsample_padding\": 0, \"norm_num_groups\": 16,"
    "\"use_linear_projection\": true, \"upcast_attention\": true, \"mid_block_type\": \"UNetMidBlock2D\","
    "\"mid_block_scale_factor\": 1.5, \"in_channels\": 9, \"conditioning_channels\": 1,"
    "\"conditioning_embedding_out_channels\": [4, 8], \"global_pool_conditions\": true,"
    "\"controlnet_conditioning_channel_order\": \"bgr\"}";

static ControlNetConfig read_text(Arena *arena, const char *text)
{
    ControlNetConfig c = {0};
    Error err = {0};
    if (!CHECK(controlnet_config_read(&c, json_of(arena, text), "test", arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    return c;
}

static void check_round_trip(const ControlNetConfig *c)
{
    Arena arena = {0};
    Bytes bytes = {.arena = &arena};
    JsonWriter w = {.out = &bytes};
    controlnet_config_write(&w, c);
    bytes_add_byte(&bytes, 0);
    const ControlNetConfig again = read_text(&arena, (const char *)bytes.data);
    CHECK(!bytes.failed && controlnet_config_same(c, &again));
    arena_free(&arena);
}

static void test_defaults_and_round_trips(void)
{
    Arena arena = {0};
    const ControlNetConfig usual = read_text(&arena, "{}"), odd = read_text(&arena, SMALL);
    CHECK(usual.conditioning_channels == 3 && usual.embedding_levels == 4 && !usual.bgr);
    CHECK(usual.embedding_channels[0] == 16 && usual.embedding_channels[3] == 256);
    CHECK(controlnet_factor(&usual) == 8 && controlnet_residuals(&usual) == 12);
    CHECK(usual.unet.level[3].channels == 1280 && usual.unet.mid == UNET_MID_CROSS_ATTN);
    CHECK(odd.bgr && odd.global_pool_conditions && controlnet_factor(&odd) == 2);
    CHECK(controlnet_residuals(&odd) == 6 && odd.conditioning_channels == 1);
    check_round_trip(&usual);
    check_round_trip(&odd);
    CHECK(!controlnet_config_same(&usual, &odd));
    ControlNetConfig other = odd;
    other.embedding_channels[1] = 9;
    CHECK(!controlnet_config_same(&other, &odd));
    arena_free(&arena);
}

static const char *const UNET =
    "\"block_out_channels\": [32, 64], \"down_block_types\": [\"DownBlock2D\", \"CrossAttnDownBlock2D\"],"
    "\"up_block_types\": [\"CrossAttnUpBlock2D\", \"UpBlock2D\"], \"sample_size\": 16, \"out_channels\": 5,"
    "\"conv_out_kernel\": 5, \"time_cond_proj_dim\": 64";

static Status config_for(ControlNetConfig *out, Arena *arena, const char *more, Error *err)
{
    char text[1000];
    UnetConfig unet;
    snprintf(text, sizeof text, "{%s%s}", UNET, more);
    const Status status = unet_config_read(&unet, json_of(arena, text), "unet", arena, err);
    return status == STATUS_OK ? controlnet_config_for(out, &unet, arena, err) : status;
}

static void test_the_half_of_a_unet(void)
{
    static const char *const WITHOUT[] = {"mid_block_type", "conv_in_kernel", "center_input_sample",
                                          "time_embedding_dim"};
    static const char *const VALUES[] = {"null", "5", "true", "100"};
    Arena arena = {0};
    ControlNetConfig c;
    Error err = {0};
    CHECK(config_for(&c, &arena, "", &err) == STATUS_OK);
    CHECK(c.embedding_levels == 4 && c.unet.level[1].channels == 64 && c.unet.level[1].down_attends);
    check_round_trip(&c);
    for (int i = 0; i < 4; i++) {
        char more[100];
        err = (Error){0};
        snprintf(more, sizeof more, ", \"%s\": %s", WITHOUT[i], VALUES[i]);
        CHECK(config_for(&c, &arena, more, &err) == STATUS_ARGUMENT);
        CHECK_TEXT(err.text, WITHOUT[i]);
    }
    arena_free(&arena);
}

static void test_an_adapter_round_trip(void)
{
    Arena arena = {0};
    Error err = {0};
    AdapterConfig usual, light, again;
    Bytes bytes = {.arena = &arena};
    JsonWriter w = {.out = &bytes};
    const char *text = "{\"adapter_type\": \"light_adapter\", \"channels\": [4, 8], \"in_channels\": 1,"
                       "\"num_res_blocks\": 4, \"downscale_factor\": 16}";
    CHECK(t2i_adapter_config_read(&usual, json_of(&arena, "{}"), "a", &arena, &err) == STATUS_OK);
    CHECK(usual.type == ADAPTER_FULL && usual.levels == 4 && usual.channels[3] == 1280 &&
          usual.num_res_blocks == 2 && usual.downscale_factor == 8 && usual.in_channels == 3);
    CHECK(t2i_adapter_features(&usual) == 4);
    CHECK(t2i_adapter_config_read(&light, json_of(&arena, text), "a", &arena, &err) == STATUS_OK);
    CHECK(t2i_adapter_features(&light) == 3 && !t2i_adapter_config_same(&usual, &light));
    t2i_adapter_config_write(&w, &light);
    bytes_add_byte(&bytes, 0);
    CHECK(t2i_adapter_config_read(&again, json_of(&arena, (const char *)bytes.data), "a", &arena, &err) ==
          STATUS_OK);
    CHECK(t2i_adapter_config_same(&light, &again));
    arena_free(&arena);
}

typedef struct {
    Arena arena;
    const Json *json;
} Reading;

static Status read_again(void *context)
{
    Reading *r = context;
    ControlNetConfig c;
    AdapterConfig a;
    const ArenaMark mark = arena_mark(&r->arena);
    Status status = controlnet_config_read(&c, r->json, "c", &r->arena, NULL);
    if (status == STATUS_OK)
        status = controlnet_config_for(&c, &c.unet, &r->arena, NULL);
    if (status == STATUS_OK)
        status = t2i_adapter_config_read(&a, r->json, "a", &r->arena, NULL);
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
    test_defaults_and_round_trips();
    test_the_half_of_a_unet();
    test_an_adapter_round_trip();
    test_failing_allocations();
    return check_report("controlnet_config");
}
