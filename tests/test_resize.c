#include "io/resize.h"
#include "io/sha256.h"
#include "tests/check.h"

static Arena arena;

static const ResizeFilter FILTER[] = {RESIZE_LANCZOS3, RESIZE_CUBIC, RESIZE_LINEAR, RESIZE_AREA,
                                      RESIZE_NEAREST};
enum { FILTERS = sizeof FILTER / sizeof FILTER[0] };

static Image new_image(int width, int height, int channels)
{
    Image image = {0};
    CHECK(image_new(&image, width, height, channels, &arena, NULL) == STATUS_OK);
    return image;
}

static Image resized(const Image *in, int width, int height, ResizeOptions options)
{
    Image out = {0};
    Error err = {0};
    if (!CHECK(image_resize(&out, in, width, height, options, &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    return out;
}

static Image noise(int width, int height, int channels)
{
    Image image = new_image(width, height, channels);
    unsigned state = 1;
    for (size_t i = 0; i < image_size(&image); i++) {
        state = state * 1664525u + 1013904223u;
        image.pixels[i] = (unsigned char)(state >> 24);
    }
    return image;
}

/* The largest difference of two samples; colours count only where something is to be seen. */
static int difference(const Image *a, const Image *b)
{
    int most = 0;
    for (size_t i = 0; i < image_size(a); i++) {
        const size_t alpha = i - i % 4 + 3;
        const int seen = a->channels < 4 || i == alpha || a->pixels[alpha] > 8;
        const int d = a->pixels[i] - b->pixels[i];
        most = seen && (d < 0 ? -d : d) > most ? (d < 0 ? -d : d) : most;
    }
    return most;
}

static void test_the_same_size_changes_nothing(void)
{
    static const int CHANNELS[] = {1, 3, 4};
    for (int f = 0; f < FILTERS; f++)
        for (int c = 0; c < 3; c++) {
            Image in = noise(9, 7, CHANNELS[c]);
            Image out = resized(&in, 9, 7, (ResizeOptions){.filter = FILTER[f]});
            CHECK(difference(&in, &out) == 0 && out.channels == CHANNELS[c]);
            out = resized(&in, 9, 7, (ResizeOptions){.filter = FILTER[f], .clear = true});
            CHECK(difference(&in, &out) == 0);
        }
}

static void line_is(const Image *in, ResizeOptions options, int width, const unsigned char *want)
{
    const Image out = resized(in, width, 1, options);
    if (!CHECK(memcmp(out.pixels, want, (size_t)width) == 0))
        for (int x = 0; x < width; x++)
            printf("    %d, want %d\n", out.pixels[x], want[x]);
}

static void test_lines_by_hand(void)
{
    Image in = new_image(4, 1, 1);
    memcpy(in.pixels, (unsigned char[]){0, 100, 200, 40}, 4);
    const ResizeOptions area = {.filter = RESIZE_AREA}, linear = {.filter = RESIZE_LINEAR};
    line_is(&in, area, 2, (unsigned char[]){50, 120});
    line_is(&in, area, 1, (unsigned char[]){85});
    line_is(&in, area, 3,
            (unsigned char[]){25, 150, 80}); /* (0 + 100/3) * 3/4, (100 + 200) / 2, (200/3 + 40) * 3/4 */
    line_is(&in, area, 8, (unsigned char[]){0, 0, 100, 100, 200, 200, 40, 40});
    line_is(&in, linear, 8, (unsigned char[]){0, 25, 75, 125, 175, 160, 80, 40});
    line_is(&in, (ResizeOptions){.filter = RESIZE_NEAREST}, 6, (unsigned char[]){0, 100, 100, 200, 40, 40});
    /* Shrunk to half, the triangle is twice as wide: taps 1 3 3 1, without those beyond the edge. */
    line_is(&in, linear, 2, (unsigned char[]){71, 117}); /* 500 / 7 = 71.4, (100 + 600 + 120) / 7 = 117.1 */
    /* Between two samples Keys' kernel is -1/16, 9/16, 9/16, -1/16. */
    line_is(&in, (ResizeOptions){.filter = RESIZE_CUBIC, .left = -1.5, .width = 4}, 1,
            (unsigned char[]){166});
    in.pixels[2] = 255; /* 150: -2.5 + ... */
    line_is(&in, (ResizeOptions){.filter = RESIZE_CUBIC, .left = -1.5, .width = 4}, 1,
            (unsigned char[]){197});
}

/* Weights by the formula, with the library's own sines left out: sinc(1/2) sinc(1/6) and so on. */
static void test_lanczos_by_hand(void)
{
    Image in = new_image(6, 1, 1);
    memcpy(in.pixels, (unsigned char[]){10, 20, 200, 100, 30, 250}, 6);
    const double pi = 3.14159265358979323846;
    double sum = 0, total = 0;
    for (int i = 0; i < 6; i++) { /* the middle of 6 samples is at 3 */
        const double t = i + 0.5 - 3.0, weight = 3 * sin(pi * t) * sin(pi * t / 3) / (pi * pi * t * t);
        sum += weight * in.pixels[i];
        total += weight;
    }
    const Image out = resized(&in, 1, 1, (ResizeOptions){.left = -2.5, .width = 6});
    CHECK_NEAR(out.pixels[0], sum / total, 0.5 / 100);
}

static void test_a_flat_picture_stays_flat(void)
{
    static const int SIDE[] = {1, 2, 5, 16, 31};
    for (int f = 0; f < FILTERS; f++)
        for (int c = 3; c <= 4; c++)
            for (int i = 0; i < 5; i++) {
                Image in = new_image(7, 12, c);
                image_fill(&in, (unsigned char[]){255, 1, 77, 130});
                const Image out = resized(&in, SIDE[i], SIDE[4 - i], (ResizeOptions){.filter = FILTER[f]});
                int flat = 1;
                for (size_t k = 0; k < image_size(&out); k++)
                    flat = flat && out.pixels[k] == in.pixels[k % (size_t)c];
                CHECK(flat);
            }
}

/* A shift by whole pixels is a paste; what is beyond the picture is transparent. */
static void test_whole_shifts(void)
{
    Image in = noise(5, 4, 4), want = new_image(9, 8, 4);
    image_paste(&want, &in, 3, -1);
    for (int f = 0; f < FILTERS; f++) {
        const ResizeOptions options = {
            .filter = FILTER[f], .left = 3, .top = -1, .width = 5, .height = 4, .clear = true};
        const Image out = resized(&in, 9, 8, options);
        CHECK(difference(&want, &out) == 0);
    }
}

static double bump(double x)
{
    return fabs(x) < 6 ? (1 - x * x / 36) * (1 - x * x / 36) : 0.0;
}

/* The centre of mass of a soft blob, at first (6.5, 8), goes where the options say, to 1/40 of a pixel. */
static void test_shifts_by_parts_of_a_pixel(void)
{
    Image in = new_image(16, 16, 4);
    double whole = 0;
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 16; x++) {
            const double alpha = floor(250 * bump(x - 6) * bump(y - 7.5));
            memcpy(image_at(&in, x, y), (unsigned char[]){200, 100, 50, (unsigned char)alpha}, 4);
            whole += alpha;
        }
    for (int f = 0; f < FILTERS - 1; f++)
        for (int k = 0; k < 4; k++) {
            const double scale = 0.9, left = 2 + 0.25 * k, top = 3 - 0.25 * k;
            const ResizeOptions options = {.filter = FILTER[f],
                                           .left = left,
                                           .top = top,
                                           .width = 16 * scale,
                                           .height = 16 * scale,
                                           .clear = true};
            const Image out = resized(&in, 24, 24, options);
            double mass = 0, mx = 0, my = 0;
            for (int y = 0; y < 24; y++)
                for (int x = 0; x < 24; x++) {
                    const double alpha = image_at(&out, x, y)[3];
                    mass += alpha;
                    mx += alpha * (x + 0.5);
                    my += alpha * (y + 0.5);
                }
            CHECK_NEAR(mass, whole * scale * scale, 0.01);
            CHECK_NEAR(mx / mass, left + 6.5 * scale, 0.003);
            CHECK_NEAR(my / mass, top + 8.0 * scale, 0.003);
        }
}

static void test_mirror(void)
{
    Image in = noise(8, 5, 4);
    for (int f = 0; f < FILTERS; f++) {
        Image plain = resized(&in, 5, 9, (ResizeOptions){.filter = FILTER[f]});
        Image mirrored = resized(&in, 5, 9, (ResizeOptions){.filter = FILTER[f], .mirror = true});
        image_mirror(&plain);
        CHECK(difference(&plain, &mirrored) <= (FILTER[f] == RESIZE_NEAREST ? 255 : 1));
    }
}

/* Opaque red beside transparent green: no pixel becomes green. */
static void test_transparent_colour_does_not_bleed(void)
{
    Image in = new_image(8, 8, 4);
    for (int i = 0; i < 64; i++)
        memcpy(in.pixels + 4 * i,
               i % 8 < 4 ? (unsigned char[]){250, 0, 0, 255} : (unsigned char[]){0, 250, 0, 0}, 4);
    for (int f = 0; f < FILTERS; f++) {
        const Image out = resized(&in, 5, 5, (ResizeOptions){.filter = FILTER[f]});
        int clean = 1;
        for (int i = 0; i < 25; i++) {
            const unsigned char *p = out.pixels + 4 * i;
            clean = clean && p[1] == 0 && p[0] == (p[3] > 0 ? 250 : 0);
        }
        CHECK(clean);
    }
}

static void test_cover(void)
{
    Image in = noise(30, 20, 3), out = {0}, middle = {0};
    CHECK(image_cover(&out, &in, 20, 20, RESIZE_CUBIC, &arena, NULL) == STATUS_OK);
    CHECK(image_crop(&middle, &in, 5, 0, 20, 20, &arena, NULL) == STATUS_OK);
    CHECK(difference(&out, &middle) == 0); /* one side fits already: only cut */
    CHECK(image_cover(&out, &in, 10, 20, RESIZE_AREA, &arena, NULL) == STATUS_OK);
    CHECK(image_crop(&middle, &in, 10, 0, 10, 20, &arena, NULL) == STATUS_OK);
    CHECK(difference(&out, &middle) == 0);
    CHECK(image_cover(&out, &in, 15, 10, RESIZE_AREA, &arena, NULL) == STATUS_OK);
    const unsigned sum =
        image_at(&in, 0, 0)[1] + image_at(&in, 1, 0)[1] + image_at(&in, 0, 1)[1] + image_at(&in, 1, 1)[1];
    CHECK_NEAR(image_at(&out, 0, 0)[1], sum / 4.0, 0.5 / 100);
}

/* Far shifts, large and small scales: no sample from outside is touched (sanitizers), and beyond is
 * clear. */
static void test_extremes(void)
{
    static const double LEFT[] = {-1048576, -1000.5, -9.01, 0.49, 9.5, 1048576},
                        WIDTH[] = {1, 1.5, 7, 3000.25, 1048576};
    Image in = noise(7, 3, 4);
    for (int f = 0; f < FILTERS; f++)
        for (int i = 0; i < 6; i++)
            for (int j = 0; j < 5; j++) {
                const ResizeOptions o = {
                    .filter = FILTER[f], .left = LEFT[i], .width = WIDTH[j], .clear = true};
                const Image out = resized(&in, 4, 2, o);
                if (LEFT[i] > 20 || LEFT[i] + 4 * WIDTH[j] < -20)
                    CHECK(image_at(&out, 1, 1)[3] == 0);
                ResizeOptions on = o;
                on.clear = false;
                resized(&in, 4, 2, on);
            }
}

static void test_refusals(void)
{
    Image in = noise(4, 4, 3), out = {0};
    static const ResizeOptions BAD[] = {{.width = 0.5},  {.height = -3}, {.width = 1e9},      {.left = 1e9},
                                        {.top = -1e300}, {.left = NAN},  {.height = INFINITY}};
    const size_t used = arena.used;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        Error err = {0};
        CHECK(image_resize(&out, &in, 3, 3, BAD[i], &arena, &err) == STATUS_ARGUMENT);
        CHECK_TEXT(err.text, "pixels large at");
    }
    CHECK(image_resize(&out, &in, 0, 3, (ResizeOptions){0}, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(arena.used == used && out.pixels == NULL);
}

static void test_every_allocation_can_fail(void)
{
    Image in = noise(6, 5, 4);
    int failures = 0;
    for (size_t n = 1; n < 200; n++) {
        Arena small = {.fail_after = n};
        Image out = {0};
        const Status status = image_resize(&out, &in, 4, 7, (ResizeOptions){0}, &small, NULL);
        CHECK(status == STATUS_OK || (status == STATUS_MEMORY && small.used == 0 && out.pixels == NULL));
        CHECK(status != STATUS_OK || small.used <= 4 * 7 * 4 + ARENA_ALIGN);
        failures += status != STATUS_OK;
        arena_free(&small);
        if (status == STATUS_OK)
            break;
    }
    CHECK(failures > 15);
}

/* The same pixels on every machine. */
static void test_the_bits_are_fixed(void)
{
    static const char *const WANT[FILTERS] = {
        "f50f54267a6ac1b33663d387794b0cf65d7dc92f59bed9b008be8098e18f31f7",
        "b3388cad2c8591a81a775a44cc3df75565a6252d828784974440ccd3401477a2",
        "8ae902436ebf7f083e98607bc574aac639601607f5b545887dc27fed78236b2e",
        "73a5cfe7695bb06584cabb4bbee11563e035b6474716a16b42be93cc20f8fe6e",
        "693001e420da13cf112ac79cd1f31a006eb396084e81e5ea378d5874f7b94e1a"};
    Image in = noise(64, 64, 4);
    for (int f = 0; f < FILTERS; f++) {
        char hex[65];
        const ResizeOptions options = {.filter = FILTER[f],
                                       .left = 1.375,
                                       .top = -2.8125,
                                       .width = 27.3,
                                       .height = 70.1,
                                       .mirror = true,
                                       .clear = true};
        const Image out = resized(&in, 32, 64, options);
        sha256_hex(hex, out.pixels, image_size(&out));
        if (!CHECK(strcmp(hex, WANT[f]) == 0))
            printf("    filter %d: %s\n", f, hex);
    }
}

int main(void)
{
    test_the_same_size_changes_nothing();
    test_lines_by_hand();
    test_lanczos_by_hand();
    test_a_flat_picture_stays_flat();
    test_whole_shifts();
    test_shifts_by_parts_of_a_pixel();
    test_mirror();
    test_transparent_colour_does_not_bleed();
    test_cover();
    test_extremes();
    test_refusals();
    test_every_allocation_can_fail();
    test_the_bits_are_fixed();
    arena_free(&arena);
    return check_report("resize");
}
