/* Pictures and texts as rows: the projections, folders written and read, refused models, gradients, memory. */
#include "diffusion/clip.h"

#include <unistd.h>

#include "base/file.h"
#include "nn/losses.h"
#include "tests/scratch.h"
#include "tests/tiny_clip.h"

enum { D = TINY_CLIP_WIDTH, SIDE = TINY_CLIP_SIDE, PIXELS = 3 * SIDE * SIDE };

static Image any_picture(Arena *arena, int width, int height, unsigned seed)
{
    Image image = {0};
    CHECK(image_new(&image, width, height, 3, arena, NULL) == STATUS_OK);
    for (size_t i = 0; i < image_size(&image); i++)
        image.pixels[i] = (unsigned char)((seed + i) * 2654435761u >> 13);
    return image;
}

static double length(const float *x)
{
    double sum = 0;
    for (int i = 0; i < D; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum);
}

/* A row is the encoder's result at length 1; a row does not depend on its company. */
static void test_rows(void)
{
    enum { MANY = 19 }; /* more than one batch */
    static const char *const TEXTS[2] = {"a red square", "an ivory tile on pink"};
    const char *texts[MANY];
    Arena arena = {0};
    Clip c;
    Image pictures[MANY];
    float image[MANY * D], text[MANY * D], one[D];
    tiny_clip_new(&c, &arena, false);
    for (int i = 0; i < MANY; i++) {
        texts[i] = TEXTS[i % 2];
        pictures[i] = any_picture(&arena, SIDE + i % 3, SIDE, (unsigned)i);
    }
    CHECK(clip_embed_images(image, &c, pictures, MANY, &arena, NULL) == STATUS_OK);
    CHECK(clip_embed_texts(text, &c, texts, MANY, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < MANY; i++) {
        CHECK_NEAR(length(image + i * D), 1.0, 3e-7);
        CHECK_NEAR(length(text + i * D), 1.0, 3e-7);
    }
    CHECK(clip_embed_images(one, &c, &pictures[18], 1, &arena, NULL) == STATUS_OK);
    CHECK(same_bits(one, image + 18 * D, D) && same_bits(text + 2 * D, text, D));

    Tape tape = {.arena = &arena};
    float planes[PIXELS];
    EncodedPrompt prompt;
    CHECK(clip_picture_planes(planes, &c.picture, &pictures[3], &arena, NULL) == STATUS_OK);
    Tensor *x = tape_input(&tape, planes, 4, (const int[]){1, 3, SIDE, SIDE}, false);
    const Tensor *v = clip_vision(&tape, &c.vision, x, NULL);
    CHECK(tokenizer_encode(&prompt, &c.tokenizer, TEXTS[1], &arena, NULL) == STATUS_OK);
    ClipTextRun run = {.want_pooled = true};
    clip_text(&tape, &c.text, prompt.ids, 1, c.tokenizer.length, &run);
    for (int i = 0; i < D; i++) {
        CHECK_NEAR(image[3 * D + i], v->data[i] / length(v->data), 3e-7);
        CHECK_NEAR(text[D + i], run.projected->data[i] / length(run.projected->data), 3e-7);
    }
    CHECK(clip_embed_texts(one, &c, (const char *const[]){"\xff"}, 1, &arena, NULL) == STATUS_FORMAT);
    arena_free(&arena);
}

static void test_similarity(void)
{
    const float a[2] = {0.6f, 0.8f}, b[2] = {0.8f, -0.6f}, back[2] = {-0.6f, -0.8f}, long_one[2] = {1, 1};
    CHECK_NEAR(clip_similarity(a, b, 2), 0.0, 1e-7);
    CHECK_NEAR(clip_similarity(a, a, 2), 1.0, 1e-7);
    CHECK_NEAR(clip_similarity(a, back, 2), -1.0, 1e-7);
    CHECK(clip_similarity(long_one, long_one, 2) == 1.0);
}

/* ---- folders ---- */

static const char *const FILES[] = {
    "config.json", "model.safetensors",     "preprocessor_config.json", "vocab.json",
    "merges.txt",  "tokenizer_config.json", "special_tokens_map.json"};

static void drop_folder(const char *folder)
{
    char path[SCRATCH_PATH + 40];
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, FILES[i]);
        remove(path);
    }
    CHECK(rmdir(folder) == 0);
}

static void test_folder(void)
{
    char folder[SCRATCH_PATH], path[SCRATCH_PATH + 40];
    Arena arena = {0};
    Clip c, again;
    Error err = {0};
    float before[D], after[D];
    tiny_clip_new(&c, &arena, false);
    c.picture.filter = RESIZE_LINEAR;
    const Image picture = any_picture(&arena, 20, 9, 5);
    scratch_path(folder, "clip");
    CHECK(clip_save(&c, folder, F32, &arena, &err) == STATUS_OK);
    if (!CHECK(clip_open(&again, folder, true, &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(again.logit_scale->rank == 0 && again.logit_scale->data[0] == c.logit_scale->data[0]);
    CHECK(again.weights.count == c.weights.count && again.logit_scale->wants_grad);
    CHECK(clip_embed_images(before, &c, &picture, 1, &arena, NULL) == STATUS_OK);
    CHECK(clip_embed_images(after, &again, &picture, 1, &arena, NULL) == STATUS_OK);
    CHECK(same_bits(before, after, D));

    /* Without the file about pictures: as openai's, at the encoder's size. */
    snprintf(path, sizeof path, "%s/preprocessor_config.json", folder);
    remove(path);
    CHECK(clip_open(&again, folder, false, &arena, NULL) == STATUS_OK);
    CHECK(again.picture.size == SIDE && again.picture.filter == RESIZE_CUBIC &&
          !again.logit_scale->wants_grad);

    /* Another size in it does not fit. */
    CHECK(file_write(path, "{\"crop_size\": 9, \"size\": 9}", 27, NULL) == STATUS_OK);
    CHECK(clip_open(&again, folder, false, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "prepared at 9 pixels, the vision encoder takes 8");
    drop_folder(folder);
    err = (Error){0};
    CHECK(clip_open(&again, folder, false, &arena, &err) == STATUS_FILE);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    ClipConfig config;
    Tokenizer tokenizer;
    Clip c;
    Error err = {0};
    tiny_clip_parts(&config, &tokenizer, &arena);
    config.text.positions = 11;
    CHECK(clip_create(&c, &config, &tokenizer, 1, false, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "prompts of 12, the text encoder takes");
    config.text.positions = 12;
    config.vision.channels = 1;
    err = (Error){0};
    CHECK(clip_create(&c, &config, &tokenizer, 1, false, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "takes 1 channels");
    config.vision.channels = 3;
    config.vision.has_projection = false;
    err = (Error){0};
    CHECK(clip_create(&c, &config, &tokenizer, 1, false, &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "visual_projection.weight");
    arena_free(&arena);
}

/* ---- what training asks for ---- */

static Tensor *loss(Tape *tape, const void *context, Tensor *const *inputs)
{
    static const int IDS[2 * 5] = {300, 97, 98, 301, 301, 300, 99, 100, 101, 301};
    const Clip *c = context;
    Tensor *image = clip_image_rows(tape, c, inputs[0]);
    Tensor *text = clip_text_rows(tape, c, IDS, 2, 5);
    return contrastive_loss(tape, image, text, c->logit_scale);
}

static void test_slopes(void)
{
    Arena arena = {0};
    Clip c;
    tiny_clip_new(&c, &arena, false);
    Tensor *x = any_tensor(&arena, 9, 4, 2, 3, SIDE, SIDE);
    check_slope(loss, &c, &x, x, 1e-3f, 1e-2);
    check_slope(loss, &c, &x, c.logit_scale, 1e-2f, 1e-2);
    check_slope(loss, &c, &x, c.text.projection, 1e-3f, 1e-2);
    check_slope(loss, &c, &x, c.vision.projection, 1e-3f, 1e-2);
    check_slope(loss, &c, &x, c.vision.class_embedding, 1e-3f, 1e-2);
    check_slope(loss, &c, &x, c.text.token_embedding, 1e-2f, 1e-2);
    arena_free(&arena);
}

typedef struct {
    const Clip *clip;
    const Image *picture;
    const char *folder;
    Arena arena;
    int what;
} Attempt;

static Status attempt(void *context)
{
    Attempt *a = context;
    float row[D];
    Clip c;
    const size_t fail = a->arena.fail_after;
    arena_free(&a->arena);
    a->arena.fail_after = fail;
    switch (a->what) {
    case 0: return clip_open(&c, a->folder, true, &a->arena, NULL);
    case 1: return clip_save(a->clip, a->folder, F16, &a->arena, NULL);
    case 2: return clip_embed_images(row, a->clip, a->picture, 1, &a->arena, NULL);
    default: break;
    }
    return clip_embed_texts(row, a->clip, (const char *const[]){"a half"}, 1, &a->arena, NULL);
}

static void test_no_memory(void)
{
    char folder[SCRATCH_PATH];
    Arena arena = {0};
    Clip c;
    tiny_clip_new(&c, &arena, false);
    const Image picture = any_picture(&arena, 9, 8, 5);
    CHECK(clip_save(&c, scratch_path(folder, "clip-memory"), F32, &arena, NULL) == STATUS_OK);
    for (int what = 0; what < 4; what++) {
        Attempt a = {.clip = &c, .picture = &picture, .folder = folder, .what = what};
        check_allocations(attempt, &a, &a.arena);
        arena_free(&a.arena);
    }
    drop_folder(folder);
    arena_free(&arena);
}

int main(void)
{
    test_rows();
    test_similarity();
    test_folder();
    test_refused();
    test_slopes();
    test_no_memory();
    return check_report("clip");
}
