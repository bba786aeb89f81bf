/* Pictures to latents and back: the autoencoder's own functions give the same, one by one. */
#include "diffusion/latent_pictures.h"

#include "diffusion/vae_latent.h"
#include "tests/pipeline_check.h"
#include "tests/tiny_model.h"

enum { SAMPLE = 2 * 4 * 4, PLANES = 3 * 16 * 16 };

/* The two latents by vae_encode and the formulas. */
static void by_hand(float *out, const Model *m, const float *planes, const float *noise, Arena *arena)
{
    Tape tape = {.arena = arena};
    Tensor *x = tape_input(&tape, (float *)(size_t)planes, 4, (const int[]){2, 3, 16, 16}, false);
    Tensor *moments = vae_encode(&tape, &m->vae, x);
    Tensor *z = latent_mean(&tape, moments);
    if (noise != NULL)
        z = latent_sample(&tape, moments, tape_input(&tape, (float *)(size_t)noise, 4, z->dim, false));
    z = latent_scale(&tape, &m->config.vae, z);
    if (CHECK(z != NULL))
        memcpy(out, z->data, 2 * SAMPLE * sizeof *out);
}

static void test_encoding(const Model *m, const float *planes)
{
    Arena arena = {0};
    const PicturePlanes two = {planes, 2, 16, 16}, one = {planes, 1, 16, 16};
    float want[2 * SAMPLE], got[2 * SAMPLE], noise[2 * SAMPLE];
    by_hand(want, m, planes, NULL, &arena);
    const size_t used = arena.used;
    CHECK(encode_pictures(got, 2, m, &two, NULL, &arena, NULL) == STATUS_OK &&
          same_bits(got, want, 2 * SAMPLE));
    CHECK(arena.used == used);
    Rng rng[2] = {rng_stream(RNG_TORCH, 5, STREAM_NOISE, 0), rng_stream(RNG_PHILOX, 6, STREAM_NOISE, 0)};
    Rng same[2] = {rng[0], rng[1]}, shared[2] = {rng[0], rng[1]};
    rng_normal_fill(&same[0], noise, SAMPLE);
    rng_normal_fill(&same[1], noise + SAMPLE, SAMPLE);
    by_hand(want, m, planes, noise, &arena);
    CHECK(encode_pictures(got, 2, m, &two, rng, &arena, NULL) == STATUS_OK &&
          same_bits(got, want, 2 * SAMPLE));
    CHECK(rng_u32(&rng[0]) == rng_u32(&same[0]) && rng_u32(&rng[1]) == rng_u32(&same[1]));
    CHECK(encode_pictures(got, 2, m, &one, shared, &arena, NULL) == STATUS_OK);
    CHECK(same_bits(got, want, SAMPLE) && !same_bits(got + SAMPLE, want + SAMPLE, SAMPLE));
    arena_free(&arena);
}

static void test_refused(Model *m, const float *planes)
{
    Arena arena = {0};
    float z[2 * SAMPLE];
    Error err = {0};
    PicturePlanes in = {planes, 2, 16, 15};
    CHECK(encode_pictures(z, 2, m, &in, NULL, &arena, &err) == STATUS_SHAPE);
    in = (PicturePlanes){planes, 2, 16, 16};
    CHECK(pictures_check(&in, m, 3, NULL) == STATUS_ARGUMENT &&
          pictures_check(&in, m, 2, NULL) == STATUS_OK);
    in.planes = NULL;
    CHECK(pictures_check(&in, m, 2, NULL) == STATUS_ARGUMENT);
    in.planes = planes;
    m->parts = MODEL_UNET;
    CHECK(encode_pictures(z, 2, m, &in, NULL, &arena, NULL) == STATUS_ARGUMENT);
    m->parts = MODEL_ALL;
    arena_free(&arena);
}

typedef struct {
    const Model *m;
    const float *planes;
    Arena *arena;
} Attempt;

static Status attempt(void *context)
{
    const Attempt *a = context;
    const PicturePlanes in = {a->planes, 1, 16, 16};
    float z[2 * SAMPLE];
    Image pictures[2];
    Rng rng[2] = {rng_stream(RNG_PHILOX, 5, STREAM_NOISE, 0), rng_stream(RNG_PHILOX, 6, STREAM_NOISE, 0)};
    const size_t fail = a->arena->fail_after;
    arena_free(a->arena);
    a->arena->fail_after = fail;
    Status status = encode_pictures(z, 2, a->m, &in, rng, a->arena, NULL);
    if (status == STATUS_OK)
        status = decode_latents(pictures, a->m, z, 2, 4, 4, a->arena, NULL);
    return status;
}

int main(void)
{
    Arena arena = {0}, again = {0};
    Model m;
    float planes[2 * PLANES];
    tiny_model_new(&m, &arena);
    fill_planes(planes, 2 * PLANES);
    test_encoding(&m, planes);
    test_refused(&m, planes);
    Attempt a = {&m, planes, &again};
    check_allocations(attempt, &a, &again);
    arena_free(&again);
    arena_free(&arena);
    return check_report("latent_pictures");
}
