#include "diffusion/single_file.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/folder_list.h"

typedef struct {
    SingleFile f;
    ArchiveTensor *shown[SINGLE_PARTS];
    size_t count[SINGLE_PARTS];
    const char *from;
    Arena *arena;
    Error *err;
} Opening;

static Status no_memory(const Opening *o)
{
    return error_set(o->err, STATUS_MEMORY, "%.150s: no memory for the names of its tensors",
                     o->f.file.name);
}

/* ---- configurations ---- */

/* The JSON file below config_from, or the one that our own writer keeps in the metadata; NULL, and STATUS_OK, where
 * neither is. */
static Status given_json(const Json **json, const char **path, const Opening *o, const char *part)
{
    char key[40];
    *json = NULL;
    if (o->from == NULL) {
        snprintf(key, sizeof key, "ldm99.%s", part);
        const char *text = archive_metadata(&o->f.file, key);
        *path = o->f.file.name;
        return text != NULL ? json_parse(json, text, strlen(text), *path, o->arena, o->err) : STATUS_OK;
    }
    const char *folder = path_join(o->arena, o->from, part);
    *path = folder != NULL ? path_join(o->arena, folder, "config.json") : NULL;
    if (*path == NULL)
        return no_memory(o);
    return file_exists(*path) ? json_read(json, *path, o->arena, o->err) : STATUS_OK;
}

static Status given_networks(Opening *o)
{
    ModelConfig *c = &o->f.config;
    const Json *json;
    const char *path;
    Status status = given_json(&json, &path, o, "unet");
    if (status == STATUS_OK && json != NULL) {
        o->f.given |= MODEL_UNET;
        status = unet_config_read(&c->unet, json, path, o->arena, o->err);
    }
    if (status == STATUS_OK)
        status = given_json(&json, &path, o, "vae");
    if (status == STATUS_OK && json != NULL) {
        o->f.given |= MODEL_VAE;
        status = vae_config_read(&c->vae, json, path, o->arena, o->err);
    }
    if (status == STATUS_OK)
        status = given_json(&json, &path, o, "text_encoder");
    if (status == STATUS_OK && json != NULL) {
        o->f.given |= MODEL_TEXT;
        status = clip_text_config_read(&c->text, json, path, o->arena, o->err);
    }
    return status;
}

static Status read_scheduler(Opening *o)
{
    SchedulerConfig *s = &o->f.config.scheduler;
    bool v = false;
    const char *path =
        o->from != NULL ? path_join(o->arena, o->from, "scheduler/scheduler_config.json") : NULL;
    if (o->from != NULL && path == NULL)
        return no_memory(o);
    if (path != NULL && file_exists(path)) {
        o->f.given |= MODEL_SCHEDULER;
        const Status status = scheduler_config_read(s, path, o->arena, o->err);
        s->steps_offset = 1; /* as diffusion/model.h says of files from before 2022-10 */
        s->clip_sample = false;
        scheduler_config_say(s, "steps_offset");
        scheduler_config_say(s, "clip_sample");
        return status;
    }
    *s = SCHEDULER_STABLE_DIFFUSION;
    const Status status = single_predicts_v(&v, &o->f.file, o->arena, o->err);
    if (v && !(o->f.given & MODEL_UNET))
        o->f.config.unet.sample_height = o->f.config.unet.sample_width = 96;
    if (v)
        s->prediction_type = PREDICT_V;
    return status;
}

/* config_from/tokenizer, or the folder of that name beside the file. */
static Status find_tokenizer(Opening *o)
{
    const char *slash = strrchr(o->f.file.name, '/'), *folder = o->from;
    if (folder == NULL)
        folder =
            slash != NULL ? arena_text(o->arena, o->f.file.name, (size_t)(slash - o->f.file.name)) : ".";
    const char *path = folder != NULL ? path_join(o->arena, folder, "tokenizer") : NULL;
    if (path == NULL)
        return no_memory(o);
    o->f.tokenizer = is_folder(path) ? path : NULL;
    return STATUS_OK;
}

static Status read_configs(Opening *o)
{
    const unsigned networks = MODEL_UNET | MODEL_VAE | MODEL_TEXT;
    if (o->from != NULL && !is_folder(o->from))
        return error_set(o->err, STATUS_FILE, "%.150s: is no folder of configurations", o->from);
    Status status = given_networks(o);
    if (status == STATUS_OK)
        status =
            single_config(&o->f.config, networks & ~o->f.given, &o->f.file, o->f.layout, o->arena, o->err);
    if (status == STATUS_OK)
        status = read_scheduler(o);
    return status == STATUS_OK ? find_tokenizer(o) : status;
}

/* ---- the tensors under diffusers' names ---- */

static Status show(Opening *o, int part, const ArchiveTensor *t, const char *name, const char *rest)
{
    char full[2 * WEIGHTS_NAME];
    const int length = snprintf(full, sizeof full, "%s%s", name, rest);
    if (length >= WEIGHTS_NAME)
        return error_set(o->err, STATUS_FORMAT, "%.100s: the name %.200s is too long", o->f.file.name,
                         full);
    ArchiveTensor *to = &o->shown[part][o->count[part]++];
    *to = *t;
    to->name = arena_text(o->arena, full, (size_t)length);
    return to->name != NULL ? STATUS_OK : no_memory(o);
}

/* in_proj_weight (3W,W) or in_proj_bias (3W): its thirds are q_proj, k_proj and v_proj. */
static Status show_thirds(Opening *o, const ArchiveTensor *t, const char *name)
{
    static const char *const THIRDS[] = {"q_proj", "k_proj", "v_proj"};
    const char *kind = strrchr(name, '.');
    Status status = STATUS_OK;
    if (t->rank < 1 || t->dim[0] % 3 != 0)
        return error_set(o->err, STATUS_FORMAT, "%.150s: %.150s cannot be cut into q, k and v",
                         o->f.file.name, t->name);
    for (int i = 0; i < 3 && status == STATUS_OK; i++) {
        char full[WEIGHTS_NAME];
        ArchiveTensor third = *t;
        third.dim[0] /= 3;
        third.numbers /= 3;
        third.offset += (uint64_t)i * third.dim[0] * t->stride[0] * dtype_size(t->dtype);
        snprintf(full, sizeof full, "%.*s.%s%.20s", (int)(kind - name), name, THIRDS[i], kind);
        status = show(o, SINGLE_TEXT, &third, full, "");
    }
    return status;
}

/* What training and its schedule left in the file.  `blocks` are the layers of OpenCLIP's tower that are used. */
static bool is_passed_over(const char *name, int blocks)
{
    static const char *const STARTS[] = {"model_ema.",
                                         "first_stage_model.loss.",
                                         "betas",
                                         "alphas_cumprod",
                                         "sqrt_",
                                         "log_one_minus_",
                                         "posterior_",
                                         "lvlb_weights",
                                         "logvar",
                                         "scale_factor",
                                         "cond_stage_model.logit_scale",
                                         "cond_stage_model.model.text_projection",
                                         "cond_stage_model.model.logit_scale",
                                         "cond_stage_model.model.attn_mask",
                                         "cond_stage_model.model.visual."};
    static const char BLOCK[] = "cond_stage_model.model.transformer.resblocks.";
    for (size_t i = 0; i < sizeof STARTS / sizeof STARTS[0]; i++)
        if (strncmp(name, STARTS[i], strlen(STARTS[i])) == 0)
            return true;
    int number = 0;
    const char *digit = name + sizeof BLOCK - 1;
    if (strncmp(name, BLOCK, sizeof BLOCK - 1) != 0)
        return false;
    for (; *digit >= '0' && *digit <= '9' && number < blocks; digit++)
        number = 10 * number + (*digit - '0');
    return number >= blocks;
}

static Status show_all(Opening *o)
{
    const TensorArchive *file = &o->f.file;
    Status status = STATUS_OK;
    for (size_t i = 0; i < file->count && status == STATUS_OK; i++) {
        ArchiveTensor t = file->tensors[i];
        const char *rest = "";
        const SingleName *pair = single_name_find(&o->f.names, -1, t.name, &rest);
        if (pair == NULL && is_passed_over(t.name, o->f.config.text.shape.layers)) {
            o->f.passed_over++;
        } else if (pair == NULL) {
            o->f.left[o->f.left_count++] = t.name;
        } else if (pair->in_proj) {
            status = show_thirds(o, &t, pair->ours);
        } else {
            if (pair->point && t.rank == 4 && t.dim[2] == 1 && t.dim[3] == 1)
                t.rank = 2;
            status = show(o, pair->part, &t, pair->ours, rest);
        }
    }
    return status;
}

static Status make_parts(Opening *o)
{
    static const char *const NAMES[] = {"U-Net", "VAE", "text encoder"};
    const size_t room = 3 * o->f.file.count + 1;
    o->f.left = arena_alloc(o->arena, room, sizeof *o->f.left);
    for (int i = 0; i < SINGLE_PARTS; i++)
        o->shown[i] = arena_alloc(o->arena, room, sizeof *o->shown[i]);
    if (o->f.left == NULL || o->shown[0] == NULL || o->shown[1] == NULL || o->shown[2] == NULL)
        return no_memory(o);
    Status status = show_all(o);
    for (int i = 0; i < SINGLE_PARTS && status == STATUS_OK; i++) {
        Bytes name = {.arena = o->arena};
        bytes_add_format(&name, "%.900s (%s)", o->f.file.name, NAMES[i]);
        bytes_add_byte(&name, 0);
        status = name.failed ? no_memory(o)
                             : archive_of(&o->f.part[i], o->shown[i], o->count[i], (const char *)name.data,
                                          o->f.file.data, o->arena, o->err);
    }
    return status;
}

Status single_open(SingleFile *out, const char *path, const char *config_from, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    Opening o = {.from = config_from, .arena = arena, .err = err};
    Status status = archive_open(&o.f.file, path, arena, err);
    if (status == STATUS_OK && !single_is(&o.f.file))
        status = error_set(
            err, STATUS_FORMAT,
            "%.150s: no model in one file (it has no model.diffusion_model.input_blocks.0.0.weight)", path);
    o.f.layout = status == STATUS_OK ? single_layout(&o.f.file) : SINGLE_V1;
    if (status == STATUS_OK)
        status = read_configs(&o);
    if (status == STATUS_OK)
        status = single_names(&o.f.names, &o.f.config, o.f.layout, arena, err);
    if (status == STATUS_OK)
        status = make_parts(&o);
    if (status == STATUS_OK)
        *out = o.f;
    else
        arena_release(arena, mark);
    return status;
}

/* ---- the model ---- */

static Status load_networks(Model *m, SingleFile *f, unsigned trainable, Arena *arena, Error *err)
{
    Weights *const weights[] = {&m->unet_weights, &m->vae_weights, &m->text_weights};
    static const unsigned BITS[] = {MODEL_UNET, MODEL_VAE, MODEL_TEXT};
    Status status = STATUS_OK;
    for (int i = 0; i < SINGLE_PARTS && status == STATUS_OK; i++) {
        if (!(m->parts & BITS[i]))
            continue;
        weights[i]->survey = (m->parts & MODEL_SURVEY) != 0;
        weights_open_archive(weights[i], arena, &f->part[i]);
        weights[i]->trainable = (trainable & BITS[i]) != 0;
        if (i == SINGLE_UNET)
            unet_load(&m->unet, &m->config.unet, weights[i], "");
        else if (i == SINGLE_VAE)
            vae_load(&m->vae, &m->config.vae, weights[i], "");
        else
            clip_text_load(&m->text, weights[i], &m->config.text);
        status = weights_finish(weights[i], err);
    }
    return status;
}

Status single_model_open(Model *out, const char *path, const char *config_from, unsigned parts,
                         unsigned trainable, Arena *arena, Error *err)
{
    SingleFile *f = arena_alloc(arena, 1, sizeof *f); /* the weights keep looking at its archives */
    if (f == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to open %.150s", path);
    Status status = single_open(f, path, config_from, arena, err);
    if (status != STATUS_OK)
        return status;
    if (f->left_count > 0 && !(parts & MODEL_SURVEY))
        return error_set(err, STATUS_FORMAT,
                         "%.150s: %lu tensors have no place in this model, the first is %.150s", path,
                         (unsigned long)f->left_count, f->left[0]);
    Model m = {.parts = parts, .config = f->config};
    if ((parts & MODEL_TOKENIZER) && f->tokenizer == NULL)
        return error_set(
            err, STATUS_FILE,
            "%.150s: one file holds no tokenizer: name a model folder that has one with --config-from, "
            "or put a folder tokenizer beside it",
            path);
    if (parts & MODEL_TOKENIZER)
        status = tokenizer_open(&m.tokenizer, f->tokenizer, arena, err);
    if (status == STATUS_OK)
        status = load_networks(&m, f, trainable, arena, err);
    if (status == STATUS_OK)
        status = model_check(&m, err);
    if (status == STATUS_OK)
        *out = m;
    return status;
}
