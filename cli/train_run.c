#include "cli/train_run.h"

#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/progress.h"
#include "cli/train_log.h"
#include "diffusion/train_state.h"

/* One run's files and measurements. */
typedef struct {
    TrainRun *run;
    TrainLog log;
    Progress progress;
    double before; /* seconds of the sessions before a resume */
    Arena scratch;
    const char *state, *csv, *svg;
} Session;

static const char *in_folder(Session *s, const char *name)
{
    return path_join(&s->run->command->arena, s->run->folder, name);
}

static bool due(uint64_t step, uint64_t every, uint64_t last)
{
    return every != 0 && (step % every == 0 || step == last);
}

/* The row's held-out loss and what else the part measures; NAN where nothing is. */
static Status measure_held_out(Session *s, TrainRow *row, Error *err)
{
    Trainer *t = s->run->trainer;
    if (t->options.held_out == 0)
        return STATUS_OK;
    Status status = trainer_measure(t, &row->held_out, err);
    if (status != STATUS_OK || s->run->measures.names == NULL)
        return status;
    trainer_swap_ema(t);
    status = s->run->measures.measure(s->run->self, row->measured, &s->scratch, err);
    trainer_swap_ema(t);
    arena_free(&s->scratch);
    return status;
}

static TrainRow empty_row(void)
{
    TrainRow row = {.loss = NAN, .held_out = NAN, .grad_norm = NAN, .lr = NAN};
    for (int k = 0; k < TRAIN_MEASURES; k++)
        row.measured[k] = NAN;
    return row;
}

static Status write_sheet(Session *s, Error *err)
{
    char name[64];
    Trainer *t = s->run->trainer;
    if (s->run->sheet == NULL)
        return STATUS_OK;
    snprintf(name, sizeof name, "sheet_%07llu.png", (unsigned long long)t->step);
    const char *path = in_folder(s, name);
    if (path == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a file name");
    trainer_swap_ema(t);
    const Status status = s->run->sheet(s->run->self, path, &s->scratch, err);
    trainer_swap_ema(t);
    arena_free(&s->scratch);
    if (status == STATUS_OK)
        result_file_quietly(&s->run->command->result, path);
    return status;
}

static Status save_state(Session *s, Error *err)
{
    Status status = train_state_save(s->run->trainer, s->run->recipe->hash, s->state, &s->scratch, err);
    if (status == STATUS_OK)
        status = train_log_write(&s->log, s->csv, &s->scratch, err);
    if (status == STATUS_OK && s->log.count > 1)
        status = train_log_plot(&s->log, s->run->trainer->task->name, s->svg, &s->scratch, err);
    arena_free(&s->scratch);
    const char *const files[] = {s->state, s->csv, s->svg};
    for (int i = 0; i < 3 && status == STATUS_OK; i++)
        if (i < 2 || s->log.count > 1)
            result_file_quietly(&s->run->command->result, files[i]);
    return status;
}

/* What is due after the step just done, beside the log's row. */
static Status after_step(Session *s, const TrainReport *report, Error *err)
{
    const Recipe *recipe = s->run->recipe;
    const uint64_t last = recipe->train.max_train_steps;
    char note[120], measured[40] = "";
    TrainRow row = empty_row();
    row.step = report->step;
    row.loss = report->loss;
    row.grad_norm = report->grad_norm;
    row.lr = report->lr;
    Status status = STATUS_OK;
    if (due(report->step, recipe->held_out_every, last))
        status = measure_held_out(s, &row, err);
    row.seconds = s->before + progress_seconds(&s->progress);
    if (status == STATUS_OK)
        status = train_log_add(&s->log, row, err);
    if (row.held_out == row.held_out)
        snprintf(measured, sizeof measured, "  held-out %.5f", row.held_out);
    snprintf(note, sizeof note, "loss %.5f%s  %.0f MiB", report->loss, measured,
             (double)s->run->command->memory.peak / 1048576.0);
    progress_show(&s->progress, report->step, last, note, report->step % 50 == 0 || report->step == last);
    if (status == STATUS_OK && due(report->step, recipe->sample_every, last))
        status = write_sheet(s, err);
    if (status == STATUS_OK && due(report->step, recipe->save_every, last))
        status = save_state(s, err);
    return status;
}

/* The log up to the saved step.  The state alone decides the bits: without the log the run goes on with a new one. */
static Status read_log(Session *s, Error *err)
{
    const uint64_t step = s->run->trainer->step;
    Status status = STATUS_OK;
    if (file_exists(s->csv))
        status = train_log_read(&s->log, s->csv, step, err);
    else if (!s->run->command->quiet)
        fprintf(stderr, "ldm99: %s is missing: a new one begins at step %llu\n", s->csv,
                (unsigned long long)step);
    TrainRow row = empty_row();
    row.step = step;
    return status == STATUS_OK && s->log.count == 0 && step > 0 ? train_log_add(&s->log, row, err) : status;
}

static Status begin(Session *s, Error *err)
{
    TrainRun *run = s->run;
    Trainer *t = run->trainer;
    s->log.arena = &run->command->arena;
    s->log.measures = run->measures.names;
    s->state = in_folder(s, "state.safetensors");
    s->csv = in_folder(s, "log.csv");
    s->svg = in_folder(s, "loss.svg");
    if (s->state == NULL || s->csv == NULL || s->svg == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for file names");
    Status status = folder_make(run->folder, err);
    if (status == STATUS_OK && run->resume) {
        status = train_state_load(t, run->recipe->hash, s->state, &s->scratch, err);
        if (status == STATUS_OK)
            status = read_log(s, err);
        s->before = s->log.count > 0 ? s->log.rows[s->log.count - 1].seconds : 0.0;
        arena_free(&s->scratch);
    } else if (status == STATUS_OK && file_exists(s->state)) {
        status = error_set(err, STATUS_ARGUMENT,
                           "%s: a run is there already; give --resume or another --output", s->state);
    }
    if (status != STATUS_OK || t->step > 0)
        return status;
    TrainRow row = empty_row();
    status = measure_held_out(s, &row, err);
    if (status == STATUS_OK)
        status = train_log_add(&s->log, row, err);
    if (status == STATUS_OK && run->recipe->sample_every != 0)
        status = write_sheet(s, err);
    return status;
}

/* What the run came to, on stdout. */
static void report(Session *s, bool whole)
{
    Trainer *t = s->run->trainer;
    char hash[65];
    const TrainRow *row = &s->log.rows[s->log.count - 1];
    Result *r = &s->run->command->result;
    trainer_hash(t, hash);
    json_write_uint64(&r->json, "steps", t->step);
    json_write_bool(&r->json, "finished", whole);
    json_write_number(&r->json, "loss", row->loss);
    json_write_number(&r->json, "held_out", row->held_out);
    for (int k = 0; s->run->measures.names != NULL && s->run->measures.names[k] != NULL; k++) {
        json_write_number(&r->json, s->run->measures.names[k], row->measured[k]);
        result_line(r, "held-out %s %.4f\n", s->run->measures.names[k], row->measured[k]);
    }
    json_write_number(&r->json, "training_seconds", floor(row->seconds * 10.0) / 10.0);
    json_write_text(&r->json, "state_sha256", hash);
    json_write_text(&r->json, "folder", s->run->folder);
    result_line(r, "%s: %llu steps in %.0f s, loss %.6f, held-out loss %.6f\n", t->task->name,
                (unsigned long long)t->step, row->seconds, row->loss, row->held_out);
    if (t->stop.patience > 0) {
        json_write_uint64(&r->json, "best_step", t->stop.step);
        json_write_number(&r->json, "best_held_out", t->stop.loss);
        result_line(r, "least held-out loss %.6f after step %llu%s\n", t->stop.loss,
                    (unsigned long long)t->stop.step, whole ? ": the model is of then" : "");
    }
    if (!whole)
        result_line(r, "paused: --resume goes on\n");
    result_line(r, "state sha256 %s\n", hash);
    result_line(r, "peak memory %.1f MiB\n", (double)s->run->command->memory.peak / 1048576.0);
}

static void swap_saved(Trainer *t)
{
    if (t->stop.patience > 0)
        early_stop_swap(&t->stop);
    else
        trainer_swap_ema(t);
}

/* The state, and with `whole` the model. */
static Status finish(Session *s, bool whole, Error *err)
{
    Trainer *t = s->run->trainer;
    Status status = save_state(s, err);
    swap_saved(t);
    if (status == STATUS_OK && whole)
        status = s->run->save(s->run->self, s->run->folder, &s->scratch, err);
    swap_saved(t);
    if (status == STATUS_OK)
        report(s, whole);
    return status;
}

/* All steps are done, or no more of them help. */
static bool done(const TrainRun *run)
{
    return run->trainer->step >= run->recipe->train.max_train_steps || early_stop_due(&run->trainer->stop);
}

static bool paused(const TrainRun *run)
{
    return run->stop_at != 0 && run->trainer->step >= run->stop_at;
}

static Status one_step(Session *s, Error *err)
{
    TrainRun *run = s->run;
    Trainer *t = run->trainer;
    TrainReport report;
    if (run->dump != NULL) {
        t->watch = &run->dump->watch;
        dump_scope(run->dump, "step.%06llu", (unsigned long long)t->step + 1);
    }
    Status status = trainer_step(t, &report, err);
    if (status == STATUS_OK)
        status = after_step(s, &report, err);
    if (status != STATUS_OK || !interrupted() || done(run))
        return status;
    status = save_state(s, err);
    return status == STATUS_OK ? error_set(err, STATUS_INTERRUPTED,
                                           "train %s: stopped and saved after step %llu; --resume goes on",
                                           t->task->name, (unsigned long long)t->step)
                               : status;
}

Status train_run(TrainRun *run, Error *err)
{
    Session s = {.run = run, .scratch = {.account = &run->command->memory}};
    Trainer *t = run->trainer;
    interrupts_watch();
    Status status = begin(&s, err);
    s.progress = progress_begin(t->task->name, run->command->quiet, t->step);
    while (status == STATUS_OK && !done(run) && !paused(run))
        status = one_step(&s, err);
    progress_end(&s.progress);
    if (status == STATUS_OK)
        status = finish(&s, done(run), err);
    arena_free(&s.scratch);
    return status;
}
