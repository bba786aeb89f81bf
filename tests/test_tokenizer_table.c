#include "diffusion/tokenizer_table.h"

#include "tests/check.h"

/* The printable characters of openai/CLIP's table stand for themselves, the others follow from U+0100 on. */
static void test_characters_of_bytes(void)
{
    CHECK(token_character('A') == 'A' && token_character(0xe9) == 0xe9);
    CHECK(token_character(0) == 0x100 && token_character(' ') == 0x120 && token_character(0x7f) == 0x121);
    CHECK(token_character(0xad) == 0x143); /* the last of the 68 that are not printable */
    int seen[256] = {0}, back = 0;
    for (int b = 0; b < 256; b++) {
        back += token_byte(token_character(b)) == b;
        const int at = token_byte_order(b);
        if (CHECK(at >= 0 && at < 256))
            seen[at]++;
    }
    CHECK(back == 256);
    for (int b = 0; b < 256; b++)
        CHECK(seen[b] == 1);
    CHECK(token_byte_order(0) == '!' && token_byte_order(255) == 0xad && token_byte_order(188) == 0);
    CHECK(token_byte(0x144) == -1 && token_byte(' ') == -1 && token_byte(0x10ffff) == -1);
}

static void test_symbols_and_merges(void)
{
    Arena arena = {0};
    TokenTable t = {0};
    CHECK(token_table_make(&t, 512 + 3, 2, &arena));
    CHECK(t.count == 512 && t.byte['a'] != t.last_byte['a']);
    CHECK(token_table_find(&t, "a", 1) == t.byte['a'] &&
          token_table_find(&t, "a</w>", 5) == t.last_byte['a']);
    CHECK(token_table_find(&t, "at", 2) == NO_ID && token_table_find(&t, "", 0) == NO_ID);
    const int at = token_table_add(&t, "at", 2);
    CHECK(at == 512 && token_table_add(&t, "at", 2) == at && t.count == 513);
    CHECK(t.symbol[at].length == 2 && t.symbol[at].id == NO_ID);
    token_table_add_merge(&t, t.byte['a'], t.byte['t'], at);
    const Merge *m = token_table_merge(&t, t.byte['a'], t.byte['t']);
    CHECK(m != NULL && m->result == at && m->rank == 0);
    CHECK(token_table_merge(&t, t.byte['t'], t.byte['a']) == NULL);
    const int cat = token_table_add(&t, "cat", 3);
    token_table_add_merge(&t, t.byte['c'], at, cat);
    token_table_add_merge(&t, t.byte['a'], t.byte['t'], at); /* known: only its rank moves to the end */
    CHECK(t.merges == 2 && token_table_merge(&t, t.byte['a'], t.byte['t'])->rank == 2);
    CHECK(token_table_merge(&t, t.byte['c'], at)->rank == 1);
    arena_free(&arena);
}

/* Many symbols: all are found again, and no other. */
static void test_many_symbols(void)
{
    enum { MANY = 3000 };
    static char text[MANY][8];
    Arena arena = {0};
    TokenTable t = {0};
    CHECK(token_table_make(&t, 512 + MANY, 0, &arena));
    int wrong = 0;
    for (int i = 0; i < MANY; i++) {
        const int length = snprintf(text[i], sizeof text[i], "q%d", i);
        wrong += token_table_find(&t, text[i], (size_t)length) != NO_ID;
        wrong += token_table_add(&t, text[i], (size_t)length) != 512 + i;
    }
    for (int i = 0; i < MANY; i++)
        wrong += token_table_find(&t, text[i], strlen(text[i])) != 512 + i;
    CHECK(wrong == 0);
    arena_free(&arena);
}

static void test_every_allocation_can_fail(void)
{
    int failures = 0;
    for (size_t n = 1; n < 1000; n++) {
        Arena arena = {.fail_after = n};
        TokenTable t = {0};
        const bool made = token_table_make(&t, 600, 10, &arena);
        failures += !made;
        arena_free(&arena);
        if (made)
            break;
    }
    CHECK(failures >= 4 && failures < 999);
}

int main(void)
{
    test_characters_of_bytes();
    test_symbols_and_merges();
    test_many_symbols();
    test_every_allocation_can_fail();
    return check_report("tokenizer_table");
}
