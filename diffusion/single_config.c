#include "diffusion/single_config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

enum { MOST = 65536, LAYERS = 256 };

static const ArchiveTensor *tensor(const TensorArchive *file, const char *format, ...) PRINTF_LIKE(2, 3);

static const ArchiveTensor *tensor(const TensorArchive *file, const char *format, ...)
{
    char name[WEIGHTS_NAME];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return archive_find(file, name);
}

/* The length of an axis, or 0 when it cannot be a network's. */
static int size_of(const ArchiveTensor *t, int axis)
{
    return t != NULL && t->rank > axis && t->dim[axis] <= MOST ? (int)t->dim[axis] : 0;
}

bool single_is(const TensorArchive *file)
{
    return tensor(file, "model.diffusion_model.input_blocks.0.0.weight") != NULL;
}

SingleLayout single_layout(const TensorArchive *file)
{
    return tensor(file, "cond_stage_model.model.ln_final.weight") != NULL ? SINGLE_V2 : SINGLE_V1;
}

static Status unseen(const TensorArchive *file, const char *what, Error *err)
{
    return error_set(err, STATUS_FORMAT, "%.150s: %s", file->name, what);
}

/* ---- the U-Net ---- */

/* What a block's attention tells: that it is there, how deep, and the text's width. */
static bool see_attention(UnetLevel *l, UnetConfig *c, int *depth, const TensorArchive *file,
                          const char *block)
{
    const ArchiveTensor *in = tensor(file, "model.diffusion_model.%s.1.proj_in.weight", block);
    if (in == NULL)
        return false;
    c->use_linear_projection = in->rank == 2;
    l->cross_attention_dim = size_of(
        tensor(file, "model.diffusion_model.%s.1.transformer_blocks.0.attn2.to_k.weight", block), 1);
    for (*depth = 0;
         *depth < LAYERS &&
         tensor(file, "model.diffusion_model.%s.1.transformer_blocks.%d.norm1.weight", block, *depth);)
        ++*depth;
    return true;
}

static void see_down(UnetConfig *c, const TensorArchive *file)
{
    c->levels = 1;
    for (int i = 1; i < UNET_LEVELS * LAYERS; i++) {
        char block[40];
        UnetLevel *l = &c->level[c->levels - 1];
        const ArchiveTensor *conv =
            tensor(file, "model.diffusion_model.input_blocks.%d.0.out_layers.3.weight", i);
        snprintf(block, sizeof block, "input_blocks.%d", i);
        if (tensor(file, "model.diffusion_model.%s.0.op.weight", block) != NULL &&
            c->levels < UNET_LEVELS) {
            c->levels++;
        } else if (conv != NULL) {
            l->channels = size_of(conv, 0);
            l->layers++;
            l->down_attends = see_attention(l, c, &l->transformer_layers, file, block);
        } else {
            return;
        }
    }
}

static void see_up(UnetConfig *c, const TensorArchive *file)
{
    int block = 0;
    for (int level = c->levels - 1; level >= 0; level--) {
        char name[40];
        UnetLevel *l = &c->level[level];
        snprintf(name, sizeof name, "output_blocks.%d", block);
        l->up_attends = see_attention(l, c, &l->up_transformer_layers, file, name);
        block += l->layers + 1;
    }
}

/* Levels without attention have the others' settings, which nobody looks at but a writer of the file. */
static void fill_levels(UnetConfig *c, SingleLayout layout, int width)
{
    for (int i = 0; i < c->levels; i++) {
        UnetLevel *l = &c->level[i];
        if (l->cross_attention_dim == 0)
            l->cross_attention_dim = width;
        if (l->transformer_layers == 0)
            l->transformer_layers = l->up_transformer_layers > 0 ? l->up_transformer_layers : 1;
        if (l->up_transformer_layers == 0)
            l->up_transformer_layers = l->transformer_layers;
        l->heads = layout == SINGLE_V1 ? 8 : l->channels >= 64 ? l->channels / 64 : 1;
    }
}

static Status see_unet(UnetConfig *c, const TensorArchive *file, SingleLayout layout, Arena *arena,
                       Error *err)
{
    const ArchiveTensor *in = tensor(file, "model.diffusion_model.input_blocks.0.0.weight");
    c->level = arena_alloc(arena, UNET_LEVELS, sizeof *c->level);
    if (c->level == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for its shape", file->name);
    if (tensor(file, "model.diffusion_model.label_emb.0.0.weight") != NULL ||
        tensor(file, "model.diffusion_model.label_emb.weight") != NULL)
        return unseen(file, "its U-Net has a label_emb (SDXL, unCLIP), which is not supported", err);
    c->in_channels = size_of(in, 1);
    c->conv_in_kernel = size_of(in, 3);
    c->out_channels = size_of(tensor(file, "model.diffusion_model.out.2.weight"), 0);
    c->conv_out_kernel = size_of(tensor(file, "model.diffusion_model.out.2.weight"), 3);
    c->time_embedding_dim = size_of(tensor(file, "model.diffusion_model.time_embed.0.weight"), 0);
    see_down(c, file);
    see_up(c, file);
    UnetLevel mid = {0};
    c->mid =
        see_attention(&mid, c, &mid.layers, file, "middle_block") ? UNET_MID_CROSS_ATTN : UNET_MID_PLAIN;
    fill_levels(c, layout, mid.cross_attention_dim > 0 ? mid.cross_attention_dim : 1);
    c->mid_block_scale_factor = 1.0;
    c->norm_num_groups = 32;
    c->norm_eps = 1e-5;
    c->flip_sin_to_cos = true;
    c->downsample_padding = 1;
    c->sample_height = c->sample_width = 64;
    bool seen = c->in_channels > 0 && c->conv_in_kernel % 2 == 1 && c->conv_out_kernel % 2 == 1 &&
                c->out_channels > 0 && c->time_embedding_dim > 0;
    for (int i = 0; i < c->levels; i++)
        seen = seen && c->level[i].channels > 0 && c->level[i].layers > 0;
    if (!seen)
        return unseen(file, "the shape of its U-Net cannot be seen from its tensors", err);
    for (int i = 0; i < c->levels; i++)
        if (c->level[i].channels % 32 != 0 || c->level[i].channels % c->level[i].heads != 0)
            return error_set(
                err, STATUS_FORMAT,
                "%.150s: its U-Net has %d channels, which 32 groups and %d heads do not divide: its "
                "configuration is needed (--config-from)",
                file->name, c->level[i].channels, c->level[i].heads);
    return STATUS_OK;
}

/* ---- the VAE ---- */

static Status see_vae(VaeConfig *c, const TensorArchive *file, Error *err)
{
    while (c->levels < VAE_LEVELS &&
           (c->channels[c->levels] = size_of(
                tensor(file, "first_stage_model.encoder.down.%d.block.0.conv2.weight", c->levels), 0)) > 0)
        c->levels++;
    while (c->layers < LAYERS &&
           tensor(file, "first_stage_model.encoder.down.0.block.%d.conv1.weight", c->layers) != NULL)
        c->layers++;
    c->in_channels = size_of(tensor(file, "first_stage_model.encoder.conv_in.weight"), 1);
    c->out_channels = size_of(tensor(file, "first_stage_model.decoder.conv_out.weight"), 0);
    c->latent_channels = size_of(tensor(file, "first_stage_model.decoder.conv_in.weight"), 1);
    c->norm_num_groups = 32;
    c->mid_block_add_attention = tensor(file, "first_stage_model.decoder.mid.attn_1.norm.weight") != NULL;
    c->use_quant_conv = tensor(file, "first_stage_model.quant_conv.weight") != NULL;
    c->use_post_quant_conv = tensor(file, "first_stage_model.post_quant_conv.weight") != NULL;
    c->scaling_factor = 0.18215;
    c->force_upcast = true;
    c->sample_height = c->sample_width = 512;
    if (c->levels == 0 || c->in_channels == 0 || c->out_channels == 0 || c->latent_channels == 0)
        return unseen(file, "the shape of its VAE cannot be seen from its tensors", err);
    for (int i = 0; i < c->levels; i++)
        if (c->channels[i] % 32 != 0)
            return error_set(
                err, STATUS_FORMAT,
                "%.150s: its VAE has %d channels, which 32 groups do not divide: its configuration is "
                "needed (--config-from)",
                file->name, c->channels[i]);
    return STATUS_OK;
}

/* ---- the text encoder ---- */

static Status see_text(ClipTextConfig *c, const TensorArchive *file, SingleLayout layout, Error *err)
{
    const bool v2 = layout == SINGLE_V2;
    const ArchiveTensor *table =
        tensor(file, "%s",
               v2 ? "cond_stage_model.model.token_embedding.weight"
                  : "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight");
    const ArchiveTensor *places =
        tensor(file, "%s",
               v2 ? "cond_stage_model.model.positional_embedding"
                  : "cond_stage_model.transformer.text_model.embeddings.position_embedding.weight");
    const ArchiveTensor *inner =
        tensor(file, "%s",
               v2 ? "cond_stage_model.model.transformer.resblocks.0.mlp.c_fc.weight"
                  : "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight");
    ClipShape *s = &c->shape;
    while (
        s->layers < LAYERS &&
        (v2 ? tensor(file, "cond_stage_model.model.transformer.resblocks.%d.ln_1.weight", s->layers)
            : tensor(file, "cond_stage_model.transformer.text_model.encoder.layers.%d.layer_norm1.weight",
                     s->layers)) != NULL)
        s->layers++;
    if (v2 && s->layers > 1 && tensor(file, "cond_stage_model.model.text_projection") != NULL)
        s->layers--;
    s->width = size_of(table, 1);
    s->inner = size_of(inner, 0);
    s->heads = s->width >= 64 ? s->width / 64 : 1;
    s->act = v2 ? ACTIVATION_GELU : ACTIVATION_QUICK_GELU;
    s->eps = 1e-5f;
    s->causal = true;
    c->vocab_size = table != NULL && table->dim[0] < 1 << 24 ? (int)table->dim[0] : 0;
    c->positions = size_of(places, 0);
    c->eos_token_id = 2;
    c->pad_token_id = 1;
    c->projection_dim = v2 ? 512 : 768;
    if (s->width == 0 || s->inner == 0 || s->layers == 0 || c->vocab_size == 0 || c->positions == 0)
        return unseen(file, "the shape of its text encoder cannot be seen from its tensors", err);
    return STATUS_OK;
}

Status single_config(ModelConfig *config, unsigned parts, const TensorArchive *file, SingleLayout layout,
                     Arena *arena, Error *err)
{
    ModelConfig c = *config;
    Status status = STATUS_OK;
    if (parts & MODEL_UNET) {
        c.unet = (UnetConfig){.levels = 0};
        status = see_unet(&c.unet, file, layout, arena, err);
    }
    if (status == STATUS_OK && (parts & MODEL_VAE)) {
        c.vae = (VaeConfig){.levels = 0};
        status = see_vae(&c.vae, file, err);
    }
    if (status == STATUS_OK && (parts & MODEL_TEXT)) {
        c.text = (ClipTextConfig){.vocab_size = 0};
        status = see_text(&c.text, file, layout, err);
    }
    if (status == STATUS_OK)
        *config = c;
    return status;
}

/* ---- what the network predicts ---- */

Status single_predicts_v(bool *out, const TensorArchive *file, Arena *arena, Error *err)
{
    static const char KEY[] = "parameterization:";
    const char *said = archive_metadata(file, "modelspec.prediction_type"), *dot = strrchr(file->name, '.');
    char path[4096];
    Bytes text;
    *out = said != NULL && said[0] == 'v';
    const int stem =
        dot != NULL && strchr(dot, '/') == NULL ? (int)(dot - file->name) : (int)strlen(file->name);
    if (snprintf(path, sizeof path, "%.*s.yaml", stem, file->name) >= (int)sizeof path ||
        !file_exists(path))
        return STATUS_OK;
    const Status status = file_read(&text, path, arena, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i + sizeof KEY - 1 < text.size; i++)
        if (memcmp(text.data + i, KEY, sizeof KEY - 1) == 0) {
            size_t at = i + sizeof KEY - 1;
            while (at < text.size &&
                   (text.data[at] == ' ' || text.data[at] == '"' || text.data[at] == '\''))
                at++;
            *out = at < text.size && text.data[at] == 'v';
        }
    return STATUS_OK;
}
