/* A model's folder: written, read again with the same numbers, and refused by name where something is wrong. */
#include "base/file.h"
#include "diffusion/model.h"
#include "tests/tiny_model.h"

static const char FOLDER[] = "build/test_model";

static bool same_weights(const Weights *a, const Weights *b)
{
    const Parameter *p = a->first, *q = b->first;
    for (; p != NULL && q != NULL; p = p->next, q = q->next)
        if (strcmp(p->name, q->name) != 0 || !tensor_same_shape(p->tensor, q->tensor) ||
            !same_bits(p->tensor->data, q->tensor->data, tensor_count(p->tensor)))
            return false;
    return p == NULL && q == NULL && a->count > 0;
}

static void test_written_and_read(void)
{
    Arena arena = {0};
    Model m, again = {0};
    Error err = {0};
    tiny_model_new(&m, &arena);
    const size_t used = arena.used;
    if (!CHECK(model_save(&m, FOLDER, F32, &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(arena.used == used);
    if (!CHECK(model_open(&again, FOLDER, MODEL_ALL, MODEL_UNET, &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(same_weights(&m.text_weights, &again.text_weights));
    CHECK(same_weights(&m.unet_weights, &again.unet_weights));
    CHECK(same_weights(&m.vae_weights, &again.vae_weights));
    CHECK(again.unet_weights.first->tensor->wants_grad && !again.vae_weights.first->tensor->wants_grad);
    CHECK(unet_config_same(&m.config.unet, &again.config.unet) &&
          vae_config_same(&m.config.vae, &again.config.vae));
    CHECK(again.tokenizer.vocabulary == m.tokenizer.vocabulary && again.tokenizer.length == 12);
    CHECK(again.config.scheduler.beta_schedule == BETA_SCALED_LINEAR &&
          again.config.scheduler.steps_offset == 1);
    CHECK(strcmp(again.config.scheduler.class_name, "DDIMScheduler") == 0);
    Model part = {0};
    CHECK(model_open(&part, FOLDER, MODEL_VAE, 0, &arena, NULL) == STATUS_OK);
    CHECK(part.parts == MODEL_VAE && part.unet_weights.count == 0 &&
          same_weights(&m.vae_weights, &part.vae_weights));
    arena_free(&arena);
}

/* Half precision is read again as the rounded numbers, also under the name with ".fp16". */
static void test_half_precision(void)
{
    Arena arena = {0};
    Model m, again = {0};
    tiny_model_new(&m, &arena);
    CHECK(model_save(&m, FOLDER, F16, &arena, NULL) == STATUS_OK);
    CHECK(rename("build/test_model/unet/diffusion_pytorch_model.safetensors",
                 "build/test_model/unet/diffusion_pytorch_model.fp16.safetensors") == 0);
    CHECK(model_open(&again, FOLDER, MODEL_ALL, 0, &arena, NULL) == STATUS_OK);
    const Parameter *p = m.unet_weights.first, *q = again.unet_weights.first;
    for (; p != NULL && q != NULL; p = p->next, q = q->next)
        for (size_t i = 0; i < tensor_count(p->tensor); i++)
            CHECK_NEAR(q->tensor->data[i], p->tensor->data[i], 0x1p-11);
    CHECK(remove("build/test_model/unet/diffusion_pytorch_model.fp16.safetensors") == 0);
    Error err = {0};
    CHECK(model_open(&again, FOLDER, MODEL_ALL, 0, &arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "build/test_model/unet/diffusion_pytorch_model.safetensors");
    arena_free(&arena);
}

static void put(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    CHECK(file_write(path, text, strlen(text), NULL) == STATUS_OK);
}

static void refuse(unsigned parts, Status status, const char *why)
{
    Arena arena = {0};
    Model m = {.parts = 77};
    Error err = {0};
    CHECK(model_open(&m, FOLDER, parts, 0, &arena, &err) == status && m.parts == 77);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    CHECK(model_save(&m, FOLDER, F32, &arena, NULL) == STATUS_OK);
    put("model_index.json", "[1]");
    refuse(MODEL_ALL, STATUS_FORMAT, "model_index.json: expected an object");
    put("model_index.json", "{\"unet\": [\"diffusers\", \"PriorTransformer\"]}");
    refuse(MODEL_ALL, STATUS_FORMAT,
           "unet is of class \"PriorTransformer\", expected UNet2DConditionModel");
    put("model_index.json", "{\"text_encoder_2\": [\"transformers\", \"CLIPTextModel\"]}");
    refuse(MODEL_ALL, STATUS_FORMAT, "the part \"text_encoder_2\" is not known");
    put("model_index.json",
        "{\"text_encoder_2\": [null, null], \"safety_checker\": [\"x\", \"y\"], \"_x\": 1,"
        "\"unet\": [\"diffusers\", \"Other\"]}");
    refuse(MODEL_VAE | MODEL_UNET, STATUS_FORMAT, "class \"Other\"");
    Model vae = {0};
    CHECK(model_open(&vae, FOLDER, MODEL_VAE, 0, &arena, NULL) ==
          STATUS_OK); /* the U-Net is not looked at */
    put("model_index.json", "{}");
    put("vae/config.json", "{\"latent_channel\": 2}");
    refuse(MODEL_ALL, STATUS_FORMAT, "latent_channel");
    put("scheduler/scheduler_config.json", "{\"beta\": 2}");
    refuse(MODEL_ALL, STATUS_FORMAT, "the key \"beta\" is not known");
    CHECK(remove("build/test_model/model_index.json") == 0);
    refuse(MODEL_ALL, STATUS_FILE, "build/test_model/model_index.json");
    m.config.scheduler.class_name[0] = 'x';
    Error err = {0};
    CHECK(model_save(&m, FOLDER, F32, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "no sampler has the scheduler class \"xDIMScheduler\"");
    arena_free(&arena);
}

/* Old files: an offset of 0 and clipping are taken for mistakes, as diffusers takes them. */
static void test_old_scheduler_files(void)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    CHECK(model_save(&m, FOLDER, F32, &arena, NULL) == STATUS_OK);
    put("scheduler/scheduler_config.json", "{\"_class_name\": \"DDIMScheduler\", \"clip_sample\": true}");
    CHECK(model_open(&m, FOLDER, MODEL_SCHEDULER, 0, &arena, NULL) == STATUS_OK);
    const SchedulerConfig c = scheduler_config_over(&m.config.scheduler, &SCHEDULER_DEFAULTS);
    CHECK(c.steps_offset == 1 && !c.clip_sample);
    arena_free(&arena);
}

static void test_parts_that_do_not_fit(void)
{
    static const struct {
        int what;
        const char *why;
    } WRONG[] = {{0, "the tokenizer has"},
                 {1, "prompts of 12, the text encoder takes 600 ids and prompts of 11"},
                 {2, "the text encoder's rows have 8 numbers, the U-Net attends to 6"},
                 {3, "the U-Net makes latents of 2 channels, the VAE takes 3"}};
    for (int k = 0; k < 4; k++) {
        Arena arena = {0};
        ModelConfig config;
        Tokenizer tokenizer;
        Model m = {.parts = 77};
        Error err = {0};
        tiny_model_parts(&config, &tokenizer, &arena);
        if (k == 0)
            config.text.vocab_size = tokenizer.vocabulary - 1;
        else if (k == 1)
            config.text.positions = 11;
        else if (k == 2)
            config.unet.level[0].cross_attention_dim = config.unet.level[1].cross_attention_dim = 6;
        else
            config.vae.latent_channels = 3;
        CHECK(model_create(&m, &config, &tokenizer, 1, 0, &arena, &err) == STATUS_SHAPE && m.parts == 77);
        CHECK_TEXT(err.text, WRONG[k].why);
        arena_free(&arena);
    }
}

static Status attempt(void *context)
{
    Arena *arena = context;
    Model m;
    const size_t fail = arena->fail_after;
    arena_free(arena);
    arena->fail_after = fail;
    return model_open(&m, FOLDER, MODEL_ALL, MODEL_ALL, arena, NULL);
}

static Status attempt_save(void *context)
{
    Arena store = {0};
    Model m;
    tiny_model_new(&m, &store);
    const Status status = model_save(&m, FOLDER, F32, context, NULL);
    arena_free(&store);
    return status;
}

static void test_no_memory(void)
{
    Arena arena = {0};
    check_allocations(attempt_save, &arena, &arena);
    check_allocations(attempt, &arena, &arena);
    arena_free(&arena);
}

int main(void)
{
    test_written_and_read();
    test_half_precision();
    test_refused();
    test_old_scheduler_files();
    test_parts_that_do_not_fit();
    test_no_memory();
    return check_report("model");
}
