#include "base/threads.h"

#include "tests/check.h"

enum { MOST = 500 };

typedef struct {
    int runs[MOST], worker[MOST], inner[MOST];
} Record;

static void record(void *context, size_t i, int worker)
{
    Record *r = context;
    r->runs[i]++;
    r->worker[i] = worker;
}

static void test_every_task_runs_once(void)
{
    for (int threads = 1; threads <= 5; threads++) {
        threads_set(threads);
        CHECK(threads_count() == threads || threads_count() == 1); /* 1: built without OpenMP */
        for (size_t count = 0; count <= MOST; count = count * 3 + 1) {
            static Record r;
            memset(&r, 0, sizeof r);
            parallel_for(count, record, &r);
            int good = 1;
            for (size_t i = 0; i < MOST; i++)
                good =
                    good && r.runs[i] == (i < count) && r.worker[i] >= 0 && r.worker[i] < threads_count();
            CHECK(good);
        }
    }
    threads_set(0);
    CHECK(threads_count() >= 1);
}

static void add_inner(void *context, size_t i, int worker)
{
    int *sum = context;
    (void)worker;
    *sum = *sum * 3 + (int)i; /* depends on the order */
}

static void nested(void *context, size_t i, int worker)
{
    Record *r = context;
    (void)worker;
    parallel_for(5, add_inner, &r->inner[i]);
}

static void test_a_loop_inside_a_task_runs_in_order(void)
{
    static Record r;
    threads_set(4);
    parallel_for(64, nested, &r);
    int good = 1;
    for (int i = 0; i < 64; i++)
        good = good && r.inner[i] == ((((0 * 3 + 1) * 3 + 2) * 3 + 3) * 3 + 4);
    CHECK(good);
    threads_set(0);
}

static void test_one_thread_runs_in_order(void)
{
    int sum = 0;
    threads_set(1);
    parallel_for(5, add_inner, &sum);
    CHECK(sum == (((0 * 3 + 1) * 3 + 2) * 3 + 3) * 3 + 4);
    threads_set(0);
}

static void test_each_worker_is_reached(void)
{
    static Record r;
    threads_set(3);
    parallel_workers(record, &r);
    for (int i = 0; i < 4; i++)
        CHECK(r.runs[i] == (i < threads_count()) && (r.runs[i] == 0 || r.worker[i] == i));
    threads_set(0);
}

int main(void)
{
    test_every_task_runs_once();
    test_a_loop_inside_a_task_runs_in_order();
    test_one_thread_runs_in_order();
    test_each_worker_is_reached();
    return check_report("threads");
}
