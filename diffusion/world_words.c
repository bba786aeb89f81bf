#include "diffusion/world_words.h"

#include <stdio.h>
#include <string.h>

const char *const WORLD_SPLIT_WORDS[] = {"train", "test", "all", NULL};
const char *const WORLD_CONCEPT_WORDS[] = {"core", "trained", "known", "held", "all", NULL};
const char *const WORLD_COMPANY_WORDS[] = {"train", "test", "any", NULL};
const char *const WORLD_KIND_WORDS[] = {"single", "scene", "layered", NULL};
const char *const WORLD_MAP_WORDS[] = {"labels", "sketch", "depth", "lines", "masks", NULL};

static int place_of(const char *word, size_t length, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strlen(words[i]) == length && memcmp(words[i], word, length) == 0)
            return i;
    }
    return -1;
}

int world_word_place(const char *word, const char *const *words)
{
    return place_of(word, strlen(word), words);
}

static Status unknown(const char *word, size_t length, const char *const *words, const char *what,
                      Error *err)
{
    char known[300] = "";
    for (size_t i = 0, used = 0; words[i] != NULL && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ", words[i]);
    return error_set(err, STATUS_ARGUMENT, "%s: \"%.*s\" is none of %s", what,
                     length > 40 ? 40 : (int)length, word, known);
}

Status world_words_read(uint32_t *bits, const char *text, const char *const *words, const char *what,
                        Error *err)
{
    uint32_t read = 0;
    const char *at = text + strspn(text, " ");
    while (*at != '\0') {
        const size_t length = strcspn(at, ", ");
        const int place = place_of(at, length, words);
        if (place < 0)
            return unknown(at, length, words, what, err);
        read |= (uint32_t)1 << place;
        at += length;
        at += strspn(at, ", ");
    }
    *bits = read;
    return STATUS_OK;
}

Status world_styles_read(uint32_t *bits, const char *text, const World *world, Error *err)
{
    const char *words[WORLD_STYLES + 1] = {NULL};
    for (int s = 0; s < world->styles; s++)
        words[s] = world->style[s].name;
    return world_words_read(bits, text, words, "styles", err);
}
