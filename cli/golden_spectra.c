/* cli/golden_spectra.c - golden cases of Fourier transforms. */
#include "cli/golden_operator.h"
#include "nn/fft.h"

static Tensor *run_fft2(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return fft2(tape, in[0]);
}

static TruthTensor *true_fft2(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_fft2(t, in[0]);
}

/* Infinities and NaNs spread over a plane in an order that is the method's own: none of them is asked for. */
static const OperatorCase fft2_cases[] = {
    {.name = "ordinary", .shape = {{4, 2, 2, 5, 6}}},
    {.name = "powers_of_two", .shape = {{4, 1, 1, 8, 16}}},
    {.name = "prime_sides", .shape = {{4, 1, 1, 7, 37}}},
    {.name = "one_row", .shape = {{4, 1, 2, 1, 9}}},
    {.name = "one_number", .shape = {{4, 1, 1, 1, 1}}},
    {.name = "no_samples", .shape = {{4, 0, 2, 4, 4}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{4, 1, 1, 4, 5}}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{4, 1, 1, 4, 5}}},
    {.name = "empty_planes", .label = GOLDEN_INVALID, .shape = {{4, 1, 1, 0, 5}}},
    {.name = "without_samples", .label = GOLDEN_EITHER, .shape = {{3, 2, 4, 4}}},
    {.name = NULL},
};

const GoldenOperator GOLDEN_SPECTRA[] = {
    {.name = "fft2",
     .like = "torch.cat([y.real, y.imag], 1), y = torch.fft.fft2(input, norm='ortho')",
     .input = {"input"},
     .run = run_fft2,
     .truth = true_fft2,
     .cases = fft2_cases,
     .source = "nn/fft.h"},
    {.name = NULL},
};
