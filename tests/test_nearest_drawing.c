#include "metrics/nearest_drawing.h"

#include "diffusion/world_sample.h"
#include "tests/net_check.h"
#include "tests/tiny_world.h"

static Arena arena;
static TinyWorld tiny;

enum { WHITE, PINK, SIZES = 6, PICTURE = NEAREST_SIDE * NEAREST_SIDE * 3 };

static DrawingGallery gallery_on(int background)
{
    DrawingGallery g = {.count = 0};
    CHECK(drawing_gallery(&g, &tiny.world, background, &arena, NULL) == STATUS_OK);
    return g;
}

static Image painted(const WorldScene *scene)
{
    WorldSample sample = {.caption = NULL};
    CHECK(world_sample_of(&sample, &tiny.world, scene, NEAREST_SIDE, 0, &arena, NULL) == STATUS_OK);
    return sample.image;
}

/* Of the style ink: square, half and tile twice, veil as it is; not the held-out thing, not the other styles. */
static void test_what_is_searched(void)
{
    const DrawingGallery g = gallery_on(WHITE);
    CHECK(g.count == SIZES * (2 + 2 + 1 + 2));
    for (int i = 0; i < g.count; i++)
        CHECK(g.scene[i].style == 0 && g.scene[i].object[0].concept != 4);
    tiny.pair[1] = PAIR_TEST;
    CHECK(gallery_on(WHITE).count == SIZES * (2 + 1 + 2));
    tiny.pair[1] = PAIR_TRAIN;
}

static void test_a_training_picture_finds_itself(void)
{
    WorldScene scene = single_scene(0, 1, PINK, 54);
    NearDrawing near[3];
    scene.object[0].mirror = true;
    scene.object[0].x += 2;
    scene.object[0].y -= 1;
    const DrawingGallery g = gallery_on(PINK);
    const Image picture = painted(&scene);
    CHECK(nearest_drawings(near, 3, &g, &picture) == 3);
    CHECK(near[0].distance == 0.0 && memcmp(&near[0].scene, &scene, sizeof scene) == 0);
    CHECK(near[0].distance < near[1].distance && near[1].distance <= near[2].distance);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < i; k++)
            CHECK(near[i].scene.object[0].concept != near[k].scene.object[0].concept);
    NearDrawing more[5];
    CHECK(nearest_drawings(more, 5, &g, &picture) == 4); /* there are no more drawings */
    CHECK(memcmp(more, near, sizeof near) == 0);
}

/* The distance written out: every scene, moved by painting it elsewhere. */
static double by_hand(const Image *picture, const DrawingGallery *g)
{
    double best = 2.0;
    for (int i = 0; i < g->count; i++)
        for (int dy = -2; dy <= 2; dy += 2)
            for (int dx = -2; dx <= 2; dx += 2) {
                const ArenaMark mark = arena_mark(&arena);
                WorldScene scene = g->scene[i];
                double sum = 0.0;
                scene.object[0].x += dx;
                scene.object[0].y += dy;
                const Image other = painted(&scene);
                for (int k = 0; k < PICTURE; k++) {
                    const double d = ((double)picture->pixels[k] - other.pixels[k]) / 255.0;
                    sum += d * d / PICTURE;
                }
                best = sqrt(sum) < best ? sqrt(sum) : best;
                arena_release(&arena, mark);
            }
    return best;
}

static void test_distance_by_hand(void)
{
    const DrawingGallery g = gallery_on(PINK);
    WorldScene scene = single_scene(0, 1, PINK, 60);
    scene.object[0].x -= 2;
    scene.object[0].y += 2;
    Image picture = painted(&scene);
    for (int k = 0; k < PICTURE; k += 3) /* another red everywhere: the same place is still the nearest */
        picture.pixels[k] = (unsigned char)(picture.pixels[k] ^ 31);
    NearDrawing near;
    CHECK(nearest_drawings(&near, 1, &g, &picture) == 1);
    CHECK_NEAR(near.distance, by_hand(&picture, &g), 1e-12);
    CHECK(near.distance > 0.0);
}

static Status try_gallery(void *context)
{
    Arena *own = context;
    DrawingGallery g;
    const Status status = drawing_gallery(&g, &tiny.world, WHITE, own, NULL);
    arena_free(own);
    return status;
}

int main(void)
{
    Arena own = {0};
    tiny_world(&tiny);
    test_what_is_searched();
    test_a_training_picture_finds_itself();
    test_distance_by_hand();
    check_allocations(try_gallery, &own, &own);
    arena_free(&arena);
    return check_report("nearest_drawing");
}
