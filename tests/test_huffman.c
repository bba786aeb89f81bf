#include "io/huffman.h"
#include "tests/check.h"

static uint64_t cost_of(const uint32_t *count, const unsigned char *length, int symbols)
{
    uint64_t cost = 0;
    for (int i = 0; i < symbols; i++)
        cost += (uint64_t)count[i] * length[i];
    return cost;
}

/* Sum of 2^-length of the symbols that occur, in units of 2^-15: 2^15 for a code that wastes nothing. */
static int kraft(const unsigned char *length, int symbols)
{
    int sum = 0;
    for (int i = 0; i < symbols; i++)
        sum += length[i] > 0 ? 1 << (15 - length[i]) : 0;
    return sum;
}

/* The least cost of all codes with lengths of 1 to limit for symbols `at` and up, when `room` (in units of
 * 2^-15) is left for them. */
static uint64_t cost_least(const uint32_t *count, int symbols, int limit, int at, int room)
{
    if (at == symbols)
        return 0;
    uint64_t least = UINT64_MAX / 2;
    for (int bits = 1; bits <= limit; bits++) {
        if (1 << (15 - bits) > room)
            continue;
        const uint64_t rest = cost_least(count, symbols, limit, at + 1, room - (1 << (15 - bits)));
        const uint64_t cost = (uint64_t)count[at] * (unsigned)bits + rest;
        least = cost < least ? cost : least;
    }
    return least;
}

static void test_no_code_is_better(void)
{
    uint32_t state = 7;
    int best = 1, full = 1;
    for (int trial = 0; trial < 300; trial++) {
        uint32_t count[6];
        unsigned char length[6];
        const int symbols = 2 + trial % 5, limit = 3 + trial % 2;
        for (int i = 0; i < symbols; i++) {
            state = state * 1664525 + 1013904223;
            count[i] = 1 + (state >> 16) % (i % 2 ? 100 : 5);
        }
        huffman_lengths(length, count, symbols, limit);
        best = best && cost_of(count, length, symbols) == cost_least(count, symbols, limit, 0, 1 << 15);
        full = full && kraft(length, symbols) == 1 << 15;
    }
    CHECK(best);
    CHECK(full);
}

/* Fibonacci counts make the deepest tree: without a limit the rarest of 30 symbols would get 29 bits. */
static void test_limit_is_kept(void)
{
    uint32_t count[30] = {1, 1};
    for (int i = 2; i < 30; i++)
        count[i] = count[i - 1] + count[i - 2];
    for (int limit = 5; limit <= 15; limit++) {
        unsigned char length[30];
        int longest = 0;
        huffman_lengths(length, count, 30, limit);
        for (int i = 0; i < 30; i++)
            longest = length[i] > longest ? length[i] : longest;
        CHECK(longest == limit && kraft(length, 30) == 1 << 15);
    }
}

static void test_few_symbols(void)
{
    const uint32_t none[4] = {0, 0, 0, 0}, one[4] = {0, 0, 9, 0}, two[4] = {1, 0, 0, 1000};
    unsigned char length[4];
    huffman_lengths(length, none, 4, 15);
    CHECK(kraft(length, 4) == 0);
    huffman_lengths(length, one, 4, 15);
    CHECK(length[0] == 0 && length[1] == 0 && length[2] == 1 && length[3] == 0);
    huffman_lengths(length, two, 4, 15);
    CHECK(length[0] == 1 && length[1] == 0 && length[2] == 0 && length[3] == 1);
}

/* 2^limit symbols leave no choice: all have the full length. */
static void test_alphabet_that_just_fits(void)
{
    uint32_t count[256];
    unsigned char length[256];
    int all = 1;
    for (int i = 0; i < 256; i++)
        count[i] = (uint32_t)(i * i + 1);
    huffman_lengths(length, count, 256, 8);
    for (int i = 0; i < 256; i++)
        all = all && length[i] == 8;
    CHECK(all);
}

int main(void)
{
    test_no_code_is_better();
    test_limit_is_kept();
    test_few_symbols();
    test_alphabet_that_just_fits();
    return check_report("huffman");
}
