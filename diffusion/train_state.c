#include "diffusion/train_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "io/safetensors.h"

enum { ARRAYS = 5, NAME = WEIGHTS_NAME + 32 };
static const char *const array_names[ARRAYS] = {"weight", "first", "second", "ema", "best"};

/* The numbers of array `a` of parameter k; NULL when the optimiser has no such array. */
static float *array_of(const Trainer *t, size_t k, int a)
{
    switch (a) {
    case 0: return t->parameters[k]->data;
    case 1: return t->optimizer.first != NULL ? t->optimizer.first[k] : NULL;
    case 2: return t->optimizer.second != NULL ? t->optimizer.second[k] : NULL;
    case 3: return t->ema.shadow[k];
    default: return t->stop.patience > 0 ? t->stop.kept.shadow[k] : NULL;
    }
}

/* Calls visit for every array that the trainer has, until one fails. */
typedef Status (*Visit)(void *context, const char *name, const Tensor *shape, float *numbers, Error *err);

static Status for_each_array(const Trainer *t, Visit visit, void *context, Error *err)
{
    size_t k = 0;
    Status status = STATUS_OK;
    for (int i = 0; i < t->weights_count; i++)
        for (const Parameter *p = t->weights[i]->first; p != NULL; p = p->next) {
            if (!p->tensor->wants_grad)
                continue;
            for (int a = 0; a < ARRAYS && status == STATUS_OK; a++) {
                char name[NAME];
                snprintf(name, sizeof name, "%d.%s.%s", i, array_names[a], p->name);
                if (array_of(t, k, a) != NULL)
                    status = visit(context, name, p->tensor, array_of(t, k, a), err);
            }
            k++;
        }
    return status;
}

typedef struct {
    SafetensorsItem *items;
    size_t count;
    Arena *scratch;
} Listing;

static Status list_item(void *context, const char *name, const Tensor *shape, float *numbers, Error *err)
{
    Listing *l = context;
    SafetensorsItem *item = &l->items[l->count++];
    *item = (SafetensorsItem){.dtype = F32, .rank = shape->rank, .f32 = numbers};
    for (int i = 0; i < shape->rank; i++)
        item->dim[i] = (uint64_t)shape->dim[i];
    item->name = arena_text(l->scratch, name, strlen(name));
    return item->name != NULL ? STATUS_OK
                              : error_set(err, STATUS_MEMORY, "no memory for the name %s", name);
}

/* What of the recipe's hash may come from elsewhere than its file, to be named when it is another at a resume. */
enum { SETTINGS = 4, BEST = 3 };
typedef struct {
    const char *name;
    char text[DECIMAL_LONGEST];
} Setting;

static void read_settings(Setting out[SETTINGS], const TrainOptions *o)
{
    static const char *const NAMES[SETTINGS] = {"max_train_steps", "batch_size", "lr", "seed"};
    for (int i = 0; i < SETTINGS; i++)
        out[i].name = NAMES[i];
    snprintf(out[0].text, sizeof out[0].text, "%llu", (unsigned long long)o->max_train_steps);
    snprintf(out[1].text, sizeof out[1].text, "%d", o->batch_size);
    decimal_write(out[2].text, o->lr);
    snprintf(out[3].text, sizeof out[3].text, "%llu", (unsigned long long)o->seed);
}

/* The early stop's, which read_best reads. */
static void read_best_texts(Setting out[BEST], const EarlyStop *stop)
{
    static const char *const NAMES[BEST] = {"best_loss", "best_step", "best_stale"};
    for (int i = 0; i < BEST; i++)
        out[i].name = NAMES[i];
    snprintf(out[0].text, sizeof out[0].text, "inf");
    if (stop->loss < HUGE_VAL)
        decimal_write(out[0].text, stop->loss);
    snprintf(out[1].text, sizeof out[1].text, "%llu", (unsigned long long)stop->step);
    snprintf(out[2].text, sizeof out[2].text, "%llu", (unsigned long long)stop->stale);
}

static Status another_recipe(const TrainOptions *o, const Safetensors *file, Error *err)
{
    Setting now[SETTINGS];
    read_settings(now, o);
    for (int i = 0; i < SETTINGS; i++) {
        const char *saved = safetensors_metadata(file, now[i].name);
        if (saved != NULL && strcmp(saved, now[i].text) != 0)
            return error_set(err, STATUS_FORMAT,
                             "%s: the run was started with %s %.30s, which is now %s: give the same one",
                             file->name, now[i].name, saved, now[i].text);
    }
    return error_set(err, STATUS_FORMAT, "%s: was saved by a run with another recipe or other options",
                     file->name);
}

Status train_state_save(const Trainer *t, const char *recipe_hash, const char *path, Arena *scratch,
                        Error *err)
{
    char step[24];
    const ArenaMark mark = arena_mark(scratch);
    Listing listing = {.items = arena_alloc(scratch, ARRAYS * t->count + 1, sizeof(SafetensorsItem)),
                       .scratch = scratch};
    if (listing.items == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for a list of %zu parameters", path, t->count);
    snprintf(step, sizeof step, "%llu", (unsigned long long)t->step);
    const char *metadata[2 * (2 + SETTINGS + BEST) + 1] = {"step", step, "recipe", recipe_hash};
    Setting s[SETTINGS + BEST];
    read_settings(s, &t->options);
    read_best_texts(s + SETTINGS, &t->stop);
    for (int i = 0; i < SETTINGS + (t->stop.patience > 0 ? BEST : 0); i++) {
        metadata[4 + 2 * i] = s[i].name;
        metadata[5 + 2 * i] = s[i].text;
    }
    Status status = for_each_array(t, list_item, &listing, err);
    if (status == STATUS_OK)
        status = safetensors_write(path, listing.items, listing.count, metadata, scratch, err);
    arena_release(scratch, mark);
    return status;
}

static Status check_item(void *context, const char *name, const Tensor *shape, float *numbers, Error *err)
{
    const Safetensors *file = context;
    const SafetensorsEntry *entry = safetensors_find(file, name);
    (void)numbers;
    if (entry == NULL || entry->dtype != F32 || safetensors_numbers(entry) != tensor_count(shape))
        return error_set(err, STATUS_FORMAT,
                         "%s: has no F32 tensor %s of %zu numbers, so it is not of this model", file->name,
                         name, tensor_count(shape));
    return STATUS_OK;
}

static Status read_item(void *context, const char *name, const Tensor *shape, float *numbers, Error *err)
{
    const Safetensors *file = context;
    (void)shape;
    return safetensors_read_f32(numbers, file, safetensors_find(file, name), err);
}

static bool read_step(uint64_t *out, const char *text)
{
    uint64_t value = 0;
    const char *p = text;
    for (; p != NULL && *p >= '0' && *p <= '9' && value < INT64_MAX / 10 - 9; p++)
        value = value * 10 + (uint64_t)(*p - '0');
    *out = value;
    return p != NULL && p != text && *p == '\0';
}

/* What the early stop knows; false when the file does not tell it. */
static bool read_best(EarlyStop *stop, const Safetensors *file)
{
    const char *loss = safetensors_metadata(file, "best_loss");
    size_t used = 0;
    if (stop->patience == 0)
        return true;
    if (!read_step(&stop->step, safetensors_metadata(file, "best_step")) ||
        !read_step(&stop->stale, safetensors_metadata(file, "best_stale")) || loss == NULL)
        return false;
    stop->loss = HUGE_VAL;
    return strcmp(loss, "inf") == 0 ||
           (decimal_read(&stop->loss, loss, strlen(loss), &used) && loss[used] == '\0');
}

Status train_state_load(Trainer *t, const char *recipe_hash, const char *path, Arena *scratch, Error *err)
{
    Safetensors file;
    uint64_t step = 0;
    const ArenaMark mark = arena_mark(scratch);
    Status status = safetensors_open(&file, path, scratch, err);
    const char *recipe = status == STATUS_OK ? safetensors_metadata(&file, "recipe") : NULL;
    if (status == STATUS_OK && (recipe == NULL || strcmp(recipe, recipe_hash) != 0))
        status = another_recipe(&t->options, &file, err);
    if (status == STATUS_OK && !read_step(&step, safetensors_metadata(&file, "step")))
        status = error_set(err, STATUS_FORMAT, "%s: does not tell its step", path);
    EarlyStop stop = t->stop;
    if (status == STATUS_OK && !read_best(&stop, &file))
        status = error_set(err, STATUS_FORMAT, "%s: does not tell its best held-out loss", path);
    if (status == STATUS_OK)
        status = for_each_array(t, check_item, &file, err);
    if (status == STATUS_OK)
        status = for_each_array(t, read_item, &file, err);
    if (status == STATUS_OK) {
        t->step = t->optimizer.steps = step;
        t->ema.updates = (int64_t)step;
        t->stop = stop;
    }
    arena_release(scratch, mark);
    return status;
}
