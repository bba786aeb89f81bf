#include "cli/golden_hashes.h"

#include <stdio.h>
#include <string.h>

#include "base/isa.h"
#include "base/threads.h"

static const char *expected_hash(const GoldenHashes *h, const char *name)
{
    for (const GoldenExpected *e = h->expected; e->name != NULL; e++)
        if (strcmp(e->name, name) == 0)
            return e->hash;
    return "";
}

static Status compute(char hex[65], const GoldenHashes *h, const GoldenItem *item, Error *err)
{
    Arena arena[2] = {{.account = h->memory}, {.account = h->memory}};
    Sha256 hash = sha256_begin();
    sha256_add(&hash, item->name, strlen(item->name) + 1);
    const Status status = item->run(&hash, arena, err);
    sha256_end_hex(hex, &hash);
    arena_free(&arena[0]);
    arena_free(&arena[1]);
    return status;
}

/* ---- why ---- */

static bool is_right(const GoldenHashes *h, const GoldenItem *item)
{
    char hex[65];
    return compute(hex, h, item, NULL) == STATUS_OK && strcmp(hex, expected_hash(h, item->name)) == 0;
}

/* Is the item right on one thread, or with another instruction set? */
static bool circumstance(LawBroken *why, const GoldenHashes *h, const GoldenItem *item)
{
    const int threads = threads_count();
    threads_set(1);
    const bool alone = threads > 1 && is_right(h, item);
    threads_set(threads);
    if (alone) {
        *why = (LawBroken){.law = "results do not depend on the number of threads",
                           .look_at =
                               "base/threads.c, the threads' library, the stack of its threads; OPENMP=0"};
        snprintf(why->found, sizeof why->found, "%s is right with 1 thread, not with %d", item->name,
                 threads);
        return true;
    }
    const IsaLevel best = isa_level();
    for (IsaLevel level = ISA_BASE; level < best; level++) {
        isa_limit(level);
        const bool right = is_right(h, item);
        isa_limit(ISA_AVX512);
        if (!right)
            continue;
        *why = (LawBroken){.law = "results do not depend on the instruction set",
                           .look_at = "how the Makefile compiles the *_isa.c files for it; NATIVE=1"};
        snprintf(why->found, sizeof why->found, "%s is right with the instruction set %s, not with %s",
                 item->name, isa_name(level), isa_name(best));
        return true;
    }
    return false;
}

static LawBroken reason(const GoldenHashes *h, const GoldenItem *item)
{
    LawBroken why = {0};
    Arena scratch = {.account = h->memory};
    const bool found = laws_first_broken(&why, h->laws, &scratch) || circumstance(&why, h, item);
    arena_free(&scratch);
    if (!found) {
        why = (LawBroken){.law = "the item itself", .look_at = item->sources};
        snprintf(why.found, sizeof why.found,
                 "all laws below %s hold; neither threads nor instruction set matter", item->name);
    }
    return why;
}

static void say_reason(Result *r, const LawBroken *why)
{
    result_line(r, "broken: %s\nfound:  %s\nlook at: %s; docs/PORTING.md\n", why->law, why->found,
                why->look_at);
    json_begin_object(&r->json, "reason");
    json_write_text(&r->json, "law", why->law);
    json_write_text(&r->json, "found", why->found);
    json_write_text(&r->json, "look_at", why->look_at);
    json_end(&r->json);
}

/* ---- all items ---- */

typedef struct {
    int good, bad;
    const GoldenItem *first; /* that differs */
} Tally;

/* hex: the hash, or why there is none. */
static void say_item(const GoldenHashes *h, const GoldenItem *item, const char *hex, Result *r,
                     Tally *tally)
{
    json_begin_object(&r->json, NULL);
    json_write_text(&r->json, "name", item->name);
    json_write_text(&r->json, "hash", hex);
    if (h->expected == NULL) {
        result_line(r, "%s  %s\n", hex, item->name);
    } else {
        const char *want = expected_hash(h, item->name);
        const bool same = strcmp(hex, want) == 0;
        json_write_bool(&r->json, "same", same);
        tally->good += same;
        tally->bad += !same;
        if (!same && tally->first == NULL)
            tally->first = item;
        if (!same)
            result_line(r, "%-26s got %s, expected %s\n", item->name, hex, want);
    }
    json_end(&r->json);
}

/* Does the name begin with one of the words of `only`? */
static bool is_wanted(const GoldenHashes *h, const char *name)
{
    for (const char *word = h->only; word != NULL; word = strchr(word, ',')) {
        word += *word == ',';
        const size_t given = strcspn(word, ",");
        if (strncmp(name, word, given) == 0)
            return true;
    }
    return h->only == NULL;
}

static Status every_item(const GoldenHashes *h, Result *r, Tally *tally, int *computed, Error *err)
{
    for (int g = 0; g < h->group_count; g++)
        for (const GoldenItem *item = h->groups[g]; item->name != NULL; item++) {
            char hex[65];
            Error failure = {0};
            if (!is_wanted(h, item->name))
                continue;
            const Status status = compute(hex, h, item, &failure);
            if (status != STATUS_OK && (h->expected == NULL || status == STATUS_MEMORY))
                return error_set(err, status, "%s", failure.text);
            ++*computed;
            say_item(h, item, status == STATUS_OK ? hex : failure.text, r, tally);
        }
    return STATUS_OK;
}

Status golden_hashes(const GoldenHashes *h, Result *r, Error *err)
{
    Tally tally = {0};
    int computed = 0;
    json_begin_array(&r->json, "items");
    const Status status = every_item(h, r, &tally, &computed, err);
    json_end(&r->json);
    if (status != STATUS_OK)
        return status;
    if (computed == 0)
        return error_set(err, STATUS_ARGUMENT,
                         "golden: no item begins with \"%.60s\"; golden hashes names them", h->only);
    if (h->expected == NULL)
        return STATUS_OK;
    json_write_int(&r->json, "same", tally.good);
    json_write_int(&r->json, "different", tally.bad);
    result_line(r, "golden: %d passed, %d failed\n", tally.good, tally.bad);
    if (tally.bad == 0) {
        json_write_null(&r->json, "reason");
        return STATUS_OK;
    }
    const LawBroken why = reason(h, tally.first);
    say_reason(r, &why);
    return error_set(
        err, STATUS_DIFFERENT,
        "golden: %d of %d results differ from the contract's, the first is %s; broken: %s (%s)", tally.bad,
        computed, tally.first->name, why.law, why.found);
}
