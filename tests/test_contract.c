#include "base/contract.h"

#include <fenv.h>
#include <stdbool.h>

#include "base/threads.h"
#include "tests/check.h"

static void test_this_machine_keeps_the_contract(void)
{
    Error err = {0};
    CHECK(contract_check(&err) == STATUS_OK && err.status == STATUS_OK);
    CHECK(contract_check_threads(&err) == STATUS_OK && err.status == STATUS_OK);
    CHECK(contract_check(NULL) == STATUS_OK);
}

static void test_another_rounding_mode_is_named(void)
{
#ifdef FE_UPWARD
    const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    for (int i = 0; i < 3; i++) {
        Error err = {0};
        if (fesetround(modes[i]) != 0)
            continue;
        const Status status = contract_check(&err);
        volatile double one = 1.0, little = 0x1p-60;
        const bool seen = one + little != 1.0 || one - little != 1.0; /* valgrind turns conversions only */
        fesetround(FE_TONEAREST);
        CHECK(status == STATUS_DIFFERENT);
        CHECK_TEXT(err.text, seen ? "rounding mode" : "numeric contract");
    }
#endif
}

#ifdef __SSE2__
static void set_mode(void *mode, size_t i, int worker)
{
    (void)i;
    if (worker == threads_count() - 1) /* one thread only */
        __builtin_ia32_ldmxcsr(*(const unsigned *)mode);
}

/* valgrind, for one, takes the mode and computes as usual. */
static bool mode_has_effect(unsigned mode)
{
    const unsigned usual = __builtin_ia32_stmxcsr();
    volatile float x = 0x1p-100f, small = 0x1p-140f, product, sum;
    __builtin_ia32_ldmxcsr(mode);
    product = x * 0x1p-40f;
    sum = small + 0.0f;
    __builtin_ia32_ldmxcsr(usual);
    return product == 0.0f || sum == 0.0f;
}

static void test_flush_to_zero_is_named(void)
{
    const unsigned usual = __builtin_ia32_stmxcsr(), flush = usual | 1u << 15, zeros = usual | 1u << 6;
    Error err = {0};
    if (!mode_has_effect(flush) || !mode_has_effect(zeros)) {
        printf("skipped: the mode of subnormal numbers has no effect here\n");
        return;
    }
    __builtin_ia32_ldmxcsr(flush);
    CHECK(contract_check(&err) == STATUS_DIFFERENT);
    __builtin_ia32_ldmxcsr(usual);
    CHECK_TEXT(err.text, "results are flushed");

    err = (Error){0};
    __builtin_ia32_ldmxcsr(zeros);
    CHECK(contract_check(&err) == STATUS_DIFFERENT);
    __builtin_ia32_ldmxcsr(usual);
    CHECK_TEXT(err.text, "operands are taken as zero");
}

static void mode_seen(void *mode, size_t i, int worker)
{
    (void)i;
    if (worker == threads_count() - 1)
        *(unsigned *)mode = __builtin_ia32_stmxcsr();
}

/* Only the last worker is in the wrong mode; it is found, and the next check passes again.  (Some OpenMP runtimes
 * set the mode themselves before each parallel region; then there is nothing to find.) */
static void test_one_bad_worker_is_found(void)
{
    unsigned flush = __builtin_ia32_stmxcsr() | 1u << 15, usual = __builtin_ia32_stmxcsr();
    Error err = {0};
    threads_set(3);
    unsigned seen = usual;
    parallel_workers(set_mode, &flush);
    parallel_workers(mode_seen, &seen);
    if ((seen & 1u << 15) != 0) {
        CHECK(contract_check_threads(&err) == STATUS_DIFFERENT);
        CHECK_TEXT(err.text, "worker thread");
    }
    parallel_workers(set_mode, &usual);
    CHECK(contract_check_threads(NULL) == STATUS_OK);
    threads_set(0);
}
#endif

int main(void)
{
    test_this_machine_keeps_the_contract();
    test_another_rounding_mode_is_named();
#ifdef __SSE2__
    test_flush_to_zero_is_named();
    test_one_bad_worker_is_found();
#endif
    return check_report("contract");
}
