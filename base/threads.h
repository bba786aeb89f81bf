/* base/threads.h - the one place that knows about threads.
 *
 * Work is split by outputs only (contract, section 4): task i computes its outputs alone, in the written
 * order, whoever runs it; so the number of threads never changes a bit.  Without OpenMP there is one thread. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stddef.h>

/* How many threads parallel_for uses: at least 1.  0 asks for one a processor. */
int threads_count(void);
void threads_set(int count);

/* One unit of work: task 0 <= i < count, run by worker 0 <= worker < threads_count(). */
typedef void (*ThreadTask)(void *context, size_t i, int worker);

/* Runs task(context, i, worker) for all i < count and returns when all are done.  Tasks are handed out in
 * ascending order to whoever is free.  Inside a task, parallel_for runs its tasks one after the other. */
void parallel_for(size_t count, ThreadTask task, void *context);

/* Runs task(context, worker, worker) once in each worker, for state that belongs to a thread. */
void parallel_workers(ThreadTask task, void *context);

#endif
