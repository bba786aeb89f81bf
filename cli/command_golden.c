/* cli/command_golden.c - is this build, and are others, on the numeric contract? */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/common.h"
#include "cli/golden_hashes.h"
#include "cli/golden_set.h"

static const GoldenExpected expected[] = {
#include "cli/golden_self.h" /* made from tests/golden/self.txt by the Makefile */
    {NULL, NULL},
};

static const GoldenItem *const groups[] = {GOLDEN_BASE, GOLDEN_OPERATORS, GOLDEN_NETWORKS, GOLDEN_PIPELINE, GOLDEN_DOODL,
                                           GOLDEN_TRAINING};

/* self: computes every item and compares; hashes: prints "HASH  NAME" of what is computed. */
static Status run_hashes(Command *c, bool self, const char *only, Error *err)
{
    const GoldenHashes hashes = {.groups = groups,
                                 .group_count = sizeof groups / sizeof groups[0],
                                 .expected = self ? expected : NULL,
                                 .laws = &LAWS_OWN,
                                 .only = only,
                                 .memory = &c->memory};
    return golden_hashes(&hashes, &c->result, err);
}

/* The first of the names that begins no part, and is no case of one; NULL: none.  A misspelt one would compare nothing
 * and be content. */
static const char *begins_no_part(const char *names)
{
    for (const char *word = names; word != NULL; word = strchr(word, ',')) {
        bool known = false;
        word += *word == ',';
        const size_t given = strcspn(word, ",");
        for (size_t i = 0; golden_part(i).name != NULL; i++) {
            const char *part = golden_part(i).name;
            const size_t n = strlen(part);
            known = known || (given > 0 && strncmp(word, part, given < n ? given : n) == 0 &&
                              (given <= n || word[n] == '/'));
        }
        if (!known)
            return word;
    }
    return NULL;
}

/* write, list and check: sets of files. */
static Status run_set(const Command *c, const GoldenOptions *options, const char *against, Error *err)
{
    const char *word = c->options.words[0], *folder = c->options.words[1];
    const bool list = strcmp(word, "list") == 0;
    if (list == (c->options.word_count == 2))
        return error_set(err, STATUS_ARGUMENT, "golden %s: %s", word,
                         list ? "takes no folder" : "which folder?");
    if (against != NULL && strcmp(word, "check") != 0)
        return error_set(err, STATUS_ARGUMENT, "golden %s: --against belongs to golden check", word);
    const char *unknown = begins_no_part(options->only);
    if (unknown != NULL)
        return error_set(err, STATUS_ARGUMENT, "golden %s: no part of the set begins with \"%.*s\"", word,
                         (int)strcspn(unknown, ","), unknown);
    if (list)
        return golden_list(options, err);
    if (strcmp(word, "write") == 0)
        return golden_write(folder, options, err);
    return against != NULL ? golden_against(folder, against, options, err)
                           : golden_check(folder, options, err);
}

int command_golden(int argc, char **argv)
{
    Command c = {.threads = 0};
    const char *against = NULL, *only = NULL;
    bool strict = false;
    const Option own[] = {
        {OPTION_TEXT, "against", 0, NULL, &against, 0, 0, "FOLDER",
         "check: a folder with another implementation's results, in files and tensors of the same names"},
        {OPTION_FLAG, "strict", 0, "bits", &strict, 0, 0, NULL,
         "check --against: ask for the contract's bits, not only the bounds"},
        {OPTION_TEXT, "only", 0, NULL, &only, 0, 0, "NAMES",
         "what begins with this name, or with one of several parted by commas"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "golden",
                           .usage = "self|hashes|list|write DIR|check DIR",
                           .words_low = 1,
                           .words_high = 2,
                           .about = "self: whether this build gives the contract's bits, and if not, why; "
                                    "hashes: the hashes that it gives; "
                                    "list, write, check: golden sets (docs/formats/golden.md)."};
    if (command_begin(&c, &about, own, argc, argv)) {
        const char *word = c.options.words[0];
        const GoldenOptions options = {
            .only = only, .strict = strict, .quiet = c.quiet, .result = &c.result, .memory = &c.memory};
        const bool set =
            strcmp(word, "write") == 0 || strcmp(word, "list") == 0 || strcmp(word, "check") == 0;
        Status status = STATUS_OK;
        if (set)
            status = run_set(&c, &options, against, &c.error);
        else if (strcmp(word, "self") != 0 && strcmp(word, "hashes") != 0)
            status = error_set(
                &c.error, STATUS_ARGUMENT,
                "golden: unknown word \"%.40s\", expected self, hashes, list, write or check", word);
        else if (c.options.word_count == 2 || against != NULL)
            status = error_set(&c.error, STATUS_ARGUMENT, "golden %s: takes no %s", word,
                               against != NULL ? "--against" : "folder");
        else
            status = run_hashes(&c, word[0] == 's', only, &c.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&c);
}
