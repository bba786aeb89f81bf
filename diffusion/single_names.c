#include "diffusion/single_names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add_pair(SingleNames *n, int part, const char *ldm, const char *ours, bool in_proj, bool point)
{
    static const char *const PREFIX[] = {"model.diffusion_model.", "first_stage_model.",
                                         "cond_stage_model."};
    char full[WEIGHTS_NAME];
    snprintf(full, sizeof full, "%s%s", PREFIX[part], ldm);
    if (n->count == n->room) {
        const size_t room = n->room == 0 ? 256 : 2 * n->room;
        SingleName *larger = arena_raw(n->arena, room, sizeof *larger);
        n->failed = n->failed || larger == NULL;
        if (larger != NULL && n->count > 0)
            memcpy(larger, n->pair, n->count * sizeof *larger);
        n->pair = larger;
        n->room = room;
    }
    if (n->failed)
        return;
    const SingleName p = {.ldm = arena_text(n->arena, full, strlen(full)),
                          .ours = arena_text(n->arena, ours, strlen(ours)),
                          .part = part,
                          .in_proj = in_proj,
                          .point = point};
    n->failed = p.ldm == NULL || p.ours == NULL;
    if (!n->failed)
        n->pair[n->count++] = p;
}

/* One module: `ldm` and `ours` with the same number in both, or none. */
static void add_module(SingleNames *n, int part, const char *ldm, const char *ours)
{
    add_pair(n, part, ldm, ours, false, false);
}

/* The tensors of a module below two prefixes: "ldm.in_layers.0" is "ours.norm1". */
static void add_parts(SingleNames *n, int part, const char *ldm, const char *ours,
                      const char *const (*parts)[2], int count)
{
    for (int i = 0; i < count; i++) {
        char a[WEIGHTS_NAME], b[WEIGHTS_NAME];
        weights_child(a, ldm, "%s", parts[i][0]);
        weights_child(b, ours, "%s", parts[i][1]);
        add_module(n, part, a, b);
    }
}

/* ---- the U-Net ---- */

static void add_unet_resnet(SingleNames *n, const char *block, const char *prefix, int i)
{
    static const char *const PARTS[][2] = {
        {"in_layers.0", "norm1"},  {"in_layers.2", "conv1"},  {"emb_layers.1", "time_emb_proj"},
        {"out_layers.0", "norm2"}, {"out_layers.3", "conv2"}, {"skip_connection", "conv_shortcut"}};
    char ours[WEIGHTS_NAME];
    add_parts(n, SINGLE_UNET, block, weights_child(ours, prefix, "resnets.%d", i), PARTS, 6);
}

static void add_unet_module(SingleNames *n, const char *kind, int block, int place, const char *end,
                            const char *prefix, const char *name, int i)
{
    char ldm[WEIGHTS_NAME], ours[WEIGHTS_NAME];
    snprintf(ldm, sizeof ldm, "%s.%d.%d%s", kind, block, place, end);
    add_module(n, SINGLE_UNET, ldm, weights_child(ours, prefix, name, i));
}

static void add_unet_down(SingleNames *n, const UnetConfig *c)
{
    int block = 1; /* 0 is conv_in */
    for (int level = 0; level < c->levels; level++) {
        char prefix[WEIGHTS_NAME], ldm[WEIGHTS_NAME];
        snprintf(prefix, sizeof prefix, "down_blocks.%d", level);
        for (int i = 0; i < c->level[level].layers; i++, block++) {
            snprintf(ldm, sizeof ldm, "input_blocks.%d.0", block);
            add_unet_resnet(n, ldm, prefix, i);
            if (c->level[level].down_attends)
                add_unet_module(n, "input_blocks", block, 1, "", prefix, "attentions.%d", i);
        }
        if (level < c->levels - 1)
            add_unet_module(n, "input_blocks", block++, 0, ".op", prefix, "downsamplers.%d.conv", 0);
    }
}

static void add_unet_up(SingleNames *n, const UnetConfig *c)
{
    int block = 0;
    for (int b = 0; b < c->levels; b++) {
        char prefix[WEIGHTS_NAME], ldm[WEIGHTS_NAME];
        const UnetLevel *l = &c->level[c->levels - 1 - b];
        snprintf(prefix, sizeof prefix, "up_blocks.%d", b);
        for (int i = 0; i <= l->layers; i++, block++) {
            snprintf(ldm, sizeof ldm, "output_blocks.%d.0", block);
            add_unet_resnet(n, ldm, prefix, i);
            if (l->up_attends)
                add_unet_module(n, "output_blocks", block, 1, "", prefix, "attentions.%d", i);
        }
        if (b < c->levels - 1) /* in the level's last block, behind what else is in it */
            add_unet_module(n, "output_blocks", block - 1, l->up_attends ? 2 : 1, ".conv", prefix,
                            "upsamplers.%d.conv", 0);
    }
}

static void add_unet(SingleNames *n, const UnetConfig *c)
{
    static const char *const ENDS[][2] = {{"input_blocks.0.0", "conv_in"},
                                          {"time_embed.0", "time_embedding.linear_1"},
                                          {"time_embed.2", "time_embedding.linear_2"},
                                          {"out.0", "conv_norm_out"},
                                          {"out.2", "conv_out"}};
    add_parts(n, SINGLE_UNET, "", "", ENDS, 5);
    add_unet_down(n, c);
    add_unet_resnet(n, "middle_block.0", "mid_block", 0);
    add_module(n, SINGLE_UNET, "middle_block.1", "mid_block.attentions.0");
    add_unet_resnet(n, "middle_block.2", "mid_block", 1);
    add_unet_up(n, c);
}

/* ---- the VAE ---- */

static void add_vae_resnet(SingleNames *n, const char *ldm, const char *ours)
{
    static const char *const PARTS[][2] = {{"norm1", "norm1"},
                                           {"conv1", "conv1"},
                                           {"norm2", "norm2"},
                                           {"conv2", "conv2"},
                                           {"nin_shortcut", "conv_shortcut"}};
    add_parts(n, SINGLE_VAE, ldm, ours, PARTS, 5);
}

/* The attention's projections; the second names are those of diffusers before 0.14. */
static void add_vae_attention(SingleNames *n, const char *half)
{
    static const char *const PARTS[][3] = {{"q", "to_q", "query"},
                                           {"k", "to_k", "key"},
                                           {"v", "to_v", "value"},
                                           {"proj_out", "to_out.0", "proj_attn"}};
    char ldm[WEIGHTS_NAME], ours[WEIGHTS_NAME];
    snprintf(ldm, sizeof ldm, "%s.mid.attn_1.norm", half);
    snprintf(ours, sizeof ours, "%s.mid_block.attentions.0.group_norm", half);
    add_module(n, SINGLE_VAE, ldm, ours);
    for (int i = 0; i < 4; i++)
        for (int k = 1; k < 3; k++) {
            snprintf(ldm, sizeof ldm, "%s.mid.attn_1.%s", half, PARTS[i][0]);
            snprintf(ours, sizeof ours, "%s.mid_block.attentions.0.%s", half, PARTS[i][k]);
            add_pair(n, SINGLE_VAE, ldm, ours, false, true);
        }
}

static void add_vae_half(SingleNames *n, const VaeConfig *c, bool up)
{
    static const char *const ENDS[][2] = {
        {"conv_in", "conv_in"}, {"norm_out", "conv_norm_out"}, {"conv_out", "conv_out"}};
    const char *half = up ? "decoder" : "encoder", *way = up ? "up" : "down";
    char ldm[WEIGHTS_NAME], ours[WEIGHTS_NAME];
    add_parts(n, SINGLE_VAE, half, half, ENDS, 3);
    for (int level = 0; level < c->levels; level++) {
        const int block = up ? c->levels - 1 - level : level, last = up ? 0 : c->levels - 1;
        for (int i = 0; i < c->layers + (up ? 1 : 0); i++) {
            snprintf(ldm, sizeof ldm, "%s.%s.%d.block.%d", half, way, level, i);
            snprintf(ours, sizeof ours, "%s.%s_blocks.%d.resnets.%d", half, way, block, i);
            add_vae_resnet(n, ldm, ours);
        }
        snprintf(ldm, sizeof ldm, "%s.%s.%d.%ssample.conv", half, way, level, way);
        snprintf(ours, sizeof ours, "%s.%s_blocks.%d.%ssamplers.0.conv", half, way, block, way);
        if (level != last)
            add_module(n, SINGLE_VAE, ldm, ours);
    }
    for (int i = 0; i < 2; i++) {
        snprintf(ldm, sizeof ldm, "%s.mid.block_%d", half, i + 1);
        snprintf(ours, sizeof ours, "%s.mid_block.resnets.%d", half, i);
        add_vae_resnet(n, ldm, ours);
    }
    add_vae_attention(n, half);
}

/* ---- the text encoder ---- */

static void add_open_clip(SingleNames *n, const ClipTextConfig *c)
{
    static const char *const ENDS[][2] = {
        {"model.token_embedding", "text_model.embeddings.token_embedding"},
        {"model.positional_embedding", "text_model.embeddings.position_embedding.weight"},
        {"model.ln_final", "text_model.final_layer_norm"}};
    static const char *const PARTS[][2] = {{"ln_1", "layer_norm1"},
                                           {"attn.out_proj", "self_attn.out_proj"},
                                           {"ln_2", "layer_norm2"},
                                           {"mlp.c_fc", "mlp.fc1"},
                                           {"mlp.c_proj", "mlp.fc2"}};
    static const char *const KINDS[] = {"weight", "bias"};
    add_parts(n, SINGLE_TEXT, "", "", ENDS, 3);
    for (int i = 0; i < c->shape.layers; i++) {
        char ldm[WEIGHTS_NAME], ours[WEIGHTS_NAME], name[WEIGHTS_NAME];
        snprintf(ldm, sizeof ldm, "model.transformer.resblocks.%d", i);
        snprintf(ours, sizeof ours, "text_model.encoder.layers.%d", i);
        add_parts(n, SINGLE_TEXT, ldm, ours, PARTS, 5);
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "%.200s.attn.in_proj_%s", ldm, KINDS[k]);
            weights_child(ldm, ours, "self_attn.%s", KINDS[k]);
            add_pair(n, SINGLE_TEXT, name, ldm, true, false);
            snprintf(ldm, sizeof ldm, "model.transformer.resblocks.%d", i);
        }
    }
}

Status single_names(SingleNames *out, const ModelConfig *config, SingleLayout layout, Arena *arena,
                    Error *err)
{
    static const char *const TEXT[][2] = {{"transformer.text_model", "text_model"},
                                          {"transformer.text_projection", "text_projection"}};
    SingleNames n = {.arena = arena};
    add_unet(&n, &config->unet);
    add_vae_half(&n, &config->vae, false);
    add_vae_half(&n, &config->vae, true);
    add_module(&n, SINGLE_VAE, "quant_conv", "quant_conv");
    add_module(&n, SINGLE_VAE, "post_quant_conv", "post_quant_conv");
    if (layout == SINGLE_V2)
        add_open_clip(&n, &config->text);
    else
        add_parts(&n, SINGLE_TEXT, "", "", TEXT, 2);
    if (n.failed)
        return error_set(err, STATUS_MEMORY, "no memory for the names of a single-file checkpoint");
    *out = n;
    return STATUS_OK;
}

const SingleName *single_name_find(const SingleNames *names, int part, const char *name, const char **rest)
{
    const SingleName *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < names->count; i++) {
        const SingleName *p = &names->pair[i];
        const char *start = part < 0 ? p->ldm : p->ours;
        const size_t length = strlen(start);
        if ((part >= 0 && p->part != part) || length <= most || strncmp(name, start, length) != 0 ||
            (name[length] != '.' && name[length] != '\0'))
            continue;
        best = p;
        most = length;
        *rest = name + length;
    }
    return best;
}
