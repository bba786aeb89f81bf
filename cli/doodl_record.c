#include "cli/doodl_record.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "io/csv.h"
#include "io/png.h"
#include "io/safetensors.h"
#include "io/sheet.h"
#include "io/svg_plot.h"

enum { STRIP = 10, STATE_ARRAYS = 3 };

static Status no_memory(Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory for the log of the run");
}

Status doodl_record_begin(DoodlRecord *out, const char *folder, const char *request, int every, int updates,
                          int height, int width, Arena *arena, Error *err)
{
    DoodlRecord r = {
        .folder = folder, .request = request, .every = every, .height = height, .width = width};
    r.arena = arena;
    r.room = updates + 1;
    r.kept_room = every > 0 ? updates / every + 2 : 2;
    r.row = arena_alloc(arena, (size_t)r.room, sizeof *r.row);
    r.picture = arena_alloc(arena, (size_t)r.kept_room, sizeof *r.picture);
    r.picture_update = arena_alloc(arena, (size_t)r.kept_room, sizeof *r.picture_update);
    if (r.row == NULL || r.picture == NULL || r.picture_update == NULL)
        return no_memory(err);
    *out = r;
    return folder != NULL ? folder_make(folder, err) : STATUS_OK;
}

/* ---- state ---- */

static Status read_array(const void *context, void *out, uint64_t first, size_t count, Error *err)
{
    (void)err;
    memcpy(out, (const double *)context + first, count * sizeof(double));
    return STATUS_OK;
}

/* The arrays that are a run's state. */
static void state_arrays(const DoodlRun *run, const char *name[STATE_ARRAYS], double *data[STATE_ARRAYS],
                         size_t size[STATE_ARRAYS])
{
    name[0] = "x", data[0] = run->z.x, size[0] = run->n;
    name[1] = "y", data[1] = run->z.y, size[1] = run->n;
    name[2] = "momentum", data[2] = run->update.b, size[2] = 2 * run->n;
}

static Status save_state(const DoodlRecord *r, const DoodlRun *run, Error *err)
{
    const char *name[STATE_ARRAYS];
    double *data[STATE_ARRAYS];
    size_t size[STATE_ARRAYS];
    SafetensorsItem item[STATE_ARRAYS];
    char updates[24], length[DECIMAL_LONGEST];
    state_arrays(run, name, data, size);
    for (int i = 0; i < STATE_ARRAYS; i++)
        item[i] = (SafetensorsItem){.name = name[i],
                                    .dtype = F64,
                                    .rank = 1,
                                    .dim = {size[i]},
                                    .read = read_array,
                                    .context = data[i]};
    snprintf(updates, sizeof updates, "%d", run->update.updates);
    decimal_write(length, run->update.length);
    const char *const metadata[] = {"updates", updates, "length", length, "request", r->request, NULL};
    const char *path = path_join(r->arena, r->folder, "state.safetensors");
    return path != NULL ? safetensors_write(path, item, STATE_ARRAYS, metadata, r->arena, err)
                        : no_memory(err);
}

/* True when all of the text is a number. */
static bool read_number(double *out, const char *text)
{
    size_t used = 0;
    return decimal_read(out, text, strlen(text), &used) && used == strlen(text) && used > 0;
}

Status doodl_record_resume(DoodlRun *run, const char *path, const char *request, Arena *arena, Error *err)
{
    const char *name[STATE_ARRAYS];
    double *data[STATE_ARRAYS];
    size_t size[STATE_ARRAYS];
    Safetensors file;
    Status status = safetensors_open(&file, path, arena, err);
    if (status != STATUS_OK)
        return status;
    const char *updates = safetensors_metadata(&file, "updates");
    const char *length = safetensors_metadata(&file, "length");
    const char *then = safetensors_metadata(&file, "request");
    if (updates == NULL || length == NULL || then == NULL)
        return error_set(err, STATUS_FORMAT, "%s: is not the state of a run of doodl", path);
    if (strcmp(then, request) != 0)
        return error_set(err, STATUS_FORMAT,
                         "%s: was saved by another run: with other options, files or version", path);
    state_arrays(run, name, data, size);
    for (int i = 0; i < STATE_ARRAYS && status == STATUS_OK; i++) {
        const SafetensorsEntry *entry = safetensors_find(&file, name[i]);
        if (entry == NULL || entry->dtype != F64 || safetensors_numbers(entry) != size[i])
            return error_set(err, STATUS_FORMAT, "%s: has no %s of %zu numbers", path, name[i], size[i]);
        status = safetensors_read_raw(data[i], &file, entry, err);
    }
    double done = 0.0, n0 = 0.0;
    if (status == STATUS_OK &&
        !(read_number(&done, updates) && read_number(&n0, length) && done >= 0.0 && done < 1e9))
        return error_set(err, STATUS_FORMAT, "%s: is not the state of a run of doodl", path);
    if (status == STATUS_OK && done > (double)run->options->updates)
        return error_set(err, STATUS_ARGUMENT, "%s: %.0f updates are done, which is more than %d", path,
                         done, run->options->updates);
    run->update.updates = (int)done;
    run->update.length = n0;
    return status;
}

/* ---- pictures ---- */

static Status keep_picture(DoodlRecord *r, const DoodlReport *report, Error *err)
{
    char name[40];
    Image *image = &r->picture[r->kept];
    if (r->kept == r->kept_room)
        return STATUS_OK;
    snprintf(name, sizeof name, "update-%04d.png", report->update);
    const char *path = path_join(r->arena, r->folder, name);
    if (path == NULL)
        return no_memory(err);
    const Status status = image_new(image, r->width, r->height, 3, r->arena, err);
    if (status != STATUS_OK)
        return status;
    image_from_planes(image, report->picture);
    r->picture_update[r->kept++] = report->update;
    return png_write(path, image, NULL, 0, r->arena, err);
}

Status doodl_record_add(DoodlRecord *r, const DoodlReport *report, const DoodlRun *run, bool last,
                        Error *err)
{
    const bool due = r->every > 0 && report->update % r->every == 0;
    Status status = STATUS_OK;
    if (r->count < r->room)
        r->row[r->count++] = *report;
    if (r->folder == NULL)
        return STATUS_OK;
    if (due || last || report->update == 0)
        status = keep_picture(r, report, err);
    if (status == STATUS_OK && r->every > 0 && (run->update.updates % r->every == 0 || last))
        status = save_state(r, run, err);
    return status;
}

/* ---- log, curve, strip ---- */

static Status write_log(const DoodlRecord *r, const char *path, Error *err)
{
    static const char *const HEAD[] = {"update", "loss",     "clipped", "beyond",
                                       "way",    "length_x", "length_y"};
    Bytes text = {.arena = r->arena};
    CsvWriter w = {.out = &text};
    csv_row(&w, HEAD, sizeof HEAD / sizeof HEAD[0]);
    for (int i = 0; i < r->count; i++) {
        const DoodlReport *row = &r->row[i];
        csv_int(&w, row->update);
        csv_number(&w, row->loss);
        csv_number(&w, row->clipped);
        csv_number(&w, row->beyond);
        csv_number(&w, row->way);
        csv_number(&w, row->length[0]);
        csv_number(&w, row->length[1]);
        csv_end_row(&w);
    }
    return text.failed ? no_memory(err) : file_write(path, text.data, text.size, err);
}

static Status write_curve(const DoodlRecord *r, const char *path, Error *err)
{
    double *x = arena_raw(r->arena, 2 * (size_t)r->count, sizeof *x);
    if (x == NULL)
        return no_memory(err);
    double *y = x + r->count;
    for (int i = 0; i < r->count; i++) {
        x[i] = r->row[i].update;
        y[i] = r->row[i].loss;
    }
    const PlotSeries series = {.x = x, .y = y, .count = (size_t)r->count, .style = PLOT_LINE_AND_MARKS};
    const PlotOptions options = {.title = "Loss of the picture, by update of its noise",
                                 .x_label = "updates",
                                 .y_label = "loss of both pictures, times lambda"};
    return svg_plot_write(path, &series, 1, &options, r->arena, err);
}

static Status write_strip(const DoodlRecord *r, const char *path, Error *err)
{
    SheetCell cell[STRIP];
    char caption[STRIP][32];
    Image strip;
    const int count = r->kept < STRIP ? r->kept : STRIP;
    for (int i = 0; i < count; i++) {
        const int at = count > 1 ? i * (r->kept - 1) / (count - 1) : 0;
        snprintf(caption[i], sizeof caption[i], "%d updates", r->picture_update[at]);
        cell[i] = (SheetCell){&r->picture[at], caption[i]};
    }
    const SheetOptions options = {.columns = count};
    const Status status = sheet_make(&strip, cell, count, &options, r->arena, err);
    return status == STATUS_OK ? png_write(path, &strip, NULL, 0, r->arena, err) : status;
}

Status doodl_record_end(const DoodlRecord *r, Result *result, Error *err)
{
    static const char *const NAMES[3] = {"log.csv", "loss.svg", "strip.png"};
    Status (*const WRITE[3])(const DoodlRecord *, const char *, Error *) = {write_log, write_curve,
                                                                            write_strip};
    Status status = STATUS_OK;
    if (r->folder == NULL || r->count == 0 || r->kept == 0)
        return STATUS_OK;
    for (int i = 0; i < 3 && status == STATUS_OK; i++) {
        const char *path = path_join(r->arena, r->folder, NAMES[i]);
        if (path == NULL)
            return no_memory(err);
        status = WRITE[i](r, path, err);
        if (status == STATUS_OK)
            result_file(result, path);
    }
    return status;
}
