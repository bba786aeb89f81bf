#include "diffusion/train_segmenter.h"

#include <string.h>

#include "base/rng.h"
#include "diffusion/config_reader.h"
#include "nn/losses.h"
#include "nn/reduce.h"
#include "nn/reshape.h"

Status segmenter_noise_read(double *out, const Json *json, const char *name, Arena *arena, Error *err)
{
    ConfigReader r = config_reader(json, name, arena);
    const double noise = config_number(&r, "noise", 0.0, 0.0, 10.0);
    const Status status = config_finish(&r, err);
    if (status == STATUS_OK)
        *out = noise;
    return status;
}

Tensor *segmentation_loss(Tape *tape, Tensor *logits, const int *labels)
{
    static const int LAST[4] = {0, 2, 3, 1};
    char text[64];
    if (logits == NULL || labels == NULL)
        return NULL;
    if (logits->rank != 4 || tensor_count(logits) == 0)
        return tape_fail(tape, STATUS_SHAPE, "segmentation_loss: logits of shape %s",
                         tensor_shape_text(logits, text));
    const int rows[2] = {-1, logits->dim[1]}, pictures[2] = {logits->dim[0], -1};
    Tensor *loss = cross_entropy(tape, reshape(tape, permute(tape, logits, LAST), 2, rows), labels);
    return mean_sample(tape, reshape(tape, loss, 2, pictures));
}

static void add_noise(float *x, size_t n, float most, uint64_t seed, uint64_t index, float *xi)
{
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_NOISE, index);
    const float s = most * rng_uniform(&rng);
    rng_normal_fill(&rng, xi, n);
    for (size_t i = 0; i < n; i++) {
        const float d = s * xi[i];
        x[i] = x[i] + d;
    }
}

/* Pictures and labels first .. first+count-1 of the options, and their losses. */
static Tensor *losses_of(SegmenterTraining *self, Tape *tape, const WorldOptions *options, uint64_t seed,
                         uint64_t first, int count, double noise)
{
    const int dim[4] = {count, 3, options->size, options->size};
    const size_t pixels = (size_t)options->size * (size_t)options->size, one = 3 * pixels;
    float *x = tape_alloc(tape, one * (size_t)count, sizeof *x), *xi = tape_alloc(tape, one, sizeof *xi);
    int *label = tape_alloc(tape, pixels * (size_t)count, sizeof *label);
    for (int i = 0; x != NULL && xi != NULL && label != NULL && i < count; i++) {
        const ArenaMark mark = arena_mark(&self->scratch);
        WorldSample sample;
        float *const planes = x + (size_t)i * one;
        if (world_sample(self->world, options, seed, first + (uint64_t)i, &sample, &self->scratch,
                         &tape->error) != STATUS_OK)
            return NULL;
        memcpy(planes, sample.planes, one * sizeof *planes);
        for (size_t p = 0; p < pixels; p++)
            label[(size_t)i * pixels + p] = self->label_of[sample.concepts[p]];
        if (noise > 0.0)
            add_noise(planes, one, (float)noise, seed, first + (uint64_t)i, xi);
        arena_release(&self->scratch, mark);
    }
    if (x == NULL || xi == NULL || label == NULL)
        return NULL;
    Tensor *logits = fcn(tape, self->net, tape_input(tape, x, 4, dim, false));
    return segmentation_loss(tape, logits, label);
}

static Tensor *losses(void *context, Tape *tape, uint64_t first, int count)
{
    SegmenterTraining *self = context;
    return losses_of(self, tape, &self->train, self->seed, first, count, self->noise);
}

static Tensor *held_out(void *context, Tape *tape, uint64_t first, int count)
{
    SegmenterTraining *self = context;
    return losses_of(self, tape, &self->held_out, self->seed + 1, first, count, 0.0);
}

TrainTask segmenter_training_task(SegmenterTraining *self)
{
    return (TrainTask){.name = "segmentation", .self = self, .losses = losses, .held_out = held_out};
}
