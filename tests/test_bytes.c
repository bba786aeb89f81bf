#include "base/bytes.h"

#include "tests/check.h"

static void test_byte_orders_by_hand(void)
{
    unsigned char b[8];
    le16_put(b, 0x1234u);
    CHECK(b[0] == 0x34 && b[1] == 0x12 && le16_get(b) == 0x1234u);
    le32_put(b, 0x89abcdefu);
    CHECK(b[0] == 0xef && b[3] == 0x89 && le32_get(b) == 0x89abcdefu);
    be32_put(b, 0x89abcdefu);
    CHECK(b[0] == 0x89 && b[3] == 0xef && be32_get(b) == 0x89abcdefu);
    le64_put(b, 0x8123456789abcdefu);
    CHECK(b[0] == 0xef && b[7] == 0x81 && le64_get(b) == 0x8123456789abcdefu);
    memset(b, 0xff, 8);
    CHECK(le16_get(b) == 0xffffu && le32_get(b) == 0xffffffffu && le64_get(b) == UINT64_MAX);
}

static void test_bit_patterns(void)
{
    CHECK(float_bits(1.0f) == 0x3f800000u && bits_float(0xc0490fdbu) == -0x1.921fb6p+1f);
    CHECK(double_bits(-2.0) == 0xc000000000000000u && bits_double(0x3ff8000000000000u) == 1.5);
    CHECK(float_bits(-0.0f) == 0x80000000u && float_bits(bits_float(0x7fc00001u)) == 0x7fc00001u);
}

static void test_a_string_of_bytes_grows(void)
{
    Arena arena = {0};
    Bytes b = {.arena = &arena};
    for (unsigned i = 0; i < 5000; i++)
        bytes_add_byte(&b, i & 255u);
    bytes_add_le16(&b, 0x0201u);
    bytes_add_le32(&b, 0x06050403u);
    bytes_add_be32(&b, 0x0708090au);
    bytes_add_le64(&b, 0x1211100f0e0d0c0bu);
    bytes_add_text(&b, "text");
    bytes_add_format(&b, "%d-%s", 12, "ab");
    bytes_add(&b, NULL, 0);
    unsigned char *room = bytes_extend(&b, 3);
    CHECK(!b.failed && b.size == 5000 + 18 + 4 + 5 + 3 && room == b.data + b.size - 3);
    int good = 1;
    for (unsigned i = 0; i < 5000; i++)
        good = good && b.data[i] == (i & 255u);
    for (unsigned i = 0; i < 18; i++)
        good = good && b.data[5000 + i] == i + 1;
    CHECK(good && memcmp(b.data + 5018, "text12-ab", 9) == 0);
    arena_free(&arena);
}

/* A format longer than the promised 1000 characters is cut, not overrun. */
static void test_a_long_format_is_cut(void)
{
    Arena arena = {0};
    Bytes b = {.arena = &arena};
    bytes_add_format(&b, "%*d", 3000, 7);
    CHECK(!b.failed && b.size == 1000);
    arena_free(&arena);
}

static void test_a_failure_stays(void)
{
    for (size_t n = 1; n <= 3; n++) {
        Arena arena = {.fail_after = n};
        Bytes b = {.arena = &arena};
        for (unsigned i = 0; i < 400; i++)
            bytes_add_byte(&b, i & 255u);
        const size_t size = b.size;
        CHECK(b.failed == (n <= 3) && size < 400);
        arena.fail_after = 0;
        bytes_add_text(&b, "more");
        CHECK(b.size == size && bytes_extend(&b, 1) == NULL);
        arena_free(&arena);
    }
    Arena arena = {0};
    Bytes b = {.arena = &arena};
    CHECK(bytes_extend(&b, SIZE_MAX - 2) == NULL && b.failed);
    arena_free(&arena);
}

int main(void)
{
    test_byte_orders_by_hand();
    test_bit_patterns();
    test_a_string_of_bytes_grows();
    test_a_long_format_is_cut();
    test_a_failure_stays();
    return check_report("bytes");
}
