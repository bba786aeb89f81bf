/* Previews: by themselves with a network whose answer is known, and from outside with a tiny model: what they show, that
 * the pictures have the same bytes with and without them, and what is refused. */
#include "cli/preview.h"

#include "diffusion/latent_pictures.h"
#include "io/npy.h"
#include "io/png.h"
#include "tests/outside.h"
#include "tests/tiny_model.h"

static Outside o;

enum { SAMPLE = 2 * 4 * 4 };

static void works(const char *arguments)
{
    if (!CHECK(outside_run(&o, arguments) == 0))
        printf("    ldm99 %s: exit %d, %s", arguments, o.code, o.err);
}

static const char *kept(const char *name)
{
    return arena_text(&o.arena, outside_path(&o, name), strlen(outside_path(&o, name)));
}

/* Pixels of a file against a picture. */
static void same_picture(const char *name, const Image *want)
{
    Image got;
    if (CHECK(png_read(&got, outside_path(&o, name), &o.arena, NULL) == STATUS_OK))
        CHECK(image_size(&got) == image_size(want) &&
              memcmp(got.pixels, want->pixels, image_size(want)) == 0);
}

/* ---- by themselves ---- */

typedef struct {
    Command command;
    Arena arena;
    Model m;
    Preview preview;
    SamplerRun run;
} Bench;

static void begin(Bench *b, const char *folder, int every, int images)
{
    *b = (Bench){.preview = {.folder = folder, .every = every}};
    tiny_model_new(&b->m, &b->arena);
    result_begin(&b->command.result, "paint", false, NULL);
    CHECK(preview_begin(&b->preview, &b->m, 4, &b->command, NULL) == STATUS_OK);
    CHECK(sampler_begin(&b->run, &SAMPLER_DDIM, &b->m.config.scheduler, (SamplerOptions){0}, 5, images,
                        SAMPLE, NULL, &b->arena, NULL) == STATUS_OK);
}

static void end(Bench *b)
{
    CHECK(result_end(&b->command.result, 0, 0, "") == STATUS_OK);
    arena_free(&b->command.arena);
    arena_free(&b->arena);
}

static Status call_it(Bench *b, int call, const float *seen, float *out, Error *err)
{
    return b->preview.hooks.guided(b->preview.hooks.context, &b->run, call, seen, out, err);
}

/* Of eps = 0 the prediction is x / a; every second call, and the last one, is shown. */
static void test_what_is_shown(void)
{
    static Bench b;
    float seen[2 * SAMPLE], zero[2 * SAMPLE] = {0}, want[2 * SAMPLE];
    Image picture[2];
    begin(&b, kept("p"), 2, 2);
    for (int i = 0; i < 2 * SAMPLE; i++)
        seen[i] = (float)(i % 7) * 0.25f - 0.5f;
    const size_t used = b.command.arena.used;
    for (int call = 0; call < 5; call++)
        CHECK(call_it(&b, call, seen, zero, NULL) == STATUS_OK);
    CHECK(b.command.arena.used == used);
    for (int call = 0; call < 5; call += 2) {
        const float a = (float)schedule_signal(&b.run.schedule, (int)b.run.time[call]);
        char name[40];
        for (int i = 0; i < 2 * SAMPLE; i++)
            want[i] = seen[i] / a;
        CHECK(decode_latents(picture, &b.m, want, 2, 4, 4, &b.arena, NULL) == STATUS_OK);
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "p/step-%03d_%d.png", call, k + 1);
            same_picture(name, &picture[k]);
        }
    }
    CHECK(!outside_has(&o, "p/step-001_1.png") && !outside_has(&o, "p/step-003_1.png"));
    CHECK(outside_shell(&o, "test $(ls p | wc -l) = 6"));
    end(&b);

    begin(&b, kept("q"), 3, 1);
    for (int call = 0; call < 5; call++)
        CHECK(call_it(&b, call, seen, zero, NULL) == STATUS_OK);
    CHECK(outside_shell(&o, "test \"$(ls q | tr '\\n' ' ')\" = 'step-000.png step-003.png step-004.png '"));
    end(&b);
}

/* A latent of which the decoder makes no numbers has no preview; the others of the batch have theirs. */
static void test_no_numbers_is_no_failure(void)
{
    static Bench b;
    float seen[2 * SAMPLE] = {0}, zero[2 * SAMPLE] = {0};
    begin(&b, kept("n"), 1, 2);
    b.command.quiet = true;
    seen[3] = INFINITY;
    CHECK(call_it(&b, 0, seen, zero, NULL) == STATUS_OK);
    CHECK(!outside_has(&o, "n/step-000_1.png") && outside_has(&o, "n/step-000_2.png"));
    end(&b);
}

static void test_failing_allocations(void)
{
    static Bench b;
    float seen[SAMPLE] = {0}, zero[SAMPLE] = {0};
    Status status = STATUS_MEMORY;
    begin(&b, kept("f"), 1, 1);
    int n = 1;
    for (; status == STATUS_MEMORY && n < 20000; n++) {
        Error err = {0};
        b.command.arena.fail_after = (uint64_t)n;
        status = call_it(&b, 0, seen, zero, &err);
        CHECK(status == STATUS_OK || err.status == STATUS_MEMORY);
    }
    CHECK(status == STATUS_OK && n > 10);
    end(&b);
}

/* ---- from outside ---- */

static void write_files(void)
{
    Arena arena = {0};
    Model m;
    Image picture;
    tiny_model_new(&m, &arena);
    CHECK(model_save(&m, outside_path(&o, "model"), F32, &arena, NULL) == STATUS_OK);
    CHECK(image_new(&picture, 16, 16, 3, &arena, NULL) == STATUS_OK);
    for (size_t i = 0; i < image_size(&picture); i++)
        picture.pixels[i] = (unsigned char)(i * 5 % 256);
    CHECK(png_write(outside_path(&o, "in.png"), &picture, NULL, 0, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

/* The file, text and all, is the same with previews and without; one run's dump is, too. */
static void test_previews_change_nothing(void)
{
    static const char *const RUNS[] = {
        "txt2img --steps 4 --eta 1",
        "txt2img --steps 3 --sampling-method heun --prediction v_prediction",
        "txt2img --steps 5 --sampling-method pndm --rng torch",
        "img2img -i in.png --steps 4 --strength 0.5 --sampling-method euler_a",
        "inpaint -i in.png --mask in.png --steps 4 --strength 1",
    };
    char line[400];
    for (size_t i = 0; i < sizeof RUNS / sizeof RUNS[0]; i++) {
        snprintf(line, sizeof line, "%s -q -m model -p 'a red square' -o x.png --trace x.txt", RUNS[i]);
        works(line);
        snprintf(line, sizeof line,
                 "%s -q -m model -p 'a red square' -o y.png --trace y.txt --preview-dir shown%zu", RUNS[i],
                 i);
        works(line);
        CHECK(outside_shell(&o, "cmp x.png y.png && cmp x.txt y.txt"));
    }
    CHECK(outside_shell(&o, "test $(ls shown0 | wc -l) = 4 && test $(ls shown1 | wc -l) = 5"));
    /* steps that are left out have no number */
    CHECK(outside_shell(&o, "test \"$(ls shown3 | tr '\\n' ' ')\" = 'step-002.png step-003.png '"));
}

/* DDIM's last step ends at the x0 that it predicts, when alpha-bar there is 1. */
static void test_the_last_preview_is_the_picture(void)
{
    CHECK(outside_shell(
        &o, "cp -r model one && sed 's/\"set_alpha_to_one\": *false/\"set_alpha_to_one\": true/' "
            "model/scheduler/scheduler_config.json > one/scheduler/scheduler_config.json && "
            "grep -q 'one\": *true' one/scheduler/scheduler_config.json"));
    const Json *json = outside_json(&o,
                                    "txt2img -q --json -m one -p 'a red square' -b 2 --steps 3 -o z.png "
                                    "--preview-dir deep/er --preview-every 2 --cfg-scale 3",
                                    0);
    for (int k = 1; k <= 2; k++) {
        Image picture;
        char name[60];
        snprintf(name, sizeof name, "z_%d.png", k);
        CHECK(png_read(&picture, outside_path(&o, name), &o.arena, NULL) == STATUS_OK);
        snprintf(name, sizeof name, "deep/er/step-002_%d.png", k);
        same_picture(name, &picture);
    }
    CHECK(!outside_has(&o, "deep/er/step-001_1.png"));
    CHECK(json_count(json_get(json, "files")) == 6);
    CHECK(json_get(json_get(json, "options"), "preview-dir") == NULL);
}

static void test_refused(void)
{
    outside_fails(&o, "txt2img -q -m model -p x -o no.png --preview-every 2", 2,
                  "txt2img: --preview-every needs --preview-dir");
    outside_fails(&o, "txt2img -q -m model -p x -o no.png --preview-dir d --preview-every 0", 2,
                  "preview-every");
    outside_fails(&o, "txt2img -q -m model -p x -o no.png --preview-dir in.png", 3, "in.png");
    outside_fails(&o, "again -q x.png --preview-dir d", 2, "unknown option --preview-dir");
    CHECK(outside_shell(&o, "mkdir full && mkdir full/step-000.png"));
    outside_fails(&o, "txt2img -q -m model -p x --steps 2 -o no.png --preview-dir full", 3, "step-000.png");
    CHECK(!outside_has(&o, "no.png") && !outside_has(&o, "d"));
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "preview")) {
        test_what_is_shown();
        test_no_numbers_is_no_failure();
        test_failing_allocations();
        write_files();
        test_previews_change_nothing();
        test_the_last_preview_is_the_picture();
        test_refused();
    }
    outside_end(&o);
    return check_report("preview");
}
