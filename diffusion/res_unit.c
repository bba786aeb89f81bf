#include "diffusion/res_unit.h"

#include "nn/concat.h"

typedef struct {
    const ResUnit *unit;
    const UnetHooks *hooks;
} UnitCall;

enum { X, SKIP, EMB, TEXT, INPUTS };

static Tensor *run_unit(Tape *tape, const void *context, Tensor *const *inputs)
{
    const UnitCall *call = context;
    Tensor *x = inputs[X];
    if (inputs[SKIP] != NULL)
        x = concat(tape, (Tensor *const[2]){x, inputs[SKIP]}, 2, 1);
    x = res_block(tape, &call->unit->resnet, x, inputs[EMB], call->hooks);
    if (call->unit->attention.block != NULL)
        x = transformer2d(tape, &call->unit->attention, x, inputs[TEXT], call->hooks);
    return x;
}

Tensor *res_unit(Tape *tape, const ResUnit *unit, Tensor *x, Tensor *skip, Tensor *emb, Tensor *text,
                 const UnetHooks *hooks)
{
    if (x == NULL)
        return NULL;
    const UnitCall call = {.unit = unit, .hooks = hooks};
    Tensor *const inputs[INPUTS] = {[X] = x, [SKIP] = skip, [EMB] = emb, [TEXT] = text};
    /* A map that a loss is made from has to stay: such a unit is recorded as it runs, never run again. */
    if (tape->recording && unit->attention.block != NULL && hooks != NULL && hooks->map != NULL)
        return run_unit(tape, &call, inputs);
    return tape_segment(tape, run_unit, &call, sizeof call, inputs, INPUTS);
}

Tensor *run_giving_back(Tape *tape, Segment run, const void *context, size_t size, Tensor *const *inputs,
                        int count)
{
    if (tape->recording)
        return run(tape, context, inputs);
    return tape_segment(tape, run, context, size, inputs, count);
}
