/* Crops, the distance of directions, and losses of pictures with their gradients. */
#include "guidance/decoded_loss.h"
#include "guidance/spherical.h"
#include "nn/losses.h"
#include "nn/reduce.h"

#include "tests/tiny_clip.h"

enum { SIDE = 12 };

static Arena arena;

/* ---- crops ---- */

static void test_crops(void)
{
    CutoutOptions o = CUTOUT_DEFAULTS;
    Cutout c[CUTOUTS_MAX];
    double mean = 0.0;
    o.count = CUTOUTS_MAX;
    for (int round = 0; round < 20; round++) {
        Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_CROPS, (uint64_t)round);
        cutouts_draw(c, &o, 224, 512, 600, &rng);
        for (int i = 0; i < o.count; i++) {
            CHECK(c[i].size >= 224 && c[i].size <= 512);
            CHECK(c[i].top >= 0 && c[i].top + c[i].size <= 512);
            CHECK(c[i].left >= 0 && c[i].left + c[i].size <= 600);
            mean += c[i].size;
        }
    }
    /* 224 + 288 / 1.3, less half a pixel of the truncation; 20480 squares have a standard error of 0.5 */
    CHECK(fabs(mean / (20.0 * CUTOUTS_MAX) - 445.04) < 1.6);
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_CROPS, 0);
    cutouts_draw(c, &o, 64, 64, 64, &rng);
    CHECK(c[0].size == 64 && c[7].size == 64 && c[7].top == 0 && c[7].left == 0);
    o.least = 40;
    cutouts_draw(c, &o, 64, 64, 64, &rng);
    bool smaller = false;
    for (int i = 0; i < o.count; i++) {
        CHECK(c[i].size >= 40 && c[i].size <= 64);
        smaller = smaller || c[i].size < 60;
    }
    CHECK(smaller);
}

static void test_pooling(void)
{
    float x[3 * 25], sum = 0.0f;
    for (int i = 0; i < 75; i++)
        x[i] = (float)(i % 25);
    Arena gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    Tensor *in = tape_input(&tape, x, 4, (const int[]){1, 3, 5, 5}, true);
    const Cutout c[2] = {{1, 2, 3}, {0, 0, 5}};
    Tensor *y = cutouts_pool(&tape, in, c, 2, 2);
    CHECK(y != NULL && y->dim[0] == 2 && y->dim[1] == 3 && y->dim[2] == 2);
    /* rows 1, 2 and columns 2, 3: 7 8 12 13; then rows 2, 3: windows overlap */
    CHECK(y->data[0] == 10.0f && y->data[1] == 11.0f && y->data[2] == 15.0f && y->data[3] == 16.0f);
    CHECK(y->data[12] == 6.0f); /* rows 0 1 2, columns 0 1 2 of all */
    CHECK(tape_backward(&tape, y, NULL) == STATUS_OK);
    for (int i = 0; i < 25; i++)
        sum += in->grad[i];
    CHECK_NEAR(sum, 8.0, 1e-6); /* what went in comes out */
    CHECK(in->grad[0] > 0.0f && in->grad[2 * 5 + 3] > in->grad[0]);
    tape = (Tape){.arena = &arena};
    in = tape_input(&tape, x, 4, (const int[]){1, 3, 5, 5}, false);
    CHECK(cutouts_pool(&tape, in, &(Cutout){3, 0, 3}, 1, 2) == NULL);
    CHECK(tape.error.status != STATUS_OK);
    Error err = {0};
    CHECK(cutouts_check(&(CutoutOptions){-1, 1.0, 0}, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "-1 crops");
    err = (Error){0};
    CHECK(cutouts_check(&(CutoutOptions){1, NAN, 0}, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "power");
    arena_free(&gradients);
}

/* ---- directions ---- */

static Tensor *distance(Tape *tape, const void *context, Tensor *const *inputs)
{
    return sum_all(tape, spherical_distance(tape, unit_rows(tape, inputs[0]), context));
}

static void test_directions(void)
{
    const double pi = 3.14159265358979323846;
    for (int i = 0; i <= 1000; i++)
        CHECK_NEAR(arc_sine(i / 1000.0), asin(i / 1000.0), 4e-16);
    Tape tape = {.arena = &arena};
    float rows[4 * 2] = {1.0f, 0.0f, -1.0f, 0.0f, 0.0f, 1.0f, 0.6f, 0.8f};
    const float y[2] = {1.0f, 0.0f};
    Tensor *d = spherical_distance(&tape, tape_input(&tape, rows, 2, (const int[]){4, 2}, false), y);
    CHECK(d->data[0] == 0.0f);
    CHECK_NEAR(d->data[1], pi * pi / 2.0, 1e-6);
    CHECK_NEAR(d->data[2], pi * pi / 8.0, 1e-6);
    CHECK_NEAR(d->data[3], acos(0.6) * acos(0.6) / 2.0, 1e-6);
    Tensor *x = any_tensor(&arena, 3, 2, 3, 5);
    float to[5] = {0.5f, -0.5f, 0.5f, 0.5f, 0.0f};
    check_slope(distance, to, &x, x, 1e-3f, 1e-2);
    memcpy(x->data, to, sizeof to); /* r = 0: nothing to gain, and a number */
    check_slope(distance, to, &x, x, 1e-3f, 1e-2);
}

/* ---- losses ---- */

static Tensor *measured(Tape *tape, const void *context, Tensor *const *inputs)
{
    const PictureLoss *loss = context;
    Rng rng = rng_stream(RNG_PHILOX, 5, STREAM_CROPS, 0);
    return loss->measure(tape, loss->context, inputs[0], &rng);
}

/* A picture within (-0.9, 0.9), so that the clamp does not act. */
static Tensor *any_picture(uint64_t seed)
{
    Tensor *x = any_tensor(&arena, seed, 4, 1, 3, SIDE, SIDE);
    for (size_t i = 0; i < tensor_count(x); i++)
        x->data[i] *= 0.9f;
    return x;
}

static float value(PictureLoss loss, Tensor *x)
{
    Tape tape = {.arena = &arena};
    const Tensor *y = measured(&tape, &loss, &x);
    return CHECK(y != NULL && tensor_count(y) == 1) ? y->data[0] : NAN;
}

static void test_clip(void)
{
    Clip a, b;
    float text[TINY_CLIP_WIDTH], other[TINY_CLIP_WIDTH];
    tiny_clip_new(&a, &arena, false);
    tiny_clip_new(&b, &arena, false);
    scramble(&b.weights, 99);
    CHECK(clip_wanted_text(text, &a, "a red square", &arena, NULL) == STATUS_OK);
    CHECK(clip_wanted_text(other, &b, "a blue green", &arena, NULL) == STATUS_OK);
    ClipLoss loss = {.target = {{&a, 1.0, text}}, .count = 1, .crops = {.count = 5, .power = 1.0}};
    Tensor *x = any_picture(11);
    const PictureLoss one = clip_loss(&loss);
    check_slope(measured, &one, &x, x, 1e-3f, 1e-2);
    const float least = value(one, x);
    loss.mean = true;
    check_slope(measured, &one, &x, x, 1e-3f, 1e-2);
    CHECK(value(one, x) > least);
    /* two models: the mean of both, weighed */
    const float first = value(one, x);
    loss.crops.count = 0;
    loss.target[0] = (ClipTarget){&a, 3.0, text};
    const float alone = value(one, x);
    loss.target[0] = (ClipTarget){&b, 1.0, other};
    const float second = value(one, x);
    loss.count = 2;
    loss.target[1] = (ClipTarget){&a, 3.0, text};
    CHECK_NEAR(value(one, x), 0.75 * (double)alone + 0.25 * (double)second, 1e-6);
    check_slope(measured, &one, &x, x, 1e-3f, 1e-2);
    CHECK(first > 0.0f);
    loss.count = 0;
    Tape tape = {.arena = &arena};
    CHECK(measured(&tape, &one, &x) == NULL && tape.error.status == STATUS_ARGUMENT);
    CHECK_TEXT(tape.error.text, "weights of 0 CLIP models");
}

static void test_wanted_pictures(void)
{
    Clip c;
    Image p[3];
    float row[TINY_CLIP_WIDTH], mean[TINY_CLIP_WIDTH];
    Error err = {0};
    tiny_clip_new(&c, &arena, false);
    for (int i = 0; i < 3; i++) {
        CHECK(image_new(&p[i], 8, 8, 3, &arena, NULL) == STATUS_OK);
        image_fill(&p[i], i == 2 ? (const unsigned char[]){9, 9, 9} : (const unsigned char[]){200, 10, 60});
    }
    CHECK(clip_embed_images(row, &c, p, 1, &arena, NULL) == STATUS_OK);
    CHECK(clip_wanted_pictures(mean, &c, p, 3, &arena, NULL) == STATUS_OK); /* the grey one is left out */
    for (int k = 0; k < TINY_CLIP_WIDTH; k++)
        CHECK_NEAR(mean[k], row[k], 1e-6);
    CHECK(clip_wanted_pictures(mean, &c, p + 2, 1, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "are grey");
    err = (Error){0};
    CHECK(clip_wanted_pictures(mean, &c, p, 0, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "no pictures");
}

static void test_pixels_and_symmetry(void)
{
    Tensor *x = any_picture(21), *to = any_picture(22);
    const PixelLoss pixels = {to->data, SIDE, SIDE};
    const PictureLoss p = pixel_loss(&pixels), s = symmetry_loss();
    double sum = 0.0, uneven = 0.0;
    for (size_t i = 0; i < tensor_count(x); i++) {
        const double d = (double)x->data[i] - (double)to->data[i];
        const size_t mirror = i - i % SIDE + (SIDE - 1 - i % SIDE);
        const double e = (double)x->data[i] - (double)x->data[mirror];
        sum += d * d;
        uneven += e * e;
    }
    CHECK_NEAR(value(p, x), sum / (double)tensor_count(x), 1e-6);
    CHECK_NEAR(value(s, x), uneven / (double)tensor_count(x), 1e-6);
    check_slope(measured, &p, &x, x, 1e-3f, 1e-2);
    check_slope(measured, &s, &x, x, 1e-3f, 1e-2);
}

static void test_clamp(void)
{
    float x[4] = {-3.0f, -0.5f, 0.5f, 1.5f};
    Arena gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    Tensor *in = tape_input(&tape, x, 4, (const int[]){1, 1, 2, 2}, true);
    Tensor *u = unit_picture(&tape, in);
    CHECK(u->data[0] == 0.0f && u->data[1] == 0.25f && u->data[2] == 0.75f && u->data[3] == 1.0f);
    CHECK(tape_backward(&tape, u, NULL) == STATUS_OK);
    CHECK(in->grad[0] == 0.0f && in->grad[1] == 0.5f && in->grad[2] == 0.5f && in->grad[3] == 0.0f);
    arena_free(&gradients);
}

int main(void)
{
    test_crops();
    test_pooling();
    test_directions();
    test_clip();
    test_wanted_pictures();
    test_pixels_and_symmetry();
    test_clamp();
    arena_free(&arena);
    return check_report("picture_loss");
}
