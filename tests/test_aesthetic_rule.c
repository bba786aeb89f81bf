/* The rule by hand: colourfulness, contrast and fill of small pictures. */
#include "diffusion/aesthetic_rule.h"

#include "tests/check.h"

static AestheticRule rule_of(int width, int height, int channels, const unsigned char *pixels)
{
    const Image image = {width, height, channels, (unsigned char *)(size_t)pixels}; /* only read */
    AestheticRule r = {.score = -1.0};
    CHECK(aesthetic_rule(&r, &image, NULL) == STATUS_OK);
    CHECK_NEAR(r.score, 1.0 + 9.0 * (0.5 * r.colour + 0.25 * r.contrast + 0.25 * r.fill), 1e-12);
    return r;
}

/* One colour: no spread, no contrast, nothing stands out; M = 0.3 |mean|. */
static void test_plain_colours(void)
{
    static const unsigned char GREY[3] = {90, 90, 90}, RED[3] = {200, 0, 0}, BLUE[3] = {0, 0, 255};
    AestheticRule r = rule_of(1, 1, 3, GREY);
    CHECK(r.colour == 0.0 && r.contrast == 0.0 && r.fill == 0.0 && r.score == 1.0);
    r = rule_of(1, 1, 3, RED); /* rg = 200, yb = 100 */
    CHECK_NEAR(r.colour, 0.3 * sqrt(200.0 * 200.0 + 100.0 * 100.0) / 110.0, 1e-12);
    r = rule_of(1, 1, 3, BLUE); /* rg = 0, yb = -255 */
    CHECK_NEAR(r.colour, 0.3 * 255.0 / 110.0, 1e-12);
}

/* 3 x 3: white with one pixel (40, 10, 60) in the middle. */
static void test_a_spot(void)
{
    unsigned char pixels[27];
    for (int i = 0; i < 27; i++)
        pixels[i] = 255;
    pixels[12] = 40;
    pixels[13] = 10;
    pixels[14] = 60;
    const AestheticRule r = rule_of(3, 3, 3, pixels);
    const double rg = 30.0, yb = -35.0, share = 1.0 / 9.0, spread = share * (1.0 - share);
    const double m = sqrt((rg * rg + yb * yb) * spread) + 0.3 * share * sqrt(rg * rg + yb * yb);
    CHECK_NEAR(r.colour, m / 110.0, 1e-12);
    const double grey = floor((19595.0 * 40.0 + 38470.0 * 10.0 + 7471.0 * 60.0 + 32768.0) / 65536.0);
    CHECK_NEAR(r.contrast, (255.0 - grey) * sqrt(spread) / 96.0, 1e-12);
    CHECK_NEAR(r.fill, share / 0.6, 1e-12);
}

/* A pixel stands out when it is unlike each of the corners, by 48 or more in all. */
static void test_fill(void)
{
    unsigned char pixels[3 * 3 * 4] = {0};
    const int corner[4] = {0, 2, 6, 8};
    for (int k = 0; k < 4; k++)
        for (int c = 0; c < 3; c++)
            pixels[corner[k] * 4 + c] = (unsigned char)(60 * k);
    for (int i = 0; i < 9; i++)
        pixels[i * 4 + 3] = (unsigned char)(i * 20);             /* alpha says nothing */
    pixels[1 * 4] = 47;                                          /* like the first corner */
    pixels[3 * 4] = 48;                                          /* unlike it, and the others */
    pixels[4 * 4] = pixels[4 * 4 + 1] = pixels[4 * 4 + 2] = 190; /* like the last */
    CHECK_NEAR(rule_of(3, 3, 4, pixels).fill, 1.0 / 9.0 / 0.6, 1e-12);
}

/* The ends of the scale: nothing lies beyond 1. */
static void test_ends(void)
{
    unsigned char pixels[8 * 8 * 3] = {0};
    static const unsigned char BRIGHT[3][3] = {{255, 0, 0}, {255, 255, 255}, {0, 0, 255}};
    for (int i = 0; i < 64; i++)
        if (i != 0 && i != 7 && i != 56 && i != 63)
            for (int c = 0; c < 3; c++)
                pixels[i * 3 + c] = BRIGHT[i % 3][c];
    const AestheticRule r = rule_of(8, 8, 3, pixels);
    CHECK(r.colour == 1.0 && r.contrast == 1.0 && r.fill == 1.0 && r.score == 10.0);
}

static void test_refused(void)
{
    unsigned char pixel = 3;
    const Image grey = {1, 1, 1, &pixel};
    AestheticRule r = {.score = -1.0};
    Error err = {0};
    CHECK(aesthetic_rule(&r, &grey, &err) == STATUS_ARGUMENT && r.score == -1.0);
    CHECK_TEXT(err.text, "not for 1 channel");
}

int main(void)
{
    test_plain_colours();
    test_a_spot();
    test_fill();
    test_ends();
    test_refused();
    return check_report("aesthetic_rule");
}
