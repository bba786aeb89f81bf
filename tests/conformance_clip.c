/* CLIP's two encoders: all hidden states, what is pooled and what is projected. */
#include "tests/conformance.h"

#include <stdio.h>
#include <string.h>

#include "diffusion/clip_text.h"
#include "diffusion/clip_vision.h"

static bool handles_text(const CaseFile *c)
{
    return case_has_input(c, "input_ids") && case_wants(c, "last_hidden_state");
}

static bool handles_vision(const CaseFile *c)
{
    return case_has_input(c, "pixel_values") &&
           (case_wants(c, "image_embeds") || case_wants(c, "last_hidden_state"));
}

static void check_states(CaseFile *c, Tensor *const *states, int layers)
{
    char name[32];
    for (int i = 0; i <= layers; i++) {
        snprintf(name, sizeof name, "hidden_states.%d", i);
        case_tensor(c, name, states[i]);
    }
}

/* The last state after each number of layers left out: the names that say so are "clip_skip.k" and, for one, the older
 * "penultimate_then_final_ln". */
static void check_skips(CaseFile *c, Tape *tape, const ClipText *text, const int *ids, int N, int T)
{
    char name[32];
    for (int skip = 0; skip <= text->config.shape.layers; skip++) {
        snprintf(name, sizeof name, "clip_skip.%d", skip);
        if (!case_wants(c, name) && !(skip == 1 && case_wants(c, "penultimate_then_final_ln")))
            continue;
        ClipTextRun run = {.skip = skip};
        const Tensor *y = clip_text(tape, text, ids, N, T, &run);
        case_tensor(c, name, y);
        if (skip == 1)
            case_tensor(c, "penultimate_then_final_ln", y);
    }
}

static void check_text(CaseFile *c, const ClipText *text)
{
    size_t count = 0;
    const int *ids = case_input_ints(c, "input_ids", &count);
    const SafetensorsEntry *entry = safetensors_find(&c->inputs, "input_ids");
    const int T = entry->rank > 0 ? (int)entry->dim[entry->rank - 1] : 1;
    const int N = T > 0 ? (int)(count / (size_t)T) : 0, layers = text->config.shape.layers;
    Tensor **states = arena_alloc(c->arena, (size_t)layers + 1, sizeof *states);
    if (ids == NULL || states == NULL)
        return;
    Tape tape = {.arena = c->arena};
    ClipTextRun run = {.states = states, .want_pooled = true};
    const Tensor *last = clip_text(&tape, text, ids, N, T, &run);
    case_tensor(c, "last_hidden_state", last);
    if (last != NULL) {
        check_states(c, states, layers);
        case_tensor(c, "pooler_output", run.pooled);
        if (run.projected != NULL)
            case_tensor(c, "text_embeds", run.projected);
        check_skips(c, &tape, text, ids, N, T);
    }
    if (tape.error.status != STATUS_OK)
        case_fail(c, "text_encoder", "%s", tape.error.text);
}

static void run_text(CaseFile *c)
{
    Error err = {0};
    ClipTextConfig config;
    Weights weights = {0};
    ClipText text;
    const char *path, *folder = case_checkpoint(c, "text_encoder");
    const Json *json = case_config(c, folder, &path);
    if (json == NULL || !case_went_well(c, "text_encoder",
                                        clip_text_config_read(&config, json, path, c->arena, &err), &err))
        return;
    case_weights(c, &weights, folder);
    clip_text_load(&text, &weights, &config);
    if (case_went_well(c, "text_encoder", weights_finish(&weights, &err), &err))
        check_text(c, &text);
}

static void check_vision(CaseFile *c, const ClipVision *vision)
{
    const int layers = vision->config.shape.layers;
    Tensor **states = arena_alloc(c->arena, (size_t)layers + 1, sizeof *states);
    Tensor *x = case_input(c, "pixel_values");
    if (states == NULL || x == NULL)
        return;
    Tape tape = {.arena = c->arena};
    ClipVisionRun run = {.states = states};
    const Tensor *embedding = clip_vision(&tape, vision, x, &run);
    if (embedding == NULL) {
        case_fail(c, "image_encoder", "%s", tape.error.text);
        return;
    }
    case_tensor(c, "image_embeds", embedding);
    case_tensor(c, "last_hidden_state", run.last);
    case_tensor(c, "pooler_output", run.pooled);
    check_states(c, states, layers);
}

static void run_vision(CaseFile *c)
{
    Error err = {0};
    ClipVisionConfig config;
    Weights weights = {0};
    ClipVision vision;
    const char *path, *folder = case_checkpoint(c, "image_encoder");
    const Json *json = case_config(c, folder, &path);
    if (json == NULL || !case_went_well(c, "image_encoder",
                                        clip_vision_config_read(&config, json, path, c->arena, &err), &err))
        return;
    case_weights(c, &weights, folder);
    clip_vision_load(&vision, &weights, &config);
    if (case_went_well(c, "image_encoder", weights_finish(&weights, &err), &err))
        check_vision(c, &vision);
}

const CaseKind CASES_OF_CLIP_TEXT = {"text encoder", handles_text, run_text, NULL};
const CaseKind CASES_OF_CLIP_VISION = {"vision encoder", handles_vision, run_vision, NULL};
