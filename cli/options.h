/* cli/options.h - one table of options per subcommand: it parses the words, prints the help, and reads and
 * writes the configuration file.
 *
 * Rules (docs/CLI.md): `-` and `_` are equal inside a name, `--name=value` equals `--name value`, `--` ends the
 * options, synonyms are accepted in silence, and an unknown name is answered with the nearest known one. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "io/json.h"

typedef enum {
    OPTION_END = 0, /* the last row of a table */
    OPTION_TEXT,    /* const char *; NULL means not given */
    OPTION_TEXTS,   /* OptionTexts: may be given several times */
    OPTION_INT,     /* int */
    OPTION_WHOLE,   /* int64_t, up to 2^53 either way */
    OPTION_SEED,    /* uint64_t */
    OPTION_NUMBER,  /* double */
    OPTION_FLAG,    /* bool; takes no value (--name=false is understood) */
    OPTION_CHOICE   /* const char *, one of the words in `choices` */
} OptionKind;

enum { OPTION_TEXTS_MAX = 32 };

typedef struct {
    const char *text[OPTION_TEXTS_MAX];
    int count;
    bool from_file; /* by --config: the first one of the command line takes the place of all */
} OptionTexts;

typedef struct {
    OptionKind kind;
    const char *name;     /* without the dashes: "cfg-scale" */
    char letter;          /* 'p' for -p, or 0 */
    const char *synonyms; /* "guidance-scale scale", or NULL */
    void *value;          /* what is in it already is the default */
    double low, high;     /* numbers: the range, both ends allowed; equal: any */
    const char
        *choices;     /* OPTION_CHOICE: "ddim ddpm"; texts: what stands for the value in the help, "FILE" */
    const char *help; /* what it is, with its unit */
} Option;

/* A whole set of defaults by one name. */
typedef struct {
    const char *name;
    const char *const *settings; /* option, value, option, value ..., NULL */
} OptionPreset;

enum { OPTIONS_TABLES = 6, OPTIONS_WORDS = 64 };

/* What a subcommand understands: up to OPTIONS_TABLES tables (NULL ends them early) and free words. */
typedef struct Options {
    const char *command; /* "txt2img" */
    const char *usage;   /* the words after the options: "A B", or "" */
    const char *about;   /* one sentence */
    const Option *tables[OPTIONS_TABLES];
    const OptionPreset *presets; /* for an option "preset"; a NULL name ends them; NULL: none */
    /* Reads defaults from the file of an option "from-png"; NULL: there is no such option. */
    Status (*from_png)(const struct Options *options, const char *path, Arena *arena, Error *err);
    int words_low, words_high;        /* how many free words are allowed */
    const char *words[OPTIONS_WORDS]; /* filled by options_parse */
    int word_count;
    bool help; /* --help was given */
} Options;

/* Reads argv[1..argc-1] into the tables' values.  Fails with STATUS_ARGUMENT and one sentence. */
MUST_CHECK Status options_parse(Options *options, int argc, char **argv, Error *err);

/* The last value that the words give the option of that name, before any option is set; NULL when there is none. */
const char *options_look_up(const Options *options, int argc, char **argv, const char *name);

/* Sets everything that the preset says. */
MUST_CHECK Status options_apply_preset(const Options *options, const char *name, Error *err);

/* Sets one option by name (any spelling) from text, as if "--name text" had been given. */
MUST_CHECK Status options_set(const Options *options, const char *name, const char *text, Error *err);

/* Reads a JSON object {"name": value, ...}; every key must be an option.  A "preset" counts before all others.
 * Texts live in the arena. */
MUST_CHECK Status options_read_config(const Options *options, const char *path, Arena *arena, Error *err);

/* The same from an object that was read already; `path` begins the sentences. */
MUST_CHECK Status options_set_all(const Options *options, const Json *json, const char *path, Error *err);

/* The values of one table as members of the object that is open. */
void options_write_table(JsonWriter *w, const Option *table);

/* Appends the tables' values as a JSON object. */
void options_write_config(const Options *options, Bytes *out);

/* Appends the help text: usage, then each option with its default, range and meaning. */
void options_help(const Options *options, Bytes *out);

/* The word of `words` (ended by NULL) that is nearest to `word`, or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *words);

/* True when the two option names are equal, `-` and `_` taken as one. */
bool option_name_is(const char *name, const char *other, size_t length);

/* The row of that name, letter excluded; NULL when there is none. */
const Option *options_find(const Options *options, const char *name, size_t length);

#endif
