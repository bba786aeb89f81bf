/* io/csv.h - tables as comma-separated text: logs and results that a spreadsheet reads.
 *
 * Rows end with "\n"; a text that holds a comma, a quotation mark or a line's end stands in quotation marks
 * (RFC 4180).  Numbers are the shortest text that reads back (base/decimal.h). */
#ifndef IO_CSV_H
#define IO_CSV_H

#include <stdbool.h>

#include "base/bytes.h"

/* Starts as {.out = bytes}; `out` keeps a failure. */
typedef struct {
    Bytes *out;
    bool filled; /* the row has a cell */
} CsvWriter;

void csv_text(CsvWriter *w, const char *value);
void csv_number(CsvWriter *w, double value); /* "nan", "inf" and "-inf" too */
void csv_float(CsvWriter *w, float value);   /* the shortest for binary32: 0.1f is 0.1 */
void csv_int(CsvWriter *w, int64_t value);
void csv_empty(CsvWriter *w); /* a cell without content */
void csv_end_row(CsvWriter *w);

/* A row of texts, for the head of a table. */
void csv_row(CsvWriter *w, const char *const *texts, size_t count);

#endif
