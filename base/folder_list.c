#include "base/folder_list.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/sort.h"

bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

typedef struct Name {
    struct Name *next;
    const char *text;
} Name;

static bool before(const void *context, size_t a, size_t b)
{
    const char *const *names = context;
    return strcmp(names[a], names[b]) < 0;
}

static Status sorted(const char *const **out, const Name *list, size_t count, Arena *arena)
{
    const char **names = arena_alloc(arena, 2 * (count + 1), sizeof *names);
    size_t *order = arena_raw(arena, 2 * (count + 1), sizeof *order);
    if (names == NULL || order == NULL)
        return STATUS_MEMORY;
    const char **in_order = names + count + 1;
    for (size_t i = 0; i < count; i++, list = list->next)
        names[i] = list->text;
    sort_order(order, order + count + 1, count, before, names);
    for (size_t i = 0; i < count; i++)
        in_order[i] = names[order[i]];
    *out = in_order;
    return STATUS_OK;
}

Status folder_list(const char *const **names, size_t *count, const char *folder,
                   bool (*wanted)(const char *name), Arena *arena, Error *err)
{
    Name *list = NULL;
    size_t found = 0;
    DIR *open = opendir(folder);
    if (open == NULL)
        return error_set(err, STATUS_FILE, "%s: cannot be opened as a folder (%s)", folder,
                         strerror(errno));
    Status status = STATUS_OK;
    for (const struct dirent *e; status == STATUS_OK && (e = readdir(open)) != NULL;) {
        if (e->d_name[0] == '.' || (wanted != NULL && !wanted(e->d_name)))
            continue;
        Name *made = arena_alloc(arena, 1, sizeof *made);
        const char *text = arena_text(arena, e->d_name, strlen(e->d_name));
        if (made == NULL || text == NULL) {
            status = STATUS_MEMORY;
        } else {
            *made = (Name){list, text};
            list = made;
            found++;
        }
    }
    closedir(open);
    if (status == STATUS_OK)
        status = sorted(names, list, found, arena);
    if (status != STATUS_OK)
        return error_set(err, status, "%s: no memory for the names in it", folder);
    *count = found;
    return STATUS_OK;
}
