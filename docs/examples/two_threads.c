/* two_threads.c - one model, two threads that draw with it at once, all memory from an allocator with a limit.
 *
 * Prints what the model takes, how near the two pictures are, and whether the second has the same bits when it is drawn
 * alone; at the end nothing of the allocator's memory is held any more.
 *
 *     cc two_threads.c $(pkg-config --cflags --libs ldm99) -lpthread
 *     ./a.out MODEL-FOLDER "a red apple" [STEPS [MEGABYTES]] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ldm99.h"

/* ---- an allocator that refuses more than a number of bytes ---- */

typedef struct {
    pthread_mutex_t lock;
    size_t held, most, limit; /* bytes */
} Budget;

enum { HEAD = 64 }; /* in front of each block: its size; a multiple of every alignment */

static void *budget_alloc(void *context, size_t size)
{
    Budget *b = context;
    unsigned char *block = NULL;
    pthread_mutex_lock(&b->lock);
    if (size <= b->limit - b->held && (block = malloc(HEAD + size)) != NULL) {
        memcpy(block, &size, sizeof size);
        b->held += size;
        b->most = b->held > b->most ? b->held : b->most;
    }
    pthread_mutex_unlock(&b->lock);
    return block != NULL ? block + HEAD : NULL;
}

static void budget_free(void *context, void *memory)
{
    Budget *b = context;
    size_t size;
    if (memory == NULL)
        return;
    memcpy(&size, (unsigned char *)memory - HEAD, sizeof size);
    pthread_mutex_lock(&b->lock);
    b->held -= size;
    pthread_mutex_unlock(&b->lock);
    free((unsigned char *)memory - HEAD);
}

/* ---- a picture, drawn by whatever thread ---- */

enum { LARGEST = 1 << 18 };

typedef struct {
    const ldm_model *model;
    const char *prompt;
    int steps;
    uint64_t seed;
    float latents[LARGEST], planes[LARGEST];
    ldm_status status;
    ldm_error error;
} Drawing;

static void *draw(void *context)
{
    Drawing *d = context;
    ldm_model_info info;
    ldm_model_get_info(d->model, &info, sizeof info);
    ldm_sample_options options;
    ldm_sample_options_default(&options, sizeof options);
    options.prompts = &d->prompt;
    options.steps = d->steps;
    options.seed = d->seed;
    d->status = ldm_sample(d->latents, d->model, &options, &d->error);
    if (d->status == LDM_OK)
        d->status = ldm_decode(d->planes, d->model, d->latents, 1, info.latent_height, info.latent_width,
                               &d->error);
    return NULL;
}

static ldm_status compare(Drawing d[3], const ldm_allocator *allocator, ldm_error *error)
{
    ldm_model_info info;
    ldm_model_get_info(d[0].model, &info, sizeof info);
    double psnr, ssim;
    const int h = info.picture_height, w = info.picture_width;
    ldm_status status = ldm_psnr(&psnr, d[0].planes, d[1].planes, 3, h, w, 2.0, error);
    if (status == LDM_OK)
        status = ldm_ssim(&ssim, d[0].planes, d[1].planes, 3, h, w, 2.0, allocator, error);
    if (status == LDM_OK)
        printf("the two: PSNR %.3f dB, SSIM %.4f\n", psnr, ssim);
    ldm_difference same;
    ldm_compare(&same, d[1].planes, d[2].planes, 3 * (size_t)h * (size_t)w);
    printf("alone: %s\n", same.different == 0 ? "the same bits" : "other bits");
    return status;
}

static ldm_status run(ldm_model *model, const char *prompt, int steps, const ldm_allocator *allocator,
                      ldm_error *error)
{
    static Drawing d[3]; /* two at once, and the second once more */
    pthread_t thread;
    for (int i = 0; i < 3; i++) {
        d[i].model = model;
        d[i].prompt = prompt;
        d[i].steps = steps;
        d[i].seed = i == 0 ? 1 : 2;
    }
    ldm_threads_set(1); /* workers of each call: the threads here are enough */
    if (pthread_create(&thread, NULL, draw, &d[0]) != 0)
        return LDM_MEMORY;
    draw(&d[1]);
    pthread_join(thread, NULL);
    draw(&d[2]);
    for (int i = 0; i < 3; i++)
        if (d[i].status != LDM_OK) {
            *error = d[i].error;
            return d[i].status;
        }
    return compare(d, allocator, error);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL-FOLDER PROMPT [STEPS [MEGABYTES]]\n", argv[0]);
        return 2;
    }
    Budget budget = {.lock = PTHREAD_MUTEX_INITIALIZER};
    budget.limit = (size_t)(argc > 4 ? atoi(argv[4]) : 1024) << 20;
    const ldm_allocator allocator = {budget_alloc, budget_free, &budget};
    ldm_error error = {LDM_OK, ""};
    ldm_model *model = NULL;
    ldm_status status = ldm_model_open(&model, argv[1], LDM_ALL, &allocator, &error);
    if (status == LDM_OK) {
        ldm_model_info info;
        ldm_model_get_info(model, &info, sizeof info);
        printf("model: %.1f MB\n", (double)info.memory / 1048576.0);
        status = run(model, argv[2], argc > 3 ? atoi(argv[3]) : 20, &allocator, &error);
    }
    if (status != LDM_OK)
        fprintf(stderr, "%s: %s\n", ldm_status_text(status), error.text);
    ldm_model_close(model);
    printf("memory: at most %.1f MB, held at the end: %zu bytes\n", (double)budget.most / 1048576.0,
           budget.held);
    return status != LDM_OK;
}
