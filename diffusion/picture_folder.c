#include "diffusion/picture_folder.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/folder_list.h"
#include "io/json.h"
#include "io/utf8.h"

static const char *const READ[] = {".png", ".ppm", ".pgm", NULL};
static const char *const NOT_READ[] = {".jpg", ".jpeg", ".webp", ".bmp",  ".gif",
                                       ".tif", ".tiff", ".avif", ".heic", NULL};

typedef struct {
    PictureFolder *folder;
    const char *column;
    size_t room;
    Arena *arena;
    Error *err;
} Walk;

/* ---- names ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The ending of the list that the name has, or NULL. */
static const char *ending(const char *name, const char *const *list)
{
    const size_t length = strlen(name);
    for (; *list != NULL; list++) {
        const size_t n = strlen(*list);
        size_t same = 0;
        while (length > n && same < n && lower(name[length - n + same]) == (*list)[same])
            same++;
        if (length > n && same == n)
            return *list;
    }
    return NULL;
}

/* A name that stays below the folder: no leading '/', no part "..". */
static bool stays_below(const char *name)
{
    for (const char *part = name;; part = strchr(part, '/') + 1) {
        if (strcmp(part, "..") == 0 || strncmp(part, "../", 3) == 0)
            return false;
        if (strchr(part, '/') == NULL)
            return name[0] != '\0' && name[0] != '/';
    }
}

static bool is_utf8(const char *text)
{
    uint32_t code;
    for (size_t left = strlen(text); left > 0;) {
        const int n = utf8_read(&code, text, left);
        if (n == 0)
            return false;
        text += n;
        left -= (size_t)n;
    }
    return true;
}

static const char *join(const Walk *w, const char *folder, const char *name)
{
    const char *path =
        folder[0] != '\0' ? path_join(w->arena, folder, name) : arena_text(w->arena, name, strlen(name));
    if (path == NULL)
        (void)error_set(w->err, STATUS_MEMORY, "no memory for a file name");
    return path;
}

static Status add(Walk *w, PictureEntry entry)
{
    PictureFolder *f = w->folder;
    if (f->count == w->room) {
        const size_t room = w->room < 64 ? 256 : w->room * 2;
        PictureEntry *more = arena_raw(w->arena, room, sizeof *more);
        if (more == NULL)
            return error_set(w->err, STATUS_MEMORY, "%s: no memory for %zu names", f->folder, room);
        if (f->count > 0)
            memcpy(more, f->entry, f->count * sizeof *more);
        f->entry = more;
        w->room = room;
    }
    f->entry[f->count++] = entry;
    return STATUS_OK;
}

static Status refuse_kind(const Walk *w, const char *path)
{
    return error_set(w->err, STATUS_FORMAT, "%s: PNG, PPM and PGM pictures are read, this kind is not",
                     path);
}

/* ---- imagefolder ---- */

static const char *copied(const Walk *w, const Json *text)
{
    return arena_text(w->arena, json_text(text, ""), json_text_length(text));
}

/* The things of a line: names, or objects with name and category. */
static Status add_things(Walk *w, PictureEntry *entry, const Json *line, const char *place)
{
    const Json *own = json_get(line, "objects"),
               *list = own != NULL ? own : json_get(json_get(line, "scene"), "objects");
    const size_t n = json_kind(list) == JSON_ARRAY ? json_count(list) : 0;
    if (own != NULL && json_kind(own) != JSON_ARRAY)
        return error_set(w->err, STATUS_FORMAT, "%s: \"objects\" is no list of names", place);
    PictureThing *thing = n > 0 ? arena_raw(w->arena, n, sizeof *thing) : NULL;
    for (size_t i = 0; i < n && thing != NULL; i++) {
        const Json *item = json_at(list, i),
                   *name = json_kind(item) == JSON_TEXT ? item : json_get(item, "name");
        if (json_kind(name) != JSON_TEXT)
            return error_set(w->err, STATUS_FORMAT, "%s: \"objects\" is no list of names", place);
        thing[i] = (PictureThing){copied(w, name), copied(w, json_get(item, "category"))};
        if (thing[i].name == NULL || thing[i].category == NULL)
            thing = NULL;
    }
    if (n > 0 && thing == NULL)
        return error_set(w->err, STATUS_MEMORY, "%s: no memory for the names in it", w->folder->folder);
    entry->thing = thing;
    entry->things = (int)n;
    return STATUS_OK;
}

/* Adds the picture of one line; `place` names file and line. */
static Status add_line(Walk *w, const char *below, const char *line, size_t size, const char *place)
{
    const Json *json = NULL;
    Arena scratch = {
        .fail_after = w->arena->fail_after, .account = w->arena->account, .source = w->arena->source};
    Status status = json_parse(&json, line, size, place, &scratch, w->err);
    const char *file = json_text(json_get(json, "file_name"), "");
    const Json *caption = json_get(json, w->column);
    const bool captioned = json_kind(caption) == JSON_TEXT;
    if (status == STATUS_OK && (json_kind(json) != JSON_OBJECT || file[0] == '\0'))
        status = error_set(w->err, STATUS_FORMAT, "%s: is no object with a \"file_name\"", place);
    if (status == STATUS_OK && !stays_below(file))
        status = error_set(w->err, STATUS_FORMAT, "%s: \"%.100s\" leads out of the folder", place, file);
    if (status == STATUS_OK && ending(file, READ) == NULL)
        status = error_set(w->err, STATUS_FORMAT, "%s: \"%.100s\" is no PNG, PPM or PGM", place, file);
    if (status == STATUS_OK && caption != NULL && !captioned && json_kind(caption) != JSON_NULL)
        status = error_set(w->err, STATUS_FORMAT, "%s: \"%.60s\" is no text", place, w->column);
    if (status == STATUS_OK) {
        PictureEntry entry = {.repeats = 1, .name = join(w, below, file)};
        entry.path = entry.name != NULL ? join(w, w->folder->folder, entry.name) : NULL;
        if (captioned)
            entry.caption = arena_text(w->arena, json_text(caption, ""), json_text_length(caption));
        if (entry.path == NULL || (captioned && entry.caption == NULL))
            status =
                error_set(w->err, STATUS_MEMORY, "%s: no memory for the names in it", w->folder->folder);
        else
            status = add_things(w, &entry, json, place);
        if (status == STATUS_OK)
            status = add(w, entry);
    }
    arena_free(&scratch);
    return status;
}

static Status add_metadata(Walk *w, const char *below, const char *path)
{
    Bytes text;
    Arena scratch = {.account = w->arena->account, .source = w->arena->source};
    Status status = file_read(&text, path, &scratch, w->err);
    const char *at = status == STATUS_OK ? (const char *)text.data : "";
    const char *end = status == STATUS_OK ? at + text.size : at;
    for (int line = 1; status == STATUS_OK && at < end; line++) {
        char place[400];
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t size = (size_t)((stop != NULL ? stop : end) - at);
        snprintf(place, sizeof place, "%.300s: line %d", path, line);
        if (size > 0 && strspn(at, " \t\r") < size)
            status = add_line(w, below, at, size, place);
        at += size + 1;
    }
    arena_free(&scratch);
    return status;
}

/* ---- pictures beside texts ---- */

/* The first line of the file, in the arena; *out stays NULL when there is no such file. */
static Status caption_file(Walk *w, const char **out, const char *path)
{
    Bytes text;
    if (!file_exists(path))
        return STATUS_OK;
    const Status status = file_read(&text, path, w->arena, w->err);
    if (status != STATUS_OK)
        return status;
    char *caption = (char *)text.data;
    if (strncmp(caption, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        caption += 3;
    caption[strcspn(caption, "\r\n")] = '\0';
    for (size_t n = strlen(caption); n > 0 && (caption[n - 1] == ' ' || caption[n - 1] == '\t'); n--)
        caption[n - 1] = '\0';
    if (!is_utf8(caption))
        return error_set(w->err, STATUS_FORMAT, "%s: is not UTF-8", path);
    *out = caption;
    return STATUS_OK;
}

static Status add_picture(Walk *w, const char *below, const char *name, int repeats, const char *otherwise)
{
    static const char *const texts[] = {".txt", ".caption"};
    PictureEntry entry = {.repeats = repeats, .name = join(w, below, name)};
    entry.path = entry.name != NULL ? join(w, w->folder->folder, entry.name) : NULL;
    if (entry.path == NULL)
        return STATUS_MEMORY;
    Status status = STATUS_OK;
    const size_t stem = strlen(entry.path) - 4; /* every ending that is read has four letters */
    for (int i = 0; i < 2 && status == STATUS_OK && entry.caption == NULL; i++) {
        char *path = arena_raw(w->arena, stem + 16, 1);
        if (path == NULL)
            return error_set(w->err, STATUS_MEMORY, "no memory for a file name");
        memcpy(path, entry.path, stem);
        strcpy(path + stem, texts[i]);
        status = caption_file(w, &entry.caption, path);
    }
    if (entry.caption == NULL)
        entry.caption = otherwise;
    return status == STATUS_OK ? add(w, entry) : status;
}

/* Repeats and caption of a folder's name: "12_a cat" is 12 and "a cat"; others 1 and NULL. */
static int repeats_of(const char *below, const char **caption)
{
    const char *slash = strrchr(below, '/'), *name = slash != NULL ? slash + 1 : below;
    const size_t digits = strspn(name, "0123456789");
    int repeats = 0;
    *caption = NULL;
    if (digits == 0 || digits > 4 || name[digits] != '_')
        return 1;
    for (size_t i = 0; i < digits; i++)
        repeats = repeats * 10 + (name[i] - '0');
    if (repeats < 1 || repeats > PICTURE_REPEATS_MAX)
        return 1;
    *caption = name + digits + 1;
    return repeats;
}

static Status walk(Walk *w, const char *below, int depth)
{
    const char *const *names = NULL, *caption = NULL;
    const int repeats = repeats_of(below, &caption);
    size_t count = 0;
    const char *folder = below[0] != '\0' ? join(w, w->folder->folder, below) : w->folder->folder;
    const char *metadata = folder != NULL ? join(w, folder, "metadata.jsonl") : NULL;
    if (metadata == NULL)
        return STATUS_MEMORY;
    if (file_exists(metadata))
        return add_metadata(w, below, metadata);
    Status status = folder_list(&names, &count, folder, NULL, w->arena, w->err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const char *path = join(w, folder, names[i]);
        if (path == NULL)
            return STATUS_MEMORY;
        if (is_folder(path)) {
            const char *name = join(w, below, names[i]);
            if (depth == PICTURE_FOLDERS_DEEP)
                return error_set(w->err, STATUS_FORMAT, "%s: more than %d folders deep", path, depth);
            status = name != NULL ? walk(w, name, depth + 1) : STATUS_MEMORY;
        } else if (ending(names[i], READ) != NULL) {
            status = add_picture(w, below, names[i], repeats, caption);
        } else if (ending(names[i], NOT_READ) != NULL) {
            status = refuse_kind(w, path);
        } else if (strcmp(names[i], "metadata.csv") == 0 || strcmp(names[i], "metadata.parquet") == 0) {
            status = error_set(w->err, STATUS_FORMAT, "%s: is not read, metadata.jsonl is", path);
        }
    }
    return status;
}

Status picture_folder_open(PictureFolder *out, const char *folder, const char *column, Arena *arena,
                           Error *err)
{
    PictureFolder made = {.folder = folder};
    Walk w = {.folder = &made, .column = column != NULL ? column : "text", .arena = arena, .err = err};
    if (!is_folder(folder))
        return error_set(err, STATUS_FILE, "%s: is no folder", folder);
    const Status status = walk(&w, "", 1);
    if (status != STATUS_OK)
        return status;
    if (made.count == 0)
        return error_set(err, STATUS_FORMAT,
                         "%s: holds neither pictures nor metadata.jsonl, nor is it a picture world",
                         folder);
    *out = made;
    return STATUS_OK;
}
