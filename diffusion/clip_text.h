/* diffusion/clip_text.h - CLIP's text encoder: from token ids to the rows that a U-Net attends to.
 *
 *   states[0]    token_embedding[id] + position_embedding[place]
 *   states[i]    after layer i (diffusion/clip_layer.h), causal; no padding mask, as in Stable Diffusion
 *   last         final_layer_norm(states[layers - skip])          skip > 0: "clip skip"
 *   pooled       final_layer_norm(states[layers]) at the first end token; where eos_token_id is 2, at the
 *                largest id
 *   projected    text_projection pooled, where the model has one
 *
 * Source: Radford et al. 2021 [Rad21], section 2.4; names, end-token rule and the norm after a skip as in
 * transformers 4.36 (modeling_clip.py) and diffusers 0.27 (pipeline_stable_diffusion.py, encode_prompt). */
#ifndef DIFFUSION_CLIP_TEXT_H
#define DIFFUSION_CLIP_TEXT_H

#include "diffusion/clip_text_config.h"

typedef struct {
    ClipTextConfig config;
    Tensor *token_embedding;    /* (vocab_size,width) */
    Tensor *position_embedding; /* (positions,width) */
    ClipLayer *layer;           /* (layers) */
    Affine final_norm;
    Tensor *projection; /* (projection_dim,width), or NULL */
} ClipText;

/* Parameters "text_model...." and, where the file or the config has it, "text_projection.weight".  Create
 * mode draws embeddings as openai/CLIP (token N(0, 0.02^2), position N(0, 0.01^2)),
 * the projection N(0, 1/width). */
void clip_text_load(ClipText *t, Weights *w, const ClipTextConfig *config);

/* LoRA and the like at all linear layers from now on (hooks->layer); NULL: none again. */
void clip_text_hook(ClipText *t, const struct UnetHooks *hooks);

typedef struct {
    Tensor **states;   /* out: room for layers + 1 tensors (N,T,width); NULL: not wanted */
    Tensor *pooled;    /* out: (N,width), when want_pooled */
    Tensor *projected; /* out: (N,projection_dim), when want_pooled and the model has a projection */
    bool want_pooled;
    int skip; /* in: layers left out at the end, 0 to layers */
} ClipTextRun;

/* ids (N,T), T at most config.positions; returns `last` (N,T,width).  `run` may be NULL.
 * Errors on the tape: STATUS_SHAPE for the length, STATUS_ARGUMENT for an id or a skip that
 * is out of range. */
Tensor *clip_text(Tape *tape, const ClipText *t, const int *ids, int N, int T, ClipTextRun *run);

/* Where `pooled` takes its row: the place of the end token in T ids. */
int clip_text_end(const ClipTextConfig *config, const int *ids, int T);

#endif
