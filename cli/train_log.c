#include "cli/train_log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "io/svg_plot.h"

static const char *const COMMON = "step,loss,held_out_loss,grad_norm,lr,seconds";
enum { COMMON_COLUMNS = 6, COLUMNS = COMMON_COLUMNS + TRAIN_MEASURES };

static int measures(const TrainLog *log)
{
    int count = 0;
    while (log->measures != NULL && count < TRAIN_MEASURES && log->measures[count] != NULL)
        count++;
    return count;
}

/* The first line of the file, with its end. */
static void add_header(Bytes *out, const TrainLog *log)
{
    bytes_add_text(out, COMMON);
    for (int i = 0; i < measures(log); i++)
        bytes_add_format(out, ",%s", log->measures[i]);
    bytes_add_byte(out, '\n');
}

Status train_log_add(TrainLog *log, TrainRow row, Error *err)
{
    if (log->count == log->room) {
        const size_t room = log->room < 64 ? 256 : log->room * 2;
        TrainRow *rows = arena_raw(log->arena, room, sizeof *rows);
        if (rows == NULL)
            return error_set(err, STATUS_MEMORY, "no memory for %zu rows of the log", room);
        if (log->count > 0)
            memcpy(rows, log->rows, log->count * sizeof *rows);
        log->rows = rows;
        log->room = room;
    }
    log->rows[log->count++] = row;
    return STATUS_OK;
}

static void add_cell(Bytes *out, double x, char end)
{
    char text[32] = "";
    if (x == x)
        decimal_write(text, x);
    bytes_add_text(out, text);
    bytes_add_byte(out, (unsigned char)end);
}

Status train_log_write(const TrainLog *log, const char *path, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Bytes out = {.arena = scratch};
    const int extra = measures(log);
    add_header(&out, log);
    for (size_t i = 0; i < log->count; i++) {
        const TrainRow *r = &log->rows[i];
        add_cell(&out, (double)r->step, ',');
        add_cell(&out, r->loss, ',');
        add_cell(&out, r->held_out, ',');
        add_cell(&out, (double)(float)r->grad_norm, ',');
        add_cell(&out, r->lr, ',');
        add_cell(&out, floor(r->seconds * 10.0) / 10.0, extra > 0 ? ',' : '\n');
        for (int k = 0; k < extra; k++)
            add_cell(&out, r->measured[k], k + 1 < extra ? ',' : '\n');
    }
    Status status = STATUS_OK;
    if (out.failed)
        status = error_set(err, STATUS_MEMORY, "%s: no memory for the log", path);
    else
        status = file_write(path, out.data, out.size, err);
    arena_release(scratch, mark);
    return status;
}

/* One line into cells; an empty cell is NAN.  Returns the start of the next line, NULL on a bad cell. */
static const char *read_line(double cell[COLUMNS], int columns, const char *p)
{
    for (int i = 0; i < columns; i++) {
        size_t used = 0;
        cell[i] = NAN;
        if (*p != ',' && *p != '\n' && !decimal_read(&cell[i], p, strlen(p), &used))
            return NULL;
        p += used;
        if (*p++ != (i + 1 < columns ? ',' : '\n'))
            return NULL;
    }
    return p;
}

Status train_log_read(TrainLog *log, const char *path, uint64_t step, Error *err)
{
    Bytes text, header = {.arena = log->arena};
    const int extra = measures(log);
    add_header(&header, log);
    Status status = header.failed ? error_set(err, STATUS_MEMORY, "%s: no memory to read the log", path)
                                  : file_read(&text, path, log->arena, err);
    if (status != STATUS_OK)
        return status;
    const char *p = (const char *)text.data;
    if (text.size < header.size || memcmp(p, header.data, header.size) != 0)
        return error_set(err, STATUS_FORMAT, "%s: is not the log of a training run of this kind", path);
    p += header.size;
    for (int line = 2; *p != '\0' && status == STATUS_OK; line++) {
        double cell[COLUMNS];
        p = read_line(cell, COMMON_COLUMNS + extra, p);
        if (p == NULL)
            return error_set(err, STATUS_FORMAT, "%s: line %d is not a row of the log", path, line);
        TrainRow row = {(uint64_t)cell[0], cell[1], cell[2], cell[3], cell[4], cell[5], {0}};
        memcpy(row.measured, cell + COMMON_COLUMNS, (size_t)extra * sizeof *cell);
        if (row.step <= step)
            status = train_log_add(log, row, err);
    }
    return status;
}

/* Means of the loss over runs of `width` steps, which a person can read where single steps are noise. */
static size_t smoothed(const TrainLog *log, double *x, double *y, size_t width)
{
    size_t n = 0;
    for (size_t first = 1; first < log->count; first += width) {
        const size_t end = first + width < log->count ? first + width : log->count;
        double sum = 0.0, steps = 0.0;
        for (size_t i = first; i < end; i++) {
            sum += log->rows[i].loss;
            steps += (double)log->rows[i].step;
        }
        x[n] = steps / (double)(end - first);
        y[n++] = sum / (double)(end - first);
    }
    return n;
}

Status train_log_plot(const TrainLog *log, const char *title, const char *path, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    double *x = arena_raw(scratch, 4 * (log->count + 1), sizeof *x);
    if (x == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for the plot", path);
    double *y = x + log->count + 1, *held_x = y + log->count + 1, *held_y = held_x + log->count + 1;
    const size_t width = log->count / 200 + 1, points = smoothed(log, x, y, width);
    size_t held = 0;
    for (size_t i = 0; i < log->count; i++)
        if (log->rows[i].held_out == log->rows[i].held_out) {
            held_x[held] = (double)log->rows[i].step;
            held_y[held++] = log->rows[i].held_out;
        }
    const PlotSeries series[2] = {{.label = "training (means)", .x = x, .y = y, .count = points},
                                  {.label = "held out, averaged weights",
                                   .x = held_x,
                                   .y = held_y,
                                   .count = held,
                                   .style = PLOT_LINE_AND_MARKS}};
    char text[120];
    snprintf(text, sizeof text, "Training %s", title);
    const PlotOptions options = {.title = text, .x_label = "step", .y_label = "loss", .log_y = true};
    const Status status = svg_plot_write(path, series, held > 0 ? 2 : 1, &options, scratch, err);
    arena_release(scratch, mark);
    return status;
}
