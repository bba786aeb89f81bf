#include "io/adler32.h"
#include "tests/check.h"

/* Modulus after every byte, as RFC 1950 defines it. */
static uint32_t adler32_plain(const unsigned char *data, size_t size)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + data[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static void test_published_value(void)
{
    CHECK(adler32_update(1, "Wikipedia", 9) == 0x11e60398);
    CHECK(adler32_update(1, "", 0) == 1);
}

/* The sums are largest for bytes of 255 added to the largest remainders. */
static void test_no_overflow(void)
{
    static unsigned char data[70000];
    memset(data, 255, sizeof data);
    CHECK(adler32_update(1, data, sizeof data) == adler32_plain(data, sizeof data));
    uint32_t a = 65520, b = 65520;
    for (size_t i = 0; i < 20000; i++) {
        a = (a + 255) % 65521;
        b = (b + a) % 65521;
    }
    CHECK(adler32_update(65520u << 16 | 65520u, data, 20000) == (b << 16 | a));
}

static void test_pieces_do_not_matter(void)
{
    static unsigned char data[20000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * i % 251);
    const uint32_t whole = adler32_plain(data, sizeof data);
    int same = 1;
    for (size_t cut = 0; cut <= sizeof data; cut += 499)
        same = same && adler32_update(adler32_update(1, data, cut), data + cut, sizeof data - cut) == whole;
    CHECK(same);
}

int main(void)
{
    test_published_value();
    test_no_overflow();
    test_pieces_do_not_matter();
    return check_report("adler32");
}
