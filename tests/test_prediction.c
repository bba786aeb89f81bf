/* The three kinds of output, converted into each other, and the limits of x0. */
#include "diffusion/prediction.h"
#include "base/rng.h"
#include "tests/check.h"

enum { N = 64 };

/* A known x0 and eps, written as each kind of output, give that x0 and eps again. */
static void test_all_kinds_say_the_same(void)
{
    static const double TIME[] = {0.999, 0.3, 0.0047};
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_TEST, 0);
    float x0[N], eps[N], x[N], out[N], got[N];
    rng_normal_fill(&rng, x0, N);
    rng_normal_fill(&rng, eps, N);
    for (int k = 0; k < 3; k++) {
        const float a = (float)sqrt(TIME[k]), s = (float)sqrt(1 - TIME[k]);
        for (int i = 0; i < N; i++)
            x[i] = a * x0[i] + s * eps[i];
        for (int type = PREDICT_EPSILON; type <= PREDICT_SAMPLE; type++) {
            for (int i = 0; i < N; i++)
                out[i] = type == PREDICT_EPSILON ? eps[i]
                         : type == PREDICT_V     ? a * eps[i] - s * x0[i]
                                                 : x0[i];
            predict_x0(got, x, out, N, type, a, s);
            for (int i = 0; i < N; i++)
                CHECK_NEAR(got[i], x0[i], 1e-6 / a);
            predict_epsilon(got, x, out, N, type, a, s);
            for (int i = 0; i < N; i++)
                CHECK_NEAR(got[i], eps[i], 1e-6 / s);
        }
    }
}

static void test_by_hand(void)
{
    const float x = 3.0f, out = 2.0f;
    float y;
    predict_x0(&y, &x, &out, 1, PREDICT_EPSILON, 0.5f, 0.25f);
    CHECK(y == 5.0f);
    predict_x0(&y, &x, &out, 1, PREDICT_V, 0.5f, 0.25f);
    CHECK(y == 1.0f);
    predict_epsilon(&y, &x, &out, 1, PREDICT_V, 0.5f, 0.25f);
    CHECK(y == 1.75f);
    predict_epsilon(&y, &x, &out, 1, PREDICT_SAMPLE, 0.5f, 0.25f);
    CHECK(y == 8.0f);
}

static void test_clipping(void)
{
    SchedulerConfig c = SCHEDULER_DEFAULTS;
    float x[4] = {-3.0f, -0.5f, 0.25f, 2.0f}, scratch[8];
    c.clip_sample_range = 1.5;
    limit_x0(x, 2, 2, &c, scratch);
    CHECK(x[0] == -1.5f && x[1] == -0.5f && x[2] == 0.25f && x[3] == 1.5f);
    c.clip_sample = false;
    c.clip_sample_range = 0.1;
    limit_x0(x, 2, 2, &c, scratch);
    CHECK(x[0] == -1.5f && x[3] == 1.5f);
}

/* |x| = 0, 1, 2, 4, 8: the 0.6 quantile lies at rank 2.4: 2 + 0.4 * 2 = 2.8. */
static void test_dynamic_thresholding(void)
{
    SchedulerConfig c = SCHEDULER_DEFAULTS;
    float x[10] = {-8.0f, 1.0f, 0.0f, -2.0f, 4.0f, 0.5f, -0.25f, 0.125f, 0.0f, 0.0f}, scratch[10];
    c.thresholding = true;
    c.dynamic_thresholding_ratio = 0.6;
    c.sample_max_value = 100.0;
    limit_x0(x, 2, 5, &c, scratch);
    CHECK_NEAR(x[0], -1.0, 1e-7);
    CHECK_NEAR(x[1], 1.0 / 2.8, 1e-7);
    CHECK_NEAR(x[3], -2.0 / 2.8, 1e-7);
    CHECK_NEAR(x[4], 1.0, 1e-7);
    CHECK(x[5] == 0.5f && x[6] == -0.25f); /* below 1 nothing changes: an image of its own */
    c.sample_max_value = 2.0;
    float y[5] = {-8.0f, 1.0f, 0.0f, -3.0f, 4.0f};
    limit_x0(y, 1, 5, &c, scratch);
    CHECK(y[0] == -1.0f && y[1] == 0.5f);
}

int main(void)
{
    test_all_kinds_say_the_same();
    test_by_hand();
    test_clipping();
    test_dynamic_thresholding();
    return check_report("prediction");
}
