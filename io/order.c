#include "io/order.h"

#include <stdbool.h>

typedef struct {
    OrderCompare compare;
    const void *things;
} Rule;

static bool before(const Rule *rule, uint32_t a, uint32_t b)
{
    const int order = rule->compare(rule->things, a, b);
    return order != 0 ? order < 0 : a < b;
}

/* Lets entry `root` sink to its place in the heap of the first `count` entries, greatest on top. */
static void sink(uint32_t *heap, uint32_t root, uint32_t count, const Rule *rule)
{
    const uint32_t moved = heap[root];
    for (uint32_t child; root < count / 2; root = child) {
        child = 2 * root + 1;
        if (child + 1 < count && before(rule, heap[child], heap[child + 1]))
            child++;
        if (!before(rule, moved, heap[child]))
            break;
        heap[root] = heap[child];
    }
    heap[root] = moved;
}

void order_sort(uint32_t *order, uint32_t count, OrderCompare compare, const void *things)
{
    const Rule rule = {compare, things};
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count / 2; i-- > 0;)
        sink(order, i, count, &rule);
    for (uint32_t last = count; last-- > 1;) {
        const uint32_t greatest = order[0];
        order[0] = order[last];
        order[last] = greatest;
        sink(order, 0, last, &rule);
    }
}
