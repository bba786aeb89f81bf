/* Whole pipelines in which every allocation fails once: one sentence, nothing kept, no file, and the right bits from
 * the run after it. */
#include "base/threads.h"
#include "diffusion/latent_pool.h"
#include "diffusion/picture_data.h"
#include "diffusion/pipeline_txt2img.h"
#include "diffusion/train_segmenter.h"
#include "diffusion/train_state.h"
#include "diffusion/train_unet.h"
#include "diffusion/train_vae.h"
#include "diffusion/vae_latent.h"
#include "diffusion/world_data.h"
#include "diffusion/world_export.h"
#include "io/npz.h"
#include "io/png.h"
#include "io/safetensors.h"
#include "tests/failures.h"
#include "tests/tiny_model.h"
#include "tests/tiny_world.h"
#include "weights/weights_save.h"

/* Made once, outside of the runs: a model's folder, a world, and two trainings' states after one step. */
static char made_folder[SCRATCH_PATH], model_folder[SCRATCH_PATH], state_of_vae[SCRATCH_PATH],
    state_of_unet[SCRATCH_PATH], pictures_folder[SCRATCH_PATH];
static TinyWorld tiny;

static const char *in_folder(Flow *f, const char *name, Error *err)
{
    const char *path = path_join(&f->scratch, f->folder, name);
    if (path == NULL)
        error_set(err, STATUS_MEMORY, "no memory for a file name");
    return path;
}

static void add_bits(Flow *f, const float *x, size_t count)
{
    hash_numbers(&f->bits, x, count);
}

static WorldOptions small_pictures(void)
{
    WorldOptions o = WORLD_DEFAULTS;
    o.size = 32;
    return o;
}

/* ---- sampling ---- */

static Status sample_pictures(Flow *f, Error *err)
{
    static const char *const PROMPT = "a red square";
    Model m;
    Txt2ImgResult made;
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    o.prompts = &PROMPT;
    o.count = 1;
    o.images = o.steps = 2;
    o.width = o.height = 8;
    const char *path = in_folder(f, "picture.png", err);
    Status status =
        path != NULL ? model_open(&m, model_folder, MODEL_ALL, 0, &f->arena, err) : STATUS_MEMORY;
    if (status == STATUS_OK)
        status = txt2img(&made, &m, &o, &f->scratch, err);
    if (status == STATUS_OK)
        status = png_write(path, &made.pictures[1], NULL, 0, &f->scratch, err);
    if (status == STATUS_OK) {
        add_bits(f, made.latents, 2 * 2 * 2 * 2);
        sha256_add(&f->bits, made.pictures[0].pixels, image_size(&made.pictures[0]));
        sha256_add(&f->bits, made.pictures[1].pixels, image_size(&made.pictures[1]));
    }
    return status;
}

static Status encode_and_decode(Flow *f, Error *err)
{
    Model m;
    Tape tape = {.arena = &f->scratch};
    float x[3 * 8 * 8], noise[2 * 2 * 2];
    const int shape[4] = {1, 3, 8, 8}, latent[4] = {1, 2, 2, 2};
    const Status status = model_open(&m, model_folder, MODEL_VAE, 0, &f->arena, err);
    if (status != STATUS_OK)
        return status;
    fill_any(x, 3 * 8 * 8, 1);
    fill_any(noise, 2 * 2 * 2, 2);
    Tensor *moments = vae_encode(&tape, &m.vae, tape_input(&tape, x, 4, shape, false));
    Tensor *z = latent_sample(&tape, moments, tape_input(&tape, noise, 4, latent, false));
    z = latent_scale(&tape, &m.config.vae, z);
    const Tensor *y = vae_decode(&tape, &m.vae, latent_unscale(&tape, &m.config.vae, z));
    if (y == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    add_bits(f, z->data, tensor_count(z));
    add_bits(f, y->data, tensor_count(y));
    return STATUS_OK;
}

/* ---- training ---- */

static TrainOptions two_samples(void)
{
    TrainOptions o = {.seed = 3, .max_train_steps = 4, .batch_size = 2, .micro_batch = 1, .lr = 0.01};
    o.optimizer = OPTIMIZER_ADAMW_DEFAULTS;
    o.max_grad_norm = 1.0;
    o.ema_decay = 0.5;
    o.held_out = 1;
    o.gradient_checkpointing = true;
    return o;
}

/* One step from the start, or from the state in `resume`; the state goes to `save`. */
static Status one_step(Flow *f, const TrainTask *task, Weights *const *weights, int count,
                       const char *resume, const char *save, Error *err)
{
    const TrainOptions options = two_samples();
    Trainer t;
    TrainReport report;
    double held_out = 0.0;
    Status status = trainer_init(&t, task, &options, weights, count, &f->arena, err);
    if (status != STATUS_OK)
        return status;
    if (resume != NULL)
        status = train_state_load(&t, "recipe", resume, &f->scratch, err);
    if (status == STATUS_OK)
        status = trainer_step(&t, &report, err);
    if (status == STATUS_OK)
        status = trainer_held_out(&t, &held_out, err);
    if (status == STATUS_OK)
        status = train_state_save(&t, "recipe", save, &f->scratch, err);
    if (status == STATUS_OK) {
        char hash[65];
        trainer_hash(&t, hash);
        sha256_add(&f->bits, hash, 64);
    }
    trainer_free(&t);
    return status;
}

static Status train_vae(Flow *f, const char *resume, const char *save, Error *err)
{
    VaeTraining training = {.loss = {.mse = 1.0, .kl = 1e-3}, .seed = 3};
    WorldData world = {&tiny.world, small_pictures()};
    Vae vae;
    VaeConfig config;
    const Json *json = NULL;
    if (save == NULL)
        save = in_folder(f, "state.safetensors", err);
    Status status = save == NULL
                        ? STATUS_MEMORY
                        : json_parse(&json, TINY_MODEL_VAE, strlen(TINY_MODEL_VAE), "vae", &f->arena, err);
    if (status == STATUS_OK)
        status = vae_config_read(&config, json, "vae", &f->arena, err);
    if (status != STATUS_OK)
        return status;
    Weights w = weights_create(&f->arena, 4), *const weights[] = {&w};
    w.trainable = true;
    vae_load(&vae, &config, &w, "");
    training.vae = &vae;
    training.scratch.account = &f->account;
    training.train = training.held_out = world_data_set(&world);
    const TrainTask task = vae_training_task(&training);
    status = weights_finish(&w, err);
    if (status == STATUS_OK)
        status = one_step(f, &task, weights, 1, resume, save, err);
    arena_free(&training.scratch);
    return status;
}

static Status train_vae_first(Flow *f, Error *err)
{
    return train_vae(f, NULL, NULL, err);
}

static Status train_vae_resumed(Flow *f, Error *err)
{
    return train_vae(f, state_of_vae, NULL, err);
}

/* The U-Net and the text encoder on two encoded pictures; `save_model` writes the model too. */
static Status train_unet(Flow *f, const char *resume, const char *save, bool save_model, Error *err)
{
    const unsigned trained = MODEL_UNET | MODEL_TEXT;
    WorldData world = {&tiny.world, small_pictures()};
    const DataSet pictures = world_data_set(&world);
    Model m;
    Schedule schedule;
    LatentPool pool;
    EncodedPrompt empty;
    const char *folder = in_folder(f, "model", err);
    if (save == NULL)
        save = in_folder(f, "state.safetensors", err);
    Status status = folder == NULL || save == NULL
                        ? STATUS_MEMORY
                        : model_open(&m, model_folder, MODEL_ALL, trained, &f->arena, err);
    if (status == STATUS_OK)
        status = schedule_make(&schedule, &m.config.scheduler, false, &f->arena, err);
    if (status == STATUS_OK)
        status = tokenizer_encode(&empty, &m.tokenizer, "", &f->arena, err);
    if (status == STATUS_OK)
        status = latent_pool_fill(&pool, &m.vae, &m.tokenizer, &pictures, 5, 2, NULL, NULL, &f->arena, err);
    if (status != STATUS_OK)
        return status;
    UnetTraining training = {.unet = &m.unet,
                             .text = &m.text,
                             .schedule = &schedule,
                             .prediction = PREDICT_EPSILON,
                             .options = {.dropout = 0.5},
                             .train = &pool,
                             .held_out = &pool,
                             .scaling_factor = 0.5f,
                             .empty = empty.ids,
                             .seed = 3};
    const TrainTask task = unet_training_task(&training);
    Weights *const weights[] = {&m.unet_weights, &m.text_weights};
    status = one_step(f, &task, weights, 2, resume, save, err);
    if (status == STATUS_OK && save_model)
        status = model_save(&m, folder, F16, &f->scratch, err);
    return status;
}

static Status train_unet_first(Flow *f, Error *err)
{
    return train_unet(f, NULL, NULL, true, err);
}

static Status train_unet_resumed(Flow *f, Error *err)
{
    return train_unet(f, state_of_unet, NULL, false, err);
}

/* A step of training, a picture's labels, and the folder. */
static Status train_segmenter(Flow *f, Error *err)
{
    static const char *const CONFIG =
        "{\"labels\": 6, \"head_channels\": 8, \"backbone\": {\"features\": [4, \"M\", 6]}}";
    SegmenterTraining training = {.noise = 0.5, .world = &tiny.world, .seed = 3};
    Segmenter s;
    FcnConfig config;
    const Json *json = NULL;
    uint16_t of[TINY_CONCEPTS + 1], label[8 * 8];
    float planes[3 * 8 * 8] = {0};
    const char *save = in_folder(f, "state.safetensors", err), *folder = in_folder(f, "model", err);
    Status status = save == NULL || folder == NULL
                        ? STATUS_MEMORY
                        : json_parse(&json, CONFIG, strlen(CONFIG), "segmenter", &f->arena, err);
    if (status == STATUS_OK)
        status = fcn_config_read(&config, json, "segmenter", &f->arena, err);
    if (status == STATUS_OK)
        status = segmenter_labels_of(&s, &tiny.world, &f->arena, err);
    if (status == STATUS_OK)
        status = segmenter_world_labels(of, &s, &tiny.world, err);
    if (status != STATUS_OK)
        return status;
    s.weights = weights_create(&f->arena, 4);
    s.weights.trainable = true;
    fcn_load(&s.net, &config, &s.weights, "");
    training.net = &s.net;
    training.label_of = of;
    training.scratch.account = &f->account;
    training.train = training.held_out = small_pictures();
    training.train.maps = training.held_out.maps = WORLD_MAP_LABELS;
    const TrainTask task = segmenter_training_task(&training);
    Weights *const weights[] = {&s.weights};
    status = weights_finish(&s.weights, err);
    if (status == STATUS_OK)
        status = one_step(f, &task, weights, 1, NULL, save, err);
    arena_free(&training.scratch);
    if (status == STATUS_OK)
        status = segment(label, &s, planes, 1, 8, 8, &f->arena, err);
    if (status == STATUS_OK)
        sha256_add(&f->bits, label, sizeof label);
    if (status == STATUS_OK)
        status = segmenter_save(&s, folder, F16, &f->scratch, err);
    return status;
}

static Status train_tokenizer(Flow *f, Error *err)
{
    static const char *const CAPTIONS[] = {"a red square and a red circle", "a blue square", "red circles"};
    const TokenizerTrainOptions options = {.vocabulary = 540, .times = 2, .length = 12};
    Tokenizer made;
    EncodedPrompt prompt;
    Status status = tokenizer_train(&made, CAPTIONS, 3, options, &f->arena, &f->scratch, err);
    if (status == STATUS_OK)
        status = tokenizer_encode(&prompt, &made, "a red square, \xc3\xa9", &f->arena, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < made.length; i++)
        sha256_add(&f->bits, &(unsigned char){(unsigned char)prompt.ids[i]}, 1);
    return tokenizer_save(&made, f->folder, &f->scratch, err);
}

/* ---- data and files ---- */

static Status export_pictures(Flow *f, Error *err)
{
    WorldOptions o = small_pictures();
    const WorldExport what = {.seed = 4, .count = 2};
    Image sheet;
    o.maps = WORLD_MAP_SKETCH | WORLD_MAP_LABELS | WORLD_MAP_DEPTH;
    WorldData world = {&tiny.world, o};
    const DataSet set = world_data_set(&world);
    Status status = data_contact_sheet(&sheet, &set, 4, 0, 2, 1, &f->arena, err);
    if (status == STATUS_OK)
        status = world_export(f->folder, &tiny.world, &o, &what, &f->scratch, err);
    if (status == STATUS_OK)
        sha256_add(&f->bits, sheet.pixels, image_size(&sheet));
    return status;
}

/* What export_pictures made, as training data. */
static Status read_pictures(Flow *f, Error *err)
{
    PictureFolder folder;
    PictureData data;
    PictureOptions o = PICTURE_DEFAULTS;
    Bytes captions = {.arena = &f->scratch};
    o.size = 32;
    o.mirror = true;
    Status status = picture_folder_open(&folder, pictures_folder, "text_0", &f->arena, err);
    if (status == STATUS_OK)
        status = picture_data_open(&data, &folder, &o, &f->arena, err);
    if (status != STATUS_OK)
        return status;
    const DataSet sets[] = {picture_train_set(&data), picture_held_out_set(&data)};
    sha256_add(&f->bits, data.fingerprint, 64);
    for (int i = 0; i < 2 && status == STATUS_OK; i++) {
        DataSample sample;
        status = data_sample(&sets[i], 3, 5, &sample, &f->scratch, err);
        if (status == STATUS_OK)
            status = data_captions(&captions, &sets[i], 3, 0, 2, err);
        if (status == STATUS_OK)
            sha256_add(&f->bits, sample.image.pixels, image_size(&sample.image));
    }
    if (status == STATUS_OK)
        sha256_add(&f->bits, captions.data, captions.size);
    return status;
}

static Status write_png(Flow *f, Error *err)
{
    const PngText texts[] = {{"parameters", "a red square"}, {"Title", "\xc3\xa9"}};
    Image image;
    const char *path = in_folder(f, "a.png", err);
    const Status status = path != NULL ? image_new(&image, 9, 7, 4, &f->arena, err) : STATUS_MEMORY;
    for (size_t i = 0; status == STATUS_OK && i < image_size(&image); i++)
        image.pixels[i] = (unsigned char)(i * i);
    return status == STATUS_OK ? png_write(path, &image, texts, 2, &f->scratch, err) : status;
}

static Status write_safetensors(Flow *f, Error *err)
{
    static const float NUMBERS[6] = {1.0f, 2.0f, -3.0f, 0.5f, 0.25f, 1e-3f};
    static const char *const NOTES[] = {"step", "7", NULL};
    const SafetensorsItem items[] = {{.name = "x", .dtype = F32, .rank = 2, .dim = {2, 3}, .data = NUMBERS},
                                     {.name = "half", .dtype = F16, .rank = 1, .dim = {6}, .f32 = NUMBERS}};
    const char *path = in_folder(f, "a.safetensors", err);
    return path != NULL ? safetensors_write(path, items, 2, NOTES, &f->scratch, err) : STATUS_MEMORY;
}

static Status write_npz(Flow *f, Error *err)
{
    int32_t numbers[100] = {0};
    NpzItem items[2] = {{.name = "x"}, {.name = "y"}};
    for (int i = 0; i < 2; i++) {
        items[i].array = (NpyArray){.dtype = I32, .rank = 2, .dim = {10, 10}, .data = numbers};
        numbers[17] = 5;
    }
    const char *path = in_folder(f, "a.npz", err);
    return path != NULL ? npz_write(path, items, 2, true, &f->scratch, err) : STATUS_MEMORY;
}

static Status write_npy(Flow *f, Error *err)
{
    double numbers[3] = {0.1, 0.2, 0.3};
    const NpyArray array = {.dtype = F64, .rank = 1, .dim = {3}, .data = numbers};
    const char *path = in_folder(f, "a.npy", err);
    return path != NULL ? npy_write(path, &array, &f->scratch, err) : STATUS_MEMORY;
}

static Status read_files(Flow *f, Error *err)
{
    Image image;
    PngText *texts;
    Safetensors file;
    Zip zip;
    NpyArray y, alone;
    int count = 0;
    float x[6];
    char path[4][2 * SCRATCH_PATH];
    static const char *const END[] = {"png", "safetensors", "npz", "npy"};
    for (int i = 0; i < 4; i++)
        snprintf(path[i], sizeof path[i], "%s/a.%s", made_folder, END[i]);
    Status status = png_read(&image, path[0], &f->arena, err);
    if (status == STATUS_OK)
        status = png_read_texts(&texts, &count, path[0], &f->arena, err);
    if (status == STATUS_OK)
        status = safetensors_open(&file, path[1], &f->arena, err);
    if (status == STATUS_OK)
        status = safetensors_read_f32(x, &file, safetensors_find(&file, "half"), err);
    if (status == STATUS_OK)
        status = zip_open(&zip, path[2], &f->arena, err);
    if (status == STATUS_OK)
        status = npz_read(&y, &zip, "y", &f->arena, err);
    if (status == STATUS_OK)
        status = npy_read(&alone, path[3], &f->arena, err);
    if (status != STATUS_OK)
        return status;
    CHECK(count == 2 && strcmp(texts[0].text, "a red square") == 0);
    CHECK(((const int32_t *)y.data)[17] == 5 && ((const double *)alone.data)[2] == 0.3);
    add_bits(f, x, 6);
    sha256_add(&f->bits, image.pixels, image_size(&image));
    return STATUS_OK;
}

/* ---- what is made once ---- */

static void make_model(void)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    CHECK(model_save(&m, model_folder, F32, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

static void make_states(void)
{
    Flow f = {.bits = sha256_begin()};
    Error err = {0};
    snprintf(f.folder, sizeof f.folder, "%s", made_folder);
    CHECK(train_vae(&f, NULL, state_of_vae, &err) == STATUS_OK);
    CHECK(train_unet(&f, NULL, state_of_unet, false, &err) == STATUS_OK);
    snprintf(f.folder, sizeof f.folder, "%s", pictures_folder);
    CHECK(export_pictures(&f, &err) == STATUS_OK);
    snprintf(f.folder, sizeof f.folder, "%s", made_folder);
    CHECK(write_png(&f, &err) == STATUS_OK && write_safetensors(&f, &err) == STATUS_OK);
    CHECK(write_npz(&f, &err) == STATUS_OK && write_npy(&f, &err) == STATUS_OK);
    arena_free(&f.arena);
    arena_free(&f.scratch);
    if (err.status != STATUS_OK)
        printf("    %s\n", err.text);
}

int main(void)
{
    static const Pipeline PIPELINES[] = {
        {"text to image", sample_pictures, NULL},
        {"encode and decode", encode_and_decode, NULL},
        {"train the autoencoder", train_vae_first, NULL},
        {"go on with it", train_vae_resumed, NULL},
        {"train the denoiser", train_unet_first, "model/model_index.json"},
        {"go on with it", train_unet_resumed, NULL},
        {"train a segmenter, and use it", train_segmenter, "model/labels.json"},
        {"train a tokenizer", train_tokenizer, "vocab.json"},
        {"make data", export_pictures, "metadata.jsonl"},
        {"read pictures", read_pictures, NULL},
        {"write PNG", write_png, NULL},
        {"write safetensors", write_safetensors, NULL},
        {"write npz", write_npz, NULL},
        {"write npy", write_npy, NULL},
        {"read files", read_files, NULL},
    };
    size_t runs = 0;
    scratch_path(made_folder, "made");
    snprintf(model_folder, sizeof model_folder, "%.900s/model", made_folder);
    snprintf(state_of_vae, sizeof state_of_vae, "%.900s/vae.safetensors", made_folder);
    snprintf(state_of_unet, sizeof state_of_unet, "%.900s/unet.safetensors", made_folder);
    snprintf(pictures_folder, sizeof pictures_folder, "%.900s/pictures", made_folder);
    tiny_world(&tiny);
    threads_set(1); /* so small that handing out work costs more than it */
    make_model();
    make_states();
    for (size_t i = 0; i < sizeof PIPELINES / sizeof PIPELINES[0]; i++)
        runs += check_pipeline(&PIPELINES[i]);
    CHECK(runs > 1000);
    walk(made_folder, remove_it, NULL);
    CHECK(remove(made_folder) == 0);
    return check_report("pipeline_failures");
}
