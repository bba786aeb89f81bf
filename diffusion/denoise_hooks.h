/* diffusion/denoise_hooks.h - two sets of hooks as one: those of a pipeline inside those of its caller.
 *
 * Before a call and behind guidance the outer ones come first; after the step the inner ones, so that the outer ones see
 * the state that the next call starts from. */
#ifndef DIFFUSION_DENOISE_HOOKS_H
#define DIFFUSION_DENOISE_HOOKS_H

#include "diffusion/denoise.h"

typedef struct {
    const DenoiseHooks *outer, *inner; /* each may be NULL */
} DenoiseHookPair;

/* *pair must outlive the hooks. */
DenoiseHooks denoise_hooks_pair(DenoiseHookPair *pair);

#endif
