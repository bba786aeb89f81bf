/* cli/command_info.c - what a model folder, a tensor file or a picture holds. */
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/info_archive.h"
#include "cli/model_files.h"
#include "cli/part_info.h"
#include "cli/run_model.h"
#include "cli/tensor_difference.h"
#include "diffusion/convert_lora.h"
#include "diffusion/single_config.h"
#include "io/png.h"
#include "io/sha256.h"

typedef struct {
    Command command;
    const char *model, *config_from;
    bool tensors, numbers;
} Info;

/* Up to this many bytes the numbers are read, too: for least, greatest and mean, and the hash. */
enum { READ_MOST = 1 << 28 };

/* One line a tensor: name, dtype, shape, least, greatest, mean (binary64, in order). */
static void say_tensor(Result *r, const NamedTensor *t)
{
    char shape[160];
    double low = 0.0, high = 0.0, sum = 0.0;
    for (size_t i = 0; i < t->count; i++) {
        const double x = t->data[i];
        low = i == 0 || x < low ? x : low;
        high = i == 0 || x > high ? x : high;
        sum += x;
    }
    const double mean = t->count > 0 ? sum / (double)t->count : 0.0;
    shape_text(shape, t);
    result_line(r, "%-64s %-4s %-20s min %.6g max %.6g mean %.6g\n", t->name, dtype_name(t->dtype), shape,
                low, high, mean);
    json_begin_object(&r->json, NULL);
    json_write_text(&r->json, "name", t->name);
    json_write_text(&r->json, "dtype", dtype_name(t->dtype));
    json_begin_array(&r->json, "shape");
    for (int i = 0; i < t->rank; i++)
        json_write_uint64(&r->json, NULL, t->dim[i]);
    json_end(&r->json);
    json_write_number(&r->json, "min", low);
    json_write_number(&r->json, "max", high);
    json_write_number(&r->json, "mean", mean);
    json_end(&r->json);
}

static Status tensor_info(Info *info, const char *path, Error *err)
{
    Result *r = &info->command.result;
    TensorFile file;
    char hash[65];
    Status status = tensor_file_read(&file, path, &info->command.arena, err);
    if (status == STATUS_OK)
        status = sha256_file(hash, path, err);
    if (status != STATUS_OK)
        return status;
    size_t numbers = 0;
    json_write_text(&r->json, "kind", file.kind);
    json_begin_array(&r->json, "tensors");
    for (size_t i = 0; i < file.count; i++) {
        say_tensor(r, &file.tensors[i]);
        numbers += file.tensors[i].count;
    }
    json_end(&r->json);
    json_write_uint64(&r->json, "numbers", numbers);
    json_write_text(&r->json, "sha256", hash);
    result_line(r, "%s: %s, %zu tensors, %zu numbers, sha256 %s\n", path, file.kind, file.count, numbers,
                hash);
    return STATUS_OK;
}

static Status picture_info(Info *info, const char *path, Error *err)
{
    Arena *arena = &info->command.arena;
    Result *r = &info->command.result;
    Image image;
    PngText *texts = NULL;
    int count = 0;
    Status status = png_read(&image, path, arena, err);
    if (status == STATUS_OK)
        status = png_read_texts(&texts, &count, path, arena, err);
    if (status != STATUS_OK)
        return status;
    result_line(r, "%s: PNG, %dx%d, %d channels\n", path, image.width, image.height, image.channels);
    json_write_text(&r->json, "kind", "png");
    json_write_int(&r->json, "width", image.width);
    json_write_int(&r->json, "height", image.height);
    json_write_int(&r->json, "channels", image.channels);
    json_begin_array(&r->json, "texts");
    for (int i = 0; i < count; i++) {
        result_line(r, "%s: %s\n", texts[i].key, texts[i].text);
        json_begin_object(&r->json, NULL);
        json_write_text(&r->json, "key", texts[i].key);
        json_write_text(&r->json, "text", texts[i].text);
        json_end(&r->json);
    }
    json_end(&r->json);
    return STATUS_OK;
}

static void say_part(Info *info, const char *part, const Weights *weights, size_t *wrong)
{
    Result *r = &info->command.result;
    result_line(r, "%-14s %zu tensors, %zu parameters\n", part, weights->count, weights->numbers);
    json_begin_object(&r->json, part);
    json_write_uint64(&r->json, "tensors", weights->count);
    json_write_uint64(&r->json, "parameters", weights->numbers);
    if (info->tensors)
        json_begin_object(&r->json, "shapes");
    for (const Parameter *p = weights->first; info->tensors && p != NULL; p = p->next) {
        char shape[64];
        result_line(r, "  %-64s %s\n", p->name, tensor_shape_text(p->tensor, shape));
        json_begin_array(&r->json, p->name);
        for (int i = 0; i < p->tensor->rank; i++)
            json_write_int(&r->json, NULL, p->tensor->dim[i]);
        json_end(&r->json);
    }
    if (info->tensors)
        json_end(&r->json);
    *wrong += info_notes(r, part, weights);
    json_end(&r->json);
}

static void say_settings(Result *r, const Model *m)
{
    const SchedulerConfig *s = &m->config.scheduler;
    const int factor = vae_factor(&m->config.vae), height = m->config.unet.sample_height,
              width = m->config.unet.sample_width, channels = m->config.vae.latent_channels;
    if (m->parts & MODEL_TOKENIZER)
        result_line(r, "%-14s %d tokens, prompts of %d\n", "tokenizer", m->tokenizer.vocabulary,
                    m->tokenizer.length);
    result_line(r, "%-14s %s, %d timesteps, %s, %s\n", "scheduler", s->class_name, s->num_train_timesteps,
                scheduler_value_name("beta_schedule", s->beta_schedule),
                scheduler_value_name("prediction_type", s->prediction_type));
    result_line(r, "%-14s %dx%d, latents %dx%dx%d, scaling factor %g\n", "pictures", width * factor,
                height * factor, channels, height, width, m->config.vae.scaling_factor);
    json_begin_object(&r->json, "tokenizer");
    json_write_int(&r->json, "tokens", m->tokenizer.vocabulary);
    json_write_int(&r->json, "length", m->tokenizer.length);
    json_end(&r->json);
    json_begin_object(&r->json, "scheduler");
    json_write_text(&r->json, "class", s->class_name);
    json_write_int(&r->json, "timesteps", s->num_train_timesteps);
    json_write_text(&r->json, "beta_schedule", scheduler_value_name("beta_schedule", s->beta_schedule));
    json_write_text(&r->json, "prediction_type",
                    scheduler_value_name("prediction_type", s->prediction_type));
    json_end(&r->json);
    json_begin_object(&r->json, "pictures");
    json_write_int(&r->json, "width", width * factor);
    json_write_int(&r->json, "height", height * factor);
    json_write_int(&r->json, "latent_channels", channels);
    json_write_int(&r->json, "latent_width", width);
    json_write_int(&r->json, "latent_height", height);
    json_write_number(&r->json, "scaling_factor", m->config.vae.scaling_factor);
    json_end(&r->json);
}

/* The hashes of the model's files, when they are few bytes or asked for. */
static Status say_hashes(Info *info, const RunModel *run, Error *err)
{
    Result *r = &info->command.result;
    ModelFiles files;
    const Model *m = &run->model;
    const uint64_t numbers = m->unet_weights.numbers + m->vae_weights.numbers + m->text_weights.numbers;
    if (!info->numbers && numbers > READ_MOST / sizeof(float)) {
        result_line(r, "%-14s not computed of a model of this size: --numbers\n", "sha256");
        return STATUS_OK;
    }
    const Status status = model_files_read(&files, run->folder, MODEL_ALL, &info->command.arena, err);
    if (status != STATUS_OK)
        return status;
    json_begin_object(&r->json, "model_sha256");
    for (size_t i = 0; i < files.count; i++) {
        result_line(r, "sha256 %s  %s\n", files.file[i].sha256, files.file[i].name);
        json_write_text(&r->json, files.file[i].name, files.file[i].sha256);
    }
    json_end(&r->json);
    return STATUS_OK;
}

static Status model_info(Info *info, const char *folder, bool single, Error *err)
{
    Result *r = &info->command.result;
    RunModel run = {.folder = folder, .config_from = info->config_from};
    size_t wrong = 0;
    const unsigned parts =
        (single ? (unsigned)MODEL_ALL & ~(unsigned)MODEL_TOKENIZER : MODEL_ALL) | MODEL_SURVEY;
    const Status status = run_model_open(&run, parts, &info->command.arena, err);
    if (status != STATUS_OK)
        return status;
    if (!single) {
        result_line(r, "%s: a text-to-image model in the diffusers layout\n", run.folder);
        json_write_text(&r->json, "kind", "model");
        json_write_text(&r->json, "folder", run.folder);
    }
    say_part(info, "unet", &run.model.unet_weights, &wrong);
    say_part(info, "vae", &run.model.vae_weights, &wrong);
    say_part(info, "text_encoder", &run.model.text_weights, &wrong);
    say_settings(r, &run.model);
    if (wrong > 0)
        return error_set(err, STATUS_FORMAT,
                         "%.200s: %lu tensors are missing, of another shape, or without place", run.folder,
                         (unsigned long)wrong);
    return say_hashes(info, &run, err);
}

static Status lora_info(Info *info, const TensorArchive *file, Error *err)
{
    RunModel run = {.folder = info->model, .config_from = info->config_from};
    Status status = STATUS_OK;
    if (info->model != NULL)
        status = run_model_open(&run, MODEL_UNET | MODEL_TEXT | MODEL_SURVEY, &info->command.arena, err);
    return status == STATUS_OK
               ? info_lora(&info->command.result, file, info->model != NULL ? &run.model : NULL,
                           info->tensors, &info->command.arena, err)
               : status;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A file of named tensors: a model, a LoRA, or neither. */
static Status archive_info(Info *info, const char *path, Error *err)
{
    TensorArchive file;
    uint64_t size = 0;
    Result *r = &info->command.result;
    Status status = archive_open(&file, path, &info->command.arena, err);
    if (status != STATUS_OK)
        return status;
    if (single_is(&file)) {
        status = info_single(r, path, info->config_from, &info->command.arena, err);
        return status == STATUS_OK ? model_info(info, path, true, err) : status;
    }
    if (is_lora(&file))
        return lora_info(info, &file, err);
    if (ends_with(path, ".safetensors") && file_exists(path))
        status = file_size(&size, path, err);
    if (status != STATUS_OK)
        return status;
    if (size > 0 && (size <= READ_MOST || info->numbers))
        return tensor_info(info, path, err);
    info_tensors(r, &file);
    return STATUS_OK;
}

static bool is_archive(const char *path)
{
    static const char *const ENDS[] = {".safetensors", ".ckpt", ".pt",
                                       ".pth",         ".bin",  ".safetensors.index.json"};
    bool is = false;
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++)
        is = is || ends_with(path, ENDS[i]);
    return is;
}

static Status run(Info *info, const char *path, Error *err)
{
    struct stat about;
    if (path != NULL)
        json_write_text(&info->command.result.json, "path", path);
    const bool folder = path != NULL && stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    if (folder && is_part_folder(path, &info->command.arena))
        return part_info(&info->command.result, path, info->tensors, &info->command.arena, err);
    if (path == NULL || folder)
        return model_info(info, path, false, err);
    if (ends_with(path, ".png"))
        return picture_info(info, path, err);
    return is_archive(path) ? archive_info(info, path, err) : tensor_info(info, path, err);
}

int command_info(int argc, char **argv)
{
    Info info = {.tensors = false};
    const Option own[] = {
        {OPTION_FLAG, "tensors", 0, NULL, &info.tensors, 0, 0, NULL,
         "model: also list every parameter; LoRA: every layer that matches"},
        {OPTION_TEXT, "model", 'm', NULL, &info.model, 0, 0, "MODEL",
         "LoRA: the model whose layers it is to fit"},
        {OPTION_TEXT, "config-from", 0, NULL, &info.config_from, 0, 0, "FOLDER",
         "model folder whose configurations belong to a model in one file"},
        {OPTION_FLAG, "numbers", 0, NULL, &info.numbers, 0, 0, NULL,
         "read the numbers of files above 256 MiB, too: their range, mean and hash"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {
        .command = "info",
        .usage = "[FOLDER|FILE]",
        .words_high = 1,
        .about = "What a model (the shipped one when left out), LoRA, tensor file or PNG holds."};
    if (command_begin(&info.command, &about, own, argc, argv)) {
        const char *path = info.command.options.word_count > 0 ? info.command.options.words[0] : NULL;
        const Status status = run(&info, path, &info.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&info.command);
}
