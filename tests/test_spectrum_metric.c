/* Metrics of power spectra, from outside. */
#include "diffusion/dncnn.h"
#include "tests/block_pictures.h"
#include "weights/weights_save.h"

static Outside o;

static double number(const char *key)
{
    return json_number(json_get(o.json, key), NAN);
}

static const Json *slope(int i)
{
    return json_at(json_get(o.json, "slopes"), (size_t)i);
}

/* White noise of 128 levels. */
static void write_noise(const char *name, int side, uint64_t seed)
{
    Arena arena = {0};
    Image image;
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_TEST, 1);
    CHECK(image_new(&image, side, side, 3, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < 3 * side * side; i++)
        image.pixels[i] = (unsigned char)(64 + rng_below(&rng, 128));
    CHECK(png_write(outside_path(&o, name), &image, NULL, 0, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

static void test_residuals(void)
{
    outside_json(&o, "metric pr --json a a", 0);
    CHECK(number("value") == 0.0);
    outside_json(&o, "metric pr --json a b", 0);
    const double there = number("value");
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "PR-gauss");
    CHECK_TEXT(json_text(json_get(o.json, "recipe"), ""), "not a DnCNN's");
    CHECK_TEXT(json_text(json_get(o.json, "recipe"), ""), "mean over channels, each divided by its mean");
    CHECK(json_count(json_get(o.json, "sets")) == 2 && json_count(json_get(o.json, "warnings")) == 0);
    outside_json(&o, "metric pr --json b a", 0);
    CHECK(there > 0.0 && number("value") == there);
    outside_json(&o, "metric pr --json -t 1 a b", 0);
    CHECK(number("value") == there);
    outside_json(&o, "metric pr --json --norm quarter a b", 0);
    CHECK_NEAR(number("value"), there / 4.0, 1e-12 * there);
    outside_json(&o, "metric pr --json --channels rgb a b", 0);
    CHECK(number("value") > there); /* three planes, less alike */
    outside_json(&o, "metric pr --json --norm none a b", 0);
    CHECK(number("value") > 0.0 && number("value") != there);
    outside_json(&o, "metric pr --json --residual haar a b", 0);
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "PR-haar");
    outside_json(&o, "metric pr --json --residual median3 a noise", 0);
    const double far = number("value");
    outside_json(&o, "metric pr --json --residual median3 a b", 0);
    CHECK(far > number("value"));
    CHECK(outside_run(&o, "metric pr a b --plot pr.svg") == 0);
    CHECK_TEXT(o.out, "PR-gauss ");
    CHECK_TEXT(o.out, "pr.svg");
    CHECK(outside_shell(&o, "grep -q 'cycles a pixel' pr.svg && grep -q 'mean power' pr.svg"));
}

/* The published residual is a network's, which the user brings. */
static void test_denoiser(void)
{
    Arena arena = {0};
    Weights w = weights_create(&arena, 3);
    DnCnn net;
    dncnn_load(&net, &w, "network");
    CHECK(weights_save(&w, NULL, outside_path(&o, "dncnn.safetensors"), F32, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
    outside_json(&o, "metric pr --json --denoiser dncnn.safetensors a b", 0);
    CHECK(number("value") > 0.0);
    CHECK_TEXT(json_text(json_get(o.json, "name"), ""), "PR[dncnn-");
    CHECK_TEXT(json_text(json_get(o.json, "recipe"), ""), "of a DnCNN, weights SHA-256 ");
    outside_json(&o, "metric pr --json --denoiser dncnn.safetensors a a", 0);
    CHECK(number("value") == 0.0);
    CHECK(outside_run(&o, "metric pr --denoiser a/0.png a b") == 3);
    CHECK_TEXT(o.err, "a/0.png");
}

static void test_slopes(void)
{
    outside_json(&o, "metric psd --json a b", 0);
    const double a = json_number(json_get(slope(0), "slope"), NAN),
                 b = json_number(json_get(slope(1), "slope"), NAN);
    CHECK(number("value") == (a > b ? a - b : b - a) && a < -1.0 && b < -1.0);
    CHECK(json_number(json_get(slope(0), "low"), 0) == 10 &&
          json_number(json_get(slope(0), "high"), 0) == 32);
    CHECK_NEAR(json_number(json_get(slope(0), "psd_ref"), NAN), a > -2.0 ? a + 2.0 : -2.0 - a, 1e-15);
    CHECK(json_number(json_get(slope(0), "deviation_of_pictures"), NAN) > 0.0);
    const Json *each = json_get(slope(0), "of_pictures");
    double mean = 0.0;
    for (size_t i = 0; i < 4; i++)
        mean += json_number(json_at(each, i), NAN) / 4.0;
    CHECK(json_count(each) == 4);
    CHECK_NEAR(json_number(json_get(slope(0), "mean_of_pictures"), NAN), mean, 1e-12);
    outside_json(&o, "metric psd --json a a", 0);
    CHECK(number("value") == 0.0);
    outside_json(&o, "metric psd --json noise", 0);
    CHECK(json_count(json_get(o.json, "slopes")) == 1 &&
          json_kind(json_get(o.json, "value")) == JSON_ABSENT);
    CHECK_NEAR(json_number(json_get(slope(0), "slope"), NAN), 0.0, 0.5);
    outside_json(&o, "metric psd --json --low 4 --high 20 --log-bins a", 0);
    CHECK(json_number(json_get(slope(0), "points"), 0) == 8);
    CHECK_TEXT(json_text(json_get(o.json, "recipe"), ""), "rings of 4 to 20 cycles a picture, in bins");
    outside_json(&o, "metric psd --json --redies-compat a", 0);
    CHECK(json_number(json_get(slope(0), "slope"), NAN) != a);
    CHECK_TEXT(json_text(json_get(o.json, "recipe"), ""), "labelled one too high");
    CHECK(outside_run(&o, "metric psd a b --plot psd.svg") == 0);
    CHECK_TEXT(o.out, "PSD ");
    CHECK(outside_shell(&o, "grep -q 'a: slope -' psd.svg && grep -q 'cycles a picture' psd.svg"));
}

static void refused(const char *arguments, int code, const char *text)
{
    if (!CHECK(outside_run(&o, arguments) == code))
        printf("    %s: %d\n%s", arguments, o.code, o.err);
    CHECK_TEXT(o.err, text);
}

static void test_refused(void)
{
    refused("metric pr a", 2, "metric pr: expected two sets A B, got 1");
    refused("metric psd a b noise", 2, "a set A or two sets A B, got 3");
    refused("metric psd a none", 3, "none");
    refused("metric psd small", 2, "small/0.png: the slope of a picture of 9 x 9");
    refused("metric pr small a", 1, "small/0.png: a picture of 9 x 9 pixels, expected sides from 10");
    refused("metric psd --low 31 a", 2, "frequencies from 31 to 32");
    refused("metric psd mixed", 1, "mixed/1.png: a picture of 48 x 48 pixels in a set of 64 x 64");
    refused("metric psd flat", 2, "flat/0.png: a picture of one colour has no slope");
    refused("metric pr flat a", 2, "none of 1 pictures has a residual");
    refused("metric pr --residual wiener a b", 2, "residual");
    CHECK(outside_shell(&o, "head -c 90 a/2.png > damaged/1.png"));
    refused("metric pr damaged a --plot none.svg", 3, "damaged/1.png");
    CHECK(outside_shell(&o, "test ! -e none.svg"));
}

static void test_pictures_of_one_colour_are_left_out(void)
{
    CHECK(outside_shell(&o, "rm -rf some && cp -r a some && cp plain.png some/plain.png"));
    outside_json(&o, "metric pr --json some a", 0);
    CHECK(number("value") == 0.0 && json_count(json_get(o.json, "warnings")) == 1);
    CHECK_TEXT(json_text(json_at(json_get(o.json, "warnings"), 0), ""), "1 of 5 pictures have no residual");
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!outside_begin(&o, argv[0], "spectrum_metric"))
        return check_report("spectrum_metric");
    write_set(&o, "a", 4, 100);
    write_set(&o, "b", 4, 200);
    write_set(&o, "mixed", 1, 300);
    CHECK(outside_shell(&o, "mkdir noise small flat damaged && cp a/0.png damaged/0.png"));
    write_noise("noise/0.png", 64, 10);
    write_noise("noise/1.png", 64, 77);
    write_noise("small/0.png", 9, 1);
    write_noise("mixed/1.png", 48, 1);
    Arena arena = {0};
    Image image;
    CHECK(image_new(&image, 64, 64, 3, &arena, NULL) == STATUS_OK);
    CHECK(png_write(outside_path(&o, "flat/0.png"), &image, NULL, 0, &arena, NULL) == STATUS_OK);
    CHECK(png_write(outside_path(&o, "plain.png"), &image, NULL, 0, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
    test_residuals();
    test_denoiser();
    test_slopes();
    test_pictures_of_one_colour_are_left_out();
    test_refused();
    outside_end(&o);
    return check_report("spectrum_metric");
}
