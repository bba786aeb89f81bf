/* Categories, lower case and NFC at the places where they are easy to get wrong. */
#include "diffusion/tokenizer_unicode.h"
#include "tests/check.h"

static void test_categories(void)
{
    CHECK(unicode_is_letter('a') && unicode_is_letter('Z') && !unicode_is_letter('_') &&
          !unicode_is_letter('1'));
    CHECK(unicode_is_letter(0xe9) && unicode_is_letter(0x4e2d) &&
          unicode_is_letter(0x1d4bd)); /* e', zhong, h */
    CHECK(unicode_is_letter(0x3134a) && !unicode_is_letter(0x3134b) && !unicode_is_letter(0x10ffff));
    CHECK(unicode_is_number('7') && unicode_is_number(0xbd) &&
          unicode_is_number(0x2167)); /* 1/2, Roman VIII */
    CHECK(unicode_is_number(0x663) && !unicode_is_number(0x24b6) && !unicode_is_number('x'));
    CHECK(unicode_is_control(0) && unicode_is_control(0x7f) &&
          unicode_is_control(0x200b)); /* zero width space */
    CHECK(unicode_is_control(0xe000) && unicode_is_control(0x378) && unicode_is_control(0xd800));
    CHECK(!unicode_is_control(' ') && !unicode_is_control(0x301) && !unicode_is_control(0xfe0f));
    CHECK(unicode_is_space(' ') && unicode_is_space(0xa0) && unicode_is_space(0x3000) &&
          unicode_is_space(0x2028));
    CHECK(!unicode_is_space(0x200b) && !unicode_is_space('a'));
}

static void check_nfc(const uint32_t *text, size_t count, const uint32_t *want, size_t length)
{
    uint32_t out[64];
    CHECK(unicode_nfc(out, text, count) == length);
    CHECK(memcmp(out, want, length * sizeof *want) == 0);
    CHECK(unicode_nfc(out, want, length) == length && memcmp(out, want, length * sizeof *want) == 0);
}

static void test_nfc(void)
{
    check_nfc((const uint32_t[]){'e', 0x301}, 2, (const uint32_t[]){0xe9}, 1);
    check_nfc((const uint32_t[]){'a', 0x300, 0x301}, 3, (const uint32_t[]){0xe0, 0x301}, 2);
    check_nfc((const uint32_t[]){'a', 0x301, 0x323}, 3, (const uint32_t[]){0x1ea1, 0x301},
              2); /* below first */
    check_nfc((const uint32_t[]){'a', 0x5b0, 0x300}, 3, (const uint32_t[]){0xe0, 0x5b0},
              2); /* classes 10, 230 */
    check_nfc((const uint32_t[]){'a', 'b', 0x301}, 3, (const uint32_t[]){'a', 'b', 0x301}, 3);
    check_nfc((const uint32_t[]){0x301, 'e'}, 2, (const uint32_t[]){0x301, 'e'}, 2);
    check_nfc((const uint32_t[]){0x212b}, 1, (const uint32_t[]){0xc5}, 1); /* the unit Angstrom */
    check_nfc((const uint32_t[]){0x958}, 1, (const uint32_t[]){0x915, 0x93c},
              2);                                                            /* does not compose again */
    check_nfc((const uint32_t[]){0x1f82}, 1, (const uint32_t[]){0x1f82}, 1); /* four parts */
    check_nfc((const uint32_t[]){0x1112, 0x1161, 0x11ab}, 3, (const uint32_t[]){0xd55c}, 1); /* han */
    check_nfc((const uint32_t[]){0xd558, 0x11a7}, 2, (const uint32_t[]){0xd558, 0x11a7}, 2); /* no tail */
    check_nfc((const uint32_t[]){0xf900, 0x2fa1d}, 2, (const uint32_t[]){0x8c48, 0x2a600}, 2);
    check_nfc((const uint32_t[]){'p', 'l', 'a', 'i', 'n'}, 5, (const uint32_t[]){'p', 'l', 'a', 'i', 'n'},
              5);
}

static void check_lower(const uint32_t *text, size_t count, const uint32_t *want, size_t length)
{
    uint32_t out[64];
    CHECK(unicode_lower(out, text, count) == length);
    CHECK(memcmp(out, want, length * sizeof *want) == 0);
}

static void test_lower(void)
{
    check_lower((const uint32_t[]){'A', 'z', '[', '@'}, 4, (const uint32_t[]){'a', 'z', '[', '@'}, 4);
    check_lower((const uint32_t[]){0xc5, 0x416, 0x1e9e}, 3, (const uint32_t[]){0xe5, 0x436, 0xdf}, 3);
    check_lower((const uint32_t[]){0x130}, 1, (const uint32_t[]){'i', 0x307}, 2);
    check_lower((const uint32_t[]){0x100, 0x101, 0x102}, 3, (const uint32_t[]){0x101, 0x101, 0x103}, 3);
    check_lower((const uint32_t[]){0x1c5, 0x178}, 2, (const uint32_t[]){0x1c6, 0xff}, 2);
    check_lower((const uint32_t[]){0x24b6, 0x10400}, 2, (const uint32_t[]){0x24d0, 0x10428}, 2);
    check_lower((const uint32_t[]){0x17f}, 1, (const uint32_t[]){0x17f}, 1); /* the long s has none */
    /* Sigma ends a word in OS but not in SO, nor alone; marks and apostrophes do not count. */
    check_lower((const uint32_t[]){0x39f, 0x3a3}, 2, (const uint32_t[]){0x3bf, 0x3c2}, 2);
    check_lower((const uint32_t[]){0x3a3, 0x39f}, 2, (const uint32_t[]){0x3c3, 0x3bf}, 2);
    check_lower((const uint32_t[]){0x3a3}, 1, (const uint32_t[]){0x3c3}, 1);
    check_lower((const uint32_t[]){0x39f, 0x301, 0x3a3, '\'', ' ', 'A'}, 6,
                (const uint32_t[]){0x3bf, 0x301, 0x3c2, '\'', ' ', 'a'}, 6);
    check_lower((const uint32_t[]){0x39f, 0x3a3, '\'', 'A'}, 4, (const uint32_t[]){0x3bf, 0x3c3, '\'', 'a'},
                4);
}

int main(void)
{
    test_categories();
    test_nfc();
    test_lower();
    return check_report("tokenizer_unicode");
}
