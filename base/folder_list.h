/* base/folder_list.h - the names in a folder. */
#ifndef BASE_FOLDER_LIST_H
#define BASE_FOLDER_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

bool is_folder(const char *path);

/* The names that `wanted` takes (NULL: all), sorted by their bytes; hidden ones (".x") are left out.  The order is
 * the same on every system. */
MUST_CHECK Status folder_list(const char *const **names, size_t *count, const char *folder,
                              bool (*wanted)(const char *name), Arena *arena, Error *err);

#endif
