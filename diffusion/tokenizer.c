#include "diffusion/tokenizer.h"

#include <string.h>

#include "diffusion/tokenizer_text.h"
#include "io/utf8.h"

/* Joins neighbours until no pair has a rank; returns how many symbols are left. */
static size_t merge_word(int *symbol, size_t count, const TokenTable *table)
{
    for (;;) {
        const Merge *best = NULL;
        for (size_t i = 0; i + 1 < count; i++) {
            const Merge *m = token_table_merge(table, symbol[i], symbol[i + 1]);
            if (m != NULL && (best == NULL || m->rank < best->rank))
                best = m;
        }
        if (best == NULL)
            return count;
        size_t kept = 0;
        for (size_t i = 0; i < count;) {
            if (i + 1 < count && symbol[i] == best->left && symbol[i + 1] == best->right) {
                symbol[kept++] = best->result;
                i += 2;
            } else {
                symbol[kept++] = symbol[i++];
            }
        }
        count = kept;
    }
}

/* One symbol a byte of the word's UTF-8, the last one with the end-of-word mark. */
static size_t byte_symbols(int *symbol, const TokenTable *table, const uint32_t *word, size_t count)
{
    size_t n = 0;
    unsigned char last = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[UTF8_LONGEST];
        const int length = utf8_write(bytes, word[i]);
        for (int k = 0; k < length; k++)
            symbol[n++] = table->byte[last = bytes[k]];
    }
    symbol[n - 1] = table->last_byte[last];
    return n;
}

/* The two special tokens that the words' pattern holds stay whole (transformers keeps
 * them in its cache). */
static bool is_special_word(const uint32_t *word, size_t count, const char **text)
{
    static const char *const SPECIAL[] = {"<|startoftext|>", "<|endoftext|>"};
    for (size_t k = 0; k < 2; k++) {
        size_t n = 0;
        while (n < count && SPECIAL[k][n] != '\0' && word[n] == (uint32_t)(unsigned char)SPECIAL[k][n])
            n++;
        if (n == count && SPECIAL[k][n] == '\0') {
            *text = SPECIAL[k];
            return true;
        }
    }
    return false;
}

typedef struct {
    const Tokenizer *tokenizer;
    int *ids;
    size_t count;
    Arena *arena;
    Error *err;
} TokenList;

static void add_symbol(TokenList *list, int symbol)
{
    const int id = symbol != NO_ID ? list->tokenizer->table.symbol[symbol].id : NO_ID;
    list->ids[list->count++] = id != NO_ID ? id : list->tokenizer->unknown;
}

/* Adds the tokens of text without special tokens.  The list has room for one token a byte of the cleaned
 * text's UTF-8, of which the words' symbols use the free end. */
static Status add_text(TokenList *list, const char *text, size_t size)
{
    const TokenTable *table = &list->tokenizer->table;
    const ArenaMark mark = arena_mark(list->arena);
    Words words;
    const Status status = words_begin(&words, text, size, list->arena, list->err);
    const uint32_t *word;
    size_t length;
    const char *special;
    while (status == STATUS_OK && words_next(&words, &word, &length)) {
        if (is_special_word(word, length, &special)) {
            add_symbol(list, token_table_find(table, special, strlen(special)));
            continue;
        }
        int *symbols = list->ids + list->count;
        const size_t count = merge_word(symbols, byte_symbols(symbols, table, word, length), table);
        for (size_t i = 0; i < count; i++)
            add_symbol(list, symbols[i]); /* in place: the i-th id is written over the i-th symbol */
    }
    arena_release(list->arena, mark);
    return status;
}

/* The first special token that is written out in the text; NULL when there is none. */
static const char *next_special(const Tokenizer *t, const char *text, int *id, size_t *length)
{
    const int special[] = {t->start, t->end, t->unknown};
    const char *first = NULL;
    for (size_t k = 0; k < 3; k++) {
        const char *symbol = tokenizer_symbol(t, special[k]);
        const char *at = strstr(text, symbol);
        if (at != NULL && (first == NULL || at < first)) {
            first = at;
            *id = special[k];
            *length = strlen(symbol);
        }
    }
    return first;
}

Status tokenizer_tokens(int **ids, size_t *count, const Tokenizer *t, const char *text, Arena *arena,
                        Error *err)
{
    /* Lower case and NFC lengthen UTF-8 at most threefold. */
    TokenList list = {.tokenizer = t, .arena = arena, .err = err};
    list.ids = arena_raw(arena, strlen(text) + 1, 3 * sizeof *list.ids);
    if (list.ids == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the tokens of a prompt");
    Status status = STATUS_OK;
    while (status == STATUS_OK && *text != '\0') {
        int id = NO_ID;
        size_t length = 0;
        const char *special = next_special(t, text, &id, &length);
        status = add_text(&list, text, special != NULL ? (size_t)(special - text) : strlen(text));
        if (special == NULL)
            break;
        list.ids[list.count++] = id;
        text = special + length;
    }
    if (status != STATUS_OK)
        return status;
    *ids = list.ids;
    *count = list.count;
    return STATUS_OK;
}

Status tokenizer_encode(EncodedPrompt *out, const Tokenizer *t, const char *prompt, Arena *arena,
                        Error *err)
{
    int *tokens, *ids = arena_raw(arena, (size_t)t->length, sizeof *ids);
    size_t count;
    if (ids == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the tokens of a prompt");
    const Status status = tokenizer_tokens(&tokens, &count, t, prompt, arena, err);
    if (status != STATUS_OK)
        return status;
    const size_t room = (size_t)t->length - 2, kept = count < room ? count : room;
    const char *cut = tokenizer_decode(t, tokens + kept, count - kept, arena);
    if (cut == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the tokens of a prompt");
    int n = 0;
    ids[n++] = t->start;
    for (size_t i = 0; i < kept; i++)
        ids[n++] = tokens[i];
    ids[n++] = t->end;
    *out = (EncodedPrompt){.ids = ids, .used = n, .cut = cut};
    while (n < t->length)
        ids[n++] = t->padding;
    return STATUS_OK;
}

const char *tokenizer_symbol(const Tokenizer *t, int id)
{
    if (id < 0 || id >= t->vocabulary || t->symbol_of[id] == NO_ID)
        return NULL;
    return t->table.symbol[t->symbol_of[id]].text;
}

/* ---- back to text ---- */

/* The bytes that a symbol stands for; "</w>" becomes a space and what stands for no byte is left out. */
static size_t symbol_bytes(char *out, const char *symbol)
{
    const size_t length = strlen(symbol);
    const bool last = length >= 4 && strcmp(symbol + length - 4, "</w>") == 0;
    const size_t end = last ? length - 4 : length;
    size_t n = 0;
    for (size_t at = 0; at < end;) {
        uint32_t c;
        const int step = utf8_read(&c, symbol + at, end - at);
        const int byte = token_byte(c);
        if (byte >= 0)
            out[n++] = (char)byte;
        at += (size_t)step;
    }
    if (last)
        out[n++] = ' ';
    return n;
}

/* Copies text, with U+FFFD for each byte that is no UTF-8; out has three times the room. */
static size_t repair(char *out, const char *text, size_t size)
{
    size_t n = 0;
    for (size_t at = 0; at < size;) {
        uint32_t c;
        const int step = utf8_read(&c, text + at, size - at);
        memcpy(out + n, step != 0 ? text + at : "\xef\xbf\xbd", step != 0 ? (size_t)step : 3);
        n += step != 0 ? (size_t)step : 3;
        at += step != 0 ? (size_t)step : 1;
    }
    return n;
}

char *tokenizer_decode(const Tokenizer *t, const int *ids, size_t count, Arena *arena)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += tokenizer_symbol(t, ids[i]) != NULL ? strlen(tokenizer_symbol(t, ids[i])) : 0;
    char *bytes = arena_raw(arena, size + 1, 1), *text = arena_raw(arena, size + 1, 3);
    if (bytes == NULL || text == NULL)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (tokenizer_symbol(t, ids[i]) != NULL)
            n += symbol_bytes(bytes + n, tokenizer_symbol(t, ids[i]));
    n = repair(text, bytes, n);
    while (n > 0 && text[n - 1] == ' ')
        n--;
    text[n] = '\0';
    while (*text == ' ')
        text++;
    return text;
}
