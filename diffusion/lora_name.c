#include "diffusion/lora_name.h"

#include <stdio.h>
#include <string.h>

/* Endings of dotted names, and what they say.  A bare ".alpha" comes with either of diffusers' forms. */
static const struct {
    const char *end;
    LoraNaming naming;
    LoraRole role;
} ENDS[] = {
    {".lora_A.weight", LORA_PEFT, LORA_DOWN},
    {".lora_B.weight", LORA_PEFT, LORA_UP},
    {".lora_A.default.weight", LORA_PEFT, LORA_DOWN},
    {".lora_B.default.weight", LORA_PEFT, LORA_UP},
    {".lora.down.weight", LORA_DIFFUSERS, LORA_DOWN},
    {".lora.up.weight", LORA_DIFFUSERS, LORA_UP},
    {".lora_linear_layer.down.weight", LORA_DIFFUSERS, LORA_DOWN},
    {".lora_linear_layer.up.weight", LORA_DIFFUSERS, LORA_UP},
    {".lora_down.weight", LORA_DIFFUSERS, LORA_DOWN},
    {".lora_up.weight", LORA_DIFFUSERS, LORA_UP},
    {"_lora.down.weight", LORA_DIFFUSERS, LORA_DOWN},
    {"_lora.up.weight", LORA_DIFFUSERS, LORA_UP},
    {".alpha", LORA_DIFFUSERS, LORA_ALPHA},
};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Cuts `end` off the text when it ends so. */
static bool cut_end(char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    if (n <= m || strcmp(text + n - m, end) != 0)
        return false;
    text[n - m] = '\0';
    return true;
}

static bool read_kohya(LoraName *out, const char *key)
{
    static const struct {
        const char *end;
        LoraRole role;
    } PARTS[] = {{".lora_down.weight", LORA_DOWN}, {".lora_up.weight", LORA_UP}, {".alpha", LORA_ALPHA}};
    static const char *const STARTS[] = {"lora_unet_", "lora_te_", "lora_te1_"};
    for (int i = 0; i < 3; i++)
        if (starts_with(key, STARTS[i])) {
            out->naming = LORA_KOHYA;
            out->text = i > 0;
            snprintf(out->module, sizeof out->module, "%s", key + strlen(STARTS[i]));
            for (size_t k = 0; k < sizeof PARTS / sizeof PARTS[0]; k++)
                if (cut_end(out->module, PARTS[k].end)) {
                    out->role = PARTS[k].role;
                    return strchr(out->module, '.') == NULL;
                }
        }
    return false;
}

/* The layers' names in attention processors: "attn1.processor.to_out" is "attn1.to_out.0", and in the text encoder
 * "self_attn.to_out" is "self_attn.out_proj". */
static bool fix_processor(LoraName *out)
{
    static const char *const OLD[] = {".to_q", ".to_k", ".to_v", ".to_out"};
    static const char *const UNET[] = {".to_q", ".to_k", ".to_v", ".to_out.0"};
    static const char *const TEXT[] = {".q_proj", ".k_proj", ".v_proj", ".out_proj"};
    for (int i = 0; i < 4; i++)
        if (cut_end(out->module, OLD[i])) {
            cut_end(out->module, ".processor");
            const size_t n = strlen(out->module);
            return snprintf(out->module + n, sizeof out->module - n, "%s", out->text ? TEXT[i] : UNET[i]) <
                   (int)(sizeof out->module - n);
        }
    return false;
}

static bool read_dotted(LoraName *out, const char *key)
{
    static const char *const IGNORED[] = {"base_model.model.", "unet.", "base_model.model."};
    for (int i = 0; i < 3; i++)
        if (starts_with(key, IGNORED[i]))
            key += strlen(IGNORED[i]);
    if (starts_with(key, "text_encoder.")) {
        out->text = true;
        key += strlen("text_encoder.");
    }
    out->text = out->text || starts_with(key, "text_model.");
    snprintf(out->module, sizeof out->module, "%s", key);
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++)
        if (cut_end(out->module, ENDS[i].end)) {
            out->naming = ENDS[i].naming;
            out->role = ENDS[i].role;
            return ENDS[i].end[0] == '.' || fix_processor(out);
        }
    return false;
}

bool lora_name_read(LoraName *out, const char *key)
{
    LoraName name = {.text = false};
    if (strlen(key) >= WEIGHTS_NAME)
        return false;
    const bool good = starts_with(key, "lora_") ? read_kohya(&name, key) : read_dotted(&name, key);
    if (good)
        *out = name;
    return good;
}

const char *lora_naming_name(LoraNaming naming)
{
    static const char *const NAMES[] = {"diffusers", "PEFT", "kohya"};
    return NAMES[naming];
}

bool lora_name_is(const LoraName *name, const char *module)
{
    const char *a = name->module, *b = module;
    if (name->naming != LORA_KOHYA)
        return strcmp(a, b) == 0;
    while (*a != '\0' && (*a == *b || (*a == '_' && *b == '.'))) {
        a++;
        b++;
    }
    return *a == *b;
}

bool lora_name_write(char out[WEIGHTS_NAME], LoraNaming naming, LoraRole role, bool text,
                     const char *module)
{
    static const char *const KOHYA[] = {"lora_down.weight", "lora_up.weight", "alpha"};
    static const char *const PEFT[] = {"lora_A.weight", "lora_B.weight", "alpha"};
    int n = 0;
    if (naming == LORA_KOHYA) {
        n = snprintf(out, WEIGHTS_NAME, "%s%s", text ? "lora_te_" : "lora_unet_", module);
        for (char *p = out; n < WEIGHTS_NAME && *p != '\0'; p++)
            *p = (char)(*p == '.' ? '_' : *p);
    } else {
        n = snprintf(out, WEIGHTS_NAME, "%s%s", text ? "text_encoder." : "unet.", module);
    }
    if (n >= WEIGHTS_NAME)
        return false;
    const char *end = naming == LORA_KOHYA ? KOHYA[role] : PEFT[role];
    return snprintf(out + n, (size_t)(WEIGHTS_NAME - n), ".%s", end) < WEIGHTS_NAME - n;
}
