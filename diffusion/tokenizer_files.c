/* diffusion/tokenizer_files.c - a tokenizer's folder: vocab.json, merges.txt, tokenizer_config.json and
 * special_tokens_map.json. */
#include <string.h>

#include "base/file.h"
#include "diffusion/tokenizer.h"
#include "io/json.h"

enum {
    MOST_IDS = 1 << 20,
    /* CLIPTokenizer reads no more merges than make its 49,408 symbols (tokenization_clip.py). */
    MOST_MERGES = 49152 - 256 - 2,
    CLIP_LENGTH = 77,
    LONGEST = 1 << 16
};

typedef struct {
    const char *start, *end, *padding, *unknown;
    int length;
} Specials;

static const Specials CLIP_SPECIALS = {"<|startoftext|>", "<|endoftext|>", "<|endoftext|>", "<|endoftext|>",
                                       CLIP_LENGTH};

/* ---- the special tokens ---- */

/* A token is written as a text, or as an object with the text in "content". */
static Status read_special(const char **out, const Json *config, const char *key, const char *path,
                           Error *err)
{
    const Json *value = json_get(config, key);
    if (json_kind(value) == JSON_ABSENT || json_kind(value) == JSON_NULL)
        return STATUS_OK;
    const char *text =
        json_text(json_kind(value) == JSON_OBJECT ? json_get(value, "content") : value, NULL);
    if (text == NULL || text[0] == '\0')
        return error_set(err, STATUS_FORMAT, "%s: %s is no token", path, key);
    *out = text;
    return STATUS_OK;
}

/* What the file says replaces what *s holds; a file that is not there says nothing. */
static Status read_specials(Specials *s, const TokenizerFile *file, Arena *arena, Error *err)
{
    const Json *config;
    if (file->data == NULL)
        return STATUS_OK;
    Status status = json_parse(&config, file->data, file->size, file->name, arena, err);
    const struct {
        const char *key, **token;
    } tokens[] = {{"bos_token", &s->start},
                  {"eos_token", &s->end},
                  {"pad_token", &s->padding},
                  {"unk_token", &s->unknown}};
    for (size_t i = 0; i < 4 && status == STATUS_OK; i++)
        status = read_special(tokens[i].token, config, tokens[i].key, file->name, err);
    if (status != STATUS_OK)
        return status;
    /* transformers writes 1e30 and the like for "no limit": then the length is CLIP's. */
    const double length = json_number(json_get(config, "model_max_length"), s->length);
    if (!(length >= 3))
        return error_set(err, STATUS_FORMAT, "%s: model_max_length is %g, expected at least 3", file->name,
                         length);
    s->length = length <= LONGEST ? (int)length : CLIP_LENGTH;
    return STATUS_OK;
}

static Status special_id(int *id, const Tokenizer *t, const char *token, const char *vocabulary, Error *err)
{
    const int symbol = token_table_find(&t->table, token, strlen(token));
    if (symbol == NO_ID || t->table.symbol[symbol].id == NO_ID)
        return error_set(err, STATUS_FORMAT, "%s: the special token \"%s\" is not in it", vocabulary,
                         token);
    *id = t->table.symbol[symbol].id;
    return STATUS_OK;
}

/* ---- vocab.json ---- */

static Status add_vocabulary(Tokenizer *t, const Json *vocabulary, const char *path, Arena *arena,
                             Error *err)
{
    const size_t count = json_count(vocabulary);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_key(vocabulary, i);
        const int id = json_int(json_at(vocabulary, i), NO_ID);
        if (id < 0 || id >= MOST_IDS)
            return error_set(err, STATUS_FORMAT, "%s: the id of \"%.40s\" is no whole number from 0 to %d",
                             path, text, MOST_IDS - 1);
        if (text[0] == '\0' || strlen(text) != json_key_length(vocabulary, i))
            return error_set(err, STATUS_FORMAT, "%s: the token with id %d is empty or holds a zero byte",
                             path, id);
        t->table.symbol[token_table_add(&t->table, text, strlen(text))].id = id;
        t->vocabulary = id >= t->vocabulary ? id + 1 : t->vocabulary;
    }
    t->symbol_of = arena_raw(arena, (size_t)t->vocabulary, sizeof *t->symbol_of);
    if (t->symbol_of == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a vocabulary of %d tokens", t->vocabulary);
    for (int id = 0; id < t->vocabulary; id++)
        t->symbol_of[id] = NO_ID;
    for (int symbol = 0; symbol < t->table.count; symbol++) {
        const int id = t->table.symbol[symbol].id;
        if (id == NO_ID)
            continue;
        if (t->symbol_of[id] != NO_ID)
            return error_set(err, STATUS_FORMAT,
                             "%s: the id %d is given twice, to \"%.40s\" and to \"%.40s\"", path, id,
                             t->table.symbol[t->symbol_of[id]].text, t->table.symbol[symbol].text);
        t->symbol_of[id] = symbol;
    }
    return STATUS_OK;
}

/* ---- merges.txt ---- */

static size_t count_lines(const TokenizerFile *file)
{
    const char *text = file->data;
    size_t lines = 1;
    for (size_t i = 0; i < file->size; i++)
        lines += text[i] == '\n';
    return lines;
}

/* One line "left right"; ends with a zero where the line ended. */
static Status add_merge(Tokenizer *t, char *line, const char *path, size_t number, Arena *arena, Error *err)
{
    char *right = strchr(line, ' ');
    const size_t left_length = right != NULL ? (size_t)(right - line) : 0;
    const size_t length = strlen(line);
    if (left_length == 0 || left_length + 1 == length || strchr(right + 1, ' ') != NULL)
        return error_set(err, STATUS_FORMAT, "%s: line %zu is not two symbols with a space between", path,
                         number);
    *right++ = '\0';
    char *both = arena_raw(arena, length, 1);
    if (both == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %s", path);
    memcpy(both, line, left_length);
    memcpy(both + left_length, right, length - left_length);
    const int result = token_table_find(&t->table, both, length - 1);
    if (result == NO_ID || t->table.symbol[result].id == NO_ID)
        return error_set(err, STATUS_FORMAT, "%s: line %zu makes \"%.60s\", which vocab.json does not have",
                         path, number, both);
    token_table_add_merge(&t->table, token_table_add(&t->table, line, left_length),
                          token_table_add(&t->table, right, length - 1 - left_length), result);
    return STATUS_OK;
}

/* Works on a copy, where lines and symbols end with zeros, so that the table can point into it. */
static Status add_merges(Tokenizer *t, const TokenizerFile *file, Arena *arena, Error *err)
{
    char *line = arena_raw(arena, file->size + 1, 1), *const end = line + file->size + 1;
    if (line == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %s", file->name);
    memcpy(line, file->data, file->size);
    end[-1] = '\n';
    size_t last = 1; /* the last line with anything on it */
    for (size_t i = 0, number = 1; i < file->size; i++) {
        last = line[i] != '\n' && line[i] != '\r' ? number : last;
        number += line[i] == '\n';
    }
    for (size_t number = 1; number <= last && number <= MOST_MERGES + 1; number++) {
        char *next = memchr(line, '\n', (size_t)(end - line));
        *next = '\0';
        if (next > line && next[-1] == '\r')
            next[-1] = '\0';
        if (number == 1 && strstr(line, "#version") == NULL)
            return error_set(err, STATUS_FORMAT, "%s: line 1 does not hold \"#version\"", file->name);
        const ArenaMark mark = arena_mark(arena);
        const Status status = number > 1 ? add_merge(t, line, file->name, number, arena, err) : STATUS_OK;
        arena_release(arena, mark);
        if (status != STATUS_OK)
            return status;
        line = next + 1;
    }
    return STATUS_OK;
}

static Status add_specials(Tokenizer *t, const TokenizerFiles *files, Arena *arena, Error *err)
{
    Specials specials = CLIP_SPECIALS;
    const char *vocabulary = files->vocabulary.name;
    Status status = read_specials(&specials, &files->config, arena, err);
    if (status == STATUS_OK)
        status = read_specials(&specials, &files->special_map, arena, err);
    if (status == STATUS_OK)
        status = special_id(&t->start, t, specials.start, vocabulary, err);
    if (status == STATUS_OK)
        status = special_id(&t->end, t, specials.end, vocabulary, err);
    if (status == STATUS_OK)
        status = special_id(&t->padding, t, specials.padding, vocabulary, err);
    if (status == STATUS_OK)
        status = special_id(&t->unknown, t, specials.unknown, vocabulary, err);
    t->length = specials.length;
    return status;
}

Status tokenizer_parse(Tokenizer *out, const TokenizerFiles *files, Arena *arena, Error *err)
{
    const TokenizerFile *v = &files->vocabulary;
    Tokenizer t = {0};
    const Json *vocabulary;
    Status status = json_parse(&vocabulary, v->data, v->size, v->name, arena, err);
    if (status == STATUS_OK && (json_kind(vocabulary) != JSON_OBJECT || json_count(vocabulary) == 0))
        status = error_set(err, STATUS_FORMAT, "%s: expected an object of tokens and their ids", v->name);
    if (status != STATUS_OK)
        return status;
    const size_t lines = count_lines(&files->merges);
    if (!token_table_make(&t.table, 512 + json_count(vocabulary) + 2 * lines, lines, arena))
        return error_set(err, STATUS_MEMORY, "no memory for a tokenizer");
    status = add_vocabulary(&t, vocabulary, v->name, arena, err);
    if (status == STATUS_OK)
        status = add_merges(&t, &files->merges, arena, err);
    if (status == STATUS_OK)
        status = add_specials(&t, files, arena, err);
    if (status == STATUS_OK)
        *out = t;
    return status;
}

static Status read_one(TokenizerFile *out, const char *folder, const char *name, bool needed, Arena *arena,
                       Error *err)
{
    const char *path = path_join(arena, folder, name);
    Bytes b;
    if (path == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a tokenizer");
    if (!needed && !file_exists(path))
        return STATUS_OK;
    const Status status = file_read(&b, path, arena, err);
    if (status == STATUS_OK)
        *out = (TokenizerFile){path, b.size > 0 ? (const void *)b.data : "", b.size};
    return status;
}

Status tokenizer_open(Tokenizer *out, const char *folder, Arena *arena, Error *err)
{
    TokenizerFiles files = {0};
    Status status = read_one(&files.vocabulary, folder, "vocab.json", true, arena, err);
    if (status == STATUS_OK)
        status = read_one(&files.merges, folder, "merges.txt", true, arena, err);
    if (status == STATUS_OK)
        status = read_one(&files.config, folder, "tokenizer_config.json", false, arena, err);
    if (status == STATUS_OK)
        status = read_one(&files.special_map, folder, "special_tokens_map.json", false, arena, err);
    return status == STATUS_OK ? tokenizer_parse(out, &files, arena, err) : status;
}
