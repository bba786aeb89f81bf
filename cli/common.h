/* cli/common.h - what every subcommand shares: the common options, the exit codes, where results go. */
#ifndef CLI_COMMON_H
#define CLI_COMMON_H

#include "api/ldm99.h"
#include "base/arena.h"
#include "cli/options.h"
#include "cli/result.h"

enum { /* docs/CLI.md */
       EXIT_DONE = 0,
       EXIT_FAILED = 1,
       EXIT_USAGE = 2,
       EXIT_FILE = 3,
       EXIT_DIFFERENT = 4,
       EXIT_NOT_FINITE = 5,
       EXIT_INTERRUPTED = 130
};

/* The program's exit code for what a run came to. */
int exit_code(Status status);

#define LDM99_VERSION  LDM_VERSION
#define LDM99_CONTRACT 1 /* docs/CONTRACT.md */

/* The options of every subcommand, and the memory of one run. */
typedef struct {
    Arena arena;
    ArenaAccount memory; /* of all arenas of the run */
    Error error;
    int threads;      /* -t: 0 means one a processor; never changes a bit */
    bool quiet, json; /* -q, --json */
    bool print_config;
    const char *config; /* --config */
    Options options;
    Result result; /* what goes to stdout */
} Command;

/* Parses argv into the command's own table, the tables in `about` behind the first one, and the common one; reads
 * --config and --preset, sets the threads, and deals with --help and --print-config.  True: go on.  False: leave
 * with command_end. */
bool command_begin(Command *c, const Options *about, const Option *own, int argc, char **argv);

/* Prints the object of --json and the error, if any, as one sentence on stderr, frees the memory, and returns the
 * exit code. */
int command_end(Command *c);

/* Says on stderr, unless it is to be quiet, the most memory that the run has taken so far. */
void report_memory(const Command *c);

/* Whether a text that was typed is UTF-8: STATUS_ARGUMENT, with `what` before it ("txt2img: the prompt"), when not. */
MUST_CHECK Status typed_text_check(const char *text, const char *command, const char *what, Error *err);

/* True once the user has asked to stop (Ctrl-C); the second time ends the program at once. */
bool interrupted(void);
void interrupts_watch(void);

/* The folder of the shipped model: next to the program, in weights/, in $LDM99_WEIGHTS, or under the install
 * prefix; `name` is "model" or "world".  Fails with STATUS_FILE and says where it looked. */
MUST_CHECK Status shipped_folder(const char **out, const char *name, Arena *arena, Error *err);

/* The name of image `i` of `count` for -o `pattern`: "x.png" becomes x_1.png ... when there are several;
 * a folder (existing, or ending in '/') becomes folder/00000-SEED.png; %d (%05d) is honoured. */
MUST_CHECK Status output_name(const char **out, const char *pattern, int i, int count, uint64_t seed,
                              Arena *arena, Error *err);

#endif
