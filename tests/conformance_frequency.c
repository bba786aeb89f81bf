/* Focal frequency loss: `options` names the cases and their options ("defaults", or an object with the names of the
 * released code); NAME.loss and NAME.grad_pred are theirs.  same.loss is the loss of pred with itself, fft2_ortho_real
 * and _imag are the unitary transform of pred. */
#include "tests/conformance.h"

#include <stdio.h>
#include <string.h>

#include "metrics/focal_frequency.h"
#include "nn/concat.h"
#include "nn/fft.h"

static bool handles(const CaseFile *c)
{
    char name[140];
    const Json *options = json_get(c->json, "options");
    snprintf(name, sizeof name, "%.100s.grad_pred", json_count(options) > 0 ? json_key(options, 0) : "");
    return case_has_input(c, "pred") && case_has_input(c, "target") && case_wants(c, name);
}

static bool read_options(CaseFile *c, FocalFrequencyOptions *o, const Json *json)
{
    *o = FOCAL_FREQUENCY_DEFAULTS;
    for (size_t i = 0; json_kind(json) == JSON_OBJECT && i < json_count(json); i++) {
        const char *key = json_key(json, i);
        const Json *value = json_at(json, i);
        if (strcmp(key, "loss_weight") == 0)
            o->weight = json_number(value, 0.0);
        else if (strcmp(key, "alpha") == 0)
            o->alpha = json_number(value, -1.0);
        else if (strcmp(key, "patch_factor") == 0)
            o->tiles = json_int(value, 0);
        else if (strcmp(key, "ave_spectrum") == 0)
            o->average_spectrum = json_bool(value, false);
        else if (strcmp(key, "log_matrix") == 0)
            o->log_matrix = json_bool(value, false);
        else if (strcmp(key, "batch_matrix") == 0)
            o->batch_matrix = json_bool(value, false);
        else {
            case_fail(c, "options", "\"%.60s\" is not known", key);
            return false;
        }
    }
    return true;
}

static void check_loss(CaseFile *c, const char *name, const Json *json, const Tensor *x,
                       const Tensor *target)
{
    char text[160];
    double loss = 0.0;
    Error err = {0};
    FocalFrequencyOptions options;
    Tensor gradient = *x;
    gradient.data = arena_raw(c->arena, tensor_count(x), sizeof *gradient.data);
    if (gradient.data == NULL || !read_options(c, &options, json))
        return;
    const Status status = focal_frequency_loss(&loss, gradient.data, x->data, target->data, x->dim[0],
                                               x->dim[1], x->dim[2], x->dim[3], &options, c->arena, &err);
    if (!case_went_well(c, name, status, &err))
        return;
    snprintf(text, sizeof text, "%.100s.loss", name);
    case_doubles(c, text, &loss, 1);
    snprintf(text, sizeof text, "%.100s.grad_pred", name);
    case_tensor(c, text, &gradient);
}

static void run(CaseFile *c)
{
    Tensor *x = case_input(c, "pred");
    const Tensor *target = case_input(c, "target");
    const Json *options = json_get(c->json, "options");
    Tape tape = {.arena = c->arena};
    if (x == NULL || target == NULL || x->rank != 4 || !tensor_same_shape(x, target)) {
        case_fail(c, "inputs", "expected pred and target of one shape (N,C,H,W)");
        return;
    }
    for (size_t i = 0; i < json_count(options); i++)
        check_loss(c, json_key(options, i), json_at(options, i), x, target);
    check_loss(c, "same", NULL, x, x);
    Tensor *y = fft2(&tape, x);
    case_tensor(c, "fft2_ortho_real", slice(&tape, y, 1, 0, x->dim[1]));
    case_tensor(c, "fft2_ortho_imag", slice(&tape, y, 1, x->dim[1], x->dim[1]));
}

const CaseKind CASES_OF_FREQUENCY = {"focal frequency loss", handles, run, NULL};
