/* lpips and clip-score from outside, against the library. */
#include "diffusion/clip.h"
#include "diffusion/lpips.h"
#include "io/picture.h"
#include "tests/block_pictures.h"

static Outside o;
static Arena arena;

static double number(const char *key)
{
    return json_number(json_get(o.json, key), NAN);
}

static Tensor *planes(Tape *tape, const char *name)
{
    Image image;
    CHECK(picture_read(&image, outside_path(&o, name), &arena, NULL) == STATUS_OK);
    float *x = arena_raw(&arena, 3 * 64 * 64, sizeof *x);
    image_to_planes(x, &image);
    return tape_input(tape, x, 4, (const int[]){1, 3, 64, 64}, false);
}

static double by_library(const char *a, const char *b)
{
    static Vgg network;
    static bool open;
    Tape tape = {.arena = &arena};
    open = open || CHECK(vgg_open(&network, "weights/features", &arena, NULL) == STATUS_OK);
    Tensor *x = planes(&tape, a), *y = planes(&tape, b);
    const Tensor *d = lpips(&tape, &network, NULL, x, y);
    return CHECK(d != NULL) ? (double)d->data[0] : NAN;
}

static void test_lpips(void)
{
    outside_json(&o, "metric lpips --json a/0.png a/0.png", 0);
    CHECK(number("value") == 0.0);
    outside_json(&o, "metric lpips --json a/0.png b/0.png", 0);
    const double there = number("value");
    CHECK(there > 0.0 && there == by_library("a/0.png", "b/0.png"));
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "LPIPS[ldm99-features]");
    CHECK_TEXT(json_text(json_get(o.json, "recipe"), ""), "without heads");
    outside_json(&o, "metric lpips --json b/0.png a/0.png", 0);
    CHECK(number("value") == there);
    outside_json(&o, "metric lpips --json a b", 0);
    CHECK(number("count") == 3 && json_number(json_at(json_get(o.json, "values"), 0), NAN) == there);
    CHECK_NEAR(number("value"),
               (there + by_library("a/1.png", "b/1.png") + by_library("a/2.png", "b/2.png")) / 3.0, 1e-12);
    outside_json(&o, "metric lpips --json a", 0); /* all pairs */
    CHECK(number("count") == 3);
    CHECK_NEAR(number("value"),
               (by_library("a/0.png", "a/1.png") + by_library("a/0.png", "a/2.png") +
                by_library("a/1.png", "a/2.png")) /
                   3.0,
               1e-12);
    outside_json(&o, "metric lpips --json --features network a b", 0);
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "LPIPS[vgg-");
    CHECK(outside_run(&o, "metric lpips a b") == 0);
    CHECK_TEXT(o.out, ", the mean of 3\nlpips 1: vgg, weights SHA-256 ");
}

static void test_clip_score(void)
{
    static const char *const CAPTIONS[3] = {"a rose in noto style", "a cat", "a house on grass"};
    Clip clip;
    float picture[512], text[512];
    double score = 0.0, cosine = 0.0;
    CHECK(clip_open(&clip, "weights/clip-score", false, &arena, NULL) == STATUS_OK);
    const int width = clip.config.projection_dim;
    CHECK(width <= 512);
    for (int i = 0; i < 3; i++) {
        char name[20];
        Image image;
        snprintf(name, sizeof name, "a/%d.png", i);
        CHECK(picture_read(&image, outside_path(&o, name), &arena, NULL) == STATUS_OK);
        CHECK(clip_embed_images(picture, &clip, &image, 1, &arena, NULL) == STATUS_OK);
        CHECK(clip_embed_texts(text, &clip, &CAPTIONS[i], 1, &arena, NULL) == STATUS_OK);
        const double c = clip_similarity(picture, text, width);
        cosine += c / 3.0;
        score += (c > 0.0 ? 100.0 * c : 0.0) / 3.0;
    }
    CHECK(outside_shell(
        &o, "cp -r a told && for i in 0 1 2; do case $i in 0) t='a rose in noto style';; 1) t='a "
            "cat';; 2) t='a house on grass';; esac; echo \"{\\\"file_name\\\": \\\"$i.png\\\", "
            "\\\"text\\\": \\\"$t\\\"}\"; done > told/metadata.jsonl"));
    outside_json(&o, "metric clip-score --json told", 0);
    CHECK_NEAR(number("value"), score, 1e-10);
    CHECK_NEAR(number("mean_cosine"), cosine, 1e-12);
    CHECK(number("count") == 3 && json_count(json_get(o.json, "warnings")) == 0);
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "CLIP-score[ldm99-clip-score]");
    CHECK(outside_shell(&o, "cp -r told long && sed -i \"1s/a rose/$(printf 'rose %.0s' $(seq 200))/\" "
                            "long/metadata.jsonl"));
    outside_json(&o, "metric clip-score --json long", 0);
    CHECK_TEXT(json_text(json_at(json_get(o.json, "warnings"), 0), ""), "1 of 3 captions");
    CHECK(outside_run(&o, "metric clip-score told") == 0);
    CHECK_TEXT(o.out, "CLIP-score[ldm99-clip-score] ");
}

static void refused(const char *arguments, int code, const char *text)
{
    if (!CHECK(outside_run(&o, arguments) == code))
        printf("    %s: %d\n%s", arguments, o.code, o.err);
    CHECK_TEXT(o.err, text);
}

static void test_refused(void)
{
    refused("metric lpips a a/0.png", 2, "two pictures or two folders");
    refused("metric lpips a b told", 2, "expected A or A B, got 3");
    refused("metric lpips a fewer", 3, "3 pictures in a and 2 in fewer");
    refused("metric lpips a renamed", 3, "stands where");
    refused("metric lpips a/0.png small.png", 1, "a/0.png has 64 x 64 pixels, small.png 32 x 32");
    refused("metric lpips single", 2, "one picture has no pairs");
    refused("metric lpips --heads none.safetensors a b", 3, "none.safetensors");
    refused("metric lpips --features a/0.png a b", 3, "a/0.png");
    refused("metric clip-score a", 2, "has no caption");
    refused("metric clip-score a b", 2, "expected a folder of pictures with captions, got 2");
    refused("metric clip-score nowhere", 3, "nowhere");
    refused("metric psnr --heads x a b", 2, "--heads");
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!outside_begin(&o, argv[0], "lpips_metric"))
        return check_report("lpips_metric");
    write_set(&o, "a", 3, 100);
    write_set(&o, "b", 3, 200);
    char line[3 * SCRATCH_PATH], here[SCRATCH_PATH];
    CHECK(getcwd(here, sizeof here) != NULL);
    snprintf(line, sizeof line, "cp -r '%s/weights/features' network", here);
    CHECK(outside_shell(&o, line));
    CHECK(outside_shell(
        &o, "cp -r a fewer && rm fewer/1.png && cp -r a renamed && mv renamed/1.png renamed/x.png "
            "&& mkdir single && cp a/0.png single/"));
    write_blocks(&o, "small.png", 32, 3, 1);
    test_lpips();
    test_clip_score();
    test_refused();
    arena_free(&arena);
    outside_end(&o);
    return check_report("lpips_metric");
}
