/* cli/command_encode.c - a picture to its latent, and back: the autoencoder alone. */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "cli/commands.h"
#include "cli/dump.h"
#include "cli/latent_file.h"
#include "cli/run_model.h"
#include "diffusion/vae_latent.h"
#include "io/picture.h"

typedef struct {
    Command command;
    RunModel model;
    Dump dump;
    const TapeWatch *watch; /* the dump's; NULL: nobody */
    const char *input, *output, *rng;
    bool sample;
    uint64_t seed;
} Coding;

/* The picture as a tensor (1,3,H,W), its sides multiples of the autoencoder's factor. */
static Tensor *read_picture(Coding *c, Tape *tape, Arena *arena, Error *err)
{
    static const unsigned char white[3] = {255, 255, 255};
    Image file, picture;
    const int factor = vae_factor(&c->model.model.config.vae);
    if (picture_read(&file, c->input, arena, err) != STATUS_OK ||
        image_flatten(&picture, &file, white, arena, err) != STATUS_OK ||
        image_convert(&picture, &picture, 3, arena, err) != STATUS_OK)
        return NULL;
    if (picture.width % factor != 0 || picture.height % factor != 0) {
        error_set(err, STATUS_SHAPE, "%s: is %dx%d, but both sides must be multiples of %d", c->input,
                  picture.width, picture.height, factor);
        return NULL;
    }
    float *planes = arena_raw(arena, image_size(&picture), sizeof *planes);
    if (planes == NULL) {
        error_set(err, STATUS_MEMORY, "%s: no memory for %zu numbers", c->input, image_size(&picture));
        return NULL;
    }
    image_to_planes(planes, &picture);
    Tensor *x = tape_input(tape, planes, 4, (const int[]){1, 3, picture.height, picture.width}, false);
    if (x == NULL)
        error_set(err, tape->error.status, "%s", tape->error.text);
    return x;
}

static Status encode(Coding *c, Error *err)
{
    Arena *arena = &c->command.arena;
    if (c->input == NULL)
        return error_set(err, STATUS_ARGUMENT, "encode: a picture is needed: -i x.png");
    Status status = run_model_open(&c->model, MODEL_VAE, arena, err);
    if (status != STATUS_OK)
        return status;
    const VaeConfig *config = &c->model.model.config.vae;
    Tape tape = {.arena = arena};
    tape_watch(&tape, c->watch, "vae");
    Tensor *x = read_picture(c, &tape, arena, err);
    if (x == NULL)
        return err->status;
    Tensor *moments = vae_encode(&tape, &c->model.model.vae, x), *z = latent_mean(&tape, moments);
    if (c->sample && z != NULL) {
        Tensor *noise = tape_result(&tape, z, z->rank, z->dim);
        const RngKind kind = strcmp(c->rng, "torch") == 0 ? RNG_TORCH : RNG_PHILOX;
        Rng rng = rng_stream(kind, c->seed, STREAM_POSTERIOR, 0);
        if (noise != NULL)
            rng_normal_fill(&rng, noise->data, tensor_count(noise));
        z = latent_sample(&tape, moments, noise);
    }
    z = latent_scale(&tape, config, z);
    tape.place = NULL;
    z = tape_named(&tape, z, "latents", "");
    if (z == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    if (!tensor_finite(z))
        return error_set(err, STATUS_NOT_FINITE, "%s: its latent is not finite", c->input);
    const uint64_t dim[4] = {1, (uint64_t)z->dim[1], (uint64_t)z->dim[2], (uint64_t)z->dim[3]};
    status = latent_file_write(c->output, z->data, dim, arena, err);
    if (status != STATUS_OK)
        return status;
    JsonWriter *w = &c->command.result.json;
    json_write_text(w, "model", c->model.folder);
    json_write_text(w, "input", c->input);
    json_begin_array(w, "shape");
    for (int i = 0; i < 4; i++)
        json_write_uint64(w, NULL, dim[i]);
    json_end(w);
    result_file(&c->command.result, c->output);
    report_memory(&c->command);
    return STATUS_OK;
}

static Status decode(Coding *c, Error *err)
{
    Arena *arena = &c->command.arena;
    int dim[4];
    float *latents = NULL;
    if (c->input == NULL)
        return error_set(err, STATUS_ARGUMENT, "decode: latents are needed: -i x.npy");
    Status status = run_model_open(&c->model, MODEL_VAE, arena, err);
    if (status == STATUS_OK)
        status = latent_file_load(&latents, dim, c->input, c->model.model.config.vae.latent_channels, arena,
                                  err);
    if (status != STATUS_OK)
        return status;
    Image *pictures = arena_alloc(arena, (size_t)dim[0], sizeof *pictures);
    if (pictures == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures", dim[0]);
    JsonWriter *w = &c->command.result.json;
    json_write_text(w, "model", c->model.folder);
    json_write_text(w, "input", c->input);
    json_write_int(w, "pictures", dim[0]);
    c->model.model.watch = c->watch;
    if (c->watch != NULL)
        dump_show(&c->dump, "latents", latents, 4, dim);
    status = decode_latents(pictures, &c->model.model, latents, dim[0], dim[2], dim[3], arena, err);
    for (int i = 0; i < dim[0] && status == STATUS_OK; i++) {
        const char *path = NULL;
        status = output_name(&path, c->output, i, dim[0], c->seed, arena, err);
        if (status == STATUS_OK)
            status = picture_write(path, &pictures[i], NULL, 0, arena, err);
        if (status == STATUS_OK)
            result_file(&c->command.result, path);
    }
    if (status == STATUS_OK)
        report_memory(&c->command);
    return status;
}

static int with_dump(Coding *c, const Options *about, const Option *own, int argc, char **argv,
                     Status (*run)(Coding *c, Error *err))
{
    Option dump[DUMP_OPTIONS];
    Options all = *about;
    dump_table(&c->dump, dump);
    all.tables[1] = dump;
    if (command_begin(&c->command, &all, own, argc, argv)) {
        Error *err = &c->command.error;
        Status status = dump_begin(&c->watch, &c->dump, &c->command, err);
        if (status == STATUS_OK)
            status = run(c, err);
        status = dump_end(&c->dump, err);
        (void)status; /* command_end reports the error */
    }
    return command_end(&c->command);
}

int command_encode(int argc, char **argv)
{
    Coding c = {.output = "latent.npy", .rng = "philox"};
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', "model-path", &c.model.folder, 0, 0, "FOLDER",
         "model folder in the diffusers layout; the shipped one when left out"},
        {OPTION_TEXT, "input", 'i', "init-img", &c.input, 0, 0, "FILE", "PNG or PPM to encode"},
        {OPTION_TEXT, "output", 'o', NULL, &c.output, 0, 0, "FILE",
         ".npy with the latent, as the U-Net sees it"},
        {OPTION_FLAG, "sample", 0, NULL, &c.sample, 0, 0, NULL,
         "a sample of the posterior instead of its mean"},
        {OPTION_SEED, "seed", 's', NULL, &c.seed, 0, 0, NULL, "of the sample"},
        {OPTION_CHOICE, "rng", 0, NULL, &c.rng, 0, 0, "philox torch",
         "noise of the sample: ours, or torch.randn's on the CPU"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "encode", .usage = "", .about = "A picture to its latent."};
    return with_dump(&c, &about, own, argc, argv, encode);
}

int command_decode(int argc, char **argv)
{
    Coding c = {.output = "output.png"};
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', "model-path", &c.model.folder, 0, 0, "FOLDER",
         "model folder in the diffusers layout; the shipped one when left out"},
        {OPTION_TEXT, "input", 'i', "latents", &c.input, 0, 0, "FILE",
         ".npy with latents (count, L, h, w), as the U-Net sees them"},
        {OPTION_TEXT, "output", 'o', NULL, &c.output, 0, 0, "FILE",
         "PNG; several become NAME_1.png ...; or a folder"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "decode", .usage = "", .about = "Latents to pictures."};
    return with_dump(&c, &about, own, argc, argv, decode);
}
