/* The program with a CLIP: trained by a recipe, gone on with, and asked how well pictures and texts fit. */
#include "diffusion/clip.h"
#include "io/npy.h"
#include "tests/outside.h"

static Outside o;

enum { WIDTH = 6 };

static const char RECIPE[] =
    "{\"model\": {\"projection_dim\": 6,"
    "   \"text_config\": {\"hidden_size\": 8, \"intermediate_size\": 8, \"num_hidden_layers\": 1,"
    "                   \"num_attention_heads\": 2},"
    "   \"vision_config\": {\"image_size\": 32, \"patch_size\": 16, \"hidden_size\": 8, "
    "\"intermediate_size\": 8,"
    "                     \"num_hidden_layers\": 1, \"num_attention_heads\": 2}},"
    " \"data\": {\"size\": 32, \"concepts\": \"all\", \"styles\": [\"noto\", \"openmoji\"]},"
    " \"loss\": {\"pairs\": 3, \"retrieval\": 1},"
    " \"train\": {\"max_train_steps\": 3, \"batch_size\": 2, \"micro_batch\": 2, \"lr\": 0.01, "
    "\"held_out\": 1,"
    "           \"held_out_every\": 3, \"sample_every\": 3}}";

static void test_training(void)
{
    outside_write(&o, "clip.json", RECIPE);
    const Json *json = outside_json(&o, "train clip -q --json --recipe clip.json -o c1", 0);
    const char *hash = json_text(json_get(json, "state_sha256"), "");
    const double found = json_number(json_get(json, "top1_text"), -1.0);
    CHECK(strlen(hash) == 64 && found >= 0.0 && found <= 1.0);
    CHECK(json_kind(json_get(json, "top1_image")) == JSON_NUMBER);
    CHECK(outside_has(&o, "c1/sheet_0000003.png") && outside_has(&o, "c1/loss.svg"));
    CHECK(outside_shell(&o, "head -n 1 c1/log.csv | grep -q ',seconds,top1_text,top1_image$'"));

    /* Two batches of pairs after each other, on two threads: the same. */
    json = outside_json(&o, "train clip -q --json --recipe clip.json -o c2 --micro-batch 1 -t 2", 0);
    CHECK(strcmp(hash, json_text(json_get(json, "state_sha256"), "?")) == 0);
    CHECK(outside_shell(&o, "cmp c1/model.safetensors c2/model.safetensors"));

    /* An old log without measures is not gone on with. */
    CHECK(outside_shell(&o, "cut -d, -f1-6 c2/log.csv >log && mv log c2/log.csv"));
    outside_fails(&o, "train clip -q --recipe clip.json -o c2 --resume", 3, "of this kind");
    outside_write(&o, "bad.json",
                  "{\"model\": {\"vision_config\": {\"patch\": 4}}, \"data\": {}, \"train\": {}}");
    outside_fails(&o, "train clip -q --recipe bad.json -o c3", 3, "bad.json (vision_config): \"patch\"");
    CHECK(!outside_has(&o, "c3"));
}

static double norm(const float *row)
{
    double sum = 0.0;
    for (int i = 0; i < WIDTH; i++)
        sum += (double)row[i] * (double)row[i];
    return sum;
}

static void test_embedding(void)
{
    NpyArray rows = {.rank = 0};
    const Json *json = outside_json(
        &o, "embed -q --json -m c1 c1/sheet_0000000.png c1/sheet_0000003.png -p 'a rose' -p 'a cat'", 0);
    CHECK(outside_has(&o, "embedding.npy"));
    CHECK(npy_read(&rows, outside_path(&o, "embedding.npy"), &o.arena, NULL) == STATUS_OK);
    if (!CHECK(rows.rank == 2 && rows.dim[0] == 4 && rows.dim[1] == WIDTH && rows.dtype == F32))
        return;
    const float *x = rows.data;
    for (int i = 0; i < 4; i++)
        CHECK_NEAR(norm(x + i * WIDTH), 1.0, 1e-6);
    const Json *similarity = json_get(json, "similarity");
    CHECK(json_count(similarity) == 2 && json_count(json_at(similarity, 1)) == 2);
    CHECK(json_number(json_at(json_at(similarity, 1), 0), 9.0) ==
          clip_similarity(x + WIDTH, x + 2 * WIDTH, WIDTH));
    CHECK(json_int(json_get(json, "pictures"), 0) == 2 && json_int(json_get(json, "texts"), 0) == 2);

    /* A text alone has the same row; nothing to compare with. */
    json = outside_json(&o, "embed -q --json -m c1 -p 'a cat' -o cat.npy", 0);
    CHECK(json_kind(json_get(json, "similarity")) == JSON_ABSENT);
    CHECK(npy_read(&rows, outside_path(&o, "cat.npy"), &o.arena, NULL) == STATUS_OK && rows.dim[0] == 1);
    CHECK(memcmp(rows.data, x + 3 * WIDTH, WIDTH * sizeof *x) == 0);
    CHECK(outside_run(&o, "embed -q -m c1 c1/sheet_0000000.png --text 'a cat'") == 0);
    CHECK_TEXT(o.out, "  c1/sheet_0000000.png  \"a cat\"\n");

    outside_fails(&o, "embed -m c1", 2, "a picture or a text is needed");
    outside_fails(&o, "embed -m nowhere -p x", 3, "nowhere");
    outside_fails(&o, "embed -m c1 clip.json", 3, "clip.json");
    outside_fails(&o, "embed -m c1 -p \"$(printf '\\377')\"", 2, "UTF-8");
}

/* A head on that CLIP, which it names. */
static void test_aesthetic(void)
{
    outside_write(&o, "head.json",
                  "{\"data\": {\"size\": 32, \"pool\": 12, \"held_out_pool\": 6},"
                  " \"train\": {\"max_train_steps\": 20, \"batch_size\": 4, \"lr\": 0.1, \"held_out\": 6,"
                  "           \"held_out_every\": 10}}");
    const Json *json = outside_json(&o, "train aesthetic -q --json --recipe head.json --clip c1/ -o a1", 0);
    const double r = json_number(json_get(json, "correlation"), 9.0);
    CHECK(r >= -1.0 && r <= 1.0);
    CHECK(outside_shell(&o, "grep -q '\"clip\": \"c1\"' a1/config.json"));
    CHECK(outside_shell(&o, "grep -q \"$(sha256sum <c1/model.safetensors | cut -c1-64)\" a1/config.json"));

    /* Another CLIP is another run. */
    CHECK(
        outside_shell(&o, "printf '%0*d' 40 0 | dd of=c2/model.safetensors bs=1 seek=30000 conv=notrunc"));
    outside_fails(&o, "train aesthetic -q --recipe head.json --clip c2 -o a1 --resume", 3, "another");
    outside_write(&o, "bad.json",
                  "{\"loss\": {}, \"data\": {\"pool\": 2, \"held_out_pool\": 2}, \"train\": {}}");
    outside_fails(&o, "train aesthetic -q --recipe bad.json --clip c1 -o a3", 3, "no \"loss\" to set");
    outside_write(&o, "bad.json", "{\"data\": {\"pool\": 2}, \"train\": {\"held_out\": 2}}");
    outside_fails(&o, "train aesthetic -q --recipe bad.json --clip c1 -o a3", 3,
                  "held_out_pool of at least 2");
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : ".", "embed")) {
        if (outside_run(&o, "data list styles") == 0) {
            test_training();
            test_embedding();
            test_aesthetic();
        } else {
            printf("skipped: the picture world is not there\n");
        }
    }
    outside_end(&o);
    return check_report("command_embed");
}
