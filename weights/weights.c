#include "weights/weights.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "weights/weight_file.h"

Weights weights_create(Arena *arena, uint64_t seed)
{
    return (Weights){.arena = arena, .create = true, .seed = seed};
}

const char *weights_child(char text[WEIGHTS_NAME], const char *prefix, const char *format, ...)
{
    char part[WEIGHTS_NAME];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(part, sizeof part, format, arguments);
    va_end(arguments);
    snprintf(text, WEIGHTS_NAME, "%.*s%s%.*s", 160, prefix, prefix[0] != '\0' ? "." : "", 94, part);
    return text;
}

/* FNV-1a, folded to the 48 bits of a stream's index: each parameter draws from a stream of its own. */
static uint64_t stream_of_name(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name != '\0'; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return (h ^ h >> 48) & 0xffffffffffffu;
}

static void draw(float *data, size_t count, Init init, uint64_t seed, const char *name)
{
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_INIT, stream_of_name(name));
    const float limit = (float)init.limit;
    if (init.kind == INIT_UNIFORM)
        rng_uniform_fill(&rng, data, count);
    else if (init.kind == INIT_NORMAL)
        rng_normal_fill(&rng, data, count);
    for (size_t i = 0; i < count; i++) {
        switch (init.kind) {
        case INIT_ZEROS: data[i] = 0.0f; break;
        case INIT_ONES: data[i] = 1.0f; break;
        case INIT_UNIFORM: /* u in [0,1) has 24 bits, so 2u - 1 is exact */
            data[i] = data[i] * 2.0f;
            data[i] = data[i] - 1.0f;
            data[i] = data[i] * limit;
            break;
        case INIT_NORMAL: data[i] = data[i] * limit; break;
        }
    }
}

static void *no_memory(Weights *w, const char *name)
{
    error_set(&w->error, STATUS_MEMORY, "no memory for the parameter %s", name);
    return NULL;
}

/* A new parameter at the end of the list, its numbers not yet filled. */
static Tensor *append(Weights *w, const char *name, int rank, const int *dim)
{
    Parameter *p = arena_alloc(w->arena, 1, sizeof *p);
    Tensor *x = arena_alloc(w->arena, 1, sizeof *x);
    if (p == NULL || x == NULL)
        return no_memory(w, name);
    x->rank = rank;
    for (int i = 0; i < TENSOR_RANK; i++)
        x->dim[i] = i < rank ? dim[i] : 1;
    x->wants_grad = w->trainable;
    x->keeps_grad = true;
    x->data = w->survey ? NULL : arena_raw(w->arena, tensor_count(x), sizeof *x->data);
    x->grad = w->trainable && !w->survey ? arena_alloc(w->arena, tensor_count(x), sizeof *x->grad) : NULL;
    p->name = arena_text(w->arena, name, strlen(name));
    p->tensor = x;
    if (p->name == NULL || (!w->survey && (x->data == NULL || (w->trainable && x->grad == NULL))))
        return no_memory(w, name);
    if (w->last != NULL)
        w->last->next = p;
    else
        w->first = p;
    w->last = p;
    w->count++;
    w->numbers += tensor_count(x);
    return x;
}

Tensor *weights_tensor(Weights *w, const char *prefix, const char *name, Init init, int rank,
                       const int *dim)
{
    char full[WEIGHTS_NAME];
    if (w->error.status != STATUS_OK)
        return NULL;
    assert(rank >= 0 && rank <= TENSOR_RANK);
    weights_child(full, prefix, "%s", name);
    Tensor *x = append(w, full, rank, dim);
    if (x == NULL)
        return NULL;
    if (w->create || (w->draw_missing && !weight_file_has(w, full)))
        draw(x->data, tensor_count(x), init, w->seed, full);
    else if (weight_file_read(w, full, x) != STATUS_OK)
        return NULL;
    return x;
}

bool weights_has(const Weights *w, const char *prefix, const char *name)
{
    char full[WEIGHTS_NAME];
    weights_child(full, prefix, "%s", name);
    return !w->create && weight_file_has(w, full);
}

void weights_ignore(Weights *w, const char *prefix, const char *name)
{
    char full[WEIGHTS_NAME];
    weights_child(full, prefix, "%s", name);
    weight_file_ignore(w, full);
}

static Affine affine(Weights *w, const char *prefix, const char *name, Init weight, Init bias,
                     bool has_bias, int rank, const int *dim)
{
    char part[WEIGHTS_NAME];
    Affine a = {NULL, NULL};
    snprintf(part, sizeof part, "%s.weight", name);
    a.weight = weights_tensor(w, prefix, part, weight, rank, dim);
    snprintf(part, sizeof part, "%s.bias", name);
    if (has_bias)
        a.bias = weights_tensor(w, prefix, part, bias, 1, dim);
    return a;
}

/* PyTorch's reset_parameters of Linear and Conv2d: kaiming_uniform_(a = sqrt(5)) is U(+-1/sqrt(fan in)), and the
 * bias the same. */
static Init fan_in_uniform(double fan_in)
{
    return (Init){INIT_UNIFORM, fan_in > 0.0 ? 1.0 / sqrt(fan_in) : 0.0};
}

Affine weights_linear(Weights *w, const char *prefix, const char *name, int out, int in)
{
    const Init init = fan_in_uniform(in);
    return affine(w, prefix, name, init, init, true, 2, (const int[]){out, in});
}

Affine weights_linear_no_bias(Weights *w, const char *prefix, const char *name, int out, int in)
{
    const Init init = fan_in_uniform(in);
    return affine(w, prefix, name, init, init, false, 2, (const int[]){out, in});
}

Affine weights_conv2d(Weights *w, const char *prefix, const char *name, int out, int in, int kernel)
{
    const Init init = fan_in_uniform((double)in * kernel * kernel);
    return affine(w, prefix, name, init, init, true, 4, (const int[]){out, in, kernel, kernel});
}

Affine weights_norm(Weights *w, const char *prefix, const char *name, int channels)
{
    return affine(w, prefix, name, (Init){INIT_ONES, 0}, (Init){INIT_ZEROS, 0}, true, 1, &channels);
}

Status weights_finish(Weights *w, Error *err)
{
    if (w->error.status == STATUS_OK)
        weight_file_check_all_asked(w);
    if (w->error.status != STATUS_OK)
        return error_set(err, w->error.status, "%s", w->error.text);
    return STATUS_OK;
}

size_t weights_freeze(Weights *w, const char *prefix)
{
    const size_t length = strlen(prefix);
    size_t count = 0;
    for (Parameter *p = w->first; p != NULL; p = p->next)
        if (strncmp(p->name, prefix, length) == 0 && (p->name[length] == '.' || p->name[length] == '\0')) {
            p->tensor->wants_grad = p->tensor->keeps_grad = false;
            p->tensor->grad = NULL;
            count++;
        }
    return count;
}

void weights_zero_grad(Weights *w)
{
    for (Parameter *p = w->first; p != NULL; p = p->next)
        if (p->tensor->grad != NULL)
            memset(p->tensor->grad, 0, tensor_count(p->tensor) * sizeof *p->tensor->grad);
}
