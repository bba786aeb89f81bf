/* diffusion/tokenizer.h - CLIP's byte-pair encoding: from a prompt to the numbers that
 * the text encoder reads.
 *
 * A word (tokenizer_text.h) starts as one symbol a byte, the last one marked "</w>"; then, again and again,
 * the pair of neighbours with the lowest rank in merges.txt is joined everywhere in the word, until no pair
 * has a rank.  Each symbol that is left is a token.  A prompt becomes
 *     start, tokens ..., end, padding ...        (`length` numbers, 77 for CLIP)
 * and tokens that do not fit are cut off and reported.
 *
 * Sources: Sennrich, Haddow and Birch 2016 [SenHB16], section 3.2; openai/CLIP simple_tokenizer.py; the
 * exact treatment of text follows transformers' CLIPTokenizer without ftfy.  Besides the words' own
 * pattern, the start, end and unknown tokens written out in a prompt stand for themselves; the padding
 * token does not ("!" pads in Stable Diffusion 2 and is a character all the same). */
#ifndef DIFFUSION_TOKENIZER_H
#define DIFFUSION_TOKENIZER_H

#include "base/arena.h"
#include "base/error.h"
#include "diffusion/tokenizer_table.h"

typedef struct {
    TokenTable table;
    int *symbol_of;                   /* the symbol of an id, NO_ID where the vocabulary has a hole */
    int vocabulary;                   /* every id is below this */
    int start, end, padding, unknown; /* ids */
    int length;                       /* of an encoded prompt */
} Tokenizer;

/* Reads vocab.json, merges.txt and, where they exist, tokenizer_config.json and special_tokens_map.json
 * from a folder in the layout of transformers.  Refused: files that contradict each other. */
MUST_CHECK Status tokenizer_open(Tokenizer *out, const char *folder, Arena *arena, Error *err);

/* The same for files in memory, of which the last two may have no data.  The tokenizer needs none of it
 * afterwards. */
typedef struct {
    const char *name; /* begins the error sentences */
    const void *data;
    size_t size;
} TokenizerFile;

typedef struct {
    TokenizerFile vocabulary, merges, config, special_map;
} TokenizerFiles;

MUST_CHECK Status tokenizer_parse(Tokenizer *out, const TokenizerFiles *files, Arena *arena, Error *err);

/* Writes the four files, which tokenizer_open and transformers read; the folder is made. */
MUST_CHECK Status tokenizer_save(const Tokenizer *t, const char *folder, Arena *scratch, Error *err);

typedef struct {
    int *ids;        /* t->length of them: start, tokens, end, padding */
    int used;        /* before the padding: start and end are counted */
    const char *cut; /* what did not fit, as text; "" when everything did */
} EncodedPrompt;

/* Errors: STATUS_FORMAT where the prompt is not UTF-8. */
MUST_CHECK Status tokenizer_encode(EncodedPrompt *out, const Tokenizer *t, const char *prompt, Arena *arena,
                                   Error *err);

/* All tokens of a text, without start, end and padding. */
MUST_CHECK Status tokenizer_tokens(int **ids, size_t *count, const Tokenizer *t, const char *text,
                                   Arena *arena, Error *err);

/* The text of tokens: a space after each word, bytes that are no UTF-8 replaced by U+FFFD, no space at the
 * ends.  NULL when there is no memory. */
char *tokenizer_decode(const Tokenizer *t, const int *ids, size_t count, Arena *arena);

/* A token as vocab.json writes it ("cat</w>"); NULL when there is no such id. */
const char *tokenizer_symbol(const Tokenizer *t, int id);

#endif
