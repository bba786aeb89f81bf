#include "weights/weight_file.h"

#include <stdio.h>
#include <string.h>

#include "io/tensor_archive.h"

typedef struct WeightFile {
    struct WeightFile *next;
    const TensorArchive *archive;
    bool *asked; /* one flag a tensor */
} WeightFile;

static void no_memory(Weights *w, const char *path)
{
    error_set(&w->error, STATUS_MEMORY, "no memory to open %s", path);
}

void weights_open_archive(Weights *w, Arena *arena, const TensorArchive *archive)
{
    w->arena = arena;
    if (w->error.status != STATUS_OK)
        return;
    WeightFile *f = arena_alloc(arena, 1, sizeof *f);
    bool *asked = arena_alloc(arena, archive->count + 1, sizeof *asked);
    if (f == NULL || asked == NULL) {
        no_memory(w, archive->name);
        return;
    }
    *f = (WeightFile){.archive = archive, .asked = asked};
    WeightFile **end = &w->files;
    while (*end != NULL)
        end = &(*end)->next;
    *end = f;
}

void weights_open(Weights *w, Arena *arena, const char *path)
{
    w->arena = arena;
    if (w->error.status != STATUS_OK)
        return;
    TensorArchive *archive = arena_alloc(arena, 1, sizeof *archive);
    if (archive == NULL)
        no_memory(w, path);
    else if (archive_open(archive, path, arena, &w->error) == STATUS_OK)
        weights_open_archive(w, arena, archive);
}

static const ArchiveTensor *find(const Weights *w, const char *name, WeightFile **in)
{
    for (WeightFile *f = w->files; f != NULL; f = f->next) {
        const ArchiveTensor *t = archive_find(f->archive, name);
        if (t != NULL) {
            *in = f;
            return t;
        }
    }
    return NULL;
}

/* Equal once axes of length 1 are left out on both sides. */
static bool shape_fits(const ArchiveTensor *t, const Tensor *x)
{
    int i = 0, j = 0;
    for (;;) {
        while (i < t->rank && t->dim[i] == 1)
            i++;
        while (j < x->rank && x->dim[j] == 1)
            j++;
        if (i == t->rank || j == x->rank)
            return i == t->rank && j == x->rank;
        if (t->dim[i++] != (uint64_t)x->dim[j++])
            return false;
    }
}

static const char *file_shape_text(const ArchiveTensor *t, char text[64])
{
    size_t at = (size_t)snprintf(text, 64, "(");
    for (int i = 0; i < t->rank && at < 40; i++)
        at += (size_t)snprintf(text + at, 64 - at, i > 0 ? ",%llu" : "%llu", (unsigned long long)t->dim[i]);
    snprintf(text + at, 64 - at, ")");
    return text;
}

static Status note(Weights *w, const char *name, const char *text)
{
    WeightNote *n = arena_alloc(w->arena, 1, sizeof *n);
    if (n != NULL) {
        n->name = arena_text(w->arena, name, strlen(name));
        n->text = arena_text(w->arena, text, strlen(text));
    }
    if (n == NULL || n->name == NULL || n->text == NULL)
        return error_set(&w->error, STATUS_MEMORY, "no memory for what is wrong with %s", name);
    if (w->last_note != NULL)
        w->last_note->next = n;
    else
        w->first_note = n;
    w->last_note = n;
    return STATUS_OK;
}

/* What a survey does with a tensor: nothing when it fits. */
static Status survey(Weights *w, const char *name, const Tensor *x, const ArchiveTensor *t)
{
    char text[160], wanted[64], got[64];
    if (t != NULL && shape_fits(t, x))
        return STATUS_OK;
    if (t == NULL)
        snprintf(text, sizeof text, "is missing, expected with shape %s", tensor_shape_text(x, wanted));
    else
        snprintf(text, sizeof text, "has shape %s, expected %s", file_shape_text(t, got),
                 tensor_shape_text(x, wanted));
    return note(w, name, text);
}

Status weight_file_read(Weights *w, const char *name, Tensor *x)
{
    WeightFile *f = NULL;
    char wanted[64], got[64];
    const ArchiveTensor *t = find(w, name, &f);
    if (t != NULL)
        f->asked[t - f->archive->tensors] = true;
    if (w->survey)
        return survey(w, name, x, t);
    if (t == NULL)
        return error_set(&w->error, STATUS_FORMAT, "%s: has no tensor %s, expected with shape %s",
                         w->files != NULL ? w->files->archive->name : "(no file)", name,
                         tensor_shape_text(x, wanted));
    if (!shape_fits(t, x))
        return error_set(&w->error, STATUS_FORMAT, "%s: %s has shape %s, expected %s", t->file, name,
                         file_shape_text(t, got), tensor_shape_text(x, wanted));
    return archive_read_f32(x->data, f->archive, t, 0, (size_t)t->numbers, &w->error);
}

bool weight_file_has(const Weights *w, const char *name)
{
    WeightFile *f = NULL;
    return find(w, name, &f) != NULL;
}

void weight_file_ignore(Weights *w, const char *name)
{
    WeightFile *f = NULL;
    const ArchiveTensor *t = find(w, name, &f);
    if (t != NULL)
        f->asked[t - f->archive->tensors] = true;
}

void weight_file_check_all_asked(Weights *w)
{
    for (const WeightFile *f = w->files; f != NULL; f = f->next) {
        size_t unused = 0;
        const char *first = NULL;
        for (size_t i = 0; i < f->archive->count; i++) {
            if (f->asked[i])
                continue;
            if (unused++ == 0)
                first = f->archive->tensors[i].name;
            if (w->survey &&
                note(w, f->archive->tensors[i].name, "has no place in this model") != STATUS_OK)
                return;
        }
        if (unused > 0 && !w->survey) {
            error_set(&w->error, STATUS_FORMAT,
                      "%s: %zu tensors have no place in this model, the first is %s", f->archive->name,
                      unused, first);
            return;
        }
    }
}
