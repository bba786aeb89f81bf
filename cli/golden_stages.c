/* cli/golden_stages.c - golden runs of networks (see golden_stages.h).
 *
 * Case `shipped` holds every named stage, case `gradients`, on a smaller picture or text, the last stage and what comes back from
 * it.  The bound of a tensor is one number: four times the largest distance of three probes (cli/truth_net.h) from the
 * truth there.  It is measured, not proven: see docs/formats/golden.md. */
#include "cli/golden_stages.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/common.h"
#include "cli/golden_operator.h"

enum { PROBES = 3, STAGES_MOST = 200 };
static const double SAFETY = 4.0;

/* A stage or a gradient. */
typedef struct {
    const char *name;
    GoldenRole role;
    int rank, dim[TENSOR_RANK];
    size_t count;
    float *bits;
    double *truth; /* NULL until the truth has come here */
    double worst;  /* of the probes */
} Stage;

typedef struct {
    Arena *arena;
    Stage stage[STAGES_MOST];
    int count;
    bool failed, probing;
    float *dy; /* d loss / d the last stage; NULL: no gradients are asked for */
    WideGradient wanted[GIVEN_PARAMETERS];
    int parameters;
} Stages;

static Stage *find(Stages *s, const char *name)
{
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->stage[i].name, name) == 0)
            return &s->stage[i];
    return NULL;
}

static void add_bits(Stages *s, GoldenRole role, const char *name, const Tensor *shape, const float *data)
{
    Stage *stage = s->count < STAGES_MOST && !s->failed ? &s->stage[s->count] : NULL;
    s->failed = stage == NULL;
    if (stage == NULL)
        return;
    *stage = (Stage){.role = role,
                     .rank = shape->rank,
                     .count = tensor_count(shape),
                     .name = arena_text(s->arena, name, strlen(name))};
    stage->bits = arena_raw(s->arena, stage->count, sizeof *stage->bits);
    s->failed = stage->name == NULL || stage->bits == NULL;
    if (s->failed)
        return;
    memcpy(stage->dim, shape->dim, sizeof stage->dim);
    memcpy(stage->bits, data, stage->count * sizeof *stage->bits);
    s->count++;
}

/* A stage of the library's own run. */
static void see_bits(void *context, const char *name, const Tensor *x)
{
    add_bits(context, GOLDEN_OUTPUT, name, x, x->data);
}

/* The same stage of the truth, or of a probe. */
static void compare(Stages *s, const char *name, double *v, size_t count)
{
    Stage *stage = find(s, name);
    if (stage == NULL || v == NULL || stage->count != count)
        return;
    if (!s->probing)
        stage->truth = v;
    for (size_t i = 0; s->probing && stage->truth != NULL && i < stage->count; i++) {
        const double far = fabs(v[i] - stage->truth[i]);
        stage->worst = far > stage->worst ? far : stage->worst;
    }
}

static void see_truth(void *context, const char *name, const WideTensor *x)
{
    compare(context, name, x->v, wide_count(x));
}

/* ---- gradients ---- */

static const char *gradient_name(char out[400], const char *of)
{
    snprintf(out, 400, "%.380s.grad", of);
    return out;
}

static const Tensor *parameter_named(const Weights *w, const char *name)
{
    for (const Parameter *p = w->first; p != NULL; p = p->next)
        if (strcmp(p->name, name) == 0)
            return p->tensor;
    return NULL;
}

/* Walks back from y with normal numbers, which are given, and keeps what came to inputs and parameters. */
static void library_gradients(Stages *s, GoldenFile *file, GoldenCase *c, const Network *k, const Model *m,
                              const Given *g, Tape *tape, Tensor *y)
{
    char name[400];
    s->dy = arena_raw(s->arena, tensor_count(y), sizeof *s->dy);
    s->failed = s->failed || s->dy == NULL;
    if (s->failed)
        return;
    snprintf(name, sizeof name, "%s/output.grad", c->name);
    golden_fill(s->dy, tensor_count(y), name, FILL_NORMAL);
    golden_given(file, c, GOLDEN_OUTPUT_GRADIENT, "output.grad", F32, y->rank, y->dim, s->dy);
    s->stage[0] = s->stage[s->count - 1]; /* of the stages only the last is kept */
    s->count = 1;
    if (tape_backward(tape, y, s->dy) != STATUS_OK) {
        s->failed = true;
        return;
    }
    for (int i = 0; i < GIVEN_INPUTS && k->input[i] != NULL; i++)
        add_bits(s, GOLDEN_GRADIENT, gradient_name(name, k->input[i]), g->input[i], g->input[i]->grad);
    for (int i = 0; i < GIVEN_PARAMETERS && k->parameter[i] != NULL; i++) {
        const Tensor *p = parameter_named(k->weights(m), k->parameter[i]);
        if (p == NULL) {
            error_set(&file->error, STATUS_FORMAT, "golden: %s: the model has no parameter %s", c->name,
                      k->parameter[i]);
            return;
        }
        add_bits(s, GOLDEN_GRADIENT, gradient_name(name, k->parameter[i]), p, p->grad);
        s->wanted[s->parameters++].parameter = p;
    }
}

static void truth_gradients(Stages *s, const Network *k, TruthNet *n, WideTensor *y)
{
    char name[400];
    wide_backward(n, y, s->dy, s->wanted, s->parameters);
    for (int i = 0; i < n->inputs && !n->failed; i++)
        compare(s, gradient_name(name, k->input[i]), n->input[i]->grad, wide_count(n->input[i]));
    for (int i = 0; i < s->parameters && !n->failed; i++)
        compare(s, gradient_name(name, k->parameter[i]), s->wanted[i].grad,
                tensor_count(s->wanted[i].parameter));
}

/* ---- all runs of one network ---- */

/* The truth (probe 0) and the probes; each in an arena of its own but the truth, which is kept. */
static bool run_truths(Stages *s, const Network *k, const Model *m, const Given *g)
{
    for (int probe = 0; probe <= PROBES; probe++) {
        Arena own = {.account = s->arena->account};
        TruthNet n = truth_net_begin(probe == 0 ? s->arena : &own, probe);
        s->probing = probe > 0;
        n.recording = s->dy != NULL;
        n.observe = see_truth;
        n.context = s;
        WideTensor *y = k->truth(&n, m, g);
        if (s->dy != NULL)
            truth_gradients(s, k, &n, y);
        const bool good = y != NULL && !n.failed;
        truth_net_end(&n);
        arena_free(&own);
        if (!good)
            return false;
    }
    return true;
}

static void add_stages(GoldenFile *file, GoldenCase *c, const Stages *s)
{
    for (int i = 0; i < s->count; i++) {
        const Stage *stage = &s->stage[i];
        const double bound = SAFETY * stage->worst;
        if (stage->truth == NULL && !file->listing)
            error_set(&file->error, STATUS_FORMAT, "golden: %s has no truth for its stage %s", c->name,
                      stage->name);
        else
            golden_result(file, c, stage->role, stage->name, stage->rank, stage->dim, stage->bits,
                          stage->truth, &bound, 1);
    }
}

static void run_case(GoldenFile *file, const Network *k, const Model *m, bool gradients, Arena arena[3])
{
    Given g = {.side = gradients ? 4 : 8, .tokens = gradients ? 8 : GIVEN_TOKENS};
    GoldenCase *c = golden_case(file, gradients ? "gradients" : "shipped");
    Stages *s = arena_alloc(&arena[0], 1, sizeof *s);
    if (c == NULL || s == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    c->like = k->like;
    c->source = k->source;
    s->arena = &arena[0];
    k->give(file, c, m, &g, &arena[0]);
    if (file->error.status != STATUS_OK)
        return;
    Tape tape = {.arena = &arena[1],
                 .gradients = &arena[2],
                 .recording = gradients,
                 .observe = see_bits,
                 .observer = s};
    Tensor *y = k->run(&tape, m, &g);
    if (y != NULL && gradients)
        library_gradients(s, file, c, k, m, &g, &tape, y);
    if (file->error.status != STATUS_OK)
        return;
    if (tape.error.status != STATUS_OK)
        error_set(&file->error, tape.error.status, "golden: %s: %s", c->name, tape.error.text);
    else if (s->failed || (!file->listing && !run_truths(s, k, m, &g)))
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
    else
        add_stages(file, c, s);
}

void golden_network_make(GoldenFile *file, const void *context)
{
    const Network *k = context;
    const char *folder = NULL;
    ArenaAccount *account = file->arena->account;
    Arena model = {.account = account};
    Model m;
    Status status = shipped_folder(&folder, "model", &model, &file->error);
    if (status == STATUS_OK)
        status = model_open(&m, folder, k->part, k->part, &model, &file->error);
    for (int gradients = 0; gradients < 2 && status == STATUS_OK; gradients++) {
        Arena arena[3] = {{.account = account}, {.account = account}, {.account = account}};
        run_case(file, k, &m, gradients, arena); /* stages, the library's run, its gradients */
        for (int i = 0; i < 3; i++)
            arena_free(&arena[i]);
        status = file->error.status;
    }
    arena_free(&model);
}
