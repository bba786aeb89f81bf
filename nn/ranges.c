#include "nn/ranges.h"

#include "base/threads.h"

typedef struct {
    RangeTask task;
    void *context;
    size_t count, grain;
} Ranges;

static void run_range(void *context, size_t i, int worker)
{
    const Ranges *ranges = context;
    const size_t begin = i * ranges->grain;
    const size_t rest = ranges->count - begin;
    (void)worker;
    ranges->task(ranges->context, begin, begin + (rest < ranges->grain ? rest : ranges->grain));
}

void parallel_ranges(size_t count, size_t grain, RangeTask task, void *context)
{
    Ranges ranges = {task, context, count, grain > 0 ? grain : 1};
    if (count > 0)
        parallel_for((count - 1) / ranges.grain + 1, run_range, &ranges);
}

size_t rows_per_task(size_t width, size_t numbers)
{
    const size_t rows = width > 0 ? numbers / width : numbers;
    return rows > 0 ? rows : 1;
}
