/* diffusion/tokenizer_train.h - learns the byte-pair merges of a vocabulary from captions.
 *
 * Algorithm 1 of Sennrich, Haddow and Birch 2016 [SenHB16]: every word of the captions starts as one symbol
 * a byte; the pair of neighbours that is most frequent becomes a new symbol, everywhere, and so on.  Of
 * pairs that are equally frequent the one goes first whose left symbol, then whose right symbol, is older,
 * so that the result depends on the captions alone (not on their order, as far as the counts are the same).
 *
 * Ids are given as in CLIP's vocabulary: 256 bytes, 256 bytes that end a word, the merges by rank, start,
 * end.  Time is proportional to (merges) x (bytes of the distinct words). */
#ifndef DIFFUSION_TOKENIZER_TRAIN_H
#define DIFFUSION_TOKENIZER_TRAIN_H

#include "diffusion/tokenizer.h"

typedef struct {
    int vocabulary; /* ids at most; at least TOKENIZER_SMALLEST */
    int times;      /* a pair must occur so many times to be merged; at least 1 */
    int length;     /* of an encoded prompt; at least 3 */
} TokenizerTrainOptions;

enum { TOKENIZER_SMALLEST = 256 + 256 + 2 };

/* 49,408 ids and length 77 are CLIP's; a pair that occurs once teaches nothing, so times is 2. */
extern const TokenizerTrainOptions TOKENIZER_TRAIN_DEFAULTS;

/* On failure *out is untouched.  `arena` keeps the tokenizer, `scratch` is given back. */
MUST_CHECK Status tokenizer_train(Tokenizer *out, const char *const *captions, size_t count,
                                  TokenizerTrainOptions options, Arena *arena, Arena *scratch, Error *err);

#endif
