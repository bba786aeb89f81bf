/* LoRA: one U-Net call without, with files of both namings at run time, and with them merged. */
#include "tests/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/folder_list.h"
#include "diffusion/lora.h"
#include "diffusion/unet.h"

static bool handles(const CaseFile *c)
{
    bool lora = false;
    for (size_t i = 0; i < c->expected.count; i++)
        lora = lora || (strncmp(c->expected.entries[i].name, "unet_out.", strlen("unet_out.")) == 0 &&
                        strstr(c->expected.entries[i].name, "lora") != NULL);
    return lora && case_has_input(c, "sample");
}

/* The LoRA of the case: the tensor file that has "kohya" in its name, or the one that has "lora" and not "kohya". */
static const char *find_lora(CaseFile *c, bool kohya)
{
    const char *const *names = NULL;
    size_t count = 0;
    Error err = {0};
    if (!case_went_well(c, "lora", folder_list(&names, &count, c->folder, NULL, c->arena, &err), &err))
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (strstr(names[i], "lora") != NULL && strstr(names[i], ".json") == NULL &&
            (strstr(names[i], "kohya") != NULL) == kohya)
            return case_path(c, names[i]);
    case_fail(c, "lora", "the case has no %s LoRA", kohya ? "kohya" : "diffusers");
    return NULL;
}

static bool open_unet(CaseFile *c, Unet *net, Weights *weights)
{
    Error err = {0};
    UnetConfig config;
    const char *path, *folder = case_checkpoint(c, "unet");
    const Json *json = folder != NULL ? case_config(c, folder, &path) : NULL;
    *weights = (Weights){0};
    if (json == NULL ||
        !case_went_well(c, "unet", unet_config_read(&config, json, path, c->arena, &err), &err))
        return false;
    case_weights(c, weights, folder);
    unet_load(net, &config, weights, "");
    return case_went_well(c, "unet", weights_finish(weights, &err), &err);
}

/* What the tensor's name says: "unet_out.kohya_merged_scale0.6". */
static void run_one(CaseFile *c, const char *name, Tensor *text)
{
    Error err = {0};
    Unet net;
    Weights weights;
    Lora lora = {0};
    LoraSet set = {.lora = &lora, .count = 1};
    const UnetHooks hooks = {.layer = lora_layer, .layer_context = &set};
    const bool plain = strstr(name, "no_lora") != NULL, merged = strstr(name, "merged") != NULL;
    const char *number = strstr(name, "scale");
    double weight = 1.0;
    size_t used = 0;
    if (number != NULL)
        (void)decimal_read(&weight, number + strlen("scale"), strlen(number) - strlen("scale"), &used);
    if (!open_unet(c, &net, &weights))
        return;
    if (!plain) {
        const char *path = find_lora(c, strstr(name, "kohya") != NULL);
        if (path == NULL ||
            !case_went_well(c, name, lora_open(&lora, path, weight, &weights, NULL, c->arena, &err), &err))
            return;
        if (lora.unmatched_count > 0)
            case_fail(c, name, "%zu tensors of the LoRA match nothing", lora.unmatched_count);
    }
    if (merged && !case_went_well(c, name, lora_merge(&lora, c->arena, &err), &err))
        return;
    Tensor *x = case_input(c, "sample");
    if (x == NULL)
        return;
    Tape tape = {.arena = c->arena};
    float *timesteps = arena_alloc(c->arena, (size_t)x->dim[0], sizeof *timesteps);
    for (int i = 0; timesteps != NULL && i < x->dim[0]; i++)
        timesteps[i] = (float)json_number(json_get(c->json, "timestep"), 0.0);
    case_tensor(c, name, unet(&tape, &net, x, timesteps, text, plain || merged ? NULL : &hooks));
}

static void run(CaseFile *c)
{
    const char *const rows = "encoder_hidden_states";
    Tensor *text = case_has_input(c, rows) ? case_input(c, rows) : case_given(c, rows);
    const ArenaMark mark = arena_mark(c->arena);
    for (size_t i = 0; text != NULL && i < c->expected.count; i++)
        if (strncmp(c->expected.entries[i].name, "unet_out.", strlen("unet_out.")) == 0) {
            run_one(c, c->expected.entries[i].name, text);
            arena_release(c->arena, mark);
        }
}

const CaseKind CASES_OF_LORA = {"LoRA", handles, run, NULL};
