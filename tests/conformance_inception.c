/* Features of the FID's Inception with hashed weights: any input images_NAME (N,3,H,W) of levels 0 to 255.
 *
 *   NAME.64, .192, .768, .2048      means over space
 *   NAME.logits_unbiased, .logits
 *   NAME.mean_of.BLOCK              means over space of a block's output ("Mixed_6a", "Conv2d_1a_3x3") */
#include "tests/conformance.h"

#include <stdio.h>

#include "diffusion/inception.h"
#include "metrics/inception_input.h"
#include "tests/hashed_weights.h"

typedef struct {
    CaseFile *c;
    const char *input;
} Watcher;

static bool handles(const CaseFile *c)
{
    return json_get(json_get(c->json, "names_and_shapes"), "Conv2d_1a_3x3.conv.weight") != NULL &&
           c->inputs.count > 0;
}

/* The means over space, in binary64. */
static void observe(void *observer, const char *name, const Tensor *x)
{
    const Watcher *w = observer;
    char text[CASE_STAGE];
    snprintf(text, sizeof text, "%.60s.mean_of.%.60s", w->input, name);
    if (x->rank != 4 || !case_wants(w->c, text))
        return;
    const size_t planes = (size_t)x->dim[0] * (size_t)x->dim[1], n = tensor_count(x) / planes;
    double *mean = arena_alloc(w->c->arena, planes, sizeof *mean);
    for (size_t k = 0; mean != NULL && k < tensor_count(x); k++)
        mean[k / n] += (double)x->data[k] / (double)n;
    case_doubles(w->c, text, mean, mean != NULL ? planes : 0);
}

static void show(CaseFile *c, const char *input, const char *name, const Tensor *x)
{
    char text[CASE_STAGE];
    snprintf(text, sizeof text, "%.60s.%s", input, name);
    case_tensor(c, text, x);
}

static void run_input(CaseFile *c, const Inception *net, const char *input)
{
    static const char *const POOLED[4] = {"64", "192", "768", "2048"};
    const char *name = strncmp(input, "images_", 7) == 0 ? input + 7 : input;
    const Tensor *levels = case_input(c, input);
    if (levels == NULL || levels->rank != 4 || levels->dim[1] != 3)
        return;
    const int N = levels->dim[0], h = levels->dim[2], w = levels->dim[3];
    Arena own = {0};
    float *x = arena_raw(&own, (size_t)N, 3 * sizeof *x * INCEPTION_SIZE * INCEPTION_SIZE);
    if (x == NULL)
        return;
    for (int i = 0; i < N; i++)
        inception_input(x + (size_t)i * 3 * INCEPTION_SIZE * INCEPTION_SIZE,
                        levels->data + (size_t)i * tensor_sample(levels), h, w);
    Watcher watcher = {c, name};
    const TapeWatch watch = {observe, NULL, &watcher};
    Tape tape = {.arena = &own};
    InceptionTaps taps;
    tape_watch(&tape, &watch, "");
    inception(&taps, &tape, net,
              tape_input(&tape, x, 4, (const int[]){N, 3, INCEPTION_SIZE, INCEPTION_SIZE}, false));
    if (tape.error.status != STATUS_OK)
        case_fail(c, name, "%s", tape.error.text);
    for (int i = 0; i < 4; i++)
        show(c, name, POOLED[i], taps.pooled[i]);
    show(c, name, "logits_unbiased", taps.logits_unbiased);
    show(c, name, "logits", taps.logits);
    arena_free(&own);
}

static void run(CaseFile *c)
{
    Weights w = weights_create(c->arena, 0);
    Inception net;
    Error err = {0};
    inception_load(&net, &w, "");
    if (!case_went_well(c, "weights", weights_finish(&w, &err), &err))
        return;
    for (const Parameter *p = w.first; p != NULL; p = p->next)
        fill_hashed(p);
    for (size_t i = 0; i < c->inputs.count; i++)
        run_input(c, &net, c->inputs.entries[i].name);
}

const CaseKind CASES_OF_INCEPTION = {"Inception features", handles, run, NULL};
