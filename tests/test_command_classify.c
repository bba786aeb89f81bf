/* classify from outside, with a classifier whose answers are known: it says which colour a picture has. */
#include "diffusion/vgg_save.h"
#include "io/png.h"
#include "tests/net_check.h"
#include "tests/outside.h"

static Outside o;

/* Logits of "colour" are 5 times the mean of red, green and blue in [0, 2]; "kind" is even. */
static void write_classifier(const char *name, const char *more)
{
    Arena arena = {0};
    Error err = {0};
    VggConfig config;
    Vgg v;
    char json[400];
    snprintf(json, sizeof json,
             "{\"features\": [3], \"sample_size\": 8, \"pooled_size\": 1, \"hidden\": [], "
             "\"image_mean\": [0, 0, 0], \"heads\": {\"colour\": [\"red\", \"green\", \"blue\"], \"kind\": "
             "2}%s}",
             more);
    CHECK(vgg_config_read(&config, json_of(&arena, json), "test", &arena, &err) == STATUS_OK);
    Weights w = weights_create(&arena, 1);
    vgg_load(&v, &config, &w, "");
    for (const Parameter *p = w.first; p != NULL; p = p->next)
        memset(p->tensor->data, 0, tensor_count(p->tensor) * sizeof(float));
    for (int i = 0; i < 3; i++) {
        v.conv[0].weight->data[(i * 3 + i) * 9 + 4] = 1.0f;
        v.linear[0].weight->data[i * v.linear[0].weight->dim[1] + i] = 5.0f;
    }
    CHECK(vgg_save(&v, &w, outside_path(&o, name), F32, &arena, &err) == STATUS_OK);
    arena_free(&arena);
}

/* Quarters red, green, blue and black of a picture of size x size. */
static void write_picture(const char *name, int size)
{
    Arena arena = {0};
    Image image;
    CHECK(image_new(&image, size, size, 3, &arena, NULL) == STATUS_OK);
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            const int q = y / (size / 2) * 2 + x / (size / 2);
            if (q < 3)
                image_at(&image, x, y)[q] = 255;
        }
    CHECK(png_write(outside_path(&o, name), &image, NULL, 0, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

static const Json *answer(const Json *picture, const char *head, int place)
{
    return json_at(json_get(picture, head), (size_t)place);
}

static void test_a_picture(void)
{
    const Json *json = outside_json(&o, "classify --json -q -m model -i x.png --top 2 --quarters", 0);
    const Json *picture = json_at(json_get(json, "pictures"), 0);
    CHECK(json_count(json_get(json, "pictures")) == 1 && json_count(json_get(picture, "colour")) == 2);
    /* a quarter of each colour: all equal, told in their order */
    CHECK_TEXT(json_text(json_get(answer(picture, "colour", 0), "name"), ""), "red");
    CHECK_TEXT(json_text(json_get(answer(picture, "colour", 1), "name"), ""), "green");
    CHECK_NEAR(json_number(json_get(answer(picture, "colour", 0), "probability"), 0.0), 1.0 / 3.0, 1e-6);
    CHECK_TEXT(json_text(json_get(answer(picture, "kind", 1), "name"), ""), "1");
    const Json *quarters = json_get(picture, "quarters");
    CHECK(json_count(quarters) == 4);
    for (int q = 0; q < 3; q++) {
        const Json *best = answer(json_at(quarters, (size_t)q), "colour", 0);
        CHECK(json_int(json_get(best, "label"), -1) == q);
        CHECK_NEAR(json_number(json_get(best, "probability"), 0.0), 1.0 / (1.0 + 2.0 * exp(-10.0)), 1e-6);
    }
    CHECK_TEXT(json_text(json_get(json_at(quarters, 1), "place"), ""), "top right");
    CHECK(outside_run(&o, "classify -q -m model -i x.png --quarters") == 0);
    CHECK_TEXT(o.out,
               " bottom left\n  colour: blue 1.000, red 0.000, green 0.000\n  kind: 0 0.500, 1 0.500\n");
}

/* A folder in the order of its names; other sizes are scaled. */
static void test_a_folder(void)
{
    CHECK(outside_shell(&o, "mkdir some none && cp x.png some/b.png"));
    write_picture("some/a.png", 20);
    outside_write(&o, "some/notes.txt", "no picture");
    const Json *json = outside_json(&o, "classify --json -q -m model -i some", 0),
               *all = json_get(json, "pictures");
    CHECK(json_count(all) == 2);
    CHECK_TEXT(json_text(json_get(json_at(all, 0), "path"), ""), "some/a.png");
    CHECK_TEXT(json_text(json_get(json_at(all, 1), "path"), ""), "some/b.png");
    outside_fails(&o, "classify -q -m model -i none", 3, "none: holds no pictures");
}

static void test_one_sentence(void)
{
    outside_fails(&o, "classify -q -m model", 2, "-i x.png");
    outside_fails(&o, "classify -q -m model -i y.png", 3, "y.png");
    outside_fails(&o, "classify -q -m nothing -i x.png", 3, "nothing/config.json");
    outside_fails(&o, "classify -q -m noisy -i x.png", 2, "is no classifier of pictures");
    outside_fails(&o, "classify -q -m model -i x.png --top 0", 2, "--top");
    outside_write(&o, "bad.png", "\x89PNG");
    outside_json(&o, "classify --json -q -m model -i bad.png", 3);
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "classify")) {
        write_classifier("model", "");
        write_classifier("noisy", ", \"noise_levels\": 21");
        write_picture("x.png", 8);
        test_a_picture();
        test_a_folder();
        test_one_sentence();
    }
    outside_end(&o);
    return check_report("command_classify");
}
