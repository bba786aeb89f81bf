#include "nn/fft.h"

#include <string.h>

#include "base/fixed_functions.h"

/* pi with 256 bits after the point. */
static const Fixed256 PI = {
    false,
    {3, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89}};

/* e^(-2 pi i k / n), 0 <= k < n, correctly rounded: 4k = quarters n + rest, and the sine and cosine of
 * rest / n of a right angle are taken in fixed point. */
static void root_of_unity(double *pair, int64_t k, int64_t n)
{
    static const double RIGHT[4][2] = {{1, 0}, {0, -1}, {-1, 0}, {0, 1}};
    const uint32_t quarters = (uint32_t)(4 * k / n), rest = (uint32_t)(4 * k % n);
    if (rest == 0) {
        memcpy(pair, RIGHT[quarters], sizeof RIGHT[0]);
        return;
    }
    const Fixed256 angle = fixed_divide(fixed_scale(PI, rest), 2 * (uint32_t)n);
    pair[0] = fixed_to_double(fixed_sin(angle, quarters + 1), 0);
    pair[1] = -fixed_to_double(fixed_sin(angle, quarters), 0);
}

/* Fours first, then a two, then odd primes ascending; false when a prime is too large. */
static bool factorise(FftPlan *plan)
{
    int rest = plan->n;
    for (int p = 4; rest > 1 && p <= FFT_PRIME; p = p == 4 ? 2 : p == 2 ? 3 : p + 2)
        while (rest % p == 0) {
            plan->factor[plan->factors++] = p;
            rest /= p;
        }
    if (rest > 1)
        plan->factors = 0;
    return rest == 1;
}

static Status no_memory(int n, Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory for a Fourier transform of length %d", n);
}

static Status plan_factors(FftPlan *plan, Arena *arena, Error *err)
{
    double *power = arena_raw(arena, (size_t)plan->n, 2 * sizeof *power);
    if (power == NULL)
        return no_memory(plan->n, err);
    for (int k = 0; k < plan->n; k++)
        root_of_unity(power + 2 * (size_t)k, k, plan->n);
    plan->power = power;
    return STATUS_OK;
}

/* ---- factor by factor ---- */

static void multiply(double *out, double a, double b, const double *w)
{
    out[0] = a * w[0] - b * w[1];
    out[1] = a * w[1] + b * w[0];
}

/* v_c = sum_r u_r e^(-2 pi i r c / p), r ascending. */
static void small_transform(double *v, const double *u, int p, const FftPlan *plan)
{
    const size_t step = (size_t)(plan->n / p);
    for (int c = 0; c < p; c++) {
        double re = u[0], im = u[1];
        for (int r = 1; r < p; r++) {
            double term[2];
            multiply(term, u[2 * r], u[2 * r + 1], plan->power + 2 * (size_t)(r * c % p) * step);
            re += term[0];
            im += term[1];
        }
        v[2 * c] = re;
        v[2 * c + 1] = im;
    }
}

static void transform4(double *v, const double *u)
{
    const double a = u[0] + u[4], b = u[1] + u[5], c = u[0] - u[4], d = u[1] - u[5];
    const double e = u[2] + u[6], f = u[3] + u[7], g = u[2] - u[6], h = u[3] - u[7];
    v[0] = a + e;
    v[1] = b + f;
    v[2] = c + h;
    v[3] = d - g;
    v[4] = a - e;
    v[5] = b - f;
    v[6] = c - h;
    v[7] = d + g;
}

/* One factor: n = s p m, s the product of those before it.  y[q + s (p a + c)] = w^(a c s) v_c of
 * u_r = x[q + s (a + r m)]. */
static void one_factor(double *y, const double *x, const FftPlan *plan, int p, size_t s)
{
    const size_t m = (size_t)plan->n / s / (size_t)p;
    double u[2 * FFT_PRIME], v[2 * FFT_PRIME];
    for (size_t a = 0; a < m; a++)
        for (size_t q = 0; q < s; q++) {
            for (size_t r = 0; r < (size_t)p; r++)
                memcpy(u + 2 * r, x + 2 * (q + s * (a + r * m)), 2 * sizeof *u);
            if (p == 4)
                transform4(v, u);
            else
                small_transform(v, u, p, plan);
            double *out = y + 2 * (q + s * (size_t)p * a);
            memcpy(out, v, 2 * sizeof *v);
            for (size_t c = 1; c < (size_t)p; c++)
                multiply(out + 2 * s * c, v[2 * c], v[2 * c + 1], plan->power + 2 * (a * c * s));
        }
}

static void forward_factors(const FftPlan *plan, double *z, double *scratch)
{
    double *x = z, *y = scratch;
    size_t s = 1;
    for (int k = 0; k < plan->factors; k++) {
        one_factor(y, x, plan, plan->factor[k], s);
        s *= (size_t)plan->factor[k];
        double *t = x;
        x = y;
        y = t;
    }
    if (x != z)
        memcpy(z, x, 2 * (size_t)plan->n * sizeof *z);
}

/* ---- Bluestein: jk = (j^2 + k^2 - (k - j)^2) / 2 ---- */

static Status plan_bluestein(FftPlan *plan, Arena *arena, Error *err)
{
    const int n = plan->n;
    int m = 1;
    while (m < 2 * n - 1)
        m *= 2;
    FftPlan *wide = arena_alloc(arena, 1, sizeof *wide);
    double *chirp = arena_raw(arena, (size_t)n, 2 * sizeof *chirp);
    double *filter = arena_alloc(arena, (size_t)m, 2 * sizeof *filter);
    if (wide == NULL || chirp == NULL || filter == NULL)
        return no_memory(n, err);
    Status status = fft_plan(wide, m, arena, err);
    if (status != STATUS_OK)
        return status;
    double *scratch = arena_raw(arena, fft_scratch(wide), sizeof *scratch);
    if (scratch == NULL)
        return no_memory(n, err);
    for (int k = 0; k < n; k++) {
        root_of_unity(chirp + 2 * (size_t)k, (int64_t)k * k % (2 * (int64_t)n), 2 * (int64_t)n);
        const size_t places[2] = {(size_t)k, (size_t)(m - k) % (size_t)m};
        for (int i = 0; i < 2; i++) {
            filter[2 * places[i]] = chirp[2 * k];
            filter[2 * places[i] + 1] = -chirp[2 * k + 1];
        }
    }
    fft_forward(wide, filter, scratch);
    plan->wide = wide;
    plan->chirp = chirp;
    plan->filter = filter;
    return STATUS_OK;
}

static void forward_bluestein(const FftPlan *plan, double *z, double *scratch)
{
    const size_t n = (size_t)plan->n, m = (size_t)plan->wide->n;
    double *a = scratch, *more = scratch + 2 * m;
    memset(a, 0, 2 * m * sizeof *a);
    for (size_t k = 0; k < n; k++)
        multiply(a + 2 * k, z[2 * k], z[2 * k + 1], plan->chirp + 2 * k);
    fft_forward(plan->wide, a, more);
    for (size_t k = 0; k < m; k++)
        multiply(a + 2 * k, a[2 * k], a[2 * k + 1], plan->filter + 2 * k);
    fft_inverse(plan->wide, a, more);
    for (size_t k = 0; k < n; k++) /* m is a power of two: this division is exact */
        multiply(z + 2 * k, a[2 * k] / (double)m, a[2 * k + 1] / (double)m, plan->chirp + 2 * k);
}

/* ---- both ---- */

Status fft_plan(FftPlan *out, int n, Arena *arena, Error *err)
{
    FftPlan plan = {.n = n};
    if (n < 1 || n > FFT_LONGEST)
        return error_set(err, STATUS_ARGUMENT, "a Fourier transform of length %d, expected 1 to %d", n,
                         FFT_LONGEST);
    const Status status =
        factorise(&plan) ? plan_factors(&plan, arena, err) : plan_bluestein(&plan, arena, err);
    if (status == STATUS_OK)
        *out = plan;
    return status;
}

size_t fft_scratch(const FftPlan *plan)
{
    return plan->wide != NULL ? 4 * (size_t)plan->wide->n : 2 * (size_t)plan->n;
}

void fft_forward(const FftPlan *plan, double *z, double *scratch)
{
    if (plan->wide != NULL)
        forward_bluestein(plan, z, scratch);
    else
        forward_factors(plan, z, scratch);
}

static void conjugate(double *z, size_t n)
{
    for (size_t i = 0; i < n; i++)
        z[2 * i + 1] = -z[2 * i + 1];
}

void fft_inverse(const FftPlan *plan, double *z, double *scratch)
{
    conjugate(z, (size_t)plan->n);
    fft_forward(plan, z, scratch);
    conjugate(z, (size_t)plan->n);
}
