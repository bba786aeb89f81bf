/* What handlers of reference cases use: tests/conformance.h. */
#include "tests/conformance.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

/* ---- lines ---- */

static void line(const CaseFile *c, const char *name, double error, double atol, const char *verdict)
{
    printf("%-28s %-36s %11.4g %11.4g  %s\n", c->name, name, error, atol, verdict);
}

static bool judged(CaseFile *c, const char *name, double error, double atol, bool good)
{
    line(c, name, error, atol, good ? "pass" : "FAIL");
    c->count->passed += good;
    c->count->failed += !good;
    return good;
}

void case_fail(CaseFile *c, const char *what, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%-28s %-36s %11s %11s  FAIL: ", c->name, what, "-", "-");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    c->count->failed++;
}

bool case_went_well(CaseFile *c, const char *what, Status status, const Error *err)
{
    if (status != STATUS_OK)
        case_fail(c, what, "%s", err->text);
    return status == STATUS_OK;
}

/* ---- reading ---- */

bool case_has_input(const CaseFile *c, const char *name)
{
    return safetensors_find(&c->inputs, name) != NULL;
}

bool case_wants(const CaseFile *c, const char *name)
{
    return safetensors_find(&c->expected, name) != NULL;
}

bool case_wants_any(const CaseFile *c, const char *start)
{
    for (size_t i = 0; i < c->expected.count; i++)
        if (strncmp(c->expected.entries[i].name, start, strlen(start)) == 0)
            return true;
    return false;
}

static double *read_doubles(CaseFile *c, const Safetensors *file, const SafetensorsEntry *entry)
{
    Error err = {0};
    const size_t n = (size_t)safetensors_numbers(entry);
    double *x = arena_raw(c->arena, n, sizeof *x);
    void *raw = arena_raw(c->arena, (size_t)entry->size, 1);
    if (x == NULL || raw == NULL) {
        case_fail(c, entry->name, "no memory");
        return NULL;
    }
    if (!case_went_well(c, entry->name, safetensors_read_raw(raw, file, entry, &err), &err))
        return NULL;
    dtype_to_f64(x, raw, entry->dtype, n);
    return x;
}

static Tensor *read_tensor(CaseFile *c, const Safetensors *file, const char *name, const char *where)
{
    Error err = {0};
    const SafetensorsEntry *entry = safetensors_find(file, name);
    if (entry == NULL || entry->rank > TENSOR_RANK) {
        case_fail(c, name, entry == NULL ? "%s does not hold it" : "%s holds it with too many axes", where);
        return NULL;
    }
    Tensor *x = arena_alloc(c->arena, 1, sizeof *x);
    float *data = arena_raw(c->arena, (size_t)safetensors_numbers(entry), sizeof *data);
    if (x == NULL || data == NULL) {
        case_fail(c, name, "no memory");
        return NULL;
    }
    if (!case_went_well(c, name, safetensors_read_f32(data, file, entry, &err), &err))
        return NULL;
    *x = (Tensor){.rank = entry->rank > 0 ? entry->rank : 1, .data = data};
    for (int i = 0; i < TENSOR_RANK; i++)
        x->dim[i] = i < entry->rank ? (int)entry->dim[i] : 1;
    return x;
}

Tensor *case_input(CaseFile *c, const char *name)
{
    return read_tensor(c, &c->inputs, name, "inputs.safetensors");
}

Tensor *case_given(CaseFile *c, const char *name)
{
    Tensor *x = read_tensor(c, &c->expected, name, "expected.safetensors");
    const SafetensorsEntry *entry = safetensors_find(&c->expected, name);
    if (x != NULL && !c->done[entry - c->expected.entries]) {
        c->done[entry - c->expected.entries] = 1;
        c->count->given++;
        printf("%-28s %-36s %11s %11s  given\n", c->name, name, "-", "-");
    }
    return x;
}

int *case_input_ints(CaseFile *c, const char *name, size_t *count)
{
    const SafetensorsEntry *entry = safetensors_find(&c->inputs, name);
    *count = 0;
    if (entry == NULL) {
        case_fail(c, name, "inputs.safetensors does not hold it");
        return NULL;
    }
    const double *x = read_doubles(c, &c->inputs, entry);
    const size_t n = (size_t)safetensors_numbers(entry);
    int *whole = x != NULL ? arena_raw(c->arena, n, sizeof *whole) : NULL;
    for (size_t i = 0; whole != NULL && i < n; i++) {
        if (!(fabs(x[i]) < 0x1p31) || floor(x[i]) != x[i]) {
            case_fail(c, name, "number %zu is %g, expected a whole one", i, x[i]);
            return NULL;
        }
        whole[i] = (int)x[i];
    }
    *count = whole != NULL ? n : 0;
    return whole;
}

const char *case_path(const CaseFile *c, const char *relative)
{
    return relative[0] == '/' ? relative : path_join(c->arena, c->folder, relative);
}

/* ---- models ---- */

static bool holds(const CaseFile *c, const char *folder, const char *part, const char *file)
{
    const char *below = part[0] != '\0' ? path_join(c->arena, folder, part) : folder;
    const char *path = below != NULL ? path_join(c->arena, below, file) : NULL;
    return path != NULL && file_exists(path);
}

enum { MOST_CHECKPOINTS = 8 };

/* The folders that "checkpoint" names, parted by " and " or commas; how many. */
static int checkpoints(const CaseFile *c, const char *out[MOST_CHECKPOINTS])
{
    const char *p = json_text(json_get(c->json, "checkpoint"), "");
    int count = 0;
    while (*p != '\0' && count < MOST_CHECKPOINTS) {
        const char *and = strstr(p, " and "), *comma = strchr(p, ',');
        const char *end = and != NULL && (comma == NULL || and < comma) ? and : comma;
        const size_t length = end != NULL ? (size_t)(end - p) : strlen(p);
        const char *name = arena_text(c->arena, p, length);
        const char *path = name != NULL ? case_path(c, name) : NULL;
        if (length > 0 && path != NULL)
            out[count++] = path;
        p += length;
        p += *p == '\0' ? 0 : p == and? strlen(" and ") : strspn(p, ", ");
    }
    return count;
}

static bool last_part_is(const char *folder, const char *part)
{
    const size_t n = strlen(folder), m = strlen(part);
    return n > m && strcmp(folder + n - m, part) == 0 && folder[n - m - 1] == '/';
}

const char *case_checkpoint(CaseFile *c, const char *part)
{
    const char *folder[MOST_CHECKPOINTS];
    const int count = checkpoints(c, folder);
    const char *file = part[0] != '\0' ? "config.json" : "model_index.json";
    if (part[0] != '\0' && holds(c, c->folder, part, file))
        return path_join(c->arena, c->folder, part);
    for (int i = 0; i < count; i++)
        if (holds(c, folder[i], part, file))
            return part[0] != '\0' ? path_join(c->arena, folder[i], part) : folder[i];
    for (int i = 0; part[0] != '\0' && i < count; i++)
        if (last_part_is(folder[i], part) && holds(c, folder[i], "", file))
            return folder[i];
    for (int i = 0; part[0] != '\0' && i < count; i++)
        if (holds(c, folder[i], "", file))
            return folder[i];
    case_fail(c, "checkpoint", "\"%.200s\" has no %s%s%s", json_text(json_get(c->json, "checkpoint"), ""),
              part, part[0] != '\0' ? "/" : "", file);
    return NULL;
}

const Json *case_config(CaseFile *c, const char *folder, const char **path)
{
    const Json *json = NULL;
    Error err = {0};
    *path = folder != NULL ? path_join(c->arena, folder, "config.json") : NULL;
    if (*path == NULL || !case_went_well(c, "config.json", json_read(&json, *path, c->arena, &err), &err))
        return NULL;
    return json;
}

void case_weights(CaseFile *c, Weights *w, const char *folder)
{
    static const char *const FILES[] = {
        "diffusion_pytorch_model.safetensors",
        "diffusion_pytorch_model.safetensors.index.json",
        "model.safetensors",
        "model.safetensors.index.json",
        "diffusion_pytorch_model.fp16.safetensors",
        "model.fp16.safetensors",
    };
    enum { COUNT = sizeof FILES / sizeof FILES[0] };
    int k = 0;
    while (k < COUNT - 1 && !holds(c, folder, "", FILES[k]))
        k++;
    char *path = path_join(c->arena, folder, FILES[k]);
    char *index = path != NULL ? strstr(path, ".index.json") : NULL;
    if (index != NULL)
        *index = '\0'; /* weights_open looks for the shards itself */
    if (path != NULL)
        weights_open(w, c->arena, path);
    else
        error_set(&w->error, STATUS_MEMORY, "no memory to open %s", folder);
}

/* ---- comparing ---- */

/* The largest difference; equal infinities and two NaNs agree, a NaN beside a number is infinitely far. */
static double furthest(const double *got, const double *want, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++) {
        const bool both = got[i] != got[i] && want[i] != want[i];
        const double d = both || got[i] == want[i] ? 0.0 : fabs(got[i] - want[i]);
        if (!(d <= most))
            most = d == d ? d : INFINITY;
    }
    return most;
}

/* Where nothing is suggested: 1e-5 of the largest number, or 1e-5. */
static double tolerance(const CaseFile *c, const char *name, double otherwise)
{
    const Json *entry = json_get(c->tensors, name);
    const double size = json_number(json_get(entry, "max_abs"), 1.0);
    const double usual = otherwise >= 0.0 ? otherwise : 1e-5 * (size > 1.0 ? size : 1.0);
    return json_number(json_get(entry, "suggested_atol"), usual);
}

static bool compare(CaseFile *c, const char *name, const double *got, size_t count, double otherwise)
{
    const SafetensorsEntry *entry = safetensors_find(&c->expected, name);
    if (entry == NULL)
        return true;
    c->done[entry - c->expected.entries] = 1;
    if (got == NULL || count != safetensors_numbers(entry)) {
        case_fail(c, name, got == NULL ? "was not computed" : "has %zu numbers, expected %zu", count,
                  (size_t)safetensors_numbers(entry));
        return false;
    }
    const ArenaMark mark = arena_mark(c->arena);
    const double *want = read_doubles(c, &c->expected, entry);
    const double atol = tolerance(c, name, otherwise),
                 error = want != NULL ? furthest(got, want, count) : INFINITY;
    arena_release(c->arena, mark);
    return judged(c, name, error, atol, error <= atol);
}

bool case_doubles(CaseFile *c, const char *name, const double *got, size_t count)
{
    return compare(c, name, got, count, -1.0);
}

bool case_doubles_within(CaseFile *c, const char *name, const double *got, size_t count, double atol)
{
    return compare(c, name, got, count, atol);
}

bool case_numbers(CaseFile *c, const char *name, const float *got, size_t count)
{
    if (!case_wants(c, name))
        return true;
    const ArenaMark mark = arena_mark(c->arena);
    double *x = got != NULL ? arena_raw(c->arena, count, sizeof *x) : NULL;
    for (size_t i = 0; x != NULL && i < count; i++)
        x[i] = (double)got[i];
    const bool good = compare(c, name, x, count, -1.0);
    arena_release(c->arena, mark);
    return good;
}

/* Axes of length 1 aside. */
static bool same_axes(const Tensor *x, const SafetensorsEntry *entry)
{
    int k = 0;
    for (int i = 0; i < entry->rank; i++) {
        if (entry->dim[i] == 1)
            continue;
        while (k < x->rank && x->dim[k] == 1)
            k++;
        if (k >= x->rank || (uint64_t)x->dim[k++] != entry->dim[i])
            return false;
    }
    while (k < x->rank && x->dim[k] == 1)
        k++;
    return k >= x->rank;
}

bool case_tensor(CaseFile *c, const char *name, const Tensor *got)
{
    char text[64];
    const SafetensorsEntry *entry = safetensors_find(&c->expected, name);
    if (entry != NULL && got != NULL && !same_axes(got, entry)) {
        c->done[entry - c->expected.entries] = 1;
        case_fail(c, name, "has the shape %s, expected another", tensor_shape_text(got, text));
        return false;
    }
    return case_numbers(c, name, got != NULL ? got->data : NULL, got != NULL ? tensor_count(got) : 0);
}

bool case_value(CaseFile *c, const char *name, double got, double want, double atol)
{
    const double error = furthest(&got, &want, 1);
    return judged(c, name, error, atol, error <= atol);
}

bool case_exact(CaseFile *c, const char *name, bool right)
{
    return judged(c, name, right ? 0.0 : INFINITY, 0.0, right);
}

void case_stage_name(char out[CASE_STAGE], const char *name)
{
    static const char *const WORDS[][2] = {
        {"encoder.", "enc."}, {"decoder.", "dec."},   {"down_blocks.", "down."}, {"up_blocks.", "up."},
        {"mid_block", "mid"}, {"resnets.", "resnet"}, {"attentions.", "attn"},
    };
    enum { COUNT = sizeof WORDS / sizeof WORDS[0] };
    size_t n = 0;
    while (*name != '\0' && n < CASE_STAGE - 10) {
        int k = 0;
        while (k < COUNT && strncmp(name, WORDS[k][0], strlen(WORDS[k][0])) != 0)
            k++;
        if (k < COUNT) {
            n += (size_t)snprintf(out + n, CASE_STAGE - n, "%s", WORDS[k][1]);
            name += strlen(WORDS[k][0]);
        } else {
            out[n++] = *name++;
        }
    }
    out[n] = '\0';
}
