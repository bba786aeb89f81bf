#include "io/csv.h"

#include <string.h>

#include "base/decimal.h"

static void begin_cell(CsvWriter *w)
{
    if (w->filled)
        bytes_add_byte(w->out, ',');
    w->filled = true;
}

void csv_text(CsvWriter *w, const char *value)
{
    begin_cell(w);
    if (value[strcspn(value, ",\"\r\n")] == '\0') {
        bytes_add_text(w->out, value);
        return;
    }
    bytes_add_byte(w->out, '"');
    for (; *value != '\0'; value++) {
        if (*value == '"')
            bytes_add_byte(w->out, '"');
        bytes_add_byte(w->out, (unsigned char)*value);
    }
    bytes_add_byte(w->out, '"');
}

void csv_number(CsvWriter *w, double value)
{
    char text[DECIMAL_LONGEST];
    decimal_write(text, value);
    csv_text(w, text);
}

void csv_float(CsvWriter *w, float value)
{
    char text[DECIMAL_LONGEST];
    decimal_write_f32(text, value);
    csv_text(w, text);
}

void csv_int(CsvWriter *w, int64_t value)
{
    begin_cell(w);
    bytes_add_format(w->out, "%lld", (long long)value);
}

void csv_empty(CsvWriter *w)
{
    begin_cell(w);
}

void csv_end_row(CsvWriter *w)
{
    bytes_add_byte(w->out, '\n');
    w->filled = false;
}

void csv_row(CsvWriter *w, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        csv_text(w, texts[i]);
    csv_end_row(w);
}
