#include "io/zip.h"

#include <stdlib.h>

#include "base/file.h"
#include "io/npz.h"
#include "tests/check.h"
#include "tests/scratch.h"

static void check_member(const Zip *zip, const char *name, const char *text)
{
    Arena arena = {0};
    Bytes got = {0};
    Error err = {0};
    const ZipEntry *e = zip_find(zip, name);
    if (!CHECK(e != NULL && zip_read(&got, zip, e, &arena, &err) == STATUS_OK)) {
        printf("    %s: %s\n", name, err.text);
        return;
    }
    CHECK(got.size == strlen(text) && memcmp(got.data, text, got.size + 1) == 0);
    arena_free(&arena);
}

static void check_streamed(const Zip *zip)
{
    char text[801] = "";
    for (int i = 0; i < 100; i++)
        strcat(text, "deflate ");
    CHECK(zip->count == 3 && strcmp(zip->entries[1].name, "folder/deflated.txt") == 0);
    check_member(zip, "stored.txt", "hello");
    check_member(zip, "folder/deflated.txt", text);
    check_member(zip, "empty", "");
    CHECK(zip_find(zip, "stored") == NULL && zip_find(zip, "") == NULL);
    char part[4] = "";
    CHECK(zip_read_part(part, zip, zip_find(zip, "stored.txt"), 1, 3, NULL) == STATUS_OK &&
          strcmp(part, "ell") == 0);
    Error err = {0};
    CHECK(zip_read_part(part, zip, zip_find(zip, "stored.txt"), 3, 3, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "member \"stored.txt\" ends before byte 6");
    err = (Error){0};
    CHECK(zip_read_part(part, zip, zip_find(zip, "folder/deflated.txt"), 0, 1, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "is not stored as it is");
}

static void test_pythons_archive_is_read_from_memory_and_file(void)
{
    const char *const path = "tests/vectors/arrays/zip-streamed.zip";
    Arena arena = {0};
    Bytes bytes = {0};
    Zip zip = {0};
    Error err = {0};
    if (CHECK(zip_open(&zip, path, &arena, &err) == STATUS_OK))
        check_streamed(&zip);
    CHECK(file_read(&bytes, path, &arena, &err) == STATUS_OK);
    if (CHECK(zip_parse(&zip, bytes.data, bytes.size, "memory", &arena, &err) == STATUS_OK))
        check_streamed(&zip);
    if (err.text[0] != '\0')
        printf("    %s\n", err.text);
    arena_free(&arena);
}

static Status write_archive(const char *path, bool always_64, int members, Arena *arena, Error *err)
{
    ZipWriter w;
    const Status status = zip_create(&w, path, arena, err);
    if (status != STATUS_OK)
        return status;
    w.always_64 = always_64;
    char name[20], text[1000];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < members; i++) {
        sprintf(name, "%d", i);
        zip_add(&w, name, text, members < 100 ? (size_t)i * 100 : 0,
                i % 2 == 0 || members >= 100 ? ZIP_STORED : ZIP_DEFLATED);
    }
    return zip_close(&w, err);
}

static void check_written(bool always_64, int members)
{
    char path[SCRATCH_PATH], name[20], text[1001];
    scratch_path(path, "a.zip");
    Arena arena = {0};
    Error err = {0};
    Zip zip = {0};
    CHECK(write_archive(path, always_64, members, &arena, &err) == STATUS_OK);
    if (CHECK(zip_open(&zip, path, &arena, &err) == STATUS_OK)) {
        CHECK(zip.count == (size_t)members);
        for (int i = 0; i < members; i += members < 100 ? 1 : 9973) {
            memset(text, 'x', sizeof text);
            text[members < 100 ? i * 100 : 0] = '\0';
            sprintf(name, "%d", i);
            check_member(&zip, name, text);
        }
    } else {
        printf("    %s\n", err.text);
    }
    remove(path);
    arena_free(&arena);
}

static void test_archives_come_back(void)
{
    check_written(false, 0);
    check_written(false, 10);
    check_written(true, 10);
    check_written(false, 70000); /* more than 16 bits count: zip64 end record */
}

/* A changed copy of an archive is refused with this sentence. */
static void refuses(const Bytes *archive, size_t at, unsigned char byte, const char *sentence)
{
    Arena arena = {0};
    Zip zip = {0};
    Error err = {0};
    const unsigned char kept = archive->data[at];
    archive->data[at] = byte;
    CHECK(zip_parse(&zip, archive->data, archive->size, "file", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, sentence);
    CHECK(zip.entries == NULL && arena.used == 0);
    archive->data[at] = kept;
    arena_free(&arena);
}

static void fails_to_read(const Bytes *archive, const char *name, size_t at, unsigned char byte,
                          const char *sentence)
{
    Arena arena = {0};
    Zip zip = {0};
    Error err = {0};
    Bytes out = {0};
    const unsigned char kept = archive->data[at];
    archive->data[at] = byte;
    if (CHECK(zip_parse(&zip, archive->data, archive->size, "file", &arena, &err) == STATUS_OK)) {
        const size_t before = arena.used;
        CHECK(zip_read(&out, &zip, zip_find(&zip, name), &arena, &err) == STATUS_FORMAT &&
              arena.used == before);
    }
    CHECK_TEXT(err.text, sentence);
    archive->data[at] = kept;
    arena_free(&arena);
}

/* Two members: "0" empty and stored, "1" of 100 bytes, deflated. */
static void test_refuses_archives_that_lie(void)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "b.zip");
    Arena arena = {0};
    Error err = {0};
    Bytes b = {0};
    CHECK(write_archive(path, false, 2, &arena, &err) == STATUS_OK);
    CHECK(file_read(&b, path, &arena, &err) == STATUS_OK);
    remove(path);
    const size_t end = b.size - 22, first = end - 2 * 47, second = end - 47,
                 packed = le32_get(b.data + second + 20);
    refuses(&b, end, 'x', "no end record");
    refuses(&b, end + 20, 1, "no end record");
    refuses(&b, end + 4, 1, "more than one volume");
    refuses(&b, end + 10, 3, "more than one volume");
    refuses(&b, end + 12, 95, "the directory is not where");
    refuses(&b, end + 16, 0xff, "the directory is not where");
    refuses(&b, end + 17, 0xff, "the directory is not where");
    refuses(&b, first, 'x', "directory entry");
    refuses(&b, second, 'x', "directory entry");
    refuses(&b, second + 29, 1, "directory entry");
    refuses(&b, second + 46, 7, "unprintable name");
    refuses(&b, second + 46, '0', "two members have the name \"0\"");
    refuses(&b, second + 8, 1, "encrypted");
    refuses(&b, second + 26, 1, "more than deflate can");
    refuses(&b, first + 24, 1, "sizes of a stored member");
    refuses(&b, second + 42, 5, "lies over another");
    refuses(&b, second + 42, 200, "lies over another or over the directory");
    refuses(&b, second + 20, (unsigned char)(packed + 2), "lies over another or over the directory");
    b.data[end + 8] = 1;
    refuses(&b, end + 10, 1, "the directory has more entries than the end record says");
    b.data[end + 8] = 2;
    fails_to_read(&b, "1", le32_get(b.data + second + 42) + 28, 1, "is not where the directory says");
    fails_to_read(&b, "1", second + 10, 9, "packed by method 9");
    fails_to_read(&b, "1", second + 16, b.data[second + 16] ^ 1, "damaged (CRC-32)");
    fails_to_read(&b, "1", second + 24, 101, "unpacks to 100 bytes, expected 101");
    fails_to_read(&b, "1", second + 24, 99, "file: ");
    fails_to_read(&b, "1", le32_get(b.data + second + 42), 'x', "is not where the directory says");
    fails_to_read(&b, "1", le32_get(b.data + second + 42) + 29, 1, "is not where the directory says");
    arena_free(&arena);
}

/* Shorter archives, and archives with one bit turned: refused or read, never worse. */
static void test_damaged_archives(bool always_64)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "c.zip");
    Arena arena = {0};
    Error err = {0};
    Bytes b = {0};
    CHECK(write_archive(path, always_64, 3, &arena, &err) == STATUS_OK);
    CHECK(file_read(&b, path, &arena, &err) == STATUS_OK);
    remove(path);
    int accepted = 0;
    for (size_t size = 0; size < b.size; size++) {
        const ArenaMark mark = arena_mark(&arena);
        Zip zip = {0};
        accepted += zip_parse(&zip, b.data, size, "file", &arena, NULL) == STATUS_OK;
        CHECK(arena.used == mark.used);
    }
    CHECK(accepted == 0);
    for (size_t bit = 0; bit < 8 * b.size; bit++) {
        const ArenaMark mark = arena_mark(&arena);
        Zip zip = {0};
        b.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (zip_parse(&zip, b.data, b.size, "file", &arena, NULL) == STATUS_OK)
            for (size_t i = 0; i < zip.count; i++) {
                Bytes out = {0};
                if (zip_read(&out, &zip, &zip.entries[i], &arena, NULL) == STATUS_OK)
                    CHECK(out.size == i * 100);
            }
        b.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        arena_release(&arena, mark);
    }
    arena_free(&arena);
}

static void test_writer_tells_of_failures(void)
{
    Arena arena = {0};
    Error err = {0};
    ZipWriter w;
    CHECK(zip_create(&w, "no/such/folder/x.zip", &arena, &err) == STATUS_FILE);
    char path[SCRATCH_PATH];
    scratch_path(path, "d.zip");
    err = (Error){0};
    CHECK(zip_create(&w, path, &arena, &err) == STATUS_OK);
    zip_add(&w, "", NULL, 0, ZIP_STORED);
    zip_add(&w, "later", NULL, 0, ZIP_STORED);
    CHECK(zip_close(&w, &err) == STATUS_ARGUMENT && !file_exists(path));
    CHECK_TEXT(err.text, "is no name for a member");
    arena_free(&arena);
}

static void test_failing_allocations(void)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "e.zip");
    for (int reads = 0; reads < 2; reads++) {
        Status status = STATUS_MEMORY;
        size_t n = 1;
        for (; status != STATUS_OK && n < 200; n++) {
            Arena arena = {.fail_after = n};
            Error err = {0};
            Zip zip = {0};
            Bytes out = {0};
            status =
                reads ? zip_open(&zip, path, &arena, &err) : write_archive(path, false, 4, &arena, &err);
            if (reads && status == STATUS_OK)
                status = zip_read(&out, &zip, zip_find(&zip, "3"), &arena, &err);
            CHECK(status == STATUS_OK || (status == STATUS_MEMORY && err.text[0] != '\0'));
            CHECK(reads || file_exists(path) == (status == STATUS_OK));
            arena_free(&arena);
        }
        CHECK(n > 4 && n < 200);
    }
    remove(path);
}

int main(void)
{
    test_pythons_archive_is_read_from_memory_and_file();
    test_archives_come_back();
    test_refuses_archives_that_lie();
    test_damaged_archives(false);
    test_damaged_archives(true);
    test_writer_tells_of_failures();
    test_failing_allocations();
    return check_report("zip");
}
