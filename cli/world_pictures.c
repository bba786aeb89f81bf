#include "cli/world_pictures.h"

#include <string.h>

#include "diffusion/vae_latent.h"
#include "diffusion/world_caption.h"
#include "diffusion/world_sample.h"

Status scene_captions(const char **out, const World *world, const WorldScene *scenes, int count,
                      Arena *arena, Error *err)
{
    for (int i = 0; i < count; i++) {
        Bytes text = {.arena = arena};
        world_caption(&text, world, &scenes[i], 1);
        bytes_add_byte(&text, '\0');
        if (text.failed)
            return error_set(err, STATUS_MEMORY, "no memory for %d captions", count);
        out[i] = (const char *)text.data;
    }
    return STATUS_OK;
}

Status scene_pictures(Image *out, const World *world, const WorldScene *scenes, int count, int size,
                      Arena *arena, Error *err)
{
    Arena scratch = {.account = arena->account};
    Status status = STATUS_OK;
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        WorldSample sample;
        status = world_sample_of(&sample, world, &scenes[i], size, 0, &scratch, err);
        if (status == STATUS_OK)
            status = image_new(&out[i], size, size, 3, arena, err);
        if (status == STATUS_OK)
            memcpy(out[i].pixels, sample.image.pixels, image_size(&out[i]));
        arena_release(&scratch, mark);
    }
    arena_free(&scratch);
    return status;
}

static Status code(Image *out, const Vae *vae, const Image *in, Arena *scratch, Error *err)
{
    Tape tape = {.arena = scratch};
    float *planes = tape_alloc(&tape, image_size(in), sizeof *planes);
    if (planes == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to encode a picture");
    image_to_planes(planes, in);
    Tensor *x = tape_input(&tape, planes, 4, (const int[]){1, 3, in->height, in->width}, false);
    const Tensor *back = vae_decode(&tape, vae, latent_mean(&tape, vae_encode(&tape, vae, x)));
    if (back == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    if (!tensor_finite(back))
        return error_set(err, STATUS_NOT_FINITE, "a picture after the autoencoder is not finite");
    image_from_planes(out, back->data);
    return STATUS_OK;
}

Status coded_pictures(Image *out, const Vae *vae, const Image *pictures, int count, Arena *arena,
                      Error *err)
{
    Arena scratch = {.account = arena->account};
    Status status = STATUS_OK;
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        status = image_new(&out[i], pictures[i].width, pictures[i].height, 3, arena, err);
        if (status == STATUS_OK)
            status = code(&out[i], vae, &pictures[i], &scratch, err);
        arena_release(&scratch, mark);
    }
    arena_free(&scratch);
    return status;
}
