#include <stdio.h>
#include <string.h>

#include "cli/train_data.h"
#include "diffusion/tokenizer_train.h"

/* The lines of a text as a list, in place. */
static size_t split_lines(const char **lines, char *text, size_t size)
{
    size_t count = 0, start = 0;
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\n') {
            text[i] = '\0';
            lines[count++] = text + start;
            start = i + 1;
        }
    return count;
}

/* The vocabulary of the captions of the recipe's pictures, in CLIP's format. */
Status train_tokenizer_part(TrainCommand *t, Error *err)
{
    Arena scratch = {.account = &t->command.memory};
    TrainData *data = arena_alloc(&t->command.arena, 1, sizeof *data);
    Tokenizer tokenizer;
    Bytes text = {.arena = &scratch};
    if (data == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to train");
    Status status = train_data_open(data, t, true, err);
    const DataRecipe *recipe = &data->recipe;
    if (status == STATUS_OK && (recipe->captions < 1 || recipe->vocabulary < TOKENIZER_SMALLEST))
        status = error_set(err, STATUS_FORMAT,
                           "%s: \"data\" needs captions above 0 and a vocabulary of at least %d",
                           t->recipe_path, TOKENIZER_SMALLEST);
    if (status == STATUS_OK)
        status =
            data_captions(&text, &data->train, t->recipe.train.seed, 0, (uint64_t)recipe->captions, err);
    const char **lines = NULL;
    if (status == STATUS_OK) {
        lines = arena_alloc(&scratch, (size_t)recipe->captions + 1, sizeof *lines);
        if (lines == NULL)
            status = error_set(err, STATUS_MEMORY, "no memory for %d captions", recipe->captions);
    }
    if (status == STATUS_OK) {
        const size_t count = split_lines(lines, (char *)text.data, text.size);
        const TokenizerTrainOptions options = {
            .vocabulary = recipe->vocabulary, .times = 2, .length = recipe->length};
        status = tokenizer_train(&tokenizer, lines, count, options, &t->command.arena, &scratch, err);
    }
    if (status == STATUS_OK)
        status = tokenizer_save(&tokenizer, t->output, &scratch, err);
    if (status == STATUS_OK) {
        Result *r = &t->command.result;
        json_write_text(&r->json, "folder", t->output);
        json_write_int(&r->json, "tokens", tokenizer.vocabulary);
        json_write_int(&r->json, "captions", recipe->captions);
        result_line(r, "tokenizer: %d tokens from %d captions, in %s\n", tokenizer.vocabulary,
                    recipe->captions, t->output);
    }
    arena_free(&scratch);
    return status;
}
