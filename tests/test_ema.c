#include "nn/ema.h"

#include "tests/gradcheck.h"

static void test_decay_by_hand(void)
{
    EmaOptions o = EMA_DEFAULTS;
    CHECK(ema_decay(&o, 1) == 0.0);
    CHECK(ema_decay(&o, 2) == 2.0 / 11.0);
    CHECK(ema_decay(&o, 11) == 11.0 / 20.0);
    CHECK(ema_decay(&o, 1000000) == 0.9999);
    o.min_decay = 0.5;
    CHECK(ema_decay(&o, 2) == 0.5 && ema_decay(&o, 1) == 0.0);
    o.after = 10;
    CHECK(ema_decay(&o, 11) == 0.0 && ema_decay(&o, 21) == 11.0 / 20.0);
    o = (EmaOptions){.decay = 0.999, .warmup = true, .inv_gamma = 1.0, .power = 2.0 / 3.0};
    CHECK_NEAR(ema_decay(&o, 2), 1.0 - pow(2.0, -2.0 / 3.0), 1e-15);
    CHECK_NEAR(ema_decay(&o, 8), 0.75, 1e-15);
}

static void test_follows_and_swaps(void)
{
    float p[3] = {1, 2, 3};
    Arena arena = {0};
    Tensor x = {.rank = 1, .dim = {3, 1, 1, 1}, .data = p}, *list[1] = {&x};
    const EmaOptions o = {.decay = 0.75, .min_decay = 0.75};
    Ema ema;
    CHECK(ema_init(&ema, &o, list, 1, &arena, NULL) == STATUS_OK);
    CHECK(ema.shadow[0][0] == 1.0f && ema.updates == 0);
    p[0] = 5;
    ema_update(&ema); /* the first update copies */
    CHECK(ema.shadow[0][0] == 5.0f);
    p[0] = 9, p[1] = 6;
    ema_update(&ema); /* 5 + (9 - 5) / 4, 2 + (6 - 2) / 4 */
    CHECK(ema.shadow[0][0] == 6.0f && ema.shadow[0][1] == 3.0f && ema.shadow[0][2] == 3.0f);
    CHECK(p[0] == 9.0f && ema.updates == 2);
    ema_swap(&ema);
    CHECK(p[0] == 6.0f && p[1] == 3.0f && ema.shadow[0][0] == 9.0f);
    ema_swap(&ema);
    CHECK(p[0] == 9.0f && ema.shadow[0][0] == 6.0f);
    arena_free(&arena);
}

static void test_same_bits_on_all_widths(void)
{
    enum { N = 40003 };
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 3, 1, (int[]){N}), *list[1] = {x};
    float *want = arena_alloc(&arena, N, sizeof *want);
    for (int level = ISA_BASE; level <= ISA_AVX512; level++) {
        Ema ema;
        isa_limit((IsaLevel)level);
        threads_set(level + 1);
        test_fill(x->data, N, 3);
        CHECK(ema_init(&ema, &EMA_DEFAULTS, list, 1, &arena, NULL) == STATUS_OK);
        for (uint64_t t = 0; t < 3; t++) {
            test_fill(x->data, N, 30 + t);
            ema_update(&ema);
        }
        for (size_t i = 0; i < N && level == ISA_BASE;
             i++) { /* the written formula, from the copy at t = 1 on */
            want[i] = test_number(30, i);
            for (int k = 1; k <= 2; k++) {
                const float rest = (float)(1.0 - (1.0 + k) / (10.0 + k));
                const float apart = want[i] - test_number(30 + (uint64_t)k, i);
                const float step = rest * apart;
                want[i] = want[i] - step;
            }
        }
        CHECK(same_bits(ema.shadow[0], want, N));
    }
    isa_limit(ISA_AVX512);
    threads_set(0);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    Ema ema;
    const EmaOptions bad[] = {{.decay = 1.5},
                              {.decay = -0.5},
                              {.decay = NAN},
                              {.decay = 0.9, .min_decay = 2.0},
                              {.decay = 0.9, .after = -1},
                              {.decay = 0.9, .warmup = true, .inv_gamma = 0.0, .power = 1.0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Error err = {0};
        CHECK(ema_init(&ema, &bad[i], NULL, 0, &arena, &err) == STATUS_ARGUMENT);
        CHECK_TEXT(err.text, "ema: decay");
    }
    Tensor *x = test_tensor(&arena, 1, 1, (int[]){5}), *list[2] = {x, x};
    Status status = STATUS_MEMORY;
    size_t n = 0;
    while (status == STATUS_MEMORY && ++n < 100) {
        Arena small = {.fail_after = n};
        status = ema_init(&ema, &EMA_DEFAULTS, list, 2, &small, NULL);
        arena_free(&small);
    }
    CHECK(status == STATUS_OK && n == 4);
    arena_free(&arena);
}

int main(void)
{
    test_decay_by_hand();
    test_follows_and_swaps();
    test_same_bits_on_all_widths();
    test_refused();
    return check_report("ema");
}
