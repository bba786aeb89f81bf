/* The metrics of pictures and arrays from outside: numbers, recipes, folders, refusals; and what compare says of pictures. */
#include "io/npy.h"
#include "io/png.h"
#include "tests/outside.h"

static Outside o;

/* A grey ramp of 16 x 16, of which each third sample is `step` levels brighter. */
static void write_picture(const char *name, int step)
{
    Arena arena = {0};
    Image image;
    CHECK(image_new(&image, 16, 16, 3, &arena, NULL) == STATUS_OK);
    for (size_t i = 0; i < image_size(&image); i++)
        image.pixels[i] = (unsigned char)(i / 4 + (i % 3 == 0 ? (size_t)step : 0));
    CHECK(png_write(outside_path(&o, name), &image, NULL, 0, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

static void write_array(const char *name, uint64_t height, float step)
{
    Arena arena = {0};
    float x[2 * 12 * 12];
    NpyArray array = {.dtype = F32, .rank = 3, .dim = {2, height, 12}, .data = x};
    for (size_t i = 0; i < 288; i++)
        x[i] = (float)(i % 12) / 16.0f + step;
    CHECK(npy_write(outside_path(&o, name), &array, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

static double value(const char *arguments)
{
    return json_number(json_get(outside_json(&o, arguments, 0), "value"), -1.0);
}

static void test_files(void)
{
    write_picture("a.png", 0);
    write_picture("b.png", 6);
    CHECK(outside_run(&o, "metric mse a.png b.png") == 0); /* 36 in each third */
    CHECK(strcmp(o.out, "mse 12\nmse 1: mean of (a - b)^2 over all numbers\n") == 0);
    CHECK_NEAR(value("metric psnr --json a.png b.png"), 10.0 * log10(255.0 * 255.0 / 12.0), 1e-12);
    CHECK(strcmp(json_text(json_get(o.json, "metric"), ""), "psnr") == 0);
    CHECK_TEXT(json_text(json_get(o.json, "recipe"), ""), "psnr 1: 10 log10(range^2 / mse)");
    CHECK(json_number(json_get(o.json, "range"), 0.0) == 255.0 &&
          json_int(json_get(o.json, "count"), 0) == 1);
    const double ssim = value("metric ssim --json a.png b.png");
    CHECK(ssim > 0.5 && ssim < 1.0);
    CHECK(outside_run(&o, "metric ssim a.png b.png") == 0);
    CHECK_TEXT(o.out, "ssim 0.");
    CHECK_TEXT(o.out, "\nssim 1: mean over all 11 x 11 Gaussian windows (sigma 1.5)");
    CHECK_TEXT(o.out, "; range 255\n");
    CHECK(outside_run(&o, "metric psnr a.png a.png") == 0);
    CHECK_TEXT(o.out, "psnr infinite\n");
    CHECK(json_kind(json_get(outside_json(&o, "metric psnr --json a.png a.png", 0), "value")) == JSON_NULL);

    write_array("a.npy", 12, 0.0f);
    write_array("b.npy", 12, 0.25f);
    CHECK(value("metric mse --json a.npy b.npy") == 0.0625);
    CHECK_NEAR(value("metric psnr --json --range 2 a.npy b.npy"), 10.0 * log10(64.0), 1e-12);
    CHECK(value("metric ssim --json --data-range 2 a.npy b.npy") > 0.5);
}

static void test_folders(void)
{
    CHECK(outside_shell(
        &o, "mkdir x y && cp a.png x/1.png && cp a.png x/2.png && cp b.png y/1.png && cp a.png y/2.png"
            " && echo no >x/notes.txt"));
    CHECK(value("metric mse --json x y") == 6.0);
    const Json *rows = json_get(o.json, "rows");
    CHECK(json_count(rows) == 2 && json_number(json_get(json_at(rows, 0), "value"), 0.0) == 12.0);
    CHECK(strcmp(json_text(json_get(json_at(rows, 1), "name"), ""), "2.png") == 0);
    CHECK(outside_run(&o, "metric mse x y") == 0);
    CHECK_TEXT(o.out, "mse 6, the mean of 2\n");
    CHECK(outside_shell(&o, "cp a.npy x; cp b.npy y/a.npy"));
    outside_fails(&o, "metric ssim x y", 2, "a.npy is an array, so --range is needed");
    outside_fails(&o, "metric ssim --range 2 x y", 2, "has the range 2, those before it 255");
    CHECK(outside_shell(&o, "rm y/2.png x/a.npy y/a.npy"));
    outside_fails(&o, "metric mse x y", 3, "y has no 2.png, which is in x");
    CHECK(outside_shell(&o, "rm x/2.png; cp a.png y/0.png"));
    outside_fails(&o, "metric mse x y", 3, "x has no 0.png, which is in y");
    CHECK(outside_shell(&o, "rm x/1.png"));
    outside_fails(&o, "metric mse x y", 3, "x holds no pictures");
}

static void test_refused(void)
{
    write_array("low.npy", 10, 0.0f);
    outside_fails(&o, "metric psnrr a.png b.png", 2, "did you mean psnr");
    outside_fails(&o, "metric psnr a.png", 2, "metric psnr: expected two words A B, got 1");
    outside_fails(&o, "metric psnr a.png none.png", 3, "none.png");
    outside_fails(&o, "metric psnr a.npy b.npy", 2, "--range is needed");
    outside_fails(&o, "metric psnr a.png a.npy", 1,
                  "is a picture (16,16,3) in A and an array (2,12,12) in B");
    outside_fails(&o, "metric ssim --range 2 low.npy low.npy", 1, "12 x 10, expected at least 11 x 11");
    outside_fails(&o, "metric mse low.npy a.npy", 1, "(2,10,12) in A");
    write_array("nan.npy", 12, NAN);
    outside_fails(&o, "metric mse a.npy nan.npy", 5, "number 0 of the second is not finite");
}

/* Samples of pictures have levels, and their distance is told in them. */
static void test_compare(void)
{
    const Json *json = outside_json(&o, "compare --json a.png b.png", 4),
               *row = json_at(json_get(json, "rows"), 0);
    CHECK(json_number(json_get(row, "psnr"), 0.0) == value("metric psnr --json a.png b.png"));
    json = outside_json(&o, "compare --json a.png b.png", 4);
    row = json_at(json_get(json, "rows"), 0);
    CHECK(json_number(json_get(row, "ssim"), 0.0) > 0.5 &&
          json_kind(json_get(row, "max_ulp")) == JSON_ABSENT);
    CHECK(json_number(json_get(row, "max_abs"), 0.0) == 6.0);
    CHECK(json_kind(json_get(json_get(row, "first"), "ulp")) == JSON_ABSENT);
    outside_fails(&o, "compare a.png b.png", 4,
                  "1 of 1 tensor differs by more than 0, 0 without a match; the first is");
    CHECK_TEXT(o.out, "max abs 6 levels, 256 of 768 numbers, PSNR 37.34 dB, SSIM 0.");
    CHECK_TEXT(o.out, "first at [0,0,0]: 0 and 6\n");
    CHECK(strstr(o.out, "ulp") == NULL);
    json = outside_json(&o, "compare --json a.npy b.npy", 4);
    row = json_at(json_get(json, "rows"), 0);
    CHECK(json_kind(json_get(row, "max_ulp")) == JSON_NUMBER &&
          json_kind(json_get(row, "psnr")) == JSON_ABSENT);
    write_array("minus.npy", 12, -0.5f);
    outside_fails(&o, "compare a.npy minus.npy", 4, "1 of 1 tensor differs");
    CHECK_TEXT(o.out, " and 168 of other signs, 288 of 288 numbers");
    CHECK(outside_run(&o, "compare b.npy minus.npy") == 4);
    CHECK_TEXT(o.out, ": 0.25 and -0.5, other signs\n");
    outside_fails(&o, "compare x y", 3, "x");
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "metric")) {
        test_files();
        test_folders();
        test_refused();
        test_compare();
    }
    outside_end(&o);
    return check_report("command_metric");
}
