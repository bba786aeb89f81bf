/* LPIPS with the published linear heads on networks with hashed weights: inputs img0 and img1 (N,3,H,W) in [-1,1].
 *
 *   lpips, layer.i     distances (N), and what each place adds
 *   grad.img0          of the sum of the distances
 *   normalize_true     the distances of (img + 1) / 2 with normalize=True, which is the same
 *   feat_mean.i        (N,C): means over space of img0's features
 *
 * names_and_shapes tells the network: SqueezeNet has "features.3.squeeze.weight", AlexNet's first kernels are 11 wide, and
 * VGG's widths are read from the shapes. */
#include "tests/conformance.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "diffusion/lpips_trunk.h"
#include "nn/reduce.h"
#include "nn/reshape.h"
#include "tests/hashed_weights.h"

typedef struct {
    bool is_vgg;
    Vgg vgg;
    LpipsTrunk trunk;
    LpipsHeads heads;
    Weights weights;
} Network;

static bool handles(const CaseFile *c)
{
    return json_get(json_get(c->json, "names_and_shapes"), "features.0.weight") != NULL &&
           case_has_input(c, "img0") && case_has_input(c, "img1") && case_wants(c, "lpips");
}

/* torchvision's "features" from the places of the convolutions: each takes two, maxima one. */
static bool read_vgg(CaseFile *c, VggConfig *config, const Json *shapes)
{
    Bytes text = {.arena = c->arena};
    Error err = {0};
    const Json *json;
    JsonWriter w = {.out = &text};
    json_begin_object(&w, NULL);
    json_begin_array(&w, "features");
    int place = 0;
    for (size_t i = 0; i < json_count(shapes); i++) {
        int number = 0, used = 0;
        if (sscanf(json_key(shapes, i), "features.%d.weight%n", &number, &used) != 1 || used == 0)
            continue;
        for (; place < number; place++)
            json_write_text(&w, NULL, "M");
        json_write_int(&w, NULL, json_int(json_at(json_at(shapes, i), 0), 0));
        place += 2;
    }
    json_end(&w);
    static const double MEAN[3] = {0.485, 0.456, 0.406}, STD[3] = {0.229, 0.224, 0.225};
    for (int k = 0; k < 2; k++) {
        json_begin_array(&w, k == 0 ? "image_mean" : "image_std");
        for (int i = 0; i < 3; i++)
            json_write_number(&w, NULL, k == 0 ? MEAN[i] : STD[i]);
        json_end(&w);
    }
    json_end(&w);
    return case_went_well(c, "names_and_shapes",
                          json_parse(&json, (const char *)text.data, text.size, "VGG", c->arena, &err),
                          &err) &&
           case_went_well(c, "names_and_shapes", vgg_config_read(config, json, "VGG", c->arena, &err),
                          &err);
}

static bool load(CaseFile *c, Network *n)
{
    const Json *shapes = json_get(c->json, "names_and_shapes");
    const bool squeeze = json_get(shapes, "features.3.squeeze.weight") != NULL;
    const int kernel = json_int(json_at(json_get(shapes, "features.0.weight"), 2), 0);
    const char *path = case_path(c, "linear_heads_v0.1.safetensors");
    Error err = {0};
    VggConfig config;
    n->weights = weights_create(c->arena, 0);
    n->is_vgg = !squeeze && kernel == 3;
    if (n->is_vgg && !read_vgg(c, &config, shapes))
        return false;
    if (n->is_vgg)
        vgg_load(&n->vgg, &config, &n->weights, "");
    else
        lpips_trunk_load(&n->trunk, squeeze ? LPIPS_SQUEEZE : LPIPS_ALEX, &n->weights, "");
    if (!case_went_well(c, "weights", weights_finish(&n->weights, &err), &err))
        return false;
    for (const Parameter *p = n->weights.first; p != NULL; p = p->next)
        fill_hashed(p);
    const Status status = n->is_vgg ? lpips_heads_open(&n->heads, &n->vgg, path, c->arena, &err)
                                    : lpips_trunk_heads(&n->heads, &n->trunk, path, c->arena, &err);
    return case_went_well(c, "linear heads", status, &err);
}

static void see(VggTaps *taps, Tape *tape, const Network *n, Tensor *x)
{
    if (n->is_vgg)
        vgg(tape, &n->vgg, x, NULL, taps);
    else
        lpips_trunk(taps, tape, &n->trunk, x);
}

static void check_features(CaseFile *c, const VggTaps *taps)
{
    for (int i = 0; i < taps->stages; i++) {
        const Tensor *f = taps->stage[i];
        char name[32];
        const size_t planes = (size_t)f->dim[0] * (size_t)f->dim[1], n = tensor_count(f) / planes;
        double *mean = arena_alloc(c->arena, planes, sizeof *mean);
        for (size_t k = 0; mean != NULL && k < tensor_count(f); k++)
            mean[k / n] += (double)f->data[k] / (double)n;
        snprintf(name, sizeof name, "feat_mean.%d", i);
        case_doubles(c, name, mean, planes);
    }
}

static void run(CaseFile *c)
{
    Network n = {.is_vgg = false};
    VggTaps of_x, of_y;
    Arena gradients = {0};
    Tensor *layer[VGG_STAGES], *a = case_input(c, "img0"), *b = case_input(c, "img1");
    if (a == NULL || b == NULL || !load(c, &n))
        return;
    Tape tape = {.arena = c->arena, .gradients = &gradients, .recording = true};
    Tensor *x = tape_input(&tape, a->data, a->rank, a->dim, true);
    see(&of_x, &tape, &n, x);
    see(&of_y, &tape, &n, b);
    Tensor *d = lpips_between(&tape, &n.heads, &of_x, &of_y, layer);
    if (d == NULL || tape.error.status != STATUS_OK) {
        case_fail(c, "lpips", "%s", tape.error.text);
    } else {
        check_features(c, &of_x);
        case_tensor(c, "lpips", d);
        case_tensor(c, "normalize_true", d);
        for (int i = 0; i < of_x.stages; i++) {
            char name[32];
            snprintf(name, sizeof name, "layer.%d", i);
            case_tensor(c, name, layer[i]);
        }
        if (tape_backward(&tape, d, NULL) == STATUS_OK)
            case_numbers(c, "grad.img0", x->grad, tensor_count(x));
        else
            case_fail(c, "grad.img0", "%s", tape.error.text);
    }
    arena_free(&gradients);
}

const CaseKind CASES_OF_LPIPS = {"LPIPS", handles, run, NULL};
