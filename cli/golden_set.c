#include "cli/golden_set.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"

static void *failed(GoldenFile *file)
{
    error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
    return NULL;
}

static const char *joined(GoldenFile *file, const char *a, const char *b)
{
    char text[400];
    const int n = snprintf(text, sizeof text, "%s/%s", a, b);
    const char *name = n > 0 && (size_t)n < sizeof text ? arena_text(file->arena, text, (size_t)n) : NULL;
    return name != NULL ? name : failed(file);
}

GoldenCase *golden_case(GoldenFile *file, const char *name)
{
    GoldenCase *c = file->error.status == STATUS_OK ? arena_alloc(file->arena, 1, sizeof *c) : NULL;
    if (c == NULL)
        return failed(file);
    c->name = joined(file, file->name, name);
    c->operation = file->name;
    if (file->last != NULL)
        file->last->next = c;
    else
        file->first = c;
    file->last = c;
    return c->name != NULL ? c : NULL;
}

static GoldenTensor *append(GoldenFile *file, GoldenCase *c, GoldenRole role, const char *name)
{
    if (c == NULL || file->error.status != STATUS_OK)
        return NULL;
    GoldenTensor *t = arena_alloc(file->arena, 1, sizeof *t);
    if (t == NULL)
        return failed(file);
    t->role = role;
    t->name = arena_text(file->arena, name, strlen(name));
    t->tensor = joined(file, c->name, name);
    if (t->name == NULL || t->tensor == NULL)
        return failed(file);
    if (c->last != NULL)
        c->last->next = t;
    else
        c->first = t;
    c->last = t;
    return t;
}

static void shape(GoldenTensor *t, int rank, const int *dim)
{
    t->rank = rank;
    t->count = 1;
    for (int i = 0; i < rank; i++) {
        t->dim[i] = (uint64_t)dim[i];
        t->count *= (size_t)dim[i];
    }
}

static const float *one_nan(GoldenFile *file, const float *data, size_t count)
{
    float *copy = arena_raw(file->arena, count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i] = data[i] == data[i] ? data[i] : bits_float(0x7fc00000u);
    return copy != NULL ? copy : failed(file);
}

static const double *copied(GoldenFile *file, const double *data, size_t count)
{
    double *copy = arena_raw(file->arena, count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i] = data[i] == data[i] ? data[i] : bits_double(0x7ff8000000000000u);
    return copy != NULL ? copy : failed(file);
}

GoldenTensor *golden_given(GoldenFile *file, GoldenCase *c, GoldenRole role, const char *name, DType dtype,
                           int rank, const int *dim, const float *data)
{
    GoldenTensor *t = append(file, c, role, name);
    if (t == NULL)
        return NULL;
    shape(t, rank, dim);
    t->dtype = dtype;
    if (dtype == F32) {
        t->bits = one_nan(file, data, t->count);
        return t;
    }
    int64_t *whole = arena_raw(file->arena, t->count + 1, sizeof *whole);
    for (size_t i = 0; whole != NULL && i < t->count; i++)
        whole[i] = (int64_t)data[i];
    t->bits = whole;
    return whole != NULL ? t : failed(file);
}

GoldenTensor *golden_result(GoldenFile *file, GoldenCase *c, GoldenRole role, const char *name, int rank,
                            const int *dim, const float *data, const double *truth, const double *bound,
                            size_t bounds)
{
    GoldenTensor *t = append(file, c, role, name);
    if (t == NULL)
        return NULL;
    shape(t, rank, dim);
    t->dtype = F32;
    if (file->listing)
        return t;
    t->bits = one_nan(file, data, t->count);
    t->truth = copied(file, truth, t->count);
    t->bound = copied(file, bound, bounds);
    t->bounds = bounds;
    return file->error.status == STATUS_OK ? t : NULL;
}

GoldenTensor *golden_result_raw(GoldenFile *file, GoldenCase *c, const char *name, DType dtype,
                                size_t count, const void *data, const double *truth, const double *bound,
                                size_t bounds)
{
    GoldenTensor *t = append(file, c, GOLDEN_OUTPUT, name);
    if (t == NULL)
        return NULL;
    shape(t, 1, (const int[1]){(int)count});
    t->dtype = dtype;
    t->bits = data;
    t->truth = copied(file, truth, count);
    t->bound = copied(file, bound, bounds);
    t->bounds = bounds;
    return file->error.status == STATUS_OK ? t : NULL;
}

void golden_refused(GoldenFile *file, GoldenCase *c, Status got)
{
    if (c == NULL)
        return;
    c->label = GOLDEN_INVALID;
    if (got == STATUS_MEMORY)
        failed(file);
    else if (got == STATUS_OK)
        error_set(&file->error, STATUS_DIFFERENT, "golden: %s is labelled invalid, but was computed",
                  c->name);
}

void golden_attribute(GoldenCase *c, const char *name, double value)
{
    for (int i = 0; c != NULL && i < GOLDEN_ATTRIBUTES; i++)
        if (c->attribute[i] == NULL) {
            c->attribute[i] = name;
            c->value[i] = value;
            return;
        }
}

const char *golden_role_name(GoldenRole role)
{
    static const char *const names[] = {"inputs", "outputs", "output_gradients", "gradients"};
    return names[role];
}

const char *golden_label_name(GoldenLabel label)
{
    static const char *const names[] = {"valid", "invalid", "either"};
    return names[label];
}

/* Does one of the names of --only, which commas part, begin as `name` does?  or_case: or name a case of that part? */
static bool begins(const char *only, const char *name, bool or_case)
{
    const size_t n = strlen(name);
    for (const char *word = only; word != NULL; word = strchr(word, ',')) {
        word += *word == ',';
        const size_t length = strcspn(word, ",");
        if (strncmp(name, word, length) == 0 ||
            (or_case && length > n && strncmp(name, word, n) == 0 && word[n] == '/'))
            return true;
    }
    return only == NULL;
}

bool golden_wanted(const GoldenOptions *options, const char *name)
{
    return begins(options->only, name, false);
}

bool golden_part_wanted(const GoldenOptions *options, const char *part)
{
    return begins(options->only, part, true);
}
