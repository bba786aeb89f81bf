#include "diffusion/trainer.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/contract.h"
#include "io/sha256.h"
#include "nn/grad_clip.h"

static Status check_options(const TrainOptions *o, Error *err)
{
    if (o->batch_size < 1 || o->micro_batch < 1 || o->micro_batch > o->batch_size)
        return error_set(err, STATUS_ARGUMENT,
                         "batch size %d with micro-batch %d, expected 1 <= micro-batch <= batch size",
                         o->batch_size, o->micro_batch);
    if (o->max_train_steps > INT64_MAX || !(o->lr >= 0.0) || !(o->max_grad_norm >= 0.0))
        return error_set(err, STATUS_ARGUMENT, "learning rate %g and max_grad_norm %g, expected at least 0",
                         o->lr, o->max_grad_norm);
    return STATUS_OK;
}

static Status list_parameters(Trainer *t, Arena *arena, Error *err)
{
    for (int i = 0; i < t->weights_count; i++)
        t->count += t->weights[i]->count;
    t->parameters = arena_alloc(arena, t->count + 1, sizeof(Tensor *));
    if (t->parameters == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a list of %zu parameters", t->count);
    size_t k = 0;
    for (int i = 0; i < t->weights_count; i++)
        for (Parameter *p = t->weights[i]->first; p != NULL; p = p->next)
            if (p->tensor->wants_grad)
                t->parameters[k++] = p->tensor;
    t->count = k;
    return STATUS_OK;
}

Status trainer_init(Trainer *t, const TrainTask *task, const TrainOptions *options, Weights *const *weights,
                    int weights_count, Arena *arena, Error *err)
{
    Trainer made = {.task = task, .options = *options, .weights_count = weights_count};
    made.activations.account = made.gradients.account = arena->account;
    EmaOptions ema = EMA_DEFAULTS;
    ema.decay = options->ema_decay;
    made.options.schedule.total = (int64_t)options->max_train_steps;
    Status status = check_options(options, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < weights_count; i++)
        made.weights[i] = weights[i];
    status = list_parameters(&made, arena, err);
    if (status == STATUS_OK)
        status =
            optimizer_init(&made.optimizer, &options->optimizer, made.parameters, made.count, arena, err);
    if (status == STATUS_OK)
        status = ema_init(&made.ema, &ema, made.parameters, made.count, arena, err);
    if (status == STATUS_OK)
        status = early_stop_init(&made.stop, options->patience, made.parameters, made.count, arena, err);
    if (status == STATUS_OK)
        *t = made;
    return status;
}

void trainer_free(Trainer *t)
{
    arena_free(&t->activations);
    arena_free(&t->gradients);
}

typedef Tensor *(*Losses)(void *self, Tape *tape, uint64_t first, int count);

/* Each loss weighs `share` in the gradient. */
static Status walk_back(Tape *tape, Tensor *loss, float share)
{
    float *dy = tape_alloc(tape, tensor_count(loss), sizeof *dy);
    for (size_t i = 0; dy != NULL && i < tensor_count(loss); i++)
        dy[i] = share;
    return dy != NULL ? tape_backward(tape, loss, dy) : tape->error.status;
}

/* Losses of `count` samples on a fresh tape, added to *sum in sample order; with a
 * share, their gradients too. */
static Status run_samples(Trainer *t, Losses losses, uint64_t first, int count, float share, double *sum,
                          Error *err)
{
    const ArenaMark activations = arena_mark(&t->activations), gradients = arena_mark(&t->gradients);
    Tape tape = {.arena = &t->activations,
                 .gradients = &t->gradients,
                 .recording = share != 0.0f,
                 .checkpoint = t->options.gradient_checkpointing};
    if (share != 0.0f)
        tape_watch(&tape, t->watch, t->task->name);
    Tensor *loss = losses(t->task->self, &tape, first, count);
    tape.place = NULL;
    tape_named(&tape, loss, "loss", "");
    if (loss != NULL && tensor_count(loss) != (size_t)count)
        loss = tape_fail(&tape, STATUS_SHAPE, "%s: %zu losses for %d samples", t->task->name,
                         tensor_count(loss), count);
    for (int i = 0; loss != NULL && i < count; i++)
        *sum += loss->data[i];
    Status status = tape.error.status;
    if (loss != NULL && share != 0.0f)
        status = walk_back(&tape, loss, share);
    if (status != STATUS_OK)
        error_set(err, status, "%s", tape.error.text);
    arena_release(&t->activations, activations);
    arena_release(&t->gradients, gradients);
    return status;
}

/* Shows the gradients of a whole step. */
static void show_gradients(const Trainer *t)
{
    Tape tape = {.arena = NULL};
    tape_watch(&tape, t->watch, "grad");
    for (int i = 0; t->watch != NULL && i < t->weights_count; i++)
        for (const Parameter *p = t->weights[i]->first; p != NULL; p = p->next) {
            Tensor gradient = *p->tensor;
            gradient.data = p->tensor->grad;
            if (gradient.data != NULL)
                tape_named(&tape, &gradient, p->name, "");
        }
}

Status trainer_step(Trainer *t, TrainReport *report, Error *err)
{
    const TrainOptions *o = &t->options;
    const uint64_t first = t->step * (uint64_t)o->batch_size;
    const float share = (float)(1.0 / o->batch_size);
    double sum = 0.0;
    for (int i = 0; i < t->weights_count; i++)
        weights_zero_grad(t->weights[i]);
    for (int done = 0; done < o->batch_size; done += o->micro_batch) {
        const int left = o->batch_size - done, count = left < o->micro_batch ? left : o->micro_batch;
        const Status status =
            run_samples(t, t->task->losses, first + (uint64_t)done, count, share, &sum, err);
        if (status != STATUS_OK)
            return status;
    }
    show_gradients(t);
    const double loss = sum / o->batch_size, norm = grad_clip(t->parameters, t->count, o->max_grad_norm);
    if (loss - loss != 0.0 || norm - norm != 0.0)
        return error_set(err, STATUS_NOT_FINITE, "training %s: step %llu has loss %g and gradient norm %g",
                         t->task->name, (unsigned long long)t->step, loss, norm);
    const double lr = o->lr * lr_factor(&o->schedule, (int64_t)t->step);
    optimizer_step(&t->optimizer, lr);
    if (t->task->after_step != NULL)
        t->task->after_step(t->task->self);
    ema_update(&t->ema);
    t->step++;
    *report = (TrainReport){.step = t->step, .loss = loss, .grad_norm = norm, .lr = lr};
    return STATUS_OK;
}

Status trainer_held_out(Trainer *t, double *loss, Error *err)
{
    double sum = 0.0;
    for (int done = 0; done < t->options.held_out; done += t->options.micro_batch) {
        const int left = t->options.held_out - done;
        const int count = left < t->options.micro_batch ? left : t->options.micro_batch;
        const Status status = run_samples(t, t->task->held_out, (uint64_t)done, count, 0.0f, &sum, err);
        if (status != STATUS_OK)
            return status;
    }
    *loss = t->options.held_out > 0 ? sum / t->options.held_out : 0.0;
    return STATUS_OK;
}

Status trainer_measure(Trainer *t, double *loss, Error *err)
{
    trainer_swap_ema(t);
    const Status status = trainer_held_out(t, loss, err);
    if (status == STATUS_OK)
        early_stop_note(&t->stop, *loss, t->step);
    trainer_swap_ema(t);
    return status;
}

void trainer_swap_ema(Trainer *t)
{
    ema_swap(&t->ema);
}

/* Binary32 as files hold them: little-endian, one NaN. */
static void hash_floats(Sha256 *sha, const float *x, size_t n)
{
    for (size_t i = 0; x != NULL && i < n; i++) {
        unsigned char bytes[4];
        le32_put(bytes, x[i] == x[i] ? float_bits(x[i]) : 0x7fc00000u);
        sha256_add(sha, bytes, sizeof bytes);
    }
}

void trainer_hash(const Trainer *t, char hex[65])
{
    Sha256 sha = sha256_begin();
    unsigned char step[8];
    le64_put(step, t->step);
    sha256_add(&sha, step, sizeof step);
    for (size_t i = 0; i < t->count; i++) {
        const size_t n = tensor_count(t->parameters[i]);
        hash_floats(&sha, t->parameters[i]->data, n);
        hash_floats(&sha, t->optimizer.first != NULL ? t->optimizer.first[i] : NULL, n);
        hash_floats(&sha, t->optimizer.second != NULL ? t->optimizer.second[i] : NULL, n);
        hash_floats(&sha, t->ema.shadow[i], n);
        hash_floats(&sha, t->stop.patience > 0 ? t->stop.kept.shadow[i] : NULL, n);
    }
    sha256_end_hex(hex, &sha);
}
