/* How the U-Net and the VAE begin and end, against the formulas, and which parameters a setting brings. */
#include "diffusion/vae_mid.h"
#include "tests/plain_layers.h"
#include "tests/tiny_unet.h"

enum { SEEN = 5 };
static const char *const NAMES[SEEN] = {"time_proj", "time_embedding", "conv_in", "up_blocks.2",
                                        "conv_norm_out"};

typedef struct {
    double *x[SEEN];
    int dim[SEEN][TENSOR_RANK];
} Observed;

static void observe(void *context, const char *name, const Tensor *x)
{
    Observed *o = context;
    for (int i = 0; i < SEEN; i++)
        if (strcmp(name, NAMES[i]) == 0) {
            o->x[i] = plain_copy(x->data, tensor_count(x));
            memcpy(o->dim[i], x->dim, sizeof x->dim);
        }
}

static double largest_difference(const double *a, const double *b, size_t count)
{
    double worst = 0.0;
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, fabs(a[i] - b[i]));
    return worst;
}

static void test_beginning_and_end_of_the_unet(void)
{
    enum { N = 2, C = 4, H = TINY_H, W = TINY_W, E = 16 };
    char json[1000];
    TinyUnet t;
    Observed o = {{NULL}, {{0}}};
    Arena arena = {0};
    snprintf(json, sizeof json, "{\"center_input_sample\": true, \"norm_eps\": 0.5, %s", TINY_UNET + 1);
    tiny_unet_new(&t, json, N, false);
    Tape tape = {.arena = &arena, .observe = observe, .observer = &o};
    const Tensor *y = unet(&tape, &t.net, t.x, t.timesteps, t.text, NULL);
    CHECK(y != NULL && t.net.encoder.down[0].unit[0].resnet.shape.eps == 0.5f);

    double *first = plain_linear(o.x[0], &t.net.encoder.time1, N);
    plain_silu(first, N * E);
    double *emb = plain_linear(first, &t.net.encoder.time2, N);
    CHECK(largest_difference(emb, o.x[1], N * E) < 1e-5);

    double *x = plain_copy(t.x->data, tensor_count(t.x));
    for (size_t i = 0; i < tensor_count(t.x); i++)
        x[i] = 2.0 * x[i] - 1.0;
    double *in = plain_conv2d(x, &t.net.encoder.conv_in, N, TINY_CHANNELS, H, W, 1, 1, H, W);
    CHECK(largest_difference(in, o.x[2], (size_t)N * C * H * W) < 1e-5);

    CHECK(o.dim[3][1] == C && o.dim[3][2] == H && o.dim[3][3] == W);
    double *norm = plain_group_norm(o.x[3], &t.net.norm_out, N, C, H * W, 2, 0.5);
    CHECK(largest_difference(norm, o.x[4], (size_t)N * C * H * W) < 1e-5);
    plain_silu(norm, (size_t)N * C * H * W);
    double *out = plain_conv2d(norm, &t.net.conv_out, N, C, H, W, 1, 1, H, W);
    CHECK(furthest(y, out, tensor_count(t.dy)) < 1e-5);
    double *all[] = {first, emb, x, in, norm, out, o.x[0], o.x[1], o.x[2], o.x[3], o.x[4]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    arena_free(&arena);
    arena_free(&t.arena);
}

/* Numbers of 1e-3: what the norm makes of them is decided by its eps. */
static void test_end_of_the_vae(void)
{
    enum { N = 1, C = 4, H = 3, W = 5 };
    Arena arena = {0};
    const VaeConfig config = {.norm_num_groups = 2};
    Weights w = weights_create(&arena, 7);
    const Affine norm = weights_norm(&w, "", "norm", C), conv = weights_conv2d(&w, "", "conv", 3, C, 3);
    scramble(&w, 8);
    Tensor *x = any_tensor(&arena, 9, 4, N, C, H, W);
    for (size_t i = 0; i < tensor_count(x); i++)
        x->data[i] *= 1e-3f;
    double *px = plain_copy(x->data, tensor_count(x));
    double *h = plain_group_norm(px, &norm, N, C, H * W, 2, 1e-6);
    plain_silu(h, tensor_count(x));
    double *want = plain_conv2d(h, &conv, N, C, H, W, 1, 1, H, W);
    Tape tape = {.arena = &arena};
    CHECK(furthest(vae_output(&tape, &norm, &conv, 2, x), want, (size_t)N * 3 * H * W) < 1e-5);
    CHECK(vae_resnet_shape(&config, 4, 4).eps == 1e-6f);
    free(px);
    free(h);
    free(want);
    arena_free(&arena);
}

static void test_the_text_in_every_attention_but_the_middle_one(void)
{
    static const char *const FIRST = "attentions.0.transformer_blocks.0.attn1.to_k.weight";
    char json[1000], name[200];
    TinyUnet t;
    snprintf(json, sizeof json,
             "{\"only_cross_attention\": true, \"block_out_channels\": [4, 8], \"norm_num_groups\": 2,"
             "\"layers_per_block\": 1, \"attention_head_dim\": 2, \"cross_attention_dim\": 6,"
             "\"down_block_types\": [\"DownBlock2D\", \"CrossAttnDownBlock2D\"],"
             "\"up_block_types\": [\"CrossAttnUpBlock2D\", \"UpBlock2D\"]}");
    tiny_unet_new(&t, json, 1, false);
    snprintf(name, sizeof name, "down_blocks.1.%s", FIRST);
    CHECK(parameter(&t.weights, name)->dim[1] == 6);
    snprintf(name, sizeof name, "up_blocks.0.%s", FIRST);
    CHECK(parameter(&t.weights, name)->dim[1] == 6);
    snprintf(name, sizeof name, "mid_block.%s", FIRST);
    CHECK(parameter(&t.weights, name)->dim[1] == 8);
    arena_free(&t.arena);
}

static int layers_below(const Weights *w, const char *prefix)
{
    int layers = 0;
    for (const Parameter *p = w->first; p != NULL; p = p->next)
        layers += strncmp(p->name, prefix, strlen(prefix)) == 0 && strstr(p->name, ".norm3.bias") != NULL;
    return layers;
}

static void test_the_way_up_may_have_layers_of_its_own(void)
{
    char json[1000];
    TinyUnet t;
    snprintf(json, sizeof json, "{\"reverse_transformer_layers_per_block\": [1, 3, 4], %s", TINY_UNET + 1);
    tiny_unet_new(&t, json, 1, false);
    CHECK(layers_below(&t.weights, "down_blocks.1.attentions.0.") == 2);
    CHECK(layers_below(&t.weights, "mid_block.attentions.0.") == 1);
    CHECK(layers_below(&t.weights, "up_blocks.1.attentions.2.") == 3);
    CHECK(layers_below(&t.weights, "up_blocks.2.attentions.0.") == 4);
    CHECK(layers_below(&t.weights, "up_blocks.0.") == 0);
    arena_free(&t.arena);
}

int main(void)
{
    test_beginning_and_end_of_the_unet();
    test_end_of_the_vae();
    test_the_text_in_every_attention_but_the_middle_one();
    test_the_way_up_may_have_layers_of_its_own();
    return check_report("unet_parts");
}
