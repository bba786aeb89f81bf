/* The metrics of how diverse a set of pictures is, from outside. */
#include "tests/block_pictures.h"

static Outside o;

static const Json *row(int k)
{
    return json_at(json_get(o.json, "rows"), (size_t)k);
}

static double value(int k, const char *key)
{
    return json_number(json_get(row(k), key), NAN);
}

/* A set of one picture many times is farther from a diverse one than a set of many pictures, in every space. */
static void test_diversity(void)
{
    write_set(&o, "wide", 12, 100);
    write_set(&o, "wide2", 12, 300);
    write_set(&o, "half", 12, 500);
    write_set(&o, "narrow", 12, 700);
    for (int i = 0; i < 12; i++) {
        char line[100];
        snprintf(line, sizeof line, "cp narrow/%d.png narrow/x.png && mv narrow/x.png narrow/%d.png", i % 2,
                 i);
        CHECK(outside_shell(&o, line));
        if (i >= 6)
            snprintf(line, sizeof line, "cp half/%d.png half/%d.png", i - 6, i);
        CHECK(outside_shell(&o, line));
    }
    outside_json(&o, "metric diversity --json half wide --floor wide2 --ceiling narrow", 0);
    CHECK(json_count(json_get(o.json, "rows")) == 3 && json_count(json_get(o.json, "sets")) == 4);
    for (int k = 0; k < 3; k++) {
        CHECK(value(k, "floor") > 0.0 && value(k, "value") > value(k, "floor"));
        CHECK(value(k, "ceiling") > value(k, "value"));
        CHECK_NEAR(value(k, "position"),
                   (value(k, "value") - value(k, "floor")) / (value(k, "ceiling") - value(k, "floor")),
                   1e-12);
    }
    const double plain = value(2, "value");
    CHECK_TEXT(json_text(json_get(row(0), "features"), ""), "ldm99-features/hidden1 of 128 numbers");
    CHECK_TEXT(json_text(json_get(row(1), "features"), ""),
               "stage3.location (64 channels, 16 x 16) of 256 numbers");
    CHECK_TEXT(json_text(json_get(row(2), "features"), ""),
               "stage2.style (32 channels, 32 x 32) of 528 numbers");
    outside_json(&o, "metric diversity --json half wide --gram", 0);
    CHECK(json_kind(json_get(row(0), "floor")) == JSON_ABSENT && value(2, "value") != plain);
    CHECK_TEXT(json_text(json_get(row(2), "features"), ""), "stage2.gram");
    outside_json(&o, "metric diversity --json wide wide", 0);
    for (int k = 0; k < 3; k++)
        CHECK(fabs(value(k, "value")) <= 1e-6 * value(k, "trace_m"));
    CHECK(outside_run(&o, "metric diversity half wide") == 0);
    CHECK_TEXT(o.out, "\nstyle");
}

/* The same rows are what fid compares with --tap. */
static void test_tap(void)
{
    outside_json(&o, "metric diversity --json half wide", 0);
    const double location = value(1, "value");
    outside_json(&o, "metric fid --json --tap location half wide", 0);
    CHECK(json_number(json_get(o.json, "value"), NAN) == location);
    outside_fails(&o, "metric fid --tap depth half wide", 2, "depth");
}

static void test_pairwise(void)
{
    CHECK(outside_run(&o, "metric pairwise narrow --plot n.svg") == 0 && outside_has(&o, "n.svg"));
    CHECK_TEXT(o.out, "66 pairs: ");
    CHECK_TEXT(o.out, "nearest 0.00  narrow/0.png  narrow/10.png\n");
    outside_json(&o, "metric pairwise --json wide --tap gram", 0);
    CHECK(json_number(json_get(o.json, "pairs"), 0.0) == 66.0 &&
          json_count(json_get(o.json, "histogram")) == 50);
    const double least = json_number(json_get(o.json, "least"), NAN),
                 mean = json_number(json_get(o.json, "mean"), NAN);
    CHECK(least > 0.0 && least < mean && mean < json_number(json_get(o.json, "greatest"), NAN));
    CHECK(json_number(json_get(json_at(json_get(o.json, "nearest"), 0), "distance"), NAN) == least);
    outside_json(&o, "metric pairwise --json wide --tap gram -t 1", 0);
    CHECK(json_number(json_get(o.json, "mean"), NAN) == mean);
}

static void test_what_is_refused(void)
{
    outside_fails(&o, "metric diversity half", 2, "expected two sets A M");
    outside_fails(&o, "metric pairwise half wide", 2, "expected one set A, got 2");
    write_set(&o, "few", 3, 900);
    outside_fails(&o, "metric diversity few wide", 2, "3 pictures in few and 12 in wide");
    CHECK(outside_run(&o, "metric diversity few wide --force") == 0);
    write_set(&o, "one", 1, 901);
    outside_fails(&o, "metric diversity --force one wide", 2, "one: expected two pictures or more");
    outside_fails(&o, "metric pairwise one --plot never.svg", 2, "expected two pictures or more");
    outside_fails(&o, "metric diversity half none", 3, "none");
    CHECK(outside_shell(&o, "head -c 90 few/1.png > few/b.png && mv few/b.png few/1.png"));
    outside_fails(&o, "metric pairwise few --plot never.svg", 3, "few/1.png");
    CHECK(!outside_has(&o, "never.svg"));
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "diversity")) {
        test_diversity();
        test_tap();
        test_pairwise();
        test_what_is_refused();
    }
    outside_end(&o);
    return check_report("diversity_metric");
}
