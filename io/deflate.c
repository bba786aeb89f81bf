#include "io/deflate.h"

#include <assert.h>
#include <string.h>

#include "io/adler32.h"
#include "io/deflate_block.h"
#include "io/deflate_tables.h"

/* How hard to search: zlib's level 6 (deflate.c, configuration_table) has the same numbers. */
enum {
    CHAIN_MAX = 128,   /* earlier places to look at */
    GOOD_LENGTH = 8,   /* with such a copy in hand, look at a quarter of them */
    LAZY_LENGTH = 16,  /* with such a copy in hand, do not look whether the next byte starts a better one */
    NICE_LENGTH = 128, /* a copy that ends the search */
    FAR_DISTANCE = 4096 /* copies of 3 bytes from farther away cost more than they save */
};

enum { HASH_BITS = 15, HASH_SIZE = 1 << HASH_BITS, TOKENS = 16384 };

/* Places where three bytes occurred: the last one by their hash, and from each place the one before.
 * Places are counted modulo 2^32; one that is not meant shows by a distance that does not grow, or its
 * bytes differ, so nothing needs a mark for "none". */
typedef struct {
    const unsigned char *data;
    size_t size;
    uint32_t last[HASH_SIZE], before[DEFLATE_WINDOW];
    DeflateSymbols symbols;
    DeflateToken tokens[TOKENS];
    size_t count;       /* tokens of the block so far */
    size_t block_start; /* where its bytes begin */
    size_t done;        /* bytes that tokens stand for */
    BitWriter w;
} Deflate;

typedef struct {
    unsigned length, distance; /* length below DEFLATE_COPY_MIN: none */
} Match;

static unsigned hash_of(const unsigned char *p)
{
    const uint32_t three = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    return (unsigned)((three * 2654435761u & 0xffffffff) >>
                      (32 - HASH_BITS)); /* Knuth: 2^32 / golden ratio */
}

/* Notes that the three bytes at `at` occurred. */
static void note(Deflate *d, size_t at)
{
    if (d->size - at < DEFLATE_COPY_MIN)
        return;
    const unsigned hash = hash_of(d->data + at);
    d->before[at % DEFLATE_WINDOW] = d->last[hash];
    d->last[hash] = (uint32_t)(at & 0xffffffff);
}

/* The longest copy for the bytes at `at` that is longer than `shortest`; of equals the nearest. */
static Match search(const Deflate *d, size_t at, unsigned shortest)
{
    Match best = {shortest, 0};
    const size_t left = d->size - at, most = left < DEFLATE_COPY_MAX ? left : DEFLATE_COPY_MAX;
    if (most < DEFLATE_COPY_MIN || most <= shortest)
        return (Match){0, 0};
    const unsigned char *here = d->data + at;
    size_t distance = 0;
    uint32_t place = d->last[hash_of(here)];
    for (int chain = shortest >= GOOD_LENGTH ? CHAIN_MAX / 4 : CHAIN_MAX; chain > 0; chain--) {
        const size_t further = (uint32_t)(at - place);
        if (further <= distance || further > DEFLATE_WINDOW)
            break;
        distance = further;
        const unsigned char *there = here - distance;
        if (there[best.length] == here[best.length] && there[0] == here[0]) {
            unsigned length = 1;
            while (length < most && there[length] == here[length])
                length++;
            if (length > best.length) {
                best = (Match){length, (unsigned)distance};
                if (length >= NICE_LENGTH || length == most)
                    break;
            }
        }
        place = d->before[place % DEFLATE_WINDOW];
    }
    const int useless =
        best.length < DEFLATE_COPY_MIN || (best.length == DEFLATE_COPY_MIN && best.distance > FAR_DISTANCE);
    return best.distance == 0 || useless ? (Match){0, 0} : best;
}

static void block_end(Deflate *d, int last)
{
    deflate_block(&d->w, &d->symbols, d->tokens, d->count, d->data + d->block_start,
                  d->done - d->block_start, last);
    d->block_start = d->done;
    d->count = 0;
}

static void token_add(Deflate *d, unsigned value, unsigned distance)
{
    if (d->count == TOKENS)
        block_end(d, 0);
    d->tokens[d->count++] = (DeflateToken){(uint16_t)value, (uint16_t)distance};
    d->done += distance == 0 ? 1 : value;
}

/* Lazy matching: a copy is used only when the one that starts a byte later is not longer. */
static void tokens_find(Deflate *d)
{
    Match held = {0, 0}; /* the copy that starts at d->done, not yet decided */
    for (size_t at = 0; at < d->size; at++) {
        const Match found = held.length < LAZY_LENGTH ? search(d, at, held.length) : (Match){0, 0};
        note(d, at);
        if (held.length == 0 || found.length > held.length) {
            if (at > d->done)
                token_add(d, d->data[d->done], 0);
            held = found;
            continue;
        }
        const size_t end = d->done + held.length;
        while (++at < end)
            note(d, at);
        at--;
        token_add(d, held.length, held.distance);
        held = (Match){0, 0};
    }
    if (d->done < d->size) /* less than three bytes were left, so there is no copy */
        token_add(d, d->data[d->done], 0);
    block_end(d, 1);
}

/* Every block but the last stands for at least TOKENS bytes and takes no
 * more than stored blocks, which add at most 6 bytes to each 65535. */
size_t deflate_bound(size_t size)
{
    return size > SIZE_MAX / 2 ? SIZE_MAX : size + 6 * (size / TOKENS + size / 65535 + 4);
}

void deflate_add(Bytes *out, const void *data, size_t size, DeflateWrap wrap)
{
    const size_t start = out->size, room = deflate_bound(size);
    unsigned char *place = bytes_extend(out, room);
    if (place == NULL)
        return;
    const ArenaMark mark = arena_mark(out->arena);
    Deflate *d = arena_alloc(out->arena, 1, sizeof *d);
    if (d == NULL) {
        out->failed = true;
        out->size = start;
        return;
    }
    d->data = size > 0 ? data : (const void *)""; /* NULL is fine for no bytes, but not to reckon with */
    d->size = size;
    d->w.next = place;
    deflate_symbols(&d->symbols);
    if (wrap == DEFLATE_ZLIB)
        bits_put(&d->w, 0x9c78, 16); /* deflate, 32 KiB window, default level */
    tokens_find(d);
    bits_align(&d->w);
    if (wrap == DEFLATE_ZLIB) {
        be32_put(d->w.next, adler32_update(1, data, size));
        d->w.next += 4;
    }
    assert((size_t)(d->w.next - place) <= room);
    out->size = start + (size_t)(d->w.next - place);
    arena_release(out->arena, mark);
}
