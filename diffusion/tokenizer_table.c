#include "diffusion/tokenizer_table.h"

#include <string.h>

#include "io/utf8.h"

static bool is_printable(int byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
}

int token_byte_order(int i)
{
    for (int printable = 1; printable >= 0; printable--)
        for (int byte = 0; byte < 256; byte++)
            if (is_printable(byte) == printable && i-- == 0)
                return byte;
    return 0;
}

uint32_t token_character(int byte)
{
    if (is_printable(byte))
        return (uint32_t)byte;
    uint32_t c = 0x100;
    for (int b = 0; b < byte; b++)
        c += !is_printable(b);
    return c;
}

int token_byte(uint32_t c)
{
    if (c < 0x100)
        return is_printable((int)c) ? (int)c : -1;
    for (int byte = 0; byte < 256; byte++)
        if (!is_printable(byte) && c-- == 0x100)
            return byte;
    return -1;
}

/* ---- hashing: FNV-1a, 32 bits ---- */

static size_t hash_bytes(const void *data, size_t size)
{
    const unsigned char *p = data;
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x01000193u;
    return h;
}

static size_t hash_pair(int left, int right)
{
    const int pair[2] = {left, right};
    return hash_bytes(pair, sizeof pair);
}

/* The first slot that holds the symbol of that text, or is empty. */
static int *symbol_place(const TokenTable *table, const char *text, size_t length)
{
    size_t i = hash_bytes(text, length) & (table->symbol_slots - 1);
    for (;; i = (i + 1) & (table->symbol_slots - 1)) {
        int *slot = &table->symbol_slot[i];
        if (*slot == 0)
            return slot;
        const Symbol *s = &table->symbol[*slot - 1];
        if (s->length == length && memcmp(s->text, text, length) == 0)
            return slot;
    }
}

static int *merge_place(const TokenTable *table, int left, int right)
{
    size_t i = hash_pair(left, right) & (table->merge_slots - 1);
    for (;; i = (i + 1) & (table->merge_slots - 1)) {
        int *slot = &table->merge_slot[i];
        if (*slot == 0)
            return slot;
        const Merge *m = &table->merge[*slot - 1];
        if (m->left == left && m->right == right)
            return slot;
    }
}

int token_table_find(const TokenTable *table, const char *text, size_t length)
{
    return *symbol_place(table, text, length) - 1;
}

int token_table_add(TokenTable *table, const char *text, size_t length)
{
    int *slot = symbol_place(table, text, length);
    if (*slot == 0) {
        table->symbol[table->count] = (Symbol){text, length, NO_ID};
        *slot = ++table->count;
    }
    return *slot - 1;
}

const Merge *token_table_merge(const TokenTable *table, int left, int right)
{
    const int number = *merge_place(table, left, right);
    return number != 0 ? &table->merge[number - 1] : NULL;
}

void token_table_add_merge(TokenTable *table, int left, int right, int result)
{
    int *slot = merge_place(table, left, right);
    if (*slot == 0) {
        table->merge[table->merges] = (Merge){left, right, result, 0};
        *slot = ++table->merges;
    }
    table->merge[*slot - 1].rank = table->ranks++;
}

/* A power of two that is at least twice the count, so that slots stay half empty. */
static size_t slots_for(size_t count)
{
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    return slots;
}

/* The 512 symbols of single bytes, their texts in `pool`. */
static void add_bytes(TokenTable *table, char *pool)
{
    for (int byte = 0; byte < 256; byte++) {
        unsigned char character[UTF8_LONGEST];
        const size_t length = (size_t)utf8_write(character, token_character(byte));
        memcpy(pool, character, length);
        pool[length] = '\0';
        table->byte[byte] = token_table_add(table, pool, length);
        pool += length + 1;
        memcpy(pool, character, length);
        memcpy(pool + length, "</w>", 5);
        table->last_byte[byte] = token_table_add(table, pool, length + 4);
        pool += length + 5;
    }
}

bool token_table_make(TokenTable *out, size_t symbols, size_t merges, Arena *arena)
{
    enum { POOL = 256 * (3 + 7) }; /* a character of at most two bytes and a zero, alone and with "</w>" */
    if (symbols > INT32_MAX / 4 || merges > INT32_MAX / 4)
        return false;
    TokenTable t = {.symbol_slots = slots_for(symbols), .merge_slots = slots_for(merges)};
    t.symbol = arena_alloc(arena, symbols, sizeof *t.symbol);
    t.merge = arena_alloc(arena, merges + 1, sizeof *t.merge);
    t.symbol_slot = arena_alloc(arena, t.symbol_slots, sizeof *t.symbol_slot);
    t.merge_slot = arena_alloc(arena, t.merge_slots, sizeof *t.merge_slot);
    char *pool = arena_alloc(arena, POOL, 1);
    if (t.symbol == NULL || t.merge == NULL || t.symbol_slot == NULL || t.merge_slot == NULL ||
        pool == NULL)
        return false;
    add_bytes(&t, pool);
    *out = t;
    return true;
}
