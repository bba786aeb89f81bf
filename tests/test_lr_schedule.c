#include "nn/lr_schedule.h"

#include "tests/check.h"

/* Factors of diffusers' get_scheduler at steps 0, 5, 10, 30, 55, 100, 120 with 10 warm-up steps of 100. */
static void test_equals_diffusers(void)
{
    static const int64_t steps[7] = {0, 5, 10, 30, 55, 100, 120};
    static const struct {
        LrSchedule schedule;
        double want[7];
    } rows[] = {
        {{.kind = LR_CONSTANT, .warmup = 10, .total = 100}, {1, 1, 1, 1, 1, 1, 1}},
        {{.kind = LR_CONSTANT_WITH_WARMUP, .warmup = 10, .total = 100}, {0, 0.5, 1, 1, 1, 1, 1}},
        {{.kind = LR_LINEAR, .warmup = 10, .total = 100}, {0, 0.5, 1, 7.0 / 9, 0.5, 0, 0}},
        {{.kind = LR_COSINE, .warmup = 10, .total = 100},
         {0, 0.5, 1, 0.883022221559489, 0.5, 0, 0.116977778440511}},
        {{.kind = LR_COSINE, .warmup = 10, .total = 100, .cycles = 1.0},
         {0, 0.5, 1, 0.586824088833465, 0, 1, 0.586824088833465}},
        {{.kind = LR_COSINE_WITH_RESTARTS, .warmup = 10, .total = 100, .cycles = 2.0},
         {0, 0.5, 1, 0.586824088833465, 1, 0, 0}},
        {{.kind = LR_COSINE_WITH_RESTARTS, .warmup = 10, .total = 100},
         {0, 0.5, 1, 0.883022221559489, 0.5, 0, 0}},
        {{.kind = LR_POLYNOMIAL, .warmup = 10, .total = 100, .end = 0.1, .power = 2.0},
         {0, 0.5, 1, 0.9 * 49.0 / 81 + 0.1, 0.325, 0.1, 0.1}},
        {{.kind = LR_POLYNOMIAL, .warmup = 10, .total = 100}, {0, 0.5, 1, 7.0 / 9, 0.5, 0, 0}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (int i = 0; i < 7; i++)
            if (!CHECK_NEAR(lr_factor(&rows[r].schedule, steps[i]), rows[r].want[i], 1e-12))
                printf("    row %zu, step %d\n", r, (int)steps[i]);
}

static void test_no_division_by_nothing(void)
{
    for (int k = 0; k < LR_COUNT; k++) {
        const LrSchedule empty = {.kind = (LrKind)k}, warm = {.kind = (LrKind)k, .warmup = 1, .total = 1};
        for (int64_t step = 0; step < 3; step++) {
            CHECK(lr_factor(&empty, step) >= 0.0 && lr_factor(&empty, step) <= 1.0);
            CHECK(lr_factor(&warm, step) >= 0.0 && lr_factor(&warm, step) <= 1.0);
        }
        CHECK(lr_factor(&warm, 0) == (k == LR_CONSTANT ? 1.0 : 0.0));
    }
}

static void test_names(void)
{
    LrKind kind = LR_COUNT;
    Error err = {0};
    for (int k = 0; k < LR_COUNT; k++)
        CHECK(lr_kind_named(&kind, lr_kind_name((LrKind)k), NULL) == STATUS_OK && kind == (LrKind)k);
    CHECK(lr_kind_named(&kind, "cosin", &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "\"cosin\"");
    CHECK_TEXT(err.text, "cosine_with_restarts");
}

int main(void)
{
    test_equals_diffusers();
    test_no_division_by_nothing();
    test_names();
    return check_report("lr_schedule");
}
