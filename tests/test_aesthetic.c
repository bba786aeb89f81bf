/* The aesthetic head: its formula and ends, folders, gradients, memory. */
#include "diffusion/aesthetic.h"

#include <unistd.h>

#include "base/file.h"
#include "tests/scratch.h"
#include "tests/tiny_clip.h"

enum { N = 3, D = TINY_CLIP_WIDTH };

static Aesthetic head_of(Arena *arena, int width)
{
    Aesthetic a = {.width = 0};
    Error err = {0};
    if (!CHECK(aesthetic_create(&a, width, "clip-x", "00ff", 3, arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    return a;
}

/* raw = w . row + b, the score within [1, 10]. */
static void test_by_hand(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const Aesthetic a = head_of(&arena, 2);
    CHECK(a.bias->data[0] == 5.5f && a.weight->dim[0] == 1 && a.weight->dim[1] == 2);
    a.weight->data[0] = 4.0f;
    a.weight->data[1] = -8.0f;
    float rows[N * 2] = {1.0f, 0.0f, 0.6f, 0.8f, -0.25f, -1.0f};
    Tensor *x = tape_input(&tape, rows, 2, (const int[]){N, 2}, false);
    const Tensor *raw = aesthetic_raw(&tape, &a, x), *score = aesthetic_score(&tape, &a, x);
    static const double RAW[N] = {9.5, 1.5, 12.5}, SCORE[N] = {9.5, 1.5, 10.0};
    CHECK(raw->rank == 1 && raw->dim[0] == N && score->rank == 1);
    for (int i = 0; i < N; i++) {
        CHECK_NEAR(raw->data[i], RAW[i], 1e-6);
        CHECK_NEAR(score->data[i], SCORE[i], 1e-6);
    }
    a.bias->data[0] = -4.0f;
    CHECK(aesthetic_score(&tape, &a, x)->data[1] == 1.0f);
    CHECK(aesthetic_raw(&tape, &a, NULL) == NULL && tape.error.status == STATUS_OK);
    CHECK(aesthetic_raw(&tape, &a, tape_input(&tape, rows, 2, (const int[]){2, N}, false)) == NULL);
    CHECK(tape.error.status == STATUS_SHAPE);
    CHECK_TEXT(tape.error.text, "rows (2,3), expected (N,2)");
    arena_free(&arena);
}

static Tensor *run_score(Tape *tape, const void *context, Tensor *const *inputs)
{
    return aesthetic_score(tape, context, inputs[0]);
}

static void test_slopes(void)
{
    Arena arena = {0};
    const Aesthetic a = head_of(&arena, D);
    Tensor *x = any_tensor(&arena, 4, 2, N, D);
    check_slope(run_score, &a, &x, x, 1e-2f, 1e-3);
    check_slope(run_score, &a, &x, a.weight, 1e-2f, 1e-3);
    check_slope(run_score, &a, &x, a.bias, 1e-2f, 1e-3);

    /* Beyond the scale nothing pulls. */
    Arena gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    a.bias->data[0] = 50.0f;
    Tensor *in = tape_input(&tape, x->data, 2, x->dim, true);
    CHECK(tape_backward(&tape, aesthetic_score(&tape, &a, in), NULL) == STATUS_OK);
    for (int i = 0; i < N * D; i++)
        CHECK(in->grad != NULL && in->grad[i] == 0.0f);
    arena_free(&gradients);
    arena_free(&arena);
}

static void drop_folder(const char *folder)
{
    char path[SCRATCH_PATH + 40];
    static const char *const FILES[] = {"config.json", "model.safetensors"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, FILES[i]);
        remove(path);
    }
    CHECK(rmdir(folder) == 0);
}

static void test_folder(void)
{
    char folder[SCRATCH_PATH], path[SCRATCH_PATH + 40];
    static const char *const BAD[] = {"{\"_class_name\": \"MLP\"}", "{\"projection_dim\": 0}",
                                      "{\"layers\": 2}", "{\"clip\": 7}", "[]"};
    static const char *const WHY[] = {"_class_name", "projection_dim", "layers", "\"clip\"", "JSON object"};
    Arena arena = {0};
    Error err = {0};
    Aesthetic again = {.width = -1};
    const Aesthetic a = head_of(&arena, D);
    scratch_path(folder, "aesthetic");
    CHECK(aesthetic_save(&a, folder, F32, &arena, NULL) == STATUS_OK);
    CHECK(aesthetic_open(&again, folder, &arena, &err) == STATUS_OK);
    CHECK(again.width == D && strcmp(again.clip, "clip-x") == 0 && strcmp(again.clip_sha256, "00ff") == 0);
    CHECK(same_bits(again.weight->data, a.weight->data, D) && again.bias->data[0] == 5.5f);
    snprintf(path, sizeof path, "%s/config.json", folder);
    for (int i = 0; i < 5; i++) {
        again.width = -1;
        err = (Error){0};
        CHECK(file_write(path, BAD[i], strlen(BAD[i]), NULL) == STATUS_OK);
        CHECK(aesthetic_open(&again, folder, &arena, &err) == STATUS_FORMAT && again.width == -1);
        CHECK_TEXT(err.text, WHY[i]);
    }
    err = (Error){0};
    CHECK(file_write(path, "{}", 2, NULL) == STATUS_OK); /* width 512 */
    CHECK(aesthetic_open(&again, folder, &arena, &err) != STATUS_OK);
    CHECK_TEXT(err.text, "weight");
    drop_folder(folder);
    arena_free(&arena);
}

static Image picture_of(Arena *arena)
{
    Image image = {0};
    CHECK(image_new(&image, 9, 8, 3, arena, NULL) == STATUS_OK);
    for (size_t i = 0; i < image_size(&image); i++)
        image.pixels[i] = (unsigned char)(i * 37);
    return image;
}

static void test_pictures(void)
{
    Arena arena = {0};
    Clip c;
    tiny_clip_new(&c, &arena, false);
    const Aesthetic a = head_of(&arena, D), wide = head_of(&arena, D + 1);
    const Image image = picture_of(&arena);
    float row[D], score[2];
    CHECK(clip_embed_images(row, &c, &image, 1, &arena, NULL) == STATUS_OK);
    double want = 5.5;
    for (int i = 0; i < D; i++)
        want += (double)row[i] * (double)a.weight->data[i];
    const Image twice[2] = {image, image};
    CHECK(aesthetic_of_images(score, &a, &c, twice, 2, &arena, NULL) == STATUS_OK);
    CHECK_NEAR(score[0], want, 2e-6);
    CHECK(score[0] == score[1]);
    CHECK(aesthetic_of_images(score, &wide, &c, &image, 1, &arena, NULL) == STATUS_SHAPE);
    arena_free(&arena);
}

typedef struct {
    const Clip *clip;
    const char *folder;
    const Image *image;
    Arena arena;
} Attempt;

static Status attempt(void *context)
{
    Attempt *t = context;
    Aesthetic a;
    float score;
    const size_t fail = t->arena.fail_after;
    arena_free(&t->arena);
    t->arena.fail_after = fail;
    Status status = aesthetic_open(&a, t->folder, &t->arena, NULL);
    if (status == STATUS_OK)
        status = aesthetic_of_images(&score, &a, t->clip, t->image, 1, &t->arena, NULL);
    return status == STATUS_OK ? aesthetic_save(&a, t->folder, F32, &t->arena, NULL) : status;
}

static void test_no_memory(void)
{
    char folder[SCRATCH_PATH];
    Arena arena = {0};
    Clip c;
    tiny_clip_new(&c, &arena, false);
    const Aesthetic a = head_of(&arena, D);
    const Image image = picture_of(&arena);
    CHECK(aesthetic_save(&a, scratch_path(folder, "aesthetic-memory"), F32, &arena, NULL) == STATUS_OK);
    Attempt t = {.clip = &c, .folder = folder, .image = &image};
    check_allocations(attempt, &t, &t.arena);
    arena_free(&t.arena);
    drop_folder(folder);
    arena_free(&arena);
}

int main(void)
{
    test_by_hand();
    test_slopes();
    test_folder();
    test_pictures();
    test_no_memory();
    return check_report("aesthetic");
}
