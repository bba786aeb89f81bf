/* cli/golden_pipeline.c - from prompts to the bytes of picture files (see golden_items.h). */
#include <string.h>

#include "cli/golden_items.h"
#include "cli/golden_models.h"
#include "diffusion/pipeline_txt2img.h"
#include "io/png.h"

enum { PICTURES = 4 };

static const char *const prompts[PICTURES] = {"a red apple", "a blue heart", "two apples and a heart", ""};

/* Guided DDIM with some noise in each step, so that the order of a picture's draws counts too. */
static Txt2ImgOptions options_of(int first, int count)
{
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    o.prompts = prompts + first;
    o.count = count;
    o.steps = 4;
    o.guidance = 3.0;
    o.options.eta = 0.5;
    o.seed = 11 + (uint64_t)first;
    return o;
}

static Status txt2img_item(Sha256 *hash, Arena *arena, Error *err)
{
    Model m;
    Txt2ImgResult all;
    const Txt2ImgOptions options = options_of(0, PICTURES);
    Status status = golden_model(&m, arena, err);
    if (status == STATUS_OK)
        status = txt2img(&all, &m, &options, arena, err);
    if (status != STATUS_OK)
        return status;
    golden_add_floats(hash, "latents", all.latents, 4,
                      (const int[]){all.count, all.channels, all.height, all.width});
    for (int i = 0; i < all.count && status == STATUS_OK; i++) {
        Bytes file = {.arena = arena};
        status = png_encode(&file, &all.pictures[i], NULL, 0, err);
        sha256_add(hash, file.data, file.size);
    }
    return status;
}

/* The last two pictures of the four, each made alone: other bits than in the batch are an error. */
static Status alone_item(Sha256 *hash, Arena *arena, Error *err)
{
    Model m;
    Txt2ImgResult all;
    const Txt2ImgOptions options = options_of(0, PICTURES);
    Status status = golden_model(&m, arena, err);
    if (status == STATUS_OK)
        status = txt2img(&all, &m, &options, arena, err);
    for (int i = 2; i < PICTURES && status == STATUS_OK; i++) {
        const Txt2ImgOptions one = options_of(i, 1);
        Txt2ImgResult alone;
        status = txt2img(&alone, &m, &one, arena, err);
        if (status != STATUS_OK)
            return status;
        const size_t size = (size_t)alone.channels * (size_t)alone.height * (size_t)alone.width;
        if (memcmp(alone.latents, all.latents + (size_t)i * size, size * sizeof(float)) != 0)
            return error_set(err, STATUS_DIFFERENT,
                             "golden: picture %d of a batch of %d is not the picture made alone", i + 1,
                             PICTURES);
        golden_add_floats(hash, "latents", alone.latents, 4,
                          (const int[]){1, alone.channels, alone.height, alone.width});
    }
    return status;
}

const GoldenItem GOLDEN_PIPELINE[] = {
    {"pipeline.txt2img_png", txt2img_item,
     "diffusion/pipeline_txt2img.c, diffusion/tokenizer*.c, io/image.c, io/png*.c, io/deflate*.c"},
    {"pipeline.batch_of_1", alone_item, "diffusion/pipeline_txt2img.c, diffusion/denoise.c"},
    {NULL, NULL, NULL},
};
