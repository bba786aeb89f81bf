/* diffusion/vgg_config.h - what shape a VGG has, and what its outputs mean: config.json of a classifier.
 *
 *     { "_class_name": "VGG",
 *       "in_channels": 3, "sample_size": 64,
 *       "features": [16, "M", 32, 32, "M"],    3x3 convolutions of so many channels, "M": 2x2 maxima
 *       "pooled_size": 7,                      averages of so many rows and columns before the linear layers
 *       "hidden": [4096, 4096],                widths of the linear layers before the last
 *       "hidden_activation": "relu",           or "identity"
 *       "noise_levels": 0,                     L: the last layer is also told level / L
 *       "image_mean": [0.485, ...], "image_std": [0.229, ...],    of samples in [0, 1]
 *       "heads": {"class": ["nothing", "rose", ...], "style": 7} }
 *
 * "features" is torchvision's list (models/vgg.py, cfgs; required).  The linear layers give one row of
 * outputs; "heads" says what consecutive parts of it mean: a number of outputs, or their names.  Without heads
 * there are no linear layers: a network of features alone.  Defaults as shown, but sample_size 224, mean and std
 * 0.5 (a picture in [-1, 1] is taken as it is) and no heads.  Every other key is refused.
 * In a classifier of the picture world "class" 0 is nothing and c + 1 is concept c, as in label maps; "style"
 * counts the styles of the world without its line drawings. */
#ifndef DIFFUSION_VGG_CONFIG_H
#define DIFFUSION_VGG_CONFIG_H

#include "io/json.h"

enum {
    VGG_LAYERS = 64, /* entries of "features" */
    VGG_STAGES = 16, /* runs of convolutions between maxima */
    VGG_HIDDEN = 4,  /* linear layers before the last */
    VGG_HEADS = 8,
    VGG_INPUTS = 64, /* channels of the input */
    VGG_OUTPUTS = 65536
};

typedef struct {
    const char *name;
    int outputs;
    const char *const *label; /* (outputs), or NULL: no names */
} VggHead;

typedef struct {
    int in_channels, sample_size;
    int layers;
    int layer[VGG_LAYERS]; /* channels of a convolution; 0: maxima */
    int pooled_size;
    int hidden_count, hidden[VGG_HIDDEN];
    bool hidden_relu;
    int noise_levels;
    double mean[VGG_INPUTS], std[VGG_INPUTS];
    int heads;
    VggHead head[VGG_HEADS];
} VggConfig;

/* name begins the error sentences; names of heads and labels stay in json, whose arena must live as long as
 * the configuration.  On failure *out is untouched. */
MUST_CHECK Status vgg_config_read(VggConfig *out, const Json *json, const char *name, Arena *arena,
                                  Error *err);

/* key: of the object that is open, or NULL. */
void vgg_config_write(JsonWriter *w, const char *key, const VggConfig *c);

/* All outputs together, and where a head's begin. */
int vgg_outputs(const VggConfig *c);
int vgg_head_start(const VggConfig *c, int head);

/* The head of that name, or -1. */
int vgg_head(const VggConfig *c, const char *name);

/* Runs of convolutions, and the channels of the last convolution. */
int vgg_stages(const VggConfig *c);
int vgg_channels(const VggConfig *c);

#endif
