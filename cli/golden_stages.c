/* cli/golden_stages.c - golden runs of the shipped model's networks, with every named stage.
 *
 * The bound of a stage is one number: four times the largest distance of three probes (cli/truth_net.h) from the truth
 * there.  It is measured, not proven: see docs/formats/golden.md. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/common.h"
#include "cli/golden_operator.h"
#include "cli/golden_parts.h"
#include "cli/truth_net.h"
#include "diffusion/model.h"

enum { PROBES = 3, STAGES_MOST = 200, TOKENS = 32 };
static const double SAFETY = 4.0;

typedef struct {
    const char *name;
    int rank, dim[TENSOR_RANK];
    size_t count;
    float *bits;
    double *truth; /* NULL until the truth has come here */
    double worst;  /* of the probes */
} Stage;

typedef struct {
    Arena *arena;
    Stage stage[STAGES_MOST];
    int count;
    bool failed, probing;
} Stages;

static Stage *find(Stages *s, const char *name)
{
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->stage[i].name, name) == 0)
            return &s->stage[i];
    return NULL;
}

/* A stage of the library's own run. */
static void see_bits(void *context, const char *name, const Tensor *x)
{
    Stages *s = context;
    Stage *stage = s->count < STAGES_MOST ? &s->stage[s->count] : NULL;
    if (stage == NULL || s->failed) {
        s->failed = true;
        return;
    }
    *stage = (Stage){
        .rank = x->rank, .count = tensor_count(x), .name = arena_text(s->arena, name, strlen(name))};
    stage->bits = arena_raw(s->arena, stage->count, sizeof *stage->bits);
    s->failed = stage->name == NULL || stage->bits == NULL;
    if (s->failed)
        return;
    memcpy(stage->dim, x->dim, sizeof stage->dim);
    memcpy(stage->bits, x->data, stage->count * sizeof *stage->bits);
    s->count++;
}

/* The same stage of the truth, or of a probe. */
static void see_truth(void *context, const char *name, const WideTensor *x)
{
    Stages *s = context;
    Stage *stage = find(s, name);
    if (stage == NULL || stage->count != wide_count(x))
        return;
    if (!s->probing)
        stage->truth = x->v;
    for (size_t i = 0; s->probing && stage->truth != NULL && i < stage->count; i++) {
        const double far = fabs(x->v[i] - stage->truth[i]);
        stage->worst = far > stage->worst ? far : stage->worst;
    }
}

/* ---- the networks ---- */

/* What a network is given. */
typedef struct {
    float *x;
    int dim[4];
    float *text;
    int text_dim[3];
    float timestep;
    int ids[TOKENS];
} Given;

typedef struct {
    const char *name, *like, *weights;
    unsigned part;
    void (*give)(GoldenFile *file, GoldenCase *c, const Model *m, Given *g, Arena *arena);
    Tensor *(*run)(Tape *tape, const Model *m, const Given *g);
    WideTensor *(*truth)(TruthNet *n, const Model *m, const Given *g);
} Network;

/* Normal numbers under that name. */
static float *normals(GoldenFile *file, GoldenCase *c, const char *name, int rank, const int *dim,
                      Arena *arena)
{
    char full[400];
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dim[i];
    float *x = arena_raw(arena, count, sizeof *x);
    if (x == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return NULL;
    }
    snprintf(full, sizeof full, "%s/%s", c->name, name);
    golden_fill(x, count, full, FILL_NORMAL);
    golden_given(file, c, GOLDEN_INPUT, name, F32, rank, dim, x);
    return x;
}

/* Begin, eleven tokens, and end to the end. */
static void give_ids(GoldenFile *file, GoldenCase *c, const Model *m, Given *g, Arena *arena)
{
    float id[TOKENS];
    const int end = m->text.config.eos_token_id, dim[2] = {1, TOKENS};
    (void)arena;
    for (int i = 0; i < TOKENS; i++) {
        g->ids[i] = i == 0 ? m->text.config.bos_token_id : i < 12 ? (i * i * 37 + 300) % (end - 1) : end;
        id[i] = (float)g->ids[i];
    }
    golden_given(file, c, GOLDEN_INPUT, "input_ids", I64, 2, dim, id);
}

static void give_latent(GoldenFile *file, GoldenCase *c, const Model *m, Given *g, Arena *arena)
{
    const int dim[4] = {1, m->vae.config.latent_channels, 8, 8};
    memcpy(g->dim, dim, sizeof dim);
    g->x = normals(file, c, "latent", 4, dim, arena);
}

static void give_picture(GoldenFile *file, GoldenCase *c, const Model *m, Given *g, Arena *arena)
{
    const int dim[4] = {1, m->vae.config.in_channels, 32, 32};
    memcpy(g->dim, dim, sizeof dim);
    g->x = normals(file, c, "picture", 4, dim, arena);
}

static void give_noise(GoldenFile *file, GoldenCase *c, const Model *m, Given *g, Arena *arena)
{
    const UnetConfig *u = &m->unet.config;
    const int dim[4] = {1, u->in_channels, 8, 8}, one = 1;
    const int text[3] = {1, TOKENS, u->level[u->levels - 1].cross_attention_dim};
    memcpy(g->dim, dim, sizeof dim);
    memcpy(g->text_dim, text, sizeof text);
    g->timestep = 501.0f;
    g->x = normals(file, c, "sample", 4, dim, arena);
    golden_given(file, c, GOLDEN_INPUT, "timestep", F32, 1, &one, &g->timestep);
    g->text = normals(file, c, "encoder_hidden_states", 3, text, arena);
}

static Tensor *run_text(Tape *tape, const Model *m, const Given *g)
{
    return clip_text(tape, &m->text, g->ids, 1, TOKENS, NULL);
}

static Tensor *run_decode(Tape *tape, const Model *m, const Given *g)
{
    return vae_decode(tape, &m->vae, tape_input(tape, g->x, 4, g->dim, false));
}

static Tensor *run_encode(Tape *tape, const Model *m, const Given *g)
{
    return vae_encode(tape, &m->vae, tape_input(tape, g->x, 4, g->dim, false));
}

static Tensor *run_unet(Tape *tape, const Model *m, const Given *g)
{
    Tensor *x = tape_input(tape, g->x, 4, g->dim, false);
    Tensor *text = tape_input(tape, g->text, 3, g->text_dim, false);
    return unet(tape, &m->unet, x, &g->timestep, text, NULL);
}

static WideTensor *true_text(TruthNet *n, const Model *m, const Given *g)
{
    return wide_clip_text(n, &m->text, g->ids, 1, TOKENS);
}

static WideTensor *true_decode(TruthNet *n, const Model *m, const Given *g)
{
    return wide_vae_decode(n, &m->vae, wide_input(n, g->x, 4, g->dim));
}

static WideTensor *true_encode(TruthNet *n, const Model *m, const Given *g)
{
    return wide_vae_encode(n, &m->vae, wide_input(n, g->x, 4, g->dim));
}

static WideTensor *true_unet(TruthNet *n, const Model *m, const Given *g)
{
    WideTensor *x = wide_input(n, g->x, 4, g->dim);
    return wide_unet(n, &m->unet, x, &g->timestep, wide_input(n, g->text, 3, g->text_dim));
}

static const Network networks[] = {
    {"text_encoder", "transformers.CLIPTextModel, its last_hidden_state last",
     "weights/model/text_encoder/model.safetensors", MODEL_TEXT, give_ids, run_text, true_text},
    {"vae_decoder", "diffusers.AutoencoderKL.decode",
     "weights/model/vae/diffusion_pytorch_model.safetensors", MODEL_VAE, give_latent, run_decode,
     true_decode},
    {"vae_encoder", "diffusers.AutoencoderKL.encode, its moments last",
     "weights/model/vae/diffusion_pytorch_model.safetensors", MODEL_VAE, give_picture, run_encode,
     true_encode},
    {"unet", "diffusers.UNet2DConditionModel", "weights/model/unet/diffusion_pytorch_model.safetensors",
     MODEL_UNET, give_noise, run_unet, true_unet},
};

/* ---- all runs of one network ---- */

/* The truth (probe 0) and the probes; each in an arena of its own but the truth, which is kept. */
static bool run_truths(Stages *s, const Network *k, const Model *m, const Given *g)
{
    for (int probe = 0; probe <= PROBES; probe++) {
        Arena own = {.account = s->arena->account};
        TruthNet n = truth_net_begin(probe == 0 ? s->arena : &own, probe);
        s->probing = probe > 0;
        n.observe = see_truth;
        n.context = s;
        const bool good = k->truth(&n, m, g) != NULL && !n.failed;
        truth_net_end(&n);
        arena_free(&own);
        if (!good)
            return false;
    }
    return true;
}

static void add_stages(GoldenFile *file, GoldenCase *c, const Stages *s)
{
    for (int i = 0; i < s->count; i++) {
        const Stage *stage = &s->stage[i];
        const double bound = SAFETY * stage->worst;
        if (stage->truth == NULL && !file->listing)
            error_set(&file->error, STATUS_FORMAT, "golden: %s has no truth for its stage %s", c->name,
                      stage->name);
        else
            golden_result(file, c, GOLDEN_OUTPUT, stage->name, stage->rank, stage->dim, stage->bits,
                          stage->truth, &bound, 1);
    }
}

static void run_network(GoldenFile *file, const Network *k, const Model *m, Arena arena[2])
{
    Given g = {.timestep = 0.0f};
    GoldenCase *c = golden_case(file, "shipped");
    Stages *s = arena_alloc(&arena[0], 1, sizeof *s);
    if (c == NULL || s == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    c->like = k->like;
    c->source = k->weights;
    s->arena = &arena[0];
    k->give(file, c, m, &g, &arena[0]);
    if (file->error.status != STATUS_OK)
        return;
    Tape tape = {.arena = &arena[1], .observe = see_bits, .observer = s};
    if (k->run(&tape, m, &g) == NULL)
        error_set(&file->error, tape.error.status, "golden: %s: %s", c->name, tape.error.text);
    else if (s->failed || (!file->listing && !run_truths(s, k, m, &g)))
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
    else
        add_stages(file, c, s);
}

static void network_make(GoldenFile *file, const void *context)
{
    Arena arena[3] = {{.account = file->arena->account},
                      {.account = file->arena->account},
                      {.account = file->arena->account}}; /* stages, the library's run, the model */
    const Network *k = context;
    const char *folder = NULL;
    Model m;
    Status status = shipped_folder(&folder, "model", &arena[2], &file->error);
    if (status == STATUS_OK)
        status = model_open(&m, folder, k->part, 0, &arena[2], &file->error);
    if (status == STATUS_OK)
        run_network(file, k, &m, arena);
    for (int i = 0; i < 3; i++)
        arena_free(&arena[i]);
}

GoldenPart golden_network_part(size_t i)
{
    if (i >= sizeof networks / sizeof networks[0])
        return (GoldenPart){NULL, NULL, NULL};
    return (GoldenPart){networks[i].name, network_make, &networks[i]};
}
