/* cli/picture_features.h - features of many picture files by a network, a few pictures at a time. */
#ifndef CLI_PICTURE_FEATURES_H
#define CLI_PICTURE_FEATURES_H

#include "cli/picture_names.h"
#include "diffusion/vgg.h"

enum { FEATURE_RECIPE = 700, FEATURE_NAME = 40 };

/* What is taken of the network: its last hidden layer after the activation, or a row of metrics/map_embedding.h. */
typedef enum { FEATURE_HIDDEN, FEATURE_LOCATION, FEATURE_STYLE, FEATURE_GRAM } FeatureTap;

/* "hidden", "location", "style", "gram"; NULL ends them. */
extern const char *const FEATURE_TAPS[];
FeatureTap feature_tap_named(const char *word); /* FEATURE_HIDDEN for a word that is none */

typedef struct {
    Vgg vgg;
    FeatureTap tap;
    int d; /* numbers in a feature */
    const char *folder;
    char name
        [FEATURE_NAME]; /* "ldm99-features" of the shipped one, else "vgg-" and 8 digits of the weights' hash */
    char weights[65], config[65]; /* SHA-256 of model.safetensors and config.json */
    char recipe[FEATURE_RECIPE];  /* all that decides a feature's bits: "NAME/TAP ..." */
} FeatureNetwork;

/* A VGG of pictures with a hidden layer; folder NULL: the shipped one. */
MUST_CHECK Status feature_network_open(FeatureNetwork *out, const char *folder, Arena *arena, Error *err);

/* Takes another of its features: d and the recipe change.  Locations are of stage 3 (the last ReLU before the third maximum), styles
 * of stage 2, as the authors' are of Inception's second and first maxima.  STATUS_ARGUMENT when the network has not so
 * many stages, or rows get too long for statistics (metrics/feature_sums.h). */
MUST_CHECK Status feature_network_tap(FeatureNetwork *f, FeatureTap tap, Error *err);

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
