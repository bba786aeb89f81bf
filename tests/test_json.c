#include "io/json.h"

#include <stdlib.h>

#include "tests/check.h"

static const Json *parse(Arena *arena, const char *text)
{
    const Json *out = NULL;
    Error err = {0};
    if (!CHECK(json_parse(&out, text, strlen(text), "text", arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    return out;
}

/* The text is refused with this sentence, *out and the arena stay as they were. */
static void refuses_bytes(const char *text, size_t size, const char *sentence)
{
    Arena arena = {0};
    const Json *out = NULL;
    Error err = {0};
    if (!CHECK(json_parse(&out, text, size, "text", &arena, &err) == STATUS_FORMAT))
        printf("    accepted: %s\n", text);
    CHECK(out == NULL && arena.used == 0);
    CHECK_TEXT(err.text, sentence);
    CHECK(json_parse(&out, text, size, "text", &arena, NULL) == STATUS_FORMAT);
    arena_free(&arena);
}

static void refuses(const char *text, const char *sentence)
{
    refuses_bytes(text, strlen(text), sentence);
}

static void test_values_of_every_kind(void)
{
    Arena arena = {0};
    const Json *v =
        parse(&arena, " {\"n\" : null, \"t\":true,\"f\":false,\"i\":-12,\"x\":2.5e-1,\r\n\t\"s\":\"a\","
                      "\"a\":[1,[],{},\"z\"],\"o\":{\"k\":0}} ");
    CHECK(json_kind(v) == JSON_OBJECT && json_count(v) == 8);
    CHECK(json_kind(json_get(v, "n")) == JSON_NULL);
    CHECK(json_bool(json_get(v, "t"), false) && !json_bool(json_get(v, "f"), true));
    CHECK(json_int(json_get(v, "i"), 0) == -12 && json_number(json_get(v, "i"), 0) == -12.0);
    CHECK(json_number(json_get(v, "x"), 0) == 0.25);
    CHECK(strcmp(json_text(json_get(v, "s"), ""), "a") == 0);
    const Json *a = json_get(v, "a");
    CHECK(json_kind(a) == JSON_ARRAY && json_count(a) == 4);
    CHECK(json_kind(json_at(a, 1)) == JSON_ARRAY && json_count(json_at(a, 1)) == 0);
    CHECK(json_kind(json_at(a, 2)) == JSON_OBJECT && json_count(json_at(a, 2)) == 0);
    CHECK(json_at(a, 4) == NULL && json_key(a, 0) == NULL);
    CHECK(json_int(json_get(json_get(v, "o"), "k"), 7) == 0);
    CHECK(strcmp(json_key(v, 0), "n") == 0 && strcmp(json_key(v, 7), "o") == 0 && json_key(v, 8) == NULL);
    CHECK(json_index(v, "s") == 5 && json_index(v, "none") == SIZE_MAX);
    arena_free(&arena);
}

static void test_absent_and_other_kinds_give_the_default(void)
{
    Arena arena = {0};
    const Json *v = parse(&arena, "{\"s\":\"a\",\"x\":1.5,\"big\":3000000000}");
    CHECK(json_kind(NULL) == JSON_ABSENT && json_get(NULL, "a") == NULL && json_count(NULL) == 0);
    CHECK(json_get(v, "none") == NULL && json_get(json_get(v, "s"), "a") == NULL);
    CHECK(json_int(json_get(v, "none"), 3) == 3 && json_int(json_get(v, "s"), 4) == 4);
    CHECK(json_int(json_get(v, "x"), 5) == 5 && json_int(json_get(v, "big"), 6) == 6);
    CHECK(json_number(json_get(v, "big"), 0) == 3e9 && json_number(json_get(v, "s"), 2.0) == 2.0);
    CHECK(json_bool(json_get(v, "x"), true) && json_text(json_get(v, "x"), NULL) == NULL);
    arena_free(&arena);
}

static void test_numbers_are_exact(void)
{
    Arena arena = {0};
    const Json *v =
        parse(&arena, "[0,-0,18446744073709551615,18446744073709551616,-1,1e2,0.1,1E+2,-2147483648,"
                      "9007199254740993,5e-324,1e-400]");
    uint64_t u = 1;
    CHECK(json_uint64(&u, json_at(v, 0)) && u == 0);
    CHECK(json_uint64(&u, json_at(v, 1)) && u == 0 && signbit(json_number(json_at(v, 1), 1)));
    CHECK(json_uint64(&u, json_at(v, 2)) && u == UINT64_MAX);
    CHECK(!json_uint64(&u, json_at(v, 3)) && json_number(json_at(v, 3), 0) == 18446744073709551616.0);
    CHECK(!json_uint64(&u, json_at(v, 4)) && !json_uint64(&u, json_at(v, 5)));
    CHECK(json_int(json_at(v, 5), 0) == 100 && json_int(json_at(v, 7), 0) == 100);
    CHECK(json_number(json_at(v, 6), 0) == 0.1);
    CHECK(json_int(json_at(v, 8), 0) == -2147483647 - 1);
    CHECK(json_uint64(&u, json_at(v, 9)) && u == 9007199254740993u);
    CHECK(json_number(json_at(v, 10), 0) == 5e-324 && json_number(json_at(v, 11), 1) == 0.0);
    arena_free(&arena);
}

static void test_texts_are_decoded(void)
{
    Arena arena = {0};
    const Json *v = parse(&arena, "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\","
                                  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",\"a\\u0000b\",\"\"]");
    CHECK(strcmp(json_text(json_at(v, 0), ""), "\"\\/\b\f\n\r\t") == 0);
    CHECK(strcmp(json_text(json_at(v, 1), ""), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == 0);
    CHECK(strcmp(json_text(json_at(v, 2), ""), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == 0);
    CHECK(json_text_length(json_at(v, 3)) == 3 && memcmp(json_text(json_at(v, 3), ""), "a\0b", 4) == 0);
    CHECK(json_text_length(json_at(v, 4)) == 0 && json_text(json_at(v, 4), "x")[0] == '\0');
    arena_free(&arena);
}

static void test_refuses_what_is_not_json(void)
{
    refuses("", "text: line 1, column 1: the text ends where a value should be");
    refuses("{\n \"a\": 1,\n}", "line 3, column 1: expected a name in quotation marks, got '}'");
    refuses("[1,]", "column 4: expected a value, got ']'");
    refuses("[,1]", "expected a value");
    refuses("[1 2]", "expected ',' or ']', got '2'");
    refuses("{\"a\" 1}", "expected ':'");
    refuses("{\"a\":1", "the text ends where ',' or '}' should be");
    refuses("{a:1}", "expected a name");
    refuses("[1] x", "expected the end of the text, got 'x'");
    refuses("tru", "expected a value");
    refuses("True", "expected a value");
    refuses("NaN", "expected a value");
    refuses("-", "a digit after '-'");
    refuses("-Infinity", "a digit after '-'");
    refuses("01", "expected the end of the text");
    refuses("+1", "expected a value");
    refuses(".5", "expected a value");
    refuses("1.", "a digit after '.'");
    refuses("1.e5", "a digit after '.'");
    refuses("1e", "a digit in the exponent");
    refuses("1e+", "a digit in the exponent");
    refuses("0x10", "expected the end");
    refuses("1e999", "does not fit in binary64");
    refuses("[-1e309]", "column 2: the number does not fit");
    refuses("// c\n1", "expected a value, got '/'");
    refuses("{\"a\":1,\"b\":2,\"a\":3}", "the name \"a\" is twice");
    refuses("\"abc", "the text ends where the closing '\"'");
    refuses("\"a\nb\"", "an escape for a control character, got byte 0x0a");
    refuses("\"\\x\"", "after a backslash, got 'x'");
    refuses("\"\\", "the text ends");
    refuses("\"\\u12g4\"", "hexadecimal digit after \\u, got 'g'");
    refuses("\"\\ud800\"", "\\ud800 is the first half of a surrogate pair without the second");
    refuses("\"\\ud800\\u0041\"", "without the second");
    refuses("\"\\udc00\"", "\\udc00 is the second half");
    refuses("\"\\udfff\"", "\\udfff is the second half");
    refuses("\"\\ud800\\ue000\"", "without the second");
    refuses("\"\x1f\"", "an escape for a control character, got byte 0x1f");
    refuses("'a'", "expected a value");
    refuses_bytes("1\0", 2, "expected the end of the text, got byte 0x00");
    refuses_bytes("\"a\0b\"", 5, "control character, got byte 0x00");
}

static void test_refuses_what_is_not_utf8(void)
{
    static const char *const bad[] = {"\x80",
                                      "\xc3",
                                      "\xc3(",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xfe",
                                      "\xff",
                                      "\xe2\x82",
                                      "\xf0\x9f\x98"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[16];
        sprintf(text, "\"%s\"", bad[i]);
        refuses(text, "is not UTF-8");
    }
    Arena arena = {0};
    CHECK(json_int(parse(&arena, "\xef\xbb\xbf 7"), 0) == 7); /* a byte order mark */
    arena_free(&arena);
}

static void test_depth_is_bounded(void)
{
    char text[2 * JSON_DEPTH + 3] = "";
    memset(text, '[', JSON_DEPTH);
    memset(text + JSON_DEPTH, ']', JSON_DEPTH);
    Arena arena = {0};
    CHECK(json_count(parse(&arena, text)) == 1);
    arena_free(&arena);
    const Json *beside = parse(
        &arena, "[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
                "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
                "[],[],[],[],[],[],[],[],[],[]]");
    CHECK(json_count(beside) == 66); /* more than JSON_DEPTH side by side */
    arena_free(&arena);
    memset(text, '[', JSON_DEPTH + 1);
    memset(text + JSON_DEPTH + 1, ']', JSON_DEPTH + 1);
    refuses(text, "more than 64 levels");
    char *deep = malloc(1000000);
    memset(deep, '[', 1000000);
    refuses_bytes(deep, 1000000, "more than 64 levels");
    free(deep);
}

/* 50000 names in an order that is not theirs: each is found, in both senses of order. */
static void test_big_objects_keep_order_and_are_searched(void)
{
    enum { COUNT = 50000 };
    Arena arena = {0};
    Bytes text = {.arena = &arena};
    bytes_add_byte(&text, '{');
    for (int i = 0; i < COUNT; i++)
        bytes_add_format(&text, "%s\"n%d\":%d", i ? "," : "", (int)((long long)i * 7919 % COUNT), i);
    bytes_add_byte(&text, '}');
    const Json *v = NULL;
    Error err = {0};
    CHECK(json_parse(&v, (char *)text.data, text.size, "big", &arena, &err) == STATUS_OK);
    int wrong = 0;
    for (int i = 0; i < COUNT; i++) {
        char name[20];
        sprintf(name, "n%d", (int)((long long)i * 7919 % COUNT));
        wrong += json_int(json_get(v, name), -1) != i || strcmp(json_key(v, (size_t)i), name) != 0 ||
                 json_int(json_at(v, (size_t)i), -1) != i;
    }
    CHECK(wrong == 0 && json_get(v, "n") == NULL && json_get(v, "n50000") == NULL);
    arena_free(&arena);
}

static void write_example(JsonWriter *w)
{
    json_begin_object(w, NULL);
    json_write_text(w, "name", "tab\t \"quoted\" \\ \x01 \xc3\xa9 bad \xff.");
    json_write_int(w, "least", INT64_MIN);
    json_write_uint64(w, "most", UINT64_MAX);
    json_write_number(w, "tenth", 0.1);
    json_write_number(w, "nan", HUGE_VAL - HUGE_VAL);
    json_begin_array(w, "list");
    json_write_bool(w, NULL, true);
    json_write_null(w, NULL);
    json_begin_object(w, NULL);
    json_end(w);
    json_begin_array(w, NULL);
    json_end(w);
    json_end(w);
    json_end(w);
}

static const char EXAMPLE[] =
    "{\n"
    "  \"name\": \"tab\\t \\\"quoted\\\" \\\\ \\u0001 \xc3\xa9 bad \xef\xbf\xbd.\",\n"
    "  \"least\": -9223372036854775808,\n"
    "  \"most\": 18446744073709551615,\n"
    "  \"tenth\": 0.1,\n"
    "  \"nan\": null,\n"
    "  \"list\": [\n"
    "    true,\n"
    "    null,\n"
    "    {},\n"
    "    []\n"
    "  ]\n"
    "}\n";

static void test_writer_by_hand_and_back(void)
{
    Arena arena = {0};
    Bytes text = {.arena = &arena}, again = {.arena = &arena};
    JsonWriter w = {.out = &text}, w2 = {.out = &again};
    write_example(&w);
    bytes_add_byte(&text, 0);
    CHECK(!text.failed && strcmp((char *)text.data, EXAMPLE) == 0);
    json_write_value(&w2, NULL, parse(&arena, EXAMPLE));
    CHECK(again.size == strlen(EXAMPLE) && memcmp(again.data, EXAMPLE, again.size) == 0);
    arena_free(&arena);
}

static void test_failing_allocations(void)
{
    Status status = STATUS_MEMORY;
    for (size_t n = 1; status != STATUS_OK; n++) {
        Arena arena = {.fail_after = n};
        const Json *out = NULL;
        Error err = {0};
        status = json_parse(&out, EXAMPLE, strlen(EXAMPLE), "text", &arena, &err);
        CHECK(status == (n <= 3 ? STATUS_MEMORY : STATUS_OK) && (out != NULL) == (n > 3));
        arena_free(&arena);
    }
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        Arena arena = {.fail_after = n};
        Bytes text = {.arena = &arena};
        JsonWriter w = {.out = &text};
        write_example(&w);
        failed = text.failed;
        CHECK(failed || text.size == strlen(EXAMPLE));
        arena_free(&arena);
    }
}

int main(void)
{
    test_values_of_every_kind();
    test_absent_and_other_kinds_give_the_default();
    test_numbers_are_exact();
    test_texts_are_decoded();
    test_refuses_what_is_not_json();
    test_refuses_what_is_not_utf8();
    test_depth_is_bounded();
    test_big_objects_keep_order_and_are_searched();
    test_writer_by_hand_and_back();
    test_failing_allocations();
    return check_report("json");
}
