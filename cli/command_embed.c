/* cli/command_embed.c - pictures and texts as rows of CLIP's space, and how well they fit. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/common.h"
#include "diffusion/clip.h"
#include "io/npy.h"
#include "io/picture.h"

typedef struct {
    Command command;
    const char *folder, *output;
    OptionTexts texts;
    Clip clip;
    float *rows; /* pictures, then texts */
} Embedding;

/* The pictures one after the other: they may be large. */
static Status embed_pictures(Embedding *e, Error *err)
{
    Arena *arena = &e->command.arena;
    const Options *given = &e->command.options;
    Status status = STATUS_OK;
    for (int i = 0; i < given->word_count && status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(arena);
        Image image;
        status = picture_read(&image, given->words[i], arena, err);
        if (status == STATUS_OK)
            status = clip_embed_images(e->rows + (size_t)i * (size_t)e->clip.config.projection_dim,
                                       &e->clip, &image, 1, arena, err);
        arena_release(arena, mark);
    }
    return status;
}

static Status check_finite(const Embedding *e, size_t count, Error *err)
{
    const size_t width = (size_t)e->clip.config.projection_dim;
    for (size_t i = 0; i < count * width; i++)
        if (e->rows[i] - e->rows[i] != 0.0f)
            return error_set(err, STATUS_NOT_FINITE, "embed: row %zu is not finite", i / width);
    return STATUS_OK;
}

/* Each picture against each text. */
static void print_similarities(Embedding *e)
{
    const Options *given = &e->command.options;
    const int width = e->clip.config.projection_dim;
    Result *r = &e->command.result;
    if (given->word_count == 0 || e->texts.count == 0)
        return;
    json_begin_array(&r->json, "similarity");
    for (int i = 0; i < given->word_count; i++) {
        json_begin_array(&r->json, NULL);
        for (int j = 0; j < e->texts.count; j++) {
            const float *picture = e->rows + (size_t)i * (size_t)width;
            const float *text = e->rows + (size_t)(given->word_count + j) * (size_t)width;
            const double alike = clip_similarity(picture, text, width);
            json_write_number(&r->json, NULL, alike);
            result_line(r, "%.6f  %s  \"%s\"\n", alike, given->words[i], e->texts.text[j]);
        }
        json_end(&r->json);
    }
    json_end(&r->json);
}

static Status run(Embedding *e, Error *err)
{
    Arena *arena = &e->command.arena;
    const int pictures = e->command.options.word_count, count = pictures + e->texts.count;
    if (count == 0)
        return error_set(err, STATUS_ARGUMENT, "embed: a picture or a text is needed: x.png -p \"a rose\"");
    Status status = STATUS_OK;
    for (int i = 0; i < e->texts.count && status == STATUS_OK; i++)
        status = typed_text_check(e->texts.text[i], "embed", "a text", err);
    if (status == STATUS_OK && e->folder == NULL)
        status = shipped_folder(&e->folder, "clip-guide", arena, err);
    if (status == STATUS_OK)
        status = clip_open(&e->clip, e->folder, false, arena, err);
    if (status != STATUS_OK)
        return status;
    const int width = e->clip.config.projection_dim;
    e->rows = arena_raw(arena, (size_t)count * (size_t)width, sizeof *e->rows);
    if (e->rows == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d rows", count);
    status = embed_pictures(e, err);
    if (status == STATUS_OK)
        status = clip_embed_texts(e->rows + (size_t)pictures * (size_t)width, &e->clip, e->texts.text,
                                  e->texts.count, arena, err);
    if (status == STATUS_OK)
        status = check_finite(e, (size_t)count, err);
    const NpyArray array = {
        .dtype = F32, .rank = 2, .dim = {(uint64_t)count, (uint64_t)width}, .data = e->rows};
    if (status == STATUS_OK)
        status = npy_write(e->output, &array, arena, err);
    if (status != STATUS_OK)
        return status;
    JsonWriter *w = &e->command.result.json;
    json_write_text(w, "model", e->folder);
    json_write_int(w, "pictures", pictures);
    json_write_int(w, "texts", e->texts.count);
    json_write_int(w, "width", width);
    print_similarities(e);
    result_file(&e->command.result, e->output);
    report_memory(&e->command);
    return STATUS_OK;
}

int command_embed(int argc, char **argv)
{
    Embedding e = {.output = "embedding.npy"};
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', "model-path clip", &e.folder, 0, 0, "FOLDER",
         "CLIP in the layout of transformers; the shipped clip-guide when left out"},
        {OPTION_TEXTS, "prompt", 'p', "text", &e.texts, 0, 0, "TEXT", "a text; may be given several times"},
        {OPTION_TEXT, "output", 'o', NULL, &e.output, 0, 0, "FILE",
         ".npy with a row of length 1 for each picture, then for each text"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "embed",
                           .usage = "[PICTURE]...",
                           .words_low = 0,
                           .words_high = OPTIONS_WORDS,
                           .about = "Pictures and texts as rows of CLIP's space; their similarities."};
    if (command_begin(&e.command, &about, own, argc, argv)) {
        const Status status = run(&e, &e.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&e.command);
}
