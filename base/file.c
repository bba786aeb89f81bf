#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Status file_size(uint64_t *out, const char *path, Error *err)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return error_set(err, STATUS_FILE, "%s: cannot open (%s)", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return error_set(err, STATUS_FILE, "%s: is not a regular file", path);
    *out = (uint64_t)about.st_size;
    return STATUS_OK;
}

Status file_read_part(void *out, const char *path, uint64_t offset, size_t size, Error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return error_set(err, STATUS_FILE, "%s: cannot open (%s)", path, strerror(errno));
    Status status = STATUS_OK;
    if (fseeko(file, (off_t)offset, SEEK_SET) != 0 || fread(out, 1, size, file) != size)
        status = error_set(err, STATUS_FORMAT, "%s: ends before byte %llu", path,
                           (unsigned long long)(offset + size));
    fclose(file);
    return status;
}

Status file_read(Bytes *out, const char *path, Arena *arena, Error *err)
{
    uint64_t size = 0;
    const Status status = file_size(&size, path, err);
    if (status != STATUS_OK)
        return status;
    if (size >= SIZE_MAX / 2)
        return error_set(err, STATUS_MEMORY, "%s: %llu bytes do not fit in memory", path,
                         (unsigned long long)size);
    unsigned char *data = arena_raw(arena, (size_t)size + 1, 1);
    if (data == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for %llu bytes", path,
                         (unsigned long long)size);
    if (file_read_part(data, path, 0, (size_t)size, err) != STATUS_OK)
        return err != NULL ? err->status : STATUS_FILE;
    data[size] = '\0'; /* so that text formats may look one byte ahead */
    *out = (Bytes){.arena = arena, .data = data, .size = (size_t)size, .room = (size_t)size + 1};
    return STATUS_OK;
}

bool file_rename(const char *from, const char *to)
{
#ifdef _WIN32 /* whose rename refuses a name that is taken */
    remove(to);
#endif
    return rename(from, to) == 0;
}

bool file_temporary(char out[4096], const char *path)
{
    return snprintf(out, 4096, "%s.%ld.tmp", path, (long)getpid()) < 4096;
}

Status file_write(const char *path, const void *data, size_t size, Error *err)
{
    char temporary[4096];
    struct stat about;
    const bool special = stat(path, &about) == 0 && !S_ISREG(about.st_mode);
    if (!file_temporary(temporary, path))
        return error_set(err, STATUS_ARGUMENT, "%.100s...: the name is too long", path);
    FILE *file = fopen(special ? path : temporary, "wb");
    if (file == NULL)
        return error_set(err, STATUS_FILE, "%s: cannot write (%s)", path, strerror(errno));
    bool good = size == 0 || fwrite(data, 1, size, file) == size;
    good = fflush(file) == 0 && good;
    good = fclose(file) == 0 && good;
    good = good && (special || file_rename(temporary, path));
    if (!good) {
        const int why = errno;
        if (!special)
            remove(temporary);
        return error_set(err, STATUS_FILE, "%s: cannot write (%s)", path, strerror(why));
    }
    return STATUS_OK;
}

bool file_exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

void file_remove(const char *path)
{
    remove(path);
}

char *path_join(Arena *arena, const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    const size_t slash = length > 0 && folder[length - 1] != '/' ? 1 : 0;
    char *path = arena_raw(arena, length + slash + strlen(name) + 1, 1);
    if (path == NULL)
        return NULL;
    memcpy(path, folder, length);
    if (slash)
        path[length] = '/';
    memcpy(path + length + slash, name, strlen(name) + 1);
    return path;
}

static bool make_one_folder(const char *path)
{
#ifdef _WIN32
    return mkdir(path) == 0;
#else
    return mkdir(path, 0777) == 0;
#endif
}

Status folder_make(const char *path, Error *err)
{
    char part[4096];
    const size_t length = strlen(path);
    if (length >= sizeof part)
        return error_set(err, STATUS_ARGUMENT, "%.100s...: the name is too long", path);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        struct stat about;
        if (!make_one_folder(part) && (stat(part, &about) != 0 || !S_ISDIR(about.st_mode)))
            return error_set(err, STATUS_FILE, "%s: cannot make the folder (%s)", part, strerror(errno));
    }
    return STATUS_OK;
}
