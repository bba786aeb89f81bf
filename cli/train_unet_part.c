#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/train_data.h"
#include "diffusion/pipeline_txt2img.h"
#include "diffusion/train_unet.h"
#include "io/png.h"
#include "io/sheet.h"

enum { SHEET = 16, SHEET_STEPS = 25 };

typedef struct {
    TrainCommand *command;
    UnetTraining training;
    Model model;
    Schedule schedule;
    LatentPool pool, held_out;
    TrainData data;
} UnetPart;

/* ---- sample sheets ---- */

/* 16 held-out captions, always the same, always with the same noises. */
static Status sheet(void *self, const char *path, Arena *scratch, Error *err)
{
    UnetPart *u = self;
    const TrainCommand *t = u->command;
    const char *captions[SHEET];
    SheetCell cells[SHEET];
    Image image;
    Txt2ImgResult result;
    Status status = STATUS_OK;
    for (int i = 0; i < SHEET && status == STATUS_OK; i++) {
        status = data_caption(&u->data.held_out, t->recipe.train.seed + 1, (uint64_t)i, &captions[i],
                              scratch, err);
    }
    if (status == STATUS_OK) {
        Txt2ImgOptions options = TXT2IMG_DEFAULTS;
        options.prompts = captions;
        options.count = SHEET;
        options.images = 1;
        options.steps = SHEET_STEPS;
        options.guidance = 3.0;
        options.sampler = &SAMPLER_DDIM;
        status = txt2img(&result, &u->model, &options, scratch, err);
    }
    for (int i = 0; i < SHEET && status == STATUS_OK; i++)
        cells[i] = (SheetCell){&result.pictures[i], captions[i]};
    const SheetOptions options = {.columns = 8, .zoom = 2};
    if (status == STATUS_OK)
        status = sheet_make(&image, cells, SHEET, &options, scratch, err);
    return status == STATUS_OK ? png_write(path, &image, NULL, 0, scratch, err) : status;
}

static Status save(void *self, const char *folder, Arena *scratch, Error *err)
{
    const UnetPart *u = self;
    return model_save(&u->model, folder, F16, scratch, err);
}

/* ---- what the training stands on ---- */

/* The recipe's "model": {"unet": config.json, "text_encoder": config.json, "scheduler": scheduler_config.json}.
 * The text encoder's vocabulary and length are the tokenizer's. */
static Status read_configs(UnetPart *u, Error *err)
{
    TrainCommand *t = u->command;
    Arena *arena = &t->command.arena;
    ModelConfig *c = &u->model.config;
    ConfigReader r = config_reader(t->recipe.model, t->recipe_path, arena);
    const Json *unet = config_get(&r, "unet"), *text = config_get(&r, "text_encoder");
    const Json *scheduler = config_get(&r, "scheduler");
    Status status = config_finish(&r, err);
    if (status == STATUS_OK && (json_kind(unet) != JSON_OBJECT || json_kind(text) != JSON_OBJECT ||
                                json_kind(scheduler) != JSON_OBJECT))
        status =
            error_set(err, STATUS_FORMAT,
                      "%s: \"model\" needs the objects unet, text_encoder and scheduler", t->recipe_path);
    if (status == STATUS_OK)
        status = unet_config_read(&c->unet, unet, t->recipe_path, arena, err);
    if (status == STATUS_OK)
        status = clip_text_config_read(&c->text, text, t->recipe_path, arena, err);
    if (status == STATUS_OK) {
        Bytes text_of = {.arena = arena};
        JsonWriter w = {.out = &text_of};
        json_write_value(&w, NULL, scheduler);
        status = text_of.failed ? error_set(err, STATUS_MEMORY, "no memory for the scheduler")
                                : scheduler_config_parse(&c->scheduler, (const char *)text_of.data,
                                                         text_of.size, t->recipe_path, arena, err);
    }
    c->text.vocab_size = u->model.tokenizer.vocabulary;
    c->text.positions = u->model.tokenizer.length;
    c->text.bos_token_id = u->model.tokenizer.start;
    c->text.eos_token_id = u->model.tokenizer.end;
    c->text.pad_token_id = u->model.tokenizer.padding;
    return status;
}

static Status open_vae(Model *m, const char *folder, Arena *arena, Error *err)
{
    const Json *json = NULL;
    const char *config = path_join(arena, folder, "config.json");
    const char *weights = path_join(arena, folder, "diffusion_pytorch_model.safetensors");
    if (config == NULL || weights == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a file name");
    Status status = json_read(&json, config, arena, err);
    if (status == STATUS_OK)
        status = vae_config_read(&m->config.vae, json, config, arena, err);
    if (status != STATUS_OK)
        return status;
    weights_open(&m->vae_weights, arena, weights);
    vae_load(&m->vae, &m->config.vae, &m->vae_weights, "");
    return weights_finish(&m->vae_weights, err);
}

/* Tokenizer and VAE are read, text encoder and denoiser are drawn, or those of --init. */
static Status make_model(UnetPart *u, Error *err)
{
    TrainCommand *t = u->command;
    Arena *arena = &t->command.arena;
    Model *m = &u->model;
    if (t->vae_path == NULL || t->tokenizer_path == NULL)
        return error_set(err, STATUS_ARGUMENT,
                         "train unet: --vae FOLDER and --tokenizer FOLDER are needed");
    Status status = tokenizer_open(&m->tokenizer, t->tokenizer_path, arena, err);
    if (status == STATUS_OK)
        status = read_configs(u, err);
    if (status == STATUS_OK)
        status = open_vae(m, t->vae_path, arena, err);
    if (status != STATUS_OK)
        return status;
    status = add_tokenizer(t, t->tokenizer_path, err);
    if (status == STATUS_OK)
        status = add_input(t, t->vae_path, "config.json", err);
    if (status == STATUS_OK)
        status = add_input(t, t->vae_path, "diffusion_pytorch_model.safetensors", err);
    if (status == STATUS_OK)
        status = begin_weights(&m->text_weights, t, "text_encoder/model.safetensors", err);
    if (status == STATUS_OK)
        status = begin_weights(&m->unet_weights, t, "unet/diffusion_pytorch_model.safetensors", err);
    if (status != STATUS_OK)
        return status;
    clip_text_load(&m->text, &m->text_weights, &m->config.text);
    unet_load(&m->unet, &m->config.unet, &m->unet_weights, "");
    m->parts = MODEL_ALL;
    status = weights_finish(&m->text_weights, err);
    if (status == STATUS_OK)
        status = weights_finish(&m->unet_weights, err);
    if (status == STATUS_OK)
        status = schedule_make(&u->schedule, &m->config.scheduler, false, arena, err);
    return status == STATUS_OK ? model_check(m, err) : status;
}

static Status make_pools(UnetPart *u, Error *err)
{
    TrainCommand *t = u->command;
    const uint64_t seed = t->recipe.train.seed;
    const DataRecipe *recipe = &u->data.recipe;
    if (recipe->pool < 1 || recipe->held_out_pool < t->recipe.train.held_out)
        return error_set(err, STATUS_FORMAT,
                         "%s: \"data\" needs a pool above 0 and a held_out_pool of at least held_out",
                         t->recipe_path);
    const Vae *vae = &u->model.vae;
    const Tokenizer *tokenizer = &u->model.tokenizer;
    const Status status = fill_pool(&u->pool, t, vae, tokenizer, &u->data.train, seed, recipe->pool, err);
    if (status != STATUS_OK || recipe->held_out_pool == 0)
        return status;
    return fill_pool(&u->held_out, t, vae, tokenizer, &u->data.held_out, seed + 1, recipe->held_out_pool,
                     err);
}

Status train_unet_part(TrainCommand *t, Error *err)
{
    UnetPart *u = arena_alloc(&t->command.arena, 1, sizeof *u);
    EncodedPrompt empty;
    if (u == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to train");
    u->command = t;
    Status status = train_data_open(&u->data, t, true, err);
    if (status == STATUS_OK)
        status = make_model(u, err);
    if (status == STATUS_OK)
        status = denoising_loss_options_read(&u->training.options, t->recipe.loss, t->recipe_path,
                                             &t->command.arena, err);
    if (status == STATUS_OK)
        status = tokenizer_encode(&empty, &u->model.tokenizer, "", &t->command.arena, err);
    if (status == STATUS_OK)
        status = make_pools(u, err);
    if (status != STATUS_OK)
        return status;
    u->training.unet = &u->model.unet;
    u->training.text = &u->model.text;
    u->training.schedule = &u->schedule;
    u->training.prediction = u->model.config.scheduler.prediction_type;
    u->training.train = &u->pool;
    u->training.held_out = &u->held_out;
    u->training.scaling_factor = (float)u->model.config.vae.scaling_factor;
    u->training.empty = empty.ids;
    u->training.seed = t->recipe.train.seed;
    const TrainTask task = unet_training_task(&u->training);
    Weights *const weights[] = {&u->model.unet_weights, &u->model.text_weights};
    return run_part(t, &task, weights, 2, save, sheet, u, err);
}
