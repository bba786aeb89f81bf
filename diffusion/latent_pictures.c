#include "diffusion/latent_pictures.h"

#include <string.h>

#include "diffusion/vae_latent.h"

Status pictures_check(const PicturePlanes *in, const Model *m, int wanted, Error *err)
{
    const int factor = vae_factor(&m->config.vae);
    if (!(m->parts & MODEL_VAE))
        return error_set(err, STATUS_ARGUMENT, "pictures need a model's autoencoder");
    if (in->planes == NULL || (in->count != 1 && in->count != wanted))
        return error_set(err, STATUS_ARGUMENT, "%d pictures are given, expected 1 or %d",
                         in->planes != NULL ? in->count : 0, wanted);
    if (in->height < 1 || in->width < 1 || in->height % factor != 0 || in->width % factor != 0)
        return error_set(err, STATUS_SHAPE, "a picture of %dx%d, but both sides must be multiples of %d",
                         in->width, in->height, factor);
    return STATUS_OK;
}

/* The latent of one picture's moments. */
static Tensor *latent_of(Tape *tape, const Model *m, Tensor *moments, Rng *rng)
{
    Tensor *z = latent_mean(tape, moments);
    if (rng != NULL && z != NULL) {
        Tensor *noise = tape_result(tape, z, z->rank, z->dim);
        if (noise != NULL)
            rng_normal_fill(rng, noise->data, tensor_count(noise));
        z = latent_sample(tape, moments, noise);
    }
    return latent_scale(tape, &m->config.vae, z);
}

/* The latents of picture `which`: of all where there is one picture, else of that alone. */
static Status encode_one(float *out, int which, int count, const Model *m, const PicturePlanes *in,
                         Rng *rng, Arena *arena, Error *err)
{
    const int shape[4] = {1, 3, in->height, in->width};
    const size_t picture = 3 * (size_t)in->height * (size_t)in->width;
    const float *planes = in->planes + (size_t)(which % in->count) * picture;
    const int last = in->count == 1 ? count : which + 1;
    const ArenaMark mark = arena_mark(arena);
    Tape tape = {.arena = arena};
    tape_watch(&tape, m->watch, "vae");
    Tensor *x = tape_input(&tape, (float *)(size_t)planes, 4, shape, false);
    Tensor *moments = vae_encode(&tape, &m->vae, x);
    Status status = STATUS_OK;
    for (int k = which; k < last && status == STATUS_OK; k++) {
        const Tensor *z = latent_of(&tape, m, moments, rng != NULL ? &rng[k] : NULL);
        if (z == NULL)
            status = error_set(err, tape.error.status, "%s", tape.error.text);
        else if (!tensor_finite(z))
            status = error_set(err, STATUS_NOT_FINITE, "the latent of picture %d is not finite",
                               which % in->count);
        else
            memcpy(out + (size_t)k * tensor_count(z), z->data, tensor_count(z) * sizeof *out);
    }
    arena_release(arena, mark);
    return status;
}

Status encode_pictures(float *out, int count, const Model *m, const PicturePlanes *in, Rng *rng,
                       Arena *arena, Error *err)
{
    Status status = pictures_check(in, m, count, err);
    for (int k = 0; k < count && status == STATUS_OK; k += in->count == 1 ? count : 1)
        status = encode_one(out, k, count, m, in, rng, arena, err);
    return status;
}

Status decode_latents(Image *out, const Model *m, const float *latents, int count, int height, int width,
                      Arena *arena, Error *err)
{
    const VaeConfig *c = &m->config.vae;
    const int shape[4] = {1, c->latent_channels, height, width};
    const size_t sample = (size_t)c->latent_channels * (size_t)height * (size_t)width;
    for (int k = 0; k < count; k++) {
        const int factor = vae_factor(c);
        const Status status =
            image_new(&out[k], width * factor, height * factor, c->out_channels, arena, err);
        if (status != STATUS_OK)
            return status;
        const ArenaMark mark = arena_mark(arena);
        Tape tape = {.arena = arena};
        tape_watch(&tape, m->watch, "vae");
        Tensor *z = tape_input(&tape, (float *)(size_t)(latents + (size_t)k * sample), 4, shape, false);
        const Tensor *picture = vae_decode(&tape, &m->vae, latent_unscale(&tape, c, z));
        if (picture == NULL)
            return error_set(err, tape.error.status, "%s", tape.error.text);
        if (!tensor_finite(picture))
            return error_set(err, STATUS_NOT_FINITE, "the decoder's output for picture %d is not finite",
                             k);
        image_from_planes(&out[k], picture->data);
        arena_release(arena, mark);
    }
    return STATUS_OK;
}
