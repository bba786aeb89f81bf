#include "diffusion/tokenizer_text.h"

#include "diffusion/tokenizer_unicode.h"
#include "io/utf8.h"

/* The blocks that BasicTokenizer (transformers, from Google's BERT) takes for Chinese. */
static bool is_chinese(uint32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
           (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) ||
           (c >= 0x2b820 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

/* Steps 1 and 2; the result has at most three times as many characters as the text has bytes. */
static Status clean(uint32_t *out, size_t *count, const char *text, size_t size, Error *err)
{
    size_t n = 0;
    for (size_t at = 0; at < size;) {
        uint32_t c;
        const int length = utf8_read(&c, text + at, size - at);
        if (length == 0)
            return error_set(err, STATUS_FORMAT, "text: byte 0x%02x at position %zu is not UTF-8",
                             (unsigned)(unsigned char)text[at], at);
        at += (size_t)length;
        if (c == '\t' || c == '\n' || c == '\r' || unicode_is_space(c)) {
            if (c != 0x0b && c != 0x0c && c != 0x85)
                out[n++] = ' ';
        } else if (is_chinese(c)) {
            out[n++] = ' ';
            out[n++] = c;
            out[n++] = ' ';
        } else if (c != 0xfffd && !unicode_is_control(c)) {
            out[n++] = c;
        }
    }
    *count = n;
    return STATUS_OK;
}

Status words_begin(Words *out, const char *text, size_t size, Arena *arena, Error *err)
{
    uint32_t *cleaned = arena_raw(arena, size, 3 * sizeof *cleaned);
    size_t count = 0;
    if (cleaned == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a prompt of %zu bytes", size);
    const Status status = clean(cleaned, &count, text, size, err);
    if (status != STATUS_OK)
        return status;
    uint32_t *composed = arena_raw(arena, count, UNICODE_NFC_ROOM * sizeof *composed);
    const size_t length = composed != NULL ? unicode_nfc(composed, cleaned, count) : 0;
    uint32_t *lower = arena_raw(arena, length, UNICODE_LOWER_ROOM * sizeof *lower);
    if (composed == NULL || lower == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a prompt of %zu bytes", size);
    *out = (Words){.text = lower, .count = unicode_lower(lower, composed, length)};
    return STATUS_OK;
}

/* How many characters of the text at `at` match the pattern, 0 when it does not start with it. */
static size_t match(const Words *words, size_t at, const char *pattern)
{
    size_t n = 0;
    for (; pattern[n] != '\0'; n++) {
        if (at + n >= words->count)
            return 0;
        const uint32_t c = words->text[at + n] == 0x17f ? 's' : words->text[at + n];
        if (c != (uint32_t)(unsigned char)pattern[n])
            return 0;
    }
    return n;
}

static bool is_other(uint32_t c)
{
    return !unicode_is_space(c) && !unicode_is_letter(c) && !unicode_is_number(c);
}

/* The length of the word that starts at a character that is not white space. */
static size_t word_length(const Words *words, size_t at)
{
    static const char *const FIXED[] = {
        "<|startoftext|>", "<|endoftext|>", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < sizeof FIXED / sizeof FIXED[0]; i++) {
        const size_t n = match(words, at, FIXED[i]);
        if (n > 0)
            return n;
    }
    if (unicode_is_number(words->text[at]))
        return 1;
    bool (*const belongs)(uint32_t) = unicode_is_letter(words->text[at]) ? unicode_is_letter : is_other;
    size_t n = 1;
    while (at + n < words->count && belongs(words->text[at + n]))
        n++;
    return n;
}

bool words_next(Words *words, const uint32_t **word, size_t *count)
{
    while (words->at < words->count && unicode_is_space(words->text[words->at]))
        words->at++;
    if (words->at >= words->count)
        return false;
    *word = words->text + words->at;
    *count = word_length(words, words->at);
    words->at += *count;
    return true;
}
