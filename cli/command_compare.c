/* cli/command_compare.c - where two files of tensors, two pictures or two dumps differ. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/common.h"
#include "cli/dump_index.h"
#include "cli/picture_pair.h"
#include "cli/tensor_difference.h"

typedef struct {
    Command command;
    double tolerance;
    size_t tensors, different, missing;
    double worst;
    const char *first; /* the first beyond the tolerance or without a match; NULL: none yet */
    bool dumps;        /* equal stages, which are many, get no row */
} Compare;

static void begin_row(Compare *c, const char *name, const char *verdict)
{
    JsonWriter *w = &c->command.result.json;
    json_begin_object(w, NULL);
    json_write_text(w, "name", name);
    json_write_text(w, "verdict", verdict);
}

/* A tensor that has no match in the other file. */
static void report_missing(Compare *c, const char *name, const char *verdict)
{
    c->missing++;
    result_line(&c->command.result, "%-48s %s%s\n", name, verdict,
                c->first == NULL ? "  <- first that differs" : "");
    c->first = c->first != NULL ? c->first : name;
    begin_row(c, name, verdict);
    json_end(&c->command.result.json);
}

/* What people read of a tensor that differs.  Levels of pictures and whole numbers have no ulps. */
static void print_difference(const Result *r, const NamedTensor *a, const Difference *d,
                             const char *metrics, bool is_first)
{
    char place[160], steps[100] = "", first[60] = "";
    if (has_ulps(a))
        snprintf(steps, sizeof steps, ", max ulp %llu", (unsigned long long)d->most_ulps);
    if (has_ulps(a) && d->other_signs > 0)
        snprintf(steps + strlen(steps), sizeof steps - strlen(steps), " and %zu of other signs",
                 d->other_signs);
    if (has_ulps(a) && signs_differ(d->a, d->b))
        snprintf(first, sizeof first, ", other signs");
    else if (has_ulps(a))
        snprintf(first, sizeof first, ", %llu ulp", (unsigned long long)d->ulps);
    place_text(place, a, d->first);
    result_line(r, "%-48s max abs %.9g%s%s, %zu of %zu numbers%s%s\n", a->name, d->largest,
                a->picture ? " levels" : "", steps, d->different, d->count, metrics,
                is_first ? "  <- first that differs" : "");
    result_line(r, "%-48s first at %s: %.9g and %.9g%s\n", "", place, (double)d->a, (double)d->b, first);
}

/* PSNR and SSIM of pictures, as members and as text; those that a picture is too small for are left out. */
static Status add_metrics(char text[100], Compare *c, const NamedTensor *a, const NamedTensor *b,
                          Error *err)
{
    static const PairMetric *const METRICS[] = {&METRIC_PSNR, &METRIC_SSIM};
    PicturePair pair;
    Arena *arena = &c->command.arena;
    const ArenaMark mark = arena_mark(arena);
    Status status = picture_pair(&pair, a, b, 0.0, arena, err);
    for (int i = 0; status == STATUS_OK && i < 2; i++) {
        const PairMetric *m = METRICS[i];
        Error small = {0};
        double value;
        const Status measured = m->measure(&value, &pair, arena, &small);
        if (measured == STATUS_SHAPE)
            continue;
        if (measured != STATUS_OK)
            return error_set(err, measured, "%s", small.text);
        json_write_number(&c->command.result.json, m->name, value);
        snprintf(text + strlen(text), 100 - strlen(text), i == 0 ? ", PSNR %.2f dB" : ", SSIM %.4f", value);
    }
    arena_release(arena, mark);
    return status;
}

static Status report(Compare *c, const NamedTensor *a, const NamedTensor *b, Error *err)
{
    char metrics[100] = "";
    const Difference d = tensor_difference(a, b);
    const bool beyond = parts(&d, c->tolerance), is_first = c->first == NULL && beyond;
    const char *verdict = d.different == 0 ? "equal" : beyond ? "differs" : "within";
    c->first = is_first ? a->name : c->first;
    c->tensors++;
    c->worst = d.largest > c->worst ? d.largest : c->worst;
    c->different += beyond;
    if (c->dumps && d.different == 0)
        return STATUS_OK;
    begin_row(c, a->name, verdict);
    difference_write(&c->command.result.json, a, &d);
    const Status status = a->picture && b->picture ? add_metrics(metrics, c, a, b, err) : STATUS_OK;
    json_end(&c->command.result.json);
    if (d.different > 0)
        print_difference(&c->command.result, a, &d, metrics, is_first);
    else if (!c->command.quiet)
        result_line(&c->command.result, "%-48s equal\n", a->name);
    return status;
}

static Status compare_files(Compare *c, const char *path_a, const char *path_b, Error *err)
{
    TensorFile a, b;
    Status status = tensor_file_read(&a, path_a, &c->command.arena, err);
    if (status == STATUS_OK)
        status = tensor_file_read(&b, path_b, &c->command.arena, err);
    if (status != STATUS_OK)
        return status;
    const bool only_one = a.count == 1 && b.count == 1; /* names do not matter then */
    for (size_t i = 0; status == STATUS_OK && i < a.count; i++) {
        const NamedTensor *x = &a.tensors[i], *y = only_one ? &b.tensors[0] : tensor_file_find(&b, x->name);
        if (y == NULL || !same_shape(x, y)) {
            report_missing(c, x->name, y == NULL ? "is only in the first" : "has another shape");
            continue;
        }
        status = report(c, x, y, err);
    }
    for (size_t i = 0; !only_one && i < b.count; i++)
        if (tensor_file_find(&a, b.tensors[i].name) == NULL)
            report_missing(c, b.tensors[i].name, "is only in the second");
    return status;
}

/* One stage of two dumps. */
static Status compare_stage(Compare *c, const DumpStage *a, const DumpStage *b, Error *err)
{
    Arena *arena = &c->command.arena;
    TensorFile x, y;
    const ArenaMark mark = arena_mark(arena);
    Status status = tensor_file_read(&x, a->path, arena, err);
    if (status == STATUS_OK)
        status = tensor_file_read(&y, b->path, arena, err);
    if (status != STATUS_OK)
        return status;
    if (x.count != 1 || y.count != 1)
        return error_set(err, STATUS_FORMAT, "%s: expected one tensor", x.count != 1 ? a->path : b->path);
    x.tensors[0].name = a->name;
    if (same_shape(&x.tensors[0], &y.tensors[0]))
        status = report(c, &x.tensors[0], &y.tensors[0], err);
    else
        report_missing(c, a->name, "has another shape");
    arena_release(arena, mark);
    return status;
}

/* Stage after stage in the order of the first run. */
static Status compare_dumps(Compare *c, const char *folder_a, const char *folder_b, Error *err)
{
    DumpIndex a, b;
    Status status = dump_index_read(&a, folder_a, &c->command.arena, err);
    if (status == STATUS_OK)
        status = dump_index_read(&b, folder_b, &c->command.arena, err);
    c->dumps = true;
    for (size_t i = 0; status == STATUS_OK && i < a.count; i++) {
        const DumpStage *match = dump_stage(&b, i, a.stage[i].name);
        if (match != NULL)
            status = compare_stage(c, &a.stage[i], match, err);
        else
            report_missing(c, a.stage[i].name, "is only in the first");
    }
    for (size_t i = 0; status == STATUS_OK && i < b.count; i++)
        if (dump_stage(&a, i, b.stage[i].name) == NULL)
            report_missing(c, b.stage[i].name, "is only in the second");
    if (status == STATUS_OK && c->first == NULL)
        result_line(&c->command.result, "%zu stage%s, none differs\n", c->tensors,
                    c->tensors == 1 ? "" : "s");
    return status;
}

static Status run(Compare *c, Error *err)
{
    const char *const *words = c->command.options.words;
    JsonWriter *w = &c->command.result.json;
    json_write_text(w, "a", words[0]);
    json_write_text(w, "b", words[1]);
    json_write_number(w, "tolerance", c->tolerance);
    json_begin_array(w, "rows");
    const bool dumps = is_dump(words[0]) && is_dump(words[1]);
    const Status status =
        dumps ? compare_dumps(c, words[0], words[1], err) : compare_files(c, words[0], words[1], err);
    json_end(w);
    if (status != STATUS_OK)
        return status;
    json_write_uint64(w, "tensors", c->tensors);
    json_write_uint64(w, "different", c->different);
    json_write_uint64(w, "missing", c->missing);
    json_write_number(w, "max_abs", c->worst);
    if (c->first != NULL)
        json_write_text(w, "first_different", c->first);
    else
        json_write_null(w, "first_different");
    if (c->different > 0 || c->missing > 0)
        return error_set(err, STATUS_DIFFERENT,
                         "compare: %zu of %zu %s%s by more than %g, %zu without a match%s%s", c->different,
                         c->tensors, c->dumps ? "stage" : "tensor",
                         c->tensors == 1 ? " differs" : "s differ", c->tolerance, c->missing,
                         c->first[0] != '\0' ? "; the first is " : "", c->first);
    return STATUS_OK;
}

int command_compare(int argc, char **argv)
{
    Compare c = {.tolerance = 0.0};
    const Option own[] = {
        {OPTION_NUMBER, "tolerance", 0, "atol", &c.tolerance, 0, 1e30, NULL,
         "largest difference that counts as equal; 0: every bit counts, also a zero's sign"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {
        .command = "compare",
        .usage = "A B",
        .words_low = 2,
        .words_high = 2,
        .about = "Where two tensor files (.npy, .npz, .safetensors), pictures or dumps differ; exit 4 when "
                 "they do."};
    if (command_begin(&c.command, &about, own, argc, argv)) {
        const Status status = run(&c, &c.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&c.command);
}
