#include "diffusion/config_reader.h"

#include "tests/net_check.h"

static const char *const COLOURS[] = {"red", "green", NULL};

/* Runs `ask` on the JSON and returns the sentence; empty when all is well. */
static const char *sentence(const char *text, void (*ask)(ConfigReader *r))
{
    static Error err;
    Arena arena = {0};
    ConfigReader r = config_reader(json_of(&arena, text), "x/config.json", &arena);
    err = (Error){0};
    ask(&r);
    const Status status = config_finish(&r, &err);
    CHECK((status == STATUS_OK) == (err.text[0] == '\0'));
    arena_free(&arena);
    return err.text;
}

static void ask_nothing(ConfigReader *r)
{
    (void)r;
}

static void ask_width(ConfigReader *r)
{
    CHECK(config_int(r, "width", 7, 1, 100) >= 1);
}

static void ask_rate(ConfigReader *r)
{
    config_number(r, "rate", 0.5, 0.0, 1.0);
}

static void ask_flag(ConfigReader *r)
{
    config_bool(r, "flag", false);
}

static void ask_colour(ConfigReader *r)
{
    config_choice(r, "colour", 0, COLOURS);
}

static void ask_levels(ConfigReader *r)
{
    for (int i = 0; i < 3; i++)
        config_int_at(r, "levels", i, 3, 1, 1, 9);
}

static void ask_colours(ConfigReader *r)
{
    for (int i = 0; i < 2; i++)
        config_choice_at(r, "colours", i, COLOURS);
}

static void ask_only(ConfigReader *r)
{
    config_only_null(r, "extra");
    config_only_bool(r, "dual", false);
    config_only_number(r, "factor", 1.0);
    config_only_text(r, "kind", "default");
}

static void ask_class(ConfigReader *r)
{
    config_class(r, "Net");
}

static void test_values_are_read(void)
{
    Arena arena = {0};
    Error err = {0};
    const char *text =
        "{\"width\": 12, \"rate\": 1e-5, \"flag\": true, \"colour\": \"green\", \"levels\": [1, 2, 3],"
        "\"same\": 4, \"flags\": [false, true], \"colours\": [\"green\", \"red\"], \"none\": null}";
    ConfigReader r = config_reader(json_of(&arena, text), "x", &arena);
    CHECK(config_int(&r, "width", 7, 1, 100) == 12);
    CHECK(config_int(&r, "height", 7, 1, 100) == 7);
    CHECK(config_number(&r, "rate", 0.5, 0.0, 1.0) == 1e-5);
    CHECK(config_bool(&r, "flag", false) && !config_bool(&r, "flop", false));
    CHECK(config_choice(&r, "colour", 0, COLOURS) == 1);
    CHECK(config_choice(&r, "paint", 1, COLOURS) == 1);
    CHECK(config_int_at(&r, "levels", 2, 3, 1, 1, 9) == 3);
    CHECK(config_int_at(&r, "same", 2, 3, 1, 1, 9) == 4);
    CHECK(config_int_at(&r, "absent", 2, 3, 5, 1, 9) == 5);
    CHECK(!config_bool_at(&r, "flags", 0, 2, true) && config_bool_at(&r, "flags", 1, 2, false));
    CHECK(config_choice_at(&r, "colours", 0, COLOURS) == 1 &&
          config_choice_at(&r, "colours", 1, COLOURS) == 0);
    CHECK(config_is_null(&r, "none") && config_is_null(&r, "absent") && !config_is_null(&r, "width"));
    CHECK(config_finish(&r, &err) == STATUS_OK);
    arena_free(&arena);
}

static void test_wrong_values_are_refused_by_name(void)
{
    CHECK_TEXT(sentence("{\"width\": \"wide\"}", ask_width),
               "x/config.json: \"width\" is \"wide\", expected whole numbers in 1 to 100");
    CHECK_TEXT(sentence("{\"width\": 0}", ask_width), "\"width\" is 0");
    CHECK_TEXT(sentence("{\"width\": 2.5}", ask_width), "\"width\" is 2.5");
    CHECK_TEXT(sentence("{\"width\": null}", ask_width), "\"width\" is null");
    CHECK_TEXT(sentence("{\"width\": 5000000000}", ask_width), "\"width\" is 5");
    CHECK_TEXT(sentence("{\"rate\": 2}", ask_rate), "\"rate\" is 2, expected a number in 0 to 1");
    CHECK_TEXT(sentence("{\"rate\": []}", ask_rate), "\"rate\" is a list");
    CHECK_TEXT(sentence("{\"flag\": 1}", ask_flag), "\"flag\" is 1, expected true or false");
    CHECK_TEXT(sentence("{\"flag\": [true]}", ask_flag), "\"flag\" is a list");
    CHECK_TEXT(sentence("{\"flag\": []}", ask_flag), "\"flag\" is a list");
    CHECK_TEXT(sentence("{\"colour\": \"blue\"}", ask_colour),
               "\"colour\" is \"blue\", expected \"red\", \"green\"");
    CHECK_TEXT(sentence("{\"levels\": [1, 2]}", ask_levels),
               "of 2 values, expected one value or a list of 3");
    CHECK_TEXT(sentence("{\"levels\": [1, 2, [3]]}", ask_levels), "\"levels\" is a list");
    CHECK_TEXT(sentence("{\"levels\": [1, 2, 10]}", ask_levels), "expected whole numbers in 1 to 9");
    CHECK_TEXT(sentence("{\"colours\": [\"red\", \"blue\"]}", ask_colours), "with \"blue\" in it");
    CHECK_TEXT(sentence("{\"colours\": [\"red\"]}", ask_colours), "\"colours\" is a list");
}

static void test_one_value_only(void)
{
    CHECK_TEXT(sentence("{\"extra\": 3}", ask_only), "\"extra\" is 3, only null is supported");
    CHECK_TEXT(sentence("{\"dual\": true}", ask_only), "\"dual\" is true, only false is supported");
    CHECK_TEXT(sentence("{\"factor\": 2}", ask_only), "\"factor\" is 2, only 1 is supported");
    CHECK_TEXT(sentence("{\"factor\": \"1\"}", ask_only), "\"factor\" is \"1\"");
    CHECK_TEXT(sentence("{\"kind\": \"other\"}", ask_only), "\"kind\" is \"other\", expected \"default\"");
    CHECK(strcmp(sentence("{\"extra\": null, \"dual\": false, \"factor\": 1.0, \"kind\": \"default\"}",
                          ask_only),
                 "") == 0);
}

static void test_nothing_is_ignored(void)
{
    CHECK_TEXT(sentence("{\"colour\": \"red\", \"mystery\": 1}", ask_colour),
               "\"mystery\" is 1, a setting that is not known");
    CHECK(strcmp(sentence("{\"mystery\": null, \"_note\": 1}", ask_nothing), "") == 0);
    CHECK_TEXT(sentence("{\"_class_name\": \"Web\"}", ask_class),
               "\"_class_name\" is \"Web\", expected \"Net\"");
    CHECK(strcmp(sentence("{\"_class_name\": \"Net\"}", ask_class), "") == 0);
    CHECK(strcmp(sentence("{}", ask_class), "") == 0);
    CHECK_TEXT(sentence("[1]", ask_nothing), "not a JSON object");
}

static void test_the_first_failure_stays(void)
{
    CHECK_TEXT(sentence("{\"dual\": true, \"factor\": 2, \"mystery\": 1}", ask_only), "\"dual\"");
}

int main(void)
{
    test_values_are_read();
    test_wrong_values_are_refused_by_name();
    test_one_value_only();
    test_nothing_is_ignored();
    test_the_first_failure_stays();
    return check_report("config_reader");
}
