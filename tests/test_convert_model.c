#include "diffusion/convert_model.h"

#include "base/file.h"
#include "io/archive_write.h"
#include "tests/failures.h"
#include "tests/tiny_model.h"

/* ---- names ---- */

static void check_pair(const SingleNames *names, int part, const char *single, const char *ours)
{
    const char *rest = "", *back = "";
    const SingleName *a = single_name_find(names, -1, single, &rest);
    char text[2 * WEIGHTS_NAME];
    snprintf(text, sizeof text, "%s%s", a != NULL ? a->ours : "(none)", rest);
    if (!CHECK(strcmp(text, ours) == 0))
        printf("    %s is %s, expected %s\n", single, text, ours);
    const SingleName *b = single_name_find(names, part, ours, &back);
    snprintf(text, sizeof text, "%s%s", b != NULL ? b->ldm : "(none)", back);
    if (!CHECK(strcmp(text, single) == 0))
        printf("    %s is %s, expected %s\n", ours, text, single);
}

static const char *const SD_VAE =
    "{\"block_out_channels\": [128, 256, 512, 512], \"layers_per_block\": 2, \"down_block_types\": "
    "[\"DownEncoderBlock2D\", \"DownEncoderBlock2D\", \"DownEncoderBlock2D\", \"DownEncoderBlock2D\"], "
    "\"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\", \"UpDecoderBlock2D\", "
    "\"UpDecoderBlock2D\"]}";

/* The names that Stable Diffusion's own files have. */
static void test_published_names(void)
{
    static const char *const UNET[][2] = {
        {"input_blocks.0.0.weight", "conv_in.weight"},
        {"time_embed.2.bias", "time_embedding.linear_2.bias"},
        {"input_blocks.1.0.in_layers.0.weight", "down_blocks.0.resnets.0.norm1.weight"},
        {"input_blocks.3.0.op.weight", "down_blocks.0.downsamplers.0.conv.weight"},
        {"input_blocks.4.0.skip_connection.bias", "down_blocks.1.resnets.0.conv_shortcut.bias"},
        {"input_blocks.8.1.transformer_blocks.0.attn2.to_out.0.weight",
         "down_blocks.2.attentions.1.transformer_blocks.0.attn2.to_out.0.weight"},
        {"input_blocks.11.0.emb_layers.1.weight", "down_blocks.3.resnets.1.time_emb_proj.weight"},
        {"middle_block.0.out_layers.3.weight", "mid_block.resnets.0.conv2.weight"},
        {"middle_block.1.proj_in.weight", "mid_block.attentions.0.proj_in.weight"},
        {"middle_block.2.out_layers.0.bias", "mid_block.resnets.1.norm2.bias"},
        {"output_blocks.2.1.conv.weight", "up_blocks.0.upsamplers.0.conv.weight"},
        {"output_blocks.5.2.conv.weight", "up_blocks.1.upsamplers.0.conv.weight"},
        {"output_blocks.11.1.norm.weight", "up_blocks.3.attentions.2.norm.weight"},
        {"out.2.weight", "conv_out.weight"}};
    static const char *const VAE[][2] = {
        {"encoder.down.1.block.0.nin_shortcut.weight",
         "encoder.down_blocks.1.resnets.0.conv_shortcut.weight"},
        {"encoder.down.0.downsample.conv.weight", "encoder.down_blocks.0.downsamplers.0.conv.weight"},
        {"decoder.up.3.block.0.norm1.weight", "decoder.up_blocks.0.resnets.0.norm1.weight"},
        {"decoder.up.1.upsample.conv.bias", "decoder.up_blocks.2.upsamplers.0.conv.bias"},
        {"decoder.mid.attn_1.proj_out.weight", "decoder.mid_block.attentions.0.to_out.0.weight"},
        {"encoder.mid.block_2.conv1.weight", "encoder.mid_block.resnets.1.conv1.weight"},
        {"encoder.norm_out.weight", "encoder.conv_norm_out.weight"},
        {"post_quant_conv.bias", "post_quant_conv.bias"}};
    static const char *const V2[][2] = {
        {"ln_final.weight", "text_model.final_layer_norm.weight"},
        {"positional_embedding", "text_model.embeddings.position_embedding.weight"},
        {"transformer.resblocks.1.mlp.c_fc.weight", "text_model.encoder.layers.1.mlp.fc1.weight"},
        {"transformer.resblocks.0.attn.out_proj.bias",
         "text_model.encoder.layers.0.self_attn.out_proj.bias"}};
    Arena arena = {0};
    ModelConfig c = {.text = {.shape = {.layers = 2}}};
    SingleNames names;
    Error err = {0};
    char a[300];
    CHECK(unet_config_read(&c.unet, json_of(&arena, "{}"), "unet", &arena, &err) == STATUS_OK);
    CHECK(vae_config_read(&c.vae, json_of(&arena, SD_VAE), "vae", &arena, &err) == STATUS_OK);
    CHECK(single_names(&names, &c, SINGLE_V2, &arena, &err) == STATUS_OK);
    for (size_t i = 0; i < sizeof UNET / sizeof UNET[0]; i++) {
        snprintf(a, sizeof a, "model.diffusion_model.%s", UNET[i][0]);
        check_pair(&names, SINGLE_UNET, a, UNET[i][1]);
    }
    for (size_t i = 0; i < sizeof VAE / sizeof VAE[0]; i++) {
        snprintf(a, sizeof a, "first_stage_model.%s", VAE[i][0]);
        check_pair(&names, SINGLE_VAE, a, VAE[i][1]);
    }
    for (size_t i = 0; i < sizeof V2 / sizeof V2[0]; i++) {
        snprintf(a, sizeof a, "cond_stage_model.model.%s", V2[i][0]);
        check_pair(&names, SINGLE_TEXT, a, V2[i][1]);
    }
    CHECK(single_names(&names, &c, SINGLE_V1, &arena, &err) == STATUS_OK);
    check_pair(&names, SINGLE_TEXT, "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.bias",
               "text_model.encoder.layers.0.mlp.fc1.bias");
    arena_free(&arena);
}

/* ---- there and back ---- */

typedef struct {
    char folder[SCRATCH_PATH], file[SCRATCH_PATH], again[SCRATCH_PATH];
} Places;

static Places places(void)
{
    Places p;
    scratch_path(p.folder, "convert-model");
    scratch_path(p.file, "convert.safetensors");
    scratch_path(p.again, "convert-again");
    return p;
}

static void clean(const Places *p)
{
    walk(p->folder, remove_it, NULL);
    walk(p->again, remove_it, NULL);
    remove(p->folder);
    remove(p->again);
    file_remove(p->file);
}

static void check_same_file(const Places *p, const char *name)
{
    char a[2 * SCRATCH_PATH], b[2 * SCRATCH_PATH];
    Arena arena = {0};
    Bytes one = {0}, two = {0};
    snprintf(a, sizeof a, "%s/%s", p->folder, name);
    snprintf(b, sizeof b, "%s/%s", p->again, name);
    CHECK(file_read(&one, a, &arena, NULL) == STATUS_OK && file_read(&two, b, &arena, NULL) == STATUS_OK);
    if (!CHECK(one.size == two.size && memcmp(one.data, two.data, one.size) == 0))
        printf("    %s\n", name);
    arena_free(&arena);
}

static void check_same_weights(const Weights *a, const Weights *b)
{
    const Parameter *q = b->first;
    for (const Parameter *p = a->first; p != NULL && CHECK(q != NULL); p = p->next, q = q->next)
        CHECK(strcmp(p->name, q->name) == 0 &&
              same_bits(p->tensor->data, q->tensor->data, tensor_count(p->tensor)));
    CHECK(q == NULL);
}

static void test_folder_to_file_to_folder_keeps_every_byte(void)
{
    static const DType KINDS[] = {F32, F16};
    for (int layout = SINGLE_V1; layout <= SINGLE_V2; layout++) {
        const Places p = places();
        Arena arena = {0};
        Error err = {0};
        Model m, single;
        ConvertResult made = {0};
        tiny_model_new(&m, &arena);
        CHECK(model_save(&m, p.folder, KINDS[layout], &arena, &err) == STATUS_OK);
        CHECK(convert_to_single(&made, p.folder, p.file, layout, NULL, &arena, &err) == STATUS_OK);
        CHECK(made.tensors > 200 && (int)made.layout == layout);
        if (CHECK(single_model_open(&single, p.file, p.folder, MODEL_ALL, 0, &arena, &err) == STATUS_OK) &&
            KINDS[layout] == F32) {
            check_same_weights(&m.unet_weights, &single.unet_weights);
            check_same_weights(&m.vae_weights, &single.vae_weights);
            check_same_weights(&m.text_weights, &single.text_weights);
        }
        CHECK(convert_to_folder(&made, p.file, layout == SINGLE_V1 ? p.folder : NULL, p.again, NULL, &arena,
                                &err) == STATUS_OK);
        CHECK(made.tokenizer == (layout == SINGLE_V1));
        check_same_file(&p, "unet/diffusion_pytorch_model.safetensors");
        check_same_file(&p, "vae/diffusion_pytorch_model.safetensors");
        check_same_file(&p, "text_encoder/model.safetensors");
        check_same_file(&p, "unet/config.json");
        check_same_file(&p, "vae/config.json");
        if (made.tokenizer)
            CHECK(model_open(&single, p.again, MODEL_ALL, 0, &arena, &err) == STATUS_OK);
        if (err.text[0] != '\0')
            printf("    %s\n", err.text);
        arena_free(&arena);
        clean(&p);
    }
}

/* ---- shapes alone ---- */

static const char *const WIDE_UNET =
    "{\"sample_size\": 64, \"block_out_channels\": [32, 64], \"layers_per_block\": 1, "
    "\"attention_head_dim\": 8,"
    "\"cross_attention_dim\": 8, \"down_block_types\": [\"CrossAttnDownBlock2D\", \"DownBlock2D\"],"
    "\"up_block_types\": [\"UpBlock2D\", \"CrossAttnUpBlock2D\"]}";
static const char *const WIDE_VAE =
    "{\"block_out_channels\": [32, 64], \"layers_per_block\": 2, \"sample_size\": 512,"
    "\"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
    "\"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]}";

/* Writes the file once more with no metadata and `change`d names. */
static void rewrite(const Places *p, const char *from, const char *to, Arena *arena)
{
    TensorArchive a;
    ArchiveItem items[1200];
    size_t n = 0;
    CHECK(archive_open(&a, p->file, arena, NULL) == STATUS_OK && a.count < 1200);
    for (size_t i = 0; i < a.count; i++)
        if (from == NULL || strcmp(a.tensors[i].name, from) != 0)
            items[n++] = archive_item(a.tensors[i].name, &a, &a.tensors[i]);
        else if (to != NULL)
            items[n++] = archive_item(to, &a, &a.tensors[i]);
    CHECK(archive_write(p->again, items, n, NULL, NULL, arena, NULL) == STATUS_OK);
}

static void wide_model(const Places *p, Arena *arena)
{
    ModelConfig c;
    Tokenizer tokenizer;
    Model m;
    Error err = {0};
    ConvertResult made;
    tiny_model_parts(&c, &tokenizer, arena);
    CHECK(unet_config_read(&c.unet, json_of(arena, WIDE_UNET), "unet", arena, &err) == STATUS_OK);
    CHECK(vae_config_read(&c.vae, json_of(arena, WIDE_VAE), "vae", arena, &err) == STATUS_OK);
    CHECK(model_create(&m, &c, &tokenizer, 5, 0, arena, &err) == STATUS_OK);
    CHECK(model_save(&m, p->folder, F16, arena, &err) == STATUS_OK);
    CHECK(convert_to_single(&made, p->folder, p->file, SINGLE_V1, NULL, arena, &err) == STATUS_OK);
    if (err.text[0] != '\0')
        printf("    %s\n", err.text);
}

static void test_shapes_tell_the_configuration(void)
{
    const Places p = places();
    Arena arena = {0};
    Error err = {0};
    SingleFile with, without;
    wide_model(&p, &arena);
    rewrite(&p, NULL, NULL, &arena);
    CHECK(single_open(&with, p.file, NULL, &arena, &err) == STATUS_OK);
    if (CHECK(single_open(&without, p.again, NULL, &arena, &err) == STATUS_OK)) {
        CHECK(without.given == 0 && without.layout == SINGLE_V1 && without.left_count == 0);
        CHECK(unet_config_same(&with.config.unet, &without.config.unet));
        CHECK(vae_config_same(&with.config.vae, &without.config.vae));
        CHECK(without.config.text.shape.layers == 2 && without.config.text.shape.width == 8 &&
              without.config.text.shape.inner == 16 && without.config.text.vocab_size == 600 &&
              without.config.text.shape.act == ACTIVATION_QUICK_GELU);
        CHECK(without.config.scheduler.prediction_type == PREDICT_EPSILON && without.tokenizer == NULL);
    } else {
        printf("    %s\n", err.text);
    }
    Status status = STATUS_MEMORY;
    size_t n = 1;
    for (; status != STATUS_OK && n < 20000; n += 1 + n / 40) {
        Arena small = {.fail_after = n};
        err = (Error){0};
        status = single_open(&with, p.again, NULL, &small, &err);
        CHECK(status == STATUS_OK || (status == STATUS_MEMORY && small.used == 0));
        arena_free(&small);
    }
    CHECK(status == STATUS_OK && n > 50);
    arena_free(&arena);
    file_remove(p.again);
    clean(&p);
}

static void test_what_does_not_fit_is_refused_in_one_sentence(void)
{
    static const char *const CHANGES[][3] = {
        {"model.diffusion_model.input_blocks.0.0.weight", NULL, "no model in one file"},
        {"model.diffusion_model.out.2.bias", "model.diffusion_model.strange.weight",
         "1 tensors have no place"},
        {"model.diffusion_model.out.2.bias", NULL, "conv_out.bias"},
        {"model.diffusion_model.out.2.weight", NULL, "shape of its U-Net cannot be seen"},
        {"first_stage_model.encoder.conv_in.weight", NULL, "shape of its VAE cannot be seen"},
        {"model.diffusion_model.out.2.bias", "model.diffusion_model.label_emb.0.0.weight", "label_emb"},
        {"cond_stage_model.transformer.text_model.embeddings.token_embedding.weight", NULL,
         "text encoder cannot be seen"}};
    const Places p = places();
    char out[SCRATCH_PATH];
    scratch_path(out, "convert-never");
    Arena arena = {0};
    wide_model(&p, &arena);
    for (size_t i = 0; i < sizeof CHANGES / sizeof CHANGES[0]; i++) {
        Error err = {0};
        ConvertResult made;
        rewrite(&p, CHANGES[i][0], CHANGES[i][1], &arena);
        CHECK(convert_to_folder(&made, p.again, NULL, out, NULL, &arena, &err) == STATUS_FORMAT);
        CHECK_TEXT(err.text, CHANGES[i][2]);
        CHECK(!file_exists(out)); /* nothing was written */
    }
    Error err = {0};
    Model m;
    CHECK(single_model_open(&m, p.file, NULL, MODEL_ALL, 0, &arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "one file holds no tokenizer");
    arena_free(&arena);
    file_remove(p.again);
    clean(&p);
}

/* A conversion whose n-th allocation fails says so, and leaves no file half written. */
static Status convert(int way, const Places *p, const char *out, Arena *arena, Error *err)
{
    ConvertResult made;
    return way == 0 ? convert_to_single(&made, p->folder, out, SINGLE_V2, NULL, arena, err)
                    : convert_to_folder(&made, p->file, p->folder, out, NULL, arena, err);
}

static void test_each_failing_allocation_is_reported(void)
{
    const Places p = places();
    char out[SCRATCH_PATH], index[SCRATCH_PATH + 20];
    Arena arena = {0};
    Model m;
    ConvertResult made;
    scratch_path(out, "convert-out");
    snprintf(index, sizeof index, "%s/model_index.json", out);
    tiny_model_new(&m, &arena);
    CHECK(model_save(&m, p.folder, F32, &arena, NULL) == STATUS_OK);
    CHECK(convert_to_single(&made, p.folder, p.file, SINGLE_V2, NULL, &arena, NULL) == STATUS_OK);
    for (int way = 0; way < 2; way++) {
        Status status = STATUS_MEMORY;
        for (size_t n = 1; status != STATUS_OK && n < 100000; n += 1 + n / 20) {
            Arena small = {.fail_after = n};
            Error err = {0};
            Left left = {0, 0};
            status = convert(way, &p, out, &small, &err);
            arena_free(&small);
            if (status == STATUS_OK)
                break;
            CHECK(status == STATUS_MEMORY && err.text[0] != '\0' && !file_exists(index));
            if (way == 0)
                CHECK(!file_exists(out));
            else
                walk(out, count_it, &left);
            CHECK(left.unfinished == 0);
        }
        CHECK(status == STATUS_OK);
        if (way == 0)
            file_remove(out);
    }
    walk(out, remove_it, NULL);
    remove(out);
    arena_free(&arena);
    clean(&p);
}

int main(void)
{
    test_each_failing_allocation_is_reported();
    test_published_names();
    test_folder_to_file_to_folder_keeps_every_byte();
    test_shapes_tell_the_configuration();
    test_what_does_not_fit_is_refused_in_one_sentence();
    return check_report("convert_model");
}
