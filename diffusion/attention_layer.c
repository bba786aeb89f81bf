#include "diffusion/attention_layer.h"

#include "diffusion/layer_name.h"
#include "nn/attention.h"

void attention_layer_load(AttentionLayer *a, Weights *w, const char *prefix, int channels, int context,
                          int heads)
{
    *a = (AttentionLayer){.name = layer_name(w, prefix), .heads = heads};
    a->to_q = weights_linear_no_bias(w, prefix, "to_q", channels, channels);
    a->to_k = weights_linear_no_bias(w, prefix, "to_k", channels, context);
    a->to_v = weights_linear_no_bias(w, prefix, "to_v", channels, context);
    a->to_out = weights_linear(w, prefix, "to_out.0", channels, channels);
}

void attention_layer_load_vae(AttentionLayer *a, Weights *w, const char *prefix, int channels)
{
    const bool old = weights_has(w, prefix, "proj_attn.weight");
    *a = (AttentionLayer){.name = layer_name(w, prefix), .heads = 1};
    a->to_q = weights_linear(w, prefix, old ? "query" : "to_q", channels, channels);
    a->to_k = weights_linear(w, prefix, old ? "key" : "to_k", channels, channels);
    a->to_v = weights_linear(w, prefix, old ? "value" : "to_v", channels, channels);
    a->to_out = weights_linear(w, prefix, old ? "proj_attn" : "to_out.0", channels, channels);
}

/* Who asked for the probabilities of which layer: the hooks (NULL: not they), who may change them, and the tape's
 * observer. */
typedef struct {
    const UnetHooks *hooks;
    const char *name;
    bool observed;
} MapCall;

static Tensor *show_map(void *context, Tape *tape, Tensor *probabilities)
{
    const MapCall *call = context;
    if (call->hooks != NULL)
        probabilities = call->hooks->map(call->hooks->map_context, tape, call->name, probabilities);
    return call->observed ? tape_named(tape, probabilities, call->name, "probabilities") : probabilities;
}

Tensor *attention_layer(Tape *tape, const AttentionLayer *a, Tensor *x, Tensor *context,
                        const UnetHooks *hooks)
{
    if (x == NULL)
        return NULL;
    Tensor *over = context != NULL ? context : x;
    Tensor *q = hooked_linear(tape, hooks, &a->to_q, x);
    Tensor *k = hooked_linear(tape, hooks, &a->to_k, over);
    Tensor *v = hooked_linear(tape, hooks, &a->to_v, over);
    const bool hooked = hooks_want_map(hooks, a->name, x->dim[1]);
    MapCall call = {.hooks = hooked ? hooks : NULL, .name = a->name};
    AttentionOptions options = {.heads = a->heads};
    call.observed = tape_wants_to_see(tape, a->name, "probabilities");
    if (hooked || call.observed) {
        options.edit = show_map;
        options.edit_context = &call;
    }
    Tensor *y = attention(tape, q, k, v, options);
    return tape_named(tape, hooked_linear(tape, hooks, &a->to_out, y), a->name, "");
}
