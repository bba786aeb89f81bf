/* nn/ranges.h - long arrays cut into pieces, one piece a task.
 *
 * The cut depends on the sizes alone, never on the number of threads, and no sum crosses a cut. */
#ifndef NN_RANGES_H
#define NN_RANGES_H

#include <stddef.h>

/* How many numbers make a task worth handing to a thread, when each costs a memory access or some dozens of
 * operations. */
enum { RANGE_CHEAP = 32768, RANGE_COSTLY = 4096 };

/* Elements begin <= i < end. */
typedef void (*RangeTask)(void *context, size_t begin, size_t end);

/* Runs the task on [0, grain), [grain, 2 grain) ... until `count` elements are done.  grain 0 counts as 1. */
void parallel_ranges(size_t count, size_t grain, RangeTask task, void *context);

/* How many rows of `width` numbers make one task of about `numbers`: at least 1. */
size_t rows_per_task(size_t width, size_t numbers);

#endif
