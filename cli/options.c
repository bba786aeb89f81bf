#include "cli/options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

bool option_name_is(const char *name, const char *other, size_t length)
{
    if (strlen(name) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((name[i] == '_' ? '-' : name[i]) != (other[i] == '_' ? '-' : other[i]))
            return false;
    return true;
}

/* Whether `name` is one of the words of a list that is separated by spaces; `exactly`: also `-` and `_` differ. */
static bool in_list(const char *list, const char *name, size_t length, bool exactly)
{
    while (list != NULL && *list != '\0') {
        char word[64];
        const size_t n = strcspn(list, " ");
        snprintf(word, sizeof word, "%.*s", (int)n, list);
        if (exactly ? strcmp(word, name) == 0 : option_name_is(word, name, length))
            return true;
        list += n + (list[n] == ' ');
    }
    return false;
}

const Option *options_find(const Options *options, const char *name, size_t length)
{
    for (int t = 0; t < OPTIONS_TABLES && options->tables[t] != NULL; t++)
        for (const Option *o = options->tables[t]; o->kind != OPTION_END; o++)
            if (option_name_is(o->name, name, length) || in_list(o->synonyms, name, length, false))
                return o;
    return NULL;
}

static const Option *find_letter(const Options *options, char letter)
{
    for (int t = 0; t < OPTIONS_TABLES && options->tables[t] != NULL; t++)
        for (const Option *o = options->tables[t]; o->kind != OPTION_END; o++)
            if (o->letter == letter)
                return o;
    return NULL;
}

static Status bad_value(const Options *options, const Option *o, const char *text, const char *expected,
                        Error *err)
{
    return error_set(err, STATUS_ARGUMENT, "%s: --%s is \"%.80s\", expected %s", options->command, o->name,
                     text, expected);
}

/* Whole numbers up to 2^64 - 1, so that a seed keeps all its bits. */
static bool read_whole(uint64_t *out, const char *text)
{
    uint64_t value = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return p != text && *p == '\0';
}

static bool read_number(double *out, const char *text)
{
    size_t used = 0;
    return decimal_read(out, text, strlen(text), &used) && text[used] == '\0';
}

static Status set_number(const Options *options, const Option *o, const char *text, Error *err)
{
    char expected[120], low[32], high[32];
    double value = 0.0;
    const bool whole = o->kind != OPTION_NUMBER;
    const double most = o->kind == OPTION_INT ? 2147483647.0 : 9007199254740992.0;
    bool good = read_number(&value, text) && value - value == 0.0;
    good = good && (!whole || (value >= -most && value <= most && value == floor(value)));
    if (good && o->low != o->high)
        good = value >= o->low && value <= o->high;
    if (!good) {
        decimal_write(low, o->low);
        decimal_write(high, o->high);
        if (o->low != o->high)
            snprintf(expected, sizeof expected, "a %snumber from %s to %s", whole ? "whole " : "", low,
                     high);
        else
            snprintf(expected, sizeof expected, "a %snumber", whole ? "whole " : "");
        return bad_value(options, o, text, expected, err);
    }
    if (o->kind == OPTION_INT)
        *(int *)o->value = (int)value;
    else if (o->kind == OPTION_WHOLE)
        *(int64_t *)o->value = (int64_t)value;
    else
        *(double *)o->value = value;
    return STATUS_OK;
}

/* "ddim, ddpm" */
static const char *choices_text(char out[200], const char *choices)
{
    size_t n = 0;
    for (; *choices != '\0' && n < 196; choices++) {
        if (*choices == ' ')
            out[n++] = ',';
        out[n++] = *choices;
    }
    out[n] = '\0';
    return out;
}

static Status set(const Options *options, const Option *o, const char *text, Error *err)
{
    char expected[200];
    switch (o->kind) {
    case OPTION_END: break;
    case OPTION_TEXT: *(const char **)o->value = text; break;
    case OPTION_TEXTS: {
        OptionTexts *texts = o->value;
        if (texts->from_file)
            texts->count = 0;
        texts->from_file = false;
        if (texts->count == OPTION_TEXTS_MAX)
            return error_set(err, STATUS_ARGUMENT, "%s: --%s is given more than %d times", options->command,
                             o->name, OPTION_TEXTS_MAX);
        texts->text[texts->count++] = text;
        break;
    }
    case OPTION_INT:
    case OPTION_WHOLE:
    case OPTION_NUMBER: return set_number(options, o, text, err);
    case OPTION_SEED:
        if (!read_whole(o->value, text))
            return bad_value(options, o, text, "a whole number from 0 to 18446744073709551615", err);
        break;
    case OPTION_FLAG:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return bad_value(options, o, text, "true, false, or no value", err);
        *(bool *)o->value = text[0] == 't';
        break;
    case OPTION_CHOICE:
        if (!in_list(o->choices, text, strlen(text), true))
            return bad_value(options, o, text, choices_text(expected, o->choices), err);
        *(const char **)o->value = text;
        break;
    }
    return STATUS_OK;
}

enum { NAMES = 256, NAME = 40 };

/* Every name and synonym, ended by NULL. */
static void all_names(const Options *options, char text[NAMES][NAME], const char *names[NAMES])
{
    size_t count = 0;
    for (int t = 0; t < OPTIONS_TABLES && options->tables[t] != NULL; t++)
        for (const Option *o = options->tables[t]; o->kind != OPTION_END && count < NAMES - 1; o++) {
            const char *list = o->synonyms != NULL ? o->synonyms : "";
            names[count++] = o->name;
            while (*list != '\0' && count < NAMES - 1) {
                const size_t n = strcspn(list, " ");
                snprintf(text[count], NAME, "%.*s", (int)n, list);
                names[count] = text[count];
                count++;
                list += n + (list[n] == ' ');
            }
        }
    names[count] = NULL;
}

static Status unknown(const Options *options, const char *name, size_t length, Error *err)
{
    char text[NAMES][NAME], word[80];
    const char *names[NAMES];
    all_names(options, text, names);
    snprintf(word, sizeof word, "%.*s", (int)(length < 79 ? length : 79), name);
    const char *near = nearest_word(word, names);
    if (near != NULL)
        return error_set(err, STATUS_ARGUMENT, "%s: unknown option --%s, did you mean --%s?",
                         options->command, word, near);
    return error_set(err, STATUS_ARGUMENT, "%s: unknown option --%s; see ldm99 %s --help", options->command,
                     word, options->command);
}

Status options_set(const Options *options, const char *name, const char *text, Error *err)
{
    const Option *o = options_find(options, name, strlen(name));
    return o != NULL ? set(options, o, text, err) : unknown(options, name, strlen(name), err);
}

Status options_apply_preset(const Options *options, const char *name, Error *err)
{
    const OptionPreset *p = options->presets;
    while (p != NULL && p->name != NULL && strcmp(p->name, name) != 0)
        p++;
    if (p == NULL || p->name == NULL) /* says which words there are */
        return options_set(options, "preset", name, err);
    Status status = STATUS_OK;
    for (const char *const *s = p->settings; *s != NULL && status == STATUS_OK; s += 2)
        status = options_set(options, s[0], s[1], err);
    return status;
}

const char *options_look_up(const Options *options, int argc, char **argv, const char *name)
{
    const char *found = NULL;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *word = argv[i];
        if (word[0] != '-' || word[1] == '\0')
            continue;
        const bool is_long = word[1] == '-';
        const size_t length = is_long ? strcspn(word + 2, "=") : 1;
        const Option *o = is_long ? options_find(options, word + 2, length) : find_letter(options, word[1]);
        const char *value = word + (is_long ? 2 : 1) + length;
        if (o == NULL || (o->kind == OPTION_FLAG && *value == '\0'))
            continue;
        if (*value == '\0' && ++i == argc)
            break;
        if (strcmp(o->name, name) == 0)
            found = *value == '\0' ? argv[i] : value + (*value == '=');
    }
    return found;
}

/* Takes the option at argv[*i], and its value where that is a word of its own. */
static Status take(Options *options, int argc, char **argv, int *i, Error *err)
{
    const char *word = argv[*i], *value = NULL;
    const Option *o = NULL;
    if (word[1] == '-') {
        const size_t length = strcspn(word + 2, "=");
        if (option_name_is("help", word + 2, length)) {
            options->help = true;
            return STATUS_OK;
        }
        value = word[2 + length] == '=' ? word + 3 + length : NULL;
        o = options_find(options, word + 2, length);
        if (o == NULL)
            return unknown(options, word + 2, length, err);
    } else {
        if (word[1] == 'h' && word[2] == '\0') {
            options->help = true;
            return STATUS_OK;
        }
        o = find_letter(options, word[1]);
        if (o == NULL)
            return error_set(err, STATUS_ARGUMENT, "%s: unknown option %.40s; see ldm99 %s --help",
                             options->command, word, options->command);
        value = word[2] == '\0' ? NULL : word + 2 + (word[2] == '=');
    }
    if (value == NULL && o->kind == OPTION_FLAG)
        value = "true";
    if (value == NULL && *i + 1 < argc)
        value = argv[++*i];
    if (value == NULL)
        return error_set(err, STATUS_ARGUMENT, "%s: --%s needs a value", options->command, o->name);
    return set(options, o, value, err);
}

Status options_parse(Options *options, int argc, char **argv, Error *err)
{
    bool only_words = false;
    Status status = STATUS_OK;
    for (int i = 1; i < argc && status == STATUS_OK && !options->help; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = true;
        else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0')
            status = take(options, argc, argv, &i, err);
        else if (options->word_count == options->words_high || options->word_count == OPTIONS_WORDS)
            status = error_set(err, STATUS_ARGUMENT, "%s: \"%.80s\" is one word too many, expected %s",
                               options->command, argv[i],
                               options->usage[0] != '\0' ? options->usage : "options only");
        else
            options->words[options->word_count++] = argv[i];
    }
    if (status == STATUS_OK && !options->help && options->word_count < options->words_low)
        status = error_set(err, STATUS_ARGUMENT, "%s: expected %s after the options, got %d words",
                           options->command, options->usage, options->word_count);
    return status;
}
