/* diffusion/world_table.h - tables of plain text: one row a line, columns divided by tabs.
 *
 * What the picture world is made of is written in such tables (concepts.tsv, pairs.tsv, styles.tsv), so
 * that people can read and change them.  Lines that begin with '#' and empty lines are passed over.  A
 * field is 1 to WORLD_FIELD printable ASCII characters: captions are made of fields, and a tokenizer is
 * trained on those. */
#ifndef DIFFUSION_WORLD_TABLE_H
#define DIFFUSION_WORLD_TABLE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum { WORLD_FIELD = 120, WORLD_ROWS = 1 << 16 }; /* characters in a field, rows in a table: at most */

typedef struct {
    const char *name; /* of the file, for error sentences */
    int rows, columns;
    const char **field; /* rows x columns, each ended by a zero byte */
    int *line;          /* (rows): where the row stands in the file, from 1 */
} WorldTable;

/* Every row must have exactly `columns` fields.  STATUS_FORMAT tells the line.  On
 * failure *out is untouched. */
MUST_CHECK Status world_table_parse(WorldTable *out, const void *text, size_t size, const char *name,
                                    int columns, Arena *arena, Error *err);
MUST_CHECK Status world_table_read(WorldTable *out, const char *path, int columns, Arena *arena,
                                   Error *err);

const char *world_field(const WorldTable *table, int row, int column);

/* The place of `word` in a list of `count` words, or -1. */
int world_word(const char *const *words, int count, const char *word);

#endif
