#include "diffusion/world_data.h"

#include "diffusion/world_caption.h"
#include "diffusion/world_sample.h"

/* The picture of a sample with its maps to the right of it. */
static Status join_maps(Image *out, const WorldSample *sample, Arena *arena, Error *err)
{
    const int size = sample->image.width;
    int parts = 1;
    for (int map = 0; map < WORLD_SAMPLE_MAPS; map++)
        parts += world_sample_map(sample, map) != NULL;
    const Status status = image_new(out, parts * size, size, 3, arena, err);
    if (status != STATUS_OK)
        return status;
    image_paste(out, &sample->image, 0, 0);
    for (int map = 0, x = size; map < WORLD_SAMPLE_MAPS; map++) {
        if (world_sample_map(sample, map) == NULL)
            continue;
        image_paste(out, world_sample_map(sample, map), x, 0);
        x += size;
    }
    return STATUS_OK;
}

static Status sample_of(void *context, uint64_t seed, uint64_t index, DataSample *out, Arena *arena,
                        Error *err)
{
    const WorldData *self = context;
    WorldSample sample;
    DataSample made;
    Status status = world_sample(self->world, &self->options, seed, index, &sample, arena, err);
    if (status != STATUS_OK)
        return status;
    made = (DataSample){.image = sample.image, .caption = sample.caption};
    if (self->options.maps != 0)
        status = join_maps(&made.image, &sample, arena, err);
    if (status == STATUS_OK)
        *out = made;
    return status;
}

static Status caption_of(void *context, uint64_t seed, uint64_t index, const char **out, Arena *arena,
                         Error *err)
{
    const WorldData *self = context;
    Bytes text = {.arena = arena};
    WorldScene scene;
    const Status status = world_options_check(self->world, &self->options, err);
    if (status != STATUS_OK)
        return status;
    world_scene(&scene, self->world, &self->options, seed, index);
    world_caption(&text, self->world, &scene, scene.level);
    bytes_add_byte(&text, '\0');
    if (text.failed)
        return error_set(err, STATUS_MEMORY, "no memory for a caption");
    *out = (const char *)text.data;
    return STATUS_OK;
}

DataSet world_data_set(WorldData *self)
{
    return (DataSet){.self = self, .size = self->options.size, .sample = sample_of, .caption = caption_of};
}
