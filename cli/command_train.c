/* cli/command_train.c - train the parts of a model: tokenizer, vae, unet (with its text encoder). */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/train_parts.h"

static const char *const parts[] = {"tokenizer", "vae", "unet", NULL};

/* The recipe of the part: --recipe, or the shipped one. */
static Status find_recipe(TrainCommand *t, Error *err)
{
    char name[64];
    const char *folder = NULL;
    if (t->recipe_path != NULL)
        return STATUS_OK;
    const Status status = shipped_folder(&folder, "recipes", &t->command.arena, err);
    if (status != STATUS_OK)
        return status;
    snprintf(name, sizeof name, "%s.json", t->part);
    t->recipe_path = path_join(&t->command.arena, folder, name);
    return t->recipe_path != NULL ? STATUS_OK : error_set(err, STATUS_MEMORY, "no memory for a file name");
}

static Status run(TrainCommand *t, Error *err)
{
    Status status = STATUS_OK;
    t->part = t->command.options.words[0];
    for (int i = 0;; i++) {
        if (parts[i] == NULL) {
            const char *near = nearest_word(t->part, parts);
            return error_set(err, STATUS_ARGUMENT,
                             "train: unknown part \"%.40s\", expected tokenizer, vae or unet%s%s", t->part,
                             near != NULL ? "; did you mean " : "", near != NULL ? near : "");
        }
        if (strcmp(parts[i], t->part) == 0)
            break;
    }
    if (t->output == NULL)
        return error_set(err, STATUS_ARGUMENT, "train: --output FOLDER is needed");
    if (t->overrides.lr < 0.0 && t->overrides.lr != -1.0)
        return error_set(err, STATUS_ARGUMENT, "train: --lr is %g, expected -1 or 0 to 1000",
                         t->overrides.lr);
    if (strcmp(t->part, "tokenizer") == 0 && (t->dump.folder != NULL || t->dump.trace != NULL))
        return error_set(err, STATUS_ARGUMENT,
                         "train tokenizer: there are no intermediates to dump or trace");
    if (t->world_path == NULL)
        status = shipped_folder(&t->world_path, "world", &t->command.arena, err);
    if (status == STATUS_OK)
        status = find_recipe(t, err);
    if (status == STATUS_OK)
        status = recipe_read(&t->recipe, t->recipe_path, &t->overrides, &t->command.arena, err);
    if (status == STATUS_OK)
        status = world_open(&t->world, t->world_path, &t->command.arena, err);
    if (status != STATUS_OK)
        return status;
    if (strcmp(t->part, "tokenizer") == 0)
        return train_tokenizer_part(t, err);
    status = dump_begin(&t->watch, &t->dump, &t->command, err);
    if (status == STATUS_OK)
        status = strcmp(t->part, "vae") == 0 ? train_vae_part(t, err) : train_unet_part(t, err);
    const Status dumped = dump_end(&t->dump, err);
    return status == STATUS_OK ? dumped : status;
}

int command_train(int argc, char **argv)
{
    TrainCommand t = {.overrides = RECIPE_OVERRIDES_NONE};
    const double most = 9007199254740992.0;
    Option dump[DUMP_OPTIONS];
    const Option own[] = {
        {OPTION_TEXT, "recipe", 0, NULL, &t.recipe_path, 0, 0, "FILE",
         "JSON recipe; the shipped one when left out"},
        {OPTION_TEXT, "output", 'o', "output-dir out", &t.output, 0, 0, "FOLDER",
         "folder for the model, log and sheets"},
        {OPTION_TEXT, "data", 0, "train-data-dir", &t.world_path, 0, 0, "FOLDER",
         "folder of the picture world; the shipped one when left out"},
        {OPTION_TEXT, "vae", 0, NULL, &t.vae_path, 0, 0, "FOLDER", "unet: folder of the trained VAE"},
        {OPTION_TEXT, "tokenizer", 0, NULL, &t.tokenizer_path, 0, 0, "FOLDER",
         "unet: folder of the tokenizer"},
        {OPTION_TEXT, "init", 0, "pretrained-model-name-or-path", &t.init_path, 0, 0, "FOLDER",
         "unet: model folder whose U-Net and text encoder to start from; drawn anew when left out"},
        {OPTION_FLAG, "resume", 0, "resume-from-checkpoint", &t.resume, 0, 0, NULL,
         "go on from the folder's saved state"},
        {OPTION_INT, "batch-size", 0, "train-batch-size", &t.overrides.batch_size, -1, 1e6, NULL,
         "samples a step; -1: the recipe's"},
        {OPTION_INT, "micro-batch", 0, NULL, &t.overrides.micro_batch, -1, 1e6, NULL,
         "samples in memory at a time, changes no bit; -1: the recipe's"},
        {OPTION_NUMBER, "lr", 0, "learning-rate", &t.overrides.lr, -1, 1e3, NULL,
         "learning rate; -1: the recipe's"},
        {OPTION_WHOLE, "max-train-steps", 0, "steps", &t.overrides.max_train_steps, -1, most, NULL,
         "steps in all; -1: the recipe's"},
        {OPTION_WHOLE, "seed", 's', NULL, &t.overrides.seed, -1, most, NULL,
         "of everything random; -1: the recipe's"},
        {OPTION_WHOLE, "sample-every", 0, NULL, &t.overrides.sample_every, -1, most, NULL,
         "steps between sample sheets, 0: none; -1: the recipe's"},
        {OPTION_WHOLE, "save-every", 0, "checkpointing-steps", &t.overrides.save_every, -1, most, NULL,
         "steps between saved states, 0: only at the end; -1: the recipe's"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "train",
                           .usage = "tokenizer|vae|unet",
                           .words_low = 1,
                           .words_high = 1,
                           .tables = {NULL, dump},
                           .about = "Trains one part by its recipe and saves it in the diffusers layout."};
    dump_table(&t.dump, dump);
    if (command_begin(&t.command, &about, own, argc, argv)) {
        const Status status = run(&t, &t.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&t.command);
}
