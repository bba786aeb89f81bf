/* cli/command_info.c - what a model folder, a tensor file or a picture holds. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/run_model.h"
#include "cli/tensor_file.h"
#include "io/png.h"
#include "io/sha256.h"

typedef struct {
    Command command;
    bool tensors;
} Info;

static void shape_text(const NamedTensor *t, char text[128])
{
    size_t at = (size_t)snprintf(text, 128, "(");
    for (int i = 0; i < t->rank && at < 100; i++)
        at +=
            (size_t)snprintf(text + at, 128 - at, i > 0 ? ",%llu" : "%llu", (unsigned long long)t->dim[i]);
    snprintf(text + at, 128 - at, ")");
}

/* One line a tensor: name, dtype, shape, least, greatest, mean (binary64, in order). */
static void print_tensor(const NamedTensor *t)
{
    char shape[128];
    double low = 0.0, high = 0.0, sum = 0.0;
    for (size_t i = 0; i < t->count; i++) {
        const double x = t->data[i];
        low = i == 0 || x < low ? x : low;
        high = i == 0 || x > high ? x : high;
        sum += x;
    }
    shape_text(t, shape);
    printf("%-64s %-4s %-20s min %.6g max %.6g mean %.6g\n", t->name, dtype_name(t->dtype), shape, low,
           high, t->count > 0 ? sum / (double)t->count : 0.0);
}

static Status tensor_info(const char *path, Arena *arena, Error *err)
{
    TensorFile file;
    char hash[65];
    Status status = tensor_file_read(&file, path, arena, err);
    if (status == STATUS_OK)
        status = sha256_file(hash, path, err);
    if (status != STATUS_OK)
        return status;
    size_t numbers = 0;
    for (size_t i = 0; i < file.count; i++) {
        print_tensor(&file.tensors[i]);
        numbers += file.tensors[i].count;
    }
    printf("%s: %s, %zu tensors, %zu numbers, sha256 %s\n", path, file.kind, file.count, numbers, hash);
    return STATUS_OK;
}

static Status picture_info(const char *path, Arena *arena, Error *err)
{
    Image image;
    PngText *texts = NULL;
    int count = 0;
    Status status = png_read(&image, path, arena, err);
    if (status == STATUS_OK)
        status = png_read_texts(&texts, &count, path, arena, err);
    if (status != STATUS_OK)
        return status;
    printf("%s: PNG, %dx%d, %d channels\n", path, image.width, image.height, image.channels);
    for (int i = 0; i < count; i++)
        printf("%s: %s\n", texts[i].key, texts[i].text);
    return STATUS_OK;
}

static void print_part(const Info *info, const char *part, const Weights *w)
{
    printf("%-14s %zu tensors, %zu parameters\n", part, w->count, w->numbers);
    for (const Parameter *p = w->first; info->tensors && p != NULL; p = p->next) {
        char shape[64];
        printf("  %-64s %s\n", p->name, tensor_shape_text(p->tensor, shape));
    }
}

static Status model_info(const Info *info, const char *folder, Arena *arena, Error *err)
{
    RunModel run = {.folder = folder};
    const Status status = run_model_open(&run, MODEL_ALL, arena, err);
    if (status != STATUS_OK)
        return status;
    const Model *m = &run.model;
    const SchedulerConfig *s = &m->config.scheduler;
    printf("%s: a text-to-image model in the diffusers layout\n", run.folder);
    print_part(info, "unet", &m->unet_weights);
    print_part(info, "vae", &m->vae_weights);
    print_part(info, "text_encoder", &m->text_weights);
    printf("%-14s %d tokens, prompts of %d\n", "tokenizer", m->tokenizer.vocabulary, m->tokenizer.length);
    printf("%-14s %s, %d timesteps, %s, %s\n", "scheduler", s->class_name, s->num_train_timesteps,
           scheduler_value_name("beta_schedule", s->beta_schedule),
           scheduler_value_name("prediction_type", s->prediction_type));
    printf("%-14s %dx%d, latents %dx%dx%d, scaling factor %g\n", "pictures",
           m->config.unet.sample_width * vae_factor(&m->config.vae),
           m->config.unet.sample_height * vae_factor(&m->config.vae), m->config.vae.latent_channels,
           m->config.unet.sample_height, m->config.unet.sample_width, m->config.vae.scaling_factor);
    return STATUS_OK;
}

static Status run(const Info *info, const char *path, Arena *arena, Error *err)
{
    struct stat about;
    const size_t length = path != NULL ? strlen(path) : 0;
    if (path == NULL || (stat(path, &about) == 0 && S_ISDIR(about.st_mode)))
        return model_info(info, path, arena, err);
    if (length > 4 && strcmp(path + length - 4, ".png") == 0)
        return picture_info(path, arena, err);
    return tensor_info(path, arena, err);
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
        const Status status = run(&info, path, &info.command.arena, &info.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&info.command);
}
