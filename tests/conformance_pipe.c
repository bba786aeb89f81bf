/* Runs of a pipeline that case.json describes in words: tests/conformance_pipe.h. */
#include "tests/conformance_pipe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "diffusion/vae_latent.h"

/* ---- words ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const char *what(const CaseFile *c)
{
    return json_text(json_get(c->json, "what"), "");
}

/* The place behind the next occurrence of `word` that is not part of a longer one; NULL when there is none. */
static const char *behind(const char *text, const char *start, const char *word)
{
    for (const char *p = strstr(text, word); p != NULL; p = strstr(p + 1, word))
        if ((p == start || !is_letter(p[-1])) && !is_letter(p[strlen(word)]))
            return p + strlen(word);
    return NULL;
}

static bool number_at(const char *p, double *out)
{
    size_t used = 0;
    p += strspn(p, " =:");
    return decimal_read(out, p, strlen(p), &used);
}

double case_said(const CaseFile *c, const char *const *names, double otherwise)
{
    double x;
    for (int i = 0; names[i] != NULL; i++)
        if (json_kind(json_get(c->json, names[i])) == JSON_NUMBER)
            return json_number(json_get(c->json, names[i]), otherwise);
    for (int i = 0; names[i] != NULL; i++)
        for (const char *p = behind(what(c), what(c), names[i]); p != NULL;
             p = behind(p, what(c), names[i]))
            if (number_at(p, &x))
                return x;
    return otherwise;
}

double case_said_before(const CaseFile *c, const char *word, double otherwise)
{
    double x;
    for (const char *p = behind(what(c), what(c), word); p != NULL; p = behind(p, what(c), word)) {
        const char *end = p - strlen(word), *first = end;
        while (first > what(c) && first[-1] == ' ')
            first--;
        while (first > what(c) && (strchr("0123456789.", first[-1]) != NULL))
            first--;
        if (first < end && number_at(first, &x))
            return x;
    }
    return otherwise;
}

static bool ends_with(const char *start, const char *end, const char *word)
{
    const size_t n = strlen(word);
    return (size_t)(end - start) >= n && strncmp(end - n, word, n) == 0;
}

const char *case_said_text(const CaseFile *c, const char *const *names, const char *otherwise)
{
    for (int i = 0; names[i] != NULL; i++)
        if (json_kind(json_get(c->json, names[i])) == JSON_TEXT)
            return json_text(json_get(c->json, names[i]), otherwise);
    for (int i = 0; names[i] != NULL; i++)
        for (const char *p = behind(what(c), what(c), names[i]); p != NULL;
             p = behind(p, what(c), names[i])) {
            const char *quote = p + strspn(p, " =:");
            const char *end = *quote == '"' ? strchr(quote + 1, '"') : NULL;
            if (end != NULL && !ends_with(what(c), p - strlen(names[i]), "negative "))
                return arena_text(c->arena, quote + 1, (size_t)(end - quote - 1));
        }
    return otherwise;
}

/* ---- runs ---- */

static const char *const PROMPT[] = {"prompt", NULL};
static const char *const NEGATIVE[] = {"negative_prompt", "negative prompt", "negative", NULL};
static const char *const GUIDANCE[] = {"guidance_scale", "CFG", "cfg", NULL};
static const char *const STEPS[] = {"num_inference_steps", "steps", NULL};
static const char *const ETA[] = {"eta", NULL};

/* What people call the samplers, the longer of two names first. */
static const char *const SAMPLER_WORDS[][2] = {
    {"DPM++ 2M", "dpm++2m"},
    {"DPM++ 2S", "dpm++2s"},
    {"DPM-Solver++", "dpm++2m"},
    {"PLMS", "pndm"},
    {"UniPC", "unipc"},
    {"DEIS", "deis"},
    {"Euler ancestral", "euler_a"},
    {"Euler a", "euler_a"},
    {"EulerAncestral", "euler_a"},
    {"Euler", "euler"},
    {"Heun", "heun"},
    {"LMS", "lms"},
    {"KDPM2 ancestral", "dpm2_a"},
    {"KDPM2", "dpm2"},
    {"DPM2", "dpm2"},
};

const Sampler *case_said_sampler(const CaseFile *c, const Model *m)
{
    const char *class_name = json_text(json_get(c->json, "scheduler_class"), NULL);
    if (class_name != NULL)
        return sampler_find(class_name);
    for (int i = 0; SAMPLERS[i] != NULL; i++) {
        char word[64];
        snprintf(word, sizeof word, "%.60s", SAMPLERS[i]->class_name);
        if (behind(what(c), what(c), word) != NULL)
            return SAMPLERS[i];
        char *end = strstr(word, "Scheduler");
        if (end != NULL)
            *end = '\0';
        if (behind(what(c), what(c), word) != NULL)
            return SAMPLERS[i];
    }
    for (size_t i = 0; i < sizeof SAMPLER_WORDS / sizeof SAMPLER_WORDS[0]; i++)
        if (behind(what(c), what(c), SAMPLER_WORDS[i][0]) != NULL)
            return sampler_find(SAMPLER_WORDS[i][1]);
    return sampler_find(m->config.scheduler.class_name);
}

bool case_run_options(CaseFile *c, const Model *m, const char *latents, Txt2ImgOptions *out)
{
    const int factor = vae_factor(&m->config.vae);
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    const char **prompt = arena_alloc(c->arena, 1, sizeof *prompt);
    const Tensor *x = case_input(c, latents);
    if (prompt == NULL || x == NULL)
        return false;
    prompt[0] = case_said_text(c, PROMPT, "");
    const double guidance = case_said(c, GUIDANCE, o.guidance);
    o.prompts = prompt;
    o.count = 1;
    o.images = x->dim[0];
    o.negative = case_said_text(c, NEGATIVE, "");
    o.height = factor * x->dim[2];
    o.width = factor * x->dim[3];
    o.steps = (int)case_said(c, STEPS, case_said_before(c, "steps", o.steps));
    o.guidance = guidance > 1.0 ? guidance : 1.0; /* diffusers guides above 1 */
    o.sampler = case_said_sampler(c, m);
    o.options.eta = case_said(c, ETA, 0.0);
    o.options.compat_f32 = true;
    o.latents = x->data;
    if (o.sampler == NULL) {
        case_fail(c, "scheduler", "no sampler of the class that the case or the model names");
        return false;
    }
    *out = o;
    return true;
}

typedef struct {
    float *steps; /* (room, n) */
    size_t n;
    int calls, room;
} Seen;

static bool keep_step(void *context, const DenoiseProgress *p)
{
    Seen *s = context;
    if (s->calls == s->room)
        return false; /* one more than is wanted is seen as a wrong count */
    memcpy(s->steps + (size_t)s->calls++ * s->n, p->x, s->n * sizeof *p->x);
    return true;
}

static void check_pictures(CaseFile *c, const Model *m, const float *latents, const int dim[4],
                           const char *start)
{
    char name[100];
    Tape tape = {.arena = c->arena};
    Tensor *z = tape_input(&tape, (float *)(size_t)latents, 4, dim, false); /* only read */
    const Tensor *y = vae_decode(&tape, &m->vae, latent_unscale(&tape, &m->config.vae, z));
    if (y == NULL) {
        case_fail(c, "vae", "%s", tape.error.text);
        return;
    }
    snprintf(name, sizeof name, "%sdecoded", start);
    case_tensor(c, name, y);
    const size_t pixels = (size_t)y->dim[2] * (size_t)y->dim[3], channels = (size_t)y->dim[1];
    float *image = arena_raw(c->arena, tensor_count(y), sizeof *image);
    for (size_t i = 0; image != NULL && i < tensor_count(y); i++) {
        const size_t n = i / (channels * pixels), k = i / pixels % channels;
        const float half = y->data[i] / 2.0f, v = half + 0.5f;
        image[(n * pixels + i % pixels) * channels + k] = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
    }
    snprintf(name, sizeof name, "%simage", start);
    case_numbers(c, name, image, tensor_count(y));
}

static Status run_txt2img(void *context, float *x, const Model *m, const Txt2ImgOptions *options,
                          Arena *arena, Error *err)
{
    (void)context;
    return txt2img_latents(x, NULL, m, options, arena, err);
}

void case_run(CaseFile *c, const Model *m, const Txt2ImgOptions *options, const char *start)
{
    case_run_with(c, m, options, start, run_txt2img, NULL);
}

void case_run_with(CaseFile *c, const Model *m, const Txt2ImgOptions *options, const char *start,
                   CaseRunner run, void *context)
{
    char name[100];
    Error err = {0};
    Txt2ImgShape shape;
    Txt2ImgOptions o = *options;
    if (!case_went_well(c, "shape", txt2img_shape(&shape, m, &o, &err), &err))
        return;
    const int dim[4] = {shape.pictures, shape.channels, shape.height, shape.width};
    const SafetensorsEntry *steps;
    snprintf(name, sizeof name, "%slatents_per_step", start);
    steps = safetensors_find(&c->expected, name);
    Seen seen = {.n = (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2] * (size_t)dim[3]};
    seen.room = steps != NULL && steps->rank > 0 ? (int)steps->dim[0] + 1 : 4 * o.steps;
    seen.steps = arena_raw(c->arena, (size_t)seen.room * seen.n, sizeof *seen.steps);
    float *x = arena_raw(c->arena, seen.n, sizeof *x);
    const DenoiseHooks hooks = {.context = &seen, .progress = keep_step};
    o.loop = &hooks;
    if (x == NULL || seen.steps == NULL)
        return;
    const Status status = run(context, x, m, &o, c->arena, &err);
    if (status != STATUS_INTERRUPTED && !case_went_well(c, "run", status, &err))
        return;
    case_numbers(c, name, seen.steps, (size_t)seen.calls * seen.n);
    snprintf(name, sizeof name, "%slatents", start);
    case_numbers(c, name, x, seen.n);
    check_pictures(c, m, x, dim, start);
}

/* ---- a case of several runs ---- */

bool case_part(CaseFile *part, CaseFile *c, const char *key, const char *word, const char *until)
{
    Error err = {0};
    Bytes text = {.arena = c->arena}, words = {.arena = c->arena};
    JsonWriter w = {.out = &text};
    const Json *own = json_get(c->json, key), *json = NULL;
    const char *from = strstr(what(c), word), *end = from != NULL ? strstr(from, until) : NULL;
    if (from != NULL)
        bytes_add(&words, from, end != NULL ? (size_t)(end - from) : strlen(from));
    bytes_add_text(&words, " | ");
    bytes_add_text(&words, what(c));
    bytes_add_byte(&words, '\0');
    json_begin_object(&w, NULL);
    json_write_text(&w, "what", words.failed ? "" : (const char *)words.data);
    for (size_t i = 0; i < json_count(own); i++)
        json_write_value(&w, json_key(own, i), json_at(own, i));
    for (size_t i = 0; i < json_count(c->json); i++)
        if (strcmp(json_key(c->json, i), "what") != 0 && strcmp(json_key(c->json, i), "tensors") != 0 &&
            json_get(own, json_key(c->json, i)) == NULL)
            json_write_value(&w, json_key(c->json, i), json_at(c->json, i));
    json_end(&w);
    *part = *c;
    const Status status =
        text.failed ? error_set(&err, STATUS_MEMORY, "no memory for case.json")
                    : json_parse(&json, (const char *)text.data, text.size, c->name, c->arena, &err);
    part->json = json;
    return case_went_well(c, key, status, &err);
}

/* ---- rows of text ---- */

/* Whether `rows` are the expected ones, looked at without a verdict. */
static bool is_expected(CaseFile *c, const char *name, const float *rows, size_t n)
{
    Error err = {0};
    const SafetensorsEntry *entry = safetensors_find(&c->expected, name);
    float *want = arena_raw(c->arena, n, sizeof *want);
    bool same = want != NULL && entry != NULL && safetensors_numbers(entry) == n &&
                safetensors_read_f32(want, &c->expected, entry, &err) == STATUS_OK;
    for (size_t i = 0; same && i < n; i++)
        same = fabsf(want[i] - rows[i]) <= 1e-2f;
    return same;
}

Tensor *case_text_rows(CaseFile *c, const Model *m, const char *name, int N)
{
    Error err = {0};
    float *rows = NULL;
    if (case_has_input(c, name))
        return case_input(c, name);
    const char *const prompts[2] = {case_said_text(c, NEGATIVE, ""), case_said_text(c, PROMPT, "")};
    const size_t size = text_rows_size(m);
    const bool known =
        N <= 2 && text_rows(&rows, NULL, m, prompts + 2 - N, N, 0, c->arena, &err) == STATUS_OK;
    if (known && is_expected(c, name, rows, (size_t)N * size)) {
        const int width = m->config.text.shape.width, dim[3] = {N, (int)(size / (size_t)width), width};
        Tape tape = {.arena = c->arena};
        case_numbers(c, name, rows, (size_t)N * size);
        return tape_input(&tape, rows, 3, dim, false);
    }
    return case_given(c, name);
}
