#include "nn/position_sum.h"

#include "tests/gradcheck.h"

/* The rule of the header, element by element. */
static void plain(float *y, const float *x, const PositionSum *s)
{
    for (size_t n = 0; n < s->samples; n++)
        for (size_t a = 0; a < s->keep0; a++)
            for (size_t b = 0; b < s->keep1; b++) {
                double lane[8] = {0};
                for (size_t i = 0; i < s->sum0; i++)
                    for (size_t j = 0; j < s->sum1; j++) {
                        const size_t at = (((n * s->keep0 + a) * s->sum0 + i) * s->keep1 + b) * s->sum1 + j;
                        lane[(i * s->sum1 + j) % 8] += x[at];
                    }
                double sum = ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
                             ((lane[1] + lane[5]) + (lane[3] + lane[7]));
                sum = s->divisor != 0.0 ? sum / s->divisor : sum;
                const float rounded = (float)sum;
                if (s->add_samples)
                    y[a * s->keep1 + b] = y[a * s->keep1 + b] + rounded;
                else
                    y[(n * s->keep0 + a) * s->keep1 + b] = rounded;
            }
}

int main(void)
{
    static const PositionSum shapes[] = {
        {3, 1, 1, 5, 30, false, 0}, {3, 1, 30, 5, 1, true, 0},    {2, 3, 11, 70, 1, false, 7.0},
        {2, 3, 11, 70, 1, true, 0}, {2, 1, 5, 6, 7, true, 0},     {2, 1, 5, 6, 7, false, 3.0},
        {4, 1, 1, 9, 1, true, 0},   {4, 9, 1, 1, 1, false, 0},    {1, 1, 1, 1, 4099, true, 0},
        {5, 2, 3, 130, 4, true, 0}, {2, 1, 400, 300, 1, true, 0}, {7, 300, 1, 1, 20, false, 0},
    };
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const PositionSum *s = &shapes[k];
        const size_t kept = s->keep0 * s->keep1, count = s->samples * kept * s->sum0 * s->sum1;
        const size_t out = s->add_samples ? kept : s->samples * kept;
        Arena arena = {0};
        float *x = arena_alloc(&arena, count, sizeof *x), *y = arena_alloc(&arena, out, sizeof *y);
        float *want = arena_alloc(&arena, out, sizeof *y);
        test_fill_steep(x, count, k);
        test_fill(want, out, 77);
        plain(want, x, s);
        for (int level = ISA_BASE; level <= ISA_AVX512; level++) {
            isa_limit((IsaLevel)level);
            threads_set(level + 1);
            test_fill(y, out, 77);
            position_sum(y, x, s);
            if (!CHECK(same_bits(y, want, out)))
                printf("    shape %zu\n", k);
        }
        arena_free(&arena);
    }
    return check_report("position_sum");
}
