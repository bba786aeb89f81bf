#include "metrics/focal_frequency.h"

#include "tests/gradcheck.h"

enum { N = 2, C = 3, H = 6, W = 10, COUNT = N * C * H * W };

static float x[COUNT], target[COUNT], gradient[COUNT];

static double loss_of(const FocalFrequencyOptions *options)
{
    Arena arena = {0};
    Error err = {0};
    double loss = NAN;
    if (!CHECK(focal_frequency_loss(&loss, gradient, x, target, N, C, H, W, options, &arena, &err) ==
               STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(arena.used == 0);
    arena_free(&arena);
    return loss;
}

static void fill(void)
{
    test_fill(x, COUNT, 1);
    test_fill(target, COUNT, 2);
}

/* Of two numbers a, b the spectrum is (a + b, a - b) / sqrt(2): d = (3, 1) gives Delta^2 = 8 and 2, weights 1 and 1/2,
 * loss (8 + 1) / 2; the gradient 2 / 2 Re F^-1(w Delta) = (sqrt 8 +- sqrt 2 / 2) / sqrt 2 = 2 +- 1/2. */
static void test_by_hand(void)
{
    Arena arena = {0};
    const float a[2] = {3, 1}, zero[2] = {0, 0};
    float g[2];
    double loss;
    CHECK(focal_frequency_loss(&loss, g, a, zero, 1, 1, 1, 2, &FOCAL_FREQUENCY_DEFAULTS, &arena, NULL) ==
          STATUS_OK);
    CHECK_NEAR(loss, 4.5, 1e-15);
    CHECK_NEAR(g[0], 2.5, 1e-7);
    CHECK_NEAR(g[1], 1.5, 1e-7);
    CHECK(focal_frequency_loss(&loss, g, zero, a, 1, 1, 1, 2, &FOCAL_FREQUENCY_DEFAULTS, &arena, NULL) ==
          STATUS_OK);
    CHECK_NEAR(g[0], -2.5, 1e-7);
    arena_free(&arena);
}

/* alpha 0: every weight is 1, and Parseval says that this is the mean squared error. */
static void test_alpha_0_is_the_squared_error(void)
{
    FocalFrequencyOptions o = FOCAL_FREQUENCY_DEFAULTS;
    double mse = 0.0, off = 0.0;
    o.alpha = 0.0;
    o.weight = 3.0;
    fill();
    for (int i = 0; i < COUNT; i++)
        mse += ((double)x[i] - (double)target[i]) * ((double)x[i] - (double)target[i]) / COUNT;
    CHECK_NEAR(loss_of(&o), 3.0 * mse, 1e-13);
    for (int i = 0; i < COUNT; i++)
        off = fmax(off, fabs((double)gradient[i] - 6.0 * ((double)x[i] - (double)target[i]) / COUNT));
    CHECK(off < 1e-8);
}

static FocalFrequencyOptions variant(int k)
{
    FocalFrequencyOptions o = FOCAL_FREQUENCY_DEFAULTS;
    o.alpha = k % 3 == 0 ? 1.0 : k % 3 == 1 ? 0.5 : 1.7;
    o.tiles = k & 1 ? 2 : 1;
    o.batch_matrix = (k & 2) != 0;
    o.average_spectrum = (k & 4) != 0;
    return o;
}

/* The weights do not change when the difference is scaled, so that L(target + s Delta) = s^2 L, and the slope in that
 * direction is 2 L: the gradient's size and sign. */
static void test_the_gradient_along_the_difference(void)
{
    for (int k = 0; k < 8; k++) {
        const FocalFrequencyOptions o = variant(k);
        double slope = 0.0;
        fill();
        const double loss = loss_of(&o);
        for (int i = 0; i < COUNT; i++)
            slope += (double)gradient[i] * ((double)x[i] - (double)target[i]);
        CHECK_NEAR(slope / (2.0 * loss), 1.0, 1e-6);
        for (int i = 0; i < COUNT; i++) {
            x[i] *= 4.0f;
            target[i] *= 4.0f;
        }
        CHECK_NEAR(loss_of(&o) / loss, 16.0, 1e-13);
    }
}

/* With the weights frozen by alpha 0 any direction can be tried; tiles and the mean spectrum are in it. */
static void test_the_gradient_along_any_direction(void)
{
    for (int k = 0; k < 8; k++) {
        FocalFrequencyOptions o = variant(k);
        static float kept[COUNT], start[COUNT];
        const double step = 1.0 / 64;
        double slope = 0.0, side[2];
        o.alpha = 0.0;
        fill();
        loss_of(&o);
        memcpy(kept, gradient, sizeof kept);
        memcpy(start, x, sizeof start);
        for (int s = 0; s < 2; s++) {
            for (int i = 0; i < COUNT; i++)
                x[i] = start[i] + (float)(s == 0 ? step : -step) * test_number(5, (uint64_t)i);
            side[s] = loss_of(&o);
        }
        for (int i = 0; i < COUNT; i++)
            slope += (double)kept[i] * (double)test_number(5, (uint64_t)i);
        CHECK_NEAR(slope, (side[0] - side[1]) / (2.0 * step), 1e-5);
    }
}

static void test_equal_pictures_and_moved_ones(void)
{
    fill();
    memcpy(target, x, sizeof x);
    CHECK(loss_of(&FOCAL_FREQUENCY_DEFAULTS) == 0.0);
    for (int i = 0; i < COUNT; i++)
        CHECK(gradient[i] == 0.0f);
    fill();
    const double loss = loss_of(&FOCAL_FREQUENCY_DEFAULTS);
    static float a[COUNT], b[COUNT];
    for (int i = 0; i < COUNT; i++) { /* both moved round by 2 rows and 3 columns */
        const int p = i / (H * W), r = (i / W + 2) % H, c = (i + 3) % W;
        a[(p * H + r) * W + c] = x[p * H * W + i / W % H * W + i % W];
        b[(p * H + r) * W + c] = target[p * H * W + i / W % H * W + i % W];
    }
    memcpy(x, a, sizeof x);
    memcpy(target, b, sizeof x);
    CHECK_NEAR(loss_of(&FOCAL_FREQUENCY_DEFAULTS), loss, 1e-13);
}

/* A tile's loss is that of its own picture. */
static void test_tiles_are_pictures(void)
{
    Arena arena = {0};
    FocalFrequencyOptions o = FOCAL_FREQUENCY_DEFAULTS;
    float a[16], b[16], tile_a[4], tile_b[4];
    double whole, sum = 0.0, loss;
    test_fill(a, 16, 3);
    test_fill(b, 16, 4);
    o.tiles = 2;
    CHECK(focal_frequency_loss(&whole, NULL, a, b, 1, 1, 4, 4, &o, &arena, NULL) == STATUS_OK);
    for (int t = 0; t < 4; t++) {
        for (int i = 0; i < 4; i++) {
            const int at = (t / 2 * 2 + i / 2) * 4 + t % 2 * 2 + i % 2;
            tile_a[i] = a[at];
            tile_b[i] = b[at];
        }
        CHECK(focal_frequency_loss(&loss, NULL, tile_a, tile_b, 1, 1, 2, 2, &FOCAL_FREQUENCY_DEFAULTS,
                                   &arena, NULL) == STATUS_OK);
        sum += loss / 4.0;
    }
    CHECK_NEAR(whole, sum, 1e-14);
    arena_free(&arena);
}

static void test_the_batch_and_log_options(void)
{
    FocalFrequencyOptions o = FOCAL_FREQUENCY_DEFAULTS;
    fill();
    const double plain = loss_of(&o);
    o.batch_matrix = true;
    const double batch = loss_of(&o);
    CHECK(batch > 0.0 && batch < plain); /* one largest weight for all planes: the others' weights fall */
    o = FOCAL_FREQUENCY_DEFAULTS;
    o.log_matrix = true;
    CHECK(loss_of(&o) > plain); /* the logarithm draws the weights together */
    for (int i = 0; i < COUNT / N; i++) {
        x[COUNT / N + i] = x[i];
        target[COUNT / N + i] = target[i];
    }
    o = FOCAL_FREQUENCY_DEFAULTS;
    const double each = loss_of(&o);
    o.average_spectrum = true;
    CHECK_NEAR(loss_of(&o), each, 1e-14); /* the mean of equal spectra */
}

static void test_threads_change_nothing(void)
{
    static float kept[COUNT];
    const FocalFrequencyOptions o = variant(3);
    fill();
    threads_set(1);
    const double loss = loss_of(&o);
    memcpy(kept, gradient, sizeof kept);
    threads_set(3);
    CHECK(loss_of(&o) == loss && same_bits(kept, gradient, COUNT));
    threads_set(0);
}

static void refused(FocalFrequencyOptions o, int height, int width, Status status)
{
    Arena arena = {0};
    Error err = {0};
    double loss = 7.0;
    CHECK(focal_frequency_loss(&loss, NULL, x, target, 1, 1, height, width, &o, &arena, &err) == status);
    CHECK(loss == 7.0 && err.text[0] != '\0');
    arena_free(&arena);
}

static void test_what_is_refused(void)
{
    FocalFrequencyOptions o = FOCAL_FREQUENCY_DEFAULTS;
    fill();
    refused(o, 0, 5, STATUS_SHAPE);
    o.tiles = 3;
    refused(o, 6, 8, STATUS_SHAPE);
    o.tiles = 0;
    refused(o, 6, 6, STATUS_ARGUMENT);
    o = FOCAL_FREQUENCY_DEFAULTS;
    o.alpha = -1.0;
    refused(o, 6, 6, STATUS_ARGUMENT);
    o.alpha = NAN;
    refused(o, 6, 6, STATUS_ARGUMENT);
    x[3] = INFINITY;
    refused(FOCAL_FREQUENCY_DEFAULTS, 6, 6, STATUS_NOT_FINITE);
    fill();
    size_t n = 1;
    for (Status status = STATUS_MEMORY; status != STATUS_OK && n < 100; n++) {
        Arena failing = {.fail_after = n};
        double loss;
        status = focal_frequency_loss(&loss, gradient, x, target, N, C, H, W, &FOCAL_FREQUENCY_DEFAULTS,
                                      &failing, NULL);
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        arena_free(&failing);
    }
    CHECK(n > 5 && n < 100);
}

int main(void)
{
    test_by_hand();
    test_alpha_0_is_the_squared_error();
    test_the_gradient_along_the_difference();
    test_the_gradient_along_any_direction();
    test_equal_pictures_and_moved_ones();
    test_tiles_are_pictures();
    test_the_batch_and_log_options();
    test_threads_change_nothing();
    test_what_is_refused();
    return check_report("focal_frequency");
}
