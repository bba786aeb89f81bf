#include "guidance/one_step.h"

#include <math.h>

#include "base/sum_inline.h"
#include "diffusion/text_conditions.h"
#include "nn/elementwise.h"
#include "nn/losses.h"

const OneStepGuide ONE_STEP_GUIDE = {
    .decoded = {.factor = 1.0, .checkpoint = true}, .on = GUIDE_BLEND, .through_unet = true};

/* One picture at one level. */
typedef struct {
    const OneStepGuide *guide;
    double signal, noise, time;
    int prediction_type;
    const Schedule *schedule;
    Rng *rng;
} Level;

Status one_step_begin(OneStepGuide *g, Arena *arena, Error *err)
{
    static const char *const EMPTY[1] = {""};
    float *rows = NULL;
    if (!(fabs(g->decoded.factor) < HUGE_VAL))
        return error_set(err, STATUS_ARGUMENT, "the scale of guidance is not a number");
    if (g->noisy.vgg != NULL) {
        const VggConfig *c = &g->noisy.vgg->config;
        const int channels = g->model->config.unet.in_channels;
        if (c->noise_levels != NOISY_LEVELS || c->in_channels != channels)
            return error_set(
                err, STATUS_ARGUMENT,
                "the noise-aware classifier takes %d channels and %d levels, expected %d and %d",
                c->in_channels, c->noise_levels, channels, (int)NOISY_LEVELS);
        if (g->noisy.head < 0 || g->noisy.head >= c->heads || g->noisy.label < 0 ||
            g->noisy.label >= c->head[g->noisy.head].outputs)
            return error_set(err, STATUS_ARGUMENT, "the noise-aware classifier has no answer %d of head %d",
                             g->noisy.label, g->noisy.head);
        return STATUS_OK;
    }
    const Status status = text_rows(&rows, NULL, g->model, EMPTY, 1, 0, arena, err);
    g->text = rows;
    g->tokens = g->model->tokenizer.length;
    return status;
}

/* The network's output under the empty prompt, with or without a way back to z. */
static Tensor *ask(Tape *tape, const Level *l, Tensor *z)
{
    const OneStepGuide *g = l->guide;
    const Unet *net = &g->model->unet;
    const int dim[3] = {1, g->tokens, net->config.level[0].cross_attention_dim};
    float *time = tape_alloc(tape, 1, sizeof *time);
    Tensor *text = tape_input(tape, (float *)(size_t)g->text, 3, dim, false);
    if (time == NULL || text == NULL)
        return NULL;
    *time = (float)l->time;
    if (g->through_unet)
        return unet(tape, net, z, time, text, NULL);
    Tape apart = {.arena = tape->arena};
    const Tensor *out = unet(&apart, net, z, time, text, NULL);
    if (out == NULL)
        return tape_fail(tape, apart.error.status, "%s", apart.error.text);
    return tape_input(tape, out->data, 4, out->dim, false);
}

/* p x + q y, each product rounded, then the sum. */
static Tensor *mixed(Tape *tape, double p, Tensor *x, double q, Tensor *y)
{
    Tensor *first = scale(tape, x, (float)p), *second = scale(tape, y, (float)q);
    return add(tape, first, second);
}

/* The estimate of the picture's latent, z0. */
static Tensor *estimate(Tape *tape, const Level *l, Tensor *z)
{
    Tensor *out = ask(tape, l, z);
    if (l->prediction_type == PREDICT_SAMPLE)
        return out;
    if (l->prediction_type == PREDICT_V)
        return mixed(tape, l->signal, z, -l->noise, out);
    return mixed(tape, 1.0 / l->signal, z, -l->noise / l->signal, out);
}

/* The level of NOISY_LEVELS whose sigma is nearest to noise / signal. */
static int noisy_level(const Level *l)
{
    float sigma[NOISY_LEVELS];
    const double want = l->noise / l->signal;
    int best = 0;
    noisy_levels(sigma, l->schedule);
    for (int i = 1; i < NOISY_LEVELS; i++)
        best = fabs((double)sigma[i] - want) < fabs((double)sigma[best] - want) ? i : best;
    return best;
}

static Tensor *noisy_loss(Tape *tape, const Level *l, Tensor *z)
{
    const NoisyClass *n = &l->guide->noisy;
    float *level = tape_alloc(tape, 1, sizeof *level);
    if (level == NULL)
        return NULL;
    *level = (float)noisy_level(l);
    Tensor *logits = vgg(tape, n->vgg, scale(tape, z, (float)(1.0 / l->signal)), level, NULL);
    logits = vgg_head_logits(tape, n->vgg, logits, n->head);
    return logits != NULL ? cross_entropy(tape, logits, &n->label) : NULL;
}

static Tensor *picture_loss(Tape *tape, const Level *l, Tensor *z, const Tensor **picture)
{
    const OneStepGuide *g = l->guide;
    Tensor *m = estimate(tape, l, z);
    if (g->on == GUIDE_BLEND)
        m = mixed(tape, l->noise, m, 1.0 - l->noise, z);
    return decoded_loss_on(tape, &g->decoded, m, l->rng, picture);
}

static void gradient(float *G, GuideReport *report, Tape *tape, const Level *l, const float *x)
{
    const OneStepGuide *g = l->guide;
    const int dim[4] = {1, g->model->config.unet.out_channels, g->height, g->width};
    const float factor = (float)g->decoded.factor;
    const Tensor *picture = NULL;
    double s[SUM_LANES] = {0};
    size_t beyond = 0;
    Tensor *z = tape_input(tape, (float *)(size_t)x, 4, dim, true);
    Tensor *loss = g->noisy.vgg != NULL ? noisy_loss(tape, l, z) : picture_loss(tape, l, z, &picture);
    if (loss == NULL)
        return;
    report->loss = g->decoded.factor * (double)loss->data[0];
    for (size_t i = 0; picture != NULL && i < tensor_count(picture); i++)
        beyond += picture->data[i] < -1.0f || picture->data[i] > 1.0f;
    report->clipped = picture != NULL ? (double)beyond / (double)tensor_count(picture) : 0.0;
    if (loss->wants_grad && tape_backward(tape, loss, &factor) != STATUS_OK)
        return; /* an estimate that is the network's constant answer has no way back to z: G is 0 */
    for (size_t i = 0; i < tensor_count(z); i++) {
        G[i] = z->grad != NULL ? z->grad[i] : 0.0f;
        s[i % SUM_LANES] += l->noise * (double)G[i] * (l->noise * (double)G[i]);
    }
    report->length = sqrt(sum8_fold(s));
    if (!(report->length < HUGE_VAL))
        tape_fail(tape, STATUS_NOT_FINITE, "the gradient of guidance is not a number");
}

Status one_step_gradient(float *G, GuideReport *report, const OneStepGuide *g, const float *z,
                         double signal, double noise, double time, int prediction_type,
                         const Schedule *schedule, Rng *rng, Error *err)
{
    const Level level = {g, signal, noise, time, prediction_type, schedule, rng};
    const ArenaMark mark = arena_mark(g->arena);
    Arena gradients = {.account = g->arena->account, .source = g->arena->source};
    Tape tape = {.arena = g->arena, .gradients = &gradients, .recording = true, .checkpoint = true};
    gradient(G, report, &tape, &level, z);
    arena_free(&gradients);
    arena_release(g->arena, mark);
    return tape.error.status == STATUS_OK ? STATUS_OK
                                          : error_set(err, tape.error.status, "%s", tape.error.text);
}

/* out <- what the network would have to say for eps to be eps + f G. */
static void move(float *out, const float *G, size_t n, const Level *l)
{
    const double f = l->noise;
    const double by = l->prediction_type == PREDICT_V        ? f / l->signal
                      : l->prediction_type == PREDICT_SAMPLE ? -(f / l->signal) * f
                                                             : f;
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((double)out[i] + by * (double)G[i]);
}

static Status guided(void *context, const SamplerRun *run, int call, const float *input, float *out,
                     Error *err)
{
    const OneStepGuide *g = context;
    Level l = {.guide = g, .time = run->time[call], .schedule = &run->schedule};
    l.prediction_type = run->config.prediction_type;
    const int t = (int)l.time;
    l.signal = schedule_signal(&run->schedule, t);
    l.noise = schedule_noise(&run->schedule, t);
    if (run->sigma != NULL) {
        const double sigma = run->sigma[call];
        l.signal = 1.0 / sqrt(1.0 + sigma * sigma);
        l.noise = sigma * l.signal;
    }
    if (g->decoded.factor == 0.0)
        return STATUS_OK;
    float *G = arena_raw(g->arena, run->sample, sizeof *G);
    Status status =
        G != NULL ? STATUS_OK : error_set(err, STATUS_MEMORY, "no memory for the gradient of a latent");
    for (int i = 0; i < run->images && status == STATUS_OK; i++) {
        Rng rng = rng_stream(RNG_PHILOX, g->seed + (uint64_t)i, STREAM_CROPS, (uint64_t)call);
        GuideReport report = {.call = call, .image = i};
        const size_t at = (size_t)i * run->sample;
        l.rng = &rng;
        status = one_step_gradient(G, &report, g, input + at, l.signal, l.noise, l.time, l.prediction_type,
                                   l.schedule, &rng, err);
        if (status == STATUS_OK)
            move(out + at, G, run->sample, &l);
        if (status == STATUS_OK && g->seen != NULL)
            g->seen(g->context, &report);
    }
    return status;
}

/* The arena's mark is taken around the whole, since the gradient of a picture lies below its tape. */
static Status guided_in_scratch(void *context, const SamplerRun *run, int call, const float *input,
                                float *out, Error *err)
{
    const OneStepGuide *g = context;
    const ArenaMark mark = arena_mark(g->arena);
    const Status status = guided(context, run, call, input, out, err);
    arena_release(g->arena, mark);
    return status;
}

DenoiseHooks one_step_hooks(OneStepGuide *g)
{
    return (DenoiseHooks){.context = g, .guided = guided_in_scratch};
}
