/* Dumps and traces: by themselves, and from outside with a tiny model: what they hold, that they change nothing, and
 * that compare finds where two runs part. */
#include "cli/dump.h"

#include "io/npy.h"
#include "io/safetensors.h"
#include "io/sha256.h"
#include "tests/outside.h"
#include "tests/tiny_model.h"

static Outside o;

/* ---- by themselves ---- */

typedef struct {
    Command command;
    Dump dump;
    const TapeWatch *watch;
} Bench;

static void begin(Bench *b, const char *folder, const char *match, const char *trace)
{
    *b = (Bench){.dump = {.folder = folder, .match = match, .trace = trace}};
    b->command.options.command = "paint";
    result_begin(&b->command.result, "paint", false, NULL);
    CHECK(dump_begin(&b->watch, &b->dump, &b->command, NULL) == STATUS_OK);
}

static const char *end(Bench *b, const char *file)
{
    Bytes text = {0};
    CHECK(dump_end(&b->dump, NULL) == STATUS_OK);
    CHECK(result_end(&b->command.result, 0, 0, "") == STATUS_OK);
    arena_free(&b->command.arena);
    CHECK(file_read(&text, outside_path(&o, file), &o.arena, NULL) == STATUS_OK);
    return text.data != NULL ? (const char *)text.data : "";
}

static const char *kept(const char *name)
{
    return arena_text(&o.arena, outside_path(&o, name), strlen(outside_path(&o, name)));
}

static void test_names_scopes_and_lines(void)
{
    Bench b;
    float x[3] = {1.0f, -2.0f, 0.5f};
    const int dim[2] = {1, 3};
    begin(&b, NULL, NULL, kept("t"));
    dump_show(&b.dump, "a", x, 2, dim);
    dump_show(&b.dump, "a", x, 2, dim);
    dump_scope(&b.dump, "step.%02d", 7);
    dump_show(&b.dump, "a", x, 2, dim);
    dump_show(&b.dump, "a.probabilities", x, 2, dim); /* maps are dumped by name only */
    dump_show(&b.dump, "a", x, 2, dim);
    const char *text = end(&b, "t");
    CHECK(strncmp(text, "a (1,3) min -2 max 1 mean -0.16666666666666666 sha256 ", 54) == 0);
    CHECK_TEXT(text, "\na@2 (");
    CHECK_TEXT(text, "\nstep.07.a (");
    CHECK_TEXT(text, "\nstep.07.a@2 (");
    CHECK(strstr(text, "probabilities") == NULL);

    begin(&b, NULL, "b*", kept("t"));
    dump_scope(&b.dump, "s");
    CHECK(b.watch->wants(b.watch->observer, "b.probabilities") && !b.watch->wants(b.watch->observer, "a"));
    dump_show(&b.dump, "a", x, 2, dim);
    dump_show(&b.dump, "b", x, 2, dim); /* the pattern is for what stands behind the scope too */
    dump_show(&b.dump, "b.probabilities", x, 2, dim);
    text = end(&b, "t");
    CHECK(strncmp(text, "s.b (1,3)", 9) == 0 && strstr(text, "\ns.b.probabilities (") != NULL);
    CHECK(strstr(text, "s.a") == NULL);

    x[0] = NAN;
    begin(&b, NULL, NULL, kept("t"));
    dump_show(&b.dump, "a", x, 1, dim + 1);
    text = end(&b, "t");
    CHECK_TEXT(text, "a (3) min -2 max 0.5 mean nan sha256 ");
    CHECK_TEXT(text, "4716d325d65095b176512541a0840eebdc75aada424270913e5edc4df7d5e3e0" /* 7fc00000 */);
}

static void test_a_pattern_of_nothing(void)
{
    Bench b;
    Error err = {0};
    const float x[1] = {1.0f};
    const int one = 1;
    begin(&b, NULL, "c*", kept("t"));
    dump_show(&b.dump, "a", x, 1, &one);
    CHECK(dump_end(&b.dump, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "--dump-match \"c*\" is the name of no stage");
    CHECK(result_end(&b.command.result, 0, 0, "") == STATUS_OK);
    arena_free(&b.command.arena);
}

static void test_nobody_asks(void)
{
    Bench b = {.watch = NULL};
    Error err = {0};
    b.command.options.command = "paint";
    CHECK(dump_begin(&b.watch, &b.dump, &b.command, &err) == STATUS_OK && b.watch == NULL);
    CHECK(dump_end(&b.dump, &err) == STATUS_OK);
    b.dump.match = "*";
    CHECK(dump_begin(&b.watch, &b.dump, &b.command, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "--dump-match needs --dump or --trace");
}

static void test_no_memory(void)
{
    float x[1] = {1.0f};
    const int one = 1;
    for (size_t fail = 1; fail < 40; fail++) {
        Bench b = {.dump = {.folder = kept("sweep"), .trace = kept("sweep.txt")}};
        Error err = {0};
        b.command.options.command = "paint";
        result_begin(&b.command.result, "paint", false, NULL);
        (fail % 2 ? &b.dump.arena : &b.dump.scratch)->fail_after = fail / 2 + 1;
        Status status = dump_begin(&b.watch, &b.dump, &b.command, &err);
        if (status == STATUS_OK)
            dump_show(&b.dump, "a", x, 1, &one);
        status = dump_end(&b.dump, &err);
        CHECK(err.status == STATUS_OK || err.status == STATUS_MEMORY);
        CHECK(fail > 4 || err.status == STATUS_MEMORY);
        CHECK(status == STATUS_OK || err.status == STATUS_MEMORY);
        CHECK(result_end(&b.command.result, 0, 0, "") == STATUS_OK);
        arena_free(&b.command.arena);
    }
}

/* ---- from outside ---- */

static void works(const char *arguments)
{
    if (!CHECK(outside_run(&o, arguments) == 0))
        printf("    ldm99 %s: exit %d, %s", arguments, o.code, o.err);
}

/* The index of a dump, every file of which has the hash and the shape that it says. */
static const Json *index_of(const char *folder)
{
    char name[200];
    const Json *json = NULL;
    snprintf(name, sizeof name, "%s/index.json", folder);
    if (!CHECK(json_read(&json, outside_path(&o, name), &o.arena, NULL) == STATUS_OK))
        return NULL;
    const Json *tensors = json_get(json, "tensors");
    for (size_t i = 0; i < json_count(tensors); i++) {
        const Json *t = json_at(tensors, i), *shape = json_get(t, "shape");
        NpyArray array;
        char hash[65] = "";
        const ArenaMark mark = arena_mark(&o.arena);
        snprintf(name, sizeof name, "%s/%s", folder, json_text(json_get(t, "file"), ""));
        bool good = npy_read(&array, outside_path(&o, name), &o.arena, NULL) == STATUS_OK;
        good = good && array.dtype == F32 && (size_t)array.rank == json_count(shape);
        for (int k = 0; good && k < array.rank; k++)
            good = array.dim[k] == (uint64_t)json_int(json_at(shape, (size_t)k), -1);
        if (good) /* the host is little-endian, or the bytes are turned */
            sha256_hex(hash, array.data, (size_t)npy_numbers(&array) * 4);
        const union {
            uint16_t word;
            unsigned char byte[2];
        } host = {1};
        good = good && (host.byte[0] == 0 || strcmp(hash, json_text(json_get(t, "sha256"), "")) == 0);
        if (!CHECK(good && json_int(json_get(t, "order"), -1) == (int)i))
            printf("    %s\n", name);
        arena_release(&o.arena, mark);
    }
    return tensors;
}

static long place_of(const Json *tensors, const char *name)
{
    for (size_t i = 0; i < json_count(tensors); i++)
        if (strcmp(json_text(json_get(json_at(tensors, i), "name"), ""), name) == 0)
            return (long)i;
    return -1;
}

#define TXT2IMG "txt2img -q -p 'a red square' --steps 2 --eta 1 -o "

static void test_a_dump_holds_the_run(void)
{
    static const char *const names[] = {
        "text_encoder.embeddings",
        "text_encoder.encoder.layers.0",
        "text_encoder.encoder.layers.1.self_attn",
        "text_encoder.final_layer_norm",
        "text_encoder.final_layer_norm@2",
        "step.00.latents",
        "step.00.unet.time_embedding",
        "step.00.unet.conv_in",
        "step.00.unet.down_blocks.0.resnets.0",
        "step.00.unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2",
        "step.00.unet.mid_block",
        "step.00.unet.conv_out",
        "step.00.noise_pred",
        "step.01.latents",
        "step.01.unet.up_blocks.1",
        "step.01.noise_pred",
        "latents",
        "vae.post_quant_conv",
        "vae.decoder.mid_block",
        "vae.decoder.conv_out",
    };
    works(TXT2IMG "plain.png -m model --save-latents plain.npy");
    works(TXT2IMG "dumped.png -m model --dump d --trace d.txt");
    CHECK(outside_shell(&o, "cmp plain.png dumped.png")); /* looking changes nothing */
    const Json *tensors = index_of("d");
    long last = -1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const long place = place_of(tensors, names[i]);
        if (!CHECK(place > last))
            printf("    %s is number %ld, the one before %ld\n", names[i], place, last);
        last = place;
    }
    CHECK(outside_shell(&o, "test $(wc -l < d.txt) = $(grep -c sha256 d/index.json)"));
    works("compare d/latents.npy plain.npy");
    works("again -q dumped.png --dump a"); /* a picture's own stages, from its record */
    works("compare -q d a");
    works(TXT2IMG "wide.png -m model -W 32 -H 8 --save-latents wide.npy --dump w --dump-match latents");
    works(TXT2IMG "wide.png -m model --latents wide.npy --save-latents wide2.npy --dump w2");
    works("compare w/latents.npy wide.npy"); /* not square, also from a file */
    works("compare w2/latents.npy wide2.npy");
    works("compare d d");
    CHECK_TEXT(o.out, "stages, none differs\n");
    works(TXT2IMG "x.png -m model --dump e -t 1");
    works("compare -q d e");
}

static void test_attention_maps(void)
{
    works(TXT2IMG "maps.png -m model --dump maps --dump-match '*attn*.probabilities'");
    CHECK(outside_shell(&o, "cmp plain.png maps.png"));
    const Json *tensors = index_of("maps");
    CHECK(place_of(tensors,
                   "step.00.unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.probabilities") >=
          0);
    CHECK(place_of(tensors, "text_encoder.encoder.layers.0.self_attn.probabilities") == 0);
    CHECK(place_of(tensors, "step.00.latents") < 0);
    for (size_t i = 0; i < json_count(tensors); i++) {
        NpyArray array;
        char name[300];
        snprintf(name, sizeof name, "maps/%s", json_text(json_get(json_at(tensors, i), "file"), ""));
        if (!CHECK(npy_read(&array, outside_path(&o, name), &o.arena, NULL) == STATUS_OK &&
                   array.rank == 3))
            continue;
        const size_t rows = (size_t)(array.dim[0] * array.dim[1]), keys = (size_t)array.dim[2];
        const float *p = array.data;
        double worst = 0.0;
        for (size_t r = 0; r < rows; r++) {
            double sum = 0.0;
            for (size_t k = 0; k < keys; k++)
                sum += (double)p[r * keys + k];
            worst = fabs(sum - 1.0) > worst ? fabs(sum - 1.0) : worst;
        }
        CHECK(worst < 1e-5);
        if (i == 0) /* a text's first token sees itself alone */
            CHECK(p[0] == 1.0f && p[1] == 0.0f);
    }
    works(TXT2IMG "x.png -m model --dump all --dump-match '*'");
    CHECK(outside_shell(&o, "cmp plain.png x.png"));
    CHECK(place_of(index_of("all"), "vae.decoder.mid_block.attentions.0.probabilities") > 0);
}

static Weights *part_of(Model *m, const char *part)
{
    return part[0] == 'u' ? &m->unet_weights : part[0] == 'v' ? &m->vae_weights : &m->text_weights;
}

/* A model of which one number is another, run and held against the dump `d`. */
static void test_an_altered_weight_is_found(void)
{
    static const char *const cases[][3] = {
        {"text", "text_model.embeddings.position_embedding.weight", "text_encoder.embeddings"},
        {"text", "text_model.encoder.layers.1.mlp.fc1.bias", "text_encoder.encoder.layers.1.mlp"},
        {"text", "text_model.encoder.layers.0.self_attn.v_proj.bias",
         "text_encoder.encoder.layers.0.self_attn"},
        {"unet", "time_embedding.linear_1.bias", "step.00.unet.time_embedding"},
        {"unet", "down_blocks.1.resnets.0.conv1.bias", "step.00.unet.down_blocks.1.resnets.0"},
        {"unet", "mid_block.attentions.0.transformer_blocks.0.attn2.to_v.weight",
         "step.00.unet.mid_block.attentions.0.transformer_blocks.0.attn2"},
        {"unet", "conv_out.bias", "step.00.unet.conv_out"},
        {"vae", "decoder.mid_block.resnets.1.conv2.bias", "vae.decoder.mid_block.resnets.1"},
        {"vae", "decoder.conv_out.bias", "vae.decoder.conv_out"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Arena arena = {0};
        Model m;
        bool found = false;
        CHECK(model_open(&m, outside_path(&o, "model"), MODEL_ALL, 0, &arena, NULL) == STATUS_OK);
        for (Parameter *p = part_of(&m, cases[i][0])->first; p != NULL; p = p->next)
            if (strcmp(p->name, cases[i][1]) == 0) {
                p->tensor->data[1] += 0.25f;
                found = true;
            }
        CHECK(found);
        CHECK(model_save(&m, outside_path(&o, "altered"), F32, &arena, NULL) == STATUS_OK);
        arena_free(&arena);
        works(TXT2IMG "x.png -m altered --dump f");
        const Json *json = outside_json(&o, "compare --json d f", 4);
        const char *first = json_text(json_get(json, "first_different"), "");
        if (!CHECK(strcmp(first, cases[i][2]) == 0))
            printf("    %s: first is %s\n", cases[i][1], first);
    }
    outside_fails(&o, "compare d f", 4, "; the first is vae.decoder.conv_out");
    CHECK_TEXT(o.err, "1 of ");
    works("compare --tolerance 1e6 d f");
}

static void test_other_differences(void)
{
    works("txt2img -q -p 'a red square' --steps 2 --eta 0.5 -o x.png -m model --dump g");
    const Json *json = outside_json(&o, "compare --json d g", 4), *row = json_at(json_get(json, "rows"), 0);
    CHECK(strcmp(json_text(json_get(json, "first_different"), ""), "step.01.latents") == 0);
    CHECK(json_count(json_get(json_get(row, "first"), "index")) == 4);
    works(
        "txt2img -q -p 'a red square' --steps 1 -o x.png -m model --dump h --dump-match 'step.00.latents'");
    CHECK(json_count(index_of("h")) == 1);
    json = outside_json(&o, "compare --json h d", 4); /* what the first lacks */
    CHECK(strcmp(json_text(json_get(json, "first_different"), ""), "text_encoder.embeddings") == 0);
    outside_fails(&o, "compare h model", 3, "h: ");
    outside_write(&o, "g/index.json", "{\"tensors\": [{\"name\": \"a\", \"file\": \"../d/latents.npy\"}]}");
    outside_fails(&o, "compare g d", 3, "tensor 0 has no name or no file");
    outside_write(&o, "g/index.json", "{}");
    outside_fails(&o, "compare g d", 3, "is not the index of a dump");
    outside_fails(&o, TXT2IMG "x.png -m model --dump-match '*'", 2, "--dump-match needs --dump");
    outside_fails(&o, TXT2IMG "x.png -m model --dump plain.png", 3, "plain.png");
    outside_fails(&o, TXT2IMG "nothing.png -m model --dump n --dump-match '*attn3*'", 2,
                  "is the name of no stage");
    CHECK(outside_has(&o, "nothing.png") && json_count(index_of("n")) == 0); /* the run itself went well */
    outside_fails(&o, "txt2img -q -p x -m nowhere --dump n --dump-match '*attn3*'", 3, "nowhere");
}

static void test_autoencoder(void)
{
    works("encode -q -m model -i plain.png -o z.npy");
    works("encode -q -m model -i plain.png -o z2.npy --sample --dump enc --trace enc.txt");
    const Json *tensors = index_of("enc");
    CHECK(place_of(tensors, "vae.encoder.mid_block") > 0 && place_of(tensors, "vae.quant_conv") > 0);
    CHECK(place_of(tensors, "latents") == (long)json_count(tensors) - 1);
    works("compare enc/latents.npy z2.npy");
    works("decode -q -m model -i plain.npy -o y.png --dump dec --trace dec.txt");
    works("compare -q dec/vae.decoder.conv_out.npy d/vae.decoder.conv_out.npy");
    CHECK(place_of(index_of("dec"), "latents") == 0);
    works("compare -q y.png plain.png");
}

/* The saved weight of that name after so many steps of plain descent. */
static Tensor weight_after(const char *folder, const char *name)
{
    Safetensors file;
    char path[100];
    Tensor t = {.rank = 0};
    snprintf(path, sizeof path, "%s/state.safetensors", folder);
    if (!CHECK(safetensors_open(&file, outside_path(&o, path), &o.arena, NULL) == STATUS_OK))
        return t;
    const SafetensorsEntry *e = safetensors_find(&file, name);
    if (!CHECK(e != NULL))
        return t;
    t.rank = 1;
    t.dim[0] = (int)safetensors_numbers(e);
    t.data = arena_alloc(&o.arena, (size_t)t.dim[0], sizeof *t.data);
    CHECK(safetensors_read_f32(t.data, &file, e, NULL) == STATUS_OK);
    return t;
}

/* Plain descent takes from each weight lr times its gradient: the one that was dumped, sign and size. */
static void test_gradients_are_those_of_the_step(void)
{
    static const char *const NAMES[] = {"encoder.conv_in.weight", "decoder.mid_block.resnets.0.norm1.bias",
                                        "decoder.conv_out.bias"};
    char line[300], name[200];
    snprintf(line, sizeof line,
             "sed 's/\"batch_size\": 2/\"batch_size\": 2, \"optimizer\": \"sgd\", \"lr\": 0.25,"
             " \"max_grad_norm\": 0, \"momentum\": 0/' vae.json >sgd.json");
    CHECK(outside_shell(&o, line));
    works("train vae -q --recipe sgd.json -o s0 --max-train-steps 0");
    works("train vae -q --recipe sgd.json -o s1 --max-train-steps 1 --dump sd --dump-match 'grad.*'");
    for (int i = 0; i < 3; i++) {
        NpyArray gradient = {.rank = 0};
        snprintf(name, sizeof name, "0.weight.%s", NAMES[i]);
        const Tensor before = weight_after("s0", name), after = weight_after("s1", name);
        snprintf(name, sizeof name, "sd/step.000001.grad.%s.npy", NAMES[i]);
        if (!CHECK(npy_read(&gradient, outside_path(&o, name), &o.arena, NULL) == STATUS_OK) ||
            !CHECK(npy_numbers(&gradient) == (uint64_t)before.dim[0] && before.rank == 1 &&
                   after.rank == 1))
            continue;
        const float *g = gradient.data;
        double moved = 0.0, worst = 0.0;
        for (int k = 0; k < before.dim[0]; k++) {
            const double step = (double)after.data[k] - (double)before.data[k];
            worst = fmax(worst, fabs(step + 0.25 * (double)g[k]));
            moved = fmax(moved, fabs(step));
        }
        if (!CHECK(moved > 1e-4 && worst < 1e-6))
            printf("    %s: moved %g, off by %g\n", NAMES[i], moved, worst);
    }
}

static void test_training(void)
{
    outside_write(
        &o, "vae.json",
        "{\"model\": {\"block_out_channels\": [4, 4, 4], \"layers_per_block\": 1, \"norm_num_groups\": 2,"
        " \"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
        " \"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]},"
        " \"data\": {\"size\": 32}, \"loss\": {\"mse\": 1.0, \"kl\": 1e-5},"
        " \"train\": {\"max_train_steps\": 2, \"batch_size\": 2}}");
    const Json *json = outside_json(&o, "train vae -q --json --recipe vae.json -o v1", 0);
    const char *plain = json_text(json_get(json, "state_sha256"), "");
    json =
        outside_json(&o, "train vae -q --json --recipe vae.json -o v2 --dump t1 --dump-match 'grad.*'", 0);
    CHECK(strcmp(plain, json_text(json_get(json, "state_sha256"), "?")) == 0);
    works("train vae -q --recipe vae.json -o v3 --micro-batch 1 --dump t2 --dump-match 'grad.*'");
    works("compare -q t1 t2");
    CHECK(place_of(index_of("t1"), "step.000002.grad.decoder.conv_in.weight") > 0);
    json = outside_json(
        &o, "train vae -q --json --recipe vae.json -o v4 --micro-batch 1 --dump t3 --dump-match '*'", 0);
    CHECK(strcmp(plain, json_text(json_get(json, "state_sha256"), "?")) == 0); /* maps and all */
    const Json *tensors = index_of("t3");
    CHECK(place_of(tensors, "step.000001.vae.decoder.mid_block") > 0);
    CHECK(place_of(tensors, "step.000001.vae.decoder.mid_block.attentions.0.probabilities") > 0);
    CHECK(place_of(tensors, "step.000001.vae.decoder.mid_block@2") > place_of(tensors, "step.000001.loss"));
    CHECK(place_of(tensors, "step.000001.grad.encoder.conv_in.weight") >
          place_of(tensors, "step.000001.loss@2"));

    outside_write(
        &o, "words.json",
        "{\"data\": {\"captions\": 50, \"vocabulary\": 600, \"length\": 16}, \"train\": {\"seed\": 1}}");
    test_gradients_are_those_of_the_step();
    works("train tokenizer -q --recipe words.json -o words");
    outside_fails(&o, "train tokenizer --recipe words.json -o words --dump t4", 2, "no intermediates");
    outside_write(
        &o, "unet.json",
        "{\"model\": {\"unet\": {\"sample_size\": 8, \"block_out_channels\": [4, 8], \"layers_per_block\": "
        "1,"
        " \"norm_num_groups\": 2, \"attention_head_dim\": 2, \"cross_attention_dim\": 8,"
        " \"down_block_types\": [\"CrossAttnDownBlock2D\", \"DownBlock2D\"],"
        " \"up_block_types\": [\"UpBlock2D\", \"CrossAttnUpBlock2D\"]},"
        " \"text_encoder\": {\"hidden_size\": 8, \"intermediate_size\": 16, \"num_hidden_layers\": 1,"
        " \"num_attention_heads\": 2, \"architectures\": [\"CLIPTextModel\"]},"
        " \"scheduler\": {\"_class_name\": \"DDIMScheduler\"}},"
        " \"data\": {\"size\": 32, \"pool\": 2, \"held_out_pool\": 0}, \"loss\": {},"
        " \"train\": {\"max_train_steps\": 1, \"batch_size\": 2}}");
    works("train unet -q --recipe unet.json -o u --vae v1 --tokenizer words --dump t5");
    tensors = index_of("t5");
    CHECK(place_of(tensors, "step.000001.text_encoder.encoder.layers.0") > 0);
    CHECK(place_of(tensors, "step.000001.unet.mid_block") >
          place_of(tensors, "step.000001.text_encoder.final_layer_norm"));
    CHECK(place_of(tensors, "step.000001.grad.text_model.final_layer_norm.weight") >
          place_of(tensors, "step.000001.loss"));
    CHECK(place_of(tensors, "step.000001.grad.mid_block.resnets.0.conv1.weight") > 0);
}

int main(int argc, char **argv)
{
    const bool runs = outside_begin(&o, argc > 0 ? argv[0] : "", "dump");
    test_names_scopes_and_lines();
    test_a_pattern_of_nothing();
    test_nobody_asks();
    test_no_memory();
    if (runs) {
        Arena arena = {0};
        Model m;
        tiny_model_new(&m, &arena);
        CHECK(model_save(&m, outside_path(&o, "model"), F32, &arena, NULL) == STATUS_OK);
        arena_free(&arena);
        test_a_dump_holds_the_run();
        test_attention_maps();
        test_an_altered_weight_is_found();
        test_other_differences();
        test_autoencoder();
        if (outside_run(&o, "data list styles") == 0)
            test_training();
        else
            printf("skipped: the picture world is not there\n");
    }
    outside_end(&o);
    return check_report("dump");
}
