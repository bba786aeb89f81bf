/* tests/cases.h - the reference cases: folders with case.json, inputs.safetensors and expected.safetensors.
 *
 * They lie in the folder that the environment names CASES, by default ../shared/cases.  They are not part of
 * the project: a test that does not find them says that it skipped them and goes on. */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "tests/check.h"

enum { CASE_PATH = 600 };

/* Writes the path of a file of the cases into `path` and returns it. */
static inline const char *case_path(char path[CASE_PATH], const char *name)
{
    const char *folder = getenv("CASES");
    snprintf(path, CASE_PATH, "%s/%s", folder != NULL ? folder : "../shared/cases", name);
    return path;
}

/* True when the case is there; otherwise says that it is skipped. */
static inline bool case_exists(const char *name)
{
    char path[CASE_PATH], file[300];
    snprintf(file, sizeof file, "%s/case.json", name);
    if (file_exists(case_path(path, file)))
        return true;
    printf("skipped: no reference case %s\n", path);
    return false;
}

/* A case with its tensors: .json, .inputs, .expected. */
typedef struct {
    const char *name;
    const Json *json;
    Safetensors inputs, expected;
    Arena *arena;
} Case;

/* Opens all three files (inputs may be missing); false, with a failed check, when one cannot be read. */
static inline bool case_open(Case *c, const char *name, Arena *arena)
{
    char path[CASE_PATH], file[300];
    Error err = {0};
    *c = (Case){.name = name, .arena = arena};
    snprintf(file, sizeof file, "%s/case.json", name);
    Status status = json_read(&c->json, case_path(path, file), arena, &err);
    snprintf(file, sizeof file, "%s/expected.safetensors", name);
    if (status == STATUS_OK)
        status = safetensors_open(&c->expected, case_path(path, file), arena, &err);
    snprintf(file, sizeof file, "%s/inputs.safetensors", name);
    if (status == STATUS_OK && file_exists(case_path(path, file)))
        status = safetensors_open(&c->inputs, path, arena, &err);
    if (!CHECK(status == STATUS_OK))
        printf("    %s\n", err.text);
    return status == STATUS_OK;
}

/* The numbers of a tensor as binary32 and how many they are; NULL, with a failed check, when it is missing. */
static inline float *case_numbers(const Case *c, const Safetensors *file, const char *name, size_t *count)
{
    const SafetensorsEntry *entry = safetensors_find(file, name);
    Error err = {0};
    *count = entry != NULL ? (size_t)safetensors_numbers(entry) : 0;
    float *x = arena_raw(c->arena, *count, sizeof *x);
    if (entry == NULL || x == NULL || safetensors_read_f32(x, file, entry, &err) != STATUS_OK) {
        CHECK(!"the case holds the tensor");
        printf("    %s: %s %s\n", c->name, name, err.text);
        return NULL;
    }
    return x;
}

/* Compares with the expected tensor of that name within its suggested_atol; prints the largest difference
 * when it is larger. */
static inline bool case_compare(const Case *c, const char *name, const float *got, size_t count)
{
    size_t n = 0;
    const float *want = case_numbers(c, &c->expected, name, &n);
    const double atol =
        json_number(json_get(json_get(json_get(c->json, "tensors"), name), "suggested_atol"), 1e-5);
    double most = 0;
    bool good = want != NULL && n == count;
    for (size_t i = 0; good && i < n; i++) {
        const double d = fabs((double)got[i] - (double)want[i]);
        most = d > most || d != d ? d : most;
    }
    good = good && most <= atol;
    if (!CHECK(good && "equals the reference case"))
        printf("    %s: %s: largest difference %g, allowed %g; %zu numbers, expected %zu\n", c->name, name,
               most, atol, count, n);
    return good;
}

#endif
