/* cli/train_clip_part.c - CLIP: pictures of the world against their captions. */
#include "base/file.h"
#include "cli/train_data.h"
#include "diffusion/train_clip.h"
#include "io/png.h"
#include "io/sheet.h"

enum { SHEET = 16 };

static const char *const MEASURES[] = {"top1_text", "top1_image", NULL};

typedef struct {
    TrainCommand *command;
    ClipTraining training;
    TrainData data;
    Clip clip;
} ClipPart;

static Status measure(void *self, double *out, Arena *scratch, Error *err)
{
    ClipPart *p = self;
    ClipRetrieval found = {0.0, 0.0};
    (void)scratch;
    const Status status = clip_retrieval(&found, &p->training, err);
    out[0] = found.text;
    out[1] = found.image;
    return status;
}

/* What stands under a picture: the nearest of the captions, and whether it is the right one. */
static const char *verdict(const char *caption, bool right, Arena *scratch)
{
    Bytes b = {.arena = scratch};
    bytes_add_text(&b, right ? "+ " : "- ");
    bytes_add_text(&b, caption);
    bytes_add_byte(&b, '\0');
    return b.failed ? "" : (const char *)b.data;
}

/* The first held-out pictures, each with the caption that is nearest among RETRIEVAL: + right, - wrong. */
static Status sheet(void *self, const char *path, Arena *scratch, Error *err)
{
    ClipPart *p = self;
    const int width = p->clip.config.projection_dim;
    WorldScene scenes[RETRIEVAL];
    Image pictures[RETRIEVAL], image;
    const char *captions[RETRIEVAL];
    int which[RETRIEVAL];
    SheetCell cells[SHEET];
    float *rows = arena_raw(scratch, 2 * (size_t)RETRIEVAL * (size_t)width, sizeof *rows);
    if (rows == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a sample sheet");
    float *text = rows + (size_t)RETRIEVAL * (size_t)width;
    Status status = clip_retrieval_group(scenes, &p->training, 0, err);
    for (int i = 0; i < RETRIEVAL && status == STATUS_OK; i++) {
        WorldSample sample;
        status = world_sample_of(&sample, p->training.world, &scenes[i], p->training.held_out.size, 0,
                                 scratch, err);
        pictures[i] = sample.image;
        captions[i] = sample.caption;
    }
    if (status == STATUS_OK)
        status = clip_embed_images(rows, &p->clip, pictures, RETRIEVAL, scratch, err);
    if (status == STATUS_OK)
        status = clip_embed_texts(text, &p->clip, captions, RETRIEVAL, scratch, err);
    if (status != STATUS_OK)
        return status;
    clip_retrieve(which, rows, text, RETRIEVAL, width);
    for (int i = 0; i < SHEET; i++)
        cells[i] = (SheetCell){&pictures[i], verdict(captions[which[i]], which[i] == i, scratch)};
    const SheetOptions options = {.columns = 8, .zoom = 2};
    status = sheet_make(&image, cells, SHEET, &options, scratch, err);
    return status == STATUS_OK ? png_write(path, &image, NULL, 0, scratch, err) : status;
}

static Status save(void *self, const char *folder, Arena *scratch, Error *err)
{
    const ClipPart *p = self;
    return clip_save(&p->clip, folder, F16, scratch, err);
}

/* The tokenizer of --tokenizer, or the shipped model's. */
static Status open_tokenizer(Tokenizer *out, TrainCommand *t, Error *err)
{
    Arena *arena = &t->command.arena;
    const char *folder = t->tokenizer_path;
    Status status = STATUS_OK;
    if (folder == NULL) {
        const char *model = NULL;
        status = shipped_folder(&model, "model", arena, err);
        folder = status == STATUS_OK ? path_join(arena, model, "tokenizer") : NULL;
        if (status == STATUS_OK && folder == NULL)
            status = error_set(err, STATUS_MEMORY, "no memory for a file name");
    }
    if (status == STATUS_OK)
        status = add_tokenizer(t, folder, err);
    return status == STATUS_OK ? tokenizer_open(out, folder, arena, err) : status;
}

/* The recipe's "model" is config.json; vocabulary and length of the text encoder are the tokenizer's. */
static Status make_model(ClipPart *p, Error *err)
{
    TrainCommand *t = p->command;
    Arena *arena = &t->command.arena;
    ClipConfig config;
    Tokenizer tokenizer;
    Status status = clip_config_read(&config, t->recipe.model, t->recipe_path, arena, err);
    if (status == STATUS_OK)
        status = open_tokenizer(&tokenizer, t, err);
    if (status != STATUS_OK)
        return status;
    config.text.vocab_size = tokenizer.vocabulary;
    config.text.positions = tokenizer.length;
    config.text.bos_token_id = tokenizer.start;
    config.text.eos_token_id = tokenizer.end;
    config.text.pad_token_id = tokenizer.padding;
    return clip_create(&p->clip, &config, &tokenizer, t->recipe.train.seed, true, arena, err);
}

Status train_clip_part(TrainCommand *t, Error *err)
{
    ClipPart *p = arena_alloc(&t->command.arena, 1, sizeof *p);
    if (p == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to train");
    p->command = t;
    Status status = train_data_open(&p->data, t, false, err);
    if (status == STATUS_OK)
        status = clip_loss_options_read(&p->training.options, t->recipe.loss, t->recipe_path,
                                        &t->command.arena, err);
    if (status == STATUS_OK)
        status = make_model(p, err);
    if (status != STATUS_OK)
        return status;
    p->training.scratch.account = &t->command.memory;
    p->training.clip = &p->clip;
    p->training.world = &t->world;
    p->training.train = p->data.recipe.train;
    p->training.held_out = p->data.recipe.held_out;
    p->training.seed = t->recipe.train.seed;
    const TrainTask task = clip_training_task(&p->training);
    Weights *const weights[] = {&p->clip.weights};
    if (p->training.options.retrieval > 0)
        t->measures = (TrainMeasures){.names = MEASURES, .measure = measure};
    status = run_part(t, &task, weights, 1, save, sheet, p, err);
    arena_free(&p->training.scratch);
    return status;
}
