/* Training from outside, on a folder of pictures: what export wrote is read again, a run that was paused gives the bits of
 * one that was not, and what a run stands on may not change under it.  Everything is tiny. */
#include "io/safetensors.h"
#include "tests/outside.h"

static Outside o;

static const char *const TOKENIZER =
    "{\"data\": {\"captions\": 100, \"vocabulary\": 540, \"length\": 16}, \"train\": {\"seed\": 1}}";

static const char *const VAE =
    "{\"model\": {\"_class_name\": \"AutoencoderKL\", \"block_out_channels\": [4, 4, 4], "
    "\"norm_num_groups\": 2, \"layers_per_block\": 1, \"latent_channels\": 2, \"sample_size\": 32,"
    " \"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
    " \"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]},"
    " \"data\": {\"size\": 32, \"singles\": 1, \"mirror\": true, \"held_out_share\": 0.3},"
    " \"loss\": {\"mse\": 1.0, \"kl\": 1e-5},"
    " \"train\": {\"max_train_steps\": 6, \"batch_size\": 2, \"lr\": 0.01, \"ema_decay\": 0.5, "
    "\"held_out\": "
    "2,"
    " \"held_out_every\": 1, \"sample_every\": 3}}";

static const char *const UNET =
    "{\"model\": {\"unet\": {\"in_channels\": 2, \"out_channels\": 2, \"sample_size\": 8, "
    "\"block_out_channels\": [%d, 8], \"norm_num_groups\": 2, \"layers_per_block\": 1, "
    "\"attention_head_dim\": 2, \"cross_attention_dim\": 8,"
    " \"down_block_types\": [\"CrossAttnDownBlock2D\", \"DownBlock2D\"],"
    " \"up_block_types\": [\"UpBlock2D\", \"CrossAttnUpBlock2D\"]},"
    " \"text_encoder\": {\"architectures\": [\"CLIPTextModel\"], \"hidden_size\": 8, "
    "\"intermediate_size\": "
    "16,"
    " \"num_hidden_layers\": 1, \"num_attention_heads\": 2},"
    " \"scheduler\": {\"_class_name\": \"DDIMScheduler\"}},"
    " \"data\": {\"size\": 32, \"pool\": 50, \"held_out_pool\": 2, \"held_out_share\": 0.3},"
    " \"loss\": {\"dropout\": 0.1},"
    " \"train\": {\"max_train_steps\": 4, \"batch_size\": 2, \"lr\": 0.01, \"ema_decay\": 0.5, "
    "\"held_out\": 2,"
    " \"held_out_every\": 2}}";

static const char *const ON_PICTURES = "--data pics --vae v --tokenizer t";

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

static const Json *train(const char *arguments)
{
    char line[500];
    snprintf(line, sizeof line, "train %.450s -q --json", arguments);
    return outside_json(&o, line, 0);
}

static void hash_of(char hash[65], const Json *json)
{
    snprintf(hash, 65, "%s", json_text(json_get(json, "state_sha256"), ""));
    CHECK(strlen(hash) == 64);
}

static void test_export_is_read_again(void)
{
    works("data make -q -n 12 --size 32 --kinds single -o pics");
    const Json *json = outside_json(&o, "data list pics -q --json", 0);
    const Json *first = json_at(json_get(json, "pictures"), 0);
    CHECK(json_count(json_get(json, "pictures")) == 12 && json_int(json_get(json, "captions"), 0) == 12);
    CHECK(json_int(json_get(json, "train"), 0) + json_int(json_get(json, "held_out"), 0) == 12);
    CHECK_TEXT(json_text(json_get(first, "file_name"), ""), "000000.png");
    works("data show pics -q -n 99 -o sheet.png");
    CHECK(outside_has(&o, "sheet.png"));
    works("data list --data pics -q");
    CHECK_TEXT(o.out, "12 pictures, 12 with captions");
    fails("data make --data pics -q -o again", 2, "is no picture world");
    fails("data show no/such -q", 2, "unexpected word");
    fails("data list --data no/such -q", 3, "no/such: is no folder");
}

/* Whole, with other threads and micro-batches, and in three pieces: one state, one model. */
static void test_autoencoder(void)
{
    char whole[65], other[65];
    outside_write(&o, "vae.json", VAE);
    hash_of(whole, train("vae --recipe vae.json --data pics -o v -t 1"));
    hash_of(other, train("vae --recipe vae.json --data pics -o v2 -t 2 --micro-batch 1"));
    CHECK(strcmp(whole, other) == 0);
    const Json *json = train("vae --recipe vae.json --data pics -o cut --stop-at 2");
    CHECK(!json_bool(json_get(json, "finished"), true) && json_int(json_get(json, "steps"), 0) == 2);
    CHECK(outside_has(&o, "cut/state.safetensors") && !outside_has(&o, "cut/config.json"));
    train("vae --recipe vae.json --data pics -o cut --resume --stop-at 3");
    hash_of(other, json = train("vae --recipe vae.json --data pics -o cut --resume"));
    CHECK(strcmp(whole, other) == 0 && json_bool(json_get(json, "finished"), false));
    CHECK(same_files("v/diffusion_pytorch_model.safetensors", "cut/diffusion_pytorch_model.safetensors"));
    CHECK(same_files("v/config.json", "cut/config.json") && outside_has(&o, "v/sheet_0000003.png"));
    CHECK(outside_shell(&o, "test $(wc -l < v/log.csv) = 8 && test $(wc -l < cut/log.csv) = 8"));
    works("train vae -q --config config.json --data pics");
    CHECK(outside_has(&o, "by_config/config.json"));
}

/* Nothing gets better without a learning rate: the run ends after `patience` measurements, with the first weights. */
static void test_early_stop(void)
{
    char whole[65], other[65];
    const char *const still = "vae --recipe vae.json --data pics --patience 2 --lr 0 -o";
    char line[200];
    snprintf(line, sizeof line, "%s still", still);
    const Json *json = train(line);
    CHECK(json_int(json_get(json, "steps"), 0) == 2 && json_int(json_get(json, "best_step"), -1) == 0);
    CHECK(json_bool(json_get(json, "finished"), false) && outside_has(&o, "still/config.json"));
    hash_of(whole, json);
    snprintf(line, sizeof line, "%s still2 --stop-at 1", still);
    train(line);
    snprintf(line, sizeof line, "%s still2 --resume", still);
    hash_of(other, json = train(line));
    CHECK(strcmp(whole, other) == 0 && json_int(json_get(json, "steps"), 0) == 2);
    CHECK(same_files("still/diffusion_pytorch_model.safetensors",
                     "still2/diffusion_pytorch_model.safetensors"));
    fails("train vae -q --recipe vae.json --data pics --patience 1 --held-out-share 0 -o never", 2,
          "patience needs pictures that are held out");
}

/* One tensor of a file, as it lies there. */
static bool same_tensor(const char *a, const char *b, const char *name)
{
    float x[2][4096];
    const char *const files[] = {a, b};
    for (int i = 0; i < 2; i++) {
        Arena arena = {0};
        Safetensors file;
        Error err = {0};
        const bool open = safetensors_open(&file, outside_path(&o, files[i]), &arena, &err) == STATUS_OK;
        const SafetensorsEntry *entry = open ? safetensors_find(&file, name) : NULL;
        if (!CHECK(entry != NULL && safetensors_numbers(entry) <= 4096))
            return false;
        memset(x[i], 0, sizeof x[i]);
        CHECK(safetensors_read_f32(x[i], &file, entry, &err) == STATUS_OK);
        arena_free(&arena);
    }
    return memcmp(x[0], x[1], sizeof x[0]) == 0;
}

/* A frozen encoder: its latents stay, with their scale, while the decoder learns by the features; in pieces too. */
static void test_frozen(void)
{
    const char *const old = "v/diffusion_pytorch_model.safetensors",
                      *const file = "f/diffusion_pytorch_model.safetensors";
    char whole[65], other[65];
    CHECK(outside_shell(&o, "sed 's/\"mse\": 1.0/\"mse\": 1.0, \"perceptual\": 0.5/; "
                            "s/\"max_train/\"frozen\": [\"encoder\", \"quant_conv\"], &/; "
                            "s/\"latent_channels\"/\"scaling_factor\": 1.5, &/' vae.json > frozen.json"));
    hash_of(whole, train("vae --recipe frozen.json --data pics --init v -o f"));
    CHECK(same_tensor(old, file, "encoder.conv_in.weight") && same_tensor(old, file, "quant_conv.bias"));
    CHECK(!same_tensor(old, file, "decoder.conv_in.weight") &&
          !same_tensor(old, file, "post_quant_conv.bias"));
    CHECK(outside_shell(&o, "grep -q '\"scaling_factor\": 1.5' f/config.json"));
    train("vae --recipe frozen.json --data pics --init v -o f2 --stop-at 2");
    hash_of(other, train("vae --recipe frozen.json --data pics --init v -o f2 --resume"));
    CHECK(strcmp(whole, other) == 0);
    CHECK(outside_shell(&o, "sed 's/\"quant_conv\"/\"quant_con\"/' frozen.json > wrong.json"));
    fails("train vae -q --recipe wrong.json --data pics --init v -o never", 3,
          "\"quant_con\", which no parameter");
    fails("train vae -q --recipe frozen.json --data pics --features none -o never", 3, "none/");
    fails("train vae -q --recipe vae.json --data pics --features none -o never", 2, "--features is for");
    CHECK(!outside_has(&o, "never"));
}

static void test_denoiser(void)
{
    char text[2000], line[400], whole[65], other[65];
    outside_write(&o, "tokenizer.json", TOKENIZER);
    works("train tokenizer -q --recipe tokenizer.json --data pics -o t");
    snprintf(text, sizeof text, UNET, 4);
    outside_write(&o, "unet.json", text);
    snprintf(text, sizeof text, UNET, 6);
    outside_write(&o, "wider.json", text);
    snprintf(line, sizeof line, "unet --recipe unet.json %s -o u -t 1", ON_PICTURES);
    hash_of(whole, train(line));
    snprintf(line, sizeof line, "unet --recipe unet.json %s -o u2 -t 2 --stop-at 1", ON_PICTURES);
    train(line);
    snprintf(line, sizeof line, "unet --recipe unet.json %s -o u2 --resume", ON_PICTURES);
    hash_of(other, train(line));
    CHECK(strcmp(whole, other) == 0 && outside_has(&o, "u/model_index.json"));
    works("txt2img -q -m u -p 'a rose' --steps 1 -o rose.png");
}

/* --init starts from exactly those weights, and belongs to the run. */
static void test_init(void)
{
    char line[400];
    snprintf(line, sizeof line, "unet --recipe unet.json %s --init u --max-train-steps 0 -o same",
             ON_PICTURES);
    train(line);
    CHECK(same_files("u/unet/diffusion_pytorch_model.safetensors",
                     "same/unet/diffusion_pytorch_model.safetensors"));
    CHECK(same_files("u/text_encoder/model.safetensors", "same/text_encoder/model.safetensors"));
    train("vae --recipe vae.json --data pics --init v --max-train-steps 0 -o samev");
    CHECK(same_files("v/diffusion_pytorch_model.safetensors", "samev/diffusion_pytorch_model.safetensors"));
    snprintf(line, sizeof line, "train unet -q --recipe wider.json %s --init u -o never", ON_PICTURES);
    fails(line, 3, "conv_in.weight");
    snprintf(line, sizeof line, "train unet -q --recipe unet.json %s --init none -o never", ON_PICTURES);
    fails(line, 3, "none/");
    snprintf(line, sizeof line, "train unet -q --recipe unet.json %s --init u -o u2 --resume", ON_PICTURES);
    fails(line, 3, "another recipe");
    CHECK(!outside_has(&o, "never"));
}

/* Attention that the given weights lack is drawn where the recipe asks for that, and refused otherwise. */
static void test_grown(void)
{
    char line[400];
    const char *const old = "u/unet/diffusion_pytorch_model.safetensors",
                      *const grown = "g/unet/diffusion_pytorch_model.safetensors";
    CHECK(outside_shell(
        &o, "sed 's/\"DownBlock2D/\"CrossAttnDownBlock2D/; s/\"UpBlock2D/\"CrossAttnUpBlock2D/' "
            "unet.json > lacks.json && sed 's/\"max_train/\"draw_missing\": true, &/' lacks.json > "
            "grows.json"));
    snprintf(line, sizeof line, "train unet -q --recipe lacks.json %s --init u -o never", ON_PICTURES);
    fails(line, 3, "has no tensor down_blocks.1.attentions.0");
    snprintf(line, sizeof line, "unet --recipe grows.json %s --init u -o g --max-train-steps 0",
             ON_PICTURES);
    train(line);
    CHECK(same_tensor(old, grown, "conv_in.weight") &&
          same_tensor(old, grown, "mid_block.resnets.0.conv1.weight"));
    works("txt2img -q -m g -p 'a rose' --steps 1 -o grown.png");
}

/* Refused by name before the first step; a changed folder cannot be gone on with. */
static void test_refused(void)
{
    char line[400];
    CHECK(outside_shell(&o, "cp -R pics bad && head -c 50 pics/000003.png > bad/000003.png"));
    fails("train vae -q --recipe vae.json --data bad -o never", 3, "bad/000003.png");
    CHECK(outside_shell(&o, "mkdir mute && cp pics/000001.png pics/000002.png mute"));
    fails("train tokenizer -q --recipe tokenizer.json --data mute -o never", 3,
          "000001.png: has no caption");
    snprintf(line, sizeof line,
             "train unet -q --recipe unet.json --data mute --vae v --tokenizer t -o never");
    fails(line, 3, "has no caption");
    fails("train vae -q --recipe vae.json --data stderr -o never", 3, "stderr: is no folder");
    CHECK(!outside_has(&o, "never"));
    works("train vae -q --recipe vae.json --data mute -o mutev --max-train-steps 1");
    works("train unet -q --recipe unet.json --data pics --caption-column text_0 --vae v --tokenizer t -o "
          "level0 "
          "--max-train-steps 1");
    CHECK(outside_shell(&o, "cp pics/000001.png pics/x.png && echo "
                            "'{\"file_name\": \"x.png\", \"text\": \"x\"}' >> pics/metadata.jsonl"));
    fails("train vae -q --recipe vae.json --data pics -o v --resume", 3, "another recipe");
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "program-train")) {
        if (outside_run(&o, "data list styles") == 0) {
            outside_write(&o, "config.json",
                          "{\"recipe\": \"vae.json\", \"output\": \"by_config\", \"max-train-steps\": 1}");
            test_export_is_read_again();
            test_autoencoder();
            test_early_stop();
            test_frozen();
            test_denoiser();
            test_init();
            test_grown();
            test_refused();
            CHECK(outside_shell(&o, "rm -r *"));
        } else {
            printf("skipped: the picture world is not there\n");
        }
    }
    outside_end(&o);
    return check_report("program_train");
}
