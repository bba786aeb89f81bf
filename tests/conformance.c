/* conformance [DIR]: runs reference cases, one line a tensor: case, tensor, largest difference, tolerance, verdict.
 *
 * DIR is a folder of cases or one case; without it ../shared/cases, and where that is not, "skipped" and 0.
 * Exit codes: 0 every tensor passes, 1 something failed or was not run, 2 DIR is not there or holds no case. */
#include "tests/conformance.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/folder_list.h"

static const CaseKind *const KINDS[] = {
    &CASES_OF_TXT2IMG,
    &CASES_OF_VAE,
    &CASES_OF_CLIP_TEXT,
    &CASES_OF_CLIP_VISION,
    &CASES_OF_CONTROLNET,
    &CASES_OF_ADAPTER,
    &CASES_OF_UNET_GRADIENTS,
    &CASES_OF_VAE_GRADIENTS,
    &CASES_OF_LORA,
    &CASES_OF_IMG2IMG,
    &CASES_OF_INVERSION,
    &CASES_OF_TOKENIZER,
    &CASES_OF_RANDOM,
    &CASES_OF_RESIZE,
    &CASES_OF_FREQUENCY,
    &CASES_OF_DISTRIBUTION,
    &CASES_OF_LPIPS,
    &CASES_OF_EDICT, &CASES_OF_DOODL,
    &CASES_OF_ATTEND,
    &CASES_OF_LEDITS,
    &CASES_OF_INCEPTION,
    &CASES_OF_SCHEDULERS,
    NULL,
};

static bool has_file(const char *folder, const char *name, Arena *arena)
{
    const char *path = path_join(arena, folder, name);
    return path != NULL && file_exists(path);
}

/* The tensor file that case.json names under `key`, else the usual one; a usual one may be missing. */
static bool open_tensors(CaseFile *c, Safetensors *out, const char *key, const char *usual,
                         const char **path)
{
    Error err = {0};
    const char *named = json_text(json_get(c->json, key), NULL);
    *path = case_path(c, named != NULL ? named : usual);
    if (*path == NULL || (named == NULL && !file_exists(*path)))
        return true;
    return case_went_well(c, named != NULL ? named : usual, safetensors_open(out, *path, c->arena, &err),
                          &err);
}

/* "tensors" of case.json, or, where it has none, of the case to which its expected file belongs. */
static const Json *tensor_table(CaseFile *c, const char *expected)
{
    const Json *own = json_get(c->json, "tensors"), *other = NULL;
    Error err = {0};
    const char *slash = expected != NULL ? strrchr(expected, '/') : NULL;
    const char *folder = slash != NULL ? arena_text(c->arena, expected, (size_t)(slash - expected)) : NULL;
    const char *path = folder != NULL ? path_join(c->arena, folder, "case.json") : NULL;
    if (own != NULL || path == NULL || !file_exists(path) ||
        json_read(&other, path, c->arena, &err) != STATUS_OK)
        return own;
    return json_get(other, "tensors");
}

static bool open_case(CaseFile *c)
{
    Error err = {0};
    const char *ignored, *expected = NULL;
    if (!case_went_well(c, "case.json", json_read(&c->json, case_path(c, "case.json"), c->arena, &err),
                        &err))
        return false;
    if (json_kind(c->json) != JSON_OBJECT) {
        case_fail(c, "case.json", "expected an object");
        return false;
    }
    if (!open_tensors(c, &c->inputs, "inputs", "inputs.safetensors", &ignored) ||
        !open_tensors(c, &c->expected, "expected", "expected.safetensors", &expected))
        return false;
    c->tensors = tensor_table(c, expected);
    c->done = arena_alloc(c->arena, c->expected.count + 1, 1);
    return c->done != NULL;
}

/* What nobody produced, and what case.json lists and the file does not hold. */
static void count_the_rest(CaseFile *c, const char *waits_for)
{
    for (size_t i = 0; i < c->expected.count; i++)
        if (!c->done[i]) {
            printf("%-28s %-36s %11s %11s  %s%s\n", c->name, c->expected.entries[i].name, "-", "-",
                   waits_for != NULL ? "waiting: " : "not run", waits_for != NULL ? waits_for : "");
            c->count->waiting += waits_for != NULL;
            c->count->not_run += waits_for == NULL;
        }
    for (size_t i = 0; json_kind(c->tensors) == JSON_OBJECT && i < json_count(c->tensors); i++)
        if (!case_wants(c, json_key(c->tensors, i)))
            case_fail(c, json_key(c->tensors, i),
                      "case.json lists it, expected.safetensors does not hold it");
}

static void run_case(const char *folder, CaseCount *count)
{
    Arena arena = {0};
    const char *slash = strrchr(folder, '/');
    CaseFile c = {
        .name = slash != NULL ? slash + 1 : folder, .folder = folder, .arena = &arena, .count = count};
    const char *waits_for = NULL;
    int kinds = 0;
    if (open_case(&c)) {
        const int before = count->passed + count->failed;
        for (int k = 0; KINDS[k] != NULL; k++)
            if (KINDS[k]->handles(&c)) {
                kinds++;
                waits_for = KINDS[k]->waits_for;
                if (KINDS[k]->run != NULL)
                    KINDS[k]->run(&c);
            }
        if (kinds == 0)
            case_fail(&c, "case.json", "no handler knows this kind of case");
        else if (waits_for == NULL && count->passed + count->failed == before && c.expected.count == 0)
            case_fail(&c, "case.json", "nothing was compared");
        count_the_rest(&c, waits_for);
    }
    fflush(stdout);
    arena_free(&arena);
}

/* Folders below DIR with a case in them; a folder of tensors without a case.json is a broken case. */
static int run_folder(const char *folder, CaseCount *count, Arena *arena)
{
    const char *const *names = NULL;
    size_t n = 0;
    int cases = 0;
    Error err = {0};
    if (has_file(folder, "case.json", arena)) {
        run_case(folder, count);
        return 1;
    }
    if (folder_list(&names, &n, folder, NULL, arena, &err) != STATUS_OK) {
        fprintf(stderr, "conformance: %s\n", err.text);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const char *below = path_join(arena, folder, names[i]);
        if (below == NULL || !is_folder(below))
            continue;
        if (!has_file(below, "case.json", arena) && !has_file(below, "expected.safetensors", arena))
            continue; /* models */
        run_case(below, count);
        cases++;
    }
    return cases;
}

int main(int argc, char **argv)
{
    static const char *const USUAL = "../shared/cases";
    const char *folder = argc > 1 ? argv[1] : USUAL;
    CaseCount count = {0};
    Arena arena = {0};
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    if (argc > 2) {
        fprintf(stderr, "usage: conformance [DIR]\n");
        return 2;
    }
    if (!is_folder(folder)) {
        if (argc > 1)
            fprintf(stderr, "conformance: %s is not a folder\n", folder);
        else
            printf("skipped\n");
        return argc > 1 ? 2 : 0;
    }
    printf("%-28s %-36s %11s %11s  %s\n", "case", "tensor", "max error", "atol", "verdict");
    const char *plain = arena_text(&arena, folder, length);
    const int cases = plain != NULL ? run_folder(plain, &count, &arena) : 0;
    arena_free(&arena);
    if (cases == 0) {
        fprintf(stderr, "conformance: %s holds no case (a folder with case.json)\n", folder);
        return 2;
    }
    const int failed = count.failed + count.not_run;
    printf("%d cases: %d tensors pass, %d fail, %d not run, %d given, %d waiting\n", cases, count.passed,
           count.failed, count.not_run, count.given, count.waiting);
    printf("%d passed, %d failed\n", count.passed, failed);
    return failed != 0;
}
