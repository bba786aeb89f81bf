/* diffusion/tokenizer_unicode.h - what the tokenizer needs of Unicode 14.0.0: categories, lower case, NFC.
 *
 * Text is handled as code points.  Characters below U+0080 never touch the tables; the others walk them
 * from the front, which is fast enough for prompts and captions and keeps the tables small. */
#ifndef DIFFUSION_TOKENIZER_UNICODE_H
#define DIFFUSION_TOKENIZER_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UNICODE_NFC_ROOM = 4,  /* unicode_nfc needs room for this many times as many characters */
    UNICODE_LOWER_ROOM = 2 /* and unicode_lower for this many times */
};

bool unicode_is_letter(uint32_t c);  /* categories L* */
bool unicode_is_number(uint32_t c);  /* categories N* */
bool unicode_is_control(uint32_t c); /* categories C*: control, format, private use, unassigned */
bool unicode_is_space(uint32_t c);   /* the property White_Space */

/* Canonical composition (NFC) of count characters into out; returns how many there are.  Uses all of
 * count * UNICODE_NFC_ROOM places of out on the way. */
size_t unicode_nfc(uint32_t *out, const uint32_t *text, size_t count);

/* Lower case as in Python: one to one but for U+0130, which becomes i and a dot above, and for a capital
 * sigma that ends a word.  Returns how many characters there are. */
size_t unicode_lower(uint32_t *out, const uint32_t *text, size_t count);

/* The generated tables; their rows are described in the files that define them. */
extern const uint32_t UNICODE_LETTER[], UNICODE_NUMBER[], UNICODE_CONTROL[], UNICODE_CASED[],
    UNICODE_IGNORABLE[], UNICODE_COMBINING[], UNICODE_SINGLE[];
extern const int32_t UNICODE_LOWER[], UNICODE_PAIR[];
extern const size_t UNICODE_LETTER_COUNT, UNICODE_NUMBER_COUNT, UNICODE_CONTROL_COUNT, UNICODE_CASED_COUNT,
    UNICODE_IGNORABLE_COUNT, UNICODE_COMBINING_COUNT, UNICODE_SINGLE_COUNT, UNICODE_LOWER_COUNT,
    UNICODE_PAIR_COUNT;

#endif
