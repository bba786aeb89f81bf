#include "diffusion/text_conditions.h"

#include <string.h>

size_t text_rows_size(const Model *m)
{
    return (size_t)m->tokenizer.length * (size_t)m->config.text.shape.width;
}

static Status no_memory(int count, Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory for the text of %d prompts", count);
}

Status text_rows(float **out, PromptReport *report, const Model *m, const char *const *prompts, int count,
                 int skip, Arena *arena, Error *err)
{
    const int T = m->tokenizer.length;
    const size_t size = text_rows_size(m);
    float *rows = arena_raw(arena, (size_t)count * size, sizeof *rows);
    if (rows == NULL)
        return no_memory(count, err);
    for (int n = 0; n < count; n++) {
        EncodedPrompt prompt;
        const Status status = tokenizer_encode(&prompt, &m->tokenizer, prompts[n], arena, err);
        if (status != STATUS_OK)
            return status;
        const ArenaMark mark = arena_mark(arena);
        Tape tape = {.arena = arena};
        tape_watch(&tape, m->watch, "text_encoder");
        ClipTextRun run = {.skip = skip};
        const Tensor *last = clip_text(&tape, &m->text, prompt.ids, 1, T, &run);
        if (last == NULL)
            return error_set(err, tape.error.status, "%s", tape.error.text);
        memcpy(rows + (size_t)n * size, last->data, size * sizeof *rows);
        arena_release(arena, mark);
        if (report != NULL)
            report[n] = (PromptReport){prompt.used, prompt.cut};
    }
    *out = rows;
    return STATUS_OK;
}
