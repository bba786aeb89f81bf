#include "cli/part_info.h"

#include <string.h>

#include "base/file.h"
#include "diffusion/part_class.h"

static bool has(const char *folder, const char *name, Arena *arena)
{
    const char *path = path_join(arena, folder, name);
    return path != NULL && file_exists(path);
}

bool is_part_folder(const char *folder, Arena *arena)
{
    return has(folder, "config.json", arena) && !has(folder, "model_index.json", arena);
}

/* The file of weights, by the names of diffusers and transformers; NULL, and an error, when there is none. */
static const char *find_weights(const char *folder, Arena *arena, Error *err)
{
    static const char *const NAMES[] = {"diffusion_pytorch_model.safetensors",
                                        "diffusion_pytorch_model.fp16.safetensors",
                                        "model.safetensors",
                                        "model.fp16.safetensors",
                                        "diffusion_pytorch_model.bin",
                                        "pytorch_model.bin"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        Bytes index = {.arena = arena};
        bytes_add_text(&index, NAMES[i]);
        bytes_add_text(&index, ".index.json");
        bytes_add_byte(&index, 0);
        if (has(folder, NAMES[i], arena) || (!index.failed && has(folder, (const char *)index.data, arena)))
            return path_join(arena, folder, NAMES[i]);
    }
    error_set(err, STATUS_FILE, "%s: has a config.json and no file of weights (%s ...)", folder, NAMES[0]);
    return NULL;
}

static void say_parameters(Result *r, const Weights *w)
{
    json_begin_object(&r->json, "shapes");
    for (const Parameter *p = w->first; p != NULL; p = p->next) {
        char shape[64];
        result_line(r, "  %-64s %s\n", p->name, tensor_shape_text(p->tensor, shape));
        json_begin_array(&r->json, p->name);
        for (int i = 0; i < p->tensor->rank; i++)
            json_write_int(&r->json, NULL, p->tensor->dim[i]);
        json_end(&r->json);
    }
    json_end(&r->json);
}

/* Tensors that do not fit; how many. */
static size_t say_notes(Result *r, const Weights *w)
{
    size_t count = 0;
    json_begin_array(&r->json, "unmatched");
    for (const WeightNote *n = w->first_note; n != NULL; n = n->next, count++) {
        result_line(r, "  %s %s\n", n->name, n->text);
        json_begin_object(&r->json, NULL);
        json_write_text(&r->json, "name", n->name);
        json_write_text(&r->json, "problem", n->text);
        json_end(&r->json);
    }
    json_end(&r->json);
    return count;
}

static Status say_part(Result *r, const char *folder, const Json *config, const char *name, bool tensors,
                       Arena *arena, Error *err)
{
    const PartClass *part = part_class_of(config);
    const char *named = part_class_name(config), *weights = find_weights(folder, arena, err);
    Weights w = {.survey = true};
    Bytes about = {.arena = arena};
    if (part == NULL)
        return error_set(err, STATUS_FORMAT, "%s: %s%.80s%s", name,
                         named != NULL ? "the class \"" : "names no class (_class_name, architectures)",
                         named != NULL ? named : "", named != NULL ? "\" is not known" : "");
    if (weights == NULL)
        return STATUS_FILE;
    weights_open(&w, arena, weights);
    Status status = part->ask(&w, &about, config, name, arena, err);
    bytes_add_byte(&about, 0);
    if (status == STATUS_OK)
        status = weights_finish(&w, err);
    if (status == STATUS_OK && about.failed)
        status = error_set(err, STATUS_MEMORY, "no memory to describe %s", folder);
    if (status != STATUS_OK)
        return status;
    result_line(r, "%s: %s, %s\n", folder, part->class_name, (const char *)about.data);
    result_line(r, "%zu tensors, %zu parameters\n", w.count, w.numbers);
    json_write_text(&r->json, "kind", "part");
    json_write_text(&r->json, "class", part->class_name);
    json_write_text(&r->json, "about", (const char *)about.data);
    json_write_uint64(&r->json, "tensors", w.count);
    json_write_uint64(&r->json, "parameters", w.numbers);
    if (tensors)
        say_parameters(r, &w);
    const size_t unmatched = say_notes(r, &w);
    return unmatched == 0 ? STATUS_OK
                          : error_set(err, STATUS_FORMAT, "%s: %zu tensors do not match a %s of this shape",
                                      weights, unmatched, part->class_name);
}

Status part_info(Result *r, const char *folder, bool tensors, Arena *arena, Error *err)
{
    const Json *config = NULL;
    const char *path = path_join(arena, folder, "config.json");
    if (path == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to open %s", folder);
    const Status status = json_read(&config, path, arena, err);
    return status == STATUS_OK ? say_part(r, folder, config, path, tensors, arena, err) : status;
}
