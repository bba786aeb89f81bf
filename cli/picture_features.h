/* cli/picture_features.h - features of many picture files by a network, a few pictures at a time. */
#ifndef CLI_PICTURE_FEATURES_H
#define CLI_PICTURE_FEATURES_H

#include "cli/picture_names.h"
#include "diffusion/vgg.h"

enum { FEATURE_RECIPE = 700, FEATURE_NAME = 40 };

typedef struct {
    Vgg vgg;
    int d; /* numbers in a feature: the last hidden layer, after its activation */
    const char *folder;
    char name
        [FEATURE_NAME]; /* "ldm99-features" of the shipped one, else "vgg-" and 8 digits of the weights' hash */
    char weights[65], config[65]; /* SHA-256 of model.safetensors and config.json */
    char recipe[FEATURE_RECIPE];  /* all that decides a feature's bits: "NAME/TAP ..." */
} FeatureNetwork;

/* A VGG of pictures with a hidden layer; folder NULL: the shipped one. */
MUST_CHECK Status feature_network_open(FeatureNetwork *out, const char *folder, Arena *arena, Error *err);

/* What the pictures were. */
typedef struct {
    size_t count;
    int width, height; /* of the first */
    size_t different;  /* pictures of other sizes */
} PictureSizes;

/* Takes `n` features (n,d) of the pictures that come next. */
typedef Status FeatureSink(void *context, const float *x, int n, Error *err);

/* Hands all pictures' features to the sink, in order.  scratch is given back.  Errors name the picture. */
MUST_CHECK Status picture_features(const FeatureNetwork *network, const PictureNames *names,
                                   FeatureSink *sink, void *context, PictureSizes *sizes, Arena *scratch,
                                   Error *err);

#endif
