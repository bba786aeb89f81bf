/* The update of the noise: by hand, its properties, and a case with a known rate. */
#include "diffusion/doodl.h"

#include "tests/check.h"

enum { N = 3 };

static Arena arena;

static Doodl begun(const EdictPair *z, DoodlUpdate o)
{
    Doodl d = {0};
    CHECK(doodl_begin(&d, z, N, &o, &arena, NULL) == STATUS_OK);
    return d;
}

/* No limit, momentum, noise or ties. */
static DoodlUpdate plain(void)
{
    return (DoodlUpdate){.clip = HUGE_VAL};
}

static void test_by_hand(void)
{
    double x[N] = {1.0, 2.0, 2.0}, y[N] = {0.0, 3.0, 4.0};
    const EdictPair z = {x, y};
    DoodlUpdate o = plain();
    o.clip = 0.5;
    o.momentum = 0.9;
    Doodl d = begun(&z, o);
    CHECK(d.length == 3.0);
    double gx[N] = {0.2, -4.0, 0.0}, gy[N] = {0.0, 0.4, 1.0};
    CHECK(doodl_update(&d, &z, &(EdictPair){gx, gy}, NULL, NULL) == STATUS_OK);
    const double want_x[N] = {0.9, 2.5, 2.0}, want_y[N] = {0.0, 2.8, 3.5}; /* -4 is limited */
    for (int i = 0; i < N; i++) {
        CHECK_NEAR(x[i], want_x[i], 1e-15);
        CHECK_NEAR(y[i], want_y[i], 1e-15);
    }
    CHECK_NEAR(d.clipped, 1.0 / 6.0, 1e-15);
    double hx[N] = {0.2, 0.0, 0.0}, hy[N] = {0.0, 0.0, 0.0};
    CHECK(doodl_update(&d, &z, &(EdictPair){hx, hy}, NULL, NULL) == STATUS_OK);
    CHECK_NEAR(x[0], 0.9 - 0.19, 1e-15); /* b = 0.9 (-0.1) - 0.1 */
    CHECK_NEAR(x[1], 2.5 + 0.45, 1e-15);
    CHECK(d.updates == 2 && d.clipped == 0.0);
}

static void test_nesterov_and_noise(void)
{
    double x[N] = {1.0, 1.0, 1.0}, y[N] = {1.0, 1.0, 1.0};
    const EdictPair z = {x, y};
    DoodlUpdate o = plain();
    o.momentum = 0.5;
    o.nesterov = true;
    o.perturb = 0.25;
    Doodl d = begun(&z, o);
    const double xi[N] = {4.0, 0.0, -4.0};
    double gx[N] = {2.0, 2.0, 2.0}, gy[N] = {0.0, 0.0, 0.0};
    CHECK(doodl_update(&d, &z, &(EdictPair){gx, gy}, xi, NULL) == STATUS_OK);
    CHECK(x[0] == 1.0 - 1.5 + 1.0 && x[1] == -0.5 && x[2] == -1.5); /* g + mu b = -1 - 0.5 */
    CHECK(y[0] == 2.0 && y[1] == 1.0 && y[2] == 0.0);               /* the same xi */
}

static void test_tied(void)
{
    double x[N] = {1.0, 2.0, 2.0}, y[N] = {1.0, 2.0, 2.0};
    const EdictPair z = {x, y};
    DoodlUpdate o = plain();
    o.tied = true;
    Doodl d = begun(&z, o);
    double gx[N] = {4.0, 0.0, 0.0}, gy[N] = {0.0, 8.0, 0.0};
    CHECK(doodl_update(&d, &z, &(EdictPair){gx, gy}, NULL, NULL) == STATUS_OK);
    CHECK(x[0] == 0.0 && x[1] == 0.0 && x[2] == 2.0); /* a quarter of the sum */
    CHECK(memcmp(x, y, sizeof x) == 0);
    o.renormalise = true;
    d = begun(&z, o);
    double hx[N] = {1.0, -3.0, 2.0}, hy[N] = {0.5, 1.0, 7.0};
    for (int m = 0; m < 5; m++) {
        CHECK(doodl_update(&d, &z, &(EdictPair){hx, hy}, NULL, NULL) == STATUS_OK);
        CHECK_NEAR(sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]), 2.0, 1e-14);
        CHECK(memcmp(x, y, sizeof x) == 0);
    }
}

/* No noise at all: the picture is A z.  Of lambda |A z - c|^2 / 2 for each of the pair, every tied update multiplies what is
 * left by 1 - lambda A^2 / 2. */
static void test_rate(void)
{
    const double A = 13.076, lambda = 0.5 / (A * A), goal[N] = {3.0, -2.0, 0.5};
    double x[N] = {1.0, 2.0, 2.0}, y[N] = {1.0, 2.0, 2.0}, off[N];
    const EdictPair z = {x, y};
    DoodlUpdate o = plain();
    o.tied = true;
    Doodl d = begun(&z, o);
    for (int i = 0; i < N; i++)
        off[i] = A * x[i] - goal[i];
    for (int m = 1; m <= 20; m++) {
        double gx[N], gy[N];
        for (int i = 0; i < N; i++) {
            gx[i] = lambda * A * (A * x[i] - goal[i]);
            gy[i] = lambda * A * (A * y[i] - goal[i]);
        }
        CHECK(doodl_update(&d, &z, &(EdictPair){gx, gy}, NULL, NULL) == STATUS_OK);
        for (int i = 0; i < N; i++)
            CHECK_NEAR(A * x[i] - goal[i], off[i] * pow(0.75, m), 1e-13);
    }
}

static void refuse(const EdictPair *z, DoodlUpdate o, const char *sentence)
{
    Error err = {0};
    Doodl d;
    CHECK(doodl_begin(&d, z, N, &o, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, sentence);
}

static void test_refused(void)
{
    double x[N] = {1.0, 2.0, 2.0}, y[N] = {1.0, 2.0, 2.0}, zero[N] = {0.0};
    const EdictPair z = {x, y}, nothing = {zero, y};
    DoodlUpdate o = DOODL_UPDATE;
    o.clip = 0.0;
    refuse(&z, o, "limit 0 of the gradient");
    o = DOODL_UPDATE;
    o.momentum = 1.0;
    refuse(&z, o, "momentum 1,");
    o = DOODL_UPDATE;
    o.perturb = -1.0;
    refuse(&z, o, "perturbation -1");
    refuse(&nothing, DOODL_UPDATE, "noise of length 0");
    Error err = {0};
    Doodl d;
    arena.fail_after = 1;
    CHECK(doodl_begin(&d, &z, N, &DOODL_UPDATE, &arena, &err) == STATUS_MEMORY);
    arena.fail_after = 0;
    err = (Error){0};
    d = begun(&z, plain());
    double gx[N] = {1.0, NAN, 0.0}, gy[N] = {0.0, 0.0, 0.0};
    CHECK(doodl_update(&d, &z, &(EdictPair){gx, gy}, NULL, &err) == STATUS_NOT_FINITE);
    CHECK_TEXT(err.text, "no number in update 0");
    CHECK(x[0] == 1.0 && d.updates == 0);
}

int main(void)
{
    test_by_hand();
    test_nesterov_and_noise();
    test_tied();
    test_rate();
    test_refused();
    arena_free(&arena);
    return check_report("doodl");
}
