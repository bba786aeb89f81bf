#include "base/decimal.h"

#include <float.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "tests/check.h"

static double read_all(const char *text)
{
    double x = 0.0;
    size_t used = 0;
    if (!CHECK(decimal_read(&x, text, strlen(text), &used) && used == strlen(text)))
        printf("    text %s\n", text);
    return x;
}

static void check_reads(const char *text, uint64_t bits)
{
    const double x = read_all(text);
    if (!CHECK(double_bits(x) == bits))
        printf("    %s gives %a\n", text, x);
}

static void check_writes(double x, const char *want)
{
    char text[DECIMAL_LONGEST];
    const int length = decimal_write(text, x);
    if (!CHECK(strcmp(text, want) == 0 && length == (int)strlen(want)))
        printf("    %a: got %s, want %s\n", x, text, want);
}

static void test_reads_known_numbers(void)
{
    check_reads("0", 0);
    check_reads("-0.0e5", 0x8000000000000000u);
    check_reads("1", 0x3ff0000000000000u);
    check_reads("+1.", 0x3ff0000000000000u);
    check_reads(".5", 0x3fe0000000000000u);
    check_reads("0.1", 0x3fb999999999999au);
    check_reads("0.00085", 0x3f4bda5119ce075fu);
    check_reads("-12.5e-1", 0xbff4000000000000u);
    check_reads("1e22", 0x4480f0cf064dd592u);
    check_reads("1e23", 0x44b52d02c7e14af6u);
    check_reads("9007199254740993", 0x4340000000000000u); /* halfway: to even */
    check_reads("9007199254740993.000000000000000000000000000000000001", 0x4340000000000001u);
    check_reads("9007199254740995", 0x4340000000000002u);
    check_reads("1.7976931348623157e308", 0x7fefffffffffffffu);
    check_reads("1.7976931348623158e308", 0x7fefffffffffffffu);
    check_reads("1.7976931348623159e308", 0x7ff0000000000000u);
    check_reads("1e400", 0x7ff0000000000000u);
    check_reads("-1e999999999999999999999", 0xfff0000000000000u);
    check_reads("1e-999999999999999999999", 0);
    check_reads("0e999999999999999999999", 0);
    check_reads("4.9406564584124654e-324", 1);
    check_reads("2.4703282292062327e-324", 0); /* just below half of the smallest */
    check_reads("2.4703282292062328e-324", 1);
    check_reads("2.2250738585072011e-308", 0x000fffffffffffffu); /* the number that hung PHP and Java */
    check_reads("2.2250738585072014e-308", 0x0010000000000000u);
    check_reads("6929495644600919.5", 0x43389e56ee5e7a58u); /* halfway, odd and even neighbours */
    check_reads("1.00000000000000033306690738754696212708950042724609375", 0x3ff0000000000002u);
    check_reads("3.14159265358979323846264338327950288", 0x400921fb54442d18u);
}

static void test_stops_where_the_number_ends(void)
{
    double x = 0.0;
    size_t used = 0;
    CHECK(decimal_read(&x, "1.5,2", 5, &used) && x == 1.5 && used == 3);
    CHECK(decimal_read(&x, "12e", 3, &used) && x == 12.0 && used == 2);
    CHECK(decimal_read(&x, "12e+", 4, &used) && x == 12.0 && used == 2);
    CHECK(decimal_read(&x, "123", 2, &used) && x == 12.0 && used == 2);
    CHECK(decimal_read(&x, "1.2.3", 5, &used) && x == 1.2 && used == 3);
    const char *const none[] = {"", "-", "+", ".", "e5", "abc", "-.e1", " 1", "nan", "inf"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        CHECK(!decimal_read(&x, none[i], strlen(none[i]), &used));
}

/* 3 * 2^-1075, halfway between the two smallest numbers, is 3 * 5^1075 / 10^1075 and has 752 digits. */
static void test_the_longest_tie(void)
{
    enum { DIGITS = 752 };
    unsigned char digit[DIGITS] = {3}; /* the lowest first */
    for (int power = 0; power < 1075; power++) {
        unsigned carry = 0;
        for (int i = 0; i < DIGITS; i++) {
            carry += digit[i] * 5u;
            digit[i] = (unsigned char)(carry % 10);
            carry /= 10;
        }
    }
    char text[DIGITS + 20];
    for (int i = 0; i < DIGITS; i++)
        text[i] = (char)('0' + digit[DIGITS - 1 - i]);
    CHECK(text[0] == '7' && text[DIGITS - 1] == '5');
    strcpy(text + DIGITS, "e-1075");
    CHECK(read_all(text) == 0x1p-1073); /* to even */
    text[DIGITS - 1] = '4';
    CHECK(read_all(text) == 0x1p-1074);
    strcpy(text + DIGITS, "99999e-1080");
    CHECK(read_all(text) == 0x1p-1074);
    strcpy(text + DIGITS - 1, "50001e-1079");
    CHECK(read_all(text) == 0x1p-1073);
}

static void test_long_ties_are_exact(void)
{
    char text[2000];
    size_t length = 0;
    length += (size_t)sprintf(text, "%.1080f", ldexp(3.0, -1074)); /* 3 * 2^-1074: exact */
    double x = read_all(text);
    CHECK(x == ldexp(3.0, -1074));
    /* halfway between 2^53 and 2^53 + 2, then 900 zeros and a 1 */
    strcpy(text, "9007199254740993.");
    length = strlen(text);
    memset(text + length, '0', 900);
    strcpy(text + length + 900, "1");
    CHECK(read_all(text) == 9007199254740994.0);
    text[length + 900] = '0';
    CHECK(read_all(text) == 9007199254740992.0);
    memset(text, '0', 1500);
    text[1] = '.';
    strcpy(text + 1500, "7e1500");
    CHECK(read_all(text) == 70.0);
}

static void test_writes_the_shortest_text(void)
{
    check_writes(0.0, "0");
    check_writes(-0.0, "-0");
    check_writes(1.0, "1");
    check_writes(-1.5, "-1.5");
    check_writes(0.1, "0.1");
    check_writes(0.1 + 0.2, "0.30000000000000004");
    check_writes(100.0, "100");
    check_writes(123456.789, "123456.789");
    check_writes(1e21 / 10, "100000000000000000000");
    check_writes(1e21, "1e+21");
    check_writes(1e22, "1e+22");
    check_writes(1e23, "1e+23");
    check_writes(1e-6, "0.000001");
    check_writes(1.5e-7, "1.5e-7");
    check_writes(5e-324, "5e-324");
    check_writes(DBL_MAX, "1.7976931348623157e+308");
    check_writes(DBL_MIN, "2.2250738585072014e-308");
    check_writes(9007199254740992.0, "9007199254740992");
    check_writes(0x1p-44, "5.684341886080802e-14"); /* a power of two: the gap below is narrower */
    check_writes(9.5e-7, "9.5e-7");
    check_writes(9.999999e22, "9.999999e+22");
    check_writes(0x1p50 + 0.25, "1125899906842624.2"); /* .2 and .3 are equally near: the even one */
    check_writes(0x1p50 + 0.75, "1125899906842624.8");
    check_writes(HUGE_VAL, "inf");
    check_writes(-HUGE_VAL, "-inf");
    check_writes(bits_double(0x7ff8000000000000u), "nan");
    char text[DECIMAL_LONGEST];
    decimal_write_f32(text, 0.1f);
    CHECK(strcmp(text, "0.1") == 0);
    decimal_write_f32(text, FLT_MAX);
    CHECK(strcmp(text, "3.4028235e+38") == 0);
    decimal_write_f32(text, 0x1p-149f);
    CHECK(strcmp(text, "1e-45") == 0);
    decimal_write_f32(text, 16777216.0f);
    CHECK(strcmp(text, "16777216") == 0);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state ^ *state >> 29) * 0xbf58476d1ce4e5b9u;
}

/* Any bit pattern comes back from its text; libc, where it can tell, agrees that 1 digit less does not do. */
static void test_every_number_comes_back(void)
{
    uint64_t state = 1;
    int wrong = 0, longer = 0, wrong32 = 0;
    for (int i = 0; i < 20000; i++) {
        const uint64_t bits = next_random(&state);
        const double x = bits_double(bits), near = (double)(int64_t)(bits >> 40) / 1000.0;
        char text[DECIMAL_LONGEST], libc[40];
        size_t used = 0;
        double back = 0.0;
        const double tried = i % 4 == 0 ? near : x;
        if (tried != tried || fabs(tried) == HUGE_VAL)
            continue;
        const int length = decimal_write(text, tried);
        wrong +=
            !decimal_read(&back, text, (size_t)length, &used) || double_bits(back) != double_bits(tried);
        wrong += length >= DECIMAL_LONGEST;
        int precision = 1;
        while (precision < 17 && (sprintf(libc, "%.*e", precision - 1, tried), strtod(libc, NULL) != tried))
            precision++;
        int digits = 0;
        bool leading = true;
        for (int k = 0; k < length && text[k] != 'e'; k++)
            if (text[k] >= '0' && text[k] <= '9' && (!leading || text[k] != '0')) {
                leading = false;
                digits++;
            }
        for (int k = (int)strcspn(text, "e") - 1; digits > 1 && text[k] == '0' && strchr(text, '.') == NULL;
             k--)
            digits--;
        longer += digits > precision;
        const float f = bits_float((uint32_t)(bits >> 13));
        float f_back = 0.0f;
        if (f == f && fabsf(f) < HUGE_VALF) {
            const int f_length = decimal_write_f32(text, f);
            wrong32 += !decimal_read_f32(&f_back, text, (size_t)f_length, &used) ||
                       float_bits(f_back) != float_bits(f) || f_length >= DECIMAL_LONGEST;
        }
    }
    CHECK(wrong == 0);
    CHECK(longer == 0);
    CHECK(wrong32 == 0);
}

/* Random texts against libc's reader, which is correctly rounded in glibc and musl. */
static void test_reads_as_libc(void)
{
    uint64_t state = 2;
    int wrong = 0;
    for (int i = 0; i < 20000; i++) {
        char text[64];
        const uint64_t r = next_random(&state);
        const int length = sprintf(
            text, "%llu.%llue%d", (unsigned long long)(next_random(&state) >> (r % 60)),
            (unsigned long long)(next_random(&state) >> (r / 64 % 60)), (int)(r / 4096 % 700) - 360);
        double x = 0.0;
        size_t used = 0;
        const bool good = decimal_read(&x, text, (size_t)length, &used);
        wrong += !good || used != (size_t)length || double_bits(x) != double_bits(strtod(text, NULL));
        float f = 0.0f;
        (void)decimal_read_f32(&f, text, (size_t)length, &used);
        wrong += float_bits(f) != float_bits(strtof(text, NULL));
    }
    CHECK(wrong == 0);
}

int main(void)
{
    test_reads_known_numbers();
    test_stops_where_the_number_ends();
    test_long_ties_are_exact();
    test_the_longest_tie();
    test_writes_the_shortest_text();
    test_every_number_comes_back();
    test_reads_as_libc();
    return check_report("decimal");
}
