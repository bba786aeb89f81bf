#include "io/sha256.h"
#include "tests/check.h"

#include <stdlib.h>

/* FIPS 180-4 example messages (NIST, "SHA256.pdf") and the empty one. */
static void test_known_messages(void)
{
    char hex[65];
    sha256_hex(hex, "", 0);
    CHECK(strcmp(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);
    sha256_hex(hex, "abc", 3);
    CHECK(strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
    sha256_hex(hex, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56);
    CHECK(strcmp(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1") == 0);
}

static void test_a_million_letters_in_odd_pieces(void)
{
    char piece[999], hex[65];
    memset(piece, 'a', sizeof piece);
    Sha256 h = sha256_begin();
    for (size_t left = 1000000, step = 1; left > 0; step = step * 7 % 998 + 1) {
        const size_t size = step < left ? step : left;
        sha256_add(&h, piece, size);
        left -= size;
    }
    sha256_end_hex(hex, &h);
    CHECK(strcmp(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0") == 0);
}

/* Every length around the ends of blocks, in one piece and cut in two. */
static void test_pieces_do_not_matter(void)
{
    unsigned char data[200];
    int same = 1;
    for (int i = 0; i < 200; i++)
        data[i] = (unsigned char)(i * 37 + 11);
    for (size_t size = 0; size <= 200; size++)
        for (size_t cut = 0; cut <= size; cut += 13) {
            char whole[65], parts[65];
            sha256_hex(whole, data, size);
            Sha256 h = sha256_begin();
            sha256_add(&h, data, cut);
            sha256_add(&h, data + cut, size - cut);
            sha256_end_hex(parts, &h);
            same = same && strcmp(whole, parts) == 0;
        }
    CHECK(same);
}

static void test_file(void)
{
    char of_file[65], of_memory[65];
    Error err = {0};
    static char data[200000];
    FILE *file = fopen("LICENSE", "rb");
    const size_t size = file != NULL ? fread(data, 1, sizeof data, file) : 0;
    if (file != NULL)
        fclose(file);
    CHECK(size > 500);
    sha256_hex(of_memory, data, size);
    CHECK(sha256_file(of_file, "LICENSE", &err) == STATUS_OK && strcmp(of_file, of_memory) == 0);
    CHECK(sha256_file(of_file, "no/such/file", &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "no/such/file");
}

int main(void)
{
    test_known_messages();
    test_a_million_letters_in_odd_pieces();
    test_pieces_do_not_matter();
    test_file();
    return check_report("sha256");
}
