/* diffusion/tokenizer_table.h - the symbols of a byte-pair vocabulary and the merges between them.
 *
 * A symbol is a string such as "c", "at</w>" or "cat</w>", written as in vocab.json: each byte stands as
 * one printable character, "</w>" marks the end of a word.  Symbols are numbered in the order of their
 * arrival; `id` is what the vocabulary calls them, which is a different number. */
#ifndef DIFFUSION_TOKENIZER_TABLE_H
#define DIFFUSION_TOKENIZER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { NO_ID = -1 };

typedef struct {
    const char *text; /* ends with a zero */
    size_t length;    /* in bytes */
    int id;           /* in the vocabulary, or NO_ID */
} Symbol;

typedef struct {
    int left, right; /* symbols that stand side by side */
    int result;      /* become this symbol */
    int rank;        /* the lowest rank goes first */
} Merge;

typedef struct {
    Symbol *symbol;
    int count; /* symbols */
    Merge *merge;
    int merges, ranks;             /* pairs, and the rank of the next one */
    int *symbol_slot, *merge_slot; /* open addressing: number + 1, 0 where empty */
    size_t symbol_slots, merge_slots;
    int byte[256], last_byte[256]; /* the symbol of a byte inside a word, and at its end */
} TokenTable;

/* Room for so many symbols (the 512 of the bytes included) and merges; the byte symbols are made.  False
 * when there is no memory. */
bool token_table_make(TokenTable *out, size_t symbols, size_t merges, Arena *arena);

/* The symbol of that text, made when it is new (the text is not copied).  There must be room. */
int token_table_add(TokenTable *table, const char *text, size_t length);

/* The symbol of that text, or NO_ID. */
int token_table_find(const TokenTable *table, const char *text, size_t length);

/* Adds a merge with the next rank; for a pair that is known already only its rank changes (the last line of
 * merges.txt counts, as in the original).  There must be room. */
void token_table_add_merge(TokenTable *table, int left, int right, int result);

/* The merge of a pair, or NULL. */
const Merge *token_table_merge(const TokenTable *table, int left, int right);

/* The byte that the character c of a symbol stands for, or -1. */
int token_byte(uint32_t c);

/* The character that stands for a byte: itself where it is printable, otherwise the next free one from
 * U+0100 on.  Source: openai/CLIP, simple_tokenizer.py, bytes_to_unicode. */
uint32_t token_character(int byte);

/* The order of the byte symbols in vocab.json: printable bytes first, then the others.  0 <= i < 256. */
int token_byte_order(int i);

#endif
