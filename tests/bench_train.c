/* tests/bench_train.c - how fast whole networks run and learn.  Not a test: `make bench` runs it.
 *
 *   bench_train               a table of our own speeds, one and two threads
 *   bench_train serve         reads one job a line and answers with its seconds; tools/bench_train.py asks this way,
 *                             so that our runs and PyTorch's alternate on the same machine
 *
 * A job is:  kind threads repeats batch
 *   unet_step     one step of training denoiser and text encoder: draws, forward, loss, backward, clipping, AdamW,
 *                 averaged weights
 *   vae_step      the same for the autoencoder, on pictures that are there already
 *   unet          one evaluation of the denoiser
 *   vae_decode    one picture a latent */
#include <time.h>

#include "base/threads.h"
#include "tests/train_bench.h"

typedef struct {
    char kind[16];
    int threads, repeats, batch;
} Job;

/* With one thread, the processor's time: other programs disturb it less.  With more, the clock on the wall. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(threads_count() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void step(Trainer *trainer, int batch)
{
    Error err = {0};
    TrainReport report;
    trainer->options.batch_size = trainer->options.micro_batch = batch;
    must(trainer_step(trainer, &report, &err), &err);
}

static void evaluate(Bench *b, const Job *job, float *x, const float *timesteps, float *text)
{
    const ClipTextConfig *c = &b->model.config.text;
    const ArenaMark mark = arena_mark(&b->activations);
    Tape tape = {.arena = &b->activations};
    Tensor *input = latents(b, &tape, x, job->batch), *y;
    if (strcmp(job->kind, "vae_decode") == 0)
        y = vae_decode(&tape, &b->model.vae, input);
    else
        y = unet(&tape, &b->model.unet, input, timesteps,
                 tape_input(&tape, text, 3, (const int[]){job->batch, c->positions, c->shape.width}, false),
                 NULL);
    if (y == NULL)
        fail(tape.error.text);
    arena_release(&b->activations, mark);
}

/* Seconds for one run, or -1 when there is no such job. */
static double run(Bench *b, const Job *job)
{
    const ClipTextConfig *c = &b->model.config.text;
    const size_t N = (size_t)job->batch;
    const ArenaMark mark = arena_mark(&b->arena);
    const bool unet_step = strcmp(job->kind, "unet_step") == 0,
               vae_step = strcmp(job->kind, "vae_step") == 0;
    if (!unet_step && !vae_step && strcmp(job->kind, "unet") != 0 && strcmp(job->kind, "vae_decode") != 0)
        return -1.0;
    float *x = normals(b, &b->arena, N * latent_numbers(b));
    float *timesteps = uniforms(b, &b->arena, N, 0.0f, 999.0f);
    float *text = normals(b, &b->arena, N * (size_t)c->positions * (size_t)c->shape.width);
    threads_set(job->threads);
    const double start = seconds();
    for (int i = 0; i < job->repeats; i++)
        if (unet_step || vae_step)
            step(unet_step ? &b->unet_trainer : &b->vae_trainer, job->batch);
        else
            evaluate(b, job, x, timesteps, text);
    const double took = seconds() - start;
    arena_release(&b->arena, mark);
    return took / job->repeats;
}

static bool parse(Job *job, const char *line)
{
    *job = (Job){.repeats = 0};
    return sscanf(line, "%15s %d %d %d", job->kind, &job->threads, &job->repeats, &job->batch) == 4 &&
           job->threads > 0 && job->repeats > 0 && job->batch > 0;
}

static void serve(Bench *b)
{
    char line[256];
    Job job;
    while (fgets(line, sizeof line, stdin) != NULL) {
        printf("%.9f\n", parse(&job, line) ? run(b, &job) : -1.0);
        fflush(stdout);
    }
}

static void print_table(Bench *b)
{
    static const Job jobs[] = {{"unet_step", 1, 1, 16}, {"vae_step", 1, 1, 4}, {"unet", 1, 8, 1},
                               {"unet", 1, 4, 2},       {"unet", 1, 1, 16},    {"vae_decode", 1, 4, 1}};
    printf("%-12s %5s %14s %14s   pictures a second\n", "job", "batch", "1 thread", "2 threads");
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        double best[2] = {1e30, 1e30};
        for (int attempt = 0; attempt < 8; attempt++) {
            Job job = jobs[i];
            job.threads = attempt % 2 + 1;
            const double took = run(b, &job);
            best[attempt % 2] = took < best[attempt % 2] ? took : best[attempt % 2];
        }
        printf("%-12s %5d %11.2f ms %11.2f ms   %7.1f %7.1f\n", jobs[i].kind, jobs[i].batch, best[0] * 1e3,
               best[1] * 1e3, jobs[i].batch / best[0], jobs[i].batch / best[1]);
    }
}

int main(int argc, char **argv)
{
    static Bench b;
    open_bench(&b);
    if (argc == 2 && strcmp(argv[1], "serve") == 0)
        serve(&b);
    else
        print_table(&b);
    return 0;
}
