/* diffusion/model_save.c - a model's folder, written (see diffusion/model.h). */

#include "base/file.h"
#include "diffusion/model.h"
#include "diffusion/sampler.h"
#include "io/json.h"
#include "weights/weights_save.h"

/* What model_index.json says of each part that the model has; NULL where it has none. */
static void write_entry(JsonWriter *w, const char *part, const char *library, const char *class_name)
{
    json_begin_array(w, part);
    if (class_name != NULL) {
        json_write_text(w, NULL, library);
        json_write_text(w, NULL, class_name);
    } else {
        json_write_null(w, NULL);
        json_write_null(w, NULL);
    }
    json_end(w);
}

void model_index_write(JsonWriter *w, const Model *m, const char *scheduler)
{
    const char *text = m->config.text.has_projection ? "CLIPTextModelWithProjection" : "CLIPTextModel";
    json_begin_object(w, NULL);
    json_write_text(w, "_class_name", "StableDiffusionPipeline");
    json_write_text(w, "_diffusers_version", "0.27.2");
    write_entry(w, "feature_extractor", NULL, NULL);
    write_entry(w, "image_encoder", NULL, NULL);
    json_write_bool(w, "requires_safety_checker", false);
    write_entry(w, "safety_checker", NULL, NULL);
    write_entry(w, "scheduler", "diffusers", m->parts & MODEL_SCHEDULER ? scheduler : NULL);
    write_entry(w, "text_encoder", "transformers", m->parts & MODEL_TEXT ? text : NULL);
    write_entry(w, "tokenizer", "transformers", m->parts & MODEL_TOKENIZER ? "CLIPTokenizer" : NULL);
    write_entry(w, "unet", "diffusers", m->parts & MODEL_UNET ? "UNet2DConditionModel" : NULL);
    write_entry(w, "vae", "diffusers", m->parts & MODEL_VAE ? "AutoencoderKL" : NULL);
    json_end(w);
}

typedef struct {
    const char *folder;
    Arena *scratch;
    Error *err;
    Status status; /* the first failure */
} Save;

/* folder/part, made when it is not there; NULL after a failure. */
static const char *part_folder(Save *s, const char *part)
{
    const char *path = path_join(s->scratch, s->folder, part);
    if (s->status == STATUS_OK && path == NULL)
        s->status = error_set(s->err, STATUS_MEMORY, "no memory to write %s", s->folder);
    if (s->status == STATUS_OK)
        s->status = folder_make(path, s->err);
    return s->status == STATUS_OK ? path : NULL;
}

static void put(Save *s, const char *folder, const char *name, const Bytes *b)
{
    const char *path = folder != NULL ? path_join(s->scratch, folder, name) : NULL;
    if (s->status == STATUS_OK && (path == NULL || b->failed))
        s->status = error_set(s->err, STATUS_MEMORY, "no memory to write %s", s->folder);
    if (s->status == STATUS_OK)
        s->status = file_write(path, b->data, b->size, s->err);
}

/* The index of an older model goes first, so that it does not speak for a mixture of both. */
static void drop_index(Save *s)
{
    const char *path = path_join(s->scratch, s->folder, "model_index.json");
    if (path == NULL)
        s->status = error_set(s->err, STATUS_MEMORY, "no memory to write %s", s->folder);
    else
        file_remove(path);
}

static void put_weights(Save *s, const char *folder, const char *name, const Weights *w, DType dtype)
{
    const char *path = folder != NULL ? path_join(s->scratch, folder, name) : NULL;
    if (s->status == STATUS_OK && path == NULL)
        s->status = error_set(s->err, STATUS_MEMORY, "no memory to write %s", s->folder);
    if (s->status == STATUS_OK)
        s->status = weights_save(w, NULL, path, dtype, s->scratch, s->err);
}

Status model_save(const Model *m, const char *folder, DType dtype, Arena *scratch, Error *err)
{
    Save s = {.folder = folder, .scratch = scratch, .err = err};
    Bytes index = {.arena = scratch}, text = index, unet = index, vae = index, scheduler = index;
    JsonWriter text_json = {.out = &text}, unet_json = {.out = &unet}, vae_json = {.out = &vae};
    JsonWriter index_json = {.out = &index};
    const Sampler *sampler = sampler_find(m->config.scheduler.class_name);
    if ((m->parts & MODEL_SCHEDULER) && sampler == NULL)
        return error_set(err, STATUS_ARGUMENT, "%s: no sampler has the scheduler class \"%s\"", folder,
                         m->config.scheduler.class_name);
    const ArenaMark mark = arena_mark(scratch);
    drop_index(&s);
    if (m->parts & MODEL_TOKENIZER) {
        const char *below = part_folder(&s, "tokenizer");
        if (s.status == STATUS_OK)
            s.status = tokenizer_save(&m->tokenizer, below, scratch, err);
    }
    if (m->parts & MODEL_TEXT) {
        clip_text_config_write(&text_json, &m->config.text);
        put(&s, part_folder(&s, "text_encoder"), "config.json", &text);
        put_weights(&s, part_folder(&s, "text_encoder"), "model.safetensors", &m->text_weights, dtype);
    }
    if (m->parts & MODEL_UNET) {
        unet_config_write(&unet_json, &m->config.unet);
        put(&s, part_folder(&s, "unet"), "config.json", &unet);
        put_weights(&s, part_folder(&s, "unet"), "diffusion_pytorch_model.safetensors", &m->unet_weights,
                    dtype);
    }
    if (m->parts & MODEL_VAE) {
        vae_config_write(&vae_json, &m->config.vae);
        put(&s, part_folder(&s, "vae"), "config.json", &vae);
        put_weights(&s, part_folder(&s, "vae"), "diffusion_pytorch_model.safetensors", &m->vae_weights,
                    dtype);
    }
    if (m->parts & MODEL_SCHEDULER) {
        scheduler_config_write(&scheduler, &m->config.scheduler, sampler->class_name, sampler->keys);
        put(&s, part_folder(&s, "scheduler"), "scheduler_config.json", &scheduler);
    }
    model_index_write(&index_json, m, m->config.scheduler.class_name);
    put(&s, part_folder(&s, ""), "model_index.json", &index);
    arena_release(scratch, mark);
    return s.status;
}
