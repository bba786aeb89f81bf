/* tests/corpus.h - a walk over tests/corpus/FOLDER/MANIFEST (written by tests/make_image_corpus.py).
 *
 * A line is "NAME WHAT": WHAT is "refused WORDS", or what the file holds. */
#ifndef TESTS_CORPUS_H
#define TESTS_CORPUS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"

typedef struct {
    const char *folder;
    char *next; /* the rest of the manifest */
    Arena arena;
    char path[200];
    const char *name, *what;
    const char *refused; /* words of the error to expect; NULL: the file is good */
    Bytes data;
} Corpus;

static inline bool corpus_open(Corpus *corpus, const char *folder)
{
    Bytes manifest = {0};
    *corpus = (Corpus){.folder = folder};
    snprintf(corpus->path, sizeof corpus->path, "tests/corpus/%s/MANIFEST", folder);
    if (file_read(&manifest, corpus->path, &corpus->arena, NULL) != STATUS_OK)
        return false;
    corpus->next = (char *)manifest.data;
    return true;
}

/* The next file, read into exactly as much memory as it needs; false at the end. */
static inline bool corpus_next(Corpus *corpus)
{
    char *line = corpus->next, *end = strchr(line, '\n'), *space = strchr(line, ' ');
    if (end == NULL || space == NULL) {
        arena_free(&corpus->arena);
        return false;
    }
    corpus->next = end + 1;
    *end = *space = '\0';
    corpus->name = line;
    corpus->what = space + 1;
    corpus->refused = strncmp(corpus->what, "refused ", 8) == 0 ? corpus->what + 8 : NULL;
    snprintf(corpus->path, sizeof corpus->path, "tests/corpus/%s/%s", corpus->folder, line);
    Bytes file = {0};
    if (file_read(&file, corpus->path, &corpus->arena, NULL) != STATUS_OK)
        return false;
    corpus->data = (Bytes){.arena = &corpus->arena};
    bytes_add(&corpus->data, file.data, file.size);
    return true;
}

#endif
