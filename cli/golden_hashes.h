/* cli/golden_hashes.h - the golden items against the hashes that every build must give; when one differs, why. */
#ifndef CLI_GOLDEN_HASHES_H
#define CLI_GOLDEN_HASHES_H

#include "cli/golden_items.h"
#include "cli/laws.h"
#include "cli/result.h"

typedef struct {
    const char *name, *hash;
} GoldenExpected;

typedef struct {
    const GoldenItem *const *groups; /* each ends with an item whose name is NULL */
    int group_count;
    const GoldenExpected *expected; /* ends with name NULL; NULL: the hashes are printed as "HASH  NAME" */
    const LawParts *laws;           /* tried when an item differs */
    const char *only; /* items whose names begin so, or with one of several parted by commas; NULL: all */
    ArenaAccount *memory;
} GoldenHashes;

/* Computes the items, says what they are, and, when one differs, the reason: the first law that is broken; else
 * what changes the first such item (threads, instruction set); else where its code is.  STATUS_DIFFERENT then, with
 * item and reason in one sentence.  STATUS_ARGUMENT when `only` is no item's beginning. */
MUST_CHECK Status golden_hashes(const GoldenHashes *h, Result *result, Error *err);

#endif
