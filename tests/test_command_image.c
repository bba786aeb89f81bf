/* img2img, inpaint, control, adapter, invert and tokenize from outside, with tiny networks: records that make the same
 * bits, inputs that were changed, one sentence for what is wrong. */
#include "diffusion/controlnet.h"
#include "diffusion/t2i_adapter.h"
#include "io/npy.h"
#include "io/png.h"
#include "tests/outside.h"
#include "tests/tiny_model.h"
#include "weights/weights_save.h"

static Outside o;

static void works(const char *arguments)
{
    if (!CHECK(outside_run(&o, arguments) == 0))
        printf("    ldm99 %s: exit %d, %s", arguments, o.code, o.err);
}

static void save(const char *folder, const Bytes *config, const Weights *w, Arena *arena)
{
    char name[100];
    CHECK(folder_make(outside_path(&o, folder), NULL) == STATUS_OK);
    snprintf(name, sizeof name, "%s/config.json", folder);
    CHECK(!config->failed &&
          file_write(outside_path(&o, name), config->data, config->size, NULL) == STATUS_OK);
    snprintf(name, sizeof name, "%s/diffusion_pytorch_model.safetensors", folder);
    CHECK(weights_save(w, NULL, outside_path(&o, name), F32, arena, NULL) == STATUS_OK);
}

/* "model", "net" and "adapter": all parameters drawn. */
static void write_networks(void)
{
    static const char *const ADAPTER =
        "{\"_class_name\": \"T2IAdapter\", \"adapter_type\": \"full_adapter\", \"channels\": [4, 8], "
        "\"in_channels\": 3, \"num_res_blocks\": 1, \"downscale_factor\": 4}";
    Arena arena = {0};
    Model m;
    ControlNetConfig config;
    ControlNet net;
    AdapterConfig small;
    T2iAdapter adapter;
    Bytes text = {.arena = &arena}, other = {.arena = &arena};
    JsonWriter w = {.out = &text};
    tiny_model_new(&m, &arena);
    CHECK(model_save(&m, outside_path(&o, "model"), F32, &arena, NULL) == STATUS_OK);
    CHECK(controlnet_config_for(&config, &m.config.unet, &arena, NULL) == STATUS_OK);
    config.embedding_levels = 3;
    for (int i = 0; i < 3; i++)
        config.embedding_channels[i] = 4 + i;
    Weights weights = weights_create(&arena, 60), more = weights_create(&arena, 61);
    controlnet_load(&net, &config, &weights, "");
    CHECK(weights_finish(&weights, NULL) == STATUS_OK);
    scramble(&weights, 62);
    controlnet_config_write(&w, &config);
    save("net", &text, &weights, &arena);
    CHECK(t2i_adapter_config_read(&small, json_of(&arena, ADAPTER), "adapter", &arena, NULL) == STATUS_OK);
    t2i_adapter_load(&adapter, &small, &more, "");
    CHECK(weights_finish(&more, NULL) == STATUS_OK);
    scramble(&more, 63);
    bytes_add_text(&other, ADAPTER);
    save("adapter", &other, &more, &arena);
    arena_free(&arena);
}

/* A picture, the same with one level changed, and a mask for the right half. */
static void write_pictures(void)
{
    Arena arena = {0};
    Image picture, mask;
    CHECK(image_new(&picture, 19, 16, 3, &arena, NULL) == STATUS_OK);
    CHECK(image_new(&mask, 16, 16, 1, &arena, NULL) == STATUS_OK);
    for (size_t i = 0; i < image_size(&picture); i++)
        picture.pixels[i] = (unsigned char)(i * 7 % 251);
    for (size_t i = 0; i < image_size(&mask); i++)
        mask.pixels[i] = i % 16 < 8 ? 0 : 255;
    CHECK(png_write(outside_path(&o, "in.png"), &picture, NULL, 0, &arena, NULL) == STATUS_OK);
    CHECK(png_write(outside_path(&o, "mask.png"), &mask, NULL, 0, &arena, NULL) == STATUS_OK);
    picture.pixels[100] ^= 1;
    CHECK(png_write(outside_path(&o, "changed.png"), &picture, NULL, 0, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

static const char *const RUNS[] = {
    "img2img -m model -i in.png -p 'a red square' --steps 4 --strength 0.5",
    "img2img -m model -i in.png -p 'a red square' --steps 3 -W 24 -H 8 --rng torch --eta 1 -b 2 -s 5",
    "inpaint -m model -i in.png --mask mask.png -p 'a square' --steps 4 --strength 1",
    "inpaint -m model -i in.png --mask mask.png -p 'a square' --steps 4 --mask-blur 2 --rng torch",
    "control -m model --control-net net --control-image in.png -p 'a square' --steps 3 --control-end 0.7",
    "control -m model --control-net net --control-net net --control-image in.png -p 'a' --steps 2 "
    "--guess-mode",
    "adapter -m model --adapter adapter --control-image in.png -p 'a square' --steps 3 --control-strength "
    "0.5",
};

static void test_pictures_are_made_again(void)
{
    char line[400];
    for (size_t i = 0; i < sizeof RUNS / sizeof RUNS[0]; i++) {
        snprintf(line, sizeof line, "%s -q -o x.png", RUNS[i]);
        works(line);
        if (strstr(RUNS[i], "-b 2") != NULL)
            CHECK(outside_shell(&o, "mv x_2.png x.png && rm x_1.png"));
        works("again -q -t 1 x.png");
        CHECK_TEXT(o.out, "x.png: the same bits, pixels sha256 ");
        works("info x.png");
        CHECK_TEXT(o.out, "\"in.png\": \"");
        CHECK(outside_shell(&o, "cp in.png kept.png && cp changed.png in.png"));
        outside_fails(&o, "again -q x.png", 4, "in.png: is another file than x.png was made from: sha256 ");
        CHECK(outside_shell(&o, "mv kept.png in.png && rm x.png"));
    }
}

/* Each option of the methods changes the picture. */
static void test_options_count(void)
{
    static const char *const PAIRS[][2] = {
        {"img2img -i in.png --strength 0.5", "img2img -i in.png --strength 0.75"},
        {"inpaint -i in.png --mask mask.png", "inpaint -i in.png --mask mask.png --mask-blur 1"},
        {"control --control-net net --control-image in.png",
         "control --control-net net --control-image in.png --control-strength 0.5"},
        {"control --control-net net --control-image in.png",
         "control --control-net net --control-image in.png --guess-mode"},
        {"control --control-net net --control-image in.png --control-end 0.5",
         "control --control-net net --control-image in.png --control-start 0.5"},
        {"adapter --adapter adapter --control-image in.png",
         "adapter --adapter adapter --control-image in.png --control-end 0.5"},
    };
    char line[400], hash[2][65];
    for (size_t i = 0; i < sizeof PAIRS / sizeof PAIRS[0]; i++) {
        for (int k = 0; k < 2; k++) {
            snprintf(line, sizeof line, "%s -q --json -m model -p 'a square' --steps 4 -o x.png",
                     PAIRS[i][k]);
            const Json *json = outside_json(&o, line, 0);
            snprintf(hash[k], 65, "%s",
                     json_text(json_get(json_at(json_get(json, "pictures"), 0), "pixels_sha256"), ""));
        }
        if (!CHECK(strcmp(hash[0], hash[1]) != 0))
            printf("    %s and %s\n", PAIRS[i][0], PAIRS[i][1]);
    }
}

static void test_steps_are_told(void)
{
    works("img2img -m model -i in.png -p x --steps 20 --strength 0.75 -o x.png");
    CHECK_TEXT(o.err, "strength 0.75: 15 of 20 steps\n");
    const Json *json =
        outside_json(&o, "img2img --json --print-schedule -m model --steps 20 --strength 0.75", 0);
    CHECK(json_count(json_get(json, "schedule")) == 15);
    works("info x.png");
    CHECK_TEXT(o.out, "Denoising strength: 0.75, Version");
}

static void test_inversion(void)
{
    if (outside_run(&o, "invert -q -m model -i in.png -p 'a square' --steps 20 -o n.npy --picture r.png") ==
        2) {
        printf("skipped: no sampler ddim_inverse\n");
        return;
    }
    CHECK(o.code == 0);
    CHECK_TEXT(o.out, "round trip: latents off by ");
    CHECK(outside_has(&o, "n.npy"));
    works("again -q r.png");
    const Json *json = outside_json(&o, "invert -q --json -m model -i in.png --steps 5 -o n.npy", 0);
    const Json *trip = json_get(json, "round_trip");
    CHECK(json_number(json_get(trip, "latent_rms_error"), -1.0) > 0.0);
    CHECK(json_number(json_get(trip, "latent_max_error"), 0.0) >=
          json_number(json_get(trip, "latent_rms_error"), 9.0));
    outside_fails(&o, "invert -q -m model -p x", 2, "invert: a picture is needed");
    outside_fails(&o, "invert -q -m model -i none.png", 3, "none.png");
}

/* With one prompt for both ways a pair of binary64 comes back to the bit here; with two, the picture changes. */
static void test_edict(void)
{
    works("edict -q -m model -i in.png --base-prompt 'a square' --reconstruct --steps 10 -o e.png --save-noise e.npy");
    CHECK_TEXT(o.out, "latents off by ");
    CHECK(outside_has(&o, "e.npy"));
    const Json *json = outside_json(
        &o, "edict -q --json -m model -i in.png --base-prompt 'a square' --reconstruct --steps 10 -o e.png", 0);
    CHECK(json_number(json_get(json, "latent_max_change"), 1.0) < 1e-5);
    CHECK(json_count(json_get(json, "noise_length")) == 2);
    works("edict -q -m model -i in.png --base-prompt 'a square' -p 'a star' --steps 10 -o f.png");
    CHECK_TEXT(o.out, "latents changed by ");
    outside_fails(&o, "compare -q e.png f.png", 4, "");
    works("edict -q -m model -i in.png --reconstruct --steps 10 --precision f32 --cfg-scale 1 -o e.png");
    CHECK(outside_shell(&o, "rm e.png e.npy f.png"));
    outside_fails(&o, "edict -q -m model -p x -o e.png", 2, "edict: a picture is needed");
    outside_fails(&o, "edict -q -m model -i in.png -o e.png", 2, "what is to change?");
    outside_fails(&o, "edict -q -m model -i in.png -p x --reconstruct -o e.png", 2, "uses the base prompt");
    outside_fails(&o, "edict -q -m model -i in.png -p x --steps 30 -o e.png", 2, "30 steps do not divide");
    outside_fails(&o, "edict -q -m model -i in.png -p x --mix-weight 0 -o e.png", 2, "mixing weight 0,");
    outside_fails(&o, "edict -q -m model -i none.png -p x -o e.png", 3, "none.png");
    CHECK(!outside_has(&o, "e.png"));
}

/* A picture with the text `parameters` alone. */
static void write_parameters(const char *name, const char *text)
{
    Arena arena = {0};
    Image picture;
    const PngText texts[] = {{"parameters", text}};
    CHECK(image_new(&picture, 4, 4, 3, &arena, NULL) == STATUS_OK);
    CHECK(png_write(outside_path(&o, name), &picture, texts, 1, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

/* The options of a picture: ours whole, others' as far as they are known; the command line wins. */
static void test_from_png(void)
{
    write_parameters(
        "p.png", "a red square,\nvery red\nNegative prompt: a circle\nand two\nSteps: 3, Sampler: DPM++ 2M "
                 "Karras, CFG scale: 4.5, Seed: 77, Size: 24x32, Model hash: \"a, b\", Clip skip: 2, "
                 "Denoising strength: 0.4");
    const char *const line = "img2img --from-png p.png --steps 6 --print-config";
    works(line);
    CHECK_TEXT(o.out, "\"prompt\": \"a red square,\\nvery red\"");
    CHECK_TEXT(o.out, "\"negative-prompt\": \"a circle\\nand two\"");
    CHECK_TEXT(o.out, "\"steps\": 6,");
    CHECK_TEXT(o.out, "\"sampling-method\": \"dpm++2m\"");
    CHECK_TEXT(o.out, "\"scheduler\": \"karras\"");
    CHECK_TEXT(o.out, "\"cfg-scale\": 4.5");
    CHECK_TEXT(o.out, "77");
    CHECK_TEXT(o.out, "\"width\": 24");
    CHECK_TEXT(o.out, "\"height\": 32");
    CHECK_TEXT(o.out, "\"clip-skip\": 1");
    CHECK_TEXT(o.out, "\"strength\": 0.4");
    works("txt2img -q -m model -p 'a square' -s 5 --steps 2 --eta 0.5 -o x.png");
    works("txt2img -q --from-png x.png -o y.png");
    CHECK(outside_shell(&o, "cmp x.png y.png"));
    write_parameters("p.png", "a\nSteps: 3, Sampler: Unheard");
    outside_fails(&o, "txt2img -q -m model --from-png p.png -o n.png", 3,
                  "its sampler, \"Unheard\", is not here");
    write_parameters("p.png", "only words");
    outside_fails(&o, "txt2img -q -m model --from-png p.png -o n.png", 3, "has no line \"Steps: ...\"");
    write_parameters("p.png", "Steps: many");
    outside_fails(&o, "txt2img -q -m model --from-png p.png -o n.png", 2, "--steps is \"many\"");
    outside_fails(&o, "txt2img -q -m model --from-png in.png -o n.png", 3, "does not say how it was made");
    outside_fails(&o, "txt2img -q -m model --from-png none.png -o n.png", 3, "none.png");
    CHECK(!outside_has(&o, "n.png"));
}

static const char *const LONG =
    "-p 'a red circle and a (red:1.5) circle and a blue square and two circles' --steps 2";

/* Long prompts and weights change the picture, and are made again. */
static void test_prompt_options(void)
{
    static const char *const OPTIONS[] = {"", "--long-prompt chunks", "--prompt-weights a1111",
                                          "--prompt-weights compel --long-prompt chunks"};
    char line[400], hash[4][65];
    for (int i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "txt2img -m model --json %s %s -o x.png", LONG, OPTIONS[i]);
        const Json *json = outside_json(&o, line, 0);
        CHECK((strstr(o.err, "the prompt is too long; cut off: \"") != NULL) ==
              (strstr(OPTIONS[i], "chunks") == NULL));
        snprintf(hash[i], 65, "%s",
                 json_text(json_get(json_at(json_get(json, "pictures"), 0), "pixels_sha256"), ""));
        for (int k = 0; k < i; k++)
            CHECK(strcmp(hash[i], hash[k]) != 0);
        works("again -q x.png");
    }
}

static void test_tokens(void)
{
    works("tokenize -m model 'a red square'");
    CHECK_TEXT(o.out, "\"a red square\": 3 tokens, 5 with start and end of 12 places\n");
    CHECK_TEXT(o.out, "square</w>");
    const Json *json =
        outside_json(&o, "tokenize --json --padded -m model/tokenizer -p 'a red square' -p ''", 0);
    const Json *texts = json_get(json, "texts");
    CHECK(json_count(texts) == 2 && json_count(json_get(json_at(texts, 1), "tokens")) == 12);
    CHECK(json_int(json_get(json_at(json_get(json_at(texts, 1), "tokens"), 0), "id"), -1) ==
          json_int(json_get(json, "start"), -2));
    outside_fails(&o, "tokenize -m model", 2, "a text is needed");
    outside_fails(&o, "tokenize -m none x", 3, "none");
}

static void test_one_sentence(void)
{
    outside_fails(&o, "img2img -q -m model -p x -o n.png", 2, "img2img: a picture is needed");
    outside_fails(&o, "img2img -q -m model -i in.png -o n.png", 2, "a prompt is needed");
    outside_fails(&o, "img2img -q -m model -i none.png -p x -o n.png", 3, "none.png");
    outside_fails(&o, "img2img -q -m model -i mask.png -p x --strength 0 -o n.png", 2, "strength is 0");
    outside_fails(&o, "img2img -q -m model -i in.png -p x --strength 0.01 -o n.png", 2, "leaves no step");
    outside_fails(&o, "img2img -q -m model -i in.png -p x --strength 1.5 -o n.png", 2, "from 0 to 1");
    outside_fails(&o, "img2img -q -m model -i model/unet/config.json -p x -o n.png", 3, "config.json");
    outside_fails(&o, "img2img -q -m model -i in.png -p x --mask mask.png -o n.png", 2,
                  "unknown option --mask");
    outside_fails(&o, "inpaint -q -m model -i in.png -p x -o n.png", 2, "inpaint: a mask is needed");
    outside_fails(&o, "inpaint -q -m model -i in.png --mask none.png -p x -o n.png", 3, "none.png");
    outside_fails(&o, "control -q -m model -p x -o n.png", 2,
                  "control: a network is needed: --control-net");
    outside_fails(&o, "control -q -m model --control-net net -p x -o n.png", 2,
                  "0 control images for 1 networks");
    outside_fails(&o, "control -q -m model --control-net none --control-image in.png -p x -o n.png", 3,
                  "none/config.json");
    outside_fails(&o, "control -q -m model --control-net adapter --control-image in.png -p x -o n.png", 3,
                  "adapter/config.json");
    outside_fails(
        &o, "control -q -m model --control-net net --control-image in.png -p x --control-end 0 -o n.png", 2,
        "control works from 0 to 0");
    outside_fails(&o, "adapter -q -m model -p x -o n.png", 2, "adapter: a network is needed: --adapter");
    outside_fails(&o, "adapter -q -m model --adapter net --control-image in.png -p x -o n.png", 3,
                  "net/config.json");
    CHECK(!outside_has(&o, "n.png"));
}

/* What is typed or written in a configuration is refused whole, never cut. */
static void test_texts_that_cannot_be(void)
{
    outside_fails(&o, "txt2img -q -m model -p \"$(printf 'caf\\351')\" -o n.png", 2,
                  "the prompt is not UTF-8: byte 0xe9 at position 3");
    outside_fails(&o, "txt2img -q -m model -p x -n \"$(printf '\\377')\" -o n.png", 2,
                  "the negative prompt is not UTF-8");
    outside_fails(&o, "tokenize -m model \"$(printf '\\377')\"", 2, "tokenize: a text is not UTF-8");
    outside_write(&o, "c.json", "{\"prompt\": \"a red\\u0000 square\"}");
    outside_fails(&o, "txt2img -q -m model --config c.json -o n.png", 3,
                  "\"prompt\" holds a zero character");
    outside_write(&o, "c.json", "{\"control-image\": [\"a\\u0000b\"]}");
    outside_fails(&o, "control -q -m model --config c.json -o n.png", 3, "without zero characters");
    outside_write(&o, "c.json", "{\"prompt\": \"a\", \"config\": \"d.json\"}");
    outside_fails(&o, "txt2img -q -m model --config c.json -o n.png", 3, "\"config\" names another file");
    CHECK(!outside_has(&o, "n.png"));
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "image")) {
        write_networks();
        write_pictures();
        test_pictures_are_made_again();
        test_options_count();
        test_steps_are_told();
        test_inversion();
    test_edict();
        test_from_png();
        test_prompt_options();
        test_tokens();
        test_one_sentence();
        test_texts_that_cannot_be();
    }
    outside_end(&o);
    return check_report("command_image");
}
