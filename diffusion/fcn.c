#include "diffusion/fcn.h"

#include <math.h>
#include <stdio.h>

#include "diffusion/config_reader.h"
#include "nn/activation.h"
#include "nn/conv2d.h"
#include "nn/elementwise.h"
#include "nn/resample.h"

Status fcn_config_read(FcnConfig *out, const Json *json, const char *name, Arena *arena, Error *err)
{
    ConfigReader r = config_reader(json, name, arena);
    FcnConfig c = {.labels = 0};
    config_class(&r, "FCN");
    c.labels = config_int(&r, "labels", 0, 1, FCN_LABELS);
    c.head_channels = config_int(&r, "head_channels", 128, 1, FCN_HEAD);
    const Json *backbone = config_get(&r, "backbone");
    Status status = config_finish(&r, err);
    if (status == STATUS_OK && json_kind(backbone) != JSON_OBJECT)
        status = error_set(err, STATUS_FORMAT, "%s: has no object \"backbone\"", name);
    if (status == STATUS_OK)
        status = vgg_config_read(&c.backbone, backbone, name, arena, err);
    if (status == STATUS_OK && (c.labels < 1 || c.backbone.heads != 0 || c.backbone.noise_levels != 0))
        status = error_set(
            err, STATUS_FORMAT,
            "%s: needs \"labels\", and a \"backbone\" without \"heads\" and \"noise_levels\"", name);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

void fcn_config_write(JsonWriter *w, const FcnConfig *c)
{
    json_begin_object(w, NULL);
    json_write_text(w, "_class_name", "FCN");
    json_write_int(w, "labels", c->labels);
    json_write_int(w, "head_channels", c->head_channels);
    vgg_config_write(w, "backbone", &c->backbone);
    json_end(w);
}

/* name.weight (out,in,kernel,kernel), normal, and name.bias, zero. */
static Affine load_conv(Weights *w, const char *prefix, const char *name, double deviation, int out, int in,
                        int kernel)
{
    char own[WEIGHTS_NAME];
    Affine a;
    weights_child(own, prefix, "%s", name);
    a.weight = weights_tensor(w, own, "weight", (Init){INIT_NORMAL, deviation}, 4,
                              (const int[]){out, in, kernel, kernel});
    a.bias = weights_tensor(w, own, "bias", (Init){INIT_ZEROS, 0.0}, 1, (const int[]){out});
    return a;
}

/* Channels at the end of stage k. */
static int stage_channels(const VggConfig *c, int k)
{
    int channels = 0;
    for (int i = 0, stage = 0; i < c->layers && stage <= k; i++) {
        stage += c->layer[i] == 0;
        if (stage == k && c->layer[i] > 0)
            channels = c->layer[i];
    }
    return channels;
}

void fcn_load(Fcn *net, const FcnConfig *config, Weights *w, const char *prefix)
{
    char child[WEIGHTS_NAME], name[32];
    const VggConfig *c = &config->backbone;
    const int last = vgg_stages(c) - 1, in = stage_channels(c, last);
    *net = (Fcn){.config = *config};
    vgg_load(&net->backbone, c, w, weights_child(child, prefix, "backbone"));
    net->head = load_conv(w, prefix, "head", sqrt(2.0 / (9.0 * in)), config->head_channels, in, 3);
    for (int k = 0; k <= last; k++) {
        snprintf(name, sizeof name, "score.%d", k);
        net->score[k] = load_conv(w, prefix, name, 0.01, config->labels,
                                  k == last ? config->head_channels : stage_channels(c, k), 1);
    }
}

static Tensor *score(Tape *tape, const Affine *layer, Tensor *x)
{
    return conv2d(tape, x, layer->weight, layer->bias, conv2d_padding(1, 0));
}

Tensor *fcn(Tape *tape, const Fcn *net, Tensor *x)
{
    VggTaps taps;
    if (vgg(tape, &net->backbone, x, NULL, &taps) == NULL)
        return NULL;
    const int last = taps.stages - 1;
    Tensor *h =
        relu(tape, conv2d(tape, taps.stage[last], net->head.weight, net->head.bias, conv2d_padding(1, 1)));
    Tensor *y = tape_named(tape, score(tape, &net->score[last], h), "score", "");
    for (int k = last - 1; k >= 0 && y != NULL; k--) {
        Tensor *fine = score(tape, &net->score[k], taps.stage[k]);
        y = add(tape, bilinear(tape, y, taps.stage[k]->dim[2], taps.stage[k]->dim[3]), fine);
    }
    return tape_named(tape, y, "logits", "");
}
