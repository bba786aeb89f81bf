/* tests/picture_files.h - a folder of small pictures for the tests of what reads such folders. */
#ifndef TESTS_PICTURE_FILES_H
#define TESTS_PICTURE_FILES_H

#include <dirent.h>
#include <sys/stat.h>

#include "base/file.h"
#include "io/picture.h"
#include "tests/check.h"
#include "tests/scratch.h"

typedef struct {
    char folder[SCRATCH_PATH];
    Arena arena;
} PictureFiles;

static inline const char *files_path(PictureFiles *f, const char *name)
{
    return path_join(&f->arena, f->folder, name);
}

static inline void files_write(PictureFiles *f, const char *name, const char *text)
{
    CHECK(file_write(files_path(f, name), text, strlen(text), NULL) == STATUS_OK);
}

static inline void files_folder(PictureFiles *f, const char *name)
{
    CHECK(folder_make(files_path(f, name), NULL) == STATUS_OK);
}

/* A picture of that size: red to the left, `shade` of grey to the right. */
static inline void files_picture(PictureFiles *f, const char *name, int width, int height, int shade)
{
    Image image;
    CHECK(image_new(&image, width, height, 3, &f->arena, NULL) == STATUS_OK);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            unsigned char *p = image_at(&image, x, y);
            p[0] = x < width / 2 ? 255 : (unsigned char)shade;
            p[1] = p[2] = x < width / 2 ? 0 : (unsigned char)shade;
        }
    CHECK(picture_write(files_path(f, name), &image, NULL, 0, &f->arena, NULL) == STATUS_OK);
}

static inline void files_remove(const char *folder)
{
    DIR *list = opendir(folder);
    char path[2 * SCRATCH_PATH];
    for (const struct dirent *e; list != NULL && (e = readdir(list)) != NULL;) {
        struct stat about;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%.900s/%.250s", folder, e->d_name);
        if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
            files_remove(path);
        else
            remove(path);
    }
    if (list != NULL)
        closedir(list);
    remove(folder);
}

static inline void files_begin(PictureFiles *f, const char *name)
{
    *f = (PictureFiles){.arena = {0}};
    scratch_path(f->folder, name);
    CHECK(folder_make(f->folder, NULL) == STATUS_OK);
}

static inline void files_end(PictureFiles *f)
{
    files_remove(f->folder);
    arena_free(&f->arena);
}

#endif
