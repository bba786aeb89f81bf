#include "io/crc32.h"
#include "tests/check.h"

/* Bit by bit, as the specification defines it. */
static uint32_t crc32_plain(const unsigned char *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

static void fill(unsigned char *data, size_t size)
{
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        data[i] = (unsigned char)(state >> 24);
    }
}

static void test_published_value(void)
{
    CHECK(crc32_update(0, "123456789", 9) == 0xcbf43926);
    CHECK(crc32_update(0, "", 0) == 0);
    CHECK(crc32_update(0, "IEND", 4) == 0xae426082); /* the last four bytes of every PNG file */
}

static void test_long_data_agrees_with_bit_by_bit(void)
{
    static unsigned char data[10007];
    fill(data, sizeof data);
    int same = 1;
    for (size_t size = 4080; size < 4120; size++)
        same = same && crc32_update(0, data + size % 7, size) == crc32_plain(data + size % 7, size);
    CHECK(same);
    CHECK(crc32_update(0, data, sizeof data) == crc32_plain(data, sizeof data));
}

static void test_pieces_do_not_matter(void)
{
    static unsigned char data[9000];
    fill(data, sizeof data);
    const uint32_t whole = crc32_update(0, data, sizeof data);
    int same = 1;
    for (size_t cut = 0; cut <= sizeof data; cut += 499)
        same = same && crc32_update(crc32_update(0, data, cut), data + cut, sizeof data - cut) == whole;
    CHECK(same);
}

int main(void)
{
    test_published_value();
    test_long_data_agrees_with_bit_by_bit();
    test_pieces_do_not_matter();
    return check_report("crc32");
}
