#include "base/sort.h"

#include <string.h>

/* Merge sort from the bottom up: sorted runs of 1, 2, 4 ... items are merged in pairs from one array to the
 * other.  Of two equal items the one from the left run goes first, which is what makes it stable. */
void sort_order(size_t *order, size_t *scratch, size_t n, SortBefore *before, const void *context)
{
    size_t *from = order, *to = scratch;
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t start = 0; start < n; start += 2 * run) {
            const size_t middle = n - start > run ? start + run : n;
            const size_t end = n - middle > run ? middle + run : n;
            size_t left = start, right = middle;
            for (size_t i = start; i < end; i++) {
                const bool takes_right =
                    left == middle || (right < end && before(context, from[right], from[left]));
                to[i] = takes_right ? from[right++] : from[left++];
            }
        }
        size_t *const swap = from;
        from = to;
        to = swap;
    }
    if (from != order)
        memcpy(order, from, n * sizeof *order);
}

/* NaN comes after every number, and no NaN before another. */
static bool float_before(float a, float b)
{
    return a < b || (a == a && b != b);
}

static bool key_before(const void *context, size_t a, size_t b)
{
    const float *key = context;
    return float_before(key[a], key[b]);
}

void sort_order_floats(size_t *order, size_t *scratch, size_t n, const float *key)
{
    sort_order(order, scratch, n, key_before, key);
}

void sort_floats(float *x, float *scratch, size_t n)
{
    float *from = x, *to = scratch;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t start = 0; start < n; start += 2 * run) {
            const size_t middle = n - start > run ? start + run : n;
            const size_t end = n - middle > run ? middle + run : n;
            size_t left = start, right = middle;
            for (size_t i = start; i < end; i++) {
                const bool takes_right =
                    left == middle || (right < end && float_before(from[right], from[left]));
                to[i] = takes_right ? from[right++] : from[left++];
            }
        }
        float *const swap = from;
        from = to;
        to = swap;
    }
    if (from != x)
        memcpy(x, from, n * sizeof *x);
}
