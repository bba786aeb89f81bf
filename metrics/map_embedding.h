/* metrics/map_embedding.h - one row of numbers from a feature map (C,H,W): where things are without what they are, and the
 * reverse.  The Fréchet distance between such rows of two sets compares their layouts, or their styles.
 *
 *   location   mean over the channels at each position: H W numbers, row after row
 *   outer      g = mean over the positions; g_i g_j for i <= j: (0,0), (0,1) ... (C-1,C-1), C (C + 1) / 2 numbers
 *   gram       mean over the positions of f_i f_j, in the same order [ours]
 *
 * "outer" is of rank one: the product of averaged features, as the particle method's authors code their style
 * embedding; "gram" is the textbook's average of products, whose diagonal is never below the other's (Jensen) and which
 * it equals where the map is constant.  Sums are sum8 in binary64, the results binary32.
 * Source: metric_utils.py of alexpondaven/particlediffusion. */
#ifndef METRICS_MAP_EMBEDDING_H
#define METRICS_MAP_EMBEDDING_H

#include <stddef.h>

typedef enum { MAP_LOCATION, MAP_STYLE_OUTER, MAP_STYLE_GRAM } MapEmbedding;

/* How many numbers come of a map. */
size_t map_embedding_count(MapEmbedding kind, int channels, int height, int width);

/* out (map_embedding_count) of map (channels,height,width), each at least 1. */
void map_embedding(float *out, MapEmbedding kind, const float *map, int channels, int height, int width);

#endif
