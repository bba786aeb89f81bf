#include "nn/optimizer.h"

#include "io/safetensors.h"
#include "tests/gradcheck.h"

enum { STEPS = 12, NUMBERS = 10 };

typedef struct {
    const char *name;
    OptimizerOptions options;
    double rate;
} Row;

/* The options of tests/make_operator_vectors.py. */
static const Row ROWS[] = {
    {"sgd", {.kind = OPTIMIZER_SGD}, 0.05},
    {"sgd_decay", {.kind = OPTIMIZER_SGD, .decay = 0.1}, 0.05},
    {"momentum", {.kind = OPTIMIZER_SGD, .momentum = 0.9, .decay = 0.01}, 0.05},
    {"nesterov", {.kind = OPTIMIZER_SGD, .momentum = 0.9, .nesterov = true}, 0.05},
    {"adam", {.kind = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}, 1e-2},
    {"adam_decay", {.kind = OPTIMIZER_ADAM, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .decay = 0.1}, 1e-2},
    {"adamw", {.kind = OPTIMIZER_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = 1e-2}, 1e-2},
    {"adamw_decay", {.kind = OPTIMIZER_ADAMW, .beta1 = 0.5, .beta2 = 0.9, .eps = 1e-7, .decay = 0.3}, 2e-2},
};

static bool read_vector(float *out, const Safetensors *file, const char *name, const char *part, size_t n)
{
    char full[60];
    snprintf(full, sizeof full, "%s/%s", name, part);
    const SafetensorsEntry *entry = safetensors_find(file, full);
    return entry != NULL && safetensors_numbers(entry) == n &&
           safetensors_read_f32(out, file, entry, NULL) == STATUS_OK;
}

/* Twelve steps of PyTorch 1.13 in binary32; both round, each in its own order: within 4e-7 of the number (one to
 * three last places), and of the learning rate where the number is near 0. */
static void test_equals_torch(const Safetensors *file, const Row *row)
{
    float p[NUMBERS], grad[STEPS * NUMBERS], want[STEPS * NUMBERS];
    Arena arena = {0};
    Tensor parameter = {.rank = 1, .dim = {NUMBERS, 1, 1, 1}, .data = p}, *parameters[1] = {&parameter};
    Optimizer optimizer;
    if (!CHECK(read_vector(p, file, row->name, "p0", NUMBERS)) ||
        !CHECK(read_vector(grad, file, row->name, "grad", STEPS * NUMBERS)) ||
        !CHECK(read_vector(want, file, row->name, "p", STEPS * NUMBERS)) ||
        !CHECK(optimizer_init(&optimizer, &row->options, parameters, 1, &arena, NULL) == STATUS_OK))
        return;
    for (int t = 0; t < STEPS; t++) {
        parameter.grad = grad + t * NUMBERS;
        optimizer_step(&optimizer, row->rate);
        for (int i = 0; i < NUMBERS; i++)
            if (!CHECK_NEAR(p[i], want[t * NUMBERS + i], 4e-7))
                printf("    %s, step %d\n", row->name, t + 1);
    }
    CHECK(optimizer.steps == STEPS);
    arena_free(&arena);
}

/* First step of Adam: m / (sqrt(v) + eps) is the sign of the gradient, so p moves by the rate. */
static void test_first_step_of_adam_by_hand(void)
{
    float p[3] = {1, 2, 3}, grad[3] = {0.5f, -20.0f, 0.0f};
    Arena arena = {0};
    Tensor parameter = {.rank = 1, .dim = {3, 1, 1, 1}, .data = p, .grad = grad},
           *parameters[1] = {&parameter};
    Optimizer optimizer;
    CHECK(optimizer_init(&optimizer, &OPTIMIZER_ADAM_DEFAULTS, parameters, 1, &arena, NULL) == STATUS_OK);
    optimizer_step(&optimizer, 0.125);
    CHECK_NEAR(p[0], 0.875, 1e-6);
    CHECK_NEAR(p[1], 2.125, 1e-6);
    CHECK(p[2] == 3.0f);
    CHECK_NEAR(optimizer.first[0][0], 0.05, 1e-7);
    CHECK_NEAR(optimizer.second[0][1], 0.4, 1e-6);
    arena_free(&arena);
}

/* A run that is stopped, saved (steps and two arrays) and taken up again has the bits of the uninterrupted one. */
static void test_resumes_from_its_arrays(void)
{
    enum { N = 100 };
    float p[2][N], grad[N];
    Arena arena = {0};
    Tensor x[2];
    Tensor *list[2] = {&x[0], &x[1]};
    Optimizer whole, first, second;
    for (int k = 0; k < 2; k++) {
        test_fill(p[k], N, 5);
        x[k] = (Tensor){.rank = 1, .dim = {N, 1, 1, 1}, .data = p[k], .grad = grad};
    }
    CHECK(optimizer_init(&whole, &OPTIMIZER_ADAMW_DEFAULTS, list, 1, &arena, NULL) == STATUS_OK);
    CHECK(optimizer_init(&first, &OPTIMIZER_ADAMW_DEFAULTS, list + 1, 1, &arena, NULL) == STATUS_OK);
    CHECK(optimizer_init(&second, &OPTIMIZER_ADAMW_DEFAULTS, list + 1, 1, &arena, NULL) == STATUS_OK);
    for (uint64_t t = 0; t < 7; t++) {
        test_fill(grad, N, 50 + t);
        optimizer_step(&whole, 0.01);
        if (t == 3) {
            memcpy(second.first[0], first.first[0], sizeof grad);
            memcpy(second.second[0], first.second[0], sizeof grad);
            second.steps = first.steps;
        }
        optimizer_step(t < 3 ? &first : &second, 0.01);
    }
    CHECK(same_bits(p[0], p[1], N));
    arena_free(&arena);
}

static void test_skips_parameters_without_gradient(void)
{
    float p[2] = {1, 2}, grad[1] = {1};
    Arena arena = {0};
    Tensor with = {.rank = 1, .dim = {1, 1, 1, 1}, .data = p, .grad = grad};
    Tensor without = {.rank = 1, .dim = {1, 1, 1, 1}, .data = p + 1};
    Tensor *list[2] = {&without, &with};
    Optimizer optimizer;
    CHECK(optimizer_init(&optimizer, &OPTIMIZER_SGD_DEFAULTS, list, 2, &arena, NULL) == STATUS_OK);
    CHECK(optimizer.first == NULL && optimizer.second == NULL);
    optimizer_step(&optimizer, 0.5);
    CHECK(p[0] == 0.5f && p[1] == 2.0f);
    arena_free(&arena);
}

/* Every kind with 40000 numbers, so that several tasks run: all widths and threads give the bits of one. */
static void test_same_bits_on_all_widths(void)
{
    enum { N = 40003 };
    Arena arena = {0};
    float *p = arena_alloc(&arena, N, sizeof *p), *grad = arena_alloc(&arena, N, sizeof *p);
    float *want = arena_alloc(&arena, N, sizeof *p);
    Tensor x = {.rank = 1, .dim = {N, 1, 1, 1}, .data = p, .grad = grad}, *list[1] = {&x};
    for (size_t r = 0; r < sizeof ROWS / sizeof *ROWS; r++)
        for (int level = ISA_BASE; level <= ISA_AVX512; level++) {
            Optimizer optimizer;
            isa_limit((IsaLevel)level);
            threads_set(level + 1);
            test_fill(p, N, 8);
            CHECK(optimizer_init(&optimizer, &ROWS[r].options, list, 1, &arena, NULL) == STATUS_OK);
            for (uint64_t t = 0; t < 3; t++) {
                test_fill(grad, N, 20 + t);
                optimizer_step(&optimizer, ROWS[r].rate);
            }
            if (level == ISA_BASE)
                memcpy(want, p, N * sizeof *p);
            CHECK(same_bits(p, want, N));
        }
    isa_limit(ISA_AVX512);
    threads_set(0);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *none[1] = {NULL};
    Optimizer untouched = {.steps = 77};
    const OptimizerOptions bad[] = {
        {.kind = OPTIMIZER_SGD, .momentum = 1.0},
        {.kind = OPTIMIZER_SGD, .momentum = -0.1},
        {.kind = OPTIMIZER_SGD, .nesterov = true},
        {.kind = OPTIMIZER_SGD, .decay = -1.0},
        {.kind = OPTIMIZER_ADAM, .beta1 = 1.0, .beta2 = 0.9, .eps = 1e-8},
        {.kind = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.9, .eps = 0.0},
        {.kind = OPTIMIZER_ADAMW, .beta1 = 0.9, .beta2 = -0.9, .eps = 1e-8},
        {.kind = OPTIMIZER_ADAMW, .beta1 = 0.9, .beta2 = 0.9, .eps = 1e-8, .decay = NAN},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Error err = {0};
        CHECK(optimizer_init(&untouched, &bad[i], none, 0, &arena, &err) == STATUS_ARGUMENT);
        CHECK_TEXT(err.text, "optimizer: ");
    }
    CHECK(untouched.steps == 77);
}

static void test_each_allocation_may_fail(void)
{
    float p[2] = {1, 2};
    Tensor x = {.rank = 1, .dim = {2, 1, 1, 1}, .data = p}, *list[2] = {&x, &x};
    Status status = STATUS_MEMORY;
    size_t n = 0;
    while (status == STATUS_MEMORY && ++n < 100) {
        Arena arena = {.fail_after = n};
        Optimizer optimizer;
        status = optimizer_init(&optimizer, &OPTIMIZER_ADAM_DEFAULTS, list, 2, &arena, NULL);
        arena_free(&arena);
    }
    CHECK(status == STATUS_OK && n == 7);
}

int main(void)
{
    Arena arena = {0};
    Safetensors file;
    if (CHECK(safetensors_open(&file, "tests/vectors/optimizers_torch.safetensors", &arena, NULL) ==
              STATUS_OK))
        for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
            test_equals_torch(&file, &ROWS[i]);
    test_first_step_of_adam_by_hand();
    test_resumes_from_its_arrays();
    test_skips_parameters_without_gradient();
    test_same_bits_on_all_widths();
    test_refused();
    test_each_allocation_may_fail();
    arena_free(&arena);
    return check_report("optimizer");
}
