/* tests/check.h - the test harness.  One program per tests/test_NAME.c; its exit status is the verdict.
 *
 *     int main(void)
 *     {
 *         test_mean_is_zero();
 *         return check_report("group_norm");
 *     }                                                                                                  */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

static int check_passed, check_failed;

static inline int check_that(int good, const char *what, const char *file, int line)
{
    if (good) {
        check_passed++;
    } else {
        check_failed++;
        printf("%s:%d: failed: %s\n", file, line, what);
    }
    return good;
}

/* |got - want| <= tolerance * max(1, |want|); a NaN fails. */
static inline int check_near(double got, double want, double tolerance, const char *what, const char *file,
                             int line)
{
    const double size = fabs(want) > 1.0 ? fabs(want) : 1.0;
    const int good = fabs(got - want) <= tolerance * size;
    check_that(good, what, file, line);
    if (!good)
        printf("    got %.9g, want %.9g, tolerance %g\n", got, want, tolerance);
    return good;
}

static inline int check_text(const char *got, const char *part, const char *file, int line)
{
    const int good = strstr(got, part) != NULL;
    check_that(good, "text contains", file, line);
    if (!good)
        printf("    got  \"%s\"\n    want \"%s\" in it\n", got, part);
    return good;
}

#define CHECK(condition) check_that((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_NEAR(got, want, tolerance)                                                                   \
    check_near((got), (want), (tolerance), #got " near " #want, __FILE__, __LINE__)
#define CHECK_TEXT(got, part) check_text((got), (part), __FILE__, __LINE__)

static inline int check_report(const char *name)
{
    printf("%-22s %d passed, %d failed\n", name, check_passed, check_failed);
    return check_failed != 0;
}

#endif
