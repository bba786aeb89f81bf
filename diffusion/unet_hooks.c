#include "diffusion/unet_hooks.h"

#include "nn/elementwise.h"
#include "nn/linear.h"

Tensor *hooked_linear(Tape *tape, const UnetHooks *hooks, const Affine *layer, Tensor *x)
{
    Tensor *y = linear(tape, x, layer->weight, layer->bias);
    if (hooks == NULL || hooks->layer == NULL || y == NULL)
        return y;
    return hooks->layer(hooks->layer_context, tape, layer, NULL, x, y);
}

Tensor *hooked_conv2d(Tape *tape, const UnetHooks *hooks, const Affine *layer, Tensor *x,
                      Conv2dOptions options)
{
    Tensor *y = conv2d(tape, x, layer->weight, layer->bias, options);
    if (hooks == NULL || hooks->layer == NULL || y == NULL)
        return y;
    return hooks->layer(hooks->layer_context, tape, layer, &options, x, y);
}

bool hooks_want_map(const UnetHooks *hooks, const char *name, int queries)
{
    return hooks != NULL && hooks->map != NULL && hooks->wants_map != NULL &&
           hooks->wants_map(hooks->map_context, name, queries);
}

/* x + extra; the hooks' tensors have to have the network's shapes, not merely ones that broadcast. */
static Tensor *add_extra(Tape *tape, Tensor *x, Tensor *extra, const char *what, int i)
{
    if (x == NULL || extra == NULL)
        return x;
    if (!tensor_same_shape(x, extra)) {
        char want[64], got[64];
        return tape_fail(tape, STATUS_SHAPE, "%s %d is %s, the U-Net has %s there", what, i,
                         tensor_shape_text(extra, got), tensor_shape_text(x, want));
    }
    return add(tape, x, extra);
}

bool hooks_fit(Tape *tape, const UnetHooks *hooks, int skips, int levels)
{
    if (hooks == NULL)
        return true;
    if (hooks->down_residuals != NULL && hooks->down_residual_count != skips)
        tape_fail(tape, STATUS_SHAPE, "%d ControlNet residuals for a U-Net with %d skip connections",
                  hooks->down_residual_count, skips);
    if (hooks->adapter_count > levels + 1)
        tape_fail(tape, STATUS_SHAPE, "%d adapter features for a U-Net with %d down blocks",
                  hooks->adapter_count, levels);
    return tape->error.status == STATUS_OK;
}

Tensor *hooks_add_feature(Tape *tape, const UnetHooks *hooks, int i, Tensor *x)
{
    if (hooks == NULL || i >= hooks->adapter_count)
        return x;
    return add_extra(tape, x, hooks->adapter_features[i], "adapter feature", i);
}

Tensor *hooks_add_mid_feature(Tape *tape, const UnetHooks *hooks, int i, Tensor *x)
{
    Tensor *feature = hooks != NULL && i < hooks->adapter_count ? hooks->adapter_features[i] : NULL;
    if (x == NULL || feature == NULL || !tensor_same_shape(x, feature))
        return x;
    return add(tape, x, feature);
}

void hooks_add_residuals(Tape *tape, const UnetHooks *hooks, Tensor **skip, int count, Tensor **mid)
{
    if (hooks == NULL)
        return;
    for (int i = 0; hooks->down_residuals != NULL && tape->error.status == STATUS_OK && i < count; i++)
        skip[i] = add_extra(tape, skip[i], hooks->down_residuals[i], "ControlNet residual", i);
    *mid = add_extra(tape, *mid, hooks->mid_residual, "ControlNet's middle residual", 0);
}
