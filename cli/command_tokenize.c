/* cli/command_tokenize.c - a text as the numbers that the text encoder reads. */
#include <stdio.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/run_model.h"
#include "diffusion/tokenizer.h"

typedef struct {
    Command command;
    const char *folder;
    OptionTexts texts;
    bool padded;
    Tokenizer tokenizer;
} Tokenize;

/* A model folder's tokenizer, or the folder of a tokenizer itself. */
static Status open_tokenizer(Tokenize *t, Error *err)
{
    Arena *arena = &t->command.arena;
    Status status = STATUS_OK;
    if (t->folder == NULL)
        status = shipped_folder(&t->folder, "model", arena, err);
    const char *inside = status == STATUS_OK ? path_join(arena, t->folder, "tokenizer") : NULL;
    const char *direct = status == STATUS_OK ? path_join(arena, t->folder, "vocab.json") : NULL;
    if (status != STATUS_OK)
        return status;
    if (inside == NULL || direct == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a file name");
    return tokenizer_open(&t->tokenizer, file_exists(direct) ? t->folder : inside, arena, err);
}

static void show_tokens(Tokenize *t, const int *ids, size_t count)
{
    Result *r = &t->command.result;
    json_begin_array(&r->json, "tokens");
    for (size_t i = 0; i < count; i++) {
        const char *piece = tokenizer_symbol(&t->tokenizer, ids[i]);
        json_begin_object(&r->json, NULL);
        json_write_int(&r->json, "id", ids[i]);
        json_write_text(&r->json, "piece", piece);
        json_end(&r->json);
        result_line(r, "%5zu %6d  %s\n", i, ids[i], piece);
    }
    json_end(&r->json);
}

static Status show(Tokenize *t, const char *text, Error *err)
{
    Arena *arena = &t->command.arena;
    Result *r = &t->command.result;
    int *tokens = NULL;
    size_t all = 0;
    EncodedPrompt prompt;
    Status status = typed_text_check(text, "tokenize", "a text", err);
    if (status == STATUS_OK)
        status = tokenizer_tokens(&tokens, &all, &t->tokenizer, text, arena, err);
    if (status == STATUS_OK)
        status = tokenizer_encode(&prompt, &t->tokenizer, text, arena, err);
    if (status != STATUS_OK)
        return status;
    json_begin_object(&r->json, NULL);
    json_write_text(&r->json, "text", text);
    json_write_uint64(&r->json, "count", (uint64_t)all);
    json_write_text(&r->json, "cut", prompt.cut);
    result_line(r, "\"%s\": %zu tokens, %d with start and end of %d places\n", text, all, (int)all + 2,
                t->tokenizer.length);
    if (t->padded)
        show_tokens(t, prompt.ids, (size_t)t->tokenizer.length);
    else
        show_tokens(t, tokens, all);
    json_end(&r->json);
    if (prompt.cut[0] != '\0')
        result_line(r, "does not fit: \"%s\"\n", prompt.cut);
    return STATUS_OK;
}

static Status run(Tokenize *t, Error *err)
{
    const Options *given = &t->command.options;
    if (t->texts.count + given->word_count == 0)
        return error_set(err, STATUS_ARGUMENT, "tokenize: a text is needed: -p \"a red apple\"");
    Status status = open_tokenizer(t, err);
    if (status != STATUS_OK)
        return status;
    JsonWriter *w = &t->command.result.json;
    json_write_text(w, "model", t->folder);
    json_write_int(w, "vocabulary", t->tokenizer.vocabulary);
    json_write_int(w, "length", t->tokenizer.length);
    json_write_int(w, "start", t->tokenizer.start);
    json_write_int(w, "end", t->tokenizer.end);
    json_write_int(w, "padding", t->tokenizer.padding);
    json_begin_array(w, "texts");
    for (int i = 0; i < t->texts.count && status == STATUS_OK; i++)
        status = show(t, t->texts.text[i], err);
    for (int i = 0; i < given->word_count && status == STATUS_OK; i++)
        status = show(t, given->words[i], err);
    json_end(w);
    return status;
}

int command_tokenize(int argc, char **argv)
{
    Tokenize t = {.folder = NULL};
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', "model-path", &t.folder, 0, 0, "FOLDER",
         "model folder, or the folder of its tokenizer; the shipped one when left out"},
        {OPTION_TEXTS, "prompt", 'p', "text", &t.texts, 0, 0, "TEXT", "a text; may be given several times"},
        {OPTION_FLAG, "padded", 0, NULL, &t.padded, 0, 0, NULL,
         "the whole row that the encoder gets: start, tokens that fit, end, padding"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "tokenize",
                           .usage = "[TEXT]...",
                           .words_low = 0,
                           .words_high = OPTIONS_WORDS,
                           .about = "A text as the numbers that the text encoder reads."};
    if (command_begin(&t.command, &about, own, argc, argv)) {
        const Status status = run(&t, &t.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&t.command);
}
