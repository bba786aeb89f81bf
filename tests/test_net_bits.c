/* The bits that the U-Net and the VAE have on every compiler, processor and number of threads: results, input
 * gradients and parameter gradients of tiny networks whose parameters are given (not drawn).
 *
 * A hash here changes only when an order of operations of the contract changes. */
#include "diffusion/vae.h"
#include "tests/tiny_unet.h"

static void check_hash(Sha256 *hash, const char *what, const char *want)
{
    char hex[65];
    sha256_end_hex(hex, hash);
    if (!CHECK(strcmp(hex, want) == 0))
        printf("    %s: %s\n", what, hex);
}

static void hash_gradients(Sha256 *hash, const Weights *w)
{
    for (const Parameter *p = w->first; p != NULL; p = p->next) {
        CHECK(p->tensor->grad != NULL);
        hash_numbers(hash, p->tensor->grad, tensor_count(p->tensor));
    }
}

static void test_unet(void)
{
    TinyUnet t;
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients};
    float y[210], dx[210], dtext[36];
    Sha256 results = sha256_begin(), parameters = sha256_begin();
    tiny_unet_new(&t, TINY_UNET, 2, true);
    settle(&t.weights, 111);
    weights_zero_grad(&t.weights);
    CHECK(tensor_count(t.x) == 210 && tensor_count(t.text) == 36);
    CHECK(unet_vjp(y, dx, dtext, &tape, &t.net, t.x, t.timesteps, t.text, NULL, t.dy->data) == STATUS_OK);
    hash_numbers(&results, y, 210);
    hash_numbers(&results, dx, 210);
    hash_numbers(&results, dtext, 36);
    hash_gradients(&parameters, &t.weights);
    check_hash(&results, "U-Net results",
               "93734d4871f07b03647eaaabaf3e5e5c9b45c9bd9989ab77083bc48a5635608b");
    check_hash(&parameters, "U-Net parameter gradients",
               "8f9e1d798b204328fb1516242869b5f59f6d679e81df8273ac7834a0900caf96");
    arena_free(&arena);
    arena_free(&gradients);
    arena_free(&t.arena);
}

static void test_vae(void)
{
    static const char *const JSON =
        "{\"block_out_channels\": [4, 6], \"norm_num_groups\": 2, \"layers_per_block\": 1, "
        "\"latent_channels\": 2,"
        "\"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
        "\"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]}";
    Arena own = {0}, arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients};
    VaeConfig config;
    Vae vae;
    Error err = {0};
    float moments[4 * 4 * 5], dx[3 * 8 * 11], y[3 * 8 * 10], dz[2 * 4 * 5];
    Sha256 results = sha256_begin(), parameters = sha256_begin();
    CHECK(vae_config_read(&config, json_of(&own, JSON), "tiny", &own, &err) == STATUS_OK);
    Weights w = weights_create(&own, 1);
    w.trainable = true;
    vae_load(&vae, &config, &w, "");
    if (!CHECK(weights_finish(&w, &err) == STATUS_OK))
        exit(1);
    settle(&w, 112);
    const Tensor *x = any_tensor(&own, 1, 4, 1, 3, 8, 11), *z = any_tensor(&own, 2, 4, 1, 2, 4, 5);
    const Tensor *dm = any_tensor(&own, 3, 4, 1, 4, 4, 5), *dy = any_tensor(&own, 4, 4, 1, 3, 8, 10);
    CHECK(vae_encode_vjp(moments, dx, &tape, &vae, x, dm->data) == STATUS_OK);
    CHECK(vae_decode_vjp(y, dz, &tape, &vae, z, dy->data) == STATUS_OK);
    hash_numbers(&results, moments, 80);
    hash_numbers(&results, dx, 264);
    hash_numbers(&results, y, 240);
    hash_numbers(&results, dz, 40);
    hash_gradients(&parameters, &w);
    check_hash(&results, "VAE results", "cba29220af28501a8177889ecb5205c704a976ee46de426f7e4ef61092392001");
    check_hash(&parameters, "VAE parameter gradients",
               "35c847b5060bd049f7ad2089998678d8fcac9d316f0f10220b5fde9b6c47ff13");
    arena_free(&own);
    arena_free(&arena);
    arena_free(&gradients);
}

int main(void)
{
    test_unet();
    test_vae();
    return check_report("net_bits");
}
