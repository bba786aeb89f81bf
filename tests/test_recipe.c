#include "diffusion/recipe.h"

#include <locale.h>

#include "base/file.h"
#include "io/sha256.h"
#include "tests/check.h"
#include "tests/scratch.h"

static Arena arena;

static const char *const WHOLE =
    "{\"_about\": \"all of it\", \"model\": {\"a\": 1}, \"data\": {\"b\": 2}, \"loss\": {\"c\": 3},"
    " \"train\": {\"seed\": 9, \"max_train_steps\": 500, \"batch_size\": 12, \"micro_batch\": 5,"
    " \"optimizer\": \"adam\", \"adam_beta1\": 0.8, \"adam_beta2\": 0.95, \"adam_epsilon\": 1e-6,"
    " \"weight_decay\": 0.25, \"lr_scheduler\": \"polynomial\", \"lr_warmup_steps\": 30, \"lr_power\": 2,"
    " \"lr_num_cycles\": 3, \"lr_end\": 0.125, \"patience\": 5, \"lr\": 0.002,"
    " \"max_grad_norm\": 0, \"ema_decay\": 0.995, \"held_out\": 31, \"gradient_checkpointing\": true,"
    " \"sample_every\": 4, \"save_every\": 6, \"held_out_every\": 7, \"draw_missing\": true, \"frozen\": "
    "[\"encoder\", "
    "\"quant_conv\"]}}";

static Status read_recipe(Recipe *out, const char *json, const RecipeOverrides *overrides, Error *err)
{
    char path[SCRATCH_PATH];
    *err = (Error){0};
    scratch_path(path, "recipe.json");
    CHECK(file_write(path, json, strlen(json), NULL) == STATUS_OK);
    const Status status = recipe_read(out, path, overrides, &arena, err);
    remove(path);
    return status;
}

static void refused(const char *json, const char *sentence)
{
    Recipe recipe = {.save_every = 99};
    Error err;
    CHECK(read_recipe(&recipe, json, &RECIPE_OVERRIDES_NONE, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, sentence);
    CHECK_TEXT(err.text, "recipe.json");
    CHECK(recipe.save_every == 99);
}

static void test_every_key(void)
{
    Recipe r;
    Error err;
    CHECK(read_recipe(&r, WHOLE, &RECIPE_OVERRIDES_NONE, &err) == STATUS_OK);
    const TrainOptions *t = &r.train;
    CHECK(json_int(json_get(r.model, "a"), 0) == 1 && json_int(json_get(r.data, "b"), 0) == 2);
    CHECK(json_int(json_get(r.loss, "c"), 0) == 3);
    CHECK(t->seed == 9 && t->max_train_steps == 500 && t->batch_size == 12 && t->micro_batch == 5);
    CHECK(t->optimizer.kind == OPTIMIZER_ADAM && t->optimizer.beta1 == 0.8 && t->optimizer.beta2 == 0.95);
    CHECK(t->optimizer.eps == 1e-6 && t->optimizer.decay == 0.25);
    CHECK(t->schedule.kind == LR_POLYNOMIAL && t->schedule.warmup == 30 && t->lr == 0.002);
    CHECK(t->schedule.power == 2.0 && t->schedule.cycles == 3.0 && t->schedule.end == 0.125);
    CHECK(t->patience == 5);
    CHECK(t->max_grad_norm == 0.0 && t->ema_decay == 0.995 && t->held_out == 31);
    CHECK(t->gradient_checkpointing && r.draw_missing);
    CHECK(json_count(r.frozen) == 2);
    CHECK_TEXT(json_text(json_at(r.frozen, 1), ""), "quant_conv");
    CHECK(r.sample_every == 4 && r.save_every == 6 && r.held_out_every == 7);
    CHECK(read_recipe(&r, "{\"train\": {\"optimizer\": \"sgd\", \"momentum\": 0.5, \"nesterov\": true}}",
                      &RECIPE_OVERRIDES_NONE, &err) == STATUS_OK);
    CHECK(t->optimizer.kind == OPTIMIZER_SGD && t->optimizer.momentum == 0.5 && t->optimizer.nesterov);
}

static void test_defaults(void)
{
    Recipe r;
    Error err;
    CHECK(read_recipe(&r, "{\"train\": {\"batch_size\": 24}}", &RECIPE_OVERRIDES_NONE, &err) == STATUS_OK);
    CHECK(r.model == NULL && r.data == NULL && r.loss == NULL);
    CHECK(r.train.micro_batch == 24 && r.train.max_train_steps == 1000 && r.train.lr == 1e-4);
    CHECK(r.train.optimizer.kind == OPTIMIZER_ADAMW);
    CHECK(r.train.optimizer.decay == OPTIMIZER_ADAMW_DEFAULTS.decay);
    CHECK(r.train.schedule.end == 1e-7 && r.train.schedule.power == 0.0 && r.train.patience == 0);
    CHECK(r.train.schedule.kind == LR_CONSTANT && r.train.max_grad_norm == 1.0 && r.train.ema_decay == 0.0);
    CHECK(r.sample_every == 0 && r.save_every == 0 && r.held_out_every == 0);
}

static void test_refusals(void)
{
    Recipe r;
    Error err = {0};
    refused("{\"train\": {\"bach_size\": 24}}", "\"bach_size\"");
    refused("{\"train\": {}, \"lose\": {}}", "\"lose\"");
    refused("{\"train\": {\"optimizer\": \"lion\"}}", "\"optimizer\" is \"lion\"");
    refused("{\"train\": {\"lr_scheduler\": \"step\"}}", "\"lr_scheduler\"");
    refused("{\"train\": {\"batch_size\": 0}}", "\"batch_size\"");
    refused("{\"train\": {\"seed\": -1}}", "\"seed\"");
    refused("{\"train\": {\"lr\": \"fast\"}}", "\"lr\"");
    refused("{\"train\": {\"ema_decay\": 1.5}}", "\"ema_decay\"");
    refused("{\"train\": {\"patience\": 3, \"held_out\": 8}}", "patience 3 needs");
    refused("{\"train\": {\"patience\": 3, \"held_out_every\": 8}}", "patience 3 needs");
    refused("{\"train\": {\"frozen\": \"encoder\"}}", "\"frozen\"");
    refused("{\"train\": {\"frozen\": []}}", "\"frozen\"");
    refused("{\"train\": {\"frozen\": [\"encoder\", 3]}}", "\"frozen\"");
    refused("{\"model\": {}}", "has no object \"train\"");
    refused("{\"train\": 3}", "has no object \"train\"");
    refused("[]", "is not a JSON object");
    refused("{\"train\": {", "recipe.json");
    CHECK(recipe_read(&r, "no/such/recipe.json", &RECIPE_OVERRIDES_NONE, &arena, &err) == STATUS_FILE);
}

static void test_overrides(void)
{
    Recipe r;
    Error err;
    RecipeOverrides o = {.batch_size = 3,
                         .micro_batch = -1,
                         .lr = 0.5,
                         .max_train_steps = 0,
                         .seed = 0,
                         .sample_every = 0,
                         .save_every = 11};
    CHECK(read_recipe(&r, WHOLE, &o, &err) == STATUS_OK);
    CHECK(r.train.batch_size == 3 && r.train.micro_batch == 3); /* cut to the batch */
    CHECK(r.train.lr == 0.5 && r.train.max_train_steps == 0 && r.train.seed == 0);
    CHECK(r.sample_every == 0 && r.save_every == 11 && r.held_out_every == 7);
    o = RECIPE_OVERRIDES_NONE;
    o.lr_scheduler = "linear";
    o.lr_warmup_steps = 6;
    o.patience = 2;
    o.held_out = 4;
    CHECK(read_recipe(&r, WHOLE, &o, &err) == STATUS_OK && r.train.held_out == 4 &&
          r.train.schedule.kind == LR_LINEAR);
    CHECK(r.train.schedule.warmup == 6 && r.train.patience == 2);
    o.lr_scheduler = "stairs";
    CHECK(read_recipe(&r, WHOLE, &o, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "\"stairs\" is no learning rate schedule");
    o = RECIPE_OVERRIDES_NONE;
    o.micro_batch = 4;
    CHECK(read_recipe(&r, WHOLE, &o, &err) == STATUS_OK && r.train.micro_batch == 4 &&
          r.train.batch_size == 12);
}

static void test_hash(void)
{
    char plain[65], other[4000];
    Recipe r;
    Error err;
    CHECK(read_recipe(&r, WHOLE, &RECIPE_OVERRIDES_NONE, &err) == STATUS_OK && strlen(r.hash) == 64);
    memcpy(plain, r.hash, sizeof plain);
    RecipeOverrides same = RECIPE_OVERRIDES_NONE;
    same.micro_batch = 2; /* how and when, not what */
    same.sample_every = 1;
    same.save_every = 1;
    same.batch_size = 12; /* what the recipe says anyway */
    same.lr = 0.002;
    CHECK(read_recipe(&r, WHOLE, &same, &err) == STATUS_OK && strcmp(r.hash, plain) == 0);
    enum { CHANGES = 8 };
    RecipeOverrides change[CHANGES];
    for (int i = 0; i < CHANGES; i++)
        change[i] = RECIPE_OVERRIDES_NONE;
    change[0].batch_size = 11;
    change[1].lr = 0.0020000000000000005; /* one step further */
    change[2].max_train_steps = 501;
    change[3].seed = 8;
    change[4].lr_scheduler = "linear";
    change[5].lr_warmup_steps = 31;
    change[6].patience = 6;
    change[7].held_out = 30;
    for (int i = 0; i < CHANGES; i++)
        CHECK(read_recipe(&r, WHOLE, &change[i], &err) == STATUS_OK && strcmp(r.hash, plain) != 0);
    snprintf(other, sizeof other, "%s", WHOLE);
    strstr(other, "0.995")[4] = '6';
    CHECK(read_recipe(&r, other, &RECIPE_OVERRIDES_NONE, &err) == STATUS_OK && strcmp(r.hash, plain) != 0);
}

/* What else a run stands on is part of the hash, by name and contents. */
static void test_inputs(void)
{
    char seen[4][65], path[SCRATCH_PATH];
    Recipe r;
    Error err = {0};
    scratch_path(path, "input");
    for (int i = 0; i < 4; i++) {
        CHECK(read_recipe(&r, WHOLE, &RECIPE_OVERRIDES_NONE, &err) == STATUS_OK);
        CHECK(file_write(path, i == 2 ? "b" : "a", 1, NULL) == STATUS_OK);
        if (i > 0)
            CHECK(recipe_add_file(&r, i == 3 ? "vae" : "init", path, &err) == STATUS_OK);
        memcpy(seen[i], r.hash, 65);
        for (int j = 0; j < i; j++)
            CHECK(strcmp(seen[i], seen[j]) != 0);
    }
    remove(path);
    CHECK(recipe_add_file(&r, "vae", path, &err) == STATUS_FILE && strcmp(r.hash, seen[3]) == 0);
    CHECK_TEXT(err.text, path);
}

/* What is hashed is the file and one line, which no C library and no locale writes differently. */
static void test_hash_is_the_same_everywhere(void)
{
    static const struct {
        double lr;
        const char *text;
    } cases[] = {{0.002, "0x1.0624dd2f1a9fcp-9"}, {1.0, "0x1p+0"},
                 {1000.0, "0x1.f4p+9"},           {0.0, "0x0p+0"},
                 {0x1p-1022, "0x1p-1022"},        {0x1.8p-1023, "0x0.cp-1022"}};
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed: a decimal comma */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[200], hex[65];
        Recipe r;
        Error err;
        RecipeOverrides o = RECIPE_OVERRIDES_NONE;
        o.lr = cases[i].lr;
        Sha256 sha = sha256_begin();
        sha256_add(&sha, WHOLE, strlen(WHOLE));
        snprintf(line, sizeof line, "batch 12 lr %s steps 500 seed 9", cases[i].text);
        sha256_add(&sha, line, strlen(line));
        sha256_end_hex(hex, &sha);
        CHECK(read_recipe(&r, WHOLE, &o, &err) == STATUS_OK && strcmp(r.hash, hex) == 0);
    }
    setlocale(LC_ALL, "C");
}

static void test_failing_allocations(void)
{
    char path[SCRATCH_PATH];
    Status status = STATUS_MEMORY;
    int n = 1;
    scratch_path(path, "recipe.json");
    CHECK(file_write(path, WHOLE, strlen(WHOLE), NULL) == STATUS_OK);
    for (; status != STATUS_OK && n < 1000; n++) {
        Arena failing = {.fail_after = (size_t)n};
        Recipe r;
        status = recipe_read(&r, path, &RECIPE_OVERRIDES_NONE, &failing, NULL);
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        arena_free(&failing);
    }
    CHECK(n > 2 && status == STATUS_OK);
    remove(path);
}

int main(void)
{
    test_every_key();
    test_defaults();
    test_refusals();
    test_overrides();
    test_hash();
    test_inputs();
    test_hash_is_the_same_everywhere();
    test_failing_allocations();
    arena_free(&arena);
    return check_report("recipe");
}
