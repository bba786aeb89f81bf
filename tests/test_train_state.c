#include "diffusion/train_state.h"

#include "base/file.h"
#include "tests/scratch.h"
#include "tests/toy_training.h"

static const char *const RECIPE = "0123456789abcdef";

static Status save(Toy *toy, const char *path, Error *err)
{
    return train_state_save(&toy->trainer, RECIPE, path, &toy->arena, err);
}

/* Three steps, a saved state, and the rest in another process' place: the bits of all steps in one go. */
static void test_resume(TrainOptions o)
{
    char path[SCRATCH_PATH], want[65], half[65];
    Error err = {0};
    Toy straight, first, second;
    scratch_path(path, "state.safetensors");
    toy_new(&straight, 7, &o);
    toy_steps(&straight, 8);
    trainer_hash(&straight.trainer, want);

    toy_new(&first, 7, &o);
    toy_steps(&first, 3);
    trainer_hash(&first.trainer, half);
    CHECK(save(&first, path, &err) == STATUS_OK);
    CHECK(toy_hash_is(&first, half)); /* saving changes nothing */

    o.micro_batch = 2; /* splits nothing that the state knows of */
    toy_new(&second, 8, &o);
    CHECK(train_state_load(&second.trainer, RECIPE, path, &second.arena, &err) == STATUS_OK);
    CHECK(second.trainer.step == 3 && second.trainer.optimizer.steps == 3);
    CHECK(second.trainer.ema.updates == 3);
    CHECK(toy_hash_is(&second, half));
    toy_steps(&second, 5);
    CHECK(toy_hash_is(&second, want));
    toy_free(&straight);
    toy_free(&first);
    toy_free(&second);
    remove(path);
}

static void test_resume_with_every_optimizer(void)
{
    const OptimizerOptions *const optimizers[] = {&OPTIMIZER_SGD_DEFAULTS, &OPTIMIZER_ADAM_DEFAULTS,
                                                  &OPTIMIZER_ADAMW_DEFAULTS};
    for (int i = 0; i < 3; i++) {
        TrainOptions o = toy_options();
        o.optimizer = *optimizers[i];
        test_resume(o);
        o.optimizer.momentum = 0.9;
        test_resume(o);
    }
}

/* The trainer that is to be left alone by a load that fails. */
static void refused(const char *path, const char *recipe, const TrainOptions *o, Status want,
                    const char *sentence)
{
    char before[65];
    Error err = {0};
    Toy toy;
    toy_new(&toy, 9, o);
    toy_steps(&toy, 1);
    trainer_hash(&toy.trainer, before);
    CHECK(train_state_load(&toy.trainer, recipe, path, &toy.arena, &err) == want);
    CHECK_TEXT(err.text, sentence);
    CHECK(toy_hash_is(&toy, before));
    CHECK(toy.trainer.step == 1 && toy.trainer.optimizer.steps == 1 && toy.trainer.ema.updates == 1);
    toy_free(&toy);
}

static Status write_bytes(const char *path, const Bytes *bytes, size_t size)
{
    return file_write(path, bytes->data, size, NULL);
}

/* The file with the first `old` replaced by `new` of the same length. */
static void replace(Bytes *file, const char *old, const char *new)
{
    const size_t n = strlen(old);
    for (size_t i = 0; i + n <= file->size; i++)
        if (memcmp(file->data + i, old, n) == 0) {
            memcpy(file->data + i, new, n);
            return;
        }
    CHECK(!"nothing to replace");
}

static void test_refusals(void)
{
    char path[SCRATCH_PATH], broken[SCRATCH_PATH];
    const TrainOptions o = toy_options();
    TrainOptions sgd = o;
    Error err = {0};
    Bytes file = {0};
    Toy toy;
    scratch_path(path, "state.safetensors");
    scratch_path(broken, "broken.safetensors");
    sgd.optimizer = OPTIMIZER_SGD_DEFAULTS;
    sgd.optimizer.momentum = 0.0;
    toy_new(&toy, 7, &o);
    toy_steps(&toy, 3);
    CHECK(save(&toy, path, &err) == STATUS_OK);
    refused(path, "another recipe", &o, STATUS_FORMAT, "another recipe");
    TrainOptions longer = o, other = o;
    longer.max_train_steps = 77;
    other.seed = 123;
    refused(path, "another recipe", &longer, STATUS_FORMAT, "which is now 77: give the same one");
    refused(path, "another recipe", &other, STATUS_FORMAT, "seed 0, which is now 123");
    refused("no/such/state.safetensors", RECIPE, &o, STATUS_FILE, "no/such/state.safetensors");
    CHECK(file_read(&file, path, &toy.arena, &err) == STATUS_OK);
    const size_t cuts[] = {0, 7, 100, file.size - 1, file.size - 50};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        CHECK(write_bytes(broken, &file, cuts[i]) == STATUS_OK);
        refused(broken, RECIPE, &o, STATUS_FORMAT, "broken.safetensors");
    }
    replace(&file, "\"step\":\"3\"", "\"step\":\"x\"");
    CHECK(write_bytes(broken, &file, file.size) == STATUS_OK);
    refused(broken, RECIPE, &o, STATUS_FORMAT, "step");
    replace(&file, "\"step\":\"x\"", "\"step\":\"4\"");
    replace(&file, "1.ema.out.bias", "1.ema.owt.bias");
    CHECK(write_bytes(broken, &file, file.size) == STATUS_OK);
    refused(broken, RECIPE, &o, STATUS_FORMAT, "1.ema.out.bias");

    /* the state of a run without moments lacks them */
    Toy plain;
    toy_new(&plain, 7, &sgd);
    toy_steps(&plain, 1);
    CHECK(save(&plain, broken, &err) == STATUS_OK);
    refused(broken, RECIPE, &o, STATUS_FORMAT, ".first.");
    toy_free(&plain);
    toy_free(&toy);
    remove(path);
    remove(broken);
}

typedef struct {
    Toy toy;
    Arena scratch;
    const char *path;
} Attempt;

static Status try_save(void *context)
{
    Attempt *a = context;
    const Status status = train_state_save(&a->toy.trainer, RECIPE, a->path, &a->scratch, NULL);
    CHECK((status == STATUS_OK) == file_exists(a->path)); /* no half of a file */
    arena_free(&a->scratch);
    return status;
}

static Status try_load(void *context)
{
    Attempt *a = context;
    char before[65];
    a->toy.trainer.step = 2; /* so that a load that succeeds changes something */
    trainer_hash(&a->toy.trainer, before);
    const Status status = train_state_load(&a->toy.trainer, RECIPE, a->path, &a->scratch, NULL);
    CHECK((status == STATUS_OK) != toy_hash_is(&a->toy, before));
    arena_free(&a->scratch);
    return status;
}

static void test_failing_allocations(void)
{
    char path[SCRATCH_PATH];
    const TrainOptions o = toy_options();
    Attempt a = {.path = scratch_path(path, "state.safetensors")};
    toy_new(&a.toy, 7, &o);
    toy_steps(&a.toy, 3);
    check_allocations(try_save, &a, &a.scratch);
    check_allocations(try_load, &a, &a.scratch);
    CHECK(a.toy.trainer.step == 3);
    toy_free(&a.toy);
    remove(path);
}

int main(void)
{
    test_resume_with_every_optimizer();
    test_refusals();
    test_failing_allocations();
    return check_report("train_state");
}
