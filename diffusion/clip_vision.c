#include "diffusion/clip_vision.h"

#include <math.h>

#include "diffusion/layer_name.h"
#include "nn/concat.h"
#include "nn/conv2d.h"
#include "nn/elementwise.h"
#include "nn/layer_norm.h"
#include "nn/linear.h"
#include "nn/reshape.h"

void clip_vision_load(ClipVision *v, Weights *w, const ClipVisionConfig *config)
{
    static const char embeddings[] = "vision_model.embeddings";
    const ClipShape *s = &config->shape;
    const int grid = clip_vision_grid(config), patch = config->patch_size;
    const double deviation = 1.0 / sqrt(s->width);
    const double fan_in = (double)config->channels * patch * patch;
    const Init normal = {INIT_NORMAL, deviation}, uniform = {INIT_UNIFORM, 1.0 / sqrt(fan_in)};
    *v = (ClipVision){.config = *config};
    v->class_embedding = weights_tensor(w, embeddings, "class_embedding", normal, 1, (int[]){s->width});
    v->patch_embedding = weights_tensor(w, embeddings, "patch_embedding.weight", uniform, 4,
                                        (int[]){s->width, config->channels, patch, patch});
    v->position_embedding = weights_tensor(w, embeddings, "position_embedding.weight", normal, 2,
                                           (int[]){1 + grid * grid, s->width});
    weights_ignore(w, embeddings, "position_ids"); /* 0, 1, 2 ..., in older files */
    v->pre_norm = weights_norm(w, "vision_model", "pre_layrnorm", s->width);
    v->layer = layer_array(w, s->layers, sizeof *v->layer);
    for (int i = 0; v->layer != NULL && i < s->layers; i++) {
        char prefix[WEIGHTS_NAME];
        clip_layer_load(&v->layer[i], w, weights_child(prefix, "vision_model.encoder", "layers.%d", i), s);
    }
    v->post_norm = weights_norm(w, "vision_model", "post_layernorm", s->width);
    if (w->create ? config->has_projection : weights_has(w, "visual_projection", "weight"))
        v->projection = weights_tensor(w, "visual_projection", "weight", normal, 2,
                                       (int[]){config->projection_dim, s->width});
}

static Tensor *norm(Tape *tape, const ClipVision *v, const Affine *a, Tensor *x)
{
    return layer_norm(tape, x, a->weight, a->bias, v->config.shape.eps);
}

/* Tokens (N,1 + grid^2,width): the class's, then the patches', each with its place added. */
static Tensor *embed(Tape *tape, const ClipVision *v, Tensor *x)
{
    const int N = x->dim[0], width = v->config.shape.width, grid = clip_vision_grid(&v->config);
    Tensor *patches = conv2d(tape, x, v->patch_embedding, NULL, conv2d_padding(v->config.patch_size, 0));
    patches = reshape(tape, patches, 3, (int[]){N, width, grid * grid});
    patches = permute(tape, patches, (int[]){0, 2, 1});
    float *zero = tape_alloc(tape, (size_t)N * (size_t)width, sizeof *zero);
    if (zero == NULL)
        return NULL;
    for (size_t i = 0; i < (size_t)N * (size_t)width; i++)
        zero[i] = 0.0f;
    /* The class's row once a sample: by addition, so that its gradient is summed sample after sample. */
    Tensor *rows = tape_input(tape, zero, 3, (int[]){N, 1, width}, false);
    Tensor *parts[2] = {add(tape, rows, v->class_embedding), patches};
    return add(tape, concat(tape, parts, 2, 1), v->position_embedding);
}

/* post_layernorm of the class token: (N,width). */
static Tensor *pool(Tape *tape, const ClipVision *v, Tensor *last)
{
    if (last == NULL)
        return NULL;
    Tensor *token = slice(tape, last, 1, 0, 1);
    token = reshape(tape, token, 2, (int[]){last->dim[0], last->dim[2]});
    return tape_named(tape, norm(tape, v, &v->post_norm, token), "pooler_output", "");
}

Tensor *clip_vision(Tape *tape, const ClipVision *v, Tensor *x, ClipVisionRun *run)
{
    const ClipVisionConfig *c = &v->config;
    char shape[64];
    if (x == NULL)
        return NULL;
    if (x->rank != 4 || x->dim[0] < 1 || x->dim[1] != c->channels || x->dim[2] != c->image_size ||
        x->dim[3] != c->image_size)
        return tape_fail(tape, STATUS_SHAPE, "clip_vision: pictures %s, expected (N,%d,%d,%d)",
                         tensor_shape_text(x, shape), c->channels, c->image_size, c->image_size);
    Tensor *h = norm(tape, v, &v->pre_norm, embed(tape, v, x));
    h = tape_named(tape, h, "embeddings", "");
    for (int i = 0; i <= c->shape.layers; i++) {
        if (i > 0)
            h = clip_layer(tape, &v->layer[i - 1], h);
        if (run != NULL && run->states != NULL)
            run->states[i] = h;
    }
    Tensor *pooled = pool(tape, v, h);
    if (run != NULL) {
        run->last = h;
        run->pooled = pooled;
    }
    return v->projection != NULL ? linear(tape, pooled, v->projection, NULL) : pooled;
}
