/* cli/command_compare.c - where two files of tensors or pictures differ. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/elementary64.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/tensor_file.h"

typedef struct {
    Command command;
    double tolerance;
    size_t tensors, different, missing;
    double worst;
    bool printed_first;
} Compare;

/* Steps between two floats on the line of all floats; NaN against NaN is 0, against a number 2^32 - 1. */
static uint64_t ulps(float a, float b)
{
    const bool nan_a = a != a, nan_b = b != b;
    if (nan_a || nan_b)
        return nan_a && nan_b ? 0 : 0xffffffffu;
    const uint32_t u = float_bits(a), v = float_bits(b);
    const int64_t x = u >> 31 ? -(int64_t)(u & 0x7fffffffu) : (int64_t)u;
    const int64_t y = v >> 31 ? -(int64_t)(v & 0x7fffffffu) : (int64_t)v;
    return (uint64_t)(x > y ? x - y : y - x);
}

typedef struct {
    double largest, squares, range;
    uint64_t most_ulps;
    size_t first, count; /* where the first difference is; SIZE_MAX: none */
} Difference;

static Difference difference(const NamedTensor *a, const NamedTensor *b)
{
    Difference d = {.first = SIZE_MAX, .count = a->count};
    for (size_t i = 0; i < a->count; i++) {
        const double gap = (double)a->data[i] - (double)b->data[i];
        const double size = gap == gap ? fabs(gap) : ulps(a->data[i], b->data[i]) > 0 ? INFINITY : 0.0;
        const uint64_t steps = ulps(a->data[i], b->data[i]);
        if ((steps > 0 || size > 0.0) && d.first == SIZE_MAX)
            d.first = i;
        d.largest = size > d.largest ? size : d.largest;
        d.most_ulps = steps > d.most_ulps ? steps : d.most_ulps;
        d.squares += size * size;
        d.range = fabs((double)a->data[i]) > d.range ? fabs((double)a->data[i]) : d.range;
    }
    return d;
}

/* 10 log10(255^2 / mse), from our own logarithm. */
static double psnr_of(double mse)
{
    return 10.0 * log_f64(255.0 * 255.0 / mse) / log_f64(10.0);
}

static void report(Compare *c, const NamedTensor *a, const Difference *d)
{
    const double mse = d->count > 0 ? d->squares / (double)d->count : 0.0;
    c->tensors++;
    c->worst = d->largest > c->worst ? d->largest : c->worst;
    if (d->largest > c->tolerance)
        c->different++;
    if (c->command.json || (d->first == SIZE_MAX && c->command.quiet))
        return;
    if (d->first == SIZE_MAX) {
        printf("%-48s equal\n", a->name);
        return;
    }
    char psnr[32] = "";
    if (a->picture)
        snprintf(psnr, sizeof psnr, "  PSNR %.2f dB", psnr_of(mse));
    printf("%-48s max abs %.9g, max ulp %llu, first at %zu%s%s\n", a->name, d->largest,
           (unsigned long long)d->most_ulps, d->first, psnr,
           c->printed_first ? "" : "  <- first that differs");
    c->printed_first = true;
}

static const NamedTensor *find(const TensorFile *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

static bool same_shape(const NamedTensor *a, const NamedTensor *b)
{
    bool same = a->rank == b->rank && a->count == b->count;
    for (int i = 0; same && i < a->rank; i++)
        same = a->dim[i] == b->dim[i];
    return same;
}

static Status run(Compare *c, Error *err)
{
    TensorFile a, b;
    const char *const *words = c->command.options.words;
    Status status = tensor_file_read(&a, words[0], &c->command.arena, err);
    if (status == STATUS_OK)
        status = tensor_file_read(&b, words[1], &c->command.arena, err);
    if (status != STATUS_OK)
        return status;
    const bool only_one = a.count == 1 && b.count == 1; /* names do not matter then */
    for (size_t i = 0; i < a.count; i++) {
        const NamedTensor *x = &a.tensors[i], *y = only_one ? &b.tensors[0] : find(&b, x->name);
        if (y == NULL || !same_shape(x, y)) {
            c->missing++;
            printf("%-48s %s\n", x->name, y == NULL ? "is only in the first" : "has another shape");
            continue;
        }
        const Difference d = difference(x, y);
        report(c, x, &d);
    }
    for (size_t i = 0; !only_one && i < b.count; i++)
        if (find(&a, b.tensors[i].name) == NULL) {
            c->missing++;
            printf("%-48s is only in the second\n", b.tensors[i].name);
        }
    if (c->command.json)
        printf("{\"tensors\": %zu, \"different\": %zu, \"missing\": %zu, \"max_abs\": %.17g}\n", c->tensors,
               c->different, c->missing, c->worst);
    if (c->different > 0 || c->missing > 0)
        return error_set(err, STATUS_DIFFERENT,
                         "compare: %zu of %zu tensors differ by more than %g, %zu have no match",
                         c->different, c->tensors, c->tolerance, c->missing);
    return STATUS_OK;
}

int command_compare(int argc, char **argv)
{
    Compare c = {.tolerance = 0.0};
    const Option own[] = {
        {OPTION_NUMBER, "tolerance", 0, "atol", &c.tolerance, 0, 1e30, NULL,
         "largest difference that counts as equal"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {
        .command = "compare",
        .usage = "A B",
        .words_low = 2,
        .words_high = 2,
        .about =
            "Where two tensor files (.npy, .npz, .safetensors) or pictures differ; exit 4 when they do."};
    if (command_begin(&c.command, &about, own, argc, argv)) {
        const Status status = run(&c, &c.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&c.command);
}
