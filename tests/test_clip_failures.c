/* Training a CLIP and reading it again, in which every allocation fails once (tests/failures.h). */
#include "base/threads.h"
#include "diffusion/train_clip.h"
#include "diffusion/train_state.h"
#include "tests/failures.h"
#include "tests/tiny_clip.h"
#include "tests/tiny_world.h"

/* Made once, outside of the runs: a model to go on from. */
static char made_folder[SCRATCH_PATH];
static TinyWorld tiny;

static const char *in_folder(Flow *f, const char *name, Error *err)
{
    const char *path = path_join(&f->scratch, f->folder, name);
    if (path == NULL)
        error_set(err, STATUS_MEMORY, "no memory for a file name");
    return path;
}

/* Two steps, a held-out loss, and the state. */
static Status two_steps(Flow *f, const TrainTask *task, Weights *w, const char *save, Error *err)
{
    TrainOptions o = {.seed = 3, .max_train_steps = 4, .batch_size = 1, .micro_batch = 1, .lr = 0.01};
    o.optimizer = OPTIMIZER_ADAMW_DEFAULTS;
    o.ema_decay = 0.5;
    o.held_out = 1;
    Weights *const weights[] = {w};
    Trainer t;
    TrainReport report;
    double held_out = 0.0;
    char hash[65];
    Status status = trainer_init(&t, task, &o, weights, 1, &f->arena, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < 2 && status == STATUS_OK; i++)
        status = trainer_step(&t, &report, err);
    if (status == STATUS_OK)
        status = trainer_held_out(&t, &held_out, err);
    if (status == STATUS_OK)
        status = train_state_save(&t, "recipe", save, &f->scratch, err);
    trainer_hash(&t, hash);
    if (status == STATUS_OK)
        sha256_add(&f->bits, hash, 64);
    trainer_free(&t);
    return status;
}

static Status train_clip(Flow *f, Error *err)
{
    Clip c;
    ClipTraining training = {.clip = &c, .world = &tiny.world, .options = {.pairs = 2}, .seed = 3};
    const char *folder = in_folder(f, "clip", err), *state = in_folder(f, "state.safetensors", err);
    Status status =
        folder == NULL || state == NULL ? STATUS_MEMORY : clip_open(&c, made_folder, true, &f->arena, err);
    if (status != STATUS_OK)
        return status;
    training.scratch.account = &f->account;
    training.train = training.held_out = WORLD_DEFAULTS;
    training.train.size = training.held_out.size = 32;
    const TrainTask task = clip_training_task(&training);
    status = two_steps(f, &task, &c.weights, state, err);
    arena_free(&training.scratch);
    return status == STATUS_OK ? clip_save(&c, folder, F16, &f->scratch, err) : status;
}

static Status embed(Flow *f, Error *err)
{
    static const char *const TEXT[] = {"a red square"};
    float rows[2 * TINY_CLIP_WIDTH];
    Clip c;
    Image image;
    Status status = clip_open(&c, made_folder, false, &f->arena, err);
    if (status == STATUS_OK)
        status = image_new(&image, 20, 10, 4, &f->arena, err);
    if (status == STATUS_OK)
        status = clip_embed_images(rows, &c, &image, 1, &f->scratch, err);
    if (status == STATUS_OK)
        status = clip_embed_texts(rows + TINY_CLIP_WIDTH, &c, TEXT, 1, &f->scratch, err);
    if (status == STATUS_OK)
        hash_numbers(&f->bits, rows, 2 * TINY_CLIP_WIDTH);
    return status;
}

int main(void)
{
    static const Pipeline PIPELINES[] = {
        {"train a CLIP", train_clip, "clip/config.json"},
        {"embed a picture and a text", embed, NULL},
    };
    Arena arena = {0};
    Clip c;
    size_t runs = 0;
    tiny_world(&tiny);
    threads_set(1); /* so small that handing out work costs more than it */
    tiny_clip_new(&c, &arena, false);
    CHECK(clip_save(&c, scratch_path(made_folder, "made"), F32, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
    for (size_t i = 0; i < sizeof PIPELINES / sizeof PIPELINES[0]; i++)
        runs += check_pipeline(&PIPELINES[i]);
    CHECK(runs > 300);
    walk(made_folder, remove_it, NULL);
    CHECK(remove(made_folder) == 0);
    return check_report("clip_failures");
}
