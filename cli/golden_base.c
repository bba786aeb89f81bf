/* cli/golden_base.c - elementary functions, sums, random numbers (see golden_items.h). */
#include "base/bits.h"
#include "base/elementary.h"
#include "base/elementary64.h"
#include "base/rng.h"
#include "base/sum.h"
#include "cli/golden_items.h"

enum { SAMPLES = 65536, WIDE = 64 };

/* Every 65537th bit pattern: all exponents, both signs, subnormals, infinities, NaN. */
static Status elementary(Sha256 *hash, Arena *arena, Error *err)
{
    static const struct {
        const char *name;
        void (*array)(float *y, const float *x, size_t n);
    } functions[] = {{"exp", exp_array},     {"expm1", expm1_array},      {"log", log_array},
                     {"log1p", log1p_array}, {"sin", sin_array},          {"cos", cos_array},
                     {"tanh", tanh_array},   {"erf", erf_array},          {"sigmoid", sigmoid_array},
                     {"silu", silu_array},   {"softplus", softplus_array}};
    const int dim = SAMPLES;
    float *x = arena_raw(arena, 2 * SAMPLES, sizeof *x), *y = x != NULL ? x + SAMPLES : NULL;
    if (x == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the golden items");
    for (uint32_t i = 0; i < SAMPLES; i++)
        x[i] = bits_float(i * 65537u + 12345u);
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        functions[f].array(y, x, SAMPLES);
        golden_add_floats(hash, functions[f].name, y, 1, &dim);
    }
    return STATUS_OK;
}

static Status elementary_wide(Sha256 *hash, Arena *arena, Error *err)
{
    double y[5][WIDE];
    (void)arena, (void)err;
    for (int i = 0; i < WIDE; i++) {
        const double x = (double)(i * i + 1) / 37.0;
        y[0][i] = exp_f64(x - 40.0);
        y[1][i] = log_f64(x);
        y[2][i] = sin_f64(x * 17.0);
        y[3][i] = cos_f64(x * 17.0);
        y[4][i] = pow_f64(x, (double)(i - 31) / 7.0);
    }
    golden_add_doubles(hash, "exp log sin cos pow", &y[0][0], (size_t)5 * WIDE);
    return STATUS_OK;
}

static Status random_numbers(Sha256 *hash, Arena *arena, Error *err)
{
    static const int counts[] = {1, 15, 16, 100};
    float x[100];
    (void)arena, (void)err;
    for (int kind = RNG_PHILOX; kind <= RNG_TORCH; kind++)
        for (int i = 0; i < 4; i++) {
            Rng rng = rng_stream((RngKind)kind, 1234, STREAM_NOISE, 7);
            rng_normal_fill(&rng, x, (size_t)counts[i]);
            golden_add_floats(hash, "normal", x, 1, &counts[i]);
            rng_uniform_fill(&rng, x, (size_t)counts[i]);
            golden_add_floats(hash, "uniform", x, 1, &counts[i]);
        }
    return STATUS_OK;
}

static Status sums(Sha256 *hash, Arena *arena, Error *err)
{
    float x[1003];
    double s[4];
    Rng rng = rng_stream(RNG_PHILOX, 5, STREAM_TEST, 0);
    (void)arena, (void)err;
    rng_normal_fill(&rng, x, 1003);
    s[0] = sum8(x, 1003);
    s[1] = sum8(x, 5);
    s[2] = sum8_squares(x, 1003, 0.25);
    s[3] = sum8_dot(x, x + 1, 1002);
    golden_add_doubles(hash, "sum8", s, 4);
    return STATUS_OK;
}

const GoldenItem GOLDEN_BASE[] = {
    {"base.elementary", elementary, "base/elementary_isa.c, base/*_inline.h"},
    {"base.elementary64", elementary_wide, "base/elementary64.c, base/fixed256.c, base/fixed_functions.c"},
    {"base.rng", random_numbers, "base/rng.c, base/mt19937.c"},
    {"base.sum8", sums, "base/sum_isa.c, base/sum_inline.h"},
    {NULL, NULL, NULL},
};
