/* cli/golden_shipped.c - the networks of the shipped model for golden sets: what they are given, how the library runs
 * them, and their truth (see golden_stages.h). */
#include "cli/golden_stages.h"

#include <stdio.h>

#include "cli/golden_operator.h"

/* Normal numbers under that name; NULL without memory. */
static float *normals(GoldenFile *file, GoldenCase *c, const char *name, int rank, const int *dim,
                      Arena *arena)
{
    char full[400];
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dim[i];
    float *x = arena_raw(arena, count, sizeof *x);
    if (x == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return NULL;
    }
    snprintf(full, sizeof full, "%s/%s", c->name, name);
    golden_fill(x, count, full, FILL_NORMAL);
    golden_given(file, c, GOLDEN_INPUT, name, F32, rank, dim, x);
    return x;
}

/* Begin, eleven tokens or fewer, and end to the end. */
static void give_ids(GoldenFile *file, GoldenCase *c, const Model *m, Given *g, Arena *arena)
{
    float id[GIVEN_TOKENS];
    const int end = m->text.config.eos_token_id, dim[2] = {1, g->tokens};
    (void)arena;
    for (int i = 0; i < g->tokens; i++) {
        g->ids[i] = i == 0 ? m->text.config.bos_token_id : i < 12 ? (i * i * 37 + 300) % (end - 1) : end;
        id[i] = (float)g->ids[i];
    }
    golden_given(file, c, GOLDEN_INPUT, "input_ids", I64, 2, dim, id);
}

/* The one input that is a picture, under that name, `scale` times as large as the latent. */
static void give_x(GoldenFile *file, GoldenCase *c, const char *name, int channels, int scale, Given *g,
                   Arena *arena)
{
    const int dim[4] = {1, channels, g->side * scale, g->side * scale};
    memcpy(g->dim, dim, sizeof dim);
    g->x = normals(file, c, name, 4, dim, arena);
}

static void give_latent(GoldenFile *file, GoldenCase *c, const Model *m, Given *g, Arena *arena)
{
    give_x(file, c, "latent", m->vae.config.latent_channels, 1, g, arena);
}

static void give_picture(GoldenFile *file, GoldenCase *c, const Model *m, Given *g, Arena *arena)
{
    give_x(file, c, "picture", m->vae.config.in_channels, 4, g, arena);
}

static void give_noise(GoldenFile *file, GoldenCase *c, const Model *m, Given *g, Arena *arena)
{
    const UnetConfig *u = &m->unet.config;
    const int text[3] = {1, g->tokens, u->level[u->levels - 1].cross_attention_dim}, one = 1;
    memcpy(g->text_dim, text, sizeof text);
    g->timestep = 501.0f;
    give_x(file, c, "sample", u->in_channels, 1, g, arena);
    golden_given(file, c, GOLDEN_INPUT, "timestep", F32, 1, &one, &g->timestep);
    g->text = normals(file, c, "encoder_hidden_states", 3, text, arena);
}

/* Inputs want gradients; a tape that does not record takes no notice. */
static Tensor *run_text(Tape *tape, const Model *m, Given *g)
{
    return clip_text(tape, &m->text, g->ids, 1, g->tokens, NULL);
}

static Tensor *run_decode(Tape *tape, const Model *m, Given *g)
{
    return vae_decode(tape, &m->vae, g->input[0] = tape_input(tape, g->x, 4, g->dim, true));
}

static Tensor *run_encode(Tape *tape, const Model *m, Given *g)
{
    return vae_encode(tape, &m->vae, g->input[0] = tape_input(tape, g->x, 4, g->dim, true));
}

static Tensor *run_unet(Tape *tape, const Model *m, Given *g)
{
    g->input[0] = tape_input(tape, g->x, 4, g->dim, true);
    g->input[1] = tape_input(tape, g->text, 3, g->text_dim, true);
    return unet(tape, &m->unet, g->input[0], &g->timestep, g->input[1], NULL);
}

static WideTensor *true_text(TruthNet *n, const Model *m, const Given *g)
{
    return wide_clip_text(n, &m->text, g->ids, 1, g->tokens);
}

static WideTensor *true_decode(TruthNet *n, const Model *m, const Given *g)
{
    return wide_vae_decode(n, &m->vae, wide_input(n, g->x, 4, g->dim));
}

static WideTensor *true_encode(TruthNet *n, const Model *m, const Given *g)
{
    return wide_vae_encode(n, &m->vae, wide_input(n, g->x, 4, g->dim));
}

static WideTensor *true_unet(TruthNet *n, const Model *m, const Given *g)
{
    WideTensor *x = wide_input(n, g->x, 4, g->dim);
    return wide_unet(n, &m->unet, x, &g->timestep, wide_input(n, g->text, 3, g->text_dim));
}

static const Weights *text_weights(const Model *m)
{
    return &m->text_weights;
}

static const Weights *vae_weights(const Model *m)
{
    return &m->vae_weights;
}

static const Weights *unet_weights(const Model *m)
{
    return &m->unet_weights;
}

/* Parameters whose gradients are asked for: first and last ones, and one of each kind between. */
static const Network networks[] = {
    {.name = "text_encoder",
     .like = "transformers.CLIPTextModel, its last_hidden_state last",
     .source = "weights/model/text_encoder/model.safetensors",
     .part = MODEL_TEXT,
     .weights = text_weights,
     .give = give_ids,
     .run = run_text,
     .truth = true_text,
     .parameter = {"text_model.embeddings.position_embedding.weight",
                   "text_model.encoder.layers.0.layer_norm1.weight",
                   "text_model.encoder.layers.0.self_attn.q_proj.bias",
                   "text_model.encoder.layers.1.self_attn.v_proj.bias",
                   "text_model.encoder.layers.2.mlp.fc1.bias", "text_model.final_layer_norm.weight"}},
    {.name = "vae_decoder",
     .like = "diffusers.AutoencoderKL.decode",
     .source = "weights/model/vae/diffusion_pytorch_model.safetensors",
     .part = MODEL_VAE,
     .weights = vae_weights,
     .give = give_latent,
     .run = run_decode,
     .truth = true_decode,
     .input = {"latent"},
     .parameter = {"decoder.conv_in.weight", "decoder.mid_block.attentions.0.to_q.bias",
                   "decoder.mid_block.resnets.1.norm2.weight", "decoder.up_blocks.1.resnets.1.norm1.bias",
                   "decoder.conv_out.weight"}},
    {.name = "vae_encoder",
     .like = "diffusers.AutoencoderKL.encode, its moments last",
     .source = "weights/model/vae/diffusion_pytorch_model.safetensors",
     .part = MODEL_VAE,
     .weights = vae_weights,
     .give = give_picture,
     .run = run_encode,
     .truth = true_encode,
     .input = {"picture"},
     .parameter = {"encoder.conv_in.weight", "encoder.down_blocks.1.resnets.0.norm1.weight",
                   "encoder.mid_block.attentions.0.group_norm.bias", "encoder.conv_out.bias"}},
    {.name = "unet",
     .like = "diffusers.UNet2DConditionModel",
     .source = "weights/model/unet/diffusion_pytorch_model.safetensors",
     .part = MODEL_UNET,
     .weights = unet_weights,
     .give = give_noise,
     .run = run_unet,
     .truth = true_unet,
     .input = {"sample", "encoder_hidden_states"},
     .parameter = {"conv_in.weight", "time_embedding.linear_1.bias",
                   "down_blocks.0.resnets.0.time_emb_proj.bias",
                   "down_blocks.1.attentions.0.transformer_blocks.0.norm1.weight",
                   "mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0.bias",
                   "mid_block.attentions.0.proj_in.bias", "up_blocks.0.resnets.1.norm1.bias",
                   "conv_out.weight"}},
};

GoldenPart golden_network_part(size_t i)
{
    if (i >= sizeof networks / sizeof networks[0])
        return (GoldenPart){NULL, NULL, NULL};
    return (GoldenPart){networks[i].name, golden_network_make, &networks[i]};
}
