/* txt2img and again from outside, with a tiny model: records that make the same bits, presets, schedules, sheets. */
#include "io/npy.h"
#include "io/png.h"
#include "io/sha256.h"
#include "tests/outside.h"
#include "tests/tiny_model.h"

static Outside o;

/* A folder with a tiny model, its U-Net's parameters drawn from `key`. */
static void write_model(const char *name, uint64_t key)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    scramble(&m.unet_weights, key);
    CHECK(model_save(&m, outside_path(&o, name), F32, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

static void works(const char *arguments)
{
    if (!CHECK(outside_run(&o, arguments) == 0))
        printf("    ldm99 %s: exit %d, %s", arguments, o.code, o.err);
}

static void test_pictures_are_made_again(void)
{
    static const char *const options[] = {
        "",
        "--steps 3 -s 18446744073709551615 -n 'a circle' --cfg-rescale 0.7",
        "--eta 1 --rng torch --timestep-spacing trailing",
        "--sampling-method ddpm --prediction v_prediction --cfg-scale 1",
        "--clip-skip 1 -W 32 -H 16 --preset diffusers --steps 2",
        "-p 'un carr\xc3\xa9 \"rouge\"\\'",
    };
    char line[300];
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        snprintf(line, sizeof line, "txt2img -q -m model -o x.png -p 'a red square' --steps 4 %s",
                 options[i]);
        works(line);
        works("again -q -t 1 x.png");
        CHECK_TEXT(o.out, "x.png: the same bits, pixels sha256 ");
    }
    const Json *json = outside_json(&o, "again -q --json -o y.png x.png", 0);
    CHECK(json_bool(json_get(json, "same"), false) && json_bool(json_get(json, "same_model"), false));
    CHECK(outside_shell(&o, "cmp x.png y.png"));
    CHECK(outside_shell(&o, "cp -r model copy && rm -r model") && outside_run(&o, "again -q x.png") == 3);
    CHECK_TEXT(o.err, "model");
    works("again -q -m copy x.png");
    CHECK(outside_shell(&o, "mv copy model"));
}

/* A picture of a batch remembers itself alone. */
static void test_one_of_many(void)
{
    char line[300];
    works("txt2img -q -m model -o b.png -p 'a square' --steps 3 --eta 0.5 -b 3 -s 9");
    CHECK(outside_has(&o, "b_1.png") && outside_has(&o, "b_3.png"));
    works("again -q b_3.png");
    works("txt2img -q -m model -o alone.png -p 'a square' --steps 3 --eta 0.5 -s 11");
    CHECK(outside_shell(&o, "cmp alone.png b_3.png"));

    works("txt2img -q -m model -o l.png -p 'a square' --steps 2 -b 2 --save-latents l.npy");
    works("txt2img -q -m model -o m.png -p 'a square' --steps 2 --latents l.npy");
    for (int i = 1; i <= 2; i++) {
        snprintf(line, sizeof line, "again -q m_%d.png", i);
        works(line);
    }
    CHECK(!outside_shell(&o, "cmp m_1.png m_2.png"));
    works("txt2img -q -m model -o l.png -p 'a circle' --steps 2 -b 2 --save-latents l.npy");
    outside_fails(&o, "again -q m_2.png", 4, "the file of latents has another hash");
    CHECK(outside_shell(&o, "rm l.npy"));
    outside_fails(&o, "again -q m_2.png", 3, "l.npy");
}

static void test_differences_are_explained(void)
{
    works("txt2img -q -m model -o x.png -p 'a square' --steps 2");
    CHECK(outside_shell(&o, "cp x.png edited.png && cp -r model other"));
    write_model("other", 99);
    outside_fails(&o, "again -q -m other x.png", 4,
                  "the model is another one: unet/diffusion_pytorch_model.safetensors has another hash");
    CHECK_TEXT(o.err, "the first at x 0, y 0, channel 0: ");
    const Json *json = outside_json(&o, "again -q --json -m other x.png", 4);
    CHECK(!json_bool(json_get(json, "same"), true) && !json_bool(json_get(json, "same_model"), true));

    Image picture;
    PngText *texts = NULL;
    int count = 0;
    CHECK(png_read(&picture, outside_path(&o, "x.png"), &o.arena, NULL) == STATUS_OK);
    CHECK(png_read_texts(&texts, &count, outside_path(&o, "x.png"), &o.arena, NULL) == STATUS_OK &&
          count == 2);
    picture.pixels[3 * (16 * 2 + 5) + 1] ^= 1;
    CHECK(png_write(outside_path(&o, "edited.png"), &picture, texts, 2, &o.arena, NULL) == STATUS_OK);
    outside_fails(&o, "again -q edited.png", 4,
                  "1 of 768 bytes differ, the first at x 5, y 2, channel 1: ");
    CHECK_TEXT(o.err, "the file's pixels were changed after it was made");

    CHECK(png_write(outside_path(&o, "edited.png"), &picture, texts, 1, &o.arena, NULL) == STATUS_OK);
    outside_fails(&o, "again -q edited.png", 3, "does not say how it was made");
    texts[1].text = "{\"subcommand\": \"doodle9\"}";
    CHECK(png_write(outside_path(&o, "edited.png"), &picture, texts, 2, &o.arena, NULL) == STATUS_OK);
    outside_fails(&o, "again -q edited.png", 3, "was made by \"doodle9\"");
    texts[1].text = "{\"subcommand\": \"txt2img\", \"options\": {\"promt\": \"x\"}}";
    CHECK(png_write(outside_path(&o, "edited.png"), &picture, texts, 2, &o.arena, NULL) == STATUS_OK);
    outside_fails(&o, "again -q edited.png", 3, "did you mean --prompt");
    outside_fails(&o, "again -q", 2, "expected PNG");
}

static void test_the_object_says_what_was_asked(void)
{
    const Json *json = outside_json(
        &o, "txt2img -q --json -m model -o j.png -p 'a square' -n fog --steps 2 --cfg-scale 3", 0);
    const Json *options = json_get(json, "options"), *resolved = json_get(json, "resolved");
    CHECK(json_int(json_get(options, "steps"), 0) == 2 &&
          json_number(json_get(options, "cfg-scale"), 0.0) == 3.0);
    CHECK(strcmp(json_text(json_get(options, "negative-prompt"), ""), "fog") == 0);
    CHECK(strcmp(json_text(json_get(options, "sampling-method"), ""), "auto") == 0);
    CHECK(strcmp(json_text(json_get(resolved, "sampling-method"), ""), "ddim") == 0);
    CHECK(json_int(json_get(resolved, "width"), 0) == 16);
}

static const Json *config(const char *options)
{
    char line[300];
    Error err = {0};
    snprintf(line, sizeof line, "txt2img --print-config %s", options);
    works(line);
    CHECK(json_parse(&o.json, o.out, strlen(o.out), "stdout", &o.arena, &err) == STATUS_OK);
    return o.json;
}

static void is(const Json *json, int steps, double guidance, const char *spacing, const char *rng)
{
    CHECK(json_int(json_get(json, "steps"), 0) == steps);
    CHECK(json_number(json_get(json, "cfg-scale"), 0.0) == guidance);
    CHECK(strcmp(json_text(json_get(json, "timestep-spacing"), ""), spacing) == 0);
    CHECK(strcmp(json_text(json_get(json, "rng"), ""), rng) == 0);
}

static void test_presets(void)
{
    is(config(""), 20, 7.0, "auto", "philox");
    is(config("--preset sdcpp"), 20, 7.0, "auto", "philox");
    is(config("--preset diffusers"), 50, 7.5, "auto", "torch");
    is(config("--preset=a1111"), 20, 7.0, "leading", "philox");
    is(config("--preset paper"), 200, 5.0, "leading", "philox");
    is(config("--steps 7 --preset paper --rng torch"), 7, 5.0, "leading", "torch"); /* in whatever order */
    outside_write(&o, "c.json", "{\"cfg-scale\": 3, \"preset\": \"diffusers\"}");
    is(config("--config c.json"), 50, 3.0, "auto", "torch");
    is(config("--config c.json --preset paper"), 200, 5.0, "leading", "torch");
    is(config("--config c.json --preset paper --cfg-scale 2"), 200, 2.0, "leading", "torch");
    outside_fails(&o, "txt2img --preset papers -p x", 2, "--preset is \"papers\", expected none, sdcpp");

    works("txt2img --preset a1111 -p 'a square' --steps 1 -m model -o p.png");
    CHECK(strstr(o.err, "Euler") == NULL);
    works("txt2img --preset sdcpp --sampling-method ddim -p 'a square' --steps 1 -m model -o p.png");
    works("txt2img --preset diffusers -p 'a square' --steps 1 -m model -o p.png");

    works("txt2img --print-config --preset paper -p 'a square' --steps 3 -m model -o c.png");
    CHECK(outside_shell(&o, "true"));
    outside_write(&o, "c.json", o.out);
    works("txt2img -q --config c.json");
    works("again -q c.png");
}

/* Every sampler shows its plan and makes a picture that `again` makes again. */
static void test_every_sampler(void)
{
    static const char *const NAMES[] = {"ddim", "ddpm", "euler",  "euler_a",   "heun",    "lms",
                                        "pndm", "dpm2", "dpm2_a", "dpm++2m",   "dpm++2s", "unipc",
                                        "deis", "lcm",  "tcd",    "sa_solver", "pc",      NULL};
    char line[200];
    for (int k = 0; NAMES[k] != NULL; k++) {
        snprintf(line, sizeof line,
                 "txt2img --json --print-schedule -m model --steps 5 --sampling-method %s", NAMES[k]);
        const Json *json = outside_json(&o, line, 0);
        CHECK(strcmp(json_text(json_get(json, "sampling-method"), ""), NAMES[k]) == 0);
        const Json *schedule = json_get(json, "schedule");
        CHECK(json_count(schedule) >= 5);
        for (size_t i = 0; i < json_count(schedule); i++)
            CHECK(json_number(json_get(json_at(schedule, i), "sigma"), -1.0) > 0.0 &&
                  json_count(json_at(schedule, i)) > 5);
    }
    outside_fails(&o, "txt2img -p x -m model --sampling-method ddim --scheduler karras", 2,
                  "--scheduler is karras, which is not for the sampling method ddim");
    works("txt2img -q -p 'a square' -m model --steps 4 --sampling-method dpm++2m --scheduler karras -o "
          "k.png");
    works("again -q k.png");
    works("txt2img -q -p 'a square' -m model --steps 4 --sampling-method pc --corrections 2 --rng torch -o "
          "k.png");
    works("again -q k.png");
}

static void test_schedules(void)
{
    const Json *json = outside_json(&o, "txt2img --json --print-schedule -m model --steps 4 --eta 1", 0);
    const Json *schedule = json_get(json, "schedule");
    CHECK(json_count(schedule) == 4);
    for (size_t i = 0; i < 4; i++) { /* Stable Diffusion's: leading with offset 1 */
        const Json *c = json_at(schedule, i);
        const double abar = json_number(json_get(c, "alpha_bar"), 0.0),
                     sd = json_number(json_get(c, "sd"), 0.0);
        const double to_x0 = json_number(json_get(c, "to_x0"), 0.0);
        CHECK(json_int(json_get(c, "step"), 0) == (int)i + 1);
        CHECK(json_int(json_get(c, "t"), 0) == 751 - 250 * (int)i);
        CHECK(json_int(json_get(c, "t_prev"), 0) == 501 - 250 * (int)i);
        CHECK_NEAR(json_number(json_get(c, "sigma"), 0.0), sqrt((1.0 - abar) / abar), 1e-12);
        CHECK_NEAR(json_number(json_get(c, "a"), 0.0), sqrt(abar), 1e-7);
        if (i + 1 < 4)
            CHECK_NEAR(to_x0 * to_x0, json_number(json_get(json_at(schedule, i + 1), "alpha_bar"), 0.0),
                       1e-6);
        CHECK_NEAR(sd * sd, (1.0 - to_x0 * to_x0) / (1.0 - abar) * (1.0 - abar / (to_x0 * to_x0)), 1e-6);
    }
    works("txt2img --print-schedule -m model --steps 1 --sampling-method ddpm --timestep-spacing trailing");
    CHECK_TEXT(o.out, "ddpm, 1 steps, trailing, epsilon\n");
    CHECK_TEXT(o.out, " to_x ");
    CHECK_TEXT(o.out, "    1      999       -1 ");
    outside_fails(&o, "txt2img --print-schedule -m model --steps 1001", 2,
                  "steps is 1001, expected 1 to 1000");
}

static void test_sheets(void)
{
    Image sheet;
    works("txt2img -q -m model -o g.png -p 'a square' --steps 1 -b 3 --grid 2x2");
    CHECK(png_read(&sheet, outside_path(&o, "g_grid.png"), &o.arena, NULL) == STATUS_OK);
    CHECK(sheet.width > 32 && sheet.height > 32 && sheet.width < 4 * 16 + sheet.height);
    works("txt2img -q -m model -o pics/ -p 'a square' --steps 1 --grid 1x1");
    CHECK(outside_has(&o, "pics/grid.png") && outside_has(&o, "pics/00000-42.png"));
    outside_fails(&o, "txt2img -q -m model -o n.png -p x --steps 1 -b 5 --grid 2x2", 2,
                  "--grid 2x2 has 4 places for 5 pictures");
    outside_fails(&o, "txt2img -q -m model -o n.png -p x --steps 1 --grid 2", 2, "expected COLUMNSxROWS");
    CHECK(!outside_has(&o, "n.png"));
}

static void test_one_sentence(void)
{
    outside_fails(&o, "txt2img -m model -o n.png", 2, "a prompt is needed");
    outside_fails(&o, "txt2img -p x --cfg-scale -1", 2,
                  "--cfg-scale is \"-1\", expected a number from 0 to 1000");
    outside_fails(&o, "txt2img -p x --cfg-rescale 1.5", 2, "from 0 to 1");
    outside_fails(&o, "txt2img -p x --eta 2", 2, "from 0 to 1");
    outside_fails(&o, "txt2img -p x --steps 0", 2, "a whole number from 1 to 1000000");
    outside_fails(&o, "txt2img -q -m model -p x --steps 1001", 2, "steps is 1001, expected 1 to 1000");
    outside_fails(&o, "txt2img -q -m model -p x -W 17", 2, "a multiple of");
    outside_fails(&o, "txt2img -q -m model -p x --clip-skip 9", 2, "clip");
    outside_fails(&o, "txt2img -p x -b 65537", 2, "--batch-count");
    outside_fails(&o, "agian x.png", 2, "did you mean again?");
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "txt2img")) {
        write_model("model", 53);
        test_pictures_are_made_again();
        test_one_of_many();
        test_differences_are_explained();
        test_the_object_says_what_was_asked();
        test_presets();
        test_every_sampler();
        test_schedules();
        test_sheets();
        test_one_sentence();
    }
    outside_end(&o);
    return check_report("command_txt2img");
}
