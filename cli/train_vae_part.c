#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/train_data.h"
#include "diffusion/latent_pool.h"
#include "diffusion/train_vae.h"
#include "io/png.h"
#include "io/sheet.h"
#include "weights/weights_save.h"

enum { SHEET = 16, SCALING_PICTURES = 512 };

typedef struct {
    TrainCommand *command;
    VaeTraining training;
    TrainData data;
    Vae vae;
    Vgg features;
    Weights weights;
} VaePart;

/* Held-out pictures and what the autoencoder makes of them, side by side. */
static Status add_pair(VaePart *v, SheetCell cells[2], int i, Arena *scratch, Error *err)
{
    const VaeTraining *training = &v->training;
    const int size = training->held_out.size;
    const int dim[4] = {1, 3, size, size};
    const size_t numbers = (size_t)3 * (size_t)size * (size_t)size;
    DataSample sample;
    Status status =
        data_sample(&training->held_out, training->seed + 1, (uint64_t)i, &sample, scratch, err);
    float *planes = arena_raw(scratch, numbers, sizeof *planes);
    Image *images = arena_alloc(scratch, 2, sizeof *images);
    if (status == STATUS_OK && (images == NULL || planes == NULL))
        status = error_set(err, STATUS_MEMORY, "no memory for a sample sheet");
    if (status == STATUS_OK)
        status = image_new(&images[1], size, size, 3, scratch, err);
    if (status != STATUS_OK)
        return status;
    Tape tape = {.arena = scratch};
    image_to_planes(planes, &sample.image);
    const Tensor *moments = vae_encode(&tape, &v->vae, tape_input(&tape, planes, 4, dim, false));
    if (moments == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    const int latent[4] = {1, moments->dim[1] / 2, moments->dim[2], moments->dim[3]};
    const Tensor *back = vae_decode(&tape, &v->vae, tape_input(&tape, moments->data, 4, latent, false));
    if (back == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    image_from_planes(&images[1], back->data);
    images[0] = sample.image;
    cells[0] = (SheetCell){&images[0], sample.caption};
    cells[1] = (SheetCell){&images[1], "through the autoencoder"};
    return STATUS_OK;
}

static Status sheet(void *self, const char *path, Arena *scratch, Error *err)
{
    VaePart *v = self;
    SheetCell cells[2 * SHEET];
    Image image;
    const SheetOptions options = {.columns = 8, .zoom = 2};
    Status status = STATUS_OK;
    for (int i = 0; i < SHEET && status == STATUS_OK; i++)
        status = add_pair(v, &cells[2 * i], i, scratch, err);
    if (status == STATUS_OK)
        status = sheet_make(&image, cells, 2 * SHEET, &options, scratch, err);
    return status == STATUS_OK ? png_write(path, &image, NULL, 0, scratch, err) : status;
}

/* scaling_factor: 1 / standard deviation of latents, over pictures that training drew from.  A frozen encoder's
 * is left as the recipe has it, with the latents. */
static Status measure_scaling(VaePart *v, Arena *scratch, Error *err)
{
    LatentPool pool;
    if (!v->vae.encoder.conv_out.weight->wants_grad)
        return STATUS_OK;
    const Status status = latent_pool_fill(&pool, &v->vae, NULL, &v->training.train, v->training.seed + 2,
                                           SCALING_PICTURES, NULL, NULL, scratch, err);
    if (status == STATUS_OK) /* four digits are enough, and read well */
        v->vae.config.scaling_factor =
            (double)(int)(latent_pool_scaling_factor(&pool) * 10000.0 + 0.5) / 10000.0;
    return status;
}

static Status save(void *self, const char *folder, Arena *scratch, Error *err)
{
    VaePart *v = self;
    Bytes config = {.arena = scratch};
    JsonWriter json = {.out = &config};
    Status status = measure_scaling(v, scratch, err);
    vae_config_write(&json, &v->vae.config);
    if (status == STATUS_OK)
        status = write_config(folder, &config, scratch, err);
    const char *path = path_join(scratch, folder, "diffusion_pytorch_model.safetensors");
    if (status == STATUS_OK && path == NULL)
        status = error_set(err, STATUS_MEMORY, "no memory for a file name");
    return status == STATUS_OK ? weights_save(&v->weights, NULL, path, F16, scratch, err) : status;
}

/* The network of the perceptual loss, where the recipe has one. */
static Status open_features(VaePart *v, Error *err)
{
    TrainCommand *t = v->command;
    if (v->training.loss.perceptual == 0.0 && t->features_path != NULL)
        return error_set(err, STATUS_ARGUMENT,
                         "train vae: --features is for a loss with \"perceptual\", which %s has not",
                         t->recipe_path);
    if (v->training.loss.perceptual == 0.0)
        return STATUS_OK;
    Status status = STATUS_OK;
    if (t->features_path == NULL)
        status = shipped_folder(&t->features_path, "features", &t->command.arena, err);
    if (status == STATUS_OK)
        status = add_input(t, t->features_path, "model.safetensors", err);
    if (status == STATUS_OK)
        status = vgg_open(&v->features, t->features_path, &t->command.arena, err);
    v->training.features = &v->features;
    return status;
}

Status train_vae_part(TrainCommand *t, Error *err)
{
    VaePart *v = arena_alloc(&t->command.arena, 1, sizeof *v);
    VaeConfig config;
    if (v == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to train");
    Status status = vae_config_read(&config, t->recipe.model, t->recipe_path, &t->command.arena, err);
    if (status == STATUS_OK)
        status = train_data_open(&v->data, t, false, err);
    if (status == STATUS_OK)
        status = vae_loss_weights_read(&v->training.loss, t->recipe.loss, t->recipe_path, &t->command.arena,
                                       err);
    v->command = t;
    if (status == STATUS_OK)
        status = open_features(v, err);
    if (status != STATUS_OK)
        return status;
    status = begin_weights(&v->weights, t, "diffusion_pytorch_model.safetensors", err);
    if (status != STATUS_OK)
        return status;
    vae_load(&v->vae, &config, &v->weights, "");
    status = weights_finish(&v->weights, err);
    if (status != STATUS_OK)
        return status;
    v->training.scratch.account = &t->command.memory;
    v->training.vae = &v->vae;
    v->training.train = v->data.train;
    v->training.held_out = v->data.held_out;
    v->training.seed = t->recipe.train.seed;
    const TrainTask task = vae_training_task(&v->training);
    Weights *const weights[] = {&v->weights};
    status = run_part(t, &task, weights, 1, save, sheet, v, err);
    arena_free(&v->training.scratch);
    return status;
}
