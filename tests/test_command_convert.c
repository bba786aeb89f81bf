/* The program with files of other programs: models in one file, LoRAs, checkpoints of torch; convert, info and txt2img. */
#include <time.h>

#include "io/safetensors.h"
#include "tests/outside.h"
#include "tests/tiny_model.h"

static Outside o;

static void make_model(void)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    CHECK(model_save(&m, outside_path(&o, "m"), F32, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

/* A LoRA of rank 1 in kohya's names for one layer of the U-Net and one of the text encoder; `alpha` may be absent. */
static void make_lora(const char *name, const char *unet, const char *text)
{
    static const float ones[8] = {1, 1, 1, 1, 1, 1, 1, 1}, alpha = 0.5f;
    char key[6][300];
    const char *const ends[3] = {"lora_down.weight", "lora_up.weight", "alpha"};
    SafetensorsItem item[6] = {{0}};
    Arena arena = {0};
    for (int i = 0; i < 6; i++) {
        snprintf(key[i], sizeof key[i], "%s.%s", i < 3 ? unet : text, ends[i % 3]);
        item[i] = (SafetensorsItem){
            .name = key[i], .dtype = F32, .rank = i % 3 == 2 ? 0 : 2, .f32 = i % 3 == 2 ? &alpha : ones};
        item[i].dim[0] = i % 3 == 0 ? 1 : 8;
        item[i].dim[1] = i % 3 == 0 ? 8 : 1;
    }
    CHECK(safetensors_write(outside_path(&o, name), item, 6, NULL, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

static void works(const char *line)
{
    if (!CHECK(outside_run(&o, line) == 0))
        printf("    ldm99 %s: %s", line, o.err);
}

static void same(const char *a, const char *b)
{
    char line[300];
    snprintf(line, sizeof line, "cmp '%s' '%s'", a, b);
    if (!CHECK(outside_shell(&o, line)))
        printf("    %s and %s differ\n", a, b);
}

static void test_models_go_there_and_back(void)
{
    works("convert m -o one.safetensors");
    CHECK_TEXT(o.out, "ldm-v1");
    works("convert one.safetensors -o back --config-from m");
    same("m/unet/diffusion_pytorch_model.safetensors", "back/unet/diffusion_pytorch_model.safetensors");
    same("m/vae/diffusion_pytorch_model.safetensors", "back/vae/diffusion_pytorch_model.safetensors");
    same("m/text_encoder/model.safetensors", "back/text_encoder/model.safetensors");
    works("convert m --to ldm-v2 -o two.safetensors");
    works("convert two.safetensors -o again");
    same("m/text_encoder/model.safetensors", "again/text_encoder/model.safetensors");
    works("convert one.safetensors -o half.safetensors --dtype f16");
    works("convert half.safetensors -o half2.safetensors --dtype f32");
    works("convert half2.safetensors -o half3.safetensors --dtype f16");
    same("half.safetensors", "half3.safetensors");
    const Json *json = outside_json(&o, "convert m -o j.safetensors --json", 0);
    CHECK(strcmp(json_text(json_get(json, "layout"), ""), "ldm-v1") == 0 &&
          json_count(json_get(json, "files")) == 1);
    outside_fails(&o, "convert m", 2, "where to?");
    outside_fails(&o, "convert m -o m", 2, "the same");
    outside_fails(&o, "convert m -o x --to kohya", 2, "is a model folder");
    outside_fails(&o, "convert one.safetensors -o x --to peft", 2, "is a single-file model");
    outside_fails(&o, "convert none -o x", 3, "none");
    outside_write(&o, "bad.ckpt", "cposix\nsystem\n.");
    outside_fails(&o, "convert bad.ckpt -o x", 3, "bad.ckpt");
    CHECK(!outside_has(&o, "x"));
}

static void test_one_file_makes_the_same_pictures(void)
{
    works("txt2img -q -m m -p 'a red square' --steps 2 -o folder.png");
    works("txt2img -q -m one.safetensors --config-from m -p 'a red square' --steps 2 -o one.png");
    works("compare folder.png one.png");
    works("again one.png");
    CHECK(outside_shell(&o, "cp -r m/tokenizer tokenizer"));
    works("txt2img -q -m two.safetensors -p 'a red square' --steps 2 -o two.png");
    works("compare folder.png two.png");
    CHECK(outside_shell(&o, "rm -r tokenizer"));
    outside_fails(&o, "txt2img -q -m one.safetensors -p x -o x.png", 3, "one file holds no tokenizer");
    outside_fails(&o, "txt2img -q -m m --config-from m -p x -o x.png", 2, "is for a model in one file");
    CHECK(!outside_has(&o, "x.png"));
}

static void test_loras_come_in_and_go(void)
{
    static const char UNET[] = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
    static const char TEXT[] = "lora_te_text_model_encoder_layers_0_self_attn_q_proj";
    make_lora("style.safetensors", UNET, TEXT);
    make_lora("part.safetensors", UNET, "lora_te_text_model_no_such");
    make_lora("none.safetensors", "lora_unet_no_such", "lora_te_no_such");
    works("txt2img -q -m m -p 'a red square' --steps 2 --lora style.safetensors:2 -o with.png");
    CHECK(outside_run(&o, "compare folder.png with.png") == 4);
    works("txt2img -q -m m -p '<lora:style:2>a red square' --lora-dir . --steps 2 -o tag.png");
    works("compare with.png tag.png");
    works("again tag.png");
    works("txt2img -q -m m -p 'a red square' --steps 2 --lora style.safetensors:2 --lora "
          "style.safetensors:-2 -o off.png");
    works("txt2img -q -m m -p 'a red square' --steps 2 --lora style.safetensors:0 -o zero.png");
    works("compare folder.png zero.png");
    works("txt2img -q -m m -p 'a red square' --steps 2 --lora style.safetensors:2 --lora-merge -o "
          "merged.png");
    works("compare --tolerance 2 with.png merged.png");
    const char *const lora = "txt2img -q -m m -o x.png --lora none.safetensors -p x";
    outside_fails(&o, lora, 3, "none of its 6 tensors fits a layer");
    outside_fails(&o, "txt2img -q -m m -o x.png --lora m/vae/diffusion_pytorch_model.safetensors -p x", 3,
                  "is none of a LoRA's");
    outside_fails(&o, "txt2img -q -m m -o x.png -p '<lora:style:1>x'", 2, "--lora-dir");
    outside_fails(&o, "txt2img -q -m m -o x.png --lora-dir . -p '<lora:../style>x'", 2, "name of a file");
    outside_fails(&o, "txt2img -q -m m -o x.png --lora-dir . -p '<lora:absent:1>x'", 3,
                  "no LoRA named absent");
    outside_fails(&o, "txt2img -q -m m -o x.png --lora-dir . -p '<lora:style:much>x'", 2,
                  "expected <lora:NAME:WEIGHT>");
    CHECK(!outside_has(&o, "x.png"));

    works("convert style.safetensors -o peft.safetensors");
    CHECK_TEXT(o.out, "peft");
    works("convert peft.safetensors -o kohya.safetensors");
    works("convert style.safetensors -o plain.safetensors --to safetensors"); /* with the same metadata */
    same("plain.safetensors", "kohya.safetensors");
    works("txt2img -q -m m -p 'a red square' --steps 2 --lora peft.safetensors:2 -o peft.png");
    works("compare with.png peft.png");
}

static void test_info_lists_what_matches(void)
{
    works("info one.safetensors");
    CHECK_TEXT(o.out, "layout v1 (Stable Diffusion 1)");
    CHECK_TEXT(o.out, "configuration from its metadata");
    const Json *json = outside_json(&o, "info part.safetensors -m m --json", 0);
    CHECK(json_count(json_get(json, "matched")) == 1 && json_count(json_get(json, "unmatched")) == 3);
    CHECK(strcmp(json_text(json_get(json, "naming"), ""), "kohya") == 0);
    works("info part.safetensors -m one.safetensors --tensors");
    CHECK_TEXT(o.out, "attn1.to_q, rank 1, alpha 0.5");
    CHECK_TEXT(o.out, "unmatched      lora_te_text_model_no_such.alpha");
    works("info part.safetensors");
    outside_fails(&o, "info none.safetensors -m m", 3, "none of its 6 tensors fits");

    /* another tensor's name in the header, of the same length: one is missing and one without place */
    CHECK(outside_shell(
        &o, "cp -r m wrong && sed -i 's/\"conv_out.bias\"/\"conv_out.bios\"/' wrong/unet/*.safetensors"));
    json = outside_json(&o, "info wrong --json", 3);
    const Json *list = json_get(json_get(json, "unet"), "unmatched");
    CHECK(json_count(list) == 2 &&
          strcmp(json_text(json_get(json_at(list, 0), "name"), ""), "conv_out.bias") == 0);
    CHECK(strcmp(json_text(json_get(json_at(list, 1), "name"), ""), "conv_out.bios") == 0);
    CHECK(outside_run(&o, "info wrong") == 3);
    CHECK_TEXT(o.out, "conv_out.bias is missing, expected with shape (2)");
    CHECK_TEXT(o.err, "2 tensors are missing, of another shape, or without place");
}

/* 5 GB of which only the header is on the disk. */
static void test_info_reads_no_numbers_of_a_large_file(void)
{
    enum { TENSORS = 1250 };
    const uint64_t each = 1000 * 1024 * 4;
    Arena arena = {0};
    Bytes header = {.arena = &arena}, file = {.arena = &arena};
    for (uint64_t i = 0; i < TENSORS; i++) {
        bytes_add_format(&header, "%s\"t%llu\":{\"dtype\":\"F32\",\"shape\":[1000,1024],",
                         i == 0 ? "{" : ",", (unsigned long long)i);
        bytes_add_format(&header, "\"data_offsets\":[%llu,%llu]}", (unsigned long long)(i * each),
                         (unsigned long long)((i + 1) * each));
    }
    bytes_add_byte(&header, '}');
    bytes_add_le64(&file, header.size);
    bytes_add(&file, header.data, header.size);
    const char *path = outside_path(&o, "large.safetensors");
    CHECK(file_write(path, file.data, file.size, NULL) == STATUS_OK);
    if (sizeof(off_t) < 8 || truncate(path, (off_t)(file.size + TENSORS * each)) != 0) {
        printf("skipped: no file of 5 GB here\n");
    } else {
        const time_t before = time(NULL);
        works("info large.safetensors");
        CHECK(time(NULL) - before <= 2);
        CHECK_TEXT(o.out, "1250 tensors, 1280000000 numbers");
    }
    file_remove(path);
    arena_free(&arena);
}

static void test_checkpoints_of_torch(void)
{
    char line[1500], here[1000] = "";
    if (getcwd(here, sizeof here) == NULL)
        return;
    snprintf(line, sizeof line, "convert '%s/tests/vectors/torch/zip.ckpt' -o torch.safetensors", here);
    works(line);
    works("info torch.safetensors --json");
    CHECK_TEXT(o.out, "\"dtype\": \"BF16\"");
    snprintf(line, sizeof line, "convert '%s/tests/vectors/torch/module.pt' -o x", here);
    outside_fails(&o, line, 3, "names torch.nn.modules.linear.Linear");
    CHECK(!outside_has(&o, "x"));
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : ".", "convert")) {
        make_model();
        test_models_go_there_and_back();
        test_one_file_makes_the_same_pictures();
        test_loras_come_in_and_go();
        test_info_lists_what_matches();
        test_info_reads_no_numbers_of_a_large_file();
        test_checkpoints_of_torch();
    }
    outside_end(&o);
    return check_report("command_convert");
}
