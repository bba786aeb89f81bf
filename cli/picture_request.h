/* cli/picture_request.h - everything that decides the bits of a picture made from a prompt, as options: what
 * `txt2img`, `img2img` and the others take, what a picture keeps of itself, and what `again` reads back.  What only one
 * of them takes is its method's (cli/picture_method.h). */
#ifndef CLI_PICTURE_REQUEST_H
#define CLI_PICTURE_REQUEST_H

#include "cli/dump.h"
#include "cli/guide_loss.h"
#include "cli/lora_input.h"
#include "cli/model_files.h"
#include "cli/preview.h"
#include "cli/progress.h"
#include "cli/run_model.h"
#include "diffusion/pipeline_adapter.h"

/* A file besides the model's that decides the bits. */
typedef struct {
    const char *path;
    char sha256[65];
} InputFile;

enum { INPUT_FILES = 3 * CONTROLS_MAX + 2 + LORAS_MAX + 2 * LOSS_CLIPS + OPTION_TEXTS_MAX };

/* img2img and inpaint: the options, and what is read from the files. */
typedef struct {
    const char *path, *mask_path;
    double strength;
    int mask_blur;
    Image picture;
    float *planes; /* (3, height, width) in [-1, 1] */
    float *mask;   /* (height, width) in [0, 1] */
} ImageInput;

/* control and adapter, likewise. */
typedef struct {
    OptionTexts folders, images;
    double strength, start, end;
    bool guess_mode;
    Control *control; /* one a folder */
    Adapter *adapter;
} SteerInput;

/* guide. */
typedef struct {
    const char *on, *noisy; /* "blend", "x0"; folder of a classifier of noisy latents, or NULL */
    bool frozen;
    GuideLoss loss;
    Vgg *vgg; /* of `noisy` */
    int vgg_head, vgg_label;
} GuideInput;

typedef struct {
    const struct PictureMethod *method;       /* cli/picture_method.h */
    const char *long_prompt, *prompt_weights; /* "cut", "chunks"; "none", "a1111", "compel" */
    const char *prompt, *negative, *latents, *rng;
    int width, height, steps, clip_skip;
    int batch;  /* pictures */
    int latent; /* of the file of latents; -1: all */
    int corrections;
    double guidance, rescale, eta;
    uint64_t seed; /* of the first picture */
    RunModel run;
    ImageInput image;
    SteerInput steer;
    GuideInput guide;
    LoraInput lora;
    Dump *dump;       /* who records intermediates; NULL: nobody */
    Preview *preview; /* who shows each step; NULL: nobody */
    /* Filled by picture_request_open: */
    ModelFiles files;
    char latents_hash[65]; /* "" without a file of latents */
    int latent_height;
    InputFile input[INPUT_FILES];
    int inputs;
    const char *name; /* of the subcommand that runs it */
    Command *command;
    Progress progress;
} PictureRequest;

/* stable-diffusion.cpp's defaults, but for the sampler: the model's. */
extern const PictureRequest PICTURE_REQUEST;

/* Sets of defaults of other programs (docs/CLI.md). */
extern const OptionPreset PICTURE_PRESETS[];
extern const char *const PICTURE_PRESET_NAMES;

/* The options of one picture; the rows point into *r. */
enum { PICTURE_OPTIONS = 25 };
void picture_request_table(PictureRequest *r, Option table[PICTURE_OPTIONS]);

/* Notes a file that is read, with its hash; once. */
MUST_CHECK Status picture_request_input(PictureRequest *r, const char *path, Error *err);

/* Opens the model, hashes its files, and says in *o what to make; *o points into *r. */
MUST_CHECK Status picture_request_open(PictureRequest *r, Txt2ImgOptions *o, Command *c, Error *err);

/* Makes the pictures, with the progress on stderr. */
MUST_CHECK Status picture_request_run(Txt2ImgResult *out, PictureRequest *r, const Txt2ImgOptions *o,
                                      Error *err);

/* The sampler's plan as the request makes it: timesteps and coefficients. */
MUST_CHECK Status picture_request_plan(SamplerRun *out, const PictureRequest *r, Arena *arena, Error *err);

#endif
