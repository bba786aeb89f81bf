#include "diffusion/prompt_rows.h"

#include <string.h>

#include "base/sum.h"
#include "diffusion/prompt_weights.h"

/* A prompt's tokens and their weights. */
typedef struct {
    int *ids;
    float *weight;
    size_t count;
} WeightedTokens;

static Status read_tokens(WeightedTokens *out, const Model *m, const char *prompt, bool plain, Arena *arena,
                          Error *err)
{
    PromptPart *parts = NULL;
    int count = 0;
    size_t room = 0, n = 0;
    Status status = prompt_parts(&parts, &count, prompt, plain, arena, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < count; i++)
        room += 3 * strlen(parts[i].text) +
                1; /* tokenizer_tokens: a token for a byte of what lower case makes */
    WeightedTokens t = {.ids = arena_raw(arena, room, sizeof *t.ids),
                        .weight = arena_raw(arena, room, sizeof *t.weight)};
    if (t.ids == NULL || t.weight == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the tokens of a prompt");
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        int *ids = NULL;
        const ArenaMark mark = arena_mark(arena);
        status = tokenizer_tokens(&ids, &n, &m->tokenizer, parts[i].text, arena, err);
        for (size_t k = 0; status == STATUS_OK && k < n; k++, t.count++) {
            t.ids[t.count] = ids[k];
            t.weight[t.count] = (float)parts[i].weight;
        }
        arena_release(arena, mark);
    }
    *out = t;
    return status;
}

static size_t chunks_of(const WeightedTokens *t, const Model *m)
{
    const size_t room = (size_t)m->tokenizer.length - 2;
    return t->count > room ? (t->count + room - 1) / room : 1;
}

/* The rows of one chunk: start, tokens from `first` on, end, padding. */
static Status encode_chunk(float *rows, const Model *m, const WeightedTokens *t, size_t first, int skip,
                           Arena *arena, Error *err)
{
    const Tokenizer *k = &m->tokenizer;
    const size_t room = (size_t)k->length - 2, left = first < t->count ? t->count - first : 0;
    const size_t n = left < room ? left : room;
    const ArenaMark mark = arena_mark(arena);
    int *ids = arena_raw(arena, (size_t)k->length, sizeof *ids);
    if (ids == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the tokens of a prompt");
    for (int i = 0; i < k->length; i++)
        ids[i] = k->padding;
    ids[0] = k->start;
    ids[n + 1] = k->end;
    for (size_t i = 0; i < n; i++)
        ids[i + 1] = t->ids[first + i];
    Tape tape = {.arena = arena};
    tape_watch(&tape, m->watch, "text_encoder");
    ClipTextRun run = {.skip = skip};
    const Tensor *last = clip_text(&tape, &m->text, ids, 1, k->length, &run);
    if (last == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    memcpy(rows, last->data, text_rows_size(m) * sizeof *rows);
    arena_release(arena, mark);
    return STATUS_OK;
}

/* empty: the rows of the empty prompt, for PROMPT_COMPEL. */
static void weigh(float *rows, const float *empty, const Model *m, const WeightedTokens *t, size_t first,
                  PromptWeighting weighting)
{
    const size_t width = (size_t)m->config.text.shape.width, all = text_rows_size(m);
    const size_t room = (size_t)m->tokenizer.length - 2;
    const double before = sum8(rows, all);
    bool changed = false;
    for (size_t i = 0; i < room && first + i < t->count; i++) {
        const float w = t->weight[first + i];
        float *row = rows + (i + 1) * width;
        const float *from = empty + (i + 1) * width;
        changed = changed || w != 1.0f;
        for (size_t k = 0; w != 1.0f && k < width; k++) {
            if (weighting == PROMPT_COMPEL) {
                const float d = row[k] - from[k];
                const float p = w * d;
                row[k] = from[k] + p;
            } else {
                row[k] = w * row[k];
            }
        }
    }
    const double now = sum8(rows, all);
    if (!changed || weighting != PROMPT_A1111 || now == 0.0)
        return;
    const float factor = (float)(before / now);
    for (size_t i = 0; i < all; i++)
        rows[i] = rows[i] * factor;
}

static Status encode_prompt(float *rows, size_t chunks, const float *empty, const Model *m,
                            const WeightedTokens *t, PromptRowsOptions o, Arena *arena, Error *err)
{
    const size_t room = (size_t)m->tokenizer.length - 2, size = text_rows_size(m);
    Status status = STATUS_OK;
    for (size_t c = 0; c < chunks && status == STATUS_OK; c++) {
        status = encode_chunk(rows + c * size, m, t, c * room, o.skip, arena, err);
        if (status == STATUS_OK && o.weighting != PROMPT_PLAIN)
            weigh(rows + c * size, empty, m, t, c * room, o.weighting);
    }
    return status;
}

/* What was used, and what did not fit into the chunks. */
static Status tell(PromptReport *out, const Model *m, const WeightedTokens *t, size_t chunks, Arena *arena,
                   Error *err)
{
    const size_t room = (size_t)m->tokenizer.length - 2,
                 kept = t->count < chunks * room ? t->count : chunks * room;
    *out = (PromptReport){.tokens = (int)(kept + 2 * chunks),
                          .cut = tokenizer_decode(&m->tokenizer, t->ids + kept, t->count - kept, arena)};
    return out->cut != NULL ? STATUS_OK
                            : error_set(err, STATUS_MEMORY, "no memory for the tokens of a prompt");
}

Status prompt_rows(float **out, int *tokens, PromptReport *report, const Model *m,
                   const char *const *prompts, int count, PromptRowsOptions o, Arena *arena, Error *err)
{
    const size_t size = text_rows_size(m);
    const WeightedTokens none = {.count = 0};
    size_t chunks = 1;
    Status status = STATUS_OK;
    WeightedTokens *t = arena_alloc(arena, (size_t)count, sizeof *t);
    float *empty = arena_raw(arena, size, sizeof *empty);
    if (t == NULL || empty == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d prompts", count);
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        status = read_tokens(&t[i], m, prompts[i], o.weighting == PROMPT_PLAIN, arena, err);
        if (status == STATUS_OK && o.chunks && chunks_of(&t[i], m) > chunks)
            chunks = chunks_of(&t[i], m);
    }
    float *rows =
        status == STATUS_OK ? arena_raw(arena, (size_t)count * chunks, size * sizeof *rows) : NULL;
    if (status == STATUS_OK && rows == NULL)
        status = error_set(err, STATUS_MEMORY, "no memory for the text of %d prompts", count);
    if (status == STATUS_OK && o.weighting == PROMPT_COMPEL)
        status = encode_chunk(empty, m, &none, 0, o.skip, arena, err);
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        status = encode_prompt(rows + (size_t)i * chunks * size, chunks, empty, m, &t[i], o, arena, err);
        if (status == STATUS_OK)
            status = tell(&report[i], m, &t[i], chunks, arena, err);
    }
    if (status != STATUS_OK)
        return status;
    *out = rows;
    *tokens = (int)chunks * m->tokenizer.length;
    return STATUS_OK;
}
