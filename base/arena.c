#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Blocks form a chain; those behind `current` are empty and wait to be used again.  With ARENA_SEPARATE
 * (sanitizer and valgrind builds) every allocation is a block of its own, so that the tool sees its ends. */
typedef struct ArenaBlock {
    struct ArenaBlock *next;
    unsigned char *data; /* aligned start of the payload */
    size_t size, used;   /* of the payload */
    size_t touched;      /* the most that was ever used */
    size_t taken;        /* bytes that the source gave for this block */
} ArenaBlock;

#ifdef ARENA_SEPARATE
static const size_t BLOCK_MINIMUM = 1;
enum { SEPARATE = 1 };
#else
static const size_t BLOCK_MINIMUM = (size_t)1 << 20;
enum { SEPARATE = 0 };
#endif

static size_t rounded(size_t bytes)
{
    return (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

void *memory_take(const ArenaSource *source, size_t size)
{
    return source != NULL ? source->take(source->context, size) : malloc(size);
}

void memory_give(const ArenaSource *source, void *memory)
{
    if (memory == NULL)
        return;
    if (source != NULL)
        source->give(source->context, memory);
    else
        free(memory);
}

/* Notes in the account how far the block is in use. */
static void note_touched(const Arena *arena, ArenaBlock *block)
{
    ArenaAccount *account = arena->account;
    if (account == NULL || block->used <= block->touched)
        return;
    account->touched += block->used - block->touched;
    block->touched = block->used;
    if (account->touched > account->peak)
        account->peak = account->touched;
}

static void block_drop(Arena *arena, ArenaBlock *block)
{
    arena->reserved -= block->taken;
    if (arena->account != NULL)
        arena->account->touched -= block->touched;
    memory_give(arena->source, block);
}

/* In separate mode the system aligns, so that the block ends with its last byte and the tool sees one more. */
static void *block_memory(const Arena *arena, size_t taken)
{
#ifdef ARENA_SEPARATE
    void *memory = NULL;
    if (arena->source == NULL)
        return posix_memalign(&memory, ARENA_ALIGN, taken) == 0 ? memory : NULL;
#endif
    return memory_take(arena->source, taken);
}

static ArenaBlock *block_new(Arena *arena, size_t bytes)
{
    const size_t size = bytes < BLOCK_MINIMUM ? BLOCK_MINIMUM : bytes;
    const size_t slack = SEPARATE && arena->source == NULL ? 0 : ARENA_ALIGN;
    const size_t taken = rounded(sizeof(ArenaBlock)) + slack + size;
    ArenaBlock *block = taken > size ? block_memory(arena, taken) : NULL;
    if (block == NULL)
        return NULL;
    unsigned char *payload = (unsigned char *)block + rounded(sizeof(ArenaBlock));
    *block = (ArenaBlock){.size = size, .taken = taken};
    block->data = payload + (ARENA_ALIGN - (uintptr_t)payload % ARENA_ALIGN) % ARENA_ALIGN;
    arena->reserved += taken;
    if (arena->reserved > arena->reserved_peak)
        arena->reserved_peak = arena->reserved;
    return block;
}

/* Moves `current` to a block with room for `bytes`: itself, the next one in waiting (those that are too
 * small are dropped), or a new one.  False when the system has no memory. */
static int block_with_room(Arena *arena, size_t bytes)
{
    ArenaBlock *at = arena->current;
    if (at != NULL && !SEPARATE && at->size - at->used >= bytes)
        return 1;
    ArenaBlock **link = at != NULL ? &at->next : &arena->first;
    while (*link != NULL && (SEPARATE || (*link)->size < bytes)) {
        ArenaBlock *small = *link;
        *link = small->next;
        block_drop(arena, small);
    }
    if (*link == NULL) {
        *link = block_new(arena, bytes);
        if (*link == NULL)
            return 0;
    }
    arena->current = *link;
    arena->current->used = 0;
    return 1;
}

void *arena_raw(Arena *arena, size_t count, size_t size)
{
    if (arena->account != NULL && ++arena->account->calls == arena->account->fail_at)
        return NULL;
    if (arena->fail_after != 0 && --arena->fail_after == 0) {
        arena->fail_after = 1;
        return NULL;
    }
    if (size != 0 && count > (SIZE_MAX / 2) / size)
        return NULL;
    const size_t bytes = SEPARATE ? count * size : rounded(count * size == 0 ? 1 : count * size);
    if (arena->limit != 0 && (bytes > arena->limit || arena->used > arena->limit - bytes))
        return NULL;
    if (!block_with_room(arena, bytes))
        return NULL;
    unsigned char *data = arena->current->data + arena->current->used;
    arena->current->used += bytes;
    arena->used += bytes;
    if (arena->used > arena->peak)
        arena->peak = arena->used;
    note_touched(arena, arena->current);
    return data;
}

void *arena_alloc(Arena *arena, size_t count, size_t size)
{
    void *data = arena_raw(arena, count, size);
    if (data != NULL)
        memset(data, 0, count * size);
    return data;
}

char *arena_text(Arena *arena, const char *text, size_t length)
{
    char *copy = length < SIZE_MAX ? arena_raw(arena, length + 1, 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

ArenaMark arena_mark(const Arena *arena)
{
    const ArenaBlock *at = arena->current;
    return (ArenaMark){arena->current, at != NULL ? at->used : 0, arena->used};
}

/* Empties the blocks after the mark without dropping them. */
static void rewind_to(Arena *arena, ArenaMark mark)
{
    arena->current = mark.block;
    if (mark.block != NULL)
        mark.block->used = mark.block_used;
    arena->used = mark.used;
    for (ArenaBlock *b = mark.block != NULL ? mark.block->next : arena->first; b != NULL; b = b->next)
        b->used = 0;
}

/* In separate mode waiting blocks are freed at once, so that a use after release is seen. */
static void drop_waiting(Arena *arena)
{
    ArenaBlock **link = arena->current != NULL ? &arena->current->next : &arena->first;
    while (SEPARATE && *link != NULL) {
        ArenaBlock *block = *link;
        *link = block->next;
        block_drop(arena, block);
    }
}

void arena_release(Arena *arena, ArenaMark mark)
{
    rewind_to(arena, mark);
    drop_waiting(arena);
}

/* The block after the mark that holds `data`, or NULL: then the data is older than the mark. */
static ArenaBlock *block_of(const Arena *arena, ArenaMark mark, const void *data)
{
    const uintptr_t p = (uintptr_t)data;
    ArenaBlock *b = mark.block != NULL ? mark.block : arena->first;
    for (; b != NULL; b = b->next) {
        const uintptr_t start = (uintptr_t)b->data + (b == mark.block ? mark.block_used : 0);
        if (p >= start && p < (uintptr_t)b->data + b->size)
            return b;
    }
    return NULL;
}

void *arena_release_keeping(Arena *arena, ArenaMark mark, void *data, size_t size)
{
    ArenaBlock *home = block_of(arena, mark, data);
    if (home == NULL || size == 0) {
        arena_release(arena, mark);
        return data;
    }
    const size_t bytes = SEPARATE ? size : rounded(size);
    rewind_to(arena, mark);
    if (home == mark.block && !SEPARATE) { /* slide down inside the block */
        unsigned char *place = home->data + home->used;
        memmove(place, data, size);
        home->used += bytes;
        arena->used += bytes;
        return place;
    }
    /* Otherwise the data's own block becomes the next one, with the data at its start. */
    ArenaBlock **link = mark.block != NULL ? &mark.block->next : &arena->first;
    ArenaBlock **old = link;
    while (*old != home)
        old = &(*old)->next;
    *old = home->next;
    home->next = *link;
    *link = home;
    memmove(home->data, data, size);
    home->used = bytes;
    arena->current = home;
    arena->used += bytes;
    drop_waiting(arena);
    return home->data;
}

void arena_free(Arena *arena)
{
    while (arena->first != NULL) {
        ArenaBlock *next = arena->first->next;
        block_drop(arena, arena->first);
        arena->first = next;
    }
    arena->current = NULL;
    arena->used = 0;
}
