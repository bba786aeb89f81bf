/* cli/feature_network.h - a network that gives features of pictures, with the recipe by which it does. */
#ifndef CLI_FEATURE_NETWORK_H
#define CLI_FEATURE_NETWORK_H

#include "diffusion/inception.h"
#include "diffusion/vgg.h"
#include "io/image.h"

enum { FEATURE_RECIPE = 700, FEATURE_NAME = 40 };

/* What is taken of the network: its last layer before the answers, a row of metrics/map_embedding.h, or of Inception what
 * torch-fidelity calls by these numbers and names. */
typedef enum {
    FEATURE_HIDDEN,
    FEATURE_LOCATION,
    FEATURE_STYLE,
    FEATURE_GRAM,
    FEATURE_64,
    FEATURE_192,
    FEATURE_768,
    FEATURE_2048, /* the same numbers as FEATURE_HIDDEN */
    FEATURE_LOGITS_UNBIASED,
    FEATURE_LOGITS
} FeatureTap;

/* "hidden", "location", "style", "gram", "64" ...; NULL ends them. */
extern const char *const FEATURE_TAPS[];
FeatureTap feature_tap_named(const char *word); /* FEATURE_HIDDEN for a word that is none */

typedef struct {
    bool is_inception;
    Vgg vgg; /* one of the two */
    Inception inception;
    FeatureTap tap;
    bool
        half_pixel; /* Inception: pictures as pytorch-fid resizes them; set it before feature_network_tap */
    int d;          /* numbers in a feature */
    int size;       /* pictures are (3,size,size) */
    const char *folder; /* of the VGG, or Inception's file */
    char name
        [FEATURE_NAME]; /* "ldm99-features" of the shipped one, else "vgg-" or "inception-" and 8 digits of the
                                weights' hash */
    char weights[65], config[65]; /* SHA-256 of the weights and of config.json; Inception has no such: "" */
    char recipe[FEATURE_RECIPE];  /* all that decides a feature's bits: "NAME/TAP ..." */
} FeatureNetwork;

/* A folder: a VGG of pictures with a hidden layer; a file: the weights of the FID's Inception (diffusion/inception.h);
 * NULL: the shipped VGG. */
MUST_CHECK Status feature_network_open(FeatureNetwork *out, const char *word, Arena *arena, Error *err);

/* Takes another of its features: d and the recipe change.  Of a VGG locations are of stage 3 (the last ReLU before the third
 * maximum), styles of stage 2; of Inception of its second and first maxima, as the authors' are.  STATUS_ARGUMENT when
 * the network has no such feature, or rows get too long for statistics (metrics/feature_sums.h). */
MUST_CHECK Status feature_network_tap(FeatureNetwork *f, FeatureTap tap, Error *err);

/* The picture (any size, alpha over white, 8 bits a channel) as the network takes it: planes (3,size,size). */
MUST_CHECK Status feature_network_picture(float *planes, const FeatureNetwork *f, const Image *picture,
                                          Arena *scratch, Error *err);

/* Features (n,d) of planes (n,3,size,size), in the tape's arena; NULL: tape->error says why. */
const float *feature_network_run(Tape *tape, const FeatureNetwork *f, float *planes, int n);

#endif
