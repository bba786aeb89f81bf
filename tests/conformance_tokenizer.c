/* Tokens of texts: byte-pair encoding of CLIP.  case.json has "cases", a list of objects with
 *
 *   text                    what is encoded
 *   NAME_ids_no_special     its tokens without start, end and padding
 *   NAME_padded_N           the whole row of N
 * NAME is a tokenizer: "full" is the folder full-vocab of the case, x_y the tokenizer of ../models/x-y, or a folder of
 * that name in the case.  Everything must be equal. */
#include "diffusion/tokenizer.h"
#include "base/file.h"
#include "tests/conformance.h"

#include <stdio.h>
#include <string.h>

enum { TOKENIZERS = 16, NAME = 60 };

typedef struct {
    char name[NAME];
    bool open;
    Tokenizer tokenizer;
} Named;

static bool handles(const CaseFile *c)
{
    const Json *list = json_get(c->json, "cases"), *first = json_at(list, 0);
    if (json_kind(list) != JSON_ARRAY || json_get(first, "text") == NULL)
        return false;
    for (size_t i = 0; i < json_count(first); i++)
        if (strstr(json_key(first, i), "_padded") != NULL ||
            strstr(json_key(first, i), "_ids_no_special") != NULL)
            return true;
    return false;
}

/* The tokenizer of that name; NULL, said with case_fail, when there is none. */
static const Tokenizer *find(CaseFile *c, Named *list, const char *name)
{
    char path[3][200], dashes[NAME];
    Error err = {0};
    int k = 0;
    for (; k < TOKENIZERS && list[k].open; k++)
        if (strcmp(list[k].name, name) == 0)
            return &list[k].tokenizer;
    if (k == TOKENIZERS)
        return NULL;
    snprintf(dashes, sizeof dashes, "%s", name);
    for (char *p = dashes; *p != '\0'; p++)
        *p = *p == '_' ? '-' : *p;
    snprintf(path[0], sizeof path[0], "%s", name);
    snprintf(path[1], sizeof path[1], "%s-vocab", name);
    snprintf(path[2], sizeof path[2], "../models/%s/tokenizer", dashes);
    for (int i = 0; i < 3; i++) {
        const char *folder = case_path(c, path[i]),
                   *file = folder != NULL ? path_join(c->arena, folder, "vocab.json") : NULL;
        if (file == NULL || !file_exists(file))
            continue;
        if (!case_went_well(c, name, tokenizer_open(&list[k].tokenizer, folder, c->arena, &err), &err))
            return NULL;
        snprintf(list[k].name, NAME, "%s", name);
        list[k].open = true;
        return &list[k].tokenizer;
    }
    case_fail(c, name, "no tokenizer of that name");
    return NULL;
}

static bool equal(const Json *want, const int *ids, size_t count)
{
    bool same = json_count(want) == count;
    for (size_t i = 0; same && i < count; i++)
        same = json_int(json_at(want, i), -1) == ids[i];
    return same;
}

/* One member of one text. */
static void check(CaseFile *c, Named *list, const char *text, size_t number, const char *key,
                  const Json *want)
{
    const char *padded = strstr(key, "_padded"), *plain = strstr(key, "_ids_no_special");
    const char *end = padded != NULL ? padded : plain;
    char name[NAME], label[2 * NAME];
    Error err = {0};
    if (end == NULL || end - key >= NAME)
        return;
    snprintf(name, sizeof name, "%.*s", (int)(end - key), key);
    snprintf(label, sizeof label, "%zu.%.60s", number, key);
    const Tokenizer *t = find(c, list, name);
    EncodedPrompt prompt;
    int *ids = NULL;
    size_t count = 0;
    if (t == NULL)
        return;
    Status status = padded != NULL ? tokenizer_encode(&prompt, t, text, c->arena, &err)
                                   : tokenizer_tokens(&ids, &count, t, text, c->arena, &err);
    if (status == STATUS_OK && padded != NULL) {
        ids = prompt.ids;
        count = (size_t)t->length;
    }
    if (case_went_well(c, label, status, &err))
        case_exact(c, label, equal(want, ids, count));
}

/* The text without zero bytes, which the original drops with all other control characters and C cannot hold. */
static const char *text_of(CaseFile *c, const Json *one)
{
    const Json *value = json_get(one, "text");
    const char *text = json_text(value, "");
    const size_t length = json_text_length(value);
    char *out = arena_alloc(c->arena, length + 1, 1);
    size_t n = 0;
    for (size_t i = 0; out != NULL && i < length; i++)
        if (text[i] != '\0')
            out[n++] = text[i];
    return out != NULL ? out : "";
}

static void run(CaseFile *c)
{
    const Json *cases = json_get(c->json, "cases");
    Named *list = arena_alloc(c->arena, TOKENIZERS, sizeof *list);
    for (size_t i = 0; list != NULL && i < json_count(cases); i++) {
        const Json *one = json_at(cases, i);
        const char *text = text_of(c, one);
        for (size_t k = 0; k < json_count(one); k++)
            check(c, list, text, i, json_key(one, k), json_at(one, k));
    }
}

const CaseKind CASES_OF_TOKENIZER = {"tokenizer", handles, run, NULL};
