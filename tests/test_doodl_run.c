/* The noise of a whole miniature model optimised: its gradient three ways and against slopes, what must hold after every
 * update, resuming, memory, and refusals. */
#include "guidance/doodl_run.h"

#include "diffusion/text_conditions.h"
#include "diffusion/unet_noise.h"
#include "nn/elementwise.h"
#include "tests/tiny_model.h"

enum { L = 2, SIDE = 4, N = L * SIDE * SIDE, PIXELS = 16 };

static Arena arena;
static Model model;
static float wanted[3 * PIXELS * PIXELS];
static PixelLoss pixels = {wanted, PIXELS, PIXELS};

static DoodlOptions options(int steps, int updates)
{
    DoodlOptions o = DOODL_DEFAULTS;
    o.prompt = "a red square";
    o.guidance = 3.0;
    o.steps.steps = steps;
    o.updates = updates;
    o.update.clip = 0.05;
    o.loss.vae = &model.vae;
    o.loss.loss = pixel_loss(&pixels);
    o.height = o.width = SIDE;
    o.seed = 4;
    return o;
}

typedef struct {
    int count, stop;
    double loss[64], length[64][2], way;
    bool tied;
    const DoodlRun *run;
} Seen;

static bool see(void *context, const DoodlReport *r)
{
    Seen *s = context;
    s->loss[s->count] = r->loss;
    s->length[s->count][0] = r->length[0];
    s->length[s->count][1] = r->length[1];
    s->way = r->way > s->way ? r->way : s->way;
    s->tied = s->tied && memcmp(s->run->z.x, s->run->z.y, N * sizeof(double)) == 0;
    s->count++;
    return s->count != s->stop;
}

static Status run(float *latent, Seen *seen, const DoodlOptions *o, Arena *memory, Error *err)
{
    DoodlRun r;
    const DoodlWatch watch = {.context = seen, .seen = see};
    *seen = (Seen){.tied = true, .run = &r};
    const Status status = doodl_run_begin(&r, &model, o, NULL, memory, err);
    return status == STATUS_OK ? doodl_run(latent, &r, &watch, err) : status;
}

/* ---- the gradient ---- */

/* The whole chain on one tape: eps under guidance, A u + B eps, mixing, both pictures' losses. */
static Tensor *noise_on(Tape *tape, const DoodlRun *r, Tensor *z, double time)
{
    float *times = tape_alloc(tape, 1, sizeof *times);
    const int dim[3] = {1, model.tokenizer.length, model.unet.config.level[0].cross_attention_dim};
    Tensor *text[2], *out[2];
    *times = (float)time;
    for (int c = 0; c < 2; c++) {
        text[c] = tape_input(tape, r->text + (size_t)c * text_rows_size(&model), 3, dim, false);
        out[c] = unet(tape, &model.unet, z, times, text[c], NULL);
    }
    Tensor *difference = subtract(tape, out[1], out[0]);
    return add(tape, out[0], scale(tape, difference, (float)r->options->guidance));
}

static Tensor *moved(Tape *tape, Tensor *u, const EdictStep *s, Tensor *eps)
{
    Tensor *kept = scale(tape, u, (float)s->scale);
    return add(tape, kept, scale(tape, eps, (float)s->add));
}

static Tensor *pulled(Tape *tape, Tensor *x, Tensor *y, double mix)
{
    Tensor *away = subtract(tape, y, x);
    return add(tape, x, scale(tape, away, (float)(1.0 - mix)));
}

static void gradient_on_tape(double *loss, float *g, const DoodlRun *r, const double *z, bool checkpoint)
{
    Arena work = {0}, gradients = {0};
    Tape tape = {.arena = &work, .gradients = &gradients, .recording = true, .checkpoint = checkpoint};
    float *start = tape_alloc(&tape, N, sizeof *start);
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_CROPS, 0);
    for (int i = 0; i < N; i++)
        start[i] = (float)z[i];
    Tensor *in = tape_input(&tape, start, 4, (const int[]){1, L, SIDE, SIDE}, true), *pair[2] = {in, in};
    for (int k = 0; k < r->plan.count; k++) {
        const EdictStep *s = &r->plan.step[k];
        const int u = r->plan.leapfrog ? k % 2 : 0, v = 1 - u;
        if (s->add != 0.0) {
            pair[u] = moved(&tape, pair[u], s, noise_on(&tape, r, pair[v], s->time));
            pair[v] = moved(&tape, pair[v], s, noise_on(&tape, r, pair[u], s->time));
        }
        pair[0] = pulled(&tape, pair[0], pair[1], r->plan.mix);
        pair[1] = pulled(&tape, pair[1], pair[0], r->plan.mix);
    }
    Tensor *first = decoded_loss_on(&tape, &r->options->loss, pair[0], &rng, NULL);
    Tensor *second = decoded_loss_on(&tape, &r->options->loss, pair[1], &rng, NULL);
    Tensor *both = add(&tape, first, second);
    CHECK(both != NULL && tape_backward(&tape, both, NULL) == STATUS_OK);
    *loss = both != NULL ? (double)both->data[0] : NAN;
    memcpy(g, in->grad, N * sizeof *g);
    arena_free(&work);
    arena_free(&gradients);
}

/* The same by undoing the steps. */
static void gradient_by_inverse(double *loss, double *g, const DoodlRun *r, const double *z, Arena *memory)
{
    UnetNoise unet = {.network = {.unet = &model.unet,
                                  .images = 1,
                                  .conditions = 2,
                                  .height = SIDE,
                                  .width = SIDE,
                                  .text = r->text,
                                  .tokens = model.tokenizer.length,
                                  .arena = memory},
                      .schedule = &r->schedule,
                      .guidance = r->options->guidance};
    const NoiseOracle noise = unet_noise(&unet);
    double pair[2 * N], slope[2 * N], part[2];
    const EdictPair at = {pair, pair + N}, back = {slope, slope + N};
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_CROPS, 0);
    for (int i = 0; i < 2 * N; i++)
        pair[i] = z[i % N];
    CHECK(edict_generate(&at, &r->plan, &noise, NULL, memory, NULL) == STATUS_OK);
    for (int i = 0; i < 2; i++)
        CHECK(decoded_loss(&part[i], slope + i * N, NULL, NULL, &r->options->loss, pair + i * N, SIDE, SIDE,
                           &rng, memory, NULL) == STATUS_OK);
    CHECK(edict_gradient(&at, &back, &r->plan, &noise, NULL, memory, NULL) == STATUS_OK);
    *loss = part[0] + part[1];
    for (int i = 0; i < N; i++) {
        g[i] = slope[i] + slope[N + i];
        CHECK_NEAR(pair[i], z[i], 1e-12); /* the way back */
    }
}

static void test_three_ways(void)
{
    DoodlRun r;
    const DoodlOptions o = options(5, 1);
    CHECK(doodl_run_begin(&r, &model, &o, NULL, &arena, NULL) == STATUS_OK);
    double loss[3], g[N], length = 0.0, off = 0.0;
    float plain[N], again[N];
    gradient_by_inverse(&loss[0], g, &r, r.z.x, &arena);
    gradient_on_tape(&loss[1], plain, &r, r.z.x, false);
    gradient_on_tape(&loss[2], again, &r, r.z.x, true);
    CHECK(same_bits(plain, again, N)); /* checkpoints change no bit */
    CHECK(loss[1] == loss[2]);
    CHECK_NEAR(loss[0], loss[1], 1e-5);
    for (int i = 0; i < N; i++) {
        length += g[i] * g[i];
        off += (g[i] - (double)plain[i]) * (g[i] - (double)plain[i]);
    }
    CHECK(length > 0.0 && sqrt(off) < 1e-4 * sqrt(length));
    /* and along a direction, by central differences */
    double moved_z[N], value[2], along = 0.0, ignored[N];
    const double h = 2e-3;
    for (int s = 0; s < 2; s++) {
        for (int i = 0; i < N; i++)
            moved_z[i] = r.z.x[i] + (s == 0 ? h : -h) * ((i % 5) - 2.0);
        gradient_by_inverse(&value[s], ignored, &r, moved_z, &arena);
    }
    for (int i = 0; i < N; i++)
        along += g[i] * ((i % 5) - 2.0);
    const double slope = (value[0] - value[1]) / (2.0 * h);
    CHECK(fabs(along - slope) < 1e-2 * fabs(slope) + 1e-4);
}

/* ---- the loop ---- */

static void test_invariants(void)
{
    float latent[N], again[N];
    Seen seen;
    DoodlOptions o = options(5, 8);
    CHECK(run(latent, &seen, &o, &arena, NULL) == STATUS_OK);
    CHECK(seen.count == 9 && seen.tied && seen.way < 1e-9);
    CHECK(seen.loss[8] < 0.9 * seen.loss[0]);
    for (int m = 0; m < 8; m++) {
        CHECK_NEAR(seen.length[m][0] / seen.length[0][0], 1.0, 1e-12);
        CHECK(seen.length[m][1] == seen.length[m][0]);
    }
    CHECK(run(again, &seen, &o, &arena, NULL) == STATUS_OK && same_bits(latent, again, N));
    /* lambda 0: nothing moves but by the perturbation */
    o.loss.factor = 0.0;
    o.update.perturb = 0.0;
    o.update.renormalise = false;
    CHECK(run(latent, &seen, &o, &arena, NULL) == STATUS_OK);
    o.updates = 1;
    CHECK(run(again, &seen, &o, &arena, NULL) == STATUS_OK && same_bits(latent, again, N));
}

static void test_resume(void)
{
    float whole[N], latent[N];
    Seen seen;
    Error err = {0};
    DoodlRun r;
    DoodlOptions o = options(5, 6);
    const DoodlWatch watch = {.context = &seen, .seen = see};
    CHECK(run(whole, &seen, &o, &arena, NULL) == STATUS_OK);
    seen = (Seen){.tied = true, .stop = 3, .run = &r};
    CHECK(doodl_run_begin(&r, &model, &o, NULL, &arena, NULL) == STATUS_OK);
    CHECK(doodl_run(latent, &r, &watch, &err) == STATUS_INTERRUPTED && r.update.updates == 3);
    CHECK_TEXT(err.text, "3 of 6 updates");
    CHECK(doodl_run(latent, &r, NULL, NULL) == STATUS_OK && same_bits(whole, latent, N));
}

static void test_last_steps_and_inversion(void)
{
    float latent[N], source[N];
    double noise[2 * N];
    Seen seen;
    DoodlRun r;
    DoodlOptions o = options(10, 3);
    o.last = 4;
    CHECK(doodl_run_begin(&r, &model, &o, NULL, &arena, NULL) == STATUS_OK);
    CHECK(r.plan.count == 4 && r.plan.step[0].time == 300.0);
    CHECK(run(latent, &seen, &o, &arena, NULL) == STATUS_OK && seen.loss[3] < seen.loss[0]);
    fill_any(source, N, 8);
    o = options(10, 3);
    o.prompt = "";
    o.guidance = 1.0;
    o.update.tied = o.update.renormalise = false;
    o.update.perturb = 0.0;
    CHECK(doodl_invert(noise, source, &model, &o, NULL, &arena, NULL) == STATUS_OK);
    CHECK(memcmp(noise, noise + N, N * sizeof *noise) != 0);
    CHECK(doodl_run_begin(&r, &model, &o, noise, &arena, NULL) == STATUS_OK);
    o.loss.factor = 0.0; /* the picture's own noise gives the picture */
    CHECK(doodl_run(latent, &r, NULL, NULL) == STATUS_OK);
    for (int i = 0; i < N; i++)
        CHECK_NEAR(latent[i], source[i], 1e-6);
}

/* The peak of the run's memory does not depend on the number of steps, but for the list of them. */
static void test_memory(void)
{
    static const int STEPS[3] = {10, 50, 200};
    size_t peak[3];
    for (int i = 0; i < 3; i++) {
        ArenaAccount account = {0};
        Arena memory = {.account = &account};
        DoodlOptions o = options(STEPS[i], 1);
        Seen seen;
        CHECK(run(NULL, &seen, &o, &memory, NULL) == STATUS_OK);
        arena_free(&memory);
        peak[i] = account.peak;
    }
    printf("peaks %zu %zu %zu\n", peak[0], peak[1], peak[2]);
    for (int i = 1; i < 3; i++) {
        const double list = (double)(STEPS[i] - STEPS[0]) * sizeof(EdictStep);
        CHECK(peak[0] > 0 && fabs((double)peak[i] - list - (double)peak[0]) < 0.02 * (double)peak[0]);
    }
}

static void refused(DoodlOptions o, const double *noise, const char *sentence)
{
    DoodlRun r;
    Error err = {0};
    CHECK(doodl_run_begin(&r, &model, &o, noise, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, sentence);
}

static Tensor *no_number(Tape *tape, const void *context, Tensor *x, Rng *rng)
{
    (void)context, (void)rng;
    return scale(tape, x, HUGE_VALF);
}

static void test_refusals(void)
{
    double noise[2 * N] = {0.0};
    DoodlOptions o = options(5, 0);
    refused(o, NULL, "0 updates");
    o = options(5, 1);
    refused(o, noise, "neither tied");
    o.last = 6;
    refused(o, NULL, "last 6 of 5 steps");
    o = options(7, 1);
    refused(o, NULL, "do not divide");
    o = options(5, 1);
    o.update.tied = false;
    o.first_only = true;
    refused(o, NULL, "needs a tied pair");
    float latent[N];
    Seen seen;
    Error err = {0};
    o = options(5, 1);
    o.loss.loss = (PictureLoss){NULL, no_number};
    CHECK(run(latent, &seen, &o, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "expected one");
}

int main(void)
{
    tiny_model_new(&model, &arena);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        wanted[i] = i % 3 == 0 ? 0.5f : -0.25f;
    test_three_ways();
    test_invariants();
    test_resume();
    test_last_steps_and_inversion();
    test_memory();
    test_refusals();
    arena_free(&arena);
    return check_report("doodl_run");
}
