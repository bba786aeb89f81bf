/* cli/options_help.c - what an option table prints of itself: help, and the configuration file. */
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "cli/options.h"
#include "io/json.h"

/* The smallest number of insertions, deletions and changes that turn a into b. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[64];
    const size_t n = strlen(b);
    if (n >= 64)
        return 64;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            const size_t change = corner + (a[i - 1] != b[j - 1]);
            const size_t gap = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            corner = row[j];
            row[j] = change < gap ? change : gap;
        }
    }
    return row[n];
}

const char *nearest_word(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t least = 1 + strlen(word) / 3 + 1;
    for (; *words != NULL; words++) {
        const size_t d = edit_distance(word, *words);
        if (d < least) {
            least = d;
            best = *words;
        }
    }
    return best;
}

static const char *kind_text(const Option *o)
{
    switch (o->kind) {
    case OPTION_INT:
    case OPTION_WHOLE: return "N";
    case OPTION_SEED: return "SEED";
    case OPTION_NUMBER: return "X";
    case OPTION_CHOICE: return "NAME";
    case OPTION_TEXT:
    case OPTION_TEXTS: return o->choices != NULL ? o->choices : "TEXT";
    case OPTION_FLAG:
    case OPTION_END: break;
    }
    return "";
}

static const char *default_text(const Option *o, char text[64])
{
    const char *word = NULL;
    text[0] = '\0';
    switch (o->kind) {
    case OPTION_TEXT:
    case OPTION_CHOICE:
        word = *(const char *const *)o->value;
        snprintf(text, 64, "%s", word != NULL ? word : "");
        break;
    case OPTION_INT: snprintf(text, 64, "%d", *(const int *)o->value); break;
    case OPTION_WHOLE: snprintf(text, 64, "%lld", (long long)*(const int64_t *)o->value); break;
    case OPTION_SEED: snprintf(text, 64, "%llu", (unsigned long long)*(const uint64_t *)o->value); break;
    case OPTION_NUMBER: decimal_write(text, *(const double *)o->value); break;
    case OPTION_FLAG: snprintf(text, 64, "%s", *(const bool *)o->value ? "on" : ""); break;
    case OPTION_TEXTS:
    case OPTION_END: break;
    }
    return text;
}

/* " (1 to 1000, default 20)", as much of it as there is. */
static void add_range(const Option *o, Bytes *out)
{
    char text[64], low[32], high[32];
    const bool range = o->low != o->high, otherwise = default_text(o, text)[0] != '\0';
    if (!range && !otherwise)
        return;
    bytes_add_text(out, " (");
    if (range) {
        decimal_write(low, o->low);
        decimal_write(high, o->high);
        bytes_add_format(out, "%s to %s%s", low, high, otherwise ? ", " : "");
    }
    if (otherwise)
        bytes_add_format(out, "default %s", text);
    bytes_add_text(out, ")");
}

static void add_left(const char *left, Bytes *out)
{
    bytes_add_format(out, strlen(left) > 30 ? "  %s\n%34s" : "  %-31s %s", left, "");
}

static void help_row(const Option *o, Bytes *out)
{
    char left[80];
    const char *kind = kind_text(o), *space = kind[0] != '\0' ? " " : "";
    if (o->letter != 0)
        snprintf(left, sizeof left, "-%c, --%s%s%s", o->letter, o->name, space, kind);
    else
        snprintf(left, sizeof left, "    --%s%s%s", o->name, space, kind);
    add_left(left, out);
    bytes_add_text(out, o->help);
    for (const char *c = o->kind == OPTION_CHOICE ? o->choices : ""; *c != '\0';) {
        const size_t n = strcspn(c, " ");
        bytes_add_text(out, c == o->choices ? ": " : " | ");
        bytes_add(out, c, n);
        c += n + (c[n] == ' ');
    }
    add_range(o, out);
    for (const char *s = o->synonyms; s != NULL && *s != '\0';) {
        const size_t n = strcspn(s, " ");
        bytes_add_text(out, s == o->synonyms ? "; also --" : ", --");
        bytes_add(out, s, n);
        s += n + (s[n] == ' ');
    }
    bytes_add_text(out, "\n");
}

void options_help(const Options *options, Bytes *out)
{
    bytes_add_format(out, "usage: ldm99 %s [options]%s%s\n%s\n\n", options->command,
                     options->usage[0] != '\0' ? " " : "", options->usage, options->about);
    for (int t = 0; t < OPTIONS_TABLES && options->tables[t] != NULL; t++) {
        for (const Option *o = options->tables[t]; o->kind != OPTION_END; o++)
            help_row(o, out);
        if (t + 1 < OPTIONS_TABLES && options->tables[t + 1] != NULL)
            bytes_add_text(out, "\n");
    }
    add_left("-h, --help", out);
    bytes_add_text(out, "this text\n");
}

static void write_value(JsonWriter *w, const Option *o)
{
    char text[64];
    const OptionTexts *texts = o->value;
    switch (o->kind) {
    case OPTION_TEXT:
    case OPTION_CHOICE:
        if (*(const char *const *)o->value != NULL)
            json_write_text(w, o->name, *(const char *const *)o->value);
        else
            json_write_null(w, o->name);
        break;
    case OPTION_TEXTS:
        json_begin_array(w, o->name);
        for (int i = 0; i < texts->count; i++)
            json_write_text(w, NULL, texts->text[i]);
        json_end(w);
        break;
    case OPTION_INT: json_write_int(w, o->name, *(const int *)o->value); break;
    case OPTION_WHOLE: json_write_int(w, o->name, *(const int64_t *)o->value); break;
    case OPTION_SEED: json_write_text(w, o->name, default_text(o, text)); break;
    case OPTION_NUMBER: json_write_number(w, o->name, *(const double *)o->value); break;
    case OPTION_FLAG: json_write_bool(w, o->name, *(const bool *)o->value); break;
    case OPTION_END: break;
    }
}

void options_write_table(JsonWriter *w, const Option *table)
{
    for (const Option *o = table; o->kind != OPTION_END; o++)
        write_value(w, o);
}

void options_write_config(const Options *options, Bytes *out)
{
    JsonWriter json = {.out = out};
    json_begin_object(&json, NULL);
    for (int t = 0; t < OPTIONS_TABLES && options->tables[t] != NULL; t++)
        for (const Option *o = options->tables[t]; o->kind != OPTION_END; o++)
            if (strcmp(o->name, "config") != 0 && strcmp(o->name, "print-config") != 0)
                write_value(&json, o); /* how it was asked for is no setting */
    json_end(&json);
    bytes_add_text(out, "\n");
}

/* One value of the configuration file, as the words of a command line would give it. */
static Status set_from_json(const Options *options, const char *name, const Json *value, const char *path,
                            Error *err)
{
    char number[32];
    switch (json_kind(value)) {
    case JSON_TEXT:
        if (strlen(json_text(value, "")) != json_text_length(value))
            return error_set(err, STATUS_FORMAT, "%s: \"%s\" holds a zero character, which no option can",
                             path, name);
        return options_set(options, name, json_text(value, ""), err);
    case JSON_NUMBER:
        decimal_write(number, json_number(value, 0.0));
        return options_set(options, name, number, err);
    case JSON_BOOL: return options_set(options, name, json_bool(value, false) ? "true" : "false", err);
    case JSON_ARRAY: {
        Status status = STATUS_OK;
        const Option *o = options_find(options, name, strlen(name));
        if (o != NULL && o->kind == OPTION_TEXTS)
            ((OptionTexts *)o->value)->count = 0;
        for (size_t i = 0; i < json_count(value) && status == STATUS_OK; i++)
            if (json_kind(json_at(value, i)) == JSON_TEXT &&
                strlen(json_text(json_at(value, i), "")) == json_text_length(json_at(value, i)))
                status = options_set(options, name, json_text(json_at(value, i), ""), err);
            else
                status =
                    error_set(err, STATUS_FORMAT,
                              "%s: \"%s\" must be a list of texts without zero characters", path, name);
        return status;
    }
    case JSON_NULL: return STATUS_OK;
    default:
        return error_set(err, STATUS_FORMAT, "%s: \"%s\" must be text, a number, true or false", path,
                         name);
    }
}

Status options_set_all(const Options *options, const Json *json, const char *path, Error *err)
{
    Status status = STATUS_OK;
    if (json_kind(json) != JSON_OBJECT)
        status = error_set(err, STATUS_FORMAT, "%s: is not a JSON object of options", path);
    const char *preset = json_text(json_get(json, "preset"), NULL);
    if (status == STATUS_OK && preset != NULL && options->presets != NULL)
        status = options_apply_preset(options, preset, err);
    for (size_t i = 0; status == STATUS_OK && i < json_count(json); i++)
        status = set_from_json(options, json_key(json, i), json_at(json, i), path, err);
    for (int t = 0; t < OPTIONS_TABLES && options->tables[t] != NULL; t++)
        for (const Option *o = options->tables[t]; o->kind != OPTION_END; o++)
            if (o->kind == OPTION_TEXTS)
                ((OptionTexts *)o->value)->from_file = true;
    return status;
}

Status options_read_config(const Options *options, const char *path, Arena *arena, Error *err)
{
    const Json *json = NULL;
    const Status status = json_read(&json, path, arena, err);
    if (status == STATUS_OK && json_kind(json_get(json, "config")) > JSON_NULL)
        return error_set(err, STATUS_FORMAT, "%s: \"config\" names another file, and only one is read",
                         path);
    return status == STATUS_OK ? options_set_all(options, json, path, err) : status;
}
