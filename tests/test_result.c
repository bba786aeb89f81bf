/* --json of every subcommand: one object on stdout and nothing else (cli/result.c). */
#include "cli/result.h"

#include "io/safetensors.h"
#include "io/sha256.h"
#include "tests/outside.h"

static Outside o;

static const char *text_of(const char *key)
{
    return json_text(json_get(o.json, key), "");
}

/* Entry i of "files": that name, the bytes and the hash of what is there. */
static void file_is(size_t i, const char *name)
{
    char hash[65] = "";
    uint64_t size = 0, said = 1;
    const Json *file = json_at(json_get(o.json, "files"), i);
    if (!CHECK(strcmp(json_text(json_get(file, "path"), ""), name) == 0))
        printf("    file %zu is %s, want %s\n", i, json_text(json_get(file, "path"), ""), name);
    CHECK(file_size(&size, outside_path(&o, name), NULL) == STATUS_OK);
    CHECK(sha256_file(hash, outside_path(&o, name), NULL) == STATUS_OK);
    CHECK(json_uint64(&said, json_get(file, "bytes")) && said == size);
    CHECK(strcmp(json_text(json_get(file, "sha256"), ""), hash) == 0);
}

static void test_lines_and_members(void)
{
    Result r;
    result_begin(&r, "paint", false, NULL);
    json_write_int(&r.json, "steps", 3);
    CHECK(!r.text.failed && !r.failed);
    CHECK(result_end(&r, 0, 0, "") == STATUS_OK); /* people get nothing of it */

    result_begin(&r, "paint", true, NULL);
    r.arena.fail_after = 1;
    result_file_quietly(&r, "x.png");
    CHECK(result_end(&r, 0, 0, "") == STATUS_MEMORY);
}

static void test_small_commands(void)
{
    outside_json(&o, "golden self --json", 0);
    CHECK(json_int(json_get(o.json, "different"), -1) == 0 && json_int(json_get(o.json, "same"), 0) > 10);
    CHECK(json_count(json_get(o.json, "items")) > 10);
    outside_json(&o, "golden slef --json", 2);
    CHECK_TEXT(text_of("error"), "slef");

    float x[4] = {1.0f, 2.0f, 3.0f, 4.0f};
    Arena arena = {0};
    for (int i = 0; i < 2; i++) {
        const SafetensorsItem item = {.name = "x", .dtype = F32, .rank = 2, .dim = {2, 2}, .data = x};
        CHECK(safetensors_write(outside_path(&o, i == 0 ? "a.safetensors" : "b.safetensors"), &item, 1,
                                NULL, &arena, NULL) == STATUS_OK);
        x[2] = 3.5f;
    }
    arena_free(&arena);
    outside_json(&o, "compare --json a.safetensors a.safetensors", 0);
    CHECK(json_kind(json_get(o.json, "first_different")) == JSON_NULL);
    outside_json(&o, "compare --json a.safetensors b.safetensors", 4);
    const Json *row = json_at(json_get(o.json, "rows"), 0), *first = json_get(row, "first");
    CHECK(strcmp(text_of("first_different"), "x") == 0 && json_int(json_get(o.json, "different"), 0) == 1);
    CHECK(json_int(json_at(json_get(first, "index"), 0), -1) == 1 &&
          json_int(json_at(json_get(first, "index"), 1), -1) == 0);
    CHECK(json_number(json_get(first, "a"), 0.0) == 3.0 && json_number(json_get(first, "b"), 0.0) == 3.5);
    CHECK(json_int(json_get(first, "ulp"), 0) == 2097152 &&
          json_int(json_get(row, "numbers_different"), 0) == 1);
    outside_json(&o, "compare --json a.safetensors none.npy", 3);
    for (int i = 0; i < 2; i++) { /* little apart, then far */
        float y[2] = {1.0f + 0.125f * (float)i, 1.0f + 2.0f * (float)i};
        const SafetensorsItem items[2] = {
            {.name = "near", .dtype = F32, .rank = 1, .dim = {1}, .data = y},
            {.name = "wide", .dtype = F32, .rank = 1, .dim = {1}, .data = y + 1}};
        CHECK(safetensors_write(outside_path(&o, i == 0 ? "c.safetensors" : "d.safetensors"), items, 2,
                                NULL, &arena, NULL) == STATUS_OK);
    }
    outside_json(&o, "compare --json c.safetensors d.safetensors", 4);
    CHECK(strcmp(text_of("first_different"), "near") == 0);
    outside_json(&o, "compare --json --tolerance 0.5 c.safetensors d.safetensors", 4);
    CHECK(strcmp(text_of("first_different"), "wide") == 0);
    CHECK(strcmp(json_text(json_get(json_at(json_get(o.json, "rows"), 0), "verdict"), ""), "within") == 0);
    arena_free(&arena);
    outside_json(&o, "info --json a.safetensors", 0);
    CHECK(json_number(json_get(json_at(json_get(o.json, "tensors"), 0), "mean"), 0.0) == 2.5);
    CHECK(strlen(text_of("sha256")) == 64);
}

static void test_data(void)
{
    outside_json(&o, "data list --json", 0);
    CHECK(json_count(json_get(o.json, "styles")) > 5 && json_count(json_get(o.json, "concepts")) > 100);
    outside_json(&o, "data list styles --json", 0);
    CHECK(json_count(json_get(o.json, "styles")) > 5 && json_get(o.json, "concepts") == NULL);
    outside_json(&o, "data list tests --json", 0);
    CHECK(json_count(json_get(o.json, "tests")) > 5 && json_get(o.json, "styles") == NULL);
    outside_json(&o, "data show -n 2 --size 32 -o sheet.png --json", 0);
    file_is(0, "sheet.png");
    CHECK(json_int(json_get(o.json, "seed"), 0) == 42 && json_int(json_get(o.json, "count"), 0) == 2);
    outside_json(&o, "info --json sheet.png", 0);
    CHECK(strcmp(text_of("kind"), "png") == 0 && json_count(json_get(o.json, "texts")) == 1);
    outside_json(&o, "data make -n 2 --size 32 -o made --json", 0);
    file_is(0, "made/metadata.jsonl");
    outside_json(&o, "data make -n 2 --size 33 -o made --json", 2);
    CHECK(json_count(json_get(o.json, "files")) == 0);
}

static void test_training(void)
{
    outside_write(
        &o, "vae.json",
        "{\"model\": {\"block_out_channels\": [4, 4], \"layers_per_block\": 1, \"norm_num_groups\": 2,"
        " \"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
        " \"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]},"
        " \"data\": {\"size\": 32}, \"loss\": {\"mse\": 1.0, \"kl\": 1e-5},"
        " \"train\": {\"max_train_steps\": 2, \"batch_size\": 1, \"sample_every\": 2}}");
    outside_json(&o, "train vae --json --recipe vae.json -o vae", 0);
    CHECK(json_int(json_get(o.json, "steps"), 0) == 2 && strlen(text_of("state_sha256")) == 64);
    CHECK(json_count(json_get(o.json, "files")) == 5);
    file_is(0, "vae/sheet_0000000.png");
    file_is(2, "vae/state.safetensors");
    file_is(4, "vae/loss.svg");
    outside_write(
        &o, "words.json",
        "{\"data\": {\"captions\": 50, \"vocabulary\": 600, \"length\": 16}, \"train\": {\"seed\": 1}}");
    outside_json(&o, "train tokenizer --json --recipe words.json -o words", 0);
    CHECK(json_int(json_get(o.json, "captions"), 0) == 50 && json_int(json_get(o.json, "tokens"), 0) > 512);
    outside_json(&o, "train vae --json --recipe none.json -o vae", 3);
    outside_fails(&o, "train vae -o x --lr -0.5", 2, "--lr is -0.5, expected -1 or 0 to 1000");
    outside_fails(&o, "train vae -o x --max-train-steps 2.5", 2, "expected a whole number from -1 to");
}

static void test_model(void)
{
    outside_json(&o, "info --json --tensors", 0);
    CHECK(strlen(json_text(json_get(json_get(o.json, "model_sha256"), "unet/config.json"), "")) == 64);
    CHECK(json_count(json_get(json_get(o.json, "unet"), "shapes")) > 100);
    outside_json(&o, "txt2img --json -p apple --steps 1 -W 32 -H 32 -o a.png", 0);
    file_is(0, "a.png");
    outside_json(&o, "encode --json -i a.png -o a.npy", 0);
    file_is(0, "a.npy");
    CHECK(json_count(json_get(o.json, "shape")) == 4);
    outside_json(&o, "decode --json -i a.npy -o b.png", 0);
    file_is(0, "b.png");
    CHECK(json_int(json_get(o.json, "pictures"), 0) == 1);
    outside_json(&o, "txt2img --json -p apple --steps 1001 -o a.png", 2);
    outside_json(&o, "txt2img --json -m no/model -p apple -o a.png", 3);
    outside_json(&o, "demo --json --steps 1 -o demo", 0);
    file_is(0, "demo/demo.png");
    CHECK(json_count(json_get(o.json, "pictures")) == 16);
}

int main(int argc, char **argv)
{
    test_lines_and_members();
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "result")) {
        test_small_commands();
        if (outside_run(&o, "data list styles") == 0) {
            test_data();
            test_training();
        } else {
            printf("skipped: the picture world is not there\n");
        }
        if (outside_run(&o, "info") == 0)
            test_model();
        else
            printf("skipped: the shipped model is not there\n");
    }
    outside_end(&o);
    return check_report("result");
}
