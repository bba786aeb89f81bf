/* A classifier's training step, its folder written and read again, and a distance between pictures: every allocation
 * fails once. */
#include "base/threads.h"
#include "diffusion/lpips.h"
#include "diffusion/train_classifier.h"
#include "diffusion/vgg_save.h"
#include "tests/failures.h"
#include "tests/tiny_world.h"

static TinyWorld tiny;

static const char *const MODEL =
    "{\"features\": [2, \"M\", 3, \"M\"], \"sample_size\": 32, \"pooled_size\": 2, "
    "\"hidden\": [4], \"heads\": {\"class\": 6, \"style\": 2}}";

static Status one_step(Flow *f, ClassifierTraining *training, Weights *w, Error *err)
{
    TrainOptions options = {.seed = 3, .max_train_steps = 4, .batch_size = 2, .micro_batch = 1, .lr = 0.01};
    options.optimizer = OPTIMIZER_ADAMW_DEFAULTS;
    options.held_out = 2;
    Weights *const weights[] = {w};
    const TrainTask task = classifier_training_task(training);
    Trainer t;
    TrainReport report;
    double held_out = 0.0;
    Status status = trainer_init(&t, &task, &options, weights, 1, &f->arena, err);
    if (status != STATUS_OK)
        return status;
    status = trainer_step(&t, &report, err);
    if (status == STATUS_OK)
        status = trainer_held_out(&t, &held_out, err);
    if (status == STATUS_OK) {
        char hash[65];
        trainer_hash(&t, hash);
        sha256_add(&f->bits, hash, 64);
        sha256_add(&f->bits, &training->counts, sizeof training->counts);
    }
    trainer_free(&t);
    return status;
}

/* The distance of two pictures of the world by the network of the folder. */
static Status distance(Flow *f, const char *folder, const WorldOptions *options, Error *err)
{
    const int dim[4] = {1, 3, options->size, options->size};
    Vgg network;
    ClassifierExample e[2];
    Status status = vgg_open(&network, folder, &f->arena, err);
    for (uint64_t i = 0; i < 2 && status == STATUS_OK; i++)
        status = classifier_example(&e[i], &tiny.world, options, NULL, 3, i, &f->arena, err);
    if (status != STATUS_OK)
        return status;
    Tape tape = {.arena = &f->scratch};
    Tensor *x = tape_input(&tape, e[0].planes, 4, dim, false),
           *y = tape_input(&tape, e[1].planes, 4, dim, false);
    const Tensor *d = lpips(&tape, &network, NULL, x, y);
    if (d == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    sha256_add(&f->bits, d->data, sizeof *d->data);
    return STATUS_OK;
}

static Status train(Flow *f, Error *err)
{
    WorldOptions options = WORLD_DEFAULTS;
    options.size = 32;
    options.styles = 3;
    options.share[WORLD_LAYERED] = 0.0f;
    ClassifierTraining training = {.world = &tiny.world, .train = options, .held_out = options, .seed = 3};
    training.options = (ClassifierLossOptions){
        .class_weight = 1.0, .style_weight = 1.0, .shift = 1, .soft = 1.0, .noise = 0.5};
    training.scratch.account = &f->account;
    const Json *json = NULL;
    VggConfig config;
    Vgg network;
    Status status = json_parse(&json, MODEL, strlen(MODEL), "model", &f->arena, err);
    if (status == STATUS_OK)
        status = vgg_config_read(&config, json, "model", &f->arena, err);
    if (status == STATUS_OK)
        status = classifier_heads_name(&config, &tiny.world, &options, &f->arena, err);
    if (status != STATUS_OK)
        return status;
    Weights w = weights_create(&f->arena, 4);
    w.trainable = true;
    vgg_load(&network, &config, &w, "");
    training.vgg = &network;
    status = weights_finish(&w, err);
    if (status == STATUS_OK)
        status = one_step(f, &training, &w, err);
    if (status == STATUS_OK)
        status = vgg_save(&network, &w, f->folder, F32, &f->scratch, err);
    arena_free(&training.scratch);
    return status;
}

static char made_folder[SCRATCH_PATH];

static Status use(Flow *f, Error *err)
{
    WorldOptions options = WORLD_DEFAULTS;
    options.size = 32;
    return distance(f, made_folder, &options, err);
}

static void make_classifier(void)
{
    Flow f = {.bits = sha256_begin()};
    scratch_path(made_folder, "classifier");
    snprintf(f.folder, sizeof f.folder, "%s", made_folder);
    CHECK(train(&f, NULL) == STATUS_OK);
    arena_free(&f.arena);
    arena_free(&f.scratch);
}

int main(void)
{
    static const Pipeline pipelines[] = {{"train a classifier", train, "config.json"},
                                         {"use it", use, NULL}};
    tiny_world(&tiny);
    threads_set(1); /* so small that handing out work costs more than it */
    make_classifier();
    for (int i = 0; i < 2; i++)
        CHECK(check_pipeline(&pipelines[i]) > 100);
    walk(made_folder, remove_it, NULL);
    CHECK(remove(made_folder) == 0);
    return check_report("classifier_failures");
}
