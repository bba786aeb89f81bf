#include "diffusion/lora.h"

#include "base/file.h"
#include "io/safetensors.h"
#include "nn/linear.h"
#include "tests/scratch.h"
#include "tests/tiny_model.h"

/* ---- names ---- */

static void check_name(const char *key, LoraNaming naming, LoraRole role, bool text, const char *module)
{
    LoraName name;
    if (!CHECK(lora_name_read(&name, key)))
        printf("    %s\n", key);
    else if (!CHECK(name.naming == naming && name.role == role && name.text == text &&
                    strcmp(name.module, module) == 0))
        printf("    %s: %s\n", key, name.module);
}

static void test_every_naming_says_layer_and_role(void)
{
    check_name("unet.a.0.attn1.to_q.lora_A.weight", LORA_PEFT, LORA_DOWN, false, "a.0.attn1.to_q");
    check_name("unet.a.attn1.to_out.0.lora_B.weight", LORA_PEFT, LORA_UP, false, "a.attn1.to_out.0");
    check_name("base_model.model.a.to_k.lora_A.default.weight", LORA_PEFT, LORA_DOWN, false, "a.to_k");
    check_name("unet.a.attn2.processor.to_out_lora.up.weight", LORA_DIFFUSERS, LORA_UP, false,
               "a.attn2.to_out.0");
    check_name("a.attn1.processor.to_v_lora.down.weight", LORA_DIFFUSERS, LORA_DOWN, false, "a.attn1.to_v");
    check_name("unet.a.resnets.0.conv1.lora.down.weight", LORA_DIFFUSERS, LORA_DOWN, false,
               "a.resnets.0.conv1");
    check_name("unet.a.to_q.alpha", LORA_DIFFUSERS, LORA_ALPHA, false, "a.to_q");
    check_name("text_encoder.text_model.encoder.layers.1.self_attn.to_out_lora.down.weight", LORA_DIFFUSERS,
               LORA_DOWN, true, "text_model.encoder.layers.1.self_attn.out_proj");
    check_name("text_encoder.text_model.l.q_proj.lora_linear_layer.up.weight", LORA_DIFFUSERS, LORA_UP,
               true, "text_model.l.q_proj");
    check_name("lora_unet_a_0_to_q.lora_down.weight", LORA_KOHYA, LORA_DOWN, false, "a_0_to_q");
    check_name("lora_te_text_model_x.alpha", LORA_KOHYA, LORA_ALPHA, true, "text_model_x");
    static const char *const NONE[] = {"lora_unet_a.hada_w1_a",
                                       "lora_te2_a.alpha",
                                       "unet.a.weight",
                                       "lora_unet_a.dora_scale",
                                       "alpha",
                                       "",
                                       "lora_unet_a.lora_mid.weight",
                                       ".alpha",
                                       "a.processor.x_lora.up.weight"};
    LoraName name;
    for (size_t i = 0; i < sizeof NONE / sizeof NONE[0]; i++)
        if (!CHECK(!lora_name_read(&name, NONE[i])))
            printf("    %s: %s\n", NONE[i], name.module);
    char key[WEIGHTS_NAME];
    CHECK(lora_name_write(key, LORA_KOHYA, LORA_UP, true, "a.b_c.0") &&
          strcmp(key, "lora_te_a_b_c_0.lora_up.weight") == 0);
    CHECK(lora_name_write(key, LORA_PEFT, LORA_DOWN, false, "a.b") &&
          strcmp(key, "unet.a.b.lora_A.weight") == 0);
}

/* ---- files ---- */

enum { RANK = 2, ITEMS = 600 };

typedef struct {
    SafetensorsItem item[ITEMS];
    char name[ITEMS][WEIGHTS_NAME];
    size_t count;
    Arena arena;
} Made;

static SafetensorsItem *put(Made *m, const char *name, int rank, const int *dim, const float *data)
{
    SafetensorsItem *item = &m->item[m->count];
    snprintf(m->name[m->count], WEIGHTS_NAME, "%s", name);
    *item = (SafetensorsItem){.name = m->name[m->count++], .dtype = F32, .rank = rank, .f32 = data};
    for (int i = 0; i < rank; i++)
        item->dim[i] = (uint64_t)dim[i];
    return item;
}

/* down, up and (kohya) alpha for the layers of a network whose names hold `part`. */
static void put_layers(Made *m, const Weights *w, const char *part, LoraNaming naming, bool text,
                       const float *alpha)
{
    uint64_t seed = 900;
    for (const Parameter *p = w->first; p != NULL; p = p->next) {
        const int *d = p->tensor->dim, rank = p->tensor->rank;
        char module[WEIGHTS_NAME], key[WEIGHTS_NAME];
        if (rank < 2 || strstr(p->name, part) == NULL || strstr(p->name, "embedding") != NULL)
            continue;
        snprintf(module, sizeof module, "%.*s", (int)(strlen(p->name) - strlen(".weight")), p->name);
        const int down[4] = {RANK, d[1], d[2], d[3]}, up[4] = {d[0], RANK, 1, 1};
        CHECK(lora_name_write(key, naming, LORA_DOWN, text, module));
        put(m, key, rank, down, any_tensor(&m->arena, seed++, 4, RANK, d[1], d[2], d[3])->data);
        CHECK(lora_name_write(key, naming, LORA_UP, text, module));
        put(m, key, rank, up, any_tensor(&m->arena, seed++, 4, d[0], RANK, 1, 1)->data);
        CHECK(lora_name_write(key, naming, LORA_ALPHA, text, module));
        if (alpha != NULL)
            put(m, key, 0, NULL, alpha);
    }
}

static const char *write_made(Made *m, char path[SCRATCH_PATH], const char *name)
{
    Error err = {0};
    scratch_path(path, name);
    if (!CHECK(safetensors_write(path, m->item, m->count, NULL, &m->arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    arena_free(&m->arena);
    *m = (Made){.count = 0};
    return path;
}

static Made made;

static Lora open_lora(const char *path, double weight, const Model *m, Arena *arena)
{
    Lora lora = {0};
    Error err = {0};
    if (!CHECK(lora_open(&lora, path, weight, &m->unet_weights, &m->text_weights, arena, &err) ==
               STATUS_OK))
        printf("    %s\n", err.text);
    return lora;
}

/* ---- running ---- */

static const float *unet_result(const Model *m, const UnetHooks *hooks, Arena *arena)
{
    static const float t[1] = {400.0f};
    Tape tape = {.arena = arena};
    const Tensor *y = unet(&tape, &m->unet, any_tensor(arena, 71, 4, 1, 2, 4, 4), t,
                           any_tensor(arena, 72, 3, 1, 12, 8), hooks);
    if (!CHECK(y != NULL)) {
        printf("    %s\n", tape.error.text);
        exit(1);
    }
    return y->data;
}

static const float *text_result(Model *m, const UnetHooks *hooks, Arena *arena)
{
    static const int ids[12] = {1, 5, 9, 77, 300, 2, 0, 0, 0, 0, 0, 599};
    Tape tape = {.arena = arena};
    clip_text_hook(&m->text, hooks);
    const Tensor *y = clip_text(&tape, &m->text, ids, 1, 12, NULL);
    clip_text_hook(&m->text, NULL);
    if (!CHECK(y != NULL))
        exit(1);
    return y->data;
}

static double most(const float *a, const float *b, size_t n)
{
    double d = 0.0;
    for (size_t i = 0; i < n; i++)
        d = fabs((double)a[i] - (double)b[i]) > d ? fabs((double)a[i] - (double)b[i]) : d;
    return d;
}

/* W = (1 2), down = (3 5), up = (7 11)^T, alpha 4, rank 1, weight 0.5: s = 2. */
static void test_one_layer_by_hand(void)
{
    float w[4] = {1, 2, 1, 2}, x[2] = {1, 10}, down[2] = {3, 5}, up[2] = {7, 11}, alpha = 4.0f;
    char path[SCRATCH_PATH];
    Arena arena = {0};
    Error err = {0};
    Tensor weight = {.rank = 2, .dim = {2, 2, 1, 1}, .data = w};
    Parameter p = {.name = "a.to_q.weight", .tensor = &weight};
    const Weights weights = {.first = &p, .last = &p, .count = 1};
    put(&made, "unet.a.to_q.lora_A.weight", 2, (int[]){1, 2}, down);
    put(&made, "unet.a.to_q.lora_B.weight", 2, (int[]){2, 1}, up);
    put(&made, "unet.a.to_q.alpha", 1, (int[]){1}, &alpha);
    put(&made, "unet.b.to_q.lora_A.weight", 2, (int[]){1, 2}, down);
    write_made(&made, path, "hand.safetensors");
    Lora lora = {0};
    CHECK(lora_open(&lora, path, 0.5, &weights, NULL, &arena, &err) == STATUS_OK);
    CHECK(lora.count == 1 && lora.layers[0].rank == 1 && lora.layers[0].scale == 2.0f &&
          lora.unmatched_count == 1);
    CHECK(lora.naming == LORA_PEFT && strcmp(lora.layers[0].module, "a.to_q") == 0);
    Tape tape = {.arena = &arena};
    LoraSet set = {&lora, 1};
    const Affine layer = {&weight, NULL};
    Tensor *in = tape_input(&tape, x, 2, (int[]){1, 2}, false);
    const Tensor *y = lora_layer(&set, &tape, &layer, NULL, in, linear(&tape, in, &weight, NULL));
    CHECK(y != NULL && y->data[0] == 21 + 2 * 7 * 53 && y->data[1] == 21 + 2 * 11 * 53);
    CHECK(lora_merge(&lora, &arena, &err) == STATUS_OK);
    CHECK(w[0] == 1 + 2 * 21 && w[1] == 2 + 2 * 35 && w[2] == 1 + 2 * 33 && w[3] == 2 + 2 * 55);
    arena_free(&arena);
    file_remove(path);
}

typedef struct {
    const Tensor *weight[400];
    int count;
} Seen;

static Tensor *see_layer(void *context, Tape *tape, const Affine *layer, const Conv2dOptions *options,
                         Tensor *x, Tensor *y)
{
    Seen *seen = context;
    (void)tape;
    (void)options;
    (void)x;
    if (CHECK(seen->count < 400))
        seen->weight[seen->count++] = layer->weight;
    return y;
}

/* Each layer that a file may name is asked when the networks run: none is matched and then without effect. */
static void check_all_asked(Model *m, const Lora *lora)
{
    Seen seen = {.count = 0};
    Arena arena = {0};
    const UnetHooks hooks = {.layer = see_layer, .layer_context = &seen};
    unet_result(m, &hooks, &arena);
    text_result(m, &hooks, &arena);
    for (size_t i = 0; i < lora->count; i++) {
        int k = 0;
        while (k < seen.count && seen.weight[k] != lora->layers[i].weight)
            k++;
        if (!CHECK(k < seen.count))
            printf("    %s is never asked\n", lora->layers[i].module);
    }
    arena_free(&arena);
}

static void test_all_layers_run_merge_and_go_away_again(void)
{
    enum { OUT = 2 * 4 * 4, ROWS = 12 * 8 };
    static const float alpha = 1.0f;
    Arena arena = {0}, scratch = {0};
    Model m;
    char path[2][SCRATCH_PATH];
    tiny_model_new(&m, &arena);
    put_layers(&made, &m.unet_weights, "", LORA_KOHYA, false, &alpha);
    put_layers(&made, &m.text_weights, "encoder.layers", LORA_KOHYA, true, &alpha);
    write_made(&made, path[0], "kohya.safetensors");
    put_layers(&made, &m.unet_weights, "attn", LORA_PEFT, false, NULL);
    write_made(&made, path[1], "peft.safetensors");
    Lora lora[2] = {open_lora(path[0], 0.25, &m, &arena), open_lora(path[1], -0.5, &m, &arena)};
    CHECK(lora[0].naming == LORA_KOHYA && lora[0].unmatched_count == 0 &&
          lora[0].layers[0].scale == 0.125f);
    CHECK(lora[0].count > 60 && lora[1].count > 20 && lora[1].layers[0].alpha == RANK);
    check_all_asked(&m, &lora[0]);
    LoraSet both = {lora, 2}, first = {lora, 1};
    const UnetHooks hooks = {.layer = lora_layer, .layer_context = &both};
    const UnetHooks one = {.layer = lora_layer, .layer_context = &first};
    const float *plain = unet_result(&m, NULL, &scratch), *with = unet_result(&m, &hooks, &scratch);
    const float *text = text_result(&m, NULL, &scratch), *text_with = text_result(&m, &one, &scratch);
    CHECK(most(plain, with, OUT) > 1e-3 && most(text, text_with, ROWS) > 1e-3);
    CHECK(most(with, unet_result(&m, &one, &scratch), OUT) > 1e-3);
    CHECK(same_bits(plain, unet_result(&m, NULL, &scratch), OUT)); /* removed: the same bits */
    CHECK(same_bits(text, text_result(&m, NULL, &scratch), ROWS));
    for (int i = 0; i < 2; i++)
        CHECK(lora_merge(&lora[i], &scratch, NULL) == STATUS_OK);
    const double d = most(with, unet_result(&m, NULL, &scratch), OUT);
    const double e = most(text_with, text_result(&m, NULL, &scratch), ROWS);
    if (!CHECK(d < 2e-4 && e < 2e-4)) /* the same but for rounding */
        printf("    merged differs by %g and %g\n", d, e);
    arena_free(&arena);
    arena_free(&scratch);
    for (int i = 0; i < 2; i++)
        file_remove(path[i]);
}

/* ---- refusals ---- */

typedef struct {
    const char *key[3];
    int dim[3][4];
    const char *words;
} Bad;

static void test_what_does_not_fit_is_refused_in_one_sentence(void)
{
    static const float zeros[64], not_finite = INFINITY;
    static const Bad BAD[] = {
        {{"unet.no.such.lora_A.weight", "unet.no.such.lora_B.weight", NULL},
         {{1, 8}, {8, 1}},
         "none of its 2 tensors fits"},
        {{"lora_unet_mid_block.hada_w1_a", NULL, NULL}, {{1, 1}}, "is none of a LoRA's up, down and alpha"},
        {{"unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", NULL, NULL},
         {{1, 8}},
         "has no up matrix"},
        {{"unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight",
          "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_B.weight", NULL},
         {{2, 7}, {8, 2}},
         "does not have the shape that its layer needs"},
        {{"unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight",
          "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_B.weight", NULL},
         {{2, 8}, {8, 3}},
         "does not have the shape that its layer needs"},
        {{"unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight",
          "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight", NULL},
         {{2, 8}, {2, 8}},
         "are the same"},
        {{"unet.conv_norm_out.lora_A.weight", "unet.conv_norm_out.lora_B.weight", NULL},
         {{1, 4}, {4, 1}},
         "is no layer for a LoRA"},
        {{"text_encoder.text_model.embeddings.token_embedding.lora_A.weight",
          "text_encoder.text_model.embeddings.token_embedding.lora_B.weight", NULL},
         {{1, 8}, {8, 1}},
         "is no layer for a LoRA"},
        {{"unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.alpha", NULL, NULL},
         {{1}},
         "is no finite number"},
    };
    Arena arena = {0};
    Model m;
    char path[SCRATCH_PATH];
    tiny_model_new(&m, &arena);
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        Error err = {0};
        Lora lora = {.count = 77};
        for (int k = 0; k < 3 && BAD[i].key[k] != NULL; k++)
            put(&made, BAD[i].key[k], BAD[i].dim[k][1] > 0 ? 2 : 1, BAD[i].dim[k],
                BAD[i].dim[k][1] > 0 ? zeros : &not_finite);
        write_made(&made, path, "bad.safetensors");
        const size_t used = arena.used;
        CHECK(lora_open(&lora, path, 1.0, &m.unet_weights, &m.text_weights, &arena, &err) == STATUS_FORMAT);
        CHECK(lora.count == 77 && arena.used == used);
        CHECK_TEXT(err.text, BAD[i].words);
        file_remove(path);
    }
    CHECK(lora_open(&(Lora){0}, path, 1.0, &m.unet_weights, NULL, &arena, NULL) == STATUS_FILE);
    arena_free(&arena);
}

static void test_each_failing_allocation_is_reported(void)
{
    static const float alpha = 1.0f;
    Arena model = {0};
    Model m;
    char path[SCRATCH_PATH];
    tiny_model_new(&m, &model);
    put_layers(&made, &m.unet_weights, "mid_block.attentions", LORA_KOHYA, false, &alpha);
    write_made(&made, path, "fails.safetensors");
    Status status = STATUS_MEMORY;
    size_t n = 1;
    for (; status != STATUS_OK && n < 3000; n++) {
        Arena arena = {.fail_after = n};
        Lora lora = {0};
        Error err = {0};
        status = lora_open(&lora, path, 1.0, &m.unet_weights, NULL, &arena, &err);
        CHECK(status == STATUS_OK || (status == STATUS_MEMORY && arena.used == 0));
        arena_free(&arena);
    }
    CHECK(status == STATUS_OK && n > 30);
    file_remove(path);
    arena_free(&model);
}

int main(void)
{
    test_every_naming_says_layer_and_role();
    test_one_layer_by_hand();
    test_all_layers_run_merge_and_go_away_again();
    test_what_does_not_fit_is_refused_in_one_sentence();
    test_each_failing_allocation_is_reported();
    return check_report("lora");
}
