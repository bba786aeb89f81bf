#include "base/rng.h"

#include "base/bits.h"
#include "tests/check.h"

/* Random123's known answers (kat_vectors, philox4x32 10). */
static void test_philox_known_answers(void)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (int i = 0; i < 3; i++) {
        uint32_t c[4];
        memcpy(c, known[i].counter, sizeof c);
        philox4x32(c, known[i].key);
        CHECK(memcmp(c, known[i].want, sizeof c) == 0);
    }
}

/* The first words of a stream are the block at counter (0, stream) under the seed's key. */
static void test_stream_is_counter_and_key(void)
{
    const uint64_t seed = 0x0123456789abcdefu;
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_CROPS, 0x123456789abcu);
    const uint32_t key[2] = {0x89abcdefu, 0x01234567u};
    for (uint32_t block = 0; block < 3; block++) {
        uint32_t c[4] = {block, 0, 0x56789abcu, (uint32_t)STREAM_CROPS << 16 | 0x1234u};
        philox4x32(c, key);
        for (int i = 0; i < 4; i++)
            CHECK(rng_u32(&rng) == c[i]);
    }
}

static void test_streams_differ(void)
{
    Rng a = rng_stream(RNG_PHILOX, 1, STREAM_NOISE, 0), b = rng_stream(RNG_PHILOX, 2, STREAM_NOISE, 0),
        c = rng_stream(RNG_PHILOX, 1, STREAM_TIME, 0), d = rng_stream(RNG_PHILOX, 1, STREAM_NOISE, 1);
    const uint32_t x = rng_u32(&a);
    CHECK(x != rng_u32(&b) && x != rng_u32(&c) && x != rng_u32(&d));
}

/* A fill of n is n single draws, in any cut. */
static void test_draws_do_not_depend_on_the_cut(void)
{
    enum { N = 1000 };
    static float whole[N], parts[N];
    for (int first = 0; first < 300; first += first < 12 ? 1 : 41) {
        Rng a = rng_stream(RNG_PHILOX, 5, STREAM_TEST, 3), b = a;
        rng_normal_fill(&a, whole, N);
        rng_normal_fill(&b, parts, (size_t)first);
        for (int i = first; i < first + 5; i++)
            parts[i] = rng_normal(&b);
        rng_normal_fill(&b, parts + first + 5, 0);
        rng_normal_fill(&b, parts + first + 5, (size_t)(N - first - 5));
        CHECK(memcmp(whole, parts, sizeof whole) == 0);
        CHECK(rng_u32(&a) == rng_u32(&b));
    }
    Rng a = rng_stream(RNG_PHILOX, 5, STREAM_TEST, 4), b = a;
    rng_uniform_fill(&a, whole, N);
    for (int i = 0; i < N; i++)
        parts[i] = rng_uniform(&b);
    CHECK(memcmp(whole, parts, sizeof whole) == 0);
}

/* A pair by hand from the first two words of the zero stream: u1 = (0x6627e8 + 1) 2^-24, u2 = 0xe169c5 2^-24. */
static void test_normals_by_hand(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 0, STREAM_TEST, 0);
    const double u1 = (0x6627e8 + 1) * 0x1p-24, u2 = 0xe169c5 * 0x1p-24;
    const double r = sqrt(-2.0 * log(u1)), pi = 3.14159265358979323846;
    CHECK_NEAR(rng_normal(&rng), r * cos(2.0 * pi * u2), 1e-6);
    CHECK_NEAR(rng_normal(&rng), r * sin(2.0 * pi * u2), 1e-6);
    Rng second = rng_stream(RNG_PHILOX, 0, STREAM_TEST, 0);
    rng_u32(&second);
    rng_u32(&second);
    CHECK(rng_normal(&second) == rng_normal(&rng));
}

static void test_moments(void)
{
    enum { N = 200000 };
    Rng rng = rng_stream(RNG_PHILOX, 9, STREAM_TEST, 0);
    double sum = 0.0, square = 0.0, fourth = 0.0, uniform = 0.0;
    for (int i = 0; i < N; i++) {
        const double z = rng_normal(&rng), u = rng_uniform(&rng);
        sum += z;
        square += z * z;
        fourth += z * z * z * z;
        uniform += u;
        if (u < 0.0 || u >= 1.0)
            CHECK(!"a uniform number lies in [0, 1)");
    }
    CHECK_NEAR(sum / N, 0.0, 0.01); /* 4.5 standard errors */
    CHECK_NEAR(square / N, 1.0, 0.015);
    CHECK_NEAR(fourth / N, 3.0, 0.035);
    CHECK_NEAR(uniform / N, 0.5, 0.003);
}

static void test_below_is_even(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 11, STREAM_TEST, 0);
    int count[7] = {0};
    for (int i = 0; i < 70000; i++) {
        const uint32_t x = rng_below(&rng, 7);
        if (x >= 7)
            CHECK(!"below n");
        else
            count[x]++;
    }
    for (int i = 0; i < 7; i++)
        CHECK(count[i] > 9500 && count[i] < 10500);
    CHECK(rng_below(&rng, 1) == 0);
    int high = 0; /* 3 2^30: without a second draw a third of the numbers would be twice as likely */
    for (int i = 0; i < 3000; i++)
        high += rng_below(&rng, 3u << 30) >= 1u << 30;
    CHECK(high > 1880 && high < 2120);
}

static void test_permutation(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 12, STREAM_DATA, 0);
    uint32_t order[100] = {0};
    int seen[100] = {0}, fixed = 0;
    rng_permutation(&rng, order, 100);
    for (uint32_t i = 0; i < 100; i++) {
        seen[order[i] % 100]++;
        fixed += order[i] == i;
    }
    bool each_once = true;
    for (int i = 0; i < 100; i++)
        each_once = each_once && seen[i] == 1;
    CHECK(each_once && fixed < 10);
    rng_permutation(&rng, order, 0);
    rng_permutation(&rng, order, 1);
    CHECK(order[0] == 0);
}

/* The same bits on every machine. */
static void test_fixed_bits(void)
{
    enum { N = 5001 };
    static float x[N];
    Rng rng = rng_stream(RNG_PHILOX, 42, STREAM_NOISE, 1);
    rng_normal_fill(&rng, x, N);
    uint32_t hash = 2166136261u;
    for (int i = 0; i < N; i++)
        hash = (hash ^ float_bits(x[i])) * 16777619u;
    rng_uniform_fill(&rng, x, N);
    for (int i = 0; i < N; i++)
        hash = (hash ^ float_bits(x[i])) * 16777619u;
    if (!CHECK(hash == 0xc3cd3680u))
        printf("    hash %08x\n", hash);
}

int main(void)
{
    test_philox_known_answers();
    test_stream_is_counter_and_key();
    test_streams_differ();
    test_draws_do_not_depend_on_the_cut();
    test_normals_by_hand();
    test_moments();
    test_below_is_even();
    test_permutation();
    test_fixed_bits();
    return check_report("rng");
}
