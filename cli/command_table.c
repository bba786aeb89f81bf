/* cli/command_table.c - tables of measurements, made again. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/doodl_table.h"
#include "cli/judge_table.h"

static const char *number_text(char text[24], double x, RowUnit unit)
{
    if (!(x == x))
        snprintf(text, 24, "-");
    else if (unit == ROW_PERCENT)
        snprintf(text, 24, "%.1f%%", 100.0 * x);
    else
        snprintf(text, 24, unit == ROW_DECIBEL ? "%.2f dB" : "%.3f", x);
    return text;
}

static void write_number(JsonWriter *w, const char *key, double x)
{
    if (x == x)
        json_write_number(w, key, x);
    else
        json_write_null(w, key);
}

static void print_rows(const JudgeTable *t)
{
    Result *r = &t->command->result;
    JsonWriter *w = &r->json;
    char made[24], coded[24], real[24];
    result_line(r, "| what is measured | of | model | real ones, coded | real ones | wanted |\n");
    result_line(r, "|---|---|---|---|---|---|\n");
    json_begin_array(w, "rows");
    for (int i = 0; i < t->rows; i++) {
        const JudgeRow *row = &t->row[i];
        result_line(r, "| %s | %d | %s | %s | %s | %s |\n", row->name, row->count,
                    number_text(made, row->made, row->unit), number_text(coded, row->coded, row->unit),
                    number_text(real, row->real, row->unit), row->wanted);
        json_begin_object(w, NULL);
        json_write_text(w, "name", row->name);
        json_write_int(w, "count", row->count);
        write_number(w, "model", row->made);
        write_number(w, "coded", row->coded);
        write_number(w, "real", row->real);
        json_write_text(w, "wanted", row->wanted);
        json_end(w);
    }
    json_end(w);
}

/* What decides the numbers. */
static void write_settings(JudgeTable *t)
{
    JsonWriter *w = &t->command->result.json;
    json_write_text(w, "model", t->model.folder);
    json_write_text(w, "judge", t->has_judge ? t->judge_path : "");
    json_write_text(w, "segmentation", t->has_segmenter ? t->segmentation_path : "");
    json_write_text(w, "clip", t->has_clip ? t->clip_path : "");
    json_write_int(w, "count", t->count);
    json_write_int(w, "steps", t->steps);
    json_write_number(w, "cfg-scale", t->guidance);
    json_write_uint64(w, "seed", t->seed);
}

/* What both tables take is taken from the options of `world`. */
static Status run_doodl(DoodlTable *d, const JudgeTable *t, Error *err)
{
    d->command = t->command;
    d->model = t->model;
    d->world_path = t->world_path;
    d->count = t->count;
    d->steps = t->steps;
    d->guidance = t->guidance;
    d->seed = t->seed;
    const Status status = doodl_table(d, err);
    if (status == STATUS_OK)
        report_memory(t->command);
    return status;
}

static Status run(JudgeTable *t, DoodlTable *d, Error *err)
{
    const char *topic = t->command->options.words[0];
    if (strcmp(topic, "doodl") == 0)
        return run_doodl(d, t, err);
    if (strcmp(topic, "world") != 0)
        return error_set(err, STATUS_ARGUMENT, "table: unknown topic \"%.40s\", expected world or doodl",
                         topic);
    const Status status = judge_table_measure(t, err);
    if (status != STATUS_OK)
        return status;
    write_settings(t);
    print_rows(t);
    report_memory(t->command);
    return STATUS_OK;
}

int command_table(int argc, char **argv)
{
    Command command = {.error = {.status = STATUS_OK}};
    static JudgeTable t;
    static DoodlTable d;
    d = (DoodlTable){.seeds = 2,
                     .updates = 20,
                     .mix = 0.83,
                     .class_scale = 1.0,
                     .class_clip = 0.03,
                     .text_clip = 0.01,
                     .class_guide = 1.0,
                     .text_guide = 5.0};
    t = (JudgeTable){.command = &command, .count = 200, .steps = 25, .guidance = 4.0, .seed = 1};
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', "model-path", &t.model.folder, 0, 0, "FOLDER",
         "model folder in the diffusers layout; the shipped one when left out"},
        {OPTION_TEXT, "data", 0, "world", &t.world_path, 0, 0, "FOLDER",
         "folder of the picture world; the shipped one when left out"},
        {OPTION_TEXT, "judge", 0, NULL, &t.judge_path, 0, 0, "FOLDER",
         "classifier of things and styles; the shipped one when left out"},
        {OPTION_TEXT, "segmentation", 0, NULL, &t.segmentation_path, 0, 0, "FOLDER",
         "segmentation network; the shipped one when left out"},
        {OPTION_TEXT, "clip", 0, NULL, &t.clip_path, 0, 0, "FOLDER", "CLIP; the shipped one when left out"},
        {OPTION_INT, "count", 'n', NULL, &t.count, 4, 10000, NULL,
         "single things of each of two kinds; half as many scenes"},
        {OPTION_INT, "steps", 0, "num-inference-steps", &t.steps, 1, 1000, NULL, "denoising steps"},
        {OPTION_NUMBER, "cfg-scale", 0, "guidance-scale", &t.guidance, 0, 1000, NULL,
         "classifier-free guidance"},
        {OPTION_SEED, "seed", 's', NULL, &t.seed, 0, 0, NULL, "of the first picture"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Option doodl[] = {
        {OPTION_INT, "seeds", 0, NULL, &d.seeds, 1, DOODL_TABLE_SEEDS, NULL, "doodl: runs of everything"},
        {OPTION_INT, "updates", 0, NULL, &d.updates, 1, 100000, NULL, "doodl: of each noise"},
        {OPTION_NUMBER, "mix-weight", 0, NULL, &d.mix, 0, 1, NULL, "doodl: p of the pair of latents"},
        {OPTION_NUMBER, "class-scale", 0, NULL, &d.class_scale, 0, 0, NULL, "doodl: lambda, classes"},
        {OPTION_NUMBER, "class-clip", 0, NULL, &d.class_clip, 0, 1e30, NULL, "doodl: limit, classes"},
        {OPTION_NUMBER, "text-clip", 0, NULL, &d.text_clip, 0, 1e30, NULL, "doodl: limit, prompts"},
        {OPTION_NUMBER, "class-guide", 0, NULL, &d.class_guide, 0, 0, NULL,
         "doodl: lambda of one-step guidance, classes"},
        {OPTION_NUMBER, "text-guide", 0, NULL, &d.text_guide, 0, 0, NULL,
         "doodl: lambda of one-step guidance, prompts"},
        {OPTION_TEXT, "csv", 0, NULL, &d.csv, 0, 0, "FILE", "doodl: also the numbers alone"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "table",
                           .usage = "world|doodl",
                           .tables = {NULL, doodl},
                           .words_low = 1,
                           .words_high = 1,
                           .about =
                               "Measures a model on the picture world and prints the table (Markdown)."};
    if (command_begin(&command, &about, own, argc, argv)) {
        const Status status = run(&t, &d, &command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&command);
}
