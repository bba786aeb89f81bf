/* cli/golden_against.c - another implementation's results against a golden set (see golden_set.h).
 *
 * Only files are read, so that a set may be older or newer than this program. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/file.h"
#include "cli/golden_set.h"
#include "io/safetensors.h"

typedef enum { BITS_EQUAL, WITHIN_BOUND, OUTSIDE_BOUND, NOT_THERE, OTHER_SHAPE, NOT_REFUSED } Verdict;
static const char *const verdict_text[] = {"bits equal", "within bound", "OUTSIDE BOUND",
                                           "MISSING",    "OTHER SHAPE",  "COMPUTED, BUT INVALID"};
enum { VERDICTS = NOT_REFUSED + 1 };

typedef struct {
    Verdict verdict;
    uint64_t most_ulps;
    double worst; /* largest |difference from the truth| / bound */
    size_t first; /* the first number outside of its bound, else the first whose bits differ */
} Finding;

typedef struct {
    const char *folder, *other;
    const GoldenOptions *options;
    Arena arena;
    const char *name;         /* of the two files that are open */
    Safetensors set, outside; /* the set's and the other implementation's */
    bool has_outside;
    size_t count[VERDICTS], failed;
    char first[400];
    double worst;
} Against;

/* Steps between two numbers of binary32 (binary64 when wide) on the line of all such numbers. */
static uint64_t steps(double a, double b, bool wide)
{
    if (a != a || b != b)
        return a != a && b != b ? 0 : UINT64_MAX;
    const uint64_t u = wide ? double_bits(a) : float_bits((float)a),
                   sign = wide ? (uint64_t)1 << 63 : 0x80000000u;
    const uint64_t v = wide ? double_bits(b) : float_bits((float)b);
    const uint64_t x = u & (sign - 1), y = v & (sign - 1);
    if ((u & sign) != (v & sign))
        return x + y;
    return x > y ? x - y : y - x;
}

double golden_excess(double got, double truth, double bound, bool wide)
{
    if (bound == INFINITY || got == truth || (got != got && truth != truth))
        return 0.0;
    if (!wide && (got == INFINITY || got == -INFINITY) &&
        (got > 0.0 ? truth : -truth) + bound >= 0x1.ffffffp+127)
        return 0.0;
    const double share = fabs(got - truth) / bound;
    return share == share ? share : INFINITY;
}

static bool same_bits(double a, double b)
{
    return (a != a && b != b) || double_bits(a) == double_bits(b);
}

static Finding judge(const double *want, const double *got, const double *truth, const double *bound,
                     size_t n, size_t bounds, bool wide)
{
    Finding f = {.verdict = BITS_EQUAL, .first = SIZE_MAX};
    for (size_t i = 0; i < n; i++) {
        const double r = golden_excess(got[i], truth[i], bound[bounds == 1 ? 0 : i], wide);
        const uint64_t ulps = steps(want[i], got[i], wide);
        const bool equal = same_bits(want[i], got[i]);
        const Verdict verdict = equal ? BITS_EQUAL : r <= 1.0 ? WITHIN_BOUND : OUTSIDE_BOUND;
        if (verdict > f.verdict) {
            f.verdict = verdict;
            f.first = i;
        }
        f.most_ulps = ulps > f.most_ulps ? ulps : f.most_ulps;
        f.worst = r > f.worst ? r : f.worst;
    }
    return f;
}

/* The numbers of a tensor as binary64 (exact: no I64 is ever computed). */
static double *numbers(Arena *arena, const Safetensors *file, const SafetensorsEntry *entry, Error *err)
{
    const size_t n = (size_t)safetensors_numbers(entry);
    void *raw = arena_raw(arena, (size_t)entry->size + 1, 1);
    double *out = arena_raw(arena, n + 1, sizeof *out);
    if (raw == NULL || out == NULL) {
        error_set(err, STATUS_MEMORY, "golden: no memory for %s", entry->name);
        return NULL;
    }
    if (safetensors_read_raw(raw, file, entry, err) != STATUS_OK)
        return NULL;
    dtype_to_f64(out, raw, entry->dtype, n);
    return out;
}

static bool same_shape(const SafetensorsEntry *a, const SafetensorsEntry *b)
{
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++)
        same = a->dim[i] == b->dim[i];
    return same;
}

static const SafetensorsEntry *entry_of(const Safetensors *file, const Json *tensor, const char *key)
{
    return safetensors_find(file, json_text(json_get(tensor, key), ""));
}

static Status judge_tensor(Finding *f, Against *a, const Json *tensor, Error *err)
{
    const SafetensorsEntry *want = entry_of(&a->set, tensor, "tensor"),
                           *truth = entry_of(&a->set, tensor, "truth");
    const SafetensorsEntry *bound = entry_of(&a->set, tensor, "bound");
    const SafetensorsEntry *got = a->has_outside ? entry_of(&a->outside, tensor, "tensor") : NULL;
    *f = (Finding){.verdict = got == NULL ? NOT_THERE : OTHER_SHAPE, .first = SIZE_MAX};
    if (want == NULL || truth == NULL || bound == NULL || !same_shape(want, truth) ||
        (safetensors_numbers(bound) != 1 && !same_shape(want, bound)))
        return error_set(err, STATUS_FORMAT, "%s: %s is not as index.json says", a->name,
                         json_text(json_get(tensor, "tensor"), "a tensor"));
    if (got == NULL || !same_shape(want, got))
        return STATUS_OK;
    const ArenaMark mark = arena_mark(&a->arena);
    const double *w = numbers(&a->arena, &a->set, want, err),
                 *g = numbers(&a->arena, &a->outside, got, err);
    const double *t = numbers(&a->arena, &a->set, truth, err), *b = numbers(&a->arena, &a->set, bound, err);
    const bool all = w != NULL && g != NULL && t != NULL && b != NULL;
    if (all)
        *f = judge(w, g, t, b, (size_t)safetensors_numbers(want), (size_t)safetensors_numbers(bound),
                   want->dtype != F32);
    arena_release(&a->arena, mark);
    return all ? STATUS_OK : err->status;
}

static void report(Against *a, const char *name, const Finding *f)
{
    Result *r = a->options->result;
    const bool bad = f->verdict > WITHIN_BOUND || (a->options->strict && f->verdict == WITHIN_BOUND);
    const bool compared = f->verdict == WITHIN_BOUND || f->verdict == OUTSIDE_BOUND;
    a->count[f->verdict]++;
    a->worst = compared && f->worst > a->worst ? f->worst : a->worst;
    if (bad && a->failed++ == 0)
        snprintf(a->first, sizeof a->first, "%.380s", name);
    json_begin_object(&r->json, NULL);
    json_write_text(&r->json, "tensor", name);
    json_write_text(&r->json, "verdict", verdict_text[f->verdict]);
    json_write_bool(&r->json, "passed", !bad);
    json_write_uint64(&r->json, "max_ulp", f->most_ulps);
    json_write_number(&r->json, "max_error_over_bound", f->worst);
    json_end(&r->json);
    if (a->options->quiet && !bad)
        return;
    result_line(r, "%-52s %-14s", name, verdict_text[f->verdict]);
    if (f->most_ulps == UINT64_MAX)
        result_line(r, " NaN on one side only, first at %zu", f->first);
    else if (compared)
        result_line(r, " max ulp %llu, max error/bound %.3g, first at %zu",
                    (unsigned long long)f->most_ulps, f->worst, f->first);
    result_line(r, "%s\n", bad && a->failed == 1 ? "  <- first that fails" : "");
}

static Status against_case(Against *a, const Json *c, Error *err)
{
    const char *label = json_text(json_get(c, "label"), "valid");
    if (strcmp(label, "invalid") == 0) { /* nothing may have been computed */
        char name[400];
        snprintf(name, sizeof name, "%.380s/output", json_text(json_get(c, "name"), ""));
        const bool computed = a->has_outside && safetensors_find(&a->outside, name) != NULL;
        if (computed)
            report(a, name, &(Finding){.verdict = NOT_REFUSED});
        return STATUS_OK;
    }
    static const GoldenRole computed[2] = {GOLDEN_OUTPUT, GOLDEN_GRADIENT};
    for (int r = 0; r < 2; r++) {
        const Json *list = json_get(c, golden_role_name(computed[r]));
        for (size_t i = 0; i < json_count(list); i++) {
            Finding f;
            const Status status = judge_tensor(&f, a, json_at(list, i), err);
            if (status != STATUS_OK)
                return status;
            if (f.verdict == NOT_THERE && strcmp(label, "either") == 0)
                continue;
            report(a, json_text(json_get(json_at(list, i), "tensor"), ""), &f);
        }
    }
    return STATUS_OK;
}

/* Opens the two files of a case's name, if they are not open. */
static Status open_files(Against *a, const char *name, Error *err)
{
    if (a->name != NULL && strcmp(a->name, name) == 0)
        return STATUS_OK;
    const char *path = path_join(&a->arena, a->folder, name), *other = path_join(&a->arena, a->other, name);
    if (path == NULL || other == NULL)
        return error_set(err, STATUS_MEMORY, "golden: no memory for a file name");
    a->name = name;
    a->has_outside = file_exists(other);
    const Status status = safetensors_open(&a->set, path, &a->arena, err);
    return status == STATUS_OK && a->has_outside ? safetensors_open(&a->outside, other, &a->arena, err)
                                                 : status;
}

static Status summary(const Against *a, Error *err)
{
    const size_t *n = a->count;
    const size_t missing = n[NOT_THERE] + n[OTHER_SHAPE] + n[NOT_REFUSED];
    Result *r = a->options->result;
    json_write_uint64(&r->json, "bits_equal", n[BITS_EQUAL]);
    json_write_uint64(&r->json, "within_bound", n[WITHIN_BOUND]);
    json_write_uint64(&r->json, "outside_bound", n[OUTSIDE_BOUND]);
    json_write_uint64(&r->json, "missing", missing);
    json_write_number(&r->json, "max_error_over_bound", a->worst);
    json_write_text(&r->json, "first_failed", a->first);
    if (!a->options->quiet)
        result_line(r,
                    "golden check: %zu tensors bits equal, %zu within bound, %zu outside, %zu missing or "
                    "misshapen\n",
                    n[BITS_EQUAL], n[WITHIN_BOUND], n[OUTSIDE_BOUND], missing);
    if (a->failed == 0)
        return STATUS_OK;
    return error_set(err, STATUS_DIFFERENT, "golden: %zu tensors of %s fail, the first is %s", a->failed,
                     a->other, a->first);
}

Status golden_against(const char *folder, const char *other, const GoldenOptions *options, Error *err)
{
    Against a = {
        .folder = folder, .other = other, .options = options, .arena = {.account = options->memory}};
    const Json *index = NULL;
    const char *path = path_join(&a.arena, folder, "index.json");
    Status status = path == NULL ? error_set(err, STATUS_MEMORY, "golden: no memory")
                                 : json_read(&index, path, &a.arena, err);
    const Json *cases = json_get(index, "cases");
    if (status == STATUS_OK && json_kind(cases) != JSON_ARRAY)
        status = error_set(err, STATUS_FORMAT, "%s: no list of cases", path);
    json_begin_array(&options->result->json, "tensors");
    for (size_t i = 0; status == STATUS_OK && i < json_count(cases); i++) {
        const Json *c = json_at(cases, i);
        if (!golden_wanted(options, json_text(json_get(c, "name"), "")))
            continue;
        status = open_files(&a, json_text(json_get(c, "file"), ""), err);
        if (status == STATUS_OK)
            status = against_case(&a, c, err);
    }
    json_end(&options->result->json);
    if (status == STATUS_OK)
        status = summary(&a, err);
    arena_free(&a.arena);
    return status;
}
