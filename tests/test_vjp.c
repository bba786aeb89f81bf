#include "diffusion/vjp.h"

#include "nn/elementwise.h"
#include "tests/net_check.h"

/* y = 3 a b; the third input, when there is one, is not looked at. */
static Tensor *product(Tape *tape, const void *context, Tensor *const *inputs)
{
    return multiply(tape, scale(tape, inputs[0], *(const float *)context), inputs[1]);
}

static const float THREE = 3.0f;

typedef struct {
    Arena inputs, arena, gradients;
    Tensor *a, *b, *unused;
} Fixture;

static Fixture fixture(void)
{
    Fixture f = {0};
    f.a = any_tensor(&f.inputs, 1, 2, 2, 2);
    f.b = any_tensor(&f.inputs, 2, 2, 2, 2);
    f.unused = any_tensor(&f.inputs, 3, 1, 3);
    return f;
}

static void fixture_free(Fixture *f)
{
    arena_free(&f->inputs);
    arena_free(&f->arena);
    arena_free(&f->gradients);
}

static void test_by_hand(void)
{
    Fixture f = fixture();
    Tape tape = {.arena = &f.arena, .gradients = &f.gradients};
    float y[4], da[4], db[4], dunused[3] = {7, 7, 7}, dy[4] = {1, 2, -1, 0.5f};
    const Tensor *inputs[3] = {f.a, f.b, f.unused};
    float *gradient[3] = {da, db, dunused};
    CHECK(vjp(y, gradient, &tape, product, &THREE, inputs, 3, dy) == STATUS_OK);
    for (int i = 0; i < 4; i++) {
        CHECK_NEAR(y[i], 3.0 * f.a->data[i] * f.b->data[i], 1e-6);
        CHECK_NEAR(da[i], 3.0 * dy[i] * f.b->data[i], 1e-6);
        CHECK_NEAR(db[i], 3.0 * dy[i] * f.a->data[i], 1e-6);
    }
    CHECK(dunused[0] == 0.0f && dunused[1] == 0.0f && dunused[2] == 0.0f);
    CHECK(f.a->grad == NULL && !f.a->wants_grad); /* the caller's tensors are only read */
    CHECK(f.arena.used == 0 && tape.last == NULL && !tape.recording);
    fixture_free(&f);
}

static void test_only_what_is_asked_for(void)
{
    Fixture f = fixture();
    Tape tape = {.arena = &f.arena, .gradients = &f.gradients};
    float db[4], y[4], dy[4] = {1, 1, 1, 1};
    const Tensor *inputs[2] = {f.a, f.b};
    float *second[2] = {NULL, db}, *none[2] = {NULL, NULL};
    CHECK(vjp(NULL, second, &tape, product, &THREE, inputs, 2, dy) == STATUS_OK);
    CHECK_NEAR(db[3], 3.0 * f.a->data[3], 1e-6);
    CHECK(vjp(y, none, &tape, product, &THREE, inputs, 2, dy) == STATUS_OK); /* simply y */
    CHECK_NEAR(y[0], 3.0 * f.a->data[0] * f.b->data[0], 1e-6);
    fixture_free(&f);
}

static void test_buffers_are_used_again(void)
{
    Fixture f = fixture();
    Tape tape = {.arena = &f.arena, .gradients = &f.gradients};
    float da[4], dy[4] = {1, 1, 1, 1};
    const Tensor *inputs[2] = {f.a, f.b};
    float *first[2] = {da, NULL};
    CHECK(vjp(NULL, first, &tape, product, &THREE, inputs, 2, dy) == STATUS_OK);
    const size_t used = f.gradients.used;
    for (int i = 0; i < 10; i++)
        CHECK(vjp(NULL, first, &tape, product, &THREE, inputs, 2, dy) == STATUS_OK);
    CHECK(f.gradients.used == used && f.arena.used == 0);
    fixture_free(&f);
}

static void test_a_failure_is_told(void)
{
    Fixture f = fixture();
    Tape tape = {.arena = &f.arena, .gradients = &f.gradients};
    float da[4], dy[4] = {1, 1, 1, 1};
    const Tensor *inputs[2] = {f.a, f.unused};
    float *first[2] = {da, NULL};
    CHECK(vjp(NULL, first, &tape, product, &THREE, inputs, 2, dy) == STATUS_SHAPE);
    CHECK(tape.error.text[0] != '\0' && f.arena.used == 0 && tape.last == NULL);
    fixture_free(&f);
}

typedef struct {
    Fixture f;
    float da[4];
} Attempt;

static Status attempt(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->f.arena, .gradients = &a->f.gradients};
    const Tensor *inputs[2] = {a->f.a, a->f.b};
    float *first[2] = {a->da, NULL}, dy[4] = {1, 1, 1, 1};
    const Status status = vjp(NULL, first, &tape, product, &THREE, inputs, 2, dy);
    arena_release(&a->f.gradients, (ArenaMark){0});
    return status;
}

static void test_failing_allocations(void)
{
    Attempt a = {.f = fixture()};
    check_allocations(attempt, &a, &a.f.arena);
    check_allocations(attempt, &a, &a.f.gradients);
    fixture_free(&a.f);
}

int main(void)
{
    test_by_hand();
    test_only_what_is_asked_for();
    test_buffers_are_used_again();
    test_a_failure_is_told();
    test_failing_allocations();
    return check_report("vjp");
}
