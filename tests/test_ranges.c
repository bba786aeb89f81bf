#include "nn/ranges.h"

#include "base/threads.h"
#include "tests/check.h"

typedef struct {
    unsigned char seen[1000];
    size_t longest;
} Marks;

static void mark(void *context, size_t begin, size_t end)
{
    Marks *m = context;
    for (size_t i = begin; i < end; i++)
        m->seen[i]++;
    if (begin == 0)
        m->longest = end - begin;
}

/* Every element once, whatever the grain and the threads. */
static void test_covers_everything_once(void)
{
    static const size_t grains[] = {0, 1, 7, 500, 999, 1000, 5000};
    for (int threads = 1; threads <= 3; threads++)
        for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) {
            Marks m = {{0}, 0};
            size_t wrong = 0;
            threads_set(threads);
            parallel_ranges(999, grains[g], mark, &m);
            for (size_t i = 0; i < 1000; i++)
                wrong += m.seen[i] != (i < 999);
            CHECK(wrong == 0);
            const size_t whole = grains[g] > 0 ? grains[g] : 1;
            CHECK(m.longest == (whole < 999 ? whole : 999));
        }
    Marks none = {{0}, 0};
    parallel_ranges(0, 10, mark, &none);
    CHECK(none.seen[0] == 0);
}

int main(void)
{
    test_covers_everything_once();
    CHECK(rows_per_task(100, 1000) == 10 && rows_per_task(3000, 1000) == 1 &&
          rows_per_task(0, 1000) == 1000);
    return check_report("ranges");
}
