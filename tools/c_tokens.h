/* c_tokens.h - a C source cut into tokens, for tools/amalgamate.c. */
#ifndef TOOLS_C_TOKENS_H
#define TOOLS_C_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

typedef enum { SPACE, NAME, NUMBER, QUOTED, SIGN, LINE } Kind; /* LINE: a whole directive */

typedef struct {
    Kind kind;
    const char *text;
    size_t size;
    bool make_static; /* write "static " first */
    bool extern_word; /* `extern`, which becomes static */
    bool left_out;
    bool member; /* a member's name: never renamed */
} Token;

typedef struct {
    Token *at;
    size_t count;
} Tokens;

bool token_is(const Token *t, const char *text);
bool token_same(const Token *a, const Token *b);

/* The whole text, which ends with a zero and stays; its tokens side by side are the text again.  No tokens when there
 * is no memory. */
Tokens tokens_of(const char *text, Arena *arena);

/* The next token after the i-th (step 1), or before it (-1), that is neither space nor directive; an empty one at the
 * ends. */
const Token *token_beside(const Tokens *tokens, size_t i, int step);

/* The same from a token on. */
const Token *token_after(const Tokens *tokens, const Token *t);

bool token_is_tag(const Token *t); /* struct, union, enum */

/* Whether the brace at i opens a `word`: struct, union or enum, with or without a tag. */
bool token_opens(const Tokens *tokens, size_t i, const char *word);

#endif
