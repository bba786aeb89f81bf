#include "base/threads.h"

#ifdef _OPENMP
#include <omp.h>

/* The processors' number is asked once a process; 0 means "not set". */
static int wanted;

int threads_count(void)
{
    return wanted > 0 ? wanted : omp_get_num_procs();
}

void threads_set(int count)
{
    wanted = count > 0 ? count : 0;
}

void parallel_for(size_t count, ThreadTask task, void *context)
{
    const int threads = threads_count();
    if (threads == 1 || count < 2 || omp_in_parallel()) {
        for (size_t i = 0; i < count; i++)
            task(context, i, 0);
        return;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (size_t i = 0; i < count; i++)
        task(context, i, omp_get_thread_num());
}

void parallel_workers(ThreadTask task, void *context)
{
#pragma omp parallel num_threads(threads_count())
    task(context, (size_t)omp_get_thread_num(), omp_get_thread_num());
}

#else

int threads_count(void)
{
    return 1;
}

void threads_set(int count)
{
    (void)count;
}

void parallel_for(size_t count, ThreadTask task, void *context)
{
    for (size_t i = 0; i < count; i++)
        task(context, i, 0);
}

void parallel_workers(ThreadTask task, void *context)
{
    task(context, 0, 0);
}

#endif
