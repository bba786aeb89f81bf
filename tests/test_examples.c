/* The programs under docs/examples, built by the Makefile beside the tests, run on the shipped model. */
#include <stdlib.h>
#include <sys/wait.h>

#include "base/file.h"
#include "io/png.h"
#include "tests/check.h"
#include "tests/scratch.h"

static char examples[SCRATCH_PATH], out[SCRATCH_PATH], said[SCRATCH_PATH];

static int run(const char *line)
{
    char whole[5 * SCRATCH_PATH];
    const char *runner = getenv("LDM99_RUN"); /* an emulator: set by tools/run_tests.sh */
    snprintf(whole, sizeof whole, "%s '%s'/%s >'%s' 2>&1", runner != NULL ? runner : "", examples, line,
             said);
    const int status = system(whole);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void works(const char *line, int width, int height, Image *picture, Arena *arena)
{
    Bytes text = {.arena = arena};
    Error err = {0};
    if (!CHECK(run(line) == 0) && file_read(&text, said, arena, NULL) == STATUS_OK)
        printf("    %s: %.*s\n", line, (int)text.size, (const char *)text.data);
    if (!CHECK(png_read(picture, out, arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        *picture = (Image){0, 0, 0, NULL};
    }
    CHECK(picture->width == width && picture->height == height && picture->channels == 3);
}

static FILE *output_of(void)
{
    FILE *file = fopen(said, "r");
    CHECK(file != NULL);
    return file;
}

static void test_prompt_to_png(const char *model)
{
    Arena arena = {0};
    Image picture;
    PngText *texts = NULL;
    int count = 0;
    char line[3 * SCRATCH_PATH];
    snprintf(line, sizeof line, "prompt_to_png '%s' 'a red apple' '%s' 2", model, out);
    works(line, 64, 64, &picture, &arena);
    CHECK(png_read_texts(&texts, &count, out, &arena, NULL) == STATUS_OK);
    CHECK(count == 1 && strcmp(png_text(texts, count, "parameters"), "a red apple") == 0);
    snprintf(line, sizeof line, "prompt_to_png /nowhere 'a red apple' '%s'", out);
    CHECK(run(line) == 1);
    CHECK(run("prompt_to_png") == 2 && run("decode_gradient") == 2 && run("edit_latents") == 2);
    CHECK(run("guided_sampling") == 2 && run("two_threads") == 2);
    arena_free(&arena);
}

/* The loss falls with every step. */
static void test_decode_gradient(const char *model)
{
    Arena arena = {0};
    Image picture;
    char line[3 * SCRATCH_PATH];
    double loss = 0.0, before = 1e9;
    int step = 0, lines = 0;
    snprintf(line, sizeof line, "decode_gradient '%s' '%s' 4", model, out);
    works(line, 32, 32, &picture, &arena);
    FILE *file = output_of();
    while (file != NULL && fscanf(file, "%d %lf", &step, &loss) == 2) {
        CHECK(step == lines++ && loss < before);
        before = loss;
    }
    CHECK(lines == 5);
    if (file != NULL)
        fclose(file);
    arena_free(&arena);
}

/* The noise is far from symmetric, what comes after the first mirroring is nearer, and the picture is nearly: sides
 * that differ by less than 24 of 255 on average. */
static void test_edit_latents(const char *model)
{
    Arena arena = {0};
    Image picture;
    char line[3 * SCRATCH_PATH];
    double mean = 0.0, off[3] = {0};
    int step = 0;
    long apart = 0;
    snprintf(line, sizeof line, "edit_latents '%s' 'a house' '%s' 3", model, out);
    works(line, 64, 64, &picture, &arena);
    FILE *file = output_of();
    for (int i = 0; file != NULL && i < 3; i++)
        CHECK(fscanf(file, "%d %lf %lf", &step, &mean, &off[i]) == 3 && step == i);
    if (file != NULL)
        fclose(file);
    CHECK(off[1] < 0.8 * off[0] && off[2] < 0.8 * off[0]);
    for (int y = 0; y < picture.height; y++)
        for (int x = 0; x < 3 * 32; x++)
            apart += abs(image_at(&picture, x / 3, y)[x % 3] - image_at(&picture, 63 - x / 3, y)[x % 3]);
    CHECK(picture.height == 64 && apart < 64 * 96 * 24);
    arena_free(&arena);
}

/* The losses that guided_sampling printed. */
static int losses_of(double loss[8], const char *model, const char *scale)
{
    Arena arena = {0};
    Image picture;
    char line[3 * SCRATCH_PATH];
    int step = 0, count = 0;
    snprintf(line, sizeof line, "guided_sampling '%s' 'a red apple' '%s' 4 %s", model, out, scale);
    works(line, 64, 64, &picture, &arena);
    FILE *file = output_of();
    while (file != NULL && count < 8 && fscanf(file, "%d %lf", &step, &loss[count]) == 2)
        CHECK(step == count++);
    if (file != NULL)
        fclose(file);
    arena_free(&arena);
    return count;
}

/* Both start from the same noise; from the second step on the pulled one is nearer to the colour. */
static void test_guided_sampling(const char *model)
{
    double pulled[8], free_run[8];
    CHECK(losses_of(pulled, model, "100") == 4 && losses_of(free_run, model, "0") == 4);
    CHECK(pulled[0] == free_run[0]);
    for (int i = 1; i < 4; i++)
        CHECK(pulled[i] < free_run[i] - 0.01);
    CHECK(pulled[3] < 0.9 * free_run[3]);
}

static void test_two_threads(const char *model)
{
    Arena arena = {0};
    Bytes text;
    char line[3 * SCRATCH_PATH];
    snprintf(line, sizeof line, "two_threads '%s' 'a house' 2", model);
    CHECK(run(line) == 0);
    CHECK(file_read(&text, said, &arena, NULL) == STATUS_OK);
    CHECK_TEXT((const char *)text.data, "the two: PSNR ");
    CHECK_TEXT((const char *)text.data, "\nalone: the same bits\n");
    CHECK_TEXT((const char *)text.data, ", held at the end: 0 bytes\n");
    snprintf(line, sizeof line, "two_threads '%s' 'a house' 2 2", model); /* 2 MB are too few */
    CHECK(run(line) == 1);
    CHECK(file_read(&text, said, &arena, NULL) == STATUS_OK);
    CHECK_TEXT((const char *)text.data, "out of memory: ");
    CHECK_TEXT((const char *)text.data, "memory: at most ");
    CHECK_TEXT((const char *)text.data, ", held at the end: 0 bytes\n");
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *model = "weights/model";
    snprintf(examples, sizeof examples, "%.*s/../examples", slash != NULL ? (int)(slash - argv[0]) : 1,
             slash != NULL ? argv[0] : ".");
    scratch_path(out, "example.png");
    scratch_path(said, "example.txt");
    if (run("prompt_to_png") != 2) {
        printf("skipped: the examples do not run here\n");
    } else if (!file_exists("weights/model/model_index.json")) {
        printf("skipped: the shipped model is not there\n");
    } else {
        test_prompt_to_png(model);
        test_decode_gradient(model);
        test_edit_latents(model);
        test_guided_sampling(model);
        test_two_threads(model);
    }
    remove(out);
    CHECK(remove(said) == 0);
    return check_report("examples");
}
