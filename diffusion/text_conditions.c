#include "diffusion/text_conditions.h"

#include <string.h>

size_t text_rows_size(const Model *m)
{
    return (size_t)m->tokenizer.length * (size_t)m->config.text.shape.width;
}

/* The rows of one prompt; what they are made of is given back. */
static Status one_prompt(float *rows, PromptReport *report, const Model *m, const char *text, int skip,
                         Arena *arena, Error *err)
{
    EncodedPrompt prompt;
    const Status status = tokenizer_encode(&prompt, &m->tokenizer, text, arena, err);
    if (status != STATUS_OK)
        return status;
    const ArenaMark mark = arena_mark(arena);
    Tape tape = {.arena = arena};
    tape_watch(&tape, m->watch, "text_encoder");
    ClipTextRun run = {.skip = skip};
    const Tensor *last = clip_text(&tape, &m->text, prompt.ids, 1, m->tokenizer.length, &run);
    if (last == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    memcpy(rows, last->data, text_rows_size(m) * sizeof *rows);
    arena_release(arena, mark);
    *report = (PromptReport){prompt.used, prompt.cut};
    return STATUS_OK;
}

Status text_rows(float **out, PromptReport *report, const Model *m, const char *const *prompts, int count,
                 int skip, Arena *arena, Error *err)
{
    const ArenaMark before = arena_mark(arena);
    const size_t size = text_rows_size(m);
    Status status = STATUS_OK;
    float *rows = arena_raw(arena, (size_t)count * size, sizeof *rows);
    if (rows == NULL)
        status = error_set(err, STATUS_MEMORY, "no memory for the text of %d prompts", count);
    for (int n = 0; n < count && status == STATUS_OK; n++) {
        PromptReport ignored;
        status = one_prompt(rows + (size_t)n * size, report != NULL ? &report[n] : &ignored, m, prompts[n],
                            skip, arena, err);
    }
    if (status == STATUS_OK)
        *out = rows;
    else
        arena_release(arena, before);
    return status;
}
