/* cli/picture_features.h - features of many picture files by a network, a few pictures at a time. */
#ifndef CLI_PICTURE_FEATURES_H
#define CLI_PICTURE_FEATURES_H

#include "cli/feature_network.h"
#include "cli/picture_names.h"

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
