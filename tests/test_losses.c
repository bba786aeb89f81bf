#include "nn/losses.h"

#include "tests/gradcheck.h"

typedef Tensor *(*PairLoss)(Tape *tape, Tensor *x, Tensor *z);

static Tensor *bce(Tape *tape, Tensor *x, Tensor *z)
{
    return bce_with_logits(tape, x, z);
}

static const PairLoss PAIRS[] = {mse_loss, gaussian_kl, bce};
static const char *const PAIR_NAMES[] = {"mse_loss", "gaussian_kl", "bce_with_logits"};

static Tensor *build_pair(Tape *tape, Tensor *const *x, const void *context)
{
    return PAIRS[*(const int *)context](tape, x[0], x[1]);
}

static Tensor *build_cross_entropy(Tape *tape, Tensor *const *x, const void *context)
{
    return cross_entropy(tape, x[0], context);
}

static Tensor *build_contrastive(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    return contrastive_loss(tape, unit_rows(tape, x[0]), unit_rows(tape, x[1]), x[2]);
}

static void test_pairs_by_hand(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float x[4] = {1, 3, 0, -2}, z[4] = {0, 1, 0.5f, 0.25f};
    Tensor *tx = tape_input(&tape, x, 2, (int[]){2, 2}, false),
           *tz = tape_input(&tape, z, 2, (int[]){2, 2}, false);
    const Tensor *y = mse_loss(&tape, tx, tz);
    CHECK(y != NULL && y->rank == 1 && y->dim[0] == 2 && y->data[0] == 2.5f);
    CHECK_NEAR(y->data[1], (0.25 + 2.25 * 2.25) / 2, 1e-7);
    y = gaussian_kl(&tape, tx, tz);
    CHECK_NEAR(y->data[0], 0.5 * ((1 + 1 - 1 - 0) + (9 + exp(1) - 1 - 1)), 1e-6);
    y = bce_with_logits(&tape, tx, tz);
    CHECK_NEAR(y->data[0], (log(1 + exp(1)) + log(1 + exp(-3))) / 2, 1e-7);
    CHECK_NEAR(y->data[1], (log(2) + log(1 + exp(-2)) + 2 * 0.25) / 2, 1e-7);
    arena_free(&arena);
}

/* KL is 0 at the standard normal and nowhere below; MSE of equal tensors is 0. */
static void test_zero_at_the_optimum(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float zeros[3] = {0, 0, 0};
    Tensor *z = tape_input(&tape, zeros, 2, (int[]){1, 3}, false);
    CHECK(gaussian_kl(&tape, z, z)->data[0] == 0.0f);
    Tensor *a = test_tensor(&arena, 1, 2, (int[]){50, 3}), *b = test_tensor(&arena, 2, 2, (int[]){50, 3});
    const Tensor *kl = gaussian_kl(&tape, a, b), *none = mse_loss(&tape, a, a);
    for (int n = 0; n < 50; n++)
        CHECK(kl->data[n] >= 0.0f && none->data[n] == 0.0f);
    arena_free(&arena);
}

static void test_bce_far_out(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float x[2] = {100, -100}, right[2] = {1, 0}, wrong[2] = {0, 1};
    Tensor *tx = tape_input(&tape, x, 2, (int[]){1, 2}, false);
    CHECK(bce_with_logits(&tape, tx, tape_input(&tape, right, 2, (int[]){1, 2}, false))->data[0] < 1e-40f);
    CHECK(bce_with_logits(&tape, tx, tape_input(&tape, wrong, 2, (int[]){1, 2}, false))->data[0] == 100.0f);
    arena_free(&arena);
}

static void test_cross_entropy_by_hand(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float x[6] = {0, 0, 0, 1000, 0, -1000};
    Tensor *tx = tape_input(&tape, x, 2, (int[]){2, 3}, false);
    const Tensor *y = cross_entropy(&tape, tx, (int[]){1, 0});
    CHECK_NEAR(y->data[0], log(3), 1e-7);
    CHECK(y->data[1] == 0.0f);
    y = cross_entropy(&tape, tx, (int[]){2, 2});
    CHECK(y->data[1] == 2000.0f);
    arena_free(&arena);
}

/* Pictures that are their texts, with a great scale: the loss is near 0; alike texts: log of their number. */
static void test_contrastive_by_hand(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float unit[4] = {1, 0, 0, 1}, same[4] = {1, 0, 1, 0}, scale[1] = {3};
    Tensor *a = tape_input(&tape, unit, 2, (int[]){2, 2}, false),
           *b = tape_input(&tape, same, 2, (int[]){2, 2}, false);
    Tensor *s = tape_input(&tape, scale, 1, (int[]){1}, false);
    CHECK_NEAR(contrastive_loss(&tape, a, a, s)->data[0], log(1 + exp(-exp(3))), 1e-7);
    CHECK_NEAR(contrastive_loss(&tape, b, b, s)->data[0], log(2), 1e-6);
    CHECK(tape.error.status == STATUS_OK);
    arena_free(&arena);
}

static void test_unit_rows(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float x[4] = {3, 4, 0, -2};
    const Tensor *y = unit_rows(&tape, tape_input(&tape, x, 2, (int[]){2, 2}, false));
    const float want[4] = {0.6f, 0.8f, 0.0f, -1.0f};
    CHECK(y != NULL && same_bits(y->data, want, 4));
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *a = test_tensor(&arena, 1, 2, (int[]){2, 3}), *b = test_tensor(&arena, 1, 2, (int[]){3, 2});
    Tensor *number = test_tensor(&arena, 1, 0, NULL), *none = test_tensor(&arena, 1, 2, (int[]){2, 0});
    for (int k = 0; k < 3; k++) {
        Tensor *const bad[][2] = {{a, b}, {number, number}, {none, none}};
        for (int i = 0; i < 3; i++) {
            Tape tape = {.arena = &arena};
            CHECK(PAIRS[k](&tape, bad[i][0], bad[i][1]) == NULL && tape.error.status == STATUS_SHAPE);
            CHECK_TEXT(tape.error.text, PAIR_NAMES[k]);
        }
        Tape tape = {.arena = &arena};
        CHECK(PAIRS[k](&tape, a, NULL) == NULL && PAIRS[k](&tape, NULL, a) == NULL);
        CHECK(tape.error.status == STATUS_OK);
    }
    static const int labels[][2] = {{0, 3}, {-1, 0}};
    for (int i = 0; i < 2; i++) {
        Tape tape = {.arena = &arena};
        CHECK(cross_entropy(&tape, a, labels[i]) == NULL && tape.error.status == STATUS_ARGUMENT);
    }
    Tape tape = {.arena = &arena}, tape2 = {.arena = &arena}, tape3 = {.arena = &arena};
    CHECK(cross_entropy(&tape, number, labels[0]) == NULL && tape.error.status == STATUS_SHAPE);
    CHECK(contrastive_loss(&tape2, a, b, number) == NULL && tape2.error.status == STATUS_SHAPE);
    CHECK(contrastive_loss(&tape3, a, a, b) == NULL && tape3.error.status == STATUS_SHAPE);
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0};
    test_pairs_by_hand();
    test_zero_at_the_optimum();
    test_bce_far_out();
    test_cross_entropy_by_hand();
    test_contrastive_by_hand();
    test_unit_rows();
    for (int k = 0; k < 3; k++) {
        OperatorCase c = {.name = PAIR_NAMES[k], .build = build_pair, .context = &k, .count = 2};
        c.x[0] = test_tensor(&arena, 1, 3, (int[]){3, 5, 7});
        c.x[1] = test_tensor(&arena, 2, 3, (int[]){3, 5, 7});
        c.x[1]->wants_grad = k < 2;
        operatorcheck(&c, 0);
    }
    OperatorCase c = {.name = "cross_entropy", .build = build_cross_entropy, .count = 1};
    c.context = (int[]){3, 0, 8, 3};
    c.x[0] = test_tensor(&arena, 1, 2, (int[]){4, 9});
    gradcheck(&c);
    memorycheck(&c);
    widthcheck(&c);
    segmentcheck(&c);
    c = (OperatorCase){.name = "contrastive_loss", .build = build_contrastive, .count = 3};
    c.x[0] = test_tensor(&arena, 1, 2, (int[]){4, 9});
    c.x[1] = test_tensor(&arena, 2, 2, (int[]){4, 9});
    c.x[2] = test_tensor(&arena, 3, 1, (int[]){1});
    gradcheck(&c);
    memorycheck(&c);
    widthcheck(&c);
    segmentcheck(&c);
    test_refused();
    arena_free(&arena);
    return check_report("losses");
}
