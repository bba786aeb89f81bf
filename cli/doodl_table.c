#include "cli/doodl_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/feature_network.h"
#include "cli/guide_loss.h"
#include "cli/progress.h"
#include "cli/world_pictures.h"
#include "diffusion/latent_pictures.h"
#include "diffusion/pipeline_txt2img.h"
#include "diffusion/world_prompts.h"
#include "guidance/doodl_run.h"
#include "guidance/one_step.h"
#include "metrics/frechet.h"
#include "metrics/world_judge.h"

enum { METHODS = DOODL_METHODS, CLASSES = DOODL_CLASSES };
enum { REAL = 24, SIDE = 64, PICTURES = 64, SCENES_TRIED = 20000 };
enum { PLAIN, ONE_STEP, DOODL };

static const char *const STYLES[] = {"noto", "fluent", "flat", "twemoji", "blob", "emojione"};

typedef struct {
    DoodlTable *t;
    Arena *arena;
    World world;
    FeatureNetwork features;
    WorldJudge judge;
    Clip scorer;
    GuideLoss loss; /* the one that is in use */
    Progress progress;
    int done, total;
    DoodlNumbers numbers;
} Table;

static Status no_memory(Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory for the pictures of the table");
}

/* ---- one picture by each method ---- */

static Status sample(Image *out, const Table *b, const char *prompt, uint64_t seed, double factor,
                     Error *err)
{
    const DoodlTable *t = b->t;
    Arena scratch = {.account = &t->command->memory}, run = {.account = &t->command->memory};
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    Txt2ImgResult made;
    OneStepGuide g = ONE_STEP_GUIDE;
    g.model = &t->model.model;
    g.decoded = (DecodedLoss){&t->model.model.vae, b->loss.loss, factor, true};
    g.height = t->model.model.config.unet.sample_height;
    g.width = t->model.model.config.unet.sample_width;
    g.seed = seed;
    g.arena = &scratch;
    const DenoiseHooks hooks = one_step_hooks(&g);
    const PipelineParts parts = {.context = &g, .loop = &hooks};
    o.prompts = &prompt;
    o.count = 1;
    o.steps = t->steps;
    o.guidance = t->guidance;
    o.seed = seed;
    o.parts = factor != 0.0 ? &parts : NULL;
    Status status = one_step_begin(&g, &run, err);
    if (status == STATUS_OK)
        status = txt2img(&made, g.model, &o, &run, err);
    if (status == STATUS_OK)
        status = image_crop(out, made.pictures, 0, 0, made.pictures->width, made.pictures->height, b->arena,
                            err);
    arena_free(&scratch);
    arena_free(&run);
    return status;
}

static bool goes_on(void *context, const DoodlReport *report)
{
    (void)context, (void)report;
    return !interrupted();
}

static Status optimise(Image *out, const Table *b, const char *prompt, uint64_t seed, double factor,
                       double clip, Error *err)
{
    const DoodlTable *t = b->t;
    const Model *m = &t->model.model;
    const DoodlWatch watch = {.seen = goes_on};
    Arena run = {.account = &t->command->memory}, work = {.account = &t->command->memory};
    DoodlOptions o = DOODL_DEFAULTS;
    DoodlRun doodl;
    Image made;
    o.prompt = prompt;
    o.guidance = t->guidance;
    o.steps.steps = t->steps;
    o.steps.mix = t->mix;
    o.updates = t->updates;
    o.update.clip = clip;
    o.loss = (DecodedLoss){&m->vae, b->loss.loss, factor, true};
    o.height = m->config.unet.sample_height;
    o.width = m->config.unet.sample_width;
    o.seed = seed;
    float *latent = arena_raw(
        &run, (size_t)m->config.unet.out_channels * (size_t)o.height * (size_t)o.width, sizeof *latent);
    Status status = latent != NULL ? doodl_run_begin(&doodl, m, &o, NULL, &work, err) : no_memory(err);
    if (status == STATUS_OK)
        status = doodl_run(latent, &doodl, &watch, err);
    if (status == STATUS_OK)
        status = decode_latents(&made, m, latent, 1, o.height, o.width, &run, err);
    if (status == STATUS_OK)
        status = image_crop(out, &made, 0, 0, made.width, made.height, b->arena, err);
    arena_free(&run);
    arena_free(&work);
    return status;
}

static Status make_three(Image out[METHODS], Table *b, const char *prompt, uint64_t seed,
                         const double scale[METHODS], double clip, Error *err)
{
    Status status = sample(&out[PLAIN], b, prompt, seed, 0.0, err);
    if (status == STATUS_OK)
        status = sample(&out[ONE_STEP], b, prompt, seed, scale[ONE_STEP], err);
    if (status == STATUS_OK)
        status = optimise(&out[DOODL], b, prompt, seed, scale[DOODL], clip, err);
    progress_show(&b->progress, (uint64_t)++b->done, (uint64_t)b->total, prompt, true);
    return status;
}

/* ---- classes ---- */

static Status statistics_of(FeatureStatistics *out, const Table *b, const Image *pictures, int count,
                            Error *err)
{
    const FeatureNetwork *f = &b->features;
    Tape tape = {.arena = b->arena};
    const size_t size = 3 * (size_t)f->size * (size_t)f->size;
    float *planes = arena_raw(b->arena, (size_t)count * size, sizeof *planes);
    Status status = planes != NULL ? STATUS_OK : no_memory(err);
    for (int i = 0; i < count && status == STATUS_OK; i++)
        status = feature_network_picture(planes + (size_t)i * size, f, &pictures[i], b->arena, err);
    if (status != STATUS_OK)
        return status;
    const float *x = feature_network_run(&tape, f, planes, count);
    if (x == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    return feature_statistics(out, x, count, f->d, b->arena, err);
}

/* The artists' drawings of a concept, in all base styles. */
static Status real_statistics(FeatureStatistics *out, const Table *b, int concept, Error *err)
{
    WorldOptions o = WORLD_DEFAULTS;
    WorldScene *scene = arena_alloc(b->arena, REAL, sizeof *scene);
    Image *picture = arena_alloc(b->arena, REAL, sizeof *picture);
    int found = 0;
    if (scene == NULL || picture == NULL)
        return no_memory(err);
    o.concepts = CONCEPTS_ALL;
    o.split = SPLIT_ALL;
    for (int k = 0; k < WORLD_KINDS; k++)
        o.share[k] = k == 0 ? 1.0f : 0.0f;
    Status status = world_options_check(&b->world, &o, err);
    for (uint64_t i = 0; i < SCENES_TRIED && found < REAL && status == STATUS_OK; i++) {
        world_scene(&scene[found], &b->world, &o, 1, i);
        found += scene[found].object[0].concept == concept;
    }
    if (status == STATUS_OK && found < 2)
        status = error_set(err, STATUS_ARGUMENT, "the world has no drawings of class %d", concept);
    if (status == STATUS_OK)
        status = scene_pictures(picture, &b->world, scene, found, SIDE, b->arena, err);
    return status == STATUS_OK ? statistics_of(out, b, picture, found, err) : status;
}

/* Whether the judge's answer is the concept. */
static Status count_right(double *share, const Table *b, const Image *pictures, int count, int concept,
                          Error *err)
{
    SinglesScore score = {.core = {0, 0}};
    WorldScene *scene = arena_alloc(b->arena, (size_t)count, sizeof *scene);
    if (scene == NULL)
        return no_memory(err);
    for (int i = 0; i < count; i++)
    scene[i].object[0].concept = concept;
    const Status status = world_judge_singles(&score, &b->judge, scene, pictures, count, b->arena, err);
    *share = judge_share(judge_sum(score.thing));
    return status;
}

static Status measure_class(Table *b, int c, int s, const FeatureStatistics *real, Error *err)
{
    const DoodlTable *t = b->t;
    const int concept = world_concept(&b->world, DOODL_CLASS[c].slug);
    const double scale[METHODS] = {0.0, t->class_guide, t->class_scale};
    Image made[METHODS][PICTURES];
    Status status = STATUS_OK;
    for (int i = 0; i < t->count && status == STATUS_OK; i++) {
        char prompt[100];
        Image three[METHODS];
        snprintf(prompt, sizeof prompt, "%s in %s style on white", DOODL_CLASS[c].prompt,
                 STYLES[i % (int)(sizeof STYLES / sizeof STYLES[0])]);
        status = make_three(three, b, prompt, t->seed + (uint64_t)(100 * s + i), scale, t->class_clip, err);
        for (int m = 0; m < METHODS; m++)
            made[m][i] = three[m];
    }
    double plain = 1.0;
    for (int m = 0; m < METHODS && status == STATUS_OK; m++) {
        FeatureStatistics of;
        FrechetDistance d = {.distance = NAN};
        double right = 0.0;
        status = statistics_of(&of, b, made[m], t->count, err);
        if (status == STATUS_OK)
            status = frechet_distance(&d, real, &of, b->arena, err);
        if (status == STATUS_OK)
            status = count_right(&right, b, made[m], t->count, concept, err);
        plain = m == PLAIN ? d.distance : plain;
        b->numbers.change[c][m][s] = d.distance / plain - 1.0;
        b->numbers.right[m][s] += right / CLASSES;
    }
    return status;
}

static Status measure_classes(Table *b, Error *err)
{
    Status status = STATUS_OK;
    for (int c = 0; c < CLASSES && status == STATUS_OK; c++) {
        FeatureStatistics real;
        const int concept = world_concept(&b->world, DOODL_CLASS[c].slug);
        b->loss = (GuideLoss)GUIDE_LOSS_DEFAULTS;
        b->loss.kind = "class";
        b->loss.targets = (OptionTexts){.text = {DOODL_CLASS[c].slug}, .count = 1};
        status = guide_loss_open(&b->loss, "", SIDE, SIDE, NULL, b->arena, err);
        if (status == STATUS_OK)
            status = real_statistics(&real, b, concept, err);
        for (int s = 0; s < b->t->seeds && status == STATUS_OK; s++)
            status = measure_class(b, c, s, &real, err);
    }
    return status;
}

/* ---- prompts ---- */

static Status measure_prompt(Table *b, const char *prompt, int i, int s, Error *err)
{
    const DoodlTable *t = b->t;
    const double scale[METHODS] = {0.0, t->text_guide, 1.0};
    const int width = b->scorer.config.projection_dim;
    Image three[METHODS];
    float *text = arena_raw(b->arena, 2 * (size_t)width, sizeof *text);
    if (text == NULL)
        return no_memory(err);
    b->loss = (GuideLoss)GUIDE_LOSS_DEFAULTS;
    Status status = guide_loss_open(&b->loss, prompt, SIDE, SIDE, NULL, b->arena, err);
    if (status == STATUS_OK)
        status = make_three(three, b, prompt, t->seed + (uint64_t)(100 * s + i), scale, t->text_clip, err);
    if (status == STATUS_OK)
        status = clip_embed_texts(text, &b->scorer, &prompt, 1, b->arena, err);
    for (int m = 0; m < METHODS && status == STATUS_OK; m++) {
        status = clip_embed_images(text + width, &b->scorer, &three[m], 1, b->arena, err);
        b->numbers.score[m][s] += 100.0 * clip_similarity(text, text + width, width) / t->count;
    }
    return status;
}

static Status measure_prompts(Table *b, Error *err)
{
    const int count = b->t->count;
    WorldScene *scene = arena_alloc(b->arena, (size_t)count, sizeof *scene);
    const char **prompt = arena_alloc(b->arena, (size_t)count, sizeof *prompt);
    if (scene == NULL || prompt == NULL)
        return no_memory(err);
    Status status = world_prompts(scene, count, &b->world, PROMPTS_DRAWINGS, err);
    if (status == STATUS_OK)
        status = scene_captions(prompt, &b->world, scene, count, b->arena, err);
    for (int s = 0; s < b->t->seeds && status == STATUS_OK; s++)
        for (int i = 0; i < count && status == STATUS_OK; i++)
            status = measure_prompt(b, prompt[i], i, s, err);
    return status;
}

static Status open_all(Table *b, Error *err)
{
    DoodlTable *t = b->t;
    const char *judge = NULL, *clip = NULL, *world = t->world_path;
    Status status = run_model_open(&t->model, MODEL_ALL, b->arena, err);
    if (status == STATUS_OK && world == NULL)
        status = shipped_folder(&world, "world", b->arena, err);
    if (status == STATUS_OK)
        status = world_open(&b->world, world, b->arena, err);
    if (status == STATUS_OK)
        status = feature_network_open(&b->features, NULL, b->arena, err);
    if (status == STATUS_OK)
        status = shipped_folder(&judge, "judge", b->arena, err);
    if (status == STATUS_OK)
        status = world_judge_open(&b->judge, judge, &b->world, b->arena, err);
    if (status == STATUS_OK)
        status = shipped_folder(&clip, "clip-score", b->arena, err);
    return status == STATUS_OK ? clip_open(&b->scorer, clip, false, b->arena, err) : status;
}

Status doodl_table(DoodlTable *t, Error *err)
{
    Table *b = arena_alloc(&t->command->arena, 1, sizeof *b);
    if (b == NULL)
        return no_memory(err);
    if (t->count < 2 || t->count > PICTURES)
        return error_set(err, STATUS_ARGUMENT, "table doodl: %d pictures of a class, expected 2 to %d",
                         t->count, PICTURES);
    b->t = t;
    b->arena = &t->command->arena;
    b->total = (CLASSES + 1) * t->count * t->seeds;
    Status status = open_all(b, err);
    interrupts_watch();
    b->progress = progress_begin("table doodl", t->command->quiet, 0);
    if (status == STATUS_OK)
        status = measure_classes(b, err);
    if (status == STATUS_OK)
        status = measure_prompts(b, err);
    progress_end(&b->progress);
    return status == STATUS_OK ? doodl_table_print(t, &b->numbers, err) : status;
}
