/* Two sets of hooks as one: their order, and that a failure of the first keeps the second from being asked. */
#include "diffusion/denoise_hooks.h"

#include <string.h>

#include "tests/check.h"

static char told[80];

typedef struct {
    const char *name;
    bool fails;
} Teller;

static Status tell(void *context, char what)
{
    const Teller *t = context;
    const size_t n = strlen(told);
    told[n] = what;
    told[n + 1] = '\0';
    strcat(told, t->name);
    return t->fails ? STATUS_ARGUMENT : STATUS_OK;
}

static Status before(void *context, const SamplerRun *run, int call, float *x, Error *err)
{
    (void)run, (void)call, (void)x, (void)err;
    return tell(context, 'b');
}

static Status guided(void *context, const SamplerRun *run, int call, const float *input, float *out,
                     Error *err)
{
    (void)run, (void)call, (void)input, (void)out, (void)err;
    return tell(context, 'g');
}

static Status after(void *context, const SamplerRun *run, int call, float *x, Error *err)
{
    (void)run, (void)call, (void)x, (void)err;
    return tell(context, 'a');
}

static bool progress(void *context, const DenoiseProgress *at)
{
    (void)at;
    return tell(context, 'p') == STATUS_OK;
}

static void ask(const DenoiseHooks *h, bool fails, const char *want)
{
    const DenoiseProgress at = {0};
    const Status status = fails ? STATUS_ARGUMENT : STATUS_OK;
    told[0] = '\0';
    CHECK(h->before(h->context, NULL, 0, NULL, NULL) == status);
    CHECK(h->guided(h->context, NULL, 0, NULL, NULL, NULL) == status);
    CHECK(h->after(h->context, NULL, 0, NULL, NULL) == status);
    CHECK(h->progress(h->context, &at) == !fails);
    CHECK_TEXT(told, want);
    CHECK(strlen(told) == strlen(want));
}

int main(void)
{
    Teller outer = {"O", false}, inner = {"I", false};
    const DenoiseHooks o = {&outer, before, guided, after, progress},
                       i = {&inner, before, guided, after, progress};
    DenoiseHookPair both = {&o, &i}, left = {&o, NULL}, right = {NULL, &i}, none = {NULL, NULL};
    const DenoiseHooks pairs[] = {denoise_hooks_pair(&both), denoise_hooks_pair(&left),
                                  denoise_hooks_pair(&right), denoise_hooks_pair(&none)};
    ask(&pairs[0], false, "bObIgOgIaIaOpIpO");
    ask(&pairs[1], false, "bOgOaOpO");
    ask(&pairs[2], false, "bIgIaIpI");
    ask(&pairs[3], false, "");
    outer.fails = inner.fails = true;
    ask(&pairs[0], true, "bOgOaIpI");
    return check_report("denoise_hooks");
}
