/* cli/command_train.c - which part of a model is trained, by which recipe. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/train_data.h"

/* A part, its function in a file of its own, and what it is like. */
typedef struct {
    const char *name;
    Status (*train)(TrainCommand *t, Error *err);
    bool steps;         /* it has intermediates to dump, a state to resume */
    bool pictures;      /* a folder of pictures will do, else it needs what only the picture world knows */
    bool init;          /* it can start from given weights */
    const char *recipe; /* the shipped one that it follows when none is named */
} TrainPart;

static const TrainPart PARTS[] = {
    {"tokenizer", train_tokenizer_part, false, true, false, "tokenizer.json"},
    {"vae", train_vae_part, true, true, true, "vae.json"},
    {"unet", train_unet_part, true, true, true, "unet.json"},
    {"classifier", train_classifier_part, true, false, true, "classifier.json"},
    {"style-noisy", train_style_noisy_part, true, false, true, "style-noisy.json"},
    {"clip", train_clip_part, true, false, false, "clip-guide.json"},
    {"aesthetic", train_aesthetic_part, true, false, false, "aesthetic.json"},
    {"segmentation", train_segmentation_part, true, false, true, "segmentation.json"},
};

enum { PARTS_COUNT = sizeof PARTS / sizeof PARTS[0], NAMES = 400, OVERRIDES = 15 };

/* "tokenizer, vae or unet" with the separators ", " and " or "; or "tokenizer|vae|unet". */
static const char *part_names(char out[NAMES], const char *between, const char *last)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < PARTS_COUNT && used < NAMES; i++)
        used += (size_t)snprintf(out + used, NAMES - used, "%s%s",
                                 i == 0                 ? ""
                                 : i + 1 == PARTS_COUNT ? last
                                                        : between,
                                 PARTS[i].name);
    return out;
}

static const TrainPart *find_part(const char *name, Error *err)
{
    const char *names[PARTS_COUNT + 1] = {NULL};
    char list[NAMES];
    for (int i = 0; i < PARTS_COUNT; i++) {
        if (strcmp(PARTS[i].name, name) == 0)
            return &PARTS[i];
        names[i] = PARTS[i].name;
    }
    const char *near = nearest_word(name, names);
    (void)error_set(err, STATUS_ARGUMENT, "train: unknown part \"%.40s\", expected %s%s%s", name,
                    part_names(list, ", ", " or "), near != NULL ? "; did you mean " : "",
                    near != NULL ? near : "");
    return NULL;
}

/* The recipe of the part: --recipe, or the shipped one. */
static Status find_recipe(TrainCommand *t, const TrainPart *part, Error *err)
{
    const char *folder = NULL;
    if (t->recipe_path != NULL)
        return STATUS_OK;
    const Status status = shipped_folder(&folder, "recipes", &t->command.arena, err);
    if (status != STATUS_OK)
        return status;
    t->recipe_path = path_join(&t->command.arena, folder, part->recipe);
    return t->recipe_path != NULL ? STATUS_OK : error_set(err, STATUS_MEMORY, "no memory for a file name");
}

/* The world, where the data are one. */
static Status open_data(TrainCommand *t, const TrainPart *part, Error *err)
{
    t->pictures = !is_world_folder(t->data_path, &t->command.arena);
    if (!t->pictures)
        return world_open(&t->world, t->data_path, &t->command.arena, err);
    if (part->pictures)
        return STATUS_OK;
    return error_set(err, STATUS_ARGUMENT,
                     "train %s: needs a picture world, and %s is none (it has no styles.tsv)", part->name,
                     t->data_path);
}

/* The part that is named; of classifiers the one of noisy latents, where that is asked for. */
static const TrainPart *wanted_part(const TrainCommand *t, Error *err)
{
    const char *name = t->command.options.words[0];
    if (!t->noise_aware)
        return find_part(name, err);
    if (strcmp(name, "classifier") == 0 || strcmp(name, "style-noisy") == 0)
        return find_part("style-noisy", err);
    (void)error_set(err, STATUS_ARGUMENT, "train %.40s: --noise-aware is for classifiers", name);
    return NULL;
}

static Status run(TrainCommand *t, Error *err)
{
    Status status = STATUS_OK;
    const TrainPart *part = wanted_part(t, err);
    if (part == NULL)
        return STATUS_ARGUMENT;
    t->part = part->name;
    if (t->output == NULL)
        return error_set(err, STATUS_ARGUMENT, "train: --output FOLDER is needed");
    if (t->overrides.lr < 0.0 && t->overrides.lr != -1.0)
        return error_set(err, STATUS_ARGUMENT, "train: --lr is %g, expected -1 or 0 to 1000",
                         t->overrides.lr);
    if (!part->steps && (t->overrides.max_train_steps >= 0 || t->overrides.batch_size >= 0 ||
                         t->overrides.lr >= 0.0 || t->overrides.micro_batch >= 0 ||
                         t->overrides.sample_every >= 0 || t->overrides.save_every >= 0 || t->resume))
        return error_set(
            err, STATUS_ARGUMENT,
            "train %s: has no steps, so only --recipe, --output, --data and --seed mean something here",
            t->part);
    if (!part->steps && (t->dump.folder != NULL || t->dump.trace != NULL))
        return error_set(err, STATUS_ARGUMENT, "train %s: there are no intermediates to dump or trace",
                         t->part);
    if (!part->init && t->init_path != NULL)
        return error_set(err, STATUS_ARGUMENT, "train %s: cannot start from given weights (--init)",
                         t->part);
    if (t->data_path == NULL)
        status = shipped_folder(&t->data_path, "world", &t->command.arena, err);
    if (status == STATUS_OK)
        status = find_recipe(t, part, err);
    if (status == STATUS_OK)
        status = recipe_read(&t->recipe, t->recipe_path, &t->overrides, &t->command.arena, err);
    if (status == STATUS_OK)
        status = open_data(t, part, err);
    if (status != STATUS_OK)
        return status;
    status = part->steps ? dump_begin(&t->watch, &t->dump, &t->command, err) : STATUS_OK;
    if (status == STATUS_OK)
        status = part->train(t, err);
    if (!part->steps)
        return status;
    const Status dumped = dump_end(&t->dump, err);
    return status == STATUS_OK ? dumped : status;
}

/* What decides the bits: over the recipe's. */
static void override_table(TrainCommand *t, Option table[OVERRIDES])
{
    const double most = 9007199254740992.0;
    const Option rows[OVERRIDES] = {
        {OPTION_INT, "batch-size", 0, "train-batch-size", &t->overrides.batch_size, -1, 1e6, NULL,
         "samples a step; -1: the recipe's"},
        {OPTION_NUMBER, "lr", 0, "learning-rate", &t->overrides.lr, -1, 1e3, NULL,
         "learning rate; -1: the recipe's"},
        {OPTION_CHOICE, "lr-scheduler", 0, NULL, &t->overrides.lr_scheduler, 0, 0,
         "constant constant_with_warmup linear cosine cosine_with_restarts polynomial",
         "learning rate over the steps; the recipe's when left out"},
        {OPTION_WHOLE, "lr-warmup-steps", 0, NULL, &t->overrides.lr_warmup_steps, -1, most, NULL,
         "steps in which it grows from 0; -1: the recipe's"},
        {OPTION_WHOLE, "max-train-steps", 0, "steps", &t->overrides.max_train_steps, -1, most, NULL,
         "steps in all; -1: the recipe's"},
        {OPTION_INT, "patience", 0, "early-stopping-patience", &t->overrides.patience, -1, 1e6, NULL,
         "early stop after so many held-out losses without a new least one, whose weights are kept; 0: "
         "none, "
         "-1: the recipe's"},
        {OPTION_INT, "held-out", 0, NULL, &t->overrides.held_out, -1, 1e6, NULL,
         "held-out samples that are measured, 0: none; -1: the recipe's"},
        {OPTION_WHOLE, "seed", 's', NULL, &t->overrides.seed, -1, most, NULL,
         "of everything random; -1: the recipe's"},
        {OPTION_INT, "size", 0, "resolution", &t->data.size, -1, PICTURE_SIZE_MAX, NULL,
         "side of the pictures in pixels; -1: the recipe's"},
        {OPTION_INT, "pool", 0, NULL, &t->data.pool, -1, 1e8, NULL,
         "unet: pictures that are encoded before training; -1: the recipe's"},
        {OPTION_CHOICE, "fit", 0, NULL, &t->data.fit, 0, 0, "cover contain stretch",
         "folder of pictures: how one becomes a square; the recipe's (cover) when left out"},
        {OPTION_FLAG, "mirror", 0, "random-flip", &t->data.mirror, 0, 0, NULL,
         "folder of pictures: half of them mirrored, in turn"},
        {OPTION_NUMBER, "held-out-share", 0, NULL, &t->data.held_out_share, -1, 0.999, NULL,
         "folder of pictures: share that is not trained on; -1: the recipe's (0.1)"},
        {OPTION_TEXT, "caption-column", 0, NULL, &t->data.caption_column, 0, 0, "NAME",
         "folder of pictures: the caption in metadata.jsonl; the recipe's (text) when left out"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    memcpy(table, rows, sizeof rows);
}

int command_train(int argc, char **argv)
{
    TrainCommand t = {.overrides = RECIPE_OVERRIDES_NONE, .data = DATA_OVERRIDES_NONE};
    int64_t stop_at = 0;
    const double most = 9007199254740992.0;
    char usage[NAMES];
    Option dump[DUMP_OPTIONS], overrides[OVERRIDES];
    const Option own[] = {
        {OPTION_TEXT, "recipe", 0, NULL, &t.recipe_path, 0, 0, "FILE",
         "JSON recipe; the shipped one when left out"},
        {OPTION_TEXT, "output", 'o', "output-dir out", &t.output, 0, 0, "FOLDER",
         "folder for the model, log and sheets"},
        {OPTION_TEXT, "data", 0, "train-data-dir", &t.data_path, 0, 0, "FOLDER",
         "a picture world, or a folder of pictures with captions; the shipped world when left out"},
        {OPTION_TEXT, "vae", 0, NULL, &t.vae_path, 0, 0, "FOLDER", "unet: folder of the trained VAE"},
        {OPTION_TEXT, "tokenizer", 0, NULL, &t.tokenizer_path, 0, 0, "FOLDER",
         "unet, clip: folder of the tokenizer; clip: the shipped model's when left out"},
        {OPTION_TEXT, "clip", 0, NULL, &t.clip_path, 0, 0, "FOLDER",
         "aesthetic: CLIP that the head stands on; the shipped clip-guide when left out"},
        {OPTION_TEXT, "features", 0, NULL, &t.features_path, 0, 0, "FOLDER",
         "vae: network of the perceptual loss; the shipped one when left out"},
        {OPTION_TEXT, "init", 0, "pretrained-model-name-or-path", &t.init_path, 0, 0, "FOLDER",
         "weights to start from (a VAE, a classifier, or unet: a whole model), drawn anew when left out; "
         "style-noisy: model folder whose latents they are, the shipped one when left out"},
        {OPTION_FLAG, "noise-aware", 0, NULL, &t.noise_aware, 0, 0, NULL,
         "classifier: of noisy latents at known levels, for guide --noise-aware; the same as style-noisy"},
        {OPTION_FLAG, "resume", 0, "resume-from-checkpoint", &t.resume, 0, 0, NULL,
         "go on from the folder's saved state"},
        {OPTION_WHOLE, "stop-at", 0, NULL, &stop_at, 0, most, NULL,
         "pause after this step, its state saved; 0: never"},
        {OPTION_INT, "micro-batch", 0, NULL, &t.overrides.micro_batch, -1, 1e6, NULL,
         "gradient accumulation: samples in memory at a time, changes no bit; -1: the recipe's"},
        {OPTION_WHOLE, "sample-every", 0, NULL, &t.overrides.sample_every, -1, most, NULL,
         "steps between sample sheets, 0: none; -1: the recipe's"},
        {OPTION_WHOLE, "save-every", 0, "checkpointing-steps", &t.overrides.save_every, -1, most, NULL,
         "steps between saved states, 0: only at the end; -1: the recipe's"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "train",
                           .usage = part_names(usage, "|", "|"),
                           .words_low = 1,
                           .words_high = 1,
                           .tables = {NULL, overrides, dump},
                           .about = "Trains one part by its recipe and saves it in the diffusers layout."};
    override_table(&t, overrides);
    dump_table(&t.dump, dump);
    if (command_begin(&t.command, &about, own, argc, argv)) {
        t.stop_at = (uint64_t)stop_at;
        const Status status = run(&t, &t.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&t.command);
}
