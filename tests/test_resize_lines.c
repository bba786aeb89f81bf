#include "io/resize_lines.h"

#include "base/isa.h"
#include "tests/check.h"

enum { N = 53, TAPS = 9 };

/* The sum in its order, at every length around the vectors' and with every instruction set. */
static void test_weigh_is_the_plain_sum(void)
{
    float in[TAPS * N], weight[TAPS], out[N + 1], want[N];
    for (int i = 0; i < TAPS * N; i++)
        in[i] = (float)((i * 2654435761u) >> 8) * 0x1p-20f - 5.0f;
    for (int k = 0; k < TAPS; k++)
        weight[k] = 1.0f / (float)(3 * k - 7);
    for (IsaLevel level = ISA_BASE; level <= ISA_AVX512; level++) {
        isa_limit(level);
        for (size_t n = 0; n <= N; n++)
            for (int taps = 0; taps <= TAPS; taps += 3) {
                for (size_t i = 0; i < n; i++) {
                    want[i] = 0.0f;
                    for (int k = 0; k < taps; k++) {
                        const float product = weight[k] * in[(size_t)k * N + i];
                        want[i] = want[i] + product;
                    }
                }
                out[n] = 77.0f;
                resize_weigh(out, in, weight, taps, N, n);
                CHECK(memcmp(out, want, n * sizeof *out) == 0 && out[n] == 77.0f);
            }
    }
    isa_limit(ISA_AVX512);
}

static void test_premultiply_by_hand(void)
{
    const unsigned char pixel[8] = {255, 100, 0, 255, 10, 20, 30, 4};
    float out[8];
    resize_premultiply(out, pixel, 2);
    static const float want[8] = {65025, 25500, 0, 65025, 40, 80, 120, 1020};
    CHECK(memcmp(out, want, sizeof want) == 0);
}

/* Rows become columns; mirrored, the last row comes first. */
static void test_transpose(void)
{
    float in[3 * 5 * 4], out[3 * 5 * 4];
    for (int i = 0; i < 3 * 5 * 4; i++)
        in[i] = (float)i;
    for (size_t channels = 1; channels <= 4; channels++)
        for (int mirror = 0; mirror < 2; mirror++) {
            resize_transpose(out, in, 3, 5, channels, mirror);
            for (size_t r = 0; r < 3; r++)
                for (size_t c = 0; c < 5; c++)
                    for (size_t k = 0; k < channels; k++)
                        CHECK(out[(c * 3 + r) * channels + k] ==
                              in[((mirror ? 2 - r : r) * 5 + c) * channels + k]);
        }
}

int main(void)
{
    test_weigh_is_the_plain_sum();
    test_premultiply_by_hand();
    test_transpose();
    return check_report("resize_lines");
}
