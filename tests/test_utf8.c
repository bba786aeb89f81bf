#include "io/utf8.h"

#include "tests/check.h"

/* Every code point goes out and comes back, and no shorter piece of it is taken. */
static void test_all_code_points(void)
{
    int wrong = 0;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        unsigned char bytes[UTF8_LONGEST];
        uint32_t back = 0;
        if (code >= 0xd800 && code < 0xe000)
            continue;
        const int size = utf8_write(bytes, code);
        wrong += size != (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
        wrong += utf8_read(&back, bytes, (size_t)size) != size || back != code;
        for (int cut = 0; cut < size; cut++)
            wrong += utf8_read(&back, bytes, (size_t)cut) != 0;
    }
    CHECK(wrong == 0);
}

/* Of all sequences of two bytes just the right ones are taken; of three, none that is overlong or a surrogate. */
static void test_what_is_refused(void)
{
    int two = 0, wrong = 0;
    for (int a = 0x80; a < 0x100; a++)
        for (int b = 0; b < 0x100; b++) {
            const unsigned char bytes[4] = {(unsigned char)a, (unsigned char)b, 0x80, 0x80};
            uint32_t code = 0;
            const int size = utf8_read(&code, bytes, 4);
            two += size == 2;
            wrong += size == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000));
            wrong += size == 4 && (code < 0x10000 || code > 0x10ffff);
            wrong += size == 1;
        }
    CHECK(two == 30 * 64 && wrong == 0);
    uint32_t code;
    CHECK(utf8_read(&code, "\xe2\x82(", 3) == 0 && utf8_read(&code, "\xf0\x9f\x98(", 4) == 0);
    CHECK(utf8_read(&code, "\xf4\x90\x80\x80", 4) == 0 && utf8_read(&code, "\xed\xa0\x80", 3) == 0);
    CHECK(utf8_read(&code, "\xe0\x9f\xbf", 3) == 0 && utf8_read(&code, "\xf0\x8f\xbf\xbf", 4) == 0);
}

int main(void)
{
    test_all_code_points();
    test_what_is_refused();
    return check_report("utf8");
}
