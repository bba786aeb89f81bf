/* cli/law_orders.c - orders of accumulation, random words and threads (see laws.h). */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/isa.h"
#include "base/rng.h"
#include "cli/laws.h"

/* Numbers whose sizes spread over that many powers of two, so that their sums depend on the order. */
static void fill(float *x, size_t n, uint32_t seed, uint32_t powers)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t word = ((uint32_t)i + seed) * 2654435761u;
        x[i] = bits_float((word & 0x807fffffu) | (127u - powers / 2u + (word >> 10) % powers) << 23);
    }
}

/* The contract's own words, section 3. */
static double plain_sum8(const float *x, size_t n)
{
    volatile double s[8] = {0.0};
    for (size_t i = 0; i < n; i++)
        s[i % 8] = s[i % 8] + (double)x[i];
    const volatile double left = s[0] + s[4], middle = s[2] + s[6], other = s[1] + s[5], last = s[3] + s[7];
    const volatile double even = left + middle, odd = other + last;
    return even + odd;
}

bool law_sums(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    enum { MOST = 1003 };
    float x[MOST];
    bool broken = false;
    (void)scratch;
    fill(x, MOST, 8, 64);
    for (IsaLevel level = ISA_BASE; level <= ISA_AVX512 && !broken; level++) {
        isa_limit(level);
        for (size_t n = 1; n <= MOST && isa_level() == level && !broken; n += n < 20 ? 1 : 983) {
            const double got = parts->sum(x, n), want = plain_sum8(x, n);
            broken = double_bits(got) != double_bits(want);
            if (broken)
                snprintf(out->found, sizeof out->found,
                         "the sum of %d numbers for the instruction set %s is %016llx, not %016llx", (int)n,
                         isa_name(level), (unsigned long long)double_bits(got),
                         (unsigned long long)double_bits(want));
        }
    }
    isa_limit(ISA_AVX512);
    return broken;
}

static float plain_product(const float *a, const float *b, size_t K, size_t N)
{
    volatile float total = 0.0f;
    for (size_t first = 0; first < K; first += 256) {
        volatile float panel = 0.0f;
        for (size_t k = first; k < K && k < first + 256; k++) {
            volatile float p = a[k] * b[k * N];
            panel = panel + p;
        }
        total = first == 0 ? panel : total + panel;
    }
    return total;
}

enum { PRODUCT_M = 13, PRODUCT_N = 37, PRODUCT_K = 300 };

static bool product_differs(LawBroken *out, const LawParts *parts, IsaLevel level, float *a, void *scratch)
{
    const MatmulShape shape = {.batch = 1, .M = PRODUCT_M, .N = PRODUCT_N, .K = PRODUCT_K};
    float *b = a + PRODUCT_M * PRODUCT_K, *c = b + PRODUCT_K * PRODUCT_N;
    fill(a, (size_t)(PRODUCT_M + PRODUCT_N) * PRODUCT_K, 9, 16);
    parts->product(c, a, b, &shape, scratch);
    for (size_t r = 0; r < PRODUCT_M; r++)
        for (size_t j = 0; j < PRODUCT_N; j++) {
            const uint32_t got = float_bits(c[r * PRODUCT_N + j]),
                           want = float_bits(plain_product(a + r * PRODUCT_K, b + j, PRODUCT_K, PRODUCT_N));
            if (got == want)
                continue;
            snprintf(out->found, sizeof out->found,
                     "row %d, column %d of a product of 300 terms for the instruction set %s is %08lx, not "
                     "%08lx",
                     (int)r, (int)j, isa_name(level), (unsigned long)got, (unsigned long)want);
            return true;
        }
    return false;
}

bool law_products(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    const MatmulShape shape = {.batch = 1, .M = PRODUCT_M, .N = PRODUCT_N, .K = PRODUCT_K};
    const ArenaMark mark = arena_mark(scratch);
    float *numbers =
        arena_raw(scratch, (PRODUCT_M + PRODUCT_N) * PRODUCT_K + PRODUCT_M * PRODUCT_N, sizeof *numbers);
    bool broken = false;
    for (IsaLevel level = ISA_BASE; level <= ISA_AVX512 && !broken; level++) {
        isa_limit(level);
        void *work = isa_level() == level ? arena_raw(scratch, matmul_scratch(&shape), 1) : NULL;
        broken = numbers != NULL && work != NULL && product_differs(out, parts, level, numbers, work);
    }
    isa_limit(ISA_AVX512);
    arena_release(scratch, mark);
    return broken;
}

/* Random123, kat_vectors (philox4x32 10); ISO C++ on std::mt19937: word 10000 of the default seed. */
bool law_words(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    static const uint32_t want[4] = {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u};
    uint32_t word[4] = {0, 0, 0, 0};
    const uint32_t key[2] = {0, 0};
    (void)scratch;
    parts->philox(word, key);
    const uint32_t ten_thousandth = parts->twister(5489, 9999);
    if (memcmp(word, want, sizeof word) != 0)
        snprintf(out->found, sizeof out->found, "Philox at 0 gives %08lx %08lx %08lx %08lx",
                 (unsigned long)word[0], (unsigned long)word[1], (unsigned long)word[2],
                 (unsigned long)word[3]);
    else if (ten_thousandth != 4123659995u)
        snprintf(out->found, sizeof out->found, "word 10000 of the Mersenne Twister is %lu, not 4123659995",
                 (unsigned long)ten_thousandth);
    return out->found[0] != '\0';
}

enum { TASKS = 1000 };

static void count_task(void *context, size_t i, int worker)
{
    unsigned char *done = context;
    (void)worker;
    done[i]++;
}

bool law_threads(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    unsigned char done[TASKS] = {0};
    (void)scratch;
    parts->tasks(TASKS, count_task, done);
    for (int i = 0; i < TASKS; i++)
        if (done[i] != 1) {
            snprintf(out->found, sizeof out->found, "task %d of %d was done %d times", i, TASKS, done[i]);
            return true;
        }
    return false;
}
