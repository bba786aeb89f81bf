#include "cli/info_archive.h"

#include <stdio.h>
#include <string.h>

#include "diffusion/convert_lora.h"
#include "diffusion/lora.h"
#include "diffusion/single_file.h"

static void say_names(Result *r, const char *key, const char *what, const char *const *names, size_t count)
{
    json_begin_array(&r->json, key);
    for (size_t i = 0; i < count; i++) {
        result_line(r, "%s %s\n", what, names[i]);
        json_write_text(&r->json, NULL, names[i]);
    }
    json_end(&r->json);
}

void info_tensors(Result *r, const TensorArchive *file)
{
    uint64_t numbers = 0;
    json_write_text(&r->json, "kind", file->kind == ARCHIVE_TORCH ? "torch" : "safetensors");
    json_begin_array(&r->json, "tensors");
    for (size_t i = 0; i < file->count; i++) {
        const ArchiveTensor *t = &file->tensors[i];
        char shape[200] = "";
        size_t n = 0;
        json_begin_object(&r->json, NULL);
        json_write_text(&r->json, "name", t->name);
        json_write_text(&r->json, "dtype", dtype_name(t->dtype));
        json_begin_array(&r->json, "shape");
        for (int k = 0; k < t->rank; k++) {
            n += (size_t)snprintf(shape + n, sizeof shape - n, k > 0 ? ",%llu" : "%llu",
                                  (unsigned long long)t->dim[k]);
            json_write_uint64(&r->json, NULL, t->dim[k]);
        }
        json_end(&r->json);
        json_end(&r->json);
        result_line(r, "%-64s %-4s (%s)\n", t->name, dtype_name(t->dtype), shape);
        numbers += t->numbers;
    }
    json_end(&r->json);
    json_write_uint64(&r->json, "numbers", numbers);
    result_line(r, "%s: %s, %zu tensors, %llu numbers\n", file->name,
                file->kind == ARCHIVE_TORCH ? "torch" : "safetensors", file->count,
                (unsigned long long)numbers);
}

size_t info_notes(Result *r, const char *part, const Weights *weights)
{
    size_t count = 0;
    json_begin_array(&r->json, "unmatched");
    for (const WeightNote *n = weights->first_note; n != NULL; n = n->next, count++) {
        result_line(r, "unmatched      %s: %s %s\n", part, n->name, n->text);
        json_begin_object(&r->json, NULL);
        json_write_text(&r->json, "name", n->name);
        json_write_text(&r->json, "problem", n->text);
        json_end(&r->json);
    }
    json_end(&r->json);
    return count;
}

Status info_single(Result *r, const char *path, const char *config_from, Arena *arena, Error *err)
{
    SingleFile f;
    const Status status = single_open(&f, path, config_from, arena, err);
    if (status != STATUS_OK)
        return status;
    const bool v2 = f.layout == SINGLE_V2;
    const bool v = f.config.scheduler.prediction_type == PREDICT_V;
    const char *from = config_from != NULL ? "files" : f.given != 0 ? "metadata" : "shapes";
    json_write_text(&r->json, "kind", "single-file model");
    json_write_text(&r->json, "layout", v2 ? "v2" : "v1");
    json_write_text(&r->json, "configuration_from", from);
    json_write_uint64(&r->json, "tensors", f.file.count);
    json_write_uint64(&r->json, "passed_over", f.passed_over);
    result_line(r, "%s: a model in one file, layout %s, %zu tensors, configuration from its %s\n", path,
                v2 ? "v2 (Stable Diffusion 2)" : "v1 (Stable Diffusion 1)", f.file.count, from);
    result_line(r, "%-14s %zu tensors that no picture needs\n", "passed over", f.passed_over);
    if (v2 && !v && !(f.given & MODEL_SCHEDULER) &&
        archive_metadata(&f.file, "modelspec.prediction_type") == NULL)
        result_line(
            r,
            "%-14s taken as epsilon; a file for 768 pixels needs --prediction v_prediction or its .yaml\n",
            "prediction");
    if (f.tokenizer == NULL)
        result_line(r, "%-14s none: --config-from or a folder tokenizer beside the file gives one\n",
                    "tokenizer");
    say_names(r, "without_place", "without place ", f.left, f.left_count);
    return STATUS_OK;
}

static void say_layers(Result *r, const Lora *lora, bool list)
{
    json_begin_array(&r->json, "matched");
    for (size_t i = 0; i < lora->count; i++) {
        const LoraLayer *l = &lora->layers[i];
        if (list)
            result_line(r, "matched        %s%s, rank %d, alpha %g\n", l->text ? "text_encoder." : "unet.",
                        l->module, l->rank, l->alpha);
        json_begin_object(&r->json, NULL);
        json_write_text(&r->json, "part", l->text ? "text_encoder" : "unet");
        json_write_text(&r->json, "layer", l->module);
        json_write_int(&r->json, "rank", l->rank);
        json_write_number(&r->json, "alpha", l->alpha);
        json_end(&r->json);
    }
    json_end(&r->json);
}

Status info_lora(Result *r, const TensorArchive *file, const Model *m, bool list, Arena *arena, Error *err)
{
    Lora lora = {.count = 0};
    LoraName name = {.naming = LORA_KOHYA};
    size_t pairs = 0;
    for (size_t i = 0; i < file->count; i++)
        if (lora_name_read(&name, file->tensors[i].name) && name.role == LORA_DOWN)
            pairs++;
    json_write_text(&r->json, "kind", "lora");
    json_write_text(&r->json, "naming", lora_naming_name(name.naming));
    json_write_uint64(&r->json, "tensors", file->count);
    json_write_uint64(&r->json, "layers", pairs);
    result_line(r, "%s: a LoRA in the naming of %s, %zu tensors for %zu layers\n", file->name,
                lora_naming_name(name.naming), file->count, pairs);
    if (m == NULL) {
        result_line(r, "which of them match a model, -m MODEL tells\n");
        return STATUS_OK;
    }
    const Status status = lora_open(&lora, file->name, 1.0, &m->unet_weights, &m->text_weights, arena, err);
    if (status != STATUS_OK)
        return status;
    say_layers(r, &lora, list);
    result_line(r, "%-14s %zu layers\n", "matched", lora.count);
    say_names(r, "unmatched", "unmatched     ", lora.unmatched, lora.unmatched_count);
    return STATUS_OK;
}
