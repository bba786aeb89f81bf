/* The program with the shipped model, from outside: the same files whatever the threads and the batch, files for other
 * runs, refusals that leave nothing.  Nothing here depends on what the model has learned but the bound on its
 * autoencoder. */
#include "io/npy.h"
#include "tests/outside.h"

/* Decibels that a picture of the world keeps on its way to a latent and back, at least. */
static const double AUTOENCODER_KEEPS = 22.0;

static Outside o;

static void works(const char *arguments)
{
    if (!CHECK(outside_run(&o, arguments) == 0))
        printf("    ldm99 %s: exit %d, %s\n", arguments, o.code, o.err);
}

static void fails(const char *arguments, int code, const char *part)
{
    outside_fails(&o, arguments, code, part);
}

static bool same_files(const char *a, const char *b)
{
    char line[300];
    snprintf(line, sizeof line, "cmp %.100s %.100s", a, b);
    return outside_shell(&o, line);
}

static bool same_pixels(const char *a, const char *b)
{
    char line[300];
    snprintf(line, sizeof line, "compare %.100s %.100s", a, b);
    return outside_run(&o, line) == 0;
}

/* The folder holds only what the run before left: its stdout and stderr. */
static bool nothing_else(void)
{
    return outside_shell(&o, "test \"$(ls -A)\" = \"$(printf 'stderr\\nstdout')\"");
}

static void test_threads_and_batches(void)
{
    works("txt2img -q -p 'a red apple' --steps 2 -s 7 -t 1 -o one.png");
    works("txt2img -q -p 'a red apple' --steps 2 -s 7 -t 2 -o two.png");
    CHECK(same_files("one.png", "two.png"));
    works("txt2img -q -p 'a red apple' --steps 2 -s 7 -b 2 -o both.png");
    works("txt2img -q -p 'a red apple' --steps 2 -s 8 -o next.png");
    CHECK(same_pixels("both_1.png", "one.png") && same_pixels("both_2.png", "next.png"));
    CHECK(!same_pixels("one.png", "next.png")); /* another seed */
    works("txt2img -q -p 'a red apple' --steps 2 -s 7 -n 'a green pear' -o not.png");
    CHECK(!same_pixels("one.png", "not.png"));
    works("txt2img -q -p 'a green pear' --steps 2 -s 7 -o pear.png");
    CHECK(!same_pixels("one.png", "pear.png"));
    CHECK(outside_shell(&o, "rm *.png"));
}

static void test_sizes_and_latents(void)
{
    const Json *json = outside_json(
        &o, "txt2img -q --json -p star --steps 2 -W 32 -H 48 -o small.png --save-latents small.npy", 0);
    const Json *picture = json_at(json_get(json, "pictures"), 0);
    CHECK(json_int(json_get(picture, "width"), 0) == 32 && json_int(json_get(picture, "height"), 0) == 48);
    works("decode -q -i small.npy -o again.png");
    CHECK(same_pixels("small.png", "again.png"));
    works("txt2img -q -p star --steps 2 --latents small.npy -o given.png"); /* they also set the size */
    works("txt2img -q -p star --steps 2 --latents small.npy -s 9 -o given9.png");
    CHECK(same_pixels("given.png", "given9.png") && !same_pixels("given.png", "small.png"));
    fails("txt2img -q -p star --latents none.npy -o none.png", 3, "none.npy");
    fails("txt2img -q -p star --steps 1 --latents small.npy -b 3 -o none.png", 2, "holds 1 latents");
    fails("txt2img -q -p star --latents small.png -o none.png", 3, "small.png");
    CHECK(!outside_has(&o, "none.png"));
    CHECK(outside_shell(&o, "rm *.png *.npy"));
}

static void test_refused(void)
{
    CHECK(outside_shell(&o, "rm -f *"));
    fails("txt2img -q -p x --model no/model", 3, "no/model");
    fails("txt2img -q", 2, "prompt");
    fails("txt2img -q -p \"$(printf 'caf\\351')\" --steps 1", 2, "not UTF-8");
    fails("txt2img -q -p x --steps 1 -o stderr/x.png", 3, "stderr");
    fails("txt2img -q -p x --steps 1 -W 33", 2, "width is 33 pixels, expected a multiple of");
    fails("txt2img -q -p x --steps 1 -W 32 -H 30", 2, "height is 30 pixels");
    fails("txt2img -q -p x --steps 1 -W 99999", 2, "--width");
    fails("txt2img -q -p x --steps 1001", 2, "steps is 1001");
    fails("txt2img -q -p x -b 0", 2, "--batch-count");
    fails("encode -q -i none.png", 3, "none.png");
    fails("decode -q -i none.npy", 3, "none.npy");
    fails("demo -q --steps 1 -o stderr", 3, "stderr");
    CHECK(nothing_else());
}

/* A model of which one file is cut, not what it says, or missing. */
static void test_damaged_models(const char *shipped)
{
    static const struct {
        const char *damage, *part;
    } MODELS[] = {
        {"head -c 100000 m/unet/*.safetensors > x; mv x m/unet/diffusion_pytorch_model.safetensors",
         "unet"},
        {"printf '\\377\\377\\377\\377\\377\\377\\377\\177{}' > m/vae/diffusion_pytorch_model.safetensors",
         "vae"},
        {"echo '[' > m/unet/config.json", "unet/config.json"},
        {"rm m/tokenizer/vocab.json", "vocab.json"},
        {"rm m/model_index.json", "model_index.json"},
        {"echo '{}' > m/scheduler/scheduler_config.json; rm m/text_encoder/config.json", "text_encoder"},
    };
    char line[SCRATCH_PATH];
    for (size_t i = 0; i < sizeof MODELS / sizeof MODELS[0]; i++) {
        snprintf(line, sizeof line, "cp -R '%.500s' m && chmod -R u+w m && { %s; }", shipped,
                 MODELS[i].damage);
        CHECK(outside_shell(&o, line));
        fails("txt2img -q -m m -p x --steps 1", 3, MODELS[i].part);
        CHECK(outside_shell(&o, "rm -r m"));
        CHECK(nothing_else());
    }
}

static void test_round_trip(void)
{
    works("data make -q -n 1 --size 64 -o w");
    works("encode -q -i w/000000.png -o w.npy -t 1");
    works("encode -q -i w/000000.png -o w2.npy -t 2");
    CHECK(same_files("w.npy", "w2.npy"));
    works("encode -q -i w/000000.png -o drawn.npy --sample -s 3");
    CHECK(!same_files("w.npy", "drawn.npy"));
    works("decode -q -i w.npy -o back.png");
    const Json *json = outside_json(&o, "compare --json w/000000.png back.png", 4);
    const Json *pixels = json_at(json_get(json, "rows"), 0);
    const double kept = json_number(json_get(pixels, "psnr"), 0.0);
    if (!CHECK(kept >= AUTOENCODER_KEEPS))
        printf("    PSNR %.2f dB\n", kept);
    CHECK(outside_shell(&o, "rm -r w *.npy back.png"));
}

/* What each place of the picture looks at: for every head a distribution over the prompt's tokens. */
static void test_attention_maps(void)
{
    NpyArray map;
    works("txt2img -q -p 'a red apple' --steps 1 -o m.png --dump m1 --dump-match '*.probabilities' -t 1");
    works("txt2img -q -p 'a red apple' --steps 1 -o m.png --dump m2 --dump-match '*.probabilities' -t 2");
    works("compare -q m1 m2");
    const char *path = outside_path(
        &o, "m1/step.00.unet.mid_block.attentions.0.transformer_blocks.0.attn2.probabilities.npy");
    if (CHECK(npy_read(&map, path, &o.arena, NULL) == STATUS_OK && map.rank == 3)) {
        const float *p = map.data;
        const size_t keys = (size_t)map.dim[2];
        double worst = 0.0, least = 1.0;
        for (size_t r = 0; r < (size_t)(map.dim[0] * map.dim[1]); r++) {
            double sum = 0.0;
            for (size_t k = 0; k < keys; k++) {
                sum += (double)p[r * keys + k];
                least = fmin(least, (double)p[r * keys + k]);
            }
            worst = fmax(worst, fabs(sum - 1.0));
        }
        CHECK(worst < 1e-5 && least >= 0.0 && map.dim[0] % 2 == 0); /* two samples: negative, prompt */
    }
    CHECK(outside_shell(&o, "rm -r m1 m2 m.png"));
}

/* The gradients of a step of a shipped recipe (its channels fewer, for the sanitizers' sake) do not depend on how the
 * batch is cut. */
static void test_gradients(const char *shipped)
{
    char line[SCRATCH_PATH];
    snprintf(line, sizeof line,
             "sed -e 's/\"held_out\": [0-9]*/\"held_out\": 0/' -e 's/\"block_out_channels\": [^]]*/\"block_out_channels\": [8, 8, 16/'"
             " -e 's/\"norm_num_groups\": [0-9]*/\"norm_num_groups\": 4/' '%.500s/../recipes/vae.json' >vae.json",
             shipped);
    CHECK(outside_shell(&o, line));
    works("train vae -q --recipe vae.json -o v1 --max-train-steps 1 --sample-every 0 --batch-size 2 "
          "--micro-batch 1"
          " --dump g1 --dump-match 'grad.*'");
    works("train vae -q --recipe vae.json -o v2 --max-train-steps 1 --sample-every 0 --batch-size 2 "
          "--micro-batch 2"
          " --dump g2 --dump-match 'grad.*'");
    works("compare g1 g2");
    CHECK(strstr(o.out, "stages, none differs") != NULL &&
          outside_has(&o, "g1/step.000001.grad.encoder.conv_in.weight.npy"));
    works("train vae -q --recipe vae.json -o v3 --max-train-steps 1 --sample-every 0 --batch-size 2 -s 9"
          " --dump g3 --dump-match 'grad.*'");
    fails("compare g1 g3", 4, "the first is step.000001.grad.encoder.conv_in.weight");
    CHECK(outside_shell(&o, "rm -r v1 v2 v3 g1 g2 g3 vae.json"));
}

static void test_demo(void)
{
    works("demo -q --steps 1 -o a");
    works("demo -q --steps 1 -o b -t 1");
    CHECK(same_files("a/demo.png", "b/demo.png"));
    CHECK(outside_shell(&o, "test \"$(ls -A a)\" = demo.png && rm -r a b"));
    works("demo scenes -q --steps 1 -o a");
    CHECK(outside_shell(&o, "test \"$(ls -A a)\" = showcase-scenes.png && rm -r a"));
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "program-model")) {
        const Json *json = outside_run(&o, "info --json") == 0 ? outside_json(&o, "info --json", 0) : NULL;
        char shipped[SCRATCH_PATH] = "";
        snprintf(shipped, sizeof shipped, "%.900s", json_text(json_get(json, "folder"), ""));
        if (shipped[0] != '\0') {
            test_threads_and_batches();
            test_sizes_and_latents();
            test_refused();
            test_damaged_models(shipped);
            test_attention_maps();
            if (outside_run(&o, "data list styles") == 0) {
                test_round_trip();
                test_gradients(shipped);
            } else {
                printf("skipped: the picture world is not there\n");
            }
            test_demo();
        } else {
            printf("skipped: the shipped model is not there\n");
        }
    }
    outside_end(&o);
    return check_report("program_model");
}
