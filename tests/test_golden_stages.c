/* Golden networks: our stages lie within their bounds, and a decoder that is wrong in one block is named there. */
#include <stdlib.h>

#include "base/file.h"
#include "cli/common.h"
#include "cli/golden_set.h"
#include "diffusion/model.h"
#include "io/safetensors.h"
#include "tests/check.h"
#include "tests/scratch.h"

static Result silent;
static const char decoder[] = "vae_decoder/shipped/";

/* The largest |bits - truth| / bound. */
static double worst_share(const GoldenTensor *t)
{
    double worst = 0.0;
    for (size_t k = 0; t->truth != NULL && k < t->count; k++) {
        const double share = golden_excess(((const float *)t->bits)[k], t->truth[k], t->bound[0], false);
        worst = share > worst ? share : worst;
    }
    return worst;
}

/* Errors of all stages and gradients below their bounds; of the last stage above a thousandth, of each gradient above a
 * hundred thousandth: gradients to what the network hardly uses are small differences of large numbers. */
static void test_stages_are_within_bounds_that_are_not_empty(const char *name)
{
    int gradients = 0;
    for (size_t i = 0; golden_part(i).name != NULL; i++) {
        const GoldenPart part = golden_part(i);
        Arena arena = {.limit = 0};
        GoldenFile file = {.arena = &arena, .name = part.name};
        if (strcmp(part.name, name) != 0)
            continue;
        part.make(&file, part.context);
        if (!CHECK(file.error.status == STATUS_OK && file.first != NULL && file.first->next != NULL))
            printf("    %s\n", file.error.text);
        for (const GoldenCase *c = file.first; c != NULL; c = c->next)
            for (const GoldenTensor *t = c->first; t != NULL; t = t->next) {
                const double share = worst_share(t);
                if (!CHECK(share <= 1.0 && (t->truth == NULL || t->bounds == 1)))
                    printf("    %s: error is %g of its bound\n", t->tensor, share);
                CHECK(t != c->last || t->role != GOLDEN_OUTPUT || share > 1.0 / 1000.0);
                CHECK(t->role != GOLDEN_GRADIENT || share > 1.0 / 100000.0);
                gradients += t->role == GOLDEN_GRADIENT;
            }
        arena_free(&arena);
    }
    CHECK(gradients >= 5);
}

/* ---- a decoder of somebody else ---- */

typedef struct {
    Arena arena;
    SafetensorsItem item[100];
    size_t count;
} Seen;

static void see(void *context, const char *name, const Tensor *x)
{
    Seen *s = context;
    char full[400];
    const int length = snprintf(full, sizeof full, "%s%s", decoder, name);
    float *data = arena_raw(&s->arena, tensor_count(x), sizeof *data);
    SafetensorsItem *item = &s->item[s->count++];
    memcpy(data, x->data, tensor_count(x) * sizeof *data);
    *item = (SafetensorsItem){
        .name = arena_text(&s->arena, full, (size_t)length), .rank = x->rank, .data = data};
    for (int i = 0; i < x->rank; i++)
        item->dim[i] = (uint64_t)x->dim[i];
}

/* Decodes the set's latent with that eps in the first residual block of up_blocks.1, and stores all stages. */
static void decode_otherwise(const char *set, const char *other, float eps)
{
    static Seen seen;
    char path[2 * SCRATCH_PATH];
    const char *folder = NULL;
    Arena arena[2] = {{.limit = 0}, {.limit = 0}};
    Model m;
    Safetensors file;
    float latent[4 * 64];
    seen.count = 0;
    snprintf(path, sizeof path, "%s/vae_decoder.safetensors", set);
    CHECK(safetensors_open(&file, path, &arena[0], NULL) == STATUS_OK);
    const SafetensorsEntry *entry = safetensors_find(&file, "vae_decoder/shipped/latent");
    CHECK(entry != NULL && entry->size == sizeof latent);
    CHECK(safetensors_read_f32(latent, &file, entry, NULL) == STATUS_OK);
    CHECK(shipped_folder(&folder, "model", &arena[0], NULL) == STATUS_OK);
    CHECK(model_open(&m, folder, MODEL_VAE, 0, &arena[0], NULL) == STATUS_OK);
    m.vae.decoder.block[1].unit[0].resnet.shape.eps = eps;
    Tape tape = {.arena = &arena[1], .observe = see, .observer = &seen};
    CHECK(vae_decode(&tape, &m.vae, tape_input(&tape, latent, 4, (const int[4]){1, 4, 8, 8}, false)) !=
          NULL);
    CHECK(folder_make(other, NULL) == STATUS_OK);
    snprintf(path, sizeof path, "%s/vae_decoder.safetensors", other);
    CHECK(safetensors_write(path, seen.item, seen.count, NULL, &arena[0], NULL) == STATUS_OK);
    arena_free(&arena[0]);
    arena_free(&arena[1]);
    arena_free(&seen.arena);
}

static void remove_set(const char *folder)
{
    char path[2 * SCRATCH_PATH];
    snprintf(path, sizeof path, "%s/vae_decoder.safetensors", folder);
    remove(path);
    snprintf(path, sizeof path, "%s/index.json", folder);
    remove(path);
    remove(folder);
}

static void test_a_wrong_block_is_named(void)
{
    char set[SCRATCH_PATH], other[SCRATCH_PATH];
    const GoldenOptions options = {.only = "vae_decoder/shipped", .result = &silent};
    const GoldenOptions strict = {.only = "vae_decoder/shipped", .strict = true, .result = &silent};
    Error err = {.status = STATUS_OK};
    scratch_path(set, "golden-stages");
    scratch_path(other, "golden-other-stages");
    CHECK(golden_write(set, &options, NULL) == STATUS_OK);
    decode_otherwise(set, other, 1e-6f);
    CHECK(golden_against(set, other, &strict, &err) == STATUS_OK);
    decode_otherwise(set, other, 1e-2f);
    CHECK(golden_against(set, other, &options, &err) == STATUS_DIFFERENT);
    CHECK_TEXT(err.text, "the first is vae_decoder/shipped/decoder.up_blocks.1.resnets.0");
    remove_set(set);
    remove_set(other);
}

int main(void)
{
    setenv("LDM99_WEIGHTS", "weights", 0); /* tests run from the root of the tree */
    result_begin(&silent, "golden", true, NULL);
    test_stages_are_within_bounds_that_are_not_empty("text_encoder");
    test_stages_are_within_bounds_that_are_not_empty("vae_encoder");
    test_a_wrong_block_is_named();
    arena_free(&silent.arena);
    return check_report("golden_stages");
}
