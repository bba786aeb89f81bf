#include <math.h>
#include <string.h>

#include "base/file.h"
#include "diffusion/lora.h"
#include "io/json.h"

typedef struct {
    TensorArchive archive;
    const Weights *networks[2]; /* U-Net, text encoder */
    Lora lora;
    const ArchiveTensor **down, **up; /* of each layer, as they are found */
    double file_alpha;                /* of PEFT's adapter_config.json; 0: there is none */
    Arena *arena;
    Error *err;
} Opening;

static Status no_memory(const Opening *o)
{
    return error_set(o->err, STATUS_MEMORY, "%.150s: no memory for its layers", o->lora.path);
}

/* The parameter whose layer that is; *module gets its dotted name. */
static Tensor *find_weight(const Opening *o, const char **module, const LoraName *name)
{
    const Weights *w = o->networks[name->text ? 1 : 0];
    char text[WEIGHTS_NAME];
    for (const Parameter *p = w != NULL ? w->first : NULL; p != NULL; p = p->next) {
        const size_t length = strlen(p->name), end = strlen(".weight");
        if (length <= end || length >= WEIGHTS_NAME || strcmp(p->name + length - end, ".weight") != 0)
            continue;
        memcpy(text, p->name, length - end);
        text[length - end] = '\0';
        if (!lora_name_is(name, text))
            continue;
        *module = arena_text(o->arena, text, length - end);
        return p->tensor;
    }
    return NULL;
}

/* The layer with that weight, made when the file has not named it before. */
static size_t layer_of(Opening *o, Tensor *weight, const char *module, bool text)
{
    size_t i = 0;
    while (i < o->lora.count && o->lora.layers[i].weight != weight)
        i++;
    if (i == o->lora.count) {
        o->lora.layers[i] = (LoraLayer){.module = module, .text = text, .weight = weight};
        o->lora.count++;
    }
    return i;
}

static Status read_alpha(const Opening *o, LoraLayer *l, const ArchiveTensor *t)
{
    float alpha = 0.0f;
    const Status status =
        t->numbers == 1 ? archive_read_f32(&alpha, &o->archive, t, 0, 1, o->err) : STATUS_OK;
    if (status == STATUS_OK && (t->numbers != 1 || !(fabs((double)alpha) < 1e30)))
        return error_set(o->err, STATUS_FORMAT, "%.150s: %.200s is no finite number", o->lora.path,
                         t->name);
    l->alpha = (double)alpha;
    l->has_alpha = true;
    return status;
}

/* Notes what one tensor of the file is. */
static Status sort_in(Opening *o, const ArchiveTensor *t)
{
    LoraName name;
    const char *module = NULL;
    if (!lora_name_read(&name, t->name))
        return error_set(o->err, STATUS_FORMAT,
                         "%.150s: the tensor %.200s is none of a LoRA's up, down and alpha", o->lora.path,
                         t->name);
    if (name.role != LORA_ALPHA) /* which diffusers and PEFT name alike */
        o->lora.naming = name.naming;
    Tensor *weight = find_weight(o, &module, &name);
    if (weight == NULL) {
        o->lora.unmatched[o->lora.unmatched_count++] = t->name;
        return STATUS_OK;
    }
    if (module == NULL)
        return no_memory(o);
    const size_t i = layer_of(o, weight, module, name.text);
    if (name.role == LORA_ALPHA)
        return read_alpha(o, &o->lora.layers[i], t);
    const ArchiveTensor **place = name.role == LORA_DOWN ? &o->down[i] : &o->up[i];
    if (*place != NULL)
        return error_set(o->err, STATUS_FORMAT, "%.100s: %.120s and %.120s are the same", o->lora.path,
                         (*place)->name, t->name);
    *place = t;
    return STATUS_OK;
}

/* The tensor as one of that shape, axes of length 1 aside; NULL, with an error, when it is of another. */
static Tensor *read_matrix(const Opening *o, const ArchiveTensor *t, int rank, const int *dim)
{
    Tensor *x = arena_alloc(o->arena, 1, sizeof *x);
    size_t numbers = 1;
    bool fits = t->rank <= 4 && t->rank >= 2;
    for (int i = 0; i < 4; i++) {
        const int size = i < rank ? dim[i] : 1;
        fits = fits && (i < t->rank ? t->dim[i] : 1) == (uint64_t)size;
        numbers *= (size_t)size;
    }
    if (!fits) {
        error_set(o->err, STATUS_FORMAT, "%.150s: %.200s does not have the shape that its layer needs",
                  o->lora.path, t->name);
        return NULL;
    }
    if (x != NULL)
        x->data = arena_raw(o->arena, numbers, sizeof *x->data);
    if (x == NULL || x->data == NULL) {
        (void)no_memory(o);
        return NULL;
    }
    x->rank = rank;
    for (int i = 0; i < TENSOR_RANK; i++)
        x->dim[i] = i < rank ? dim[i] : 1;
    return archive_read_f32(x->data, &o->archive, t, 0, numbers, o->err) == STATUS_OK ? x : NULL;
}

/* Whether the layer asks the hooks: tables of embeddings and the projections behind the networks do not. */
static bool is_hooked(const char *module)
{
    static const char *const OTHERS[] = {"token_embedding", "position_embedding", "text_projection",
                                         "cond_proj"};
    for (int i = 0; i < 4; i++)
        if (strstr(module, OTHERS[i]) != NULL)
            return false;
    return true;
}

/* Both matrices of a layer whose tensors are known. */
static Status read_layer(const Opening *o, size_t i)
{
    LoraLayer *l = &o->lora.layers[i];
    const ArchiveTensor *down = o->down[i], *up = o->up[i];
    const Tensor *w = l->weight;
    if (down == NULL || up == NULL)
        return error_set(o->err, STATUS_FORMAT, "%.150s: %.200s has no %s matrix", o->lora.path, l->module,
                         down == NULL ? "down" : "up");
    if (!is_hooked(l->module) || (w->rank != 2 && w->rank != 4) || down->rank < 2 || down->dim[0] < 1 ||
        down->dim[0] > 65536)
        return error_set(o->err, STATUS_FORMAT, "%.150s: %.200s is no layer for a LoRA of rank %llu",
                         o->lora.path, l->module, (unsigned long long)(down->rank > 0 ? down->dim[0] : 0));
    l->rank = (int)down->dim[0];
    int before[4] = {l->rank, w->dim[1], w->dim[2], w->dim[3]}, after[4] = {w->dim[0], l->rank, 1, 1};
    l->down = read_matrix(o, down, w->rank, before);
    l->up = l->down != NULL ? read_matrix(o, up, w->rank, after) : NULL;
    if (l->up == NULL)
        return o->err != NULL ? o->err->status : STATUS_FORMAT;
    if (!l->has_alpha)
        l->alpha = o->file_alpha != 0.0 ? o->file_alpha : (double)l->rank;
    l->scale = (float)(o->lora.weight * l->alpha / (double)l->rank);
    return STATUS_OK;
}

/* PEFT's save_pretrained writes alpha into adapter_config.json beside adapter_model.safetensors. */
static Status read_adapter_config(Opening *o)
{
    const char *slash = strrchr(o->lora.path, '/');
    const char *name = slash != NULL ? slash + 1 : o->lora.path;
    const char *folder =
        slash != NULL ? arena_text(o->arena, o->lora.path, (size_t)(slash - o->lora.path)) : ".";
    const Json *json = NULL;
    if (strcmp(name, "adapter_model.safetensors") != 0)
        return STATUS_OK;
    const char *path = folder != NULL ? path_join(o->arena, folder, "adapter_config.json") : NULL;
    if (path == NULL)
        return no_memory(o);
    const Status status = json_read(&json, path, o->arena, o->err);
    if (status != STATUS_OK)
        return status;
    static const char *const OTHERS[] = {"use_dora", "use_rslora"};
    for (int i = 0; i < 2; i++)
        if (json_bool(json_get(json, OTHERS[i]), false))
            return error_set(o->err, STATUS_FORMAT, "%.150s: %s is not supported", path, OTHERS[i]);
    if (json_count(json_get(json, "rank_pattern")) > 0 || json_count(json_get(json, "alpha_pattern")) > 0)
        return error_set(o->err, STATUS_FORMAT, "%.150s: rank_pattern and alpha_pattern are not supported",
                         path);
    o->file_alpha = json_number(json_get(json, "lora_alpha"), 0.0);
    if (!(fabs(o->file_alpha) < 1e30))
        return error_set(o->err, STATUS_FORMAT, "%.150s: lora_alpha is no finite number", path);
    return STATUS_OK;
}

static Status read_all(Opening *o)
{
    const size_t n = o->archive.count + 1;
    Status status = read_adapter_config(o);
    o->lora.layers = arena_alloc(o->arena, n, sizeof *o->lora.layers);
    o->lora.unmatched = arena_alloc(o->arena, n, sizeof *o->lora.unmatched);
    o->down = arena_alloc(o->arena, n, sizeof *o->down);
    o->up = arena_alloc(o->arena, n, sizeof *o->up);
    if (o->lora.layers == NULL || o->lora.unmatched == NULL || o->down == NULL || o->up == NULL)
        return no_memory(o);
    for (size_t i = 0; i < o->archive.count && status == STATUS_OK; i++)
        status = sort_in(o, &o->archive.tensors[i]);
    if (status == STATUS_OK && o->lora.count == 0)
        status = error_set(
            o->err, STATUS_FORMAT, "%.150s: none of its %lu tensors fits a layer of the model%s%.100s",
            o->lora.path, (unsigned long)o->archive.count, o->archive.count > 0 ? ", the first is " : "",
            o->archive.count > 0 ? o->archive.tensors[0].name : "");
    for (size_t i = 0; i < o->lora.count && status == STATUS_OK; i++)
        status = read_layer(o, i);
    return status;
}

Status lora_open(Lora *out, const char *path, double weight, const Weights *unet, const Weights *text,
                 Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    Error own = {0};
    Opening o = {.networks = {unet, text}, .arena = arena, .err = err != NULL ? err : &own};
    o.lora = (Lora){.path = arena_text(arena, path, strlen(path)), .weight = weight};
    if (o.lora.path == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory to open it", path);
    Status status = archive_open(&o.archive, path, arena, o.err);
    if (status == STATUS_OK)
        status = read_all(&o);
    if (status == STATUS_OK)
        *out = o.lora;
    else
        arena_release(arena, mark);
    return status;
}
