/* The shipped classifiers on pictures of the world that no training drew: what TRAINING.md says of them, roughly, and
 * that a head's names are the world's. */
#include "base/file.h"
#include "diffusion/train_classifier.h"
#include "tests/net_check.h"

enum { PICTURES = 40, SEED = 987654 };

typedef struct {
    const char *folder;
    uint32_t styles;   /* as WorldOptions.styles */
    int things, hands; /* of PICTURES, rightly named at least */
} Shipped;

static World world;
static Arena world_arena;

static void check_names(const Vgg *v)
{
    WorldOptions options = WORLD_DEFAULTS;
    Arena arena = {0};
    options.share[WORLD_LAYERED] = 0.0f;
    VggConfig named = v->config;
    CHECK(classifier_heads_name(&named, &world, &options, &arena, NULL) == STATUS_OK);
    for (int h = 0; h < named.heads; h++)
        for (int k = 0; k < named.head[h].outputs; k++)
            CHECK(strcmp(named.head[h].label[k], v->config.head[h].label[k]) == 0);
    arena_free(&arena);
}

static void check_shipped(const Shipped *s)
{
    Arena arena = {0};
    Error err = {0};
    Vgg v;
    int things = 0, hands = 0;
    WorldOptions options = WORLD_DEFAULTS;
    if (!file_exists(s->folder)) {
        printf("skipped: no %s\n", s->folder);
        return;
    }
    if (!CHECK(vgg_open(&v, s->folder, &arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        return;
    }
    check_names(&v);
    options.styles = s->styles;
    options.concepts = CONCEPTS_TRAINED;
    options.core_scenes = true;
    options.share[WORLD_LAYERED] = 0.0f;
    for (uint64_t i = 0; i < PICTURES; i++) {
        const ArenaMark mark = arena_mark(&arena);
        Tape tape = {.arena = &arena};
        ClassifierExample e;
        const int dim[4] = {1, 3, options.size, options.size};
        CHECK(classifier_example(&e, &world, &options, NULL, SEED, i, &arena, &err) == STATUS_OK);
        const Tensor *logits = vgg(&tape, &v, tape_input(&tape, e.planes, 4, dim, false), NULL, NULL);
        if (!CHECK(logits != NULL))
            break;
        things += vgg_best(&v.config, vgg_head(&v.config, "class"), logits->data) == e.label;
        hands += e.style < 0 || vgg_best(&v.config, vgg_head(&v.config, "style"), logits->data) == e.style;
        arena_release(&arena, mark);
    }
    if (!CHECK(things >= s->things && hands >= s->hands))
        printf("    %s: %d things and %d styles of %d\n", s->folder, things, hands, (int)PICTURES);
    arena_free(&arena);
}

int main(void)
{
    static const Shipped shipped[] = {{"weights/judge", 0, 39, 33}, {"weights/classifier", 0, 39, 37}};
    Error err = {0};
    if (CHECK(world_open(&world, "weights/world", &world_arena, &err) == STATUS_OK))
        for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++)
            check_shipped(&shipped[i]);
    arena_free(&world_arena);
    return check_report("shipped_classifiers");
}
