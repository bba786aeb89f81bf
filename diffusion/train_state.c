#include "diffusion/train_state.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "io/safetensors.h"

enum { ARRAYS = 4, NAME = WEIGHTS_NAME + 32 };
static const char *const array_names[ARRAYS] = {"weight", "first", "second", "ema"};

/* The numbers of array `a` of parameter k; NULL when the optimiser has no such array. */
static float *array_of(const Trainer *t, size_t k, int a)
{
    switch (a) {
    case 0: return t->parameters[k]->data;
    case 1: return t->optimizer.first != NULL ? t->optimizer.first[k] : NULL;
    case 2: return t->optimizer.second != NULL ? t->optimizer.second[k] : NULL;
    default: return t->ema.shadow[k];
    }
}

/* Calls visit for every array that the trainer has, until one fails. */
typedef Status (*Visit)(void *context, const char *name, const Tensor *shape, float *numbers, Error *err);

static Status for_each_array(const Trainer *t, Visit visit, void *context, Error *err)
{
    size_t k = 0;
    Status status = STATUS_OK;
    for (int i = 0; i < t->weights_count; i++)
        for (const Parameter *p = t->weights[i]->first; p != NULL; p = p->next, k++)
            for (int a = 0; a < ARRAYS && status == STATUS_OK; a++) {
                char name[NAME];
                snprintf(name, sizeof name, "%d.%s.%s", i, array_names[a], p->name);
                if (array_of(t, k, a) != NULL)
                    status = visit(context, name, p->tensor, array_of(t, k, a), err);
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
enum { SETTINGS = 4 };
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
    Setting s[SETTINGS];
    read_settings(s, &t->options);
    const char *const metadata[] = {"step",    step,      "recipe",  recipe_hash, s[0].name,
                                    s[0].text, s[1].name, s[1].text, s[2].name,   s[2].text,
                                    s[3].name, s[3].text, NULL};
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
    if (status == STATUS_OK)
        status = for_each_array(t, check_item, &file, err);
    if (status == STATUS_OK)
        status = for_each_array(t, read_item, &file, err);
    if (status == STATUS_OK) {
        t->step = t->optimizer.steps = step;
        t->ema.updates = (int64_t)step;
    }
    arena_release(scratch, mark);
    return status;
}
