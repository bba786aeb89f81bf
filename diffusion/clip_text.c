#include "diffusion/clip_text.h"

#include <math.h>

#include "diffusion/layer_name.h"
#include "nn/elementwise.h"
#include "nn/embedding.h"
#include "nn/layer_norm.h"
#include "nn/linear.h"
#include "nn/reshape.h"

void clip_text_load(ClipText *t, Weights *w, const ClipTextConfig *config)
{
    const ClipShape *s = &config->shape;
    *t = (ClipText){.config = *config};
    t->token_embedding =
        weights_tensor(w, "text_model.embeddings", "token_embedding.weight", (Init){INIT_NORMAL, 0.02}, 2,
                       (int[]){config->vocab_size, s->width});
    t->position_embedding =
        weights_tensor(w, "text_model.embeddings", "position_embedding.weight", (Init){INIT_NORMAL, 0.01},
                       2, (int[]){config->positions, s->width});
    weights_ignore(w, "text_model.embeddings", "position_ids"); /* 0, 1, 2 ..., in older files */
    t->layer = layer_array(w, s->layers, sizeof *t->layer);
    for (int i = 0; t->layer != NULL && i < s->layers; i++) {
        char prefix[WEIGHTS_NAME];
        clip_layer_load(&t->layer[i], w, weights_child(prefix, "text_model.encoder", "layers.%d", i), s);
    }
    t->final_norm = weights_norm(w, "text_model", "final_layer_norm", s->width);
    if (w->create ? config->has_projection : weights_has(w, "text_projection", "weight"))
        t->projection =
            weights_tensor(w, "text_projection", "weight", (Init){INIT_NORMAL, 1.0 / sqrt(s->width)}, 2,
                           (int[]){config->projection_dim, s->width});
}

void clip_text_hook(ClipText *t, const struct UnetHooks *hooks)
{
    for (int i = 0; i < t->config.shape.layers; i++)
        t->layer[i].hooks = hooks;
}

/* Token and position embeddings of ids (N,T). */
static Tensor *embed(Tape *tape, const ClipText *t, const int *ids, int N, int T)
{
    const int dim[2] = {N, T};
    int *place = tape_alloc(tape, (size_t)N * (size_t)T, sizeof *place);
    if (place == NULL)
        return NULL;
    for (int i = 0; i < N * T; i++)
        place[i] = i % T;
    Tensor *tokens = embedding(tape, t->token_embedding, ids, 2, dim);
    return add(tape, tokens, embedding(tape, t->position_embedding, place, 2, dim));
}

int clip_text_end(const ClipTextConfig *config, const int *ids, int T)
{
    int end = 0;
    for (int i = 0; i < T; i++) {
        if (config->eos_token_id != 2 && ids[i] == config->eos_token_id)
            return i;
        if (ids[i] > ids[end])
            end = i;
    }
    return config->eos_token_id == 2 ? end : 0; /* without an end token transformers takes the first row */
}

static Tensor *final_norm(Tape *tape, const ClipText *t, Tensor *x)
{
    return layer_norm(tape, x, t->final_norm.weight, t->final_norm.bias, t->config.shape.eps);
}

/* Rows of last (N,T,width) at the end tokens: (N,width). */
static Tensor *pool(Tape *tape, const ClipText *t, Tensor *last, const int *ids, int N, int T)
{
    int *row = tape_alloc(tape, (size_t)N, sizeof *row);
    if (row == NULL || last == NULL)
        return NULL;
    for (int n = 0; n < N; n++)
        row[n] = n * T + clip_text_end(&t->config, ids + (size_t)n * (size_t)T, T);
    return embedding(tape, reshape(tape, last, 2, (int[]){N * T, t->config.shape.width}), row, 1, &N);
}

Tensor *clip_text(Tape *tape, const ClipText *t, const int *ids, int N, int T, ClipTextRun *run)
{
    const ClipTextConfig *c = &t->config;
    const int skip = run != NULL ? run->skip : 0;
    if (N < 1 || T < 1 || T > c->positions || N > INT32_MAX / T)
        return tape_fail(tape, STATUS_SHAPE,
                         "clip_text: %d prompts of %d tokens, expected at most %d tokens", N, T,
                         c->positions);
    if (skip < 0 || skip > c->shape.layers)
        return tape_fail(tape, STATUS_ARGUMENT, "clip skip leaves out %d layers of %d", skip,
                         c->shape.layers);
    const bool whole = run != NULL && (run->states != NULL || run->want_pooled);
    const int wanted = c->shape.layers - skip, layers = whole ? c->shape.layers : wanted;
    Tensor *x = tape_named(tape, embed(tape, t, ids, N, T), "embeddings", ""), *kept = x;
    for (int i = 0; i <= layers; i++) {
        if (i > 0)
            x = clip_layer(tape, &t->layer[i - 1], x);
        if (run != NULL && run->states != NULL)
            run->states[i] = x;
        kept = i == wanted ? x : kept;
    }
    Tensor *last = tape_named(tape, final_norm(tape, t, kept), "final_layer_norm", "");
    if (run != NULL && run->want_pooled) {
        Tensor *end = skip > 0 ? final_norm(tape, t, x) : last;
        run->pooled = tape_named(tape, pool(tape, t, end, ids, N, T), "pooler_output", "");
        run->projected = t->projection != NULL ? linear(tape, run->pooled, t->projection, NULL) : NULL;
    }
    return last;
}
