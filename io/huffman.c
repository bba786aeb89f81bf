#include "io/huffman.h"

#include <stddef.h>
#include <string.h>

enum { LIST_MAX = 2 * HUFFMAN_SYMBOLS_MAX, LIMIT_MAX = 15 };

/* The symbols that occur, rarest first (of equals the lower symbol); returns how many. */
static int sorted_symbols(uint16_t *sorted, const uint32_t *count, int symbols)
{
    int n = 0;
    for (int i = 0; i < symbols; i++) {
        if (count[i] == 0)
            continue;
        int at = n++;
        for (; at > 0 && count[sorted[at - 1]] > count[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = (uint16_t)i;
    }
    return n;
}

/* One level: merges the n symbols, by weight, with the pairs of the level below (`below`, `size` weights).
 * leaf[j] tells whether element j of the new list is a symbol.  Returns the size of the new list. */
static int merge(uint32_t *list, unsigned char *leaf, const uint32_t *weight, int n, const uint32_t *below,
                 int size)
{
    int i = 0, p = 0, total = 0;
    while (i < n || 2 * p + 1 < size) {
        const int pair = 2 * p + 1 < size;
        const int take_leaf = i < n && (!pair || weight[i] <= below[2 * p] + below[2 * p + 1]);
        leaf[total] = (unsigned char)take_leaf;
        list[total++] = take_leaf ? weight[i] : below[2 * p] + below[2 * p + 1];
        i += take_leaf;
        p += !take_leaf;
    }
    return total;
}

/* Level 0 holds the symbols alone; in the end the first 2n - 2 elements of the top level are taken.  A
 * taken pair takes two elements below it, and each time that a symbol is taken adds one bit to its
 * code. */
void huffman_lengths(unsigned char *length, const uint32_t *count, int symbols, int limit)
{
    uint16_t sorted[HUFFMAN_SYMBOLS_MAX];
    uint32_t weight[HUFFMAN_SYMBOLS_MAX], list[2][LIST_MAX];
    unsigned char leaf[LIMIT_MAX][LIST_MAX];

    memset(length, 0, (size_t)symbols);
    const int n = sorted_symbols(sorted, count, symbols);
    if (n == 1)
        length[sorted[0]] = 1;
    if (n < 2)
        return;
    for (int i = 0; i < n; i++)
        weight[i] = count[sorted[i]];

    int size = 0;
    for (int level = 0; level < limit; level++)
        size = merge(list[level & 1], leaf[level], weight, n, list[(level + 1) & 1], size);

    int taken = 2 * n - 2;
    for (int level = limit - 1; level >= 0; level--) {
        int leaves = 0;
        for (int j = 0; j < taken; j++)
            leaves += leaf[level][j];
        for (int i = 0; i < leaves; i++)
            length[sorted[i]]++;
        taken = 2 * (taken - leaves);
    }
}
