/* metrics/pair_metric.c: names, recipes, and what every metric refuses. */
#include "metrics/pair_metric.h"

#include "tests/check.h"

static void test_names_and_recipes(void)
{
    int count = 0;
    for (const PairMetric *m; (m = pair_metric(count)) != NULL; count++) {
        const size_t n = strlen(m->name);
        CHECK(pair_metric_find(m->name) == m);
        CHECK(strncmp(m->recipe, m->name, n) == 0 && m->recipe[n] == ' ' && m->recipe[n + 1] >= '1');
        CHECK(strchr(m->recipe, '\n') == NULL);
    }
    CHECK(count == 3 && pair_metric(-1) == NULL && pair_metric_find("fid") == NULL);
}

static void test_refused(void)
{
    Arena arena = {0};
    float a[144] = {0}, b[144] = {0};
    const PicturePair good = {a, b, 1, 12, 12, 2.0};
    for (int i = 0; pair_metric(i) != NULL; i++) {
        const PairMetric *m = pair_metric(i);
        for (int k = 0; k < 6; k++) {
            PicturePair bad = good;
            Error err = {0};
            double got = 7.0;
            bad.planes = k == 0 ? 0 : 1;
            bad.height = k == 1 ? -1 : 12;
            bad.range = k == 2 ? 0.0 : k == 3 ? (double)NAN : k == 4 ? (double)INFINITY : 2.0;
            b[143] = k == 5 ? INFINITY : 0.0f;
            const Status status = m->measure(&got, &bad, &arena, &err);
            CHECK(status == (k == 5 ? STATUS_NOT_FINITE : STATUS_ARGUMENT) && got == 7.0);
            CHECK_TEXT(err.text, k < 2   ? "each at least 1"
                                 : k < 5 ? "the range of the numbers"
                                         : "number 143 of the second");
            CHECK(strncmp(err.text, m->name, strlen(m->name)) == 0);
        }
        a[7] = NAN;
        double got = 7.0;
        CHECK(m->measure(&got, &good, &arena, NULL) == STATUS_NOT_FINITE && got == 7.0);
        a[7] = 0.0f;
        b[143] = 0.0f;
        CHECK(m->measure(&got, &good, &arena, NULL) == STATUS_OK && got != 7.0);
    }
    arena_free(&arena);
}

int main(void)
{
    test_names_and_recipes();
    test_refused();
    return check_report("pair_metric");
}
