/* cli/train_aesthetic_part.c - the aesthetic head on a CLIP, after a stated rule. */
#include <string.h>

#include "base/file.h"
#include "cli/train_data.h"
#include "diffusion/train_aesthetic.h"
#include "io/sha256.h"

static const char *const MEASURES[] = {"correlation", NULL};

typedef struct {
    AestheticTraining training;
    Aesthetic head;
    TrainData data;
    Clip clip;
    AestheticPool train, held_out;
    char clip_sha256[65];
} AestheticPart;

static Status measure(void *self, double *out, Arena *scratch, Error *err)
{
    const AestheticPart *p = self;
    return aesthetic_correlation(out, &p->head, &p->held_out, scratch, err);
}

static Status save(void *self, const char *folder, Arena *scratch, Error *err)
{
    const AestheticPart *p = self;
    return aesthetic_save(&p->head, folder, F32, scratch, err);
}

/* The last name of a path: "weights/clip-guide/" is "clip-guide". */
static const char *last_name(const char *path, Arena *arena)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    return arena_text(arena, path + begin, end - begin);
}

static Status make_head(AestheticPart *p, TrainCommand *t, Error *err)
{
    Arena *arena = &t->command.arena;
    Status status = STATUS_OK;
    if (t->clip_path == NULL)
        status = shipped_folder(&t->clip_path, "clip-guide", arena, err);
    if (status == STATUS_OK)
        status = add_input(t, t->clip_path, "model.safetensors", err);
    if (status == STATUS_OK)
        status = clip_open(&p->clip, t->clip_path, false, arena, err);
    if (status != STATUS_OK)
        return status;
    const char *name = last_name(t->clip_path, arena);
    const char *weights = path_join(arena, t->clip_path, "model.safetensors");
    if (name == NULL || weights == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a file name");
    status = sha256_file(p->clip_sha256, weights, err);
    return status == STATUS_OK ? aesthetic_create(&p->head, p->clip.config.projection_dim, name,
                                                  p->clip_sha256, t->recipe.train.seed, arena, err)
                               : status;
}

static Status fill_pools(AestheticPart *p, TrainCommand *t, const DataRecipe *data, Error *err)
{
    Arena *arena = &t->command.arena;
    const uint64_t seed = t->recipe.train.seed;
    if (data->pool < 1 || (t->recipe.train.held_out > 0 && data->held_out_pool < 2))
        return error_set(err, STATUS_FORMAT,
                         "%s: \"data\" needs a pool of at least 1 and a held_out_pool of at least 2",
                         t->recipe_path);
    const Status status =
        aesthetic_pool_fill(&p->train, &p->clip, &t->world, &data->train, seed, data->pool, arena, err);
    return status == STATUS_OK ? aesthetic_pool_fill(&p->held_out, &p->clip, &t->world, &data->held_out,
                                                     seed + 1, data->held_out_pool, arena, err)
                               : status;
}

Status train_aesthetic_part(TrainCommand *t, Error *err)
{
    AestheticPart *p = arena_alloc(&t->command.arena, 1, sizeof *p);
    if (p == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to train");
    if (t->recipe.model != NULL || t->recipe.loss != NULL)
        return error_set(err, STATUS_FORMAT,
                         "%s: an aesthetic head has no \"model\" and no \"loss\" to set", t->recipe_path);
    Status status = train_data_open(&p->data, t, false, err);
    if (status == STATUS_OK)
        status = make_head(p, t, err);
    if (status == STATUS_OK)
        status = fill_pools(p, t, &p->data.recipe, err);
    if (status != STATUS_OK)
        return status;
    p->training.head = &p->head;
    p->training.train = &p->train;
    p->training.held_out = &p->held_out;
    p->training.seed = t->recipe.train.seed;
    t->measures = (TrainMeasures){.names = MEASURES, .measure = measure};
    const TrainTask task = aesthetic_training_task(&p->training);
    Weights *const weights[] = {&p->head.weights};
    return run_part(t, &task, weights, 1, save, NULL, p, err);
}
