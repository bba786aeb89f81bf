#include "tools/c_tokens.h"

#include <string.h>

bool token_is(const Token *t, const char *text)
{
    return t->size == strlen(text) && memcmp(t->text, text, t->size) == 0;
}

bool token_same(const Token *a, const Token *b)
{
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static bool in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The end of a comment, string or character that begins at p; p itself when none does. */
static const char *skip_quoted(const char *p)
{
    if (p[0] == '/' && p[1] == '*') {
        const char *end = strstr(p + 2, "*/");
        return end != NULL ? end + 2 : p + strlen(p);
    }
    if (p[0] == '/' && p[1] == '/')
        return p + strcspn(p, "\n");
    if (p[0] != '"' && p[0] != '\'')
        return p;
    const char quote = *p++;
    while (*p != '\0' && *p != quote)
        p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
    return *p != '\0' ? p + 1 : p;
}

/* A directive: to the end of its line, comments and continued lines with it. */
static const char *skip_line(const char *p)
{
    while (*p != '\0' && *p != '\n') {
        const char *end = p[0] == '\\' && p[1] == '\n' ? p + 2 : skip_quoted(p);
        p = end > p ? end : p + 1;
    }
    return p;
}

static const char *skip_token(Kind *kind, const char *p, bool line_start)
{
    const char *const start = p;
    if (*p == '#' && line_start) {
        *kind = LINE;
        return skip_line(p);
    }
    *kind = p[0] == '/' ? SPACE : QUOTED;
    p = skip_quoted(p);
    if (p > start)
        return p;
    *kind = SPACE;
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
        p++;
    if (p > start)
        return p;
    const bool number = (*p >= '0' && *p <= '9') || (p[0] == '.' && p[1] >= '0' && p[1] <= '9');
    *kind = number ? NUMBER : in_name(*p) ? NAME : SIGN;
    if (*kind == SIGN)
        return p + (p[0] == '-' && p[1] == '>' ? 2 : 1);
    while (in_name(*p) || (number && (*p == '.' || ((*p == '+' || *p == '-') && strchr("eEpP", p[-1])))))
        p++;
    return p;
}

const Token *token_beside(const Tokens *tokens, size_t i, int step)
{
    static const Token none = {.kind = SIGN, .text = "", .size = 0};
    for (i += (size_t)step; i < tokens->count; i += (size_t)step)
        if (tokens->at[i].kind != SPACE && tokens->at[i].kind != LINE)
            return &tokens->at[i];
    return &none;
}

const Token *token_after(const Tokens *tokens, const Token *t)
{
    return token_beside(tokens, t->size > 0 ? (size_t)(t - tokens->at) : tokens->count, 1);
}

bool token_is_tag(const Token *t)
{
    return token_is(t, "struct") || token_is(t, "union") || token_is(t, "enum");
}

bool token_opens(const Tokens *tokens, size_t i, const char *word)
{
    const Token *before = token_beside(tokens, i, -1);
    if (token_is(before, word))
        return true;
    return before->kind == NAME && token_is(token_beside(tokens, (size_t)(before - tokens->at), -1), word);
}

/* Marks members in the braces of structs: names before ; , [ ) and : of bit fields. */
static void mark_members(Tokens *tokens)
{
    bool in_struct[200] = {false};
    int depth = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        Token *t = &tokens->at[i];
        const Token *next = token_beside(tokens, i, 1), *before = token_beside(tokens, i, -1);
        if (token_is(t, "{") && ++depth < 200)
            in_struct[depth] = token_opens(tokens, i, "struct") || token_opens(tokens, i, "union");
        else if (token_is(t, "}"))
            depth--;
        const bool ends = token_is(next, ";") || token_is(next, ",") || token_is(next, "[") ||
                          token_is(next, ")") || token_is(next, ":");
        t->member = token_is(before, ".") || token_is(before, "->") ||
                    (depth > 0 && depth < 200 && in_struct[depth] && ends);
    }
}

Tokens tokens_of(const char *text, Arena *arena)
{
    const ArenaMark mark = arena_mark(arena);
    Tokens all = {.count = 0};
    all.at = arena_alloc(arena, strlen(text) + 1, sizeof *all.at); /* a token a character at most */
    bool line_start = true;
    for (const char *p = text; all.at != NULL && *p != '\0';) {
        Token *t = &all.at[all.count++];
        t->text = p;
        p = skip_token(&t->kind, p, line_start);
        t->size = (size_t)(p - t->text);
        line_start =
            t->kind == LINE || (t->kind == SPACE && (line_start || memchr(t->text, '\n', t->size)));
    }
    all.at = arena_release_keeping(arena, mark, all.at, all.count * sizeof *all.at);
    mark_members(&all);
    return all;
}
