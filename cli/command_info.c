/* cli/command_info.c - what a model folder, a tensor file or a picture holds. */
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/model_files.h"
#include "cli/run_model.h"
#include "cli/tensor_difference.h"
#include "io/png.h"
#include "io/sha256.h"

typedef struct {
    Command command;
    bool tensors;
} Info;

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

static void say_part(Info *info, const char *part, const Weights *weights)
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
    json_end(&r->json);
}

static void say_settings(Result *r, const Model *m)
{
    const SchedulerConfig *s = &m->config.scheduler;
    const int factor = vae_factor(&m->config.vae), height = m->config.unet.sample_height,
              width = m->config.unet.sample_width, channels = m->config.vae.latent_channels;
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

static Status model_info(Info *info, const char *folder, Error *err)
{
    Arena *arena = &info->command.arena;
    Result *r = &info->command.result;
    RunModel run = {.folder = folder};
    ModelFiles files;
    Status status = run_model_open(&run, MODEL_ALL, arena, err);
    if (status == STATUS_OK)
        status = model_files_read(&files, run.folder, MODEL_ALL, arena, err);
    if (status != STATUS_OK)
        return status;
    result_line(r, "%s: a text-to-image model in the diffusers layout\n", run.folder);
    json_write_text(&r->json, "kind", "model");
    json_write_text(&r->json, "folder", run.folder);
    say_part(info, "unet", &run.model.unet_weights);
    say_part(info, "vae", &run.model.vae_weights);
    say_part(info, "text_encoder", &run.model.text_weights);
    say_settings(r, &run.model);
    json_begin_object(&r->json, "model_sha256");
    for (size_t i = 0; i < files.count; i++) {
        result_line(r, "sha256 %s  %s\n", files.file[i].sha256, files.file[i].name);
        json_write_text(&r->json, files.file[i].name, files.file[i].sha256);
    }
    json_end(&r->json);
    return STATUS_OK;
}

static Status run(Info *info, const char *path, Error *err)
{
    struct stat about;
    const size_t length = path != NULL ? strlen(path) : 0;
    if (path != NULL)
        json_write_text(&info->command.result.json, "path", path);
    if (path == NULL || (stat(path, &about) == 0 && S_ISDIR(about.st_mode)))
        return model_info(info, path, err);
    if (length > 4 && strcmp(path + length - 4, ".png") == 0)
        return picture_info(info, path, err);
    return tensor_info(info, path, err);
}

int command_info(int argc, char **argv)
{
    Info info = {.tensors = false};
    const Option own[] = {
        {OPTION_FLAG, "tensors", 0, NULL, &info.tensors, 0, 0, NULL, "model: also list every parameter"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {
        .command = "info",
        .usage = "[FOLDER|FILE]",
        .words_high = 1,
        .about = "What a model folder (the shipped one when left out), tensor file or PNG holds."};
    if (command_begin(&info.command, &about, own, argc, argv)) {
        const char *path = info.command.options.word_count > 0 ? info.command.options.words[0] : NULL;
        const Status status = run(&info, path, &info.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&info.command);
}
