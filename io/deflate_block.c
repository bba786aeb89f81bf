#include "io/deflate_block.h"

#include <string.h>

#include "io/deflate_tables.h"
#include "io/huffman.h"

enum { STORED_MAX = 65535 };

void bits_put(BitWriter *w, unsigned value, int count)
{
    w->hold |= (uint64_t)value << w->held;
    w->held += count;
    for (; w->held >= 8; w->held -= 8) {
        *w->next++ = (unsigned char)(w->hold & 255);
        w->hold >>= 8;
    }
}

void bits_align(BitWriter *w)
{
    bits_put(w, 0, -w->held & 7);
}

void deflate_symbols(DeflateSymbols *symbols)
{
    for (int s = 0; s < 29; s++) /* the last one, for 258 alone, comes after that for 227..258 and wins */
        for (int i = 0; i < 1 << DEFLATE_LENGTH[s].extra; i++)
            symbols->of_length[DEFLATE_LENGTH[s].base + i] = (unsigned char)s;
    for (int s = 0; s < DEFLATE_DISTANCES; s++)
        for (int i = 0; i < 1 << DEFLATE_DISTANCE[s].extra; i++) {
            const int d = DEFLATE_DISTANCE[s].base - 1 + i;
            if (d < 256)
                symbols->of_near[d] = (unsigned char)s;
            symbols->of_far[d / 128] = (unsigned char)s;
        }
}

static int symbol_of_distance(const DeflateSymbols *symbols, unsigned distance)
{
    return distance <= 256 ? symbols->of_near[distance - 1] : symbols->of_far[(distance - 1) / 128];
}

/* A code ready for writing: the bits of each symbol, already in the order of the stream. */
typedef struct {
    unsigned char length[DEFLATE_LITERALS];
    uint16_t code[DEFLATE_LITERALS];
} Code;

/* Numbers the codes of each length upwards in the order of symbols (section 3.2.2). */
static void code_number(Code *c, int symbols)
{
    unsigned count[DEFLATE_BITS_MAX + 1] = {0}, next[DEFLATE_BITS_MAX + 1] = {0};
    for (int i = 0; i < symbols; i++)
        count[c->length[i]]++;
    count[0] = 0;
    for (int bit = 1; bit <= DEFLATE_BITS_MAX; bit++)
        next[bit] = (next[bit - 1] + count[bit - 1]) << 1;
    for (int i = 0; i < symbols; i++)
        if (c->length[i] > 0)
            c->code[i] = (uint16_t)deflate_reversed(next[c->length[i]]++, c->length[i]);
}

static void symbol_put(BitWriter *w, const Code *c, int symbol)
{
    bits_put(w, c->code[symbol], c->length[symbol]);
}

/* How often each symbol occurs. */
typedef struct {
    uint32_t literal[DEFLATE_LITERALS], distance[DEFLATE_DISTANCES_CODED];
    uint64_t extra_bits; /* that follow symbols of copies */
} Counts;

static void tokens_count(Counts *n, const DeflateSymbols *symbols, const DeflateToken *tokens, size_t count)
{
    memset(n, 0, sizeof *n);
    n->literal[DEFLATE_END] = 1;
    for (size_t i = 0; i < count; i++) {
        if (tokens[i].distance == 0) {
            n->literal[tokens[i].value]++;
            continue;
        }
        const int length = symbols->of_length[tokens[i].value];
        const int distance = symbol_of_distance(symbols, tokens[i].distance);
        n->literal[DEFLATE_LENGTH_FIRST + length]++;
        n->distance[distance]++;
        n->extra_bits += DEFLATE_LENGTH[length].extra + DEFLATE_DISTANCE[distance].extra;
    }
}

static uint64_t bits_of(const uint32_t *count, const unsigned char *length, int symbols)
{
    uint64_t total = 0;
    for (int i = 0; i < symbols; i++)
        total += (uint64_t)count[i] * length[i];
    return total;
}

/* The two codes of a block, and the list of their lengths as it is sent (section 3.2.7): symbol 16 repeats
 * the last length 3-6 times, 17 and 18 are 3-10 and 11-138 zeros. */
typedef struct {
    Code literal, distance, lengths;
    int literals, distances, coded; /* how many lengths of each are sent */
    unsigned char list[DEFLATE_LITERALS + DEFLATE_DISTANCES_CODED],
        repeat[DEFLATE_LITERALS + DEFLATE_DISTANCES_CODED];
    int listed; /* symbols in the list; repeat: the number that goes with 16, 17, 18 */
    uint64_t header_bits;
} Codes;

static const unsigned char REPEAT_BITS[3] = {2, 3, 7}, REPEAT_BASE[3] = {3, 3, 11},
                           REPEAT_MAX[3] = {6, 10, 138};

static void list_add(Codes *c, uint32_t *count, int symbol, int repeat)
{
    c->list[c->listed] = (unsigned char)symbol;
    c->repeat[c->listed++] = (unsigned char)repeat;
    count[symbol]++;
}

/* `run` lengths of the same value. */
static void list_run(Codes *c, uint32_t *count, int value, int run)
{
    if (value != 0) {
        list_add(c, count, value, 0);
        run--;
    }
    while (run >= 3) {
        const int symbol = value != 0 ? 16 : run <= 10 ? 17 : 18;
        const int most = REPEAT_MAX[symbol - 16], part = run < most ? run : most;
        list_add(c, count, symbol, part - REPEAT_BASE[symbol - 16]);
        run -= part;
    }
    for (; run > 0; run--)
        list_add(c, count, value, 0);
}

static void lengths_list(Codes *c)
{
    unsigned char all[DEFLATE_LITERALS + DEFLATE_DISTANCES_CODED];
    uint32_t count[DEFLATE_LENGTH_CODES] = {0};
    memcpy(all, c->literal.length, (size_t)c->literals);
    memcpy(all + c->literals, c->distance.length, (size_t)c->distances);
    const int total = c->literals + c->distances;
    for (int i = 0, end; i < total; i = end) {
        for (end = i + 1; end < total && all[end] == all[i];)
            end++;
        list_run(c, count, all[i], end - i);
    }
    huffman_lengths(c->lengths.length, count, DEFLATE_LENGTH_CODES, 7);
    code_number(&c->lengths, DEFLATE_LENGTH_CODES);
    c->coded = DEFLATE_LENGTH_CODES;
    while (c->coded > 4 && c->lengths.length[DEFLATE_LENGTH_ORDER[c->coded - 1]] == 0)
        c->coded--;
    c->header_bits = 14 + 3 * (uint64_t)c->coded + bits_of(count, c->lengths.length, DEFLATE_LENGTH_CODES);
    for (int i = 0; i < 3; i++)
        c->header_bits += (uint64_t)count[16 + i] * REPEAT_BITS[i];
}

static void codes_best(Codes *c, const Counts *n)
{
    memset(c, 0, sizeof *c);
    huffman_lengths(c->literal.length, n->literal, DEFLATE_LITERALS, DEFLATE_BITS_MAX);
    huffman_lengths(c->distance.length, n->distance, DEFLATE_DISTANCES, DEFLATE_BITS_MAX);
    code_number(&c->literal, DEFLATE_LITERALS);
    code_number(&c->distance, DEFLATE_DISTANCES);
    c->literals = DEFLATE_LITERALS_USED;
    while (c->literals > DEFLATE_LENGTH_FIRST && c->literal.length[c->literals - 1] == 0)
        c->literals--;
    c->distances = DEFLATE_DISTANCES;
    while (c->distances > 1 && c->distance.length[c->distances - 1] == 0)
        c->distances--;
    lengths_list(c);
}

static void codes_fixed(Codes *c)
{
    memset(c, 0, sizeof *c);
    deflate_fixed_lengths(c->literal.length);
    memset(c->distance.length, 5, DEFLATE_DISTANCES_CODED);
    code_number(&c->literal, DEFLATE_LITERALS);
    code_number(&c->distance, DEFLATE_DISTANCES_CODED);
}

static uint64_t tokens_bits(const Codes *c, const Counts *n)
{
    return bits_of(n->literal, c->literal.length, DEFLATE_LITERALS) +
           bits_of(n->distance, c->distance.length, DEFLATE_DISTANCES) + n->extra_bits;
}

static void lengths_put(BitWriter *w, const Codes *c)
{
    bits_put(w, (unsigned)(c->literals - 257), 5);
    bits_put(w, (unsigned)(c->distances - 1), 5);
    bits_put(w, (unsigned)(c->coded - 4), 4);
    for (int i = 0; i < c->coded; i++)
        bits_put(w, c->lengths.length[DEFLATE_LENGTH_ORDER[i]], 3);
    for (int i = 0; i < c->listed; i++) {
        symbol_put(w, &c->lengths, c->list[i]);
        if (c->list[i] >= 16)
            bits_put(w, c->repeat[i], REPEAT_BITS[c->list[i] - 16]);
    }
}

static void tokens_put(BitWriter *w, const Codes *c, const DeflateSymbols *symbols,
                       const DeflateToken *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const unsigned value = tokens[i].value, far = tokens[i].distance;
        if (far == 0) {
            symbol_put(w, &c->literal, (int)value);
            continue;
        }
        const int length = symbols->of_length[value], distance = symbol_of_distance(symbols, far);
        symbol_put(w, &c->literal, DEFLATE_LENGTH_FIRST + length);
        bits_put(w, value - DEFLATE_LENGTH[length].base, DEFLATE_LENGTH[length].extra);
        symbol_put(w, &c->distance, distance);
        bits_put(w, far - DEFLATE_DISTANCE[distance].base, DEFLATE_DISTANCE[distance].extra);
    }
    symbol_put(w, &c->literal, DEFLATE_END);
}

static void stored_put(BitWriter *w, const unsigned char *data, size_t size, int last)
{
    do {
        const size_t part = size < STORED_MAX ? size : STORED_MAX;
        bits_put(w, last && part == size, 1);
        bits_put(w, 0, 2);
        bits_align(w);
        bits_put(w, (unsigned)part, 16);
        bits_put(w, (unsigned)part ^ 0xffff, 16);
        if (part > 0)
            memcpy(w->next, data, part);
        w->next += part;
        data += part;
        size -= part;
    } while (size > 0);
}

void deflate_block(BitWriter *w, const DeflateSymbols *symbols, const DeflateToken *tokens, size_t count,
                   const unsigned char *data, size_t size, int last)
{
    Counts counts;
    Codes best, fixed;
    tokens_count(&counts, symbols, tokens, count);
    codes_best(&best, &counts);
    codes_fixed(&fixed);
    const uint64_t best_bits = best.header_bits + tokens_bits(&best, &counts);
    const uint64_t fixed_bits = tokens_bits(&fixed, &counts);
    const uint64_t stored_bits = 8 * (uint64_t)size + 32 * ((uint64_t)size / STORED_MAX + 1);
    if (stored_bits < best_bits && stored_bits < fixed_bits) {
        stored_put(w, data, size, last);
        return;
    }
    bits_put(w, last != 0, 1);
    bits_put(w, fixed_bits <= best_bits ? 1 : 2, 2);
    if (fixed_bits > best_bits)
        lengths_put(w, &best);
    tokens_put(w, fixed_bits <= best_bits ? &fixed : &best, symbols, tokens, count);
}
