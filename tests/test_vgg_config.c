#include "diffusion/vgg_config.h"

#include "tests/net_check.h"

static const char *const SMALL =
    "{\"_class_name\": \"VGG\", \"in_channels\": 3, \"sample_size\": 32, \"features\": [4, \"M\", 6, 5, "
    "\"M\"], "
    "\"pooled_size\": 2, \"hidden\": [7], \"hidden_activation\": \"identity\", \"noise_levels\": 21, "
    "\"image_mean\": [0.5, 0.25, 0.125], \"image_std\": [1, 2, 0.5], "
    "\"heads\": {\"class\": [\"nothing\", \"rose\"], \"style\": 7}}";

static void test_every_key(void)
{
    Arena arena = {0};
    Error err = {0};
    VggConfig c = {0};
    CHECK(vgg_config_read(&c, json_of(&arena, SMALL), "small", &arena, &err) == STATUS_OK);
    CHECK(c.in_channels == 3 && c.sample_size == 32 && c.layers == 5 && c.pooled_size == 2);
    CHECK(c.layer[0] == 4 && c.layer[1] == 0 && c.layer[2] == 6 && c.layer[3] == 5 && c.layer[4] == 0);
    CHECK(c.hidden_count == 1 && c.hidden[0] == 7 && !c.hidden_relu && c.noise_levels == 21);
    CHECK(c.mean[1] == 0.25 && c.std[2] == 0.5 && c.heads == 2);
    CHECK_TEXT(c.head[0].name, "class");
    CHECK(c.head[0].outputs == 2 && c.head[1].outputs == 7 && c.head[1].label == NULL);
    CHECK(c.head[0].label != NULL && strcmp(c.head[0].label[1], "rose") == 0);
    CHECK(vgg_outputs(&c) == 9 && vgg_head_start(&c, 1) == 2 && vgg_stages(&c) == 2 &&
          vgg_channels(&c) == 5);
    CHECK(vgg_head(&c, "style") == 1 && vgg_head(&c, "colour") == -1);
    arena_free(&arena);
}

/* torchvision's VGG-16 needs nothing but its list and its heads. */
static void test_defaults(void)
{
    Arena arena = {0};
    Error err = {0};
    VggConfig c = {0};
    CHECK(vgg_config_read(
              &c, json_of(&arena, "{\"features\": [64, 64, \"M\", 128], \"heads\": {\"class\": 1000}}"),
              "d", &arena, &err) == STATUS_OK);
    CHECK(c.in_channels == 3 && c.sample_size == 224 && c.pooled_size == 7 && c.noise_levels == 0);
    CHECK(c.hidden_count == 2 && c.hidden[0] == 4096 && c.hidden[1] == 4096 && c.hidden_relu);
    CHECK(c.mean[0] == 0.5 && c.std[2] == 0.5 && vgg_outputs(&c) == 1000);
    CHECK(vgg_config_read(&c, json_of(&arena, "{\"features\": [8]}"), "d", &arena, &err) == STATUS_OK);
    CHECK(c.heads == 0 && vgg_outputs(&c) == 0);
    arena_free(&arena);
}

static void test_written_and_read_again(void)
{
    Arena arena = {0};
    Error err = {0};
    VggConfig c, again;
    Bytes first = {.arena = &arena}, second = {.arena = &arena};
    JsonWriter w = {.out = &first}, v = {.out = &second};
    CHECK(vgg_config_read(&c, json_of(&arena, SMALL), "small", &arena, &err) == STATUS_OK);
    vgg_config_write(&w, NULL, &c);
    bytes_add_byte(&first, '\0');
    CHECK(!first.failed);
    CHECK(vgg_config_read(&again, json_of(&arena, (const char *)first.data), "again", &arena, &err) ==
          STATUS_OK);
    vgg_config_write(&v, NULL, &again);
    bytes_add_byte(&second, '\0');
    CHECK(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    CHECK(strstr((const char *)first.data, "\"M\"") != NULL && again.head[0].outputs == 2);
    arena_free(&arena);
}

static void bad(const char *json, const char *sentence)
{
    Arena arena = {0};
    Error err = {0};
    VggConfig c = {.layers = -7};
    if (!CHECK(vgg_config_read(&c, json_of(&arena, json), "v.json", &arena, &err) == STATUS_FORMAT))
        printf("    %s\n", json);
    CHECK_TEXT(err.text, "v.json");
    CHECK_TEXT(err.text, sentence);
    CHECK(c.layers == -7);
    arena_free(&arena);
}

static void test_refused(void)
{
    bad("{}", "\"features\"");
    bad("[]", "JSON object");
    bad("{\"features\": 3}", "list of 1 to 64");
    bad("{\"features\": []}", "list of 1 to 64");
    bad("{\"features\": [\"M\", 4]}", "entry 0");
    bad("{\"features\": [4, \"M\", \"M\"]}", "entry 2");
    bad("{\"features\": [4, \"N\"]}", "entry 1");
    bad("{\"features\": [4, 0]}", "entry 1");
    bad("{\"features\": [4, -3]}", "entry 1");
    bad("{\"features\": [4, 1e9]}", "entry 1");
    bad("{\"features\": "
        "[1,\"M\",1,\"M\",1,\"M\",1,\"M\",1,\"M\",1,\"M\",1,\"M\",1,\"M\",1,\"M\",1,\"M\",1,\"M\",1,"
        "\"M\",1,\"M\",1,\"M\",1,\"M\",1,\"M\",1]}",
        "more than 16 runs");
    bad("{\"features\": [4], \"hidden\": [1, 2, 3, 4, 5]}", "at most 4 widths");
    bad("{\"features\": [4], \"hidden\": [0]}", "\"hidden\"");
    bad("{\"features\": [4], \"hidden_activation\": \"gelu\"}", "\"relu\", \"identity\"");
    bad("{\"features\": [4], \"image_mean\": [0.5]}", "list of 3 numbers");
    bad("{\"features\": [4], \"image_std\": [1, 0, 1]}", "\"image_std\"");
    bad("{\"features\": [4], \"image_std\": [1, \"a\", 1]}", "\"image_std\"");
    bad("{\"features\": [4], \"heads\": [3]}", "object of at most 8");
    bad("{\"features\": [4], \"heads\": {\"class\": 0}}", "head \"class\"");
    bad("{\"features\": [4], \"heads\": {\"class\": []}}", "0 names");
    bad("{\"features\": [4], \"heads\": {\"class\": [1]}}", "no text");
    bad("{\"features\": [4], \"pooled_size\": 0}", "pooled_size");
    bad("{\"features\": [4], \"in_channels\": 65}", "in_channels");
    bad("{\"features\": [4], \"noise_levels\": -1}", "noise_levels");
    bad("{\"features\": [4], \"batch_norm\": true}", "\"batch_norm\"");
    bad("{\"features\": [4], \"_class_name\": \"ResNet\"}", "VGG");
}

typedef struct {
    const Json *json;
    Arena arena;
} Attempt;

static Status try_read(void *context)
{
    Attempt *a = context;
    VggConfig c;
    Error err = {0};
    const Status status = vgg_config_read(&c, a->json, "small", &a->arena, &err);
    arena_free(&a->arena);
    return status;
}

static void test_failing_allocations(void)
{
    Arena arena = {0};
    Attempt a = {.json = json_of(&arena, SMALL)};
    check_allocations(try_read, &a, &a.arena);
    arena_free(&arena);
}

int main(void)
{
    test_every_key();
    test_defaults();
    test_written_and_read_again();
    test_refused();
    test_failing_allocations();
    return check_report("vgg_config");
}
