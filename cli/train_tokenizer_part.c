#include <stdio.h>
#include <string.h>

#include "cli/train_parts.h"
#include "diffusion/tokenizer_train.h"
#include "diffusion/world_caption.h"

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
    DataRecipe data;
    Tokenizer tokenizer;
    Bytes text = {.arena = &scratch};
    Status status = data_recipe_read(&data, &t->recipe, &t->world, &t->command.arena, err);
    if (status == STATUS_OK && (data.captions < 1 || data.vocabulary < TOKENIZER_SMALLEST))
        status = error_set(err, STATUS_FORMAT,
                           "%s: \"data\" needs captions above 0 and a vocabulary of at least %d",
                           t->recipe_path, TOKENIZER_SMALLEST);
    if (status == STATUS_OK)
        status = world_captions(&text, &t->world, &data.train, t->recipe.train.seed, 0,
                                (uint64_t)data.captions, err);
    const char **lines = NULL;
    if (status == STATUS_OK) {
        lines = arena_alloc(&scratch, (size_t)data.captions + 1, sizeof *lines);
        if (lines == NULL)
            status = error_set(err, STATUS_MEMORY, "no memory for %d captions", data.captions);
    }
    if (status == STATUS_OK) {
        const size_t count = split_lines(lines, (char *)text.data, text.size);
        const TokenizerTrainOptions options = {
            .vocabulary = data.vocabulary, .times = 2, .length = data.length};
        status = tokenizer_train(&tokenizer, lines, count, options, &t->command.arena, &scratch, err);
    }
    if (status == STATUS_OK)
        status = tokenizer_save(&tokenizer, t->output, &scratch, err);
    if (status == STATUS_OK) {
        Result *r = &t->command.result;
        json_write_text(&r->json, "folder", t->output);
        json_write_int(&r->json, "tokens", tokenizer.vocabulary);
        json_write_int(&r->json, "captions", data.captions);
        result_line(r, "tokenizer: %d tokens from %d captions, in %s\n", tokenizer.vocabulary,
                    data.captions, t->output);
    }
    arena_free(&scratch);
    return status;
}
