#include "io/inflate_raw.h"

#include <stdint.h>
#include <string.h>

#include "io/deflate_tables.h"

/* A canonical Huffman code (RFC 1951, section 3.2.2) is known by its number of codes of each length and
 * by its symbols in the order of their codes; decode_long reads a symbol from these two alone.  Codes of
 * up to QUICK_BITS bits, nearly all that occur, are found in one step in `quick`: index = the next bits
 * of the stream, entry = symbol << 4 | length, 0 where the code is longer or does not exist. */
enum { QUICK_BITS = 10, QUICK_SIZE = 1 << QUICK_BITS };

typedef struct {
    uint16_t quick[QUICK_SIZE];
    uint16_t count[DEFLATE_BITS_MAX + 1];
    uint16_t symbol[DEFLATE_LITERALS];
} Huffman;

typedef struct {
    const unsigned char *next, *end; /* what is not in `hold` yet */
    uint64_t hold;                   /* the next bits of the stream, first bit lowest */
    int held;                        /* how many of them are real; above are zeros */
    unsigned char *out;              /* NULL: only count */
    size_t size, room;               /* bytes unpacked so far, and the most there may be */
    const char *wrong;               /* what is wrong with the stream; NULL: nothing so far */
    int fixed_built;                 /* the codes below are the fixed ones */
    Huffman literals, distances;
} Inflate;

/* The symbol that no code has: decoding failed. */
enum { NO_SYMBOL = 0xfff };

static int fail(Inflate *s, const char *wrong)
{
    if (s->wrong == NULL)
        s->wrong = wrong;
    return 0;
}

/* Afterwards at least 56 bits are in hold, or all there are. */
static void fill(Inflate *s)
{
    if (s->end - s->next >= 8) {
        const unsigned char *p = s->next;
        const uint64_t eight = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
                               (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
                               (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
        const int taken = (63 - s->held) >> 3;
        s->hold |= (eight & (((uint64_t)1 << 8 * taken) - 1)) << s->held;
        s->held += 8 * taken;
        s->next += taken;
        return;
    }
    for (; s->held <= 55 && s->next < s->end; s->held += 8)
        s->hold |= (uint64_t)*s->next++ << s->held;
}

/* Takes `count` <= 16 bits; the stream's first bit is the result's lowest. */
static unsigned bits(Inflate *s, int count)
{
    if (s->held < count)
        fill(s);
    if (s->held < count) {
        fail(s, "the stream is cut short");
        return 0;
    }
    const unsigned value = (unsigned)(s->hold & (((uint64_t)1 << count) - 1));
    s->hold >>= count;
    s->held -= count;
    return value;
}

/* Builds the code from the length of each symbol's code; 0: the symbol does not occur.  True for a code
 * that uses every bit string, and for one with a single code of one bit (or none at all) if `lone` allows
 * it, as RFC 1951 does for distances. */
static int huffman_build(Huffman *h, const unsigned char *length, int symbols, int lone)
{
    memset(h->quick, 0, sizeof h->quick);
    memset(h->count, 0, sizeof h->count);
    for (int i = 0; i < symbols; i++)
        h->count[length[i]]++;
    int left = 1; /* bit strings of this length that start no shorter code */
    for (int bit = 1; bit <= DEFLATE_BITS_MAX; bit++) {
        left = 2 * left - h->count[bit];
        if (left < 0)
            return 0;
    }
    if (left > 0 && !(lone && h->count[0] + h->count[1] == symbols))
        return 0;

    uint16_t place[DEFLATE_BITS_MAX + 2], code[DEFLATE_BITS_MAX + 2];
    place[1] = code[1] = 0;
    for (int bit = 1; bit <= DEFLATE_BITS_MAX; bit++) {
        place[bit + 1] = (uint16_t)(place[bit] + h->count[bit]);
        code[bit + 1] = (uint16_t)((code[bit] + h->count[bit]) << 1);
    }
    for (int i = 0; i < symbols; i++) {
        const int bit = length[i];
        if (bit == 0)
            continue;
        h->symbol[place[bit]++] = (uint16_t)i;
        const unsigned reversed = deflate_reversed(code[bit]++, bit);
        for (unsigned at = reversed; bit <= QUICK_BITS && at < QUICK_SIZE; at += 1u << bit)
            h->quick[at] = (uint16_t)(i << 4 | bit);
    }
    return 1;
}

/* Codes of `bit` bits are the numbers first .. first + count[bit] - 1, in the order of symbol[].  A code
 * comes with its highest bit first. */
static int decode_long(Inflate *s, const Huffman *h)
{
    int code = 0, first = 0, index = 0;
    for (int bit = 1; bit <= DEFLATE_BITS_MAX && bit <= s->held; bit++) {
        code |= (int)(s->hold >> (bit - 1) & 1);
        const int count = h->count[bit];
        if (code - first < count) {
            s->hold >>= bit;
            s->held -= bit;
            return h->symbol[index + code - first];
        }
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    fail(s, s->held < DEFLATE_BITS_MAX ? "the stream is cut short" : "a bit string that is no code");
    return NO_SYMBOL;
}

/* The next symbol.  The caller has called fill. */
static inline int decode(Inflate *s, const Huffman *h)
{
    const unsigned entry = h->quick[s->hold & (QUICK_SIZE - 1)];
    const int bit = (int)(entry & 15);
    if (bit == 0 || bit > s->held)
        return decode_long(s, h);
    s->hold >>= bit;
    s->held -= bit;
    return (int)(entry >> 4);
}

/* Appends `length` bytes that stand `distance` before the end; they may overlap what is written. */
static int copy(Inflate *s, size_t distance, size_t length)
{
    if (distance > s->size)
        return fail(s, "a copy from before the start");
    if (length > s->room - s->size)
        return fail(s, "more bytes than there should be");
    if (s->out != NULL) {
        unsigned char *to = s->out + s->size;
        const unsigned char *from = to - distance;
        if (distance >= length)
            memcpy(to, from, length);
        else
            for (size_t i = 0; i < length; i++)
                to[i] = from[i];
    }
    s->size += length;
    return 1;
}

/* Literals and copies up to the end-of-block code (section 3.2.5).  One round takes at most
 * 15 + 5 + 15 + 13 = 48 bits, which one fill provides. */
static int codes(Inflate *s)
{
    for (;;) {
        fill(s);
        const int symbol = decode(s, &s->literals);
        if (symbol < 256) {
            if (s->size == s->room)
                return fail(s, "more bytes than there should be");
            if (s->out != NULL)
                s->out[s->size] = (unsigned char)symbol;
            s->size++;
            continue;
        }
        if (symbol == DEFLATE_END)
            return 1;
        if (symbol > DEFLATE_LENGTH_LAST)
            return fail(s, "a length code that does not exist");
        const DeflateRange length = DEFLATE_LENGTH[symbol - DEFLATE_LENGTH_FIRST];
        const size_t run = length.base + bits(s, length.extra);
        const int far = decode(s, &s->distances);
        if (far >= DEFLATE_DISTANCES)
            return fail(s, "a distance code that does not exist");
        const DeflateRange distance = DEFLATE_DISTANCE[far];
        const size_t back = distance.base + bits(s, distance.extra);
        if (s->wrong != NULL || !copy(s, back, run))
            return 0;
    }
}

/* A block that is not packed (section 3.2.4). */
static int stored(Inflate *s)
{
    bits(s, s->held & 7); /* to the next byte */
    const unsigned length = bits(s, 16), complement = bits(s, 16);
    if (s->wrong != NULL)
        return 0;
    if (complement != (length ^ 0xffff))
        return fail(s, "a stored block whose length is damaged");
    s->next -= s->held >> 3; /* gives back the whole bytes in hold */
    s->hold = 0;
    s->held = 0;
    if (length > (size_t)(s->end - s->next))
        return fail(s, "the stream is cut short");
    if (length > s->room - s->size)
        return fail(s, "more bytes than there should be");
    if (s->out != NULL && length > 0)
        memcpy(s->out + s->size, s->next, length);
    s->next += length;
    s->size += length;
    return 1;
}

static int fixed(Inflate *s)
{
    unsigned char length[DEFLATE_LITERALS];
    if (s->fixed_built)
        return codes(s);
    s->fixed_built = 1;
    deflate_fixed_lengths(length);
    huffman_build(&s->literals, length, DEFLATE_LITERALS, 0);
    memset(length, 5, DEFLATE_DISTANCES_CODED);
    huffman_build(&s->distances, length, DEFLATE_DISTANCES_CODED, 0);
    return codes(s);
}

/* The lengths of both codes in one list, itself packed: 0..15 a length, 16 repeats the last one 3-6 times,
 * 17 and 18 are 3-10 and 11-138 zeros (section 3.2.7). */
static int lengths_read(Inflate *s, unsigned char *length, int wanted)
{
    for (int i = 0; i < wanted;) {
        fill(s);
        const int symbol = decode(s, &s->literals);
        if (symbol == NO_SYMBOL)
            return 0;
        if (symbol < 16) {
            length[i++] = (unsigned char)symbol;
            continue;
        }
        if (symbol == 16 && i == 0)
            return fail(s, "a repeated code length with none before it");
        const unsigned char value = symbol == 16 ? length[i - 1] : 0;
        const int run = symbol == 16   ? 3 + (int)bits(s, 2)
                        : symbol == 17 ? 3 + (int)bits(s, 3)
                                       : 11 + (int)bits(s, 7);
        if (s->wrong != NULL)
            return 0;
        if (run > wanted - i)
            return fail(s, "more code lengths than codes");
        memset(length + i, value, (size_t)run);
        i += run;
    }
    return 1;
}

static int dynamic(Inflate *s)
{
    const int literals = 257 + (int)bits(s, 5), distances = 1 + (int)bits(s, 5),
              coded = 4 + (int)bits(s, 4);
    unsigned char length[DEFLATE_LITERALS + DEFLATE_DISTANCES_CODED] = {0};
    for (int i = 0; i < coded; i++)
        length[DEFLATE_LENGTH_ORDER[i]] = (unsigned char)bits(s, 3);
    if (s->wrong != NULL)
        return 0;
    if (literals > DEFLATE_LITERALS_USED || distances > DEFLATE_DISTANCES)
        return fail(s, "a block with more codes than exist");
    s->fixed_built = 0;
    if (!huffman_build(&s->literals, length, DEFLATE_LENGTH_CODES, 0))
        return fail(s, "code lengths that make no code");
    if (!lengths_read(s, length, literals + distances))
        return 0;
    if (length[DEFLATE_END] == 0)
        return fail(s, "a block without an end code");
    if (!huffman_build(&s->distances, length + literals, distances, 1) ||
        !huffman_build(&s->literals, length, literals, 1))
        return fail(s, "code lengths that make no code");
    return codes(s);
}

static int blocks(Inflate *s)
{
    for (int last = 0; !last;) {
        last = (int)bits(s, 1);
        const unsigned kind = bits(s, 2);
        if (s->wrong != NULL)
            return 0;
        if (kind == 3)
            return fail(s, "a block of unknown kind");
        if (!(kind == 0 ? stored(s) : kind == 1 ? fixed(s) : dynamic(s)))
            return 0;
    }
    s->next -= s->held >> 3;
    s->hold = 0;
    s->held = 0;
    return 1;
}

const char *inflate_raw(unsigned char *out, size_t room, size_t *unpacked, const unsigned char *data,
                        size_t size, size_t *used)
{
    Inflate s = {.next = data, .end = data + size, .out = out, .room = room};
    blocks(&s);
    *unpacked = s.size;
    *used = (size_t)(s.next - data);
    return s.wrong;
}
