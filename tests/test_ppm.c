#include "io/ppm.h"
#include "tests/check.h"

static Arena arena;

static void test_every_kind_by_hand(void)
{
    static const struct {
        const char *file;
        size_t size;
        unsigned char pixels[6];
    } CASE[] = {
        {"P6\n2 1\n255\n\1\2\3\xfa\0\xff", 17, {1, 2, 3, 250, 0, 255}},
        {"P5 2 1 255\n\7\x80", 13, {7, 7, 7, 128, 128, 128}},
        {"P3\n# a comment\n2 # width\n1\n15\n0 1 2\n3 14\t15", 43, {0, 17, 34, 51, 238, 255}},
        {"P2\r\n2\v1\f1\r1 0", 14, {255, 255, 255, 0, 0, 0}},
        {"P6 2 1 65535\n\0\0\0\x80\0\x81\xff\xff\xfe\xff\x01\x01", 25, {0, 0, 1, 255, 254, 1}},
        {"P5\n2 1 100\n\x32\x64", 13, {128, 128, 128, 255, 255, 255}}, /* 127.5 goes up */
    };
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        Image image = {0};
        Error err = {0};
        const Status status = ppm_decode(&image, CASE[i].file, CASE[i].size, "case", &arena, &err);
        if (!CHECK(status == STATUS_OK && image.width == 2 && image.height == 1 && image.channels == 3 &&
                   memcmp(image.pixels, CASE[i].pixels, 6) == 0))
            printf("    case %zu: %s\n", i, err.text);
    }
}

static void test_hostile_files(void)
{
    static const char *const BAD[] = {"",
                                      "P",
                                      "P6",
                                      "P1\n1 1\n0",
                                      "P4\n8 1\nx",
                                      "P7\n",
                                      "P61 1 255\nabc",
                                      "Q6\n1 1\n255\nabc", /* not one */
                                      "P6\n",
                                      "P6\n1",
                                      "P6\n1 1",
                                      "P6\n1 1 255",
                                      "P6\n0 1\n255\nabc",
                                      "P6\n1 0\n255\nabc",
                                      "P6\n1 1\n0\nabc",
                                      "P6\n-1 1\n255\nabc",
                                      "P6\n1 1\n65536\nabcdef",
                                      "P6\n1048577 1\n255\nabc",
                                      "P6\n99999999999999999999 1\n255\nabc",
                                      "P6\n1 1\n255#\nabc",
                                      "P6\n1 1\n255\nab",
                                      "P6\n1000000 1000\n255\nabc",
                                      "P3\n1000 1000\n255\n1 2 3",
                                      "P3\n1 1\n255\n1 2",
                                      "P3\n1 1\n255\n1 2 256",
                                      "P3\n1 1\n255\n1 2 x",
                                      "P3\n1 1\n255\n1 2 -3",
                                      "P5\n1 1\n100\ne",
                                      "P6\n1 1\n256\n\1\1\1\1\1\1",
                                      "P2\n2 1\n9\n9 # 9"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        Image image = {0};
        Error err = {0};
        arena.peak = arena.used;
        const size_t used = arena.used;
        CHECK(ppm_decode(&image, BAD[i], strlen(BAD[i]), "bad", &arena, &err) == STATUS_FORMAT);
        CHECK(strncmp(err.text, "bad: ", 5) == 0 && image.pixels == NULL && arena.used == used &&
              arena.peak < used + 4096);
    }
}

static void test_round_trips(void)
{
    for (int channels = 1; channels <= 3; channels += 2) {
        Image image = {0}, back = {0}, want = {0};
        Bytes file = {.arena = &arena};
        CHECK(image_new(&image, 5, 3, channels, &arena, NULL) == STATUS_OK);
        for (size_t i = 0; i < image_size(&image); i++)
            image.pixels[i] = (unsigned char)(i * 37);
        CHECK(ppm_encode(&file, &image, NULL) == STATUS_OK);
        CHECK(memcmp(file.data, channels == 1 ? "P5\n5 3\n255\n" : "P6\n5 3\n255\n", 11) == 0);
        CHECK(ppm_decode(&back, file.data, file.size, "back", &arena, NULL) == STATUS_OK);
        CHECK(image_convert(&want, &image, 3, &arena, NULL) == STATUS_OK);
        CHECK(memcmp(back.pixels, want.pixels, image_size(&want)) == 0);
        CHECK(ppm_write("build/test_ppm.ppm", &image, &arena, NULL) == STATUS_OK);
        CHECK(ppm_read(&back, "build/test_ppm.ppm", &arena, NULL) == STATUS_OK);
        CHECK(memcmp(back.pixels, want.pixels, image_size(&want)) == 0);
        CHECK(remove("build/test_ppm.ppm") == 0);
    }
    Image alpha = {0};
    Bytes file = {.arena = &arena};
    CHECK(image_new(&alpha, 1, 1, 4, &arena, NULL) == STATUS_OK);
    CHECK(ppm_encode(&file, &alpha, NULL) == STATUS_ARGUMENT && file.size == 0);
}

static void test_no_bytes_and_no_memory(void)
{
    CHECK(ppm_decode(&(Image){0}, NULL, 0, "nothing", &arena, NULL) == STATUS_FORMAT);
    Arena none = {.fail_after = 1};
    Image image = {0};
    Bytes file = {.arena = &none};
    CHECK(ppm_decode(&image, "P5 1 1 9\n9", 10, "x", &none, NULL) == STATUS_MEMORY && image.pixels == NULL);
    CHECK(image_new(&image, 1, 1, 3, &arena, NULL) == STATUS_OK);
    CHECK(ppm_encode(&file, &image, NULL) == STATUS_MEMORY);
}

int main(void)
{
    test_every_kind_by_hand();
    test_hostile_files();
    test_round_trips();
    test_no_bytes_and_no_memory();
    arena_free(&arena);
    return check_report("ppm");
}
