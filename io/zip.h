/* io/zip.h - zip archives: .npz arrays, PyTorch checkpoints.
 *
 * Read: members that are stored or deflated, also beyond 4 GiB (zip64).  The directory is checked as a whole
 * before a member can be read: no name twice, no member over another or over the directory.  Encrypted,
 * many-volume and exotically packed archives are refused.
 * Written: stored or deflated, dated 1980-01-01, so that equal members make equal archives.
 * Source: PKWARE, APPNOTE.TXT - .ZIP File Format Specification, version 6.3.10, sections 4.3 to 4.5. */
#ifndef IO_ZIP_H
#define IO_ZIP_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "io/output.h"

enum { ZIP_STORED = 0, ZIP_DEFLATED = 8 };

typedef struct {
    const char *name;      /* as it stands in the archive, ended by a zero byte */
    uint64_t size, packed; /* bytes of the member, and of its packed form */
    uint64_t header;       /* where its local header is */
    uint32_t crc;
    unsigned method; /* ZIP_STORED, ZIP_DEFLATED, or one that cannot be read */
} ZipEntry;

typedef struct {
    const char *name;          /* of the archive, as it was opened: begins every error sentence */
    const unsigned char *data; /* the whole archive in memory (zip_parse), or NULL */
    uint64_t size;             /* bytes of the archive */
    uint64_t directory;        /* where its directory begins: members end before */
    ZipEntry *entries;         /* in the order of the directory */
    size_t count;
    size_t *by_name; /* their indices in the order of names */
} Zip;

/* Reads the directory.  The path is copied.  On failure *out is untouched. */
MUST_CHECK Status zip_open(Zip *out, const char *path, Arena *arena, Error *err);

/* The same for an archive in memory; `data` must stay as long as *out is used, `name` is for error sentences. */
MUST_CHECK Status zip_parse(Zip *out, const void *data, size_t size, const char *name, Arena *arena,
                            Error *err);

const ZipEntry *zip_find(const Zip *zip, const char *name); /* NULL when there is none of that name */

/* The whole member, unpacked; its CRC-32 is compared.  data[size] is a zero byte. */
MUST_CHECK Status zip_read(Bytes *out, const Zip *zip, const ZipEntry *entry, Arena *arena, Error *err);

/* `size` bytes from `offset` on of a stored member; its CRC-32 is not compared. */
MUST_CHECK Status zip_read_part(void *out, const Zip *zip, const ZipEntry *entry, uint64_t offset,
                                size_t size, Error *err);

/* Where in the archive the bytes of a stored member begin. */
MUST_CHECK Status zip_place(uint64_t *out, const Zip *zip, const ZipEntry *entry, Error *err);

/* An archive that is being written: zip_create, zip_add for each member, zip_close (always, also after a
 * failure: it tells of it and removes what was written).  The directory grows in the arena meanwhile, which
 * therefore may not be released to an earlier mark. */
typedef struct {
    Output out;
    Arena *arena;
    Bytes directory;
    uint64_t count;
    bool always_64; /* write zip64 records even where sizes do not need them, as numpy does */
    Error error;    /* the first failure */
} ZipWriter;

MUST_CHECK Status zip_create(ZipWriter *out, const char *path, Arena *arena, Error *err);

/* `method` is ZIP_STORED or ZIP_DEFLATED (then the arena holds the packed form meanwhile). */
void zip_add(ZipWriter *w, const char *name, const void *data, size_t size, int method);

MUST_CHECK Status zip_close(ZipWriter *w, Error *err);

#endif
