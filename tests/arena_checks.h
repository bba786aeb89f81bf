/* tests/arena_checks.h - the checks of base/arena.c, for both of its modes: test_arena.c runs them on the
 * library's arena, test_arena_separate.c on one that takes every allocation from the system. */
#ifndef TESTS_ARENA_CHECKS_H
#define TESTS_ARENA_CHECKS_H

#include <stdint.h>

#include "base/arena.h"
#include "tests/check.h"

static void fill(unsigned char *data, size_t size, unsigned key)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(key * 31u + i * 7u + (i >> 8));
}

static int holds(const unsigned char *data, size_t size, unsigned key)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] != (unsigned char)(key * 31u + i * 7u + (i >> 8)))
            return 0;
    return 1;
}

static void check_allocations(void)
{
    Arena arena = {0};
    unsigned char *before = arena_raw(&arena, 100, 1);
    fill(before, 100, 1);
    arena_release(&arena, (ArenaMark){0});
    unsigned char *a = arena_alloc(&arena, 25, 4), *b = arena_raw(&arena, 0, 8),
                  *c = arena_alloc(&arena, 3, 1);
    int zero = 1;
    for (int i = 0; i < 100; i++)
        zero = zero && a[i] == 0;
    CHECK(zero);
    CHECK((uintptr_t)a % ARENA_ALIGN == 0 && (uintptr_t)b % ARENA_ALIGN == 0 &&
          (uintptr_t)c % ARENA_ALIGN == 0);
    CHECK(a != NULL && b != NULL && c != NULL && a != c);
    CHECK(arena_raw(&arena, SIZE_MAX / 4, 8) == NULL); /* the product does not fit */
    CHECK(arena_alloc(&arena, SIZE_MAX, 1) == NULL);
    CHECK(arena.used >= 103 && arena.peak >= arena.used && arena.reserved >= arena.used);
    char *text = arena_text(&arena, "latent diffusion", 6);
    CHECK(strcmp(text, "latent") == 0);
    CHECK(arena_text(&arena, "", SIZE_MAX) == NULL);
    arena_free(&arena);
    CHECK(arena.used == 0 && arena.reserved == 0 && arena.first == NULL);
    CHECK(arena_alloc(&arena, 10, 1) != NULL); /* usable again */
    arena_free(&arena);
    arena_free(&arena);
}

static void check_limits(void)
{
    Arena arena = {.limit = 256};
    CHECK(arena_raw(&arena, 128, 1) != NULL);
    CHECK(arena_raw(&arena, 129, 1) == NULL);
    CHECK(arena_raw(&arena, 128, 1) != NULL);
    CHECK(arena_raw(&arena, 1, 1) == NULL);
    arena_free(&arena);

    Arena failing = {.fail_after = 3};
    CHECK(arena_raw(&failing, 8, 1) != NULL && arena_raw(&failing, 8, 1) != NULL);
    CHECK(arena_raw(&failing, 8, 1) == NULL &&
          arena_raw(&failing, 8, 1) == NULL); /* the third and all after it */
    arena_free(&failing);
}

static void check_release(void)
{
    Arena arena = {0};
    const ArenaMark empty = arena_mark(&arena);
    unsigned char *old = arena_raw(&arena, 1000, 1);
    fill(old, 1000, 5);
    const ArenaMark mark = arena_mark(&arena);
    const size_t used = arena.used;
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 40; i++) {
            const size_t size = (size_t)100 << (i % 14);
            unsigned char *data = arena_raw(&arena, size, 1);
            fill(data, size, i);
        }
        arena_release(&arena, mark);
        CHECK(arena.used == used && holds(old, 1000, 5));
    }
    const size_t reserved = arena.reserved_peak;
    for (unsigned i = 0; i < 40; i++) /* what was given back is enough for the same again */
        arena_raw(&arena, (size_t)100 << (i % 14), 1);
    CHECK(arena.reserved_peak == reserved);
    arena_release(&arena, empty);
    CHECK(arena.used == 0);
    arena_free(&arena);
}

/* Some allocations before and after the kept one, of sizes within a block, in the next one, and larger than one. */
static void check_keeping(size_t before, size_t size, size_t after, size_t older)
{
    Arena arena = {0};
    unsigned char *old = arena_raw(&arena, older, 1);
    fill(old, older, 1);
    const ArenaMark mark = arena_mark(&arena);
    const size_t used = arena.used, reserved = arena.reserved;
    unsigned char *lost = arena_raw(&arena, before, 1), *data = arena_raw(&arena, size, 1);
    fill(lost, before, 2);
    fill(data, size, 3);
    fill(arena_raw(&arena, after, 1), after, 4);
    unsigned char *kept = arena_release_keeping(&arena, mark, data, size);
    CHECK(holds(kept, size, 3) && holds(old, older, 1));
    CHECK((uintptr_t)kept % ARENA_ALIGN == 0 || size == 0);
    CHECK(arena.used >= used + size && arena.used < used + size + ARENA_ALIGN);
#ifdef ARENA_SEPARATE /* what is given back goes back to the system at once */
    CHECK(arena.reserved <= reserved + size + 3 * ARENA_ALIGN);
#else
    CHECK(arena.reserved >= reserved);
#endif

    unsigned char *next = arena_raw(&arena, after, 1); /* what follows does not touch it */
    fill(next, after, 6);
    CHECK(holds(kept, size, 3) && holds(old, older, 1));
    arena_release(&arena, mark);
    CHECK(arena.used == used && holds(old, older, 1));
    arena_free(&arena);
}

static void check_keeping_what_is_older(void)
{
    Arena arena = {0};
    unsigned char *old = arena_raw(&arena, 500, 1);
    fill(old, 500, 1);
    const ArenaMark mark = arena_mark(&arena);
    arena_raw(&arena, 3000000, 1);
    const size_t used = mark.used;
    CHECK(arena_release_keeping(&arena, mark, old, 500) == old);
    CHECK(arena.used == used && holds(old, 500, 1));
    unsigned char elsewhere[3] = {1, 2, 3};
    CHECK(arena_release_keeping(&arena, mark, elsewhere, 3) == elsewhere);
    arena_free(&arena);
}

/* Scopes within scopes, at random: whatever is still held must hold what was written. */
static void check_random_scopes(unsigned seed)
{
    enum { DEEPEST = 12, MOST = 200 };
    struct {
        unsigned char *data;
        size_t size;
        unsigned key;
    } held[MOST];
    struct {
        ArenaMark mark;
        int count;
    } scope[DEEPEST];
    Arena arena = {0};
    int count = 0, depth = 0, good = 1;
    unsigned state = seed * 2654435761u + 1u;
    for (unsigned step = 0; step < 1000 && good; step++) {
        state = state * 1664525u + 1013904223u;
        const unsigned choice = state >> 28, r = state >> 8 & 0xffffu;
        if (choice < 9 && count < MOST) {
            const size_t size = choice == 0 ? 20u * r : r % 2000u;
            held[count].data = arena_raw(&arena, size, 1);
            held[count].size = size;
            held[count].key = step;
            fill(held[count].data, size, step);
            count++;
        } else if (choice < 12 && depth < DEEPEST) {
            scope[depth].mark = arena_mark(&arena);
            scope[depth].count = count;
            depth++;
        } else if (depth > 0) {
            depth--;
            const int first = scope[depth].count, many = count - first;
            count = first;
            if (many == 0 || choice == 12) {
                arena_release(&arena, scope[depth].mark);
            } else {
                held[first] = held[first + (int)(r % (unsigned)many)];
                held[first].data =
                    arena_release_keeping(&arena, scope[depth].mark, held[first].data, held[first].size);
                count = held[first].size > 0 ? first + 1 : first;
            }
        }
        for (int i = 0; i < count && step % 40 == 0; i++)
            good = good && holds(held[i].data, held[i].size, held[i].key);
    }
    CHECK(good);
    arena_free(&arena);
    CHECK(arena.reserved == 0);
}

/* Two arenas of one account: what they hold together, at the most, and one failure wherever it falls. */
static void check_account(void)
{
    enum { SMALL = 64 * 100, LARGE = 64 * 50000 };
    ArenaAccount account = {0};
    Arena a = {.account = &account}, b = {.account = &account};
    CHECK(arena_raw(&a, SMALL, 1) != NULL && account.touched == SMALL); /* not the whole block */
    const ArenaMark mark = arena_mark(&b);
    CHECK(arena_raw(&b, LARGE, 1) != NULL && account.touched == SMALL + LARGE);
    CHECK(arena_alloc(&b, SMALL, 1) != NULL && account.touched == 2 * SMALL + LARGE);
    arena_release(&b, mark);
#ifdef ARENA_SEPARATE
    CHECK(account.touched == SMALL);
#else
    CHECK(account.touched ==
          2 * SMALL + LARGE); /* it waits to be used again: the system has not got it back */
    CHECK(arena_raw(&b, LARGE, 1) != NULL && account.touched == 2 * SMALL + LARGE);
#endif
    CHECK(account.peak == 2 * SMALL + LARGE && account.calls >= 3);
    arena_free(&b);
    CHECK(account.touched == SMALL);
    arena_free(&a);
    CHECK(account.touched == 0 && account.peak == 2 * SMALL + LARGE);

    account.fail_at = account.calls + 2;
    CHECK(arena_raw(&a, 1, 1) != NULL && arena_raw(&b, 1, 1) == NULL && arena_raw(&b, 1, 1) != NULL);
    arena_free(&a);
    arena_free(&b);
    CHECK(account.touched == 0);
}

static int run_arena_checks(const char *name)
{
    check_allocations();
    check_limits();
    check_release();
    static const size_t sizes[] = {0, 1, 1000, 700000,
                                   1200000}; /* a block holds 2^20 bytes or one allocation */
    for (int b = 0; b < 5; b += 2)
        for (int s = 0; s < 5; s++)
            for (int a = 0; a < 5; a += 3)
                for (int o = 0; o < 5; o += 2)
                    check_keeping(sizes[b], sizes[s], sizes[a], sizes[o]);
    check_keeping_what_is_older();
    check_account();
    for (unsigned seed = 0; seed < 4; seed++)
        check_random_scopes(seed);
    return check_report(name);
}

#endif
