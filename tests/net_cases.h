/* tests/net_cases.h - tensors of the reference cases, and the models that they were made with. */
#ifndef TESTS_NET_CASES_H
#define TESTS_NET_CASES_H

#include "tests/cases.h"
#include "tests/net_check.h"

/* One tensor of a case's file; one without axes becomes (1). */
static inline Tensor *case_tensor(const Case *c, const Safetensors *file, const char *name)
{
    size_t count = 0;
    float *data = case_numbers(c, file, name, &count);
    Tensor *x = arena_alloc(c->arena, 1, sizeof *x);
    if (data == NULL || x == NULL)
        abort();
    const SafetensorsEntry *entry = safetensors_find(file, name);
    x->rank = entry->rank > 0 ? entry->rank : 1;
    for (int i = 0; i < TENSOR_RANK; i++)
        x->dim[i] = i < entry->rank ? (int)entry->dim[i] : 1;
    x->data = data;
    return x;
}

static inline Tensor *case_input(const Case *c, const char *name)
{
    return case_tensor(c, &c->inputs, name);
}

static inline bool case_check(const Case *c, const char *name, const Tensor *got)
{
    return case_compare(c, name, got != NULL ? got->data : NULL, got != NULL ? tensor_count(got) : 0);
}

/* The JSON file of that name below the folder of the cases; NULL, with a failed check, when it cannot be read. */
static inline const Json *case_json(Arena *arena, const char *below)
{
    char path[CASE_PATH];
    const Json *json = NULL;
    Error err = {0};
    if (!CHECK(json_read(&json, case_path(path, below), arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    return json;
}

#endif
