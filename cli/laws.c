#include "cli/laws.h"

#include "base/bits.h"
#include "base/elementary.h"
#include "base/elementary64.h"
#include "base/mt19937.h"
#include "base/rng.h"
#include "base/sum.h"
#include "io/sha256.h"

/* ---- this build's own: behind a pointer, so that no compiler computes a probe beforehand ---- */

static uint64_t multiply_integers(uint64_t a, uint64_t b)
{
    return a * b;
}

static uint64_t divide_integers(uint64_t a, uint64_t b)
{
    return a / b + a % b;
}

static double from_int64(int64_t n)
{
    return (double)n;
}

static double from_uint64(uint64_t n)
{
    return (double)n;
}

static float add32(float a, float b)
{
    return a + b;
}

static float subtract32(float a, float b)
{
    return a - b;
}

static float multiply32(float a, float b)
{
    return a * b;
}

static float divide32(float a, float b)
{
    return a / b;
}

static double add64(double a, double b)
{
    return a + b;
}

static double subtract64(double a, double b)
{
    return a - b;
}

static double multiply64(double a, double b)
{
    return a * b;
}

static double divide64(double a, double b)
{
    return a / b;
}

static bool below(double a, double b)
{
    return a < b;
}

static bool equal(double a, double b)
{
    return a == b;
}

static float narrow(double x)
{
    return (float)x;
}

static double widen(float x)
{
    return (double)x;
}

static float root32(float x)
{
    return sqrtf(x);
}

static float size32(float x)
{
    return fabsf(x);
}

static float nearest32(float x)
{
    return rintf(x);
}

static double root64(double x)
{
    return sqrt(x);
}

static double size64(double x)
{
    return fabs(x);
}

static double nearest64(double x)
{
    return rint(x);
}

static double below64(double x)
{
    return floor(x);
}

static double above64(double x)
{
    return ceil(x);
}

static uint32_t twister(uint32_t seed, int n)
{
    Mt19937 m;
    mt19937_seed(&m, seed);
    for (int i = 0; i < n; i++)
        mt19937_u32(&m);
    return mt19937_u32(&m);
}

const LawParts LAWS_OWN = {
    .sha256 = sha256_hex,
    .multiply_integers = multiply_integers,
    .divide_integers = divide_integers,
    .from_int64 = from_int64,
    .from_uint64 = from_uint64,
    .operation32 = {add32, subtract32, multiply32, divide32},
    .operation64 = {add64, subtract64, multiply64, divide64},
    .below = below,
    .equal = equal,
    .narrow = narrow,
    .widen = widen,
    .to_int = float_to_int,
    .sqrt32 = root32,
    .fabs32 = size32,
    .rint32 = nearest32,
    .sqrt64 = root64,
    .fabs64 = size64,
    .rint64 = nearest64,
    .floor64 = below64,
    .ceil64 = above64,
    .ldexp64 = ldexp,
    .frexp64 = frexp,
    .function = {{"exp", "base/exp_inline.h", exp_f32, exp_array},
                 {"expm1", "base/exp_inline.h", expm1_f32, expm1_array},
                 {"log", "base/log_inline.h", log_f32, log_array},
                 {"log1p", "base/log_inline.h", log1p_f32, log1p_array},
                 {"sin", "base/circle_inline.h and turn_of in base/elementary.c", sin_f32, sin_array},
                 {"cos", "base/circle_inline.h and turn_of in base/elementary.c", cos_f32, cos_array},
                 {"tanh", "base/gate_inline.h", tanh_f32, tanh_array},
                 {"erf", "base/erf_inline.h", erf_f32, erf_array},
                 {"sigmoid", "base/gate_inline.h", sigmoid_f32, sigmoid_array},
                 {"silu", "base/gate_inline.h", silu_f32, silu_array},
                 {"softplus", "base/gate_inline.h", softplus_f32, softplus_array}},
    .function64 = {exp_f64, log_f64, sin_f64, cos_f64},
    .pow64 = pow_f64,
    .sum = sum8,
    .product = matmul_forward,
    .philox = philox4x32,
    .twister = twister,
    .tasks = parallel_for,
};

/* ---- the list ---- */

static const struct {
    Law *broken;
    const char *law, *look_at;
} LAWS[] = {
    {law_integers, "integers of 32 and 64 bits, and their way to double, are exact",
     "the compiler's support library (libgcc, compiler-rt), its optimiser"},
    {law_sha256, "the hash of \"abc\" is that of FIPS 180-4", "io/sha256.c, the compiler's optimiser"},
    {law_guards, "the guards of the start hold in the main thread",
     "what has changed the mode of arithmetic since the start; base/contract.c"},
    {law_workers, "the guards of the start hold in every thread",
     "the threads' library, which starts threads in another mode; OPENMP=0; base/contract.c"},
    {law_comparisons, "comparisons know NaN, -0 and subnormal numbers",
     "-ffinite-math-only and the like; software floating point; the emulator"},
    {law_floats, "+ - * / of floats are rounded once, to the nearest",
     "options that touch arithmetic, software floating point, the emulator"},
    {law_doubles, "+ - * / of doubles are rounded once, to the nearest",
     "options that touch arithmetic, software floating point, the emulator; x87"},
    {law_conversions, "float and double are converted exactly or rounded once",
     "software floating point, the emulator, flushed subnormals; base/bits.h"},
    {law_roots, "the square root is rounded once, to the nearest",
     "sqrt and sqrtf of the C library; -mrecip"},
    {law_exact_functions, "fabs, rint, floor, ceil, ldexp and frexp are exact",
     "that function of the C library"},
    {law_functions64, "exp, log, sin, cos and pow of doubles are correctly rounded",
     "base/fixed256.c, base/fixed_functions.c, base/elementary64.c: 64-bit integers; "
     "tests/test_fixed256.c"},
    {law_functions, "elementary functions of floats are correctly rounded",
     "base/elementary.c, tests/test_elementary.c: contraction, or wider arithmetic, in that file"},
    {law_function_loops, "loops of elementary functions give the bits of the functions",
     "base/elementary_isa.c: contraction, or the vectoriser; NATIVE=1 or -O0 for that file"},
    {law_sums, "sum8 adds in the order of the contract",
     "base/sum_inline.h, base/sum_isa.c: re-association, or the vectoriser"},
    {law_products, "products multiply, then add, in panels of 256",
     "nn/gemm_isa.c: contraction, re-association, or the vectoriser; tests/test_matmul.c"},
    {law_words, "Philox and the Mersenne Twister give their published words",
     "base/rng.c, base/mt19937.c: 32-bit integers"},
    {law_threads, "parallel_for does each task once", "base/threads.c, the threads' library; OPENMP=0"},
};

bool laws_first_broken(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    for (size_t i = 0; i < sizeof LAWS / sizeof LAWS[0]; i++) {
        LawBroken broken = {.law = LAWS[i].law, .look_at = LAWS[i].look_at};
        if (LAWS[i].broken(&broken, parts, scratch)) {
            *out = broken;
            return true;
        }
    }
    return false;
}
