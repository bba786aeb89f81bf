/* info on a folder with one network in it (cli/part_info.c), and the table of classes behind it. */
#include "cli/part_info.h"

#include "diffusion/part_class.h"
#include "tests/outside.h"
#include "tests/tiny_control.h"
#include "weights/weights_save.h"

static Outside o;

/* net/config.json and its weights; `renamed`: a tensor that gets another name, or NULL. */
static void write_controlnet(const char *renamed)
{
    TinyControl t;
    Arena scratch = {0};
    Bytes text = {.arena = &scratch};
    JsonWriter w = {.out = &text};
    tiny_control_new(&t, "", 1, false);
    controlnet_config_write(&w, &t.config);
    bytes_add_byte(&text, 0);
    for (Parameter *p = t.weights.first; p != NULL; p = p->next)
        if (renamed != NULL && strcmp(p->name, renamed) == 0)
            p->name = "conv_inn.bias";
    CHECK(folder_make(outside_path(&o, "net"), NULL) == STATUS_OK);
    outside_write(&o, "net/config.json", (const char *)text.data);
    CHECK(weights_save(&t.weights, NULL, outside_path(&o, "net/diffusion_pytorch_model.safetensors"), F16,
                       &scratch, NULL) == STATUS_OK);
    arena_free(&scratch);
    arena_free(&t.arena);
}

static void test_a_folder_with_a_network(void)
{
    TinyControl t;
    tiny_control_new(&t, "", 1, false);
    write_controlnet(NULL);
    CHECK(outside_run(&o, "info net") == 0);
    CHECK_TEXT(o.out,
               "net: ControlNetModel, 3 levels of 4, 6, 8 channels, attends to rows of 6, pictures of 2 "
               "channels, 2 times the latent");
    const Json *json = outside_json(&o, "info net --tensors --json", 0);
    CHECK_TEXT(json_text(json_get(json, "class"), ""), "ControlNetModel");
    CHECK(json_int(json_get(json, "tensors"), 0) == (int)t.weights.count);
    CHECK(json_int(json_get(json, "parameters"), 0) == (int)t.weights.numbers);
    CHECK(json_count(json_get(json, "shapes")) == t.weights.count);
    CHECK(json_count(json_get(json, "unmatched")) == 0);
    arena_free(&t.arena);
}

static void test_tensors_that_do_not_match(void)
{
    write_controlnet("conv_in.bias");
    outside_fails(&o, "info net", 3, "2 tensors do not match a ControlNetModel of this shape");
    const Json *json = outside_json(&o, "info net --json", 3), *list = json_get(json, "unmatched");
    CHECK(json_count(list) == 2);
    CHECK_TEXT(json_text(json_get(json_at(list, 0), "name"), ""), "conv_in.bias");
    CHECK_TEXT(json_text(json_get(json_at(list, 0), "problem"), ""), "is missing, expected with shape (4)");
    CHECK_TEXT(json_text(json_get(json_at(list, 1), "name"), ""), "conv_inn.bias");
    write_controlnet(NULL);
}

static void test_what_is_refused(void)
{
    outside_write(&o, "net/config.json", "{\"_class_name\": \"ControlNetXSModel\"}");
    outside_fails(&o, "info net", 3, "the class \"ControlNetXSModel\" is not known");
    outside_write(&o, "net/config.json", "{\"channels\": [1, 2]}");
    outside_fails(&o, "info net", 3, "names no class");
    outside_write(&o, "net/config.json",
                  "{\"_class_name\": \"ControlNetModel\", \"global_pol_conditions\": true}");
    outside_fails(&o, "info net", 3, "\"global_pol_conditions\" is true, a setting that is not known");
    outside_write(&o, "net/config.json", "{\"_class_name\"");
    outside_fails(&o, "info net", 3, "net/config.json");
    CHECK(folder_make(outside_path(&o, "bare"), NULL) == STATUS_OK);
    outside_write(&o, "bare/config.json", "{\"_class_name\": \"T2IAdapter\"}");
    outside_fails(&o, "info bare", 3, "has a config.json and no file of weights");
}

static void test_classes(void)
{
    static const char *const KNOWN[] = {"{\"_class_name\": \"UNet2DConditionModel\"}",
                                        "{\"_class_name\": \"AutoencoderKL\"}",
                                        "{\"_class_name\": \"T2IAdapter\", \"channels\": [4]}",
                                        "{\"architectures\": [\"CLIPTextModel\"]}",
                                        "{\"architectures\": [\"CLIPTextModelWithProjection\"]}",
                                        "{\"architectures\": [\"CLIPVisionModelWithProjection\"]}"};
    static const char *const WORDS[] = {"4 levels of 320, 640, 1280, 1280 channels",
                                        "1 level of 64 channels",
                                        "1 level of 4 channels, full_adapter",
                                        "12 layers of width 512",
                                        "49408 tokens, prompts of 77",
                                        "pictures of 224 in patches of 32"};
    Arena arena = {0};
    for (int i = 0; i < 6; i++) {
        const Json *json = json_of(&arena, KNOWN[i]);
        const PartClass *part = part_class_of(json);
        Weights w = {.arena = &arena, .survey = true};
        Bytes about = {.arena = &arena};
        CHECK(part != NULL && part->ask(&w, &about, json, "c", &arena, NULL) == STATUS_OK);
        bytes_add_byte(&about, 0);
        CHECK_TEXT((const char *)about.data, WORDS[i]);
        CHECK(w.count > 5);
    }
    CHECK(part_class_of(json_of(&arena, "{\"architectures\": [\"BertModel\"]}")) == NULL);
    CHECK(part_class_of(json_of(&arena, "{}")) == NULL && part_class_name(json_of(&arena, "[]")) == NULL);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "part-info")) {
        test_a_folder_with_a_network();
        test_tensors_that_do_not_match();
        test_what_is_refused();
    }
    outside_end(&o);
    test_classes();
    return check_report("part_info");
}
