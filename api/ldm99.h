/* ldm99.h - the library for programs that embed it: latent diffusion, the same bits everywhere.
 *
 * Numbers. Arrays are binary32, rows first, without gaps; (N,L,h,w) means N samples of L channels of h rows of w
 * numbers.  A function's result depends on its arguments alone: not on compiler, processor, threads, or on what
 * shares its batch (a batch of N is N runs of one).  What the program ldm99 makes, these functions make, bit for bit.
 *
 * Errors.  A function that can fail returns an ldm_status and fills the ldm_error of its caller with one sentence:
 * what, where, expected, got.  error may be NULL.  On failure nothing is owed, and what the function gives back
 * through a pointer to a pointer or a struct is untouched; arrays that it was to fill hold anything.
 *
 * Pointers are given, except where NULL is said to mean something.
 *
 * Memory.  Arrays are the caller's.  A model and the scratch of its calls come from the allocator that it was opened
 * with, all else from the allocator that the call is given; scratch is given back before the call returns.  (stdio,
 * which reads and writes the files, and OpenMP have memory of their own.)
 *
 * Threads.  The library keeps no state but the number of its worker threads (ldm_threads_set) and never prints,
 * exits, or reads environment or clock.  An open model is only read: any number of threads may use it at once, if
 * its allocator may be called from all of them.
 *
 * Sizes.  Counts of numbers are size_t; dimensions are int and at least 1. */
#ifndef LDM99_H
#define LDM99_H

#include <stddef.h>
#include <stdint.h>

#ifndef LDM_API /* what the shared library shows */
#ifdef __GNUC__
#define LDM_API __attribute__((visibility("default")))
#else
#define LDM_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define LDM_VERSION "0.1.0"

/* ---- status, errors, memory ---------------------------------------------------------------------------------- */

typedef enum ldm_status {
    LDM_OK = 0,
    LDM_MEMORY,     /* an allocation failed */
    LDM_FILE,       /* cannot open, read or write */
    LDM_FORMAT,     /* the bytes are not what the format says */
    LDM_SHAPE,      /* things that do not fit together */
    LDM_ARGUMENT,   /* an argument is out of its documented range */
    LDM_DIFFERENT,  /* a self-test failed: this build or machine would not give the promised bits */
    LDM_NOT_FINITE, /* infinity or NaN where a number was computed */
    LDM_INTERRUPTED /* a callback asked to stop */
} ldm_status;

typedef struct ldm_error {
    ldm_status status;
    char text[400]; /* one sentence, UTF-8; "" without an error */
} ldm_error;

/* Both functions may be called from any thread that calls the library.  alloc returns `size` bytes aligned as
 * malloc's, or NULL. */
typedef struct ldm_allocator {
    void *(*alloc)(void *context, size_t size);
    void (*free)(void *context, void *memory);
    void *context;
} ldm_allocator;

/* The version of the library that runs; LDM_VERSION is that of the header.  Versions a.b.c with equal a.b fit. */
LDM_API const char *ldm_version(void);

/* "out of memory", "cannot read or write a file" ...; never NULL. */
LDM_API const char *ldm_status_text(ldm_status status);

/* Tries every rule of arithmetic on which the promised bits stand, here and in every worker thread (microseconds).
 * LDM_DIFFERENT names the broken one: a wrong compiler option, a rounding mode, flushed subnormals.  Every function
 * that computes tries them in its own thread before it starts. */
LDM_API ldm_status ldm_self_test(ldm_error *error);

/* How many threads a call may use; 0: one a processor, which is the default.  Not while another call runs.
 * Changes no bit.  ldm_threads says how many: 1 in a library without OpenMP.
 *
 * Where other programs keep the processors busy, start yours with OMP_WAIT_POLICY=passive in its environment: OpenMP
 * reads it before main, and without it threads that wait spin, and take the time of those that work. */
LDM_API void ldm_threads_set(int count);
LDM_API int ldm_threads(void);

/* Gives back what a function below says is to be given back with it; allocator: the one it was given. */
LDM_API void ldm_free(const ldm_allocator *allocator, void *memory);

/* ---- a model --------------------------------------------------------------------------------------------------- */

/* Parts, to be or-ed together; each function below says what it needs. */
enum { LDM_TOKENIZER = 1, LDM_TEXT = 2, LDM_UNET = 4, LDM_VAE = 8, LDM_SCHEDULER = 16, LDM_ALL = 31 };

typedef struct ldm_model ldm_model;

/* Opens the wanted parts of a folder in the layout of diffusers (StableDiffusionPipeline).  Every key and every
 * tensor is understood or refused by name.  allocator: copied; NULL is malloc and free. */
LDM_API ldm_status ldm_model_open(ldm_model **out, const char *folder, unsigned parts,
                                  const ldm_allocator *allocator, ldm_error *error);

/* Gives back all memory of the model; NULL does nothing. */
LDM_API void ldm_model_close(ldm_model *model);

/* What belongs to a part that was not opened is 0 or "". */
typedef struct ldm_model_info {
    size_t struct_size;                /* set by ldm_model_get_info */
    unsigned parts;                    /* those that are open */
    int latent_channels;               /* L */
    int input_channels;                /* of the U-Net: L, but for models that see more than a latent */
    int latent_height, latent_width;   /* h, w that the U-Net was trained for; 0: not said */
    int picture_height, picture_width; /* of the picture of such a latent */
    int factor;                        /* pixels to a latent's pixel, along one side; needs the VAE */
    int tokens, vocabulary;            /* T numbers in a tokenized prompt, each below vocabulary */
    int text_width;                    /* D: a prompt's text is (T,D) */
    int train_timesteps;               /* timesteps are 0 .. train_timesteps - 1 */
    const char *prediction;            /* "epsilon", "v_prediction", "sample" */
    const char *scheduler;             /* "DDIMScheduler" ...; lives as long as the model */
    size_t text_numbers, unet_numbers, vae_numbers; /* parameters */
    size_t memory;                                  /* bytes that the model takes */
} ldm_model_info;

/* Fills the first `size` bytes of *out: ldm_model_get_info(model, &info, sizeof info). */
LDM_API void ldm_model_get_info(const ldm_model *model, ldm_model_info *out, size_t size);

/* ---- text ------------------------------------------------------------------------------------------------------ */

/* ids (T): start, tokens, end, padding.  *used: without the padding; *cut: bytes at the end of the prompt that did
 * not fit (spaces normalised); each may be NULL.  prompt: UTF-8, else LDM_FORMAT.  Needs LDM_TOKENIZER. */
LDM_API ldm_status ldm_tokenize(int *ids, int *used, size_t *cut, const ldm_model *model,
                                const char *prompt, ldm_error *error);

/* An id as the vocabulary writes it ("apple</w>"); NULL when there is none.  Lives as long as the model. */
LDM_API const char *ldm_token_text(const ldm_model *model, int id);

/* text (T,D): the rows that the U-Net attends to.  clip_skip: layers of the encoder left out at its end, usually 0.
 * Needs LDM_TOKENIZER and LDM_TEXT. */
LDM_API ldm_status ldm_encode_prompt(float *text, const ldm_model *model, const char *prompt, int clip_skip,
                                     ldm_error *error);

/* ---- noise and schedule ---------------------------------------------------------------------------------------- */

/* Generators: our counter-based one, and the sequence of torch.Generator("cpu").manual_seed(seed). */
enum { LDM_PHILOX = 0, LDM_TORCH = 1 };

/* count normal numbers: with L h w of them the starting noise of the picture with that seed. */
LDM_API ldm_status ldm_noise(float *out, size_t count, int generator, uint64_t seed, ldm_error *error);

/* alpha_bar (train_timesteps): a noisy latent at t is sqrt(abar_t) x0 + sqrt(1 - abar_t) noise.  Needs
 * LDM_SCHEDULER, as do the next two. */
LDM_API ldm_status ldm_schedule(double *alpha_bar, const ldm_model *model, ldm_error *error);

/* out = x0 with the noise of timestep t, count numbers; out may be x0 or noise. */
LDM_API ldm_status ldm_add_noise(float *out, const float *x0, const float *noise, size_t count,
                                 const ldm_model *model, int t, ldm_error *error);

/* x0 and noise as the network's output `y` for input x at timestep t has them, count numbers; x0 or noise may be
 * NULL. */
LDM_API ldm_status ldm_predictions(float *x0, float *noise, const float *x, const float *y, size_t count,
                                   const ldm_model *model, int t, ldm_error *error);

/* ---- sampling -------------------------------------------------------------------------------------------------- */

/* Where a run is: call 0 .. calls - 1 of the network, which was told `time`. */
typedef struct ldm_step {
    int call, calls;
    double time;
    int images, channels, height, width; /* of the latents: (images, channels, height, width) */
} ldm_step;

typedef struct ldm_sample_options {
    size_t struct_size; /* set by ldm_sample_options_default */

    /* What the pictures show: `count` prompts, UTF-8, each for `images` pictures side by side; or, when `text` is
     * given, its rows (count,T,D) in their place.  negative: a prompt for all, NULL: ""; or negative_text (T,D).
     * text_tokens: T, 0: the tokenizer's; another one where all texts that are needed are given as rows. */
    const char *const *prompts;
    const float *text;
    const char *negative;
    const float *negative_text;
    int text_tokens;
    int count, images;

    int width,
        height; /* pixels, multiples of the model's factor (8 without VAE); 0: what it was trained for */
    int steps;  /* 1 to train_timesteps */
    double guidance; /* classifier-free guidance w; 1: none */
    double rescale;  /* 0 to 1: share of the rescaled guidance */
    int clip_skip;

    const char *sampler;    /* ldm_sampler_name; NULL: the one that the model's scheduler names */
    const char *prediction; /* NULL: as the model says; or "epsilon", "v_prediction", "sample" */
    const char *spacing;    /* NULL: as the model says; or "leading", "trailing", "linspace" */
    double eta;             /* ddim: noise of each step, 0 none to 1 as much as ddpm */

    int generator;      /* LDM_PHILOX, LDM_TORCH */
    uint64_t seed;      /* picture i has seed + i */
    const float *noise; /* (count images,L,h,w) starting noise in place of the drawn one; NULL: drawn */

    /* From a picture: its latents (count images,L,h,w) get the noise of the step after the `skip` steps that are
     * left out, 0 <= skip <= steps.  NULL: from noise alone. */
    const float *start;
    int skip;

    /* Called in this order after each call of the network; each may be NULL; any other result than 0 stops the run
     * with LDM_INTERRUPTED.
     *   guided    after guidance: input is what the network saw, y its output, which may be changed
     *   latents   after the sampler's step: the latents, which may be changed
     *   progress  last */
    int (*guided)(void *context, const ldm_step *at, const float *input, float *y);
    int (*latents)(void *context, const ldm_step *at, float *latents);
    int (*progress)(void *context, const ldm_step *at);
    void *context;
} ldm_sample_options;

/* One picture, 50 steps, guidance 7.5, our generator, seed 0; the caller sets prompts (or text) at least:
 *     ldm_sample_options options;
 *     ldm_sample_options_default(&options, sizeof options);
 * A program that was built with another version's header has another size; it is filled and understood so far. */
LDM_API void ldm_sample_options_default(ldm_sample_options *options, size_t size);

/* The name of sampler i ("ddim"); NULL behind the last. */
LDM_API const char *ldm_sampler_name(int i);

/* What the network will be told in its calls: times (*calls), of which at most `room` are written.  Of the options
 * steps, sampler, prediction and spacing count.  Needs LDM_SCHEDULER. */
LDM_API ldm_status ldm_timesteps(double *times, int room, int *calls, const ldm_model *model,
                                 const ldm_sample_options *options, ldm_error *error);

/* latents (count images,L,h,w) from noise to pictures' latents.  Needs LDM_UNET and LDM_SCHEDULER; LDM_TOKENIZER
 * and LDM_TEXT for what is not given as text. */
LDM_API ldm_status ldm_sample(float *latents, const ldm_model *model, const ldm_sample_options *options,
                              ldm_error *error);

/* ---- the networks and their gradients ---------------------------------------------------------------------------
 *
 * NAME_vjp computes y = NAME(x) and dx = (dy/dx)^T dy, the gradient of the scalar sum(dy y).  The output y and each
 * gradient may be NULL. */

/* One call of the U-Net: x (N,input_channels,h,w), times (N), text (N,T,D), y (N,L,h,w).  T is free here.  Needs LDM_UNET. */
LDM_API ldm_status ldm_unet(float *y, const ldm_model *model, const float *x, const float *times,
                            const float *text, int N, int h, int w, int T, ldm_error *error);
LDM_API ldm_status ldm_unet_vjp(float *y, float *dx, float *dtext, const ldm_model *model, const float *x,
                                const float *times, const float *text, const float *dy, int N, int h, int w,
                                int T, ldm_error *error);

/* picture (N,3,h factor,w factor), about [-1,1], of latents (N,L,h,w).  Needs LDM_VAE, as do the next three. */
LDM_API ldm_status ldm_decode(float *picture, const ldm_model *model, const float *latents, int N, int h,
                              int w, ldm_error *error);
LDM_API ldm_status ldm_decode_vjp(float *picture, float *dlatents, const ldm_model *model,
                                  const float *latents, const float *dpicture, int N, int h, int w,
                                  ldm_error *error);

/* 8-bit samples side by side, rows top first: pixels[(y width + x) channels + c].  Channels: 1 grey, 3 RGB, 4 RGBA. */
typedef struct ldm_picture {
    int width, height, channels;
    unsigned char *pixels;
} ldm_picture;

/* The picture of one sample's latents (L,h,w), as pixels that are to be given back with ldm_free.  Needs LDM_VAE. */
LDM_API ldm_status ldm_decode_picture(ldm_picture *out, const ldm_model *model, const float *latents, int h,
                                      int w, const ldm_allocator *allocator, ldm_error *error);

/* latents (N,L,H / factor,W / factor) of a picture (N,3,H,W) in [-1,1], H and W multiples of factor: the mean of
 * the encoder's distribution, or with `noise` (like latents, normal) a sample of it.  noise may be NULL. */
LDM_API ldm_status ldm_encode(float *latents, const ldm_model *model, const float *picture,
                              const float *noise, int N, int H, int W, ldm_error *error);
LDM_API ldm_status ldm_encode_vjp(float *latents, float *dpicture, const ldm_model *model,
                                  const float *picture, const float *noise, const float *dlatents, int N,
                                  int H, int W, ldm_error *error);

/* ---- pictures and arrays ---------------------------------------------------------------------------------------- */

/* A PNG, PPM or PGM file, or such bytes in memory; 3 channels, or 4 where it has transparency.  The pixels are to be
 * given back with ldm_free. */
LDM_API ldm_status ldm_picture_read(ldm_picture *out, const char *path, const ldm_allocator *allocator,
                                    ldm_error *error);
LDM_API ldm_status ldm_picture_parse(ldm_picture *out, const void *data, size_t size,
                                     const ldm_allocator *allocator, ldm_error *error);

/* Writes a PNG, all or nothing (PPM or PGM where the name ends in .ppm or .pgm).  texts: key, text, key, text ...,
 * NULL, kept inside a PNG; or NULL. */
LDM_API ldm_status ldm_picture_write(const char *path, const ldm_picture *picture, const char *const *texts,
                                     const ldm_allocator *allocator, ldm_error *error);

/* The same PNG in memory: *data (*size bytes) is to be given back with ldm_free. */
LDM_API ldm_status ldm_picture_encode(unsigned char **data, size_t *size, const ldm_picture *picture,
                                      const char *const *texts, const ldm_allocator *allocator,
                                      ldm_error *error);

/* Between the samples of a picture and planes (channels,height,width) in [-1,1]; what is outside is clamped. */
LDM_API void ldm_planes_from_picture(float *planes, const ldm_picture *picture);
LDM_API void ldm_picture_from_planes(ldm_picture *picture, const float *planes);

enum { LDM_RANK = 8 };

/* .npy files.  Any kind of number is read and becomes binary32; *data is to be given back with ldm_free.
 * rank: 0 to LDM_RANK axes. */
LDM_API ldm_status ldm_array_read(float **data, int *rank, uint64_t dim[LDM_RANK], const char *path,
                                  const ldm_allocator *allocator, ldm_error *error);
LDM_API ldm_status ldm_array_write(const char *path, const float *data, int rank, const uint64_t *dim,
                                   const ldm_allocator *allocator, ldm_error *error);

typedef struct ldm_difference {
    size_t different;   /* numbers of other bits; any NaN is like any other */
    size_t first;       /* place of the first of them; count when there is none */
    double largest;     /* of |a - b|; infinite where only one is a number */
    uint64_t ulps;      /* most steps of binary32 between two numbers of one sign */
    size_t other_signs; /* pairs of a number above 0 and one below it */
} ldm_difference;

/* Where and how much count numbers differ. */
LDM_API void ldm_compare(ldm_difference *out, const float *a, const float *b, size_t count);

/* ---- metrics -----------------------------------------------------------------------------------------------------
 *
 * How near picture a is to picture b, both (planes,height,width).  range: of the numbers, 2 for planes in [-1,1], 255
 * for 8-bit levels.  LDM_NOT_FINITE where infinity or NaN is among the numbers. */

/* What a metric computes, in one line that begins with its name and version: "ssim 1: mean over ...".  The version
 * goes up when the same pictures would give another number.  name: "mse", "psnr", "ssim"; NULL for others. */
LDM_API const char *ldm_metric_recipe(const char *name);

/* The mean of (a - b)^2. */
LDM_API ldm_status ldm_mse(double *out, const float *a, const float *b, int planes, int height, int width,
                           ldm_error *error);

/* 10 log10(range^2 / mse), in dB; infinite for equal pictures. */
LDM_API ldm_status ldm_psnr(double *out, const float *a, const float *b, int planes, int height, int width,
                            double range, ldm_error *error);

/* Structural similarity of Wang, Bovik, Sheikh and Simoncelli 2004, the mean over the planes; 1 for equal pictures.
 * Sides below 11 are LDM_SHAPE. */
LDM_API ldm_status ldm_ssim(double *out, const float *a, const float *b, int planes, int height, int width,
                            double range, const ldm_allocator *allocator, ldm_error *error);

#ifdef __cplusplus
}
#endif

#endif
