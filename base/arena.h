/* base/arena.h - memory that is given back all at once, or back to a mark.
 *
 * A model lives in one arena, the activations of one step in another.  There is no free for a single
 * object, so there is nothing to leak and no cleanup ladder.  This is the only file of the library that
 * calls malloc, and it does not where an arena has another source of memory.
 *
 * An Arena starts as {0}, or with the account that it shares with other arenas and the source of its memory.  `limit`,
 * `fail_after` and the account's `fail_at` let a test make any one allocation fail.  Arenas of one account belong to
 * one thread. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

enum { ARENA_ALIGN = 64 }; /* bytes; every allocation starts on such an address (one cache line) */

/* What all arenas that point to it take together.  Memory counts from when it is first handed out until it goes back
 * to the system, so the peak is what the system sees of it, without the unused ends of blocks. */
typedef struct ArenaAccount {
    size_t touched, peak; /* bytes now, and the most so far */
    size_t calls;         /* allocations asked for so far */
    size_t fail_at;       /* n > 0: allocation n, counted from 1, fails, and that one alone */
} ArenaAccount;

/* Where memory comes from: two functions in place of malloc and free.  `take` returns at least `size` bytes,
 * aligned for every type, or NULL; `give` gets what `take` returned. */
typedef struct {
    void *(*take)(void *context, size_t size);
    void (*give)(void *context, void *memory);
    void *context;
} ArenaSource;

typedef struct Arena {
    struct ArenaBlock *first, *current; /* the chain of blocks, and the one that is being filled */
    size_t used, peak;                  /* bytes handed out now, and the most so far */
    size_t reserved, reserved_peak;     /* bytes taken from the system now, and the most so far */
    size_t limit;                       /* refuse to hand out more than this many bytes; 0: no limit */
    size_t fail_after;                  /* n > 0: the n-th allocation from now fails, and all after it */
    ArenaAccount *account;              /* set before the first allocation, and not changed; NULL: none */
    const ArenaSource *source;          /* of the blocks; NULL: malloc and free.  It must outlive them */
} Arena;

/* A place in the arena to return to; valid until the arena goes back to an earlier one. */
typedef struct {
    struct ArenaBlock *block;
    size_t block_used, used;
} ArenaMark;

/* `count * size` bytes, or NULL (overflow, limit, no memory).  arena_alloc zeroes them, arena_raw does not. */
void *arena_alloc(Arena *arena, size_t count, size_t size);
void *arena_raw(Arena *arena, size_t count, size_t size);

/* Copies a string of `length` bytes and ends it with a zero; NULL when there is no memory. */
char *arena_text(Arena *arena, const char *text, size_t length);

ArenaMark arena_mark(const Arena *arena);

/* Gives back everything handed out since the mark. */
void arena_release(Arena *arena, ArenaMark mark);

/* The same, but the `size` bytes at `data` (handed out since the mark, or by an older allocation that is
 * left alone) survive; returns where they are now.  Cannot fail. */
void *arena_release_keeping(Arena *arena, ArenaMark mark, void *data, size_t size);

/* Gives everything back to the system; the arena may be used again. */
void arena_free(Arena *arena);

/* One block outside any arena, for what a caller of the library takes over; source NULL: malloc and free. */
void *memory_take(const ArenaSource *source, size_t size);
void memory_give(const ArenaSource *source, void *memory);

#endif
