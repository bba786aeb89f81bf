#include "diffusion/world_table.h"

#include <stdbool.h>
#include <string.h>

#include "base/file.h"

static bool is_row(const char *line, size_t length)
{
    return length > 0 && line[0] != '#';
}

static size_t line_length(const char *text, size_t size)
{
    const char *end = memchr(text, '\n', size);
    return end != NULL ? (size_t)(end - text) : size;
}

static int count_rows(const char *text, size_t size)
{
    int rows = 0;
    for (size_t at = 0; at < size && rows <= WORLD_ROWS;) {
        const size_t length = line_length(text + at, size - at);
        rows += is_row(text + at, length);
        at += length + 1;
    }
    return rows;
}

/* Divides one line (which ends in a zero byte) at its tabs into table->columns fields. */
static Status read_row(const char **field, char *line, size_t length, int number, const WorldTable *table,
                       Error *err)
{
    int column = 0;
    size_t start = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && line[i] != '\t') {
            if (line[i] < ' ' || line[i] > '~')
                return error_set(err, STATUS_FORMAT, "%s:%d: byte %u is not printable ASCII", table->name,
                                 number, (unsigned)(unsigned char)line[i]);
            continue;
        }
        const size_t size = i - start;
        if (size == 0 || size > WORLD_FIELD)
            return error_set(err, STATUS_FORMAT, "%s:%d: field %d has %zu characters, must have 1 to %d",
                             table->name, number, column + 1, size, (int)WORLD_FIELD);
        if (column == table->columns)
            return error_set(err, STATUS_FORMAT, "%s:%d: more than %d fields", table->name, number,
                             table->columns);
        line[i] = '\0';
        field[column++] = line + start;
        start = i + 1;
    }
    if (column != table->columns)
        return error_set(err, STATUS_FORMAT, "%s:%d: %d fields, expected %d", table->name, number, column,
                         table->columns);
    return STATUS_OK;
}

Status world_table_parse(WorldTable *out, const void *bytes, size_t size, const char *name, int columns,
                         Arena *arena, Error *err)
{
    const int rows = count_rows(bytes, size);
    if (rows > WORLD_ROWS)
        return error_set(err, STATUS_FORMAT, "%s: more than %d rows", name, (int)WORLD_ROWS);
    WorldTable table = {.columns = columns};
    char *text = arena_text(arena, bytes, size); /* fields point into this copy */
    table.name = arena_text(arena, name, strlen(name));
    table.field = arena_alloc(arena, (size_t)rows * (size_t)columns + 1, sizeof *table.field);
    table.line = arena_alloc(arena, (size_t)rows + 1, sizeof *table.line);
    if (text == NULL || table.name == NULL || table.field == NULL || table.line == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for the table", name);
    int number = 0;
    for (size_t at = 0; at < size;) {
        const size_t length = line_length(text + at, size - at);
        number++;
        if (is_row(text + at, length)) {
            const Status status = read_row(table.field + (size_t)table.rows * (size_t)columns, text + at,
                                           length, number, &table, err);
            if (status != STATUS_OK)
                return status;
            table.line[table.rows++] = number;
        }
        at += length + 1;
    }
    *out = table;
    return STATUS_OK;
}

Status world_table_read(WorldTable *out, const char *path, int columns, Arena *arena, Error *err)
{
    Bytes text = {.arena = arena};
    const Status status = file_read(&text, path, arena, err);
    if (status != STATUS_OK)
        return status;
    return world_table_parse(out, text.data, text.size, path, columns, arena, err);
}

const char *world_field(const WorldTable *table, int row, int column)
{
    return table->field[(size_t)row * (size_t)table->columns + (size_t)column];
}

int world_word(const char *const *words, int count, const char *word)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return -1;
}
