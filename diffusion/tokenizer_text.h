/* diffusion/tokenizer_text.h - from a prompt to the words that byte pairs are made in.
 *
 * The steps of transformers' CLIPTokenizer without ftfy (tokenization_clip.py, BasicTokenizer):
 *   1. characters of the categories C* but tab and line ends are dropped, white space becomes a space;
 *   2. a space is put on both sides of every Chinese character;
 *   3. NFC;
 *   4. lower case;
 *   5. the text is cut into the matches of
 *        <|startoftext|> | <|endoftext|> | 's | 't | 're | 've | 'm | 'll | 'd
 *        | letters+ | number | others+
 *      the first that fits, white space left out.  Upper and lower case are the same to the pattern, so the
 *      long s (U+017F), which has no lower case of its own, counts as an s. */
#ifndef DIFFUSION_TOKENIZER_TEXT_H
#define DIFFUSION_TOKENIZER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    const uint32_t *text; /* cleaned: the result of steps 1 to 4 */
    size_t count, at;
} Words;

/* Cleans `size` bytes of UTF-8.  STATUS_FORMAT where they are not UTF-8. */
MUST_CHECK Status words_begin(Words *out, const char *text, size_t size, Arena *arena, Error *err);

/* The next word, as it lies in the cleaned text; false at the end. */
bool words_next(Words *words, const uint32_t **word, size_t *count);

#endif
