#include "diffusion/tokenizer_unicode.h"

#include <string.h>

/* ---- categories ---- */

/* True when c lies in one of the ranges, which are written as (gap before it, its length). */
static bool in_ranges(uint32_t c, const uint32_t *table, size_t count)
{
    for (size_t i = 0; i < count; i += 2) {
        if (c < table[i])
            return false;
        c -= table[i];
        if (c < table[i + 1])
            return true;
        c -= table[i + 1];
    }
    return false;
}

bool unicode_is_letter(uint32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return in_ranges(c, UNICODE_LETTER, UNICODE_LETTER_COUNT);
}

bool unicode_is_number(uint32_t c)
{
    if (c < 0x80)
        return c >= '0' && c <= '9';
    return in_ranges(c, UNICODE_NUMBER, UNICODE_NUMBER_COUNT);
}

bool unicode_is_control(uint32_t c)
{
    if (c < 0x80)
        return c < 0x20 || c == 0x7f;
    return in_ranges(c, UNICODE_CONTROL, UNICODE_CONTROL_COUNT);
}

bool unicode_is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

/* ---- normal form C (Unicode Standard Annex 15) ---- */

/* Korean syllables are composed by arithmetic (Unicode Standard, section 3.12). */
enum {
    HANGUL = 0xac00,
    HANGUL_LEAD = 0x1100,
    HANGUL_VOWEL = 0x1161,
    HANGUL_TAIL = 0x11a7, /* one before the first, which stands for "no tail" */
    LEADS = 19,
    VOWELS = 21,
    TAILS = 28
};

static uint32_t combining_class(uint32_t c)
{
    if (c < 0x300)
        return 0;
    for (size_t i = 0; i < UNICODE_COMBINING_COUNT; i += 3) {
        if (c < UNICODE_COMBINING[i])
            return 0;
        c -= UNICODE_COMBINING[i];
        if (c < UNICODE_COMBINING[i + 1])
            return UNICODE_COMBINING[i + 2];
        c -= UNICODE_COMBINING[i + 1];
    }
    return 0;
}

/* Finds what c is made of: two characters, one (second is 0), or false. */
static bool parts_of(uint32_t c, uint32_t *first, uint32_t *second)
{
    int32_t at = 0;
    for (size_t i = 0; i < UNICODE_PAIR_COUNT && at < (int32_t)c; i += 3) {
        at += UNICODE_PAIR[i];
        if (at == (int32_t)c) {
            *first = (uint32_t)UNICODE_PAIR[i + 1];
            *second = (uint32_t)(UNICODE_PAIR[i + 2] < 0 ? -UNICODE_PAIR[i + 2] : UNICODE_PAIR[i + 2]);
            return true;
        }
    }
    at = 0;
    for (size_t i = 0; i < UNICODE_SINGLE_COUNT && at < (int32_t)c; i += 2) {
        at += (int32_t)UNICODE_SINGLE[i];
        if (at == (int32_t)c) {
            *first = UNICODE_SINGLE[i + 1];
            *second = 0;
            return true;
        }
    }
    return false;
}

/* Writes the full decomposition of c; returns its length, at most UNICODE_NFC_ROOM. */
static size_t decompose(uint32_t *out, uint32_t c)
{
    if (c < 0xc0) {
        out[0] = c;
        return 1;
    }
    if (c >= HANGUL && c < HANGUL + LEADS * VOWELS * TAILS) {
        const uint32_t k = c - HANGUL, tail = k % TAILS;
        out[0] = HANGUL_LEAD + k / (VOWELS * TAILS);
        out[1] = HANGUL_VOWEL + k / TAILS % VOWELS;
        out[2] = HANGUL_TAIL + tail;
        return tail != 0 ? 3 : 2;
    }
    uint32_t first, second;
    if (!parts_of(c, &first, &second)) {
        out[0] = c;
        return 1;
    }
    const size_t length = decompose(out, first); /* only the first part can be taken apart again */
    if (second == 0)
        return length;
    out[length] = second;
    return length + 1;
}

/* The character that a and b compose to, 0 when there is none. */
static uint32_t compose(uint32_t a, uint32_t b)
{
    if (a >= HANGUL_LEAD && a < HANGUL_LEAD + LEADS && b >= HANGUL_VOWEL && b < HANGUL_VOWEL + VOWELS)
        return HANGUL + ((a - HANGUL_LEAD) * VOWELS + (b - HANGUL_VOWEL)) * TAILS;
    if (a >= HANGUL && a < HANGUL + LEADS * VOWELS * TAILS && (a - HANGUL) % TAILS == 0 &&
        b > HANGUL_TAIL && b < HANGUL_TAIL + TAILS)
        return a + (b - HANGUL_TAIL);
    if (b < 0x300)
        return 0;
    uint32_t at = 0;
    for (size_t i = 0; i < UNICODE_PAIR_COUNT; i += 3) {
        at += (uint32_t)UNICODE_PAIR[i];
        if (UNICODE_PAIR[i + 1] == (int32_t)a && UNICODE_PAIR[i + 2] == (int32_t)b)
            return at;
    }
    return 0;
}

/* Puts runs of combining marks into ascending order of their class, equal ones left as they are. */
static void order_marks(uint32_t *text, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const uint32_t c = text[i], k = combining_class(c);
        size_t j = i;
        for (; k != 0 && j > 0 && combining_class(text[j - 1]) > k; j--)
            text[j] = text[j - 1];
        text[j] = c;
    }
}

size_t unicode_nfc(uint32_t *out, const uint32_t *text, size_t count)
{
    bool plain = true; /* below U+0300 everything is in normal form already */
    for (size_t i = 0; i < count; i++)
        plain = plain && text[i] < 0x300;
    if (plain) {
        memmove(out, text, count * sizeof *text);
        return count;
    }
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += decompose(out + length, text[i]);
    order_marks(out, length);
    size_t kept = 0, starter = SIZE_MAX;
    uint32_t last = 0; /* class of the last character kept since the starter */
    for (size_t i = 0; i < length; i++) {
        const uint32_t c = out[i], k = combining_class(c);
        if (starter != SIZE_MAX && (kept == starter + 1 || last < k)) {
            const uint32_t both = compose(out[starter], c);
            if (both != 0) {
                out[starter] = both;
                continue;
            }
        }
        if (k == 0)
            starter = kept;
        last = k;
        out[kept++] = c;
    }
    return kept;
}

/* ---- lower case ---- */

static uint32_t lower_one(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    int32_t first = 0;
    for (size_t i = 0; i < UNICODE_LOWER_COUNT; i += 4) {
        first += UNICODE_LOWER[i];
        const int32_t n = UNICODE_LOWER[i + 1], stride = UNICODE_LOWER[i + 2], k = (int32_t)c - first;
        if (k < 0)
            return c;
        if (k % stride == 0 && k / stride < n)
            return (uint32_t)((int32_t)c + UNICODE_LOWER[i + 3]);
    }
    return c;
}

static bool is_cased(uint32_t c)
{
    return in_ranges(c, UNICODE_CASED, UNICODE_CASED_COUNT);
}

static bool is_ignorable(uint32_t c)
{
    return in_ranges(c, UNICODE_IGNORABLE, UNICODE_IGNORABLE_COUNT);
}

/* The sigma at `at` ends a word: a cased character stands before it and none after it, leaving out those
 * that the rule ignores (Unicode Standard, table 3-17, Final_Sigma). */
static bool is_final_sigma(const uint32_t *text, size_t count, size_t at)
{
    size_t before = at, after = at + 1;
    while (before > 0 && is_ignorable(text[before - 1]))
        before--;
    while (after < count && is_ignorable(text[after]))
        after++;
    return before > 0 && is_cased(text[before - 1]) && !(after < count && is_cased(text[after]));
}

size_t unicode_lower(uint32_t *out, const uint32_t *text, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] == 0x3a3 && is_final_sigma(text, count, i)) {
            out[length++] = 0x3c2;
        } else if (text[i] == 0x130) {
            out[length++] = 'i';
            out[length++] = 0x307;
        } else {
            out[length++] = lower_one(text[i]);
        }
    }
    return length;
}
