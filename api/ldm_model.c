/* ldm99.h: opening, closing and describing a model. */
#include <string.h>

#include "api/ldm_call.h"
#include "base/contract.h"

typedef char PartsAgree[(int)LDM_TOKENIZER == (int)MODEL_TOKENIZER && (int)LDM_TEXT == (int)MODEL_TEXT &&
                                (int)LDM_UNET == (int)MODEL_UNET && (int)LDM_VAE == (int)MODEL_VAE &&
                                (int)LDM_SCHEDULER == (int)MODEL_SCHEDULER
                            ? 1
                            : -1];

static Status open_model(ldm_model **out, const char *folder, unsigned parts, const ArenaSource *source,
                         Error *err)
{
    Status status = contract_check(err);
    if (status != STATUS_OK)
        return status;
    if (parts == 0 || (parts & ~(unsigned)MODEL_ALL) != 0)
        return error_set(err, STATUS_ARGUMENT, "%s: parts are %#x, expected 1 to %#x", folder, parts,
                         (unsigned)MODEL_ALL);
    ldm_model *m = memory_take(source, sizeof *m);
    if (m == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory to open the model", folder);
    *m = (ldm_model){.source = {NULL, NULL, NULL}};
    if (source != NULL) {
        m->source = *source;
        m->from = &m->source;
        m->arena.source = m->from;
    }
    status = model_open(&m->model, folder, parts, 0, &m->arena, err);
    if (status == STATUS_OK)
        *out = m;
    else
        ldm_model_close(m);
    return status;
}

ldm_status ldm_model_open(ldm_model **out, const char *folder, unsigned parts,
                          const ldm_allocator *allocator, ldm_error *error)
{
    ArenaSource room;
    const ArenaSource *source = ldm_source(&room, allocator);
    LdmCall call = ldm_call_from(source);
    return ldm_call_end(&call, open_model(out, folder, parts, source, &call.error), error);
}

void ldm_model_close(ldm_model *model)
{
    if (model == NULL)
        return;
    const ArenaSource source = model->source;
    const bool own = model->from != NULL;
    arena_free(&model->arena);
    memory_give(own ? &source : NULL, model);
}

void ldm_model_get_info(const ldm_model *model, ldm_model_info *out, size_t size)
{
    const Model *m = &model->model;
    const ModelConfig *c = &m->config;
    ldm_model_info info = {.parts = m->parts, .prediction = "", .scheduler = ""};
    info.struct_size = size < sizeof info ? size : sizeof info;
    info.memory = sizeof *model + model->arena.reserved;
    if (m->parts & MODEL_TOKENIZER) {
        info.tokens = m->tokenizer.length;
        info.vocabulary = m->tokenizer.vocabulary;
    }
    if (m->parts & MODEL_TEXT) {
        info.text_width = c->text.shape.width;
        info.text_numbers = m->text_weights.numbers;
    }
    if (m->parts & MODEL_VAE) {
        info.factor = vae_factor(&c->vae);
        info.latent_channels = c->vae.latent_channels;
        info.vae_numbers = m->vae_weights.numbers;
    }
    if (m->parts & MODEL_UNET) {
        info.latent_channels = c->unet.out_channels;
        info.input_channels = c->unet.in_channels;
        info.latent_height = c->unet.sample_height;
        info.latent_width = c->unet.sample_width;
        info.unet_numbers = m->unet_weights.numbers;
    }
    info.picture_height = info.latent_height * info.factor;
    info.picture_width = info.latent_width * info.factor;
    if (m->parts & MODEL_SCHEDULER) {
        info.train_timesteps = c->scheduler.num_train_timesteps;
        info.prediction = scheduler_value_name("prediction_type", c->scheduler.prediction_type);
        info.scheduler = c->scheduler.class_name;
    }
    memcpy(out, &info, info.struct_size);
}
