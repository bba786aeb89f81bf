#include "cli/lora_input.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"

static Status no_memory(Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory for the names of LoRA files");
}

/* True when all of the text is a finite number. */
static bool read_weight(double *out, const char *text, size_t length)
{
    size_t used = 0;
    return decimal_read(out, text, length, &used) && used == length && length > 0 && fabs(*out) < 1e6;
}

static Status add_file(LoraInput *l, const char *path, double weight, Error *err)
{
    if (path == NULL)
        return no_memory(err);
    if (l->count == LORAS_MAX)
        return error_set(err, STATUS_ARGUMENT, "more than %d LoRA files", LORAS_MAX);
    l->path[l->count] = path;
    l->weight[l->count++] = weight;
    return STATUS_OK;
}

/* PATH or PATH:W. */
static Status add_option(LoraInput *l, const char *text, Arena *arena, Error *err)
{
    const char *colon = strrchr(text, ':');
    double weight = 1.0;
    const size_t length = colon != NULL && read_weight(&weight, colon + 1, strlen(colon + 1))
                              ? (size_t)(colon - text)
                              : strlen(text);
    if (length == 0)
        return error_set(err, STATUS_ARGUMENT, "--lora \"%.100s\": expected PATH or PATH:WEIGHT", text);
    return add_file(l, arena_text(arena, text, length), weight, err);
}

/* folder/name with the first ending that is there. */
static Status find_file(const char **out, const LoraInput *l, const char *name, int length, Arena *arena,
                        Error *err)
{
    static const char *const ENDS[] = {".safetensors", ".ckpt", ".pt"};
    if (l->folder == NULL)
        return error_set(err, STATUS_ARGUMENT,
                         "the prompt asks for the LoRA %.*s: where its file is, --lora-dir says",
                         length < 80 ? length : 80, name);
    if (length > 200 || memchr(name, '/', (size_t)length) != NULL)
        return error_set(err, STATUS_ARGUMENT, "<lora:%.60s...: expected the name of a file in --lora-dir",
                         name);
    for (int i = 0; i < 3; i++) {
        char file[260];
        snprintf(file, sizeof file, "%.*s%s", length, name, ENDS[i]);
        *out = path_join(arena, l->folder, file);
        if (*out == NULL)
            return no_memory(err);
        if (file_exists(*out))
            return STATUS_OK;
    }
    return error_set(err, STATUS_FILE, "%.150s: no LoRA named %.*s there", l->folder, length, name);
}

/* The tag that begins at `tag` and ends before `end`: NAME or NAME:W behind "<lora:". */
static Status add_tag(LoraInput *l, const char *tag, const char *end, Arena *arena, Error *err)
{
    const char *name = tag + strlen("<lora:"), *colon = memchr(name, ':', (size_t)(end - name)),
               *path = NULL;
    double weight = 1.0;
    const int length = (int)((colon != NULL ? colon : end) - name);
    if (length == 0 || (colon != NULL && !read_weight(&weight, colon + 1, (size_t)(end - colon - 1))))
        return error_set(err, STATUS_ARGUMENT, "%.*s>: expected <lora:NAME:WEIGHT>",
                         (int)(end - tag < 80 ? end - tag : 80), tag);
    const Status status = find_file(&path, l, name, length, arena, err);
    return status == STATUS_OK ? add_file(l, path, weight, err) : status;
}

Status lora_input_read(LoraInput *l, const char *prompt, Arena *arena, Error *err)
{
    Status status = STATUS_OK;
    l->count = 0;
    for (int i = 0; i < l->files.count && status == STATUS_OK; i++)
        status = add_option(l, l->files.text[i], arena, err);
    char *kept = arena_text(arena, prompt, strlen(prompt));
    if (kept == NULL)
        return no_memory(err);
    l->prompt = kept;
    for (const char *from = prompt; status == STATUS_OK;) {
        const char *tag = strstr(from, "<lora:"), *end = tag != NULL ? strchr(tag, '>') : NULL;
        const size_t n = end != NULL ? (size_t)(tag - from) : strlen(from);
        memmove(kept, from, n);
        kept += n;
        *kept = '\0';
        if (end == NULL)
            break;
        status = add_tag(l, tag, end, arena, err);
        from = end + 1;
    }
    return status;
}

Status lora_input_apply(const UnetHooks **unet, LoraInput *l, Model *m, Arena *arena, Error *err)
{
    Status status = STATUS_OK;
    for (int i = 0; i < l->count && status == STATUS_OK; i++) {
        status = lora_open(&l->lora[i], l->path[i], l->weight[i], &m->unet_weights, &m->text_weights, arena,
                           err);
        if (status == STATUS_OK && l->merge)
            status = lora_merge(&l->lora[i], arena, err);
    }
    *unet = NULL;
    if (status != STATUS_OK || l->merge || l->count == 0)
        return status;
    l->set = (LoraSet){l->lora, l->count};
    l->hooks = (UnetHooks){.layer = lora_layer, .layer_context = &l->set};
    clip_text_hook(&m->text, &l->hooks);
    *unet = &l->hooks;
    return STATUS_OK;
}
