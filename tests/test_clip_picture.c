/* Pictures made ready for the vision encoder, and the file that says how. */
#include "diffusion/clip_picture.h"

#include "tests/net_check.h"

/* openai/clip-vit-base-patch32's file, and the older one with plain numbers. */
static const char PUBLISHED[] =
    "{\"crop_size\": {\"height\": 224, \"width\": 224}, \"do_center_crop\": true, \"do_convert_rgb\": true,"
    "\"do_normalize\": true, \"do_rescale\": true, \"do_resize\": true,"
    "\"feature_extractor_type\": \"CLIPFeatureExtractor\","
    "\"image_mean\": [0.48145466, 0.4578275, 0.40821073], \"image_processor_type\": \"CLIPImageProcessor\","
    "\"image_std\": [0.26862954, 0.26130258, 0.27577711], \"resample\": 3,"
    "\"rescale_factor\": 0.00392156862745098, \"size\": {\"shortest_edge\": 224}}";

static void test_published_file_and_back(void)
{
    Arena arena = {0};
    ClipPicture p = {0}, again = {0};
    CHECK(clip_picture_read(&p, json_of(&arena, "{}"), "p", &arena, NULL) == STATUS_OK);
    CHECK(memcmp(&p, &CLIP_PICTURE_DEFAULTS, sizeof p) == 0 && p.size == 224);
    p = (ClipPicture){0};
    Error err = {0};
    if (!CHECK(clip_picture_read(&p, json_of(&arena, PUBLISHED), "p", &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(memcmp(&p, &CLIP_PICTURE_DEFAULTS, sizeof p) == 0);
    p = (ClipPicture){
        .size = 64, .filter = RESIZE_LINEAR, .mean = {0.5f, 0, -1}, .deviation = {1, 2, 0.25f}};
    Bytes b = {.arena = &arena};
    JsonWriter w = {.out = &b};
    clip_picture_write(&w, &p);
    bytes_add_byte(&b, 0);
    CHECK(clip_picture_read(&again, json_of(&arena, (const char *)b.data), "p", &arena, NULL) == STATUS_OK);
    CHECK(memcmp(&p, &again, sizeof p) == 0);
    CHECK(clip_picture_read(&p, json_of(&arena, "{\"crop_size\": 32, \"size\": 32, \"resample\": 1}"), "p",
                            &arena, NULL) == STATUS_OK);
    CHECK(p.size == 32 && p.filter == RESIZE_LANCZOS3);
    arena_free(&arena);
}

static void refuse(const char *text, const char *why)
{
    Arena arena = {0};
    ClipPicture p = {.size = -4};
    Error err = {0};
    CHECK(clip_picture_read(&p, json_of(&arena, text), "p.json", &arena, &err) == STATUS_FORMAT);
    CHECK(p.size == -4);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    refuse("1", "p.json");
    refuse("{\"do_resize\": false}", "do_resize");
    refuse("{\"do_center_crop\": false}", "do_center_crop");
    refuse("{\"resample\": 4}", "\"resample\" is 4, expected 0 (nearest)");
    refuse("{\"resample\": 9}", "resample");
    refuse("{\"size\": 256}", "expected that of \"crop_size\", 224");
    refuse("{\"crop_size\": {\"height\": 224, \"width\": 200}}", "the same height and width");
    refuse("{\"crop_size\": {}}", "crop_size");
    refuse("{\"crop_size\": {\"longest_edge\": 224}}", "longest_edge");
    refuse("{\"crop_size\": 0}", "crop_size");
    refuse("{\"image_mean\": [1, 2]}", "image_mean");
    refuse("{\"image_mean\": [1, 2, \"x\"]}", "image_mean");
    refuse("{\"image_std\": [1, 0, 1]}", "\"image_std\" is a list, expected three numbers above 0");
    refuse("{\"image_std\": 0.5}", "image_std");
    refuse("{\"rescale_factor\": 1}", "rescale_factor");
    refuse("{\"do_pad\": true}", "do_pad");
}

/* A pixel by hand: 255 and 51 of mean 1/2, deviation 1/4 are 2 and (0.2 - 0.5) * 4 = -1.2. */
static void test_by_hand(void)
{
    const ClipPicture p = {.size = 1, .mean = {0.5f, 0.5f, 0.0f}, .deviation = {0.25f, 0.25f, 0.5f}};
    unsigned char pixel[4] = {255, 51, 102, 0};
    float planes[3] = {0};
    Arena arena = {0};
    Image image = {1, 1, 3, pixel};
    CHECK(clip_picture_planes(planes, &p, &image, &arena, NULL) == STATUS_OK);
    CHECK_NEAR(planes[0], 2.0, 0);
    CHECK_NEAR(planes[1], -1.2, 3e-7);
    CHECK_NEAR(planes[2], 0.8, 3e-7);
    image.channels = 4; /* all transparent: white */
    CHECK(clip_picture_planes(planes, &p, &image, &arena, NULL) == STATUS_OK);
    CHECK(planes[0] == 2.0f && planes[1] == 2.0f && planes[2] == 2.0f);
    arena_free(&arena);
}

/* 3 x 1 pixels covered by one: the middle one remains, whatever the filter does to its neighbours; a picture of the
 * right size is not touched. */
static void test_sizes(void)
{
    unsigned char pixels[9] = {0, 0, 0, 200, 100, 50, 255, 255, 255}, square[12];
    float planes[12], same[12];
    Arena arena = {0};
    ClipPicture p = CLIP_PICTURE_DEFAULTS;
    const Image wide = {3, 1, 3, pixels}, middle = {1, 1, 3, pixels + 3};
    p.size = 1;
    CHECK(clip_picture_planes(planes, &p, &wide, &arena, NULL) == STATUS_OK);
    CHECK(clip_picture_planes(same, &p, &middle, &arena, NULL) == STATUS_OK);
    CHECK(same_bits(planes, same, 3));
    for (int i = 0; i < 12; i++)
        square[i] = (unsigned char)(20 * i);
    const Image image = {2, 2, 3, square};
    p.size = 2;
    CHECK(clip_picture_planes(planes, &p, &image, &arena, NULL) == STATUS_OK);
    CHECK_NEAR(planes[4 + 1], (80.0 / 255.0 - 0.4578275) / 0.26130258, 1e-6);   /* green at (1, 0) */
    CHECK_NEAR(planes[8 + 2], (160.0 / 255.0 - 0.40821073) / 0.27577711, 1e-6); /* blue at (0, 1) */

    /* The same steps on the tape have the same bits. */
    float unit[12];
    Tape tape = {.arena = &arena};
    image_to_unit_planes(unit, &image);
    const Tensor *x =
        clip_picture_normalise(&tape, &p, tape_input(&tape, unit, 4, (const int[]){1, 3, 2, 2}, false));
    CHECK(x != NULL && same_bits(x->data, planes, 12));
    CHECK(clip_picture_normalise(&tape, &p, NULL) == NULL && tape.error.status == STATUS_OK);
    CHECK(clip_picture_normalise(&tape, &p, tape_input(&tape, unit, 3, (const int[]){3, 2, 2}, false)) ==
          NULL);
    CHECK(tape.error.status == STATUS_SHAPE);
    arena_free(&arena);
}

static Tensor *run_normalise(Tape *tape, const void *context, Tensor *const *inputs)
{
    return clip_picture_normalise(tape, context, inputs[0]);
}

static void test_slope(void)
{
    Arena arena = {0};
    Tensor *u = any_tensor(&arena, 3, 4, 2, 3, 2, 3);
    check_slope(run_normalise, &CLIP_PICTURE_DEFAULTS, &u, u, 1e-2f, 1e-3);
    arena_free(&arena);
}

typedef struct {
    Arena arena;
} Attempt;

static Status attempt(void *context)
{
    Attempt *a = context;
    unsigned char pixels[5 * 3 * 4] = {0};
    float planes[3 * 4];
    const Image image = {5, 3, 4, pixels};
    const size_t fail = a->arena.fail_after;
    ClipPicture p = {0};
    Arena texts = {0};
    arena_free(&a->arena);
    a->arena.fail_after = fail;
    Status status = clip_picture_read(
        &p, json_of(&texts, "{\"crop_size\": {\"height\": 2, \"width\": 2}, \"size\": 2}"), "p", &a->arena,
        NULL);
    if (status == STATUS_OK)
        status = clip_picture_planes(planes, &p, &image, &a->arena, NULL);
    arena_free(&texts);
    return status;
}

static void test_no_memory(void)
{
    Attempt a = {{0}};
    check_allocations(attempt, &a, &a.arena);
    arena_free(&a.arena);
}

int main(void)
{
    test_published_file_and_back();
    test_refused();
    test_by_hand();
    test_sizes();
    test_slope();
    test_no_memory();
    return check_report("clip_picture");
}
