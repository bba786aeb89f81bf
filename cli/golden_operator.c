#include "cli/golden_operator.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/rng.h"

int *golden_whole(Tape *tape, const Tensor *x)
{
    const size_t n = x != NULL ? tensor_count(x) : 0;
    int *out = x != NULL ? tape_alloc(tape, n + 1, sizeof *out) : NULL;
    for (size_t i = 0; out != NULL && i < n; i++)
        out[i] = (int)x->data[i];
    return out;
}

int *truth_whole(Truth *t, const TruthTensor *x)
{
    const size_t n = x != NULL ? truth_count(x) : 0;
    int *out = x != NULL ? arena_alloc(t->arena, n + 1, sizeof *out) : NULL;
    for (size_t i = 0; out != NULL && i < n; i++)
        out[i] = (int)t->number[x->id[i]].v;
    return out;
}

/* FNV-1a, 64 bits, of a name: which stream fills that tensor. */
static uint64_t name_number(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name != '\0'; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return h >> 16;
}

static const uint32_t special[] = {0x00000000u, 0x80000000u, 0x3f800000u, 0xbf800000u, 0x7f800000u,
                                   0x00000001u, 0x80000001u, 0x007fffffu, 0x00800000u, 0x80800000u,
                                   0xff800000u, 0x7f7fffffu, 0xff7fffffu, 0x40490fdbu, 0x7fc00000u,
                                   0xc2b00000u, 0x42b17218u, 0x33800000u};
enum { SPECIALS = sizeof special / sizeof special[0] };

void golden_fill(float *x, size_t n, const char *name, GoldenFill fill)
{
    Rng rng = rng_stream(RNG_PHILOX, 99, STREAM_TEST, name_number(name));
    rng_normal_fill(&rng, x, n);
    for (size_t i = 0; i < n; i++)
        switch (fill) {
        case FILL_NORMAL: break;
        case FILL_SPECIAL: x[i] = bits_float(special[i % SPECIALS]); break;
        case FILL_SUBNORMAL: x[i] = x[i] * 0x1p-70f * 0x1p-70f; break;
        case FILL_LARGE: x[i] = x[i] * 0x1p40f; break;
        case FILL_ZEROS: x[i] = 0.0f; break;
        case FILL_MASKED: x[i] = i % 3 == 1 ? -INFINITY : x[i]; break;
        case FILL_PATTERNS: x[i] = bits_float((uint32_t)(i * (0xffffffffu / n))); break;
        }
}

/* Input i of the case with its numbers, NULL when it is absent. */
static Tensor *input(Tape *tape, const GoldenOperator *o, const OperatorCase *k, const GoldenCase *c, int i)
{
    if (k->shape[i][0] == 0)
        return NULL;
    char name[400];
    const bool gradient = ((o->fixed | o->whole) >> i & 1u) == 0;
    Tensor *x = tape_input(tape, NULL, k->shape[i][0], k->shape[i] + 1, gradient);
    const size_t n = x != NULL ? tensor_count(x) : 0;
    float *data = x != NULL ? tape_alloc(tape, n + 1, sizeof *data) : NULL;
    if (data == NULL)
        return NULL;
    snprintf(name, sizeof name, "%s/%s", c->name, o->input[i]);
    const GoldenFill fill = k->filled == 0 || (k->filled >> i & 1u) ? k->fill : FILL_NORMAL;
    golden_fill(data, n, name, fill);
    Rng rng = rng_stream(RNG_PHILOX, 99, STREAM_TEST, name_number(name));
    for (size_t j = 0; j < n; j++) {
        if (o->whole >> i & 1u)
            data[j] = j == 0 ? (float)(k->below - 1) : (float)rng_below(&rng, (uint32_t)k->below);
        else if ((o->positive >> i & 1u) && fill == FILL_NORMAL)
            data[j] = fabsf(data[j]) + 0.0625f;
    }
    x->data = data;
    return x;
}

/* v and e of the numbers of y, as two arrays of n. */
static double *unpacked(Arena *arena, const Truth *t, const TruthTensor *y, const TruthNumber *gradient,
                        size_t n)
{
    double *out = arena_raw(arena, n + 1, 2 * sizeof *out);
    for (size_t i = 0; out != NULL && i < n; i++) {
        const TruthNumber x = gradient != NULL ? gradient[y->id[i]] : truth_number(t, y->id[i]);
        out[i] = x.v;
        out[n + i] = x.e;
    }
    return out;
}

typedef struct {
    GoldenFile *file;
    GoldenCase *c;
    const GoldenOperator *o;
    Tape tape;
    Truth truth;
    Tensor *in[GOLDEN_INPUTS];
    TruthTensor *true_in[GOLDEN_INPUTS];
} Running;

static void no_memory(GoldenFile *file)
{
    error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
}

/* Adds y with its truth, or the gradient of an input. */
static void add_result(Running *r, GoldenRole role, const char *name, const Tensor *shape,
                       const float *data, const TruthTensor *truth, const TruthNumber *gradient)
{
    const size_t n = tensor_count(shape);
    const bool listing = r->file->listing;
    const double *both = listing ? NULL : unpacked(r->file->arena, &r->truth, truth, gradient, n);
    if (listing)
        golden_result(r->file, r->c, role, name, shape->rank, shape->dim, NULL, NULL, NULL, n);
    else if (both == NULL)
        no_memory(r->file);
    else
        golden_result(r->file, r->c, role, name, shape->rank, shape->dim, data, both, both + n, n);
}

/* d output is given; the gradients of the inputs follow, computed by the operator and by its truth. */
static void add_gradients(Running *r, Tensor *y, const TruthTensor *truth)
{
    char name[400];
    const size_t n = tensor_count(y);
    float *dy = tape_alloc(&r->tape, n + 1, sizeof *dy);
    double *wide = tape_alloc(&r->tape, n + 1, sizeof *wide);
    if (dy == NULL || wide == NULL) {
        no_memory(r->file);
        return;
    }
    snprintf(name, sizeof name, "%s/output.grad", r->c->name);
    golden_fill(dy, n, name, FILL_NORMAL);
    golden_given(r->file, r->c, GOLDEN_OUTPUT_GRADIENT, "output.grad", F32, y->rank, y->dim, dy);
    for (size_t i = 0; i < n; i++)
        wide[i] = dy[i];
    const TruthNumber *gradient = r->file->listing ? NULL : truth_backward(&r->truth, truth->id, wide, n);
    if (tape_backward(&r->tape, y, dy) != STATUS_OK || (gradient == NULL && !r->file->listing)) {
        no_memory(r->file);
        return;
    }
    for (int i = 0; i < GOLDEN_INPUTS; i++)
        if (r->in[i] != NULL && r->in[i]->grad != NULL) {
            snprintf(name, sizeof name, "%.200s.grad", r->o->input[i]);
            add_result(r, GOLDEN_GRADIENT, name, r->in[i], r->in[i]->grad, r->true_in[i], gradient);
        }
}

static void run_case(Running *r, const OperatorCase *k, const double *value)
{
    for (int i = 0; i < GOLDEN_INPUTS && r->o->input[i] != NULL; i++) {
        Tensor *x = r->in[i] = input(&r->tape, r->o, k, r->c, i);
        if (x == NULL)
            continue;
        golden_given(r->file, r->c, GOLDEN_INPUT, r->o->input[i], r->o->whole >> i & 1u ? I64 : F32,
                     x->rank, x->dim, x->data);
        r->true_in[i] = truth_input(&r->truth, x->data, x->rank, x->dim);
    }
    if (r->truth.failed) {
        no_memory(r->file);
        return;
    }
    Tensor *y = r->o->run(&r->tape, r->in, value);
    const Status status = y == NULL ? r->tape.error.status : STATUS_OK;
    if (k->label == GOLDEN_INVALID)
        golden_refused(r->file, r->c, status);
    if (k->label == GOLDEN_INVALID ||
        (k->label == GOLDEN_EITHER && status != STATUS_OK && status != STATUS_MEMORY))
        return;
    const bool wanted = y != NULL && !r->file->listing;
    const TruthTensor *truth = wanted ? r->o->truth(&r->truth, r->true_in, value) : NULL;
    if (y == NULL || (wanted && truth == NULL) || r->truth.failed) {
        error_set(&r->file->error, y == NULL ? r->tape.error.status : STATUS_MEMORY, "golden: %s: %s",
                  r->c->name, y == NULL ? r->tape.error.text : "no memory");
        return;
    }
    add_result(r, GOLDEN_OUTPUT, "output", y, y->data, truth, NULL);
    if (y->wants_grad)
        add_gradients(r, y, truth);
}

void golden_operator_make(GoldenFile *file, const void *context)
{
    const GoldenOperator *o = context;
    for (const OperatorCase *k = o->cases; k->name != NULL && file->error.status == STATUS_OK; k++) {
        Arena arena[3] = {{.account = file->arena->account},
                          {.account = file->arena->account},
                          {.account = file->arena->account}}; /* results, gradients, truth */
        Running r = {.file = file, .c = golden_case(file, k->name), .o = o};
        r.tape = (Tape){.arena = &arena[0], .gradients = &arena[1], .recording = true};
        r.truth = truth_begin(&arena[2], true);
        if (r.c != NULL) {
            r.c->label = k->label;
            r.c->like = o->like;
            r.c->source = o->source;
            for (int i = 0; i < GOLDEN_ATTRIBUTES && o->attribute[i] != NULL; i++)
                golden_attribute(r.c, o->attribute[i], k->value[i]);
            run_case(&r, k, k->value);
        }
        for (int i = 0; i < 3; i++)
            arena_free(&arena[i]);
    }
}
