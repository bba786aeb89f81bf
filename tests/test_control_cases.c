/* ControlNets and T2I-Adapters against diffusers: residuals, features, and the U-Net with them. */
#include "diffusion/controlnet.h"
#include "diffusion/t2i_adapter.h"
#include "tests/net_cases.h"

typedef struct {
    Arena arena;
    UnetConfig config;
    Unet net;
} Denoiser;

static void check_status(Status status, const Error *err)
{
    if (!CHECK(status == STATUS_OK)) {
        printf("    %s\n", err->text);
        exit(1);
    }
}

/* The parameters of `folder`, every one of which must find its place (weights_finish). */
static Weights open_weights(Arena *arena, const char *folder)
{
    char below[200], path[CASE_PATH];
    Weights w = {0};
    snprintf(below, sizeof below, "%s/diffusion_pytorch_model.safetensors", folder);
    weights_open(&w, arena, case_path(path, below));
    return w;
}

static void unet_open(Denoiser *d, const char *folder)
{
    char below[200];
    Error err = {0};
    *d = (Denoiser){0};
    snprintf(below, sizeof below, "%s/config.json", folder);
    check_status(unet_config_read(&d->config, case_json(&d->arena, below), below, &d->arena, &err), &err);
    Weights w = open_weights(&d->arena, folder);
    unet_load(&d->net, &d->config, &w, "");
    check_status(weights_finish(&w, &err), &err);
}

static ControlNet controlnet_open(Arena *arena)
{
    const char *config = "f-controlnet/controlnet/config.json";
    ControlNetConfig c;
    ControlNet net;
    Error err = {0};
    check_status(controlnet_config_read(&c, case_json(arena, config), config, arena, &err), &err);
    Weights w = open_weights(arena, "f-controlnet/controlnet");
    controlnet_load(&net, &c, &w, "");
    check_status(weights_finish(&w, &err), &err);
    return net;
}

static void check_residuals(const Case *c, const char *start, const ControlResiduals *r)
{
    for (int i = 0; i < r->count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%sdown_res.%d", start, i);
        if (safetensors_find(&c->expected, name) != NULL)
            case_check(c, name, r->down[i]);
    }
    char name[64];
    snprintf(name, sizeof name, "%smid_res", start);
    case_check(c, name, r->mid);
}

static void test_controlnet(void)
{
    Arena arena = {0};
    Denoiser d;
    Case c;
    if (!case_exists("f-controlnet") || !case_open(&c, "f-controlnet", &arena))
        return;
    unet_open(&d, "models/sd1-tiny/unet");
    const ControlNet net = controlnet_open(&arena);
    Tape tape = {.arena = &arena};
    const float t[2] = {601.0f, 601.0f};
    Tensor *x = case_input(&c, "sample"), *text = case_tensor(&c, &c.expected, "encoder_hidden_states");
    Tensor *condition = controlnet_condition(&tape, &net, case_input(&c, "cond"));
    case_check(&c, "cond_embedding", condition);
    ControlResiduals r = {0};
    CHECK(controlnet(&r, &tape, &net, x, t, text, condition, (ControlOptions){.scale = 0.8f}));
    CHECK(r.count == 9);
    check_residuals(&c, "", &r);
    UnetHooks hooks = {0};
    control_residuals_hook(&hooks, &r);
    case_check(&c, "unet_out", unet(&tape, &d.net, x, t, text, &hooks));
    CHECK(controlnet(&r, &tape, &net, x, t, text, condition,
                     (ControlOptions){.scale = 0.8f, .guess_mode = true}));
    check_residuals(&c, "guess.", &r);
    arena_free(&arena);
    arena_free(&d.arena);
}

static T2iAdapter adapter_open(const char *folder, Arena *arena)
{
    char config[200], below[200];
    AdapterConfig c;
    T2iAdapter a;
    Error err = {0};
    snprintf(below, sizeof below, "%s/adapter", folder);
    snprintf(config, sizeof config, "%s/adapter/config.json", folder);
    check_status(t2i_adapter_config_read(&c, case_json(arena, config), config, arena, &err), &err);
    Weights w = open_weights(arena, below);
    t2i_adapter_load(&a, &c, &w, "");
    check_status(weights_finish(&w, &err), &err);
    return a;
}

static void test_adapter(const char *folder, int features)
{
    Arena arena = {0};
    Case c;
    if (!case_exists(folder) || !case_open(&c, folder, &arena))
        return;
    const T2iAdapter a = adapter_open(folder, &arena);
    Tape tape = {.arena = &arena};
    AdapterFeatures f = {0};
    CHECK(t2i_adapter(&f, &tape, &a, case_input(&c, "cond")));
    CHECK(f.count == features);
    for (int i = 0; i < f.count; i++) {
        char name[32];
        snprintf(name, sizeof name, "feature.%d", i);
        case_check(&c, name, f.feature[i]);
    }
    if (safetensors_find(&c.expected, "unet_out") != NULL) {
        Denoiser d;
        UnetHooks hooks = {0};
        const float t = 301.0f;
        unet_open(&d, "models/sd1-tiny/unet");
        adapter_features_hook(&hooks, &f);
        case_check(&c, "unet_out",
                   unet(&tape, &d.net, case_input(&c, "sample"), &t,
                        case_tensor(&c, &c.expected, "encoder_hidden_states"), &hooks));
        arena_free(&d.arena);
    }
    arena_free(&arena);
}

int main(void)
{
    test_controlnet();
    test_adapter("g-t2iadapter-full", 3);
    test_adapter("g-t2iadapter-full_xl", 3);
    test_adapter("g-t2iadapter-light", 4);
    return check_report("control_cases");
}
