/* encode and decode from outside: the mean, samples of the posterior with both generators, what is refused; with a tiny
 * autoencoder, and against a reference case where those are there. */
#include "base/rng.h"
#include "diffusion/latent_pictures.h"
#include "diffusion/vae_latent.h"
#include "io/npy.h"
#include "io/png.h"
#include "tests/net_cases.h"
#include "tests/outside.h"
#include "tests/tiny_model.h"

static Outside o;

enum { L = 2, SIDE = 4, SAMPLE = L * SIDE * SIDE };

static void works(const char *arguments)
{
    if (!CHECK(outside_run(&o, arguments) == 0))
        printf("    ldm99 %s: exit %d, %s", arguments, o.code, o.err);
}

static Image write_picture(const char *name, int side)
{
    Image picture = {0};
    CHECK(image_new(&picture, side, side, 3, &o.arena, NULL) == STATUS_OK);
    for (size_t i = 0; i < image_size(&picture); i++)
        picture.pixels[i] = (unsigned char)(i * 11 % 256);
    CHECK(png_write(outside_path(&o, name), &picture, NULL, 0, &o.arena, NULL) == STATUS_OK);
    return picture;
}

/* The numbers of a file (1, channels, side, side); zeros, with a failed check, when they are not. */
static const float *latent(const char *name, int channels, int side)
{
    NpyArray a;
    const size_t n = (size_t)(channels * side * side);
    float *none = arena_alloc(&o.arena, n, sizeof *none);
    const bool good = npy_read(&a, outside_path(&o, name), &o.arena, NULL) == STATUS_OK && a.dtype == F32 &&
                      a.rank == 4 && a.dim[0] == 1 && a.dim[1] == (uint64_t)channels &&
                      a.dim[2] == (uint64_t)side && a.dim[3] == (uint64_t)side;
    return CHECK(good) ? a.data : none;
}

/* Mean and deviation of a picture's posterior, and the noise that a scaled sample of it was made with. */
static void noise_of(float *noise, const float *sample, const Model *m, const Image *picture, size_t n)
{
    float *planes = arena_raw(&o.arena, image_size(picture), sizeof *planes);
    Tape tape = {.arena = &o.arena};
    image_to_planes(planes, picture);
    const int shape[4] = {1, 3, picture->height, picture->width};
    Tensor *moments = vae_encode(&tape, &m->vae, tape_input(&tape, planes, 4, shape, false));
    const Tensor *mean = latent_mean(&tape, moments), *logvar = latent_logvar(&tape, moments);
    if (!CHECK(mean != NULL && logvar != NULL && tensor_count(mean) == n))
        return;
    for (size_t i = 0; i < n; i++)
        noise[i] = (float)(((double)sample[i] / m->config.vae.scaling_factor - (double)mean->data[i]) /
                           exp(0.5 * (double)logvar->data[i]));
}

/* torch.manual_seed(0); torch.randn(1, 2, 4, 4): its first eight numbers, as torch 1.13 prints them. */
static void test_a_sample_with_the_noise_of_torch(void)
{
    static const double FIRST[8] = {-1.1258, -1.1524, -0.2506, -0.4339, 0.8487, 0.6920, -0.3160, -2.1152};
    Arena arena = {0};
    Model m;
    float noise[SAMPLE] = {0}, want[SAMPLE];
    Rng rng = rng_stream(RNG_TORCH, 0, STREAM_NOISE, 0);
    tiny_model_new(&m, &arena);
    CHECK(model_save(&m, outside_path(&o, "model"), F32, &arena, NULL) == STATUS_OK);
    const Image picture = write_picture("in.png", 16);
    works("encode -q -m model -i in.png -o torch.npy --sample --rng torch -s 0");
    noise_of(noise, latent("torch.npy", L, SIDE), &m, &picture, SAMPLE);
    rng_normal_fill(&rng, want, SAMPLE);
    for (int i = 0; i < SAMPLE; i++)
        CHECK_NEAR(noise[i], want[i], 1e-5);
    for (int i = 0; i < 8; i++)
        CHECK_NEAR(noise[i], FIRST[i], 6e-5);
    arena_free(&arena);
}

static void test_generators_and_seeds_count(void)
{
    works("encode -q -m model -i in.png -o mean.npy");
    works("encode -q -m model -i in.png -o unseen.npy --rng torch -s 4"); /* the mean has no noise */
    CHECK(outside_shell(&o, "cmp mean.npy unseen.npy"));
    works("encode -q -m model -i in.png -o ours.npy --sample");
    works("encode -q -m model -i in.png -o again.npy --sample --rng philox -s 0 -t 2");
    CHECK(outside_shell(&o, "cmp ours.npy again.npy"));
    works("encode -q -m model -i in.png -o other.npy --sample --rng torch -s 1");
    /* of torch's seeds the low 32 bits count */
    works("encode -q -m model -i in.png -o high.npy --sample --rng torch -s 4294967296");
    CHECK(outside_shell(&o,
                        "cmp torch.npy high.npy && ! cmp torch.npy ours.npy && ! cmp torch.npy other.npy"));
    works("decode -q -m model -i torch.npy -o out.png");
    CHECK(outside_has(&o, "out.png"));
}

static void test_refused(void)
{
    write_picture("odd.png", 18);
    outside_fails(&o, "encode -q -m model -i in.png -o n.npy --sample --rng numpy", 2, "philox");
    outside_fails(&o, "encode -q -m model -o n.npy", 2, "encode: a picture is needed");
    outside_fails(&o, "encode -q -m model -i odd.png -o n.npy", 1, "odd.png: is 18x18");
    outside_fails(&o, "decode -q -m model -o n.png", 2, "decode: latents are needed");
    CHECK(!outside_has(&o, "n.npy") && !outside_has(&o, "n.png"));
}

/* The noise that diffusers' img2img drew first from the generator of seed 93, for a picture of 64 x 64. */
static void test_the_reference_drew_the_same(void)
{
    char line[CASE_PATH + 600], path[CASE_PATH];
    Arena arena = {0};
    Case c;
    Model m;
    Error err = {0};
    if (!case_exists("i-img2img-inpaint") || !case_open(&c, "i-img2img-inpaint", &arena))
        return;
    const char *model = case_path(path, "models/sd1-tiny");
    if (!CHECK(model_open(&m, model, MODEL_VAE, 0, &arena, &err) == STATUS_OK))
        return;
    const Image picture = write_picture("case.png", 64);
    char here[400] = "";
    CHECK(model[0] == '/' || getcwd(here, sizeof here) != NULL);
    snprintf(line, sizeof line, "encode -q -m '%s/%s' -i case.png -o case.npy --sample --rng torch -s 93",
             here, model);
    works(line);
    float noise[4 * 16 * 16] = {0};
    noise_of(noise, latent("case.npy", 4, 16), &m, &picture, 4 * 16 * 16);
    case_compare(&c, "img2img.noise.0", noise, 4 * 16 * 16);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    if (outside_begin(&o, argc > 0 ? argv[0] : "", "encode")) {
        test_a_sample_with_the_noise_of_torch();
        test_generators_and_seeds_count();
        test_refused();
        test_the_reference_drew_the_same();
    }
    outside_end(&o);
    return check_report("command_encode");
}
