#include "diffusion/model.h"

#include <string.h>

#include "base/file.h"
#include "io/json.h"

/* The classes that a part may have in model_index.json. */
static const struct {
    const char *name, *classes[4];
    unsigned part; /* 0: not read, whatever its class */
} PARTS[] = {
    {"tokenizer", {"CLIPTokenizer", "CLIPTokenizerFast"}, MODEL_TOKENIZER},
    {"text_encoder", {"CLIPTextModel", "CLIPTextModelWithProjection"}, MODEL_TEXT},
    {"unet", {"UNet2DConditionModel"}, MODEL_UNET},
    {"vae", {"AutoencoderKL"}, MODEL_VAE},
    {"scheduler", {0}, MODEL_SCHEDULER}, /* its own file names the class */
    {"safety_checker", {0}, 0},
    {"feature_extractor", {0}, 0},
    {"image_encoder", {0}, 0},
    {"requires_safety_checker", {0}, 0},
};

static Status no_memory(const char *folder, Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory to open %s", folder);
}

/* One line "part": [library, class]. */
static Status check_part(const Json *index, size_t i, unsigned wanted, const char *path, Error *err)
{
    const char *key = json_key(index, i), *class_name = json_text(json_at(json_at(index, i), 1), "");
    for (size_t k = 0; k < sizeof PARTS / sizeof PARTS[0]; k++) {
        if (strcmp(PARTS[k].name, key) != 0)
            continue;
        bool good = PARTS[k].classes[0] == NULL || (PARTS[k].part & wanted) == 0;
        for (int c = 0; !good && PARTS[k].classes[c] != NULL; c++)
            good = strcmp(PARTS[k].classes[c], class_name) == 0;
        return good ? STATUS_OK
                    : error_set(err, STATUS_FORMAT, "%s: %s is of class \"%.60s\", expected %s", path, key,
                                class_name, PARTS[k].classes[0]);
    }
    const bool unused = json_kind(json_at(index, i)) == JSON_ARRAY && class_name[0] == '\0';
    return key[0] == '_' || unused
               ? STATUS_OK
               : error_set(err, STATUS_FORMAT, "%s: the part \"%.60s\" is not known", path, key);
}

static Status check_index(const char *folder, unsigned wanted, Arena *arena, Error *err)
{
    const char *path = path_join(arena, folder, "model_index.json");
    const Json *index;
    if (path == NULL)
        return no_memory(folder, err);
    Status status = json_read(&index, path, arena, err);
    if (status == STATUS_OK && json_kind(index) != JSON_OBJECT)
        status = error_set(err, STATUS_FORMAT, "%s: expected an object", path);
    for (size_t i = 0; status == STATUS_OK && i < json_count(index); i++)
        status = check_part(index, i, wanted, path, err);
    return status;
}

/* The JSON file folder/part/name and its path. */
static Status part_json(const Json **json, const char **path, const char *folder, const char *part,
                        const char *name, Arena *arena, Error *err)
{
    const char *below = path_join(arena, folder, part);
    *path = below != NULL ? path_join(arena, below, name) : NULL;
    return *path != NULL ? json_read(json, *path, arena, err) : no_memory(folder, err);
}

/* Opens folder/part/base.safetensors, in one file or in shards, or base.fp16.safetensors or base.bin where only that
 * is. */
static void open_weights(Weights *w, const char *folder, const char *part, const char *base, bool trainable,
                         Arena *arena)
{
    static const char *const ENDINGS[] = {".safetensors", ".safetensors.index.json", ".fp16.safetensors",
                                          ".bin"};
    const char *paths[4] = {NULL, NULL, NULL, NULL};
    w->arena = arena; /* layers ask it for room even after a failure */
    for (int k = 0; k < 4; k++) {
        Bytes b = {.arena = arena};
        bytes_add_format(&b, "%s", folder);
        const bool other = k == 3 && strcmp(base, "model") == 0; /* transformers' name */
        bytes_add_format(&b, "/%s/%s%s%s", part, other ? "pytorch_" : "", base, ENDINGS[k]);
        bytes_add_byte(&b, 0);
        paths[k] = b.failed ? NULL : (const char *)b.data;
    }
    if (paths[0] == NULL || paths[1] == NULL || paths[2] == NULL || paths[3] == NULL) {
        no_memory(folder, &w->error);
        return;
    }
    int k = 0;
    while (k < 3 && !file_exists(paths[k]))
        k++;
    weights_open(w, arena, paths[k > 1 && file_exists(paths[k]) ? k : 0]);
    w->trainable = trainable;
}

static Status open_text(Model *m, const char *folder, bool trainable, Arena *arena, Error *err)
{
    const Json *json;
    const char *path;
    Status status = part_json(&json, &path, folder, "text_encoder", "config.json", arena, err);
    if (status == STATUS_OK)
        status = clip_text_config_read(&m->config.text, json, path, arena, err);
    if (status != STATUS_OK)
        return status;
    m->text_weights.survey = (m->parts & MODEL_SURVEY) != 0;
    open_weights(&m->text_weights, folder, "text_encoder", "model", trainable, arena);
    clip_text_load(&m->text, &m->text_weights, &m->config.text);
    return weights_finish(&m->text_weights, err);
}

static Status open_unet(Model *m, const char *folder, bool trainable, Arena *arena, Error *err)
{
    const Json *json;
    const char *path;
    Status status = part_json(&json, &path, folder, "unet", "config.json", arena, err);
    if (status == STATUS_OK)
        status = unet_config_read(&m->config.unet, json, path, arena, err);
    if (status != STATUS_OK)
        return status;
    m->unet_weights.survey = (m->parts & MODEL_SURVEY) != 0;
    open_weights(&m->unet_weights, folder, "unet", "diffusion_pytorch_model", trainable, arena);
    unet_load(&m->unet, &m->config.unet, &m->unet_weights, "");
    return weights_finish(&m->unet_weights, err);
}

static Status open_vae(Model *m, const char *folder, bool trainable, Arena *arena, Error *err)
{
    const Json *json;
    const char *path;
    Status status = part_json(&json, &path, folder, "vae", "config.json", arena, err);
    if (status == STATUS_OK)
        status = vae_config_read(&m->config.vae, json, path, arena, err);
    if (status != STATUS_OK)
        return status;
    m->vae_weights.survey = (m->parts & MODEL_SURVEY) != 0;
    open_weights(&m->vae_weights, folder, "vae", "diffusion_pytorch_model", trainable, arena);
    vae_load(&m->vae, &m->config.vae, &m->vae_weights, "");
    return weights_finish(&m->vae_weights, err);
}

/* diffusers 0.27, pipeline_stable_diffusion.py, StableDiffusionPipeline.__init__. */
static Status open_scheduler(Model *m, const char *folder, Arena *arena, Error *err)
{
    const char *below = path_join(arena, folder, "scheduler/scheduler_config.json");
    if (below == NULL)
        return no_memory(folder, err);
    const Status status = scheduler_config_read(&m->config.scheduler, below, arena, err);
    m->config.scheduler.steps_offset = 1;
    m->config.scheduler.clip_sample = false;
    scheduler_config_say(&m->config.scheduler, "steps_offset");
    scheduler_config_say(&m->config.scheduler, "clip_sample");
    return status;
}

Status model_open(Model *out, const char *folder, unsigned parts, unsigned trainable, Arena *arena,
                  Error *err)
{
    Model m = {.parts = parts};
    Status status = check_index(folder, parts, arena, err);
    if (status == STATUS_OK && (parts & MODEL_SCHEDULER))
        status = open_scheduler(&m, folder, arena, err);
    if (status == STATUS_OK && (parts & MODEL_TOKENIZER)) {
        const char *below = path_join(arena, folder, "tokenizer");
        status = below != NULL ? tokenizer_open(&m.tokenizer, below, arena, err) : no_memory(folder, err);
    }
    if (status == STATUS_OK && (parts & MODEL_TEXT))
        status = open_text(&m, folder, (trainable & MODEL_TEXT) != 0, arena, err);
    if (status == STATUS_OK && (parts & MODEL_UNET))
        status = open_unet(&m, folder, (trainable & MODEL_UNET) != 0, arena, err);
    if (status == STATUS_OK && (parts & MODEL_VAE))
        status = open_vae(&m, folder, (trainable & MODEL_VAE) != 0, arena, err);
    if (status == STATUS_OK)
        status = model_check(&m, err);
    if (status == STATUS_OK)
        *out = m;
    return status;
}

Status model_create(Model *out, const ModelConfig *config, const Tokenizer *tokenizer, uint64_t seed,
                    unsigned trainable, Arena *arena, Error *err)
{
    Model m = {.parts = MODEL_ALL, .config = *config, .tokenizer = *tokenizer};
    m.text_weights = m.unet_weights = m.vae_weights = weights_create(arena, seed);
    m.text_weights.trainable = (trainable & MODEL_TEXT) != 0;
    m.unet_weights.trainable = (trainable & MODEL_UNET) != 0;
    m.vae_weights.trainable = (trainable & MODEL_VAE) != 0;
    clip_text_load(&m.text, &m.text_weights, &m.config.text);
    unet_load(&m.unet, &m.config.unet, &m.unet_weights, "");
    vae_load(&m.vae, &m.config.vae, &m.vae_weights, "");
    Status status = weights_finish(&m.text_weights, err);
    if (status == STATUS_OK)
        status = weights_finish(&m.unet_weights, err);
    if (status == STATUS_OK)
        status = weights_finish(&m.vae_weights, err);
    if (status == STATUS_OK)
        status = model_check(&m, err);
    if (status == STATUS_OK)
        *out = m;
    return status;
}

Status model_check(const Model *m, Error *err)
{
    const ModelConfig *c = &m->config;
    const unsigned tokens = MODEL_TOKENIZER | MODEL_TEXT, latents = MODEL_UNET | MODEL_VAE;
    if ((m->parts & tokens) == tokens &&
        (m->tokenizer.vocabulary > c->text.vocab_size || m->tokenizer.length > c->text.positions))
        return error_set(
            err, STATUS_SHAPE,
            "the tokenizer has %d ids and prompts of %d, the text encoder takes %d ids and prompts of %d",
            m->tokenizer.vocabulary, m->tokenizer.length, c->text.vocab_size, c->text.positions);
    for (int i = 0; (m->parts & MODEL_TEXT) && (m->parts & MODEL_UNET) && i < c->unet.levels; i++)
        if (c->unet.level[i].cross_attention_dim != c->text.shape.width)
            return error_set(err, STATUS_SHAPE,
                             "the text encoder's rows have %d numbers, the U-Net attends to %d",
                             c->text.shape.width, c->unet.level[i].cross_attention_dim);
    if ((m->parts & latents) == latents && c->unet.out_channels != c->vae.latent_channels)
        return error_set(err, STATUS_SHAPE, "the U-Net makes latents of %d channels, the VAE takes %d",
                         c->unet.out_channels, c->vae.latent_channels);
    return STATUS_OK;
}
