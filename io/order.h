/* io/order.h - in which order things come, without moving them. */
#ifndef IO_ORDER_H
#define IO_ORDER_H

#include <stdint.h>

/* Negative, zero or positive as thing a comes before, with or after thing b. */
typedef int (*OrderCompare)(const void *things, uint32_t a, uint32_t b);

/* Fills order[0, count) with the indices 0 .. count-1 so that the things they name ascend; equal things stay in
 * the order of their indices.  Needs no memory, and n log n comparisons whatever the things are (heap sort: a
 * hostile file cannot make it slow). */
void order_sort(uint32_t *order, uint32_t count, OrderCompare compare, const void *things);

#endif
