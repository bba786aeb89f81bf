#include "metrics/label_agreement.h"

#include "tests/check.h"
#include "tests/net_check.h"

/* Truth 0 0 0 1 1 2, given 0 0 1 1 2 2 of five labels: unions 3, 3, 2 with 2, 1, 1 in both. */
static void test_by_hand(void)
{
    const uint16_t truth[6] = {0, 0, 0, 1, 1, 2}, given[6] = {0, 0, 1, 1, 2, 2};
    Arena arena = {0};
    LabelAgreement a;
    CHECK(label_agreement_begin(&a, 5, &arena, NULL) == STATUS_OK);
    CHECK(label_pixel_accuracy(&a) == 0.0 && label_thing_accuracy(&a) == 0.0 && label_mean_iou(&a) == 0.0);
    CHECK(label_agreement_add(&a, truth, given, 2, NULL) == STATUS_OK);
    CHECK(label_pixel_accuracy(&a) == 1.0 && label_thing_accuracy(&a) == 0.0);
    CHECK(label_agreement_add(&a, truth + 2, given + 2, 4, NULL) == STATUS_OK);
    CHECK_NEAR(label_pixel_accuracy(&a), 4.0 / 6.0, 1e-15);
    CHECK_NEAR(label_thing_accuracy(&a), 2.0 / 3.0, 1e-15);
    CHECK_NEAR(label_mean_iou(&a), (2.0 / 3.0 + 1.0 / 3.0 + 1.0 / 2.0) / 3.0, 1e-15);
    arena_free(&arena);
}

/* A label that is only given, never true, lowers the others' unions alone. */
static void test_a_label_that_does_not_occur(void)
{
    const uint16_t truth[4] = {1, 1, 1, 1}, given[4] = {1, 1, 1, 3};
    Arena arena = {0};
    LabelAgreement a;
    CHECK(label_agreement_begin(&a, 4, &arena, NULL) == STATUS_OK);
    CHECK(label_agreement_add(&a, truth, given, 4, NULL) == STATUS_OK);
    CHECK(label_mean_iou(&a) == 0.75 && label_pixel_accuracy(&a) == 0.75 &&
          label_thing_accuracy(&a) == 0.75);
    arena_free(&arena);
}

static void test_refused(void)
{
    const uint16_t fine[2] = {0, 1}, beyond[2] = {0, 2};
    Arena arena = {0};
    Error err = {0};
    LabelAgreement a;
    CHECK(label_agreement_begin(&a, 2, &arena, NULL) == STATUS_OK);
    CHECK(label_agreement_add(&a, beyond, fine, 2, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "there are 2 labels");
    CHECK(label_agreement_add(&a, fine, beyond, 2, NULL) == STATUS_ARGUMENT);
    CHECK(label_pixel_accuracy(&a) == 0.0); /* nothing was counted */
    Arena failing = {.fail_after = 1};
    CHECK(label_agreement_begin(&a, 2, &failing, NULL) == STATUS_MEMORY);
    arena_free(&failing);
    arena_free(&arena);
}

int main(void)
{
    test_by_hand();
    test_a_label_that_does_not_occur();
    test_refused();
    return check_report("label_agreement");
}
