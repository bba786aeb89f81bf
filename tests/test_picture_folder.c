#include "diffusion/picture_folder.h"

#include "tests/picture_files.h"

static PictureFiles f;

static void empty(void)
{
    files_remove(f.folder);
    CHECK(folder_make(f.folder, NULL) == STATUS_OK);
}

static PictureFolder opened(const char *column)
{
    PictureFolder made = {.count = 0};
    Error err = {0};
    if (!CHECK(picture_folder_open(&made, f.folder, column, &f.arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    return made;
}

static void refused(const char *sentence)
{
    PictureFolder made = {.count = 77};
    Error err = {0};
    CHECK(picture_folder_open(&made, f.folder, NULL, &f.arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, sentence);
    CHECK_TEXT(err.text, f.folder);
    CHECK(made.count == 77);
}

static bool entry_is(const PictureFolder *p, size_t i, const char *name, const char *caption, int repeats)
{
    if (i >= p->count)
        return false;
    const PictureEntry *e = &p->entry[i];
    const bool same =
        strcmp(e->name, name) == 0 && e->repeats == repeats &&
        (caption == NULL ? e->caption == NULL : e->caption != NULL && strcmp(e->caption, caption) == 0);
    if (!same)
        printf("    %zu: %s, %s, %d\n", i, e->name, e->caption != NULL ? e->caption : "-", e->repeats);
    return same && strcmp(e->path, files_path(&f, name)) == 0;
}

/* Hugging Face's imagefolder: the order of the lines, several lines of one picture, other columns. */
static void test_metadata(void)
{
    empty();
    files_write(&f, "not listed.png", "x");
    files_write(&f, "metadata.jsonl",
                "{\"file_name\": \"b.png\", \"text\": \"a \\u00e9toile\", \"text_0\": \"a star\"}\n"
                "\n"
                "{\"text\": \"\", \"file_name\": \"below/a.PNG\", \"more\": [1, {\"x\": null}]}\r\n"
                "{\"file_name\": \"b.png\", \"text\": \"again\", \"text_0\": null}");
    PictureFolder p = opened(NULL);
    CHECK(p.count == 3);
    CHECK(entry_is(&p, 0, "b.png", "a \303\251toile", 1) && entry_is(&p, 1, "below/a.PNG", "", 1) &&
          entry_is(&p, 2, "b.png", "again", 1));
    p = opened("text_0");
    CHECK(entry_is(&p, 0, "b.png", "a star", 1) && entry_is(&p, 1, "below/a.PNG", NULL, 1) &&
          entry_is(&p, 2, "b.png", NULL, 1));
}

static void test_bad_metadata(void)
{
    static const char *const bad[][2] = {
        {"{\"file_name\": \"a.png\"", "line 1"},
        {"{\"file_name\": \"a.png\"}\n{\"text\": \"a\"}\n", "line 2: is no object with a \"file_name\""},
        {"{\"file_name\": 3}\n", "file_name"},
        {"[\"a.png\"]\n", "line 1: is no object"},
        {"{\"file_name\": \"../a.png\"}\n", "leads out of the folder"},
        {"{\"file_name\": \"a/../../b.png\"}\n", "leads out of the folder"},
        {"{\"file_name\": \"/etc/a.png\"}\n", "leads out of the folder"},
        {"{\"file_name\": \"a.jpg\"}\n", "\"a.jpg\" is no PNG, PPM or PGM"},
        {"{\"file_name\": \"a.png\", \"text\": [\"a\"]}\n", "\"text\" is no text"},
        {"\n  \n", "neither pictures nor metadata.jsonl"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        empty();
        files_write(&f, "metadata.jsonl", bad[i][0]);
        refused(bad[i][1]);
    }
    empty();
    files_write(&f, "metadata.jsonl", "{\"file_name\": \"\303\50.png\"}\n"); /* no UTF-8 */
    refused("line 1");
}

/* Pictures beside their texts, folders below, repeats by a folder's name. */
static void test_pictures_beside_texts(void)
{
    empty();
    files_write(&f, "b.png", "x");
    files_write(&f, "b.txt",
                "\xef\xbb\xbf"
                "a bee, on white \t\r\nsecond line");
    files_write(&f, "a.ppm", "x");
    files_write(&f, "c.pgm", "x");
    files_write(&f, "c.caption", "");
    files_write(&f, "notes.md", "x");
    files_write(&f, ".hidden.png", "x");
    files_folder(&f, "3_a cat");
    files_write(&f, "3_a cat/x.png", "x");
    files_write(&f, "3_a cat/y.png", "x");
    files_write(&f, "3_a cat/y.txt", "why");
    files_folder(&f, "z");
    files_folder(&f, "z/deep");
    files_write(&f, "z/deep/d.png", "x");
    files_folder(&f, "zz");
    files_write(&f, "zz/metadata.jsonl", "{\"file_name\": \"m.png\", \"text\": \"listed\"}\n");
    files_folder(&f, "0_none");
    files_write(&f, "0_none/n.png", "x");
    const PictureFolder p = opened(NULL);
    CHECK(p.count == 8);
    CHECK(entry_is(&p, 0, "0_none/n.png", NULL, 1)); /* no repeats: 0 would hide it */
    CHECK(entry_is(&p, 1, "3_a cat/x.png", "a cat", 3) && entry_is(&p, 2, "3_a cat/y.png", "why", 3));
    CHECK(entry_is(&p, 3, "a.ppm", NULL, 1) && entry_is(&p, 4, "b.png", "a bee, on white", 1));
    CHECK(entry_is(&p, 5, "c.pgm", "", 1) && entry_is(&p, 6, "z/deep/d.png", NULL, 1));
    CHECK(entry_is(&p, 7, "zz/m.png", "listed", 1));
}

static void test_what_is_not_read(void)
{
    Error err = {0};
    PictureFolder p;
    empty();
    refused("neither pictures nor metadata.jsonl");
    files_write(&f, "a.png", "x");
    files_write(&f, "b.JPG", "x");
    refused("b.JPG: PNG, PPM and PGM pictures are read");
    remove(files_path(&f, "b.JPG"));
    files_write(&f, "metadata.csv", "x");
    refused("metadata.csv: is not read");
    remove(files_path(&f, "metadata.csv"));
    files_write(&f, "a.txt", "caf\351");
    refused("a.txt: is not UTF-8");
    CHECK(picture_folder_open(&p, "no/such", NULL, &f.arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "no/such: is no folder");
}

static void test_too_deep(void)
{
    char name[200] = "";
    empty();
    for (int i = 0; i < PICTURE_FOLDERS_DEEP; i++) {
        strcat(name, i == 0 ? "d" : "/d");
        files_folder(&f, name);
    }
    refused("folders deep");
}

static void test_failing_allocations(void)
{
    Status status = STATUS_MEMORY;
    empty();
    files_write(&f, "a.png", "x");
    files_write(&f, "a.txt", "a bee");
    files_folder(&f, "1_z");
    files_write(&f, "1_z/metadata.jsonl", "{\"file_name\": \"m.png\", \"text\": \"listed\"}\n");
    for (size_t n = 1; n < 1000 && status != STATUS_OK; n++) {
        Arena failing = {.fail_after = n};
        PictureFolder p = {.count = 77};
        status = picture_folder_open(&p, f.folder, NULL, &failing, NULL);
        CHECK(status == STATUS_OK ? p.count == 2 : status == STATUS_MEMORY && p.count == 77);
        arena_free(&failing);
    }
    CHECK(status == STATUS_OK);
}

/* The things that a picture should show: a list of names, or as the picture world writes them. */
static void test_things(void)
{
    empty();
    files_write(
        &f, "metadata.jsonl",
        "{\"file_name\": \"a.png\", \"objects\": [\"rocket\", \"red heart\"]}\n"
        "{\"file_name\": \"b.png\", \"scene\": {\"objects\": [{\"concept\": \"c\", \"name\": \"cat\", "
        "\"category\": \"animal\"}]}}\n"
        "{\"file_name\": \"c.png\"}\n");
    const PictureFolder p = opened(NULL);
    if (CHECK(p.count == 3 && p.entry[0].things == 2 && p.entry[1].things == 1 && p.entry[2].things == 0)) {
        CHECK(strcmp(p.entry[0].thing[1].name, "red heart") == 0 &&
              p.entry[0].thing[1].category[0] == '\0');
        CHECK(strcmp(p.entry[1].thing[0].name, "cat") == 0 &&
              strcmp(p.entry[1].thing[0].category, "animal") == 0);
    }
    files_write(&f, "metadata.jsonl", "{\"file_name\": \"a.png\", \"objects\": \"rocket\"}\n");
    refused("is no list of names");
    files_write(&f, "metadata.jsonl",
                "{\"file_name\": \"a.png\", \"objects\": [{\"category\": \"animal\"}]}\n");
    refused("is no list of names");
}

int main(void)
{
    files_begin(&f, "folder");
    test_metadata();
    test_bad_metadata();
    test_pictures_beside_texts();
    test_what_is_not_read();
    test_too_deep();
    test_failing_allocations();
    test_things();
    files_end(&f);
    return check_report("picture_folder");
}
