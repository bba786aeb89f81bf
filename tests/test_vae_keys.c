/* AutoencoderKL: every key of diffusers 0.27's class, and the four that came later. */
#include "diffusion/vae.h"

#include "diffusion/vae_latent.h"
#include "tests/config_keys.h"

/* Encoded, its mean as the U-Net gets it, and that decoded. */
static Status run(Sha256 *result, Bytes *written, const Json *json, Arena *arena, Error *err)
{
    VaeConfig c;
    Vae vae;
    Weights w = weights_create(arena, 1);
    JsonWriter writer = {.out = written};
    Tape tape = {.arena = arena};
    Status status = vae_config_read(&c, json, "config.json", arena, err);
    if (status != STATUS_OK)
        return status;
    vae_config_write(&writer, &c);
    vae_load(&vae, &c, &w, "");
    status = weights_finish(&w, err);
    if (status != STATUS_OK)
        return status;
    set_by_name(&w, result);
    Tensor *x = any_tensor(arena, 2, 4, 1, c.in_channels, 9, 12);
    Tensor *latent = latent_scale(&tape, &c, latent_mean(&tape, vae_encode(&tape, &vae, x)));
    status = hash_result(result, &tape, latent, err);
    if (status != STATUS_OK)
        return status;
    return hash_result(result, &tape, vae_decode(&tape, &vae, latent), err);
}

static const char *const BASE[][2] = {
    {"_class_name", "\"AutoencoderKL\""},
    {"in_channels", "3"},
    {"out_channels", "3"},
    {"down_block_types", "[\"DownEncoderBlock2D\", \"DownEncoderBlock2D\"]"},
    {"up_block_types", "[\"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]"},
    {"block_out_channels", "[8, 16]"},
    {"layers_per_block", "1"},
    {"act_fn", "\"silu\""},
    {"latent_channels", "4"},
    {"norm_num_groups", "4"},
    {"sample_size", "32"},
    {"scaling_factor", "0.18215"},
    {"latents_mean", "null"},
    {"latents_std", "null"},
    {"force_upcast", "true"},
    {NULL, NULL},
};

static const KeyRow ROWS[] = {
    {"_class_name", "\"VQModel\"", REFUSED, NULL},
    {"in_channels", "1", CHANGES, NULL},
    {"out_channels", "4", CHANGES, NULL},
    {"down_block_types", "[\"DownEncoderBlock2D\", \"AttnDownEncoderBlock2D\"]", REFUSED, NULL},
    {"down_block_types", "[\"DownEncoderBlock2D\"]", REFUSED, NULL},
    {"up_block_types", "[\"AttnUpDecoderBlock2D\", \"UpDecoderBlock2D\"]", REFUSED, NULL},
    {"block_out_channels", "[8, 8]", CHANGES, NULL},
    {"layers_per_block", "2", CHANGES, NULL},
    {"act_fn", "\"swish\"", SAME, NULL},
    {"act_fn", "\"relu\"", REFUSED, NULL},
    {"latent_channels", "16", CHANGES, NULL},
    {"norm_num_groups", "2", CHANGES, NULL},
    {"norm_num_groups", "5", REFUSED, NULL},
    {"sample_size", "[32, 64]", KEPT, NULL},
    {"scaling_factor", "0.13025", CHANGES, NULL},
    {"latents_mean", "[0, 0, 0, 0]", REFUSED, NULL},
    {"latents_std", "[1, 1, 1, 1]", REFUSED, NULL},
    {"force_upcast", "false", KEPT, NULL}, /* everything is binary32 */
    {"mid_block_add_attention", "false", CHANGES, NULL},
    {"use_quant_conv", "false", CHANGES, NULL},
    {"use_post_quant_conv", "false", CHANGES, NULL},
    {"shift_factor", "0.1159", CHANGES, NULL},
    {"shift_factor", "null", SAME, NULL},
};

int main(void)
{
    check_keys(&(KeyTable){BASE, run, ROWS, sizeof ROWS / sizeof ROWS[0]});
    return check_report("vae_keys");
}
