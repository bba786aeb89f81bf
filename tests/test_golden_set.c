/* Golden sets: our results lie within honest bounds; a written set reads back, does not depend on threads, shows damage;
 * and wrong implementations are caught, named, and told apart from merely different ones. */
#include "cli/golden_set.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/bits.h"
#include "base/file.h"
#include "base/threads.h"
#include "cli/golden_operator.h"
#include "io/safetensors.h"
#include "io/sha256.h"
#include "tests/check.h"
#include "tests/scratch.h"

static Result silent; /* lines are not printed, what is for programs is kept */
static const GoldenOptions some = {.only = "s", .result = &silent}; /* softmax to samplers */
static const GoldenOptions strict = {.strict = true, .result = &silent};

static const char *in_folder(char path[2 * SCRATCH_PATH], const char *folder, const char *name)
{
    snprintf(path, 2 * SCRATCH_PATH, "%s/%s", folder, name);
    return path;
}

static void remove_set(const char *folder)
{
    char path[2 * SCRATCH_PATH], name[300];
    for (size_t i = 0; golden_part(i).name != NULL; i++) {
        snprintf(name, sizeof name, "%s.safetensors", golden_part(i).name);
        remove(in_folder(path, folder, name));
    }
    remove(in_folder(path, folder, "index.json"));
    remove(folder);
}

/* The networks of the shipped model take seconds: tests/test_golden_stages.c. */
static bool is_network(const char *name)
{
    static const char *const names[] = {"text_encoder", "vae_decoder", "vae_encoder", "unet"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* ---- bounds ---- */

/* The largest |bits - truth| / bound. */
static double worst_share(const GoldenTensor *t)
{
    double worst = 0.0;
    for (size_t i = 0; i < t->count; i++) {
        double got;
        const double bound = t->bound[t->bounds == 1 ? 0 : i];
        dtype_to_f64(&got, (const char *)t->bits + i * dtype_size(t->dtype), t->dtype, 1);
        const double share = golden_excess(got, t->truth[i], bound, t->dtype != F32);
        worst = share > worst ? share : worst;
    }
    return worst;
}

static bool named(const char *name, const char *ending)
{
    const size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcmp(name + n - m, ending) == 0;
}

/* Operators whose result is one of their inputs, and long sums, which we make in binary64. */
static bool is_nearly_exact(const char *name)
{
    static const char *const names[] = {"relu", "absolute", "sum_all", "mean_all"};
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void check_shares(const GoldenFile *file)
{
    for (const GoldenCase *c = file->first; c != NULL; c = c->next)
        for (const GoldenTensor *t = c->first; t != NULL; t = t->next) {
            const double share = t->truth != NULL ? worst_share(t) : 0.0;
            const bool exact = is_nearly_exact(c->operation);
            if (!CHECK(share <= 1.0))
                printf("    %s: error is %g of its bound\n", t->tensor, share);
            const bool rounds = t->dtype == F32 && t->truth != NULL && t->count > 0 && t->bound[0] > 0.0 &&
                                strcmp(t->tensor, "ema/ordinary/step_01") != 0; /* a copy */
            if (t->role == GOLDEN_OUTPUT && named(c->name, "/ordinary") && !exact && rounds &&
                !CHECK(share > 1.0 / 500.0))
                printf("    %s: error is only %g of its bound\n", t->tensor, share);
        }
}

static void test_our_results_are_within_bounds_that_are_not_empty(void)
{
    for (size_t i = 0; golden_part(i).name != NULL; i++) {
        const GoldenPart part = golden_part(i);
        Arena arena = {.limit = 0};
        GoldenFile file = {.arena = &arena, .name = part.name};
        if (is_network(part.name))
            continue;
        part.make(&file, part.context);
        CHECK(file.error.status == STATUS_OK && file.first != NULL);
        check_shares(&file);
        arena_free(&arena);
    }
}

/* ---- files ---- */

static void hash_of(char hash[65], const char *folder)
{
    char path[2 * SCRATCH_PATH];
    CHECK(sha256_file(hash, in_folder(path, folder, "index.json"), NULL) == STATUS_OK);
}

static void test_threads_and_damage(const char *folder)
{
    char one[65], three[65], path[2 * SCRATCH_PATH], inside[300];
    Error err = {.status = STATUS_OK};
    threads_set(1);
    CHECK(golden_write(folder, &some, &err) == STATUS_OK);
    hash_of(one, folder);
    threads_set(3);
    CHECK(golden_write(folder, &some, &err) == STATUS_OK);
    hash_of(three, folder); /* holds the hashes of all files */
    CHECK(strcmp(one, three) == 0);
    threads_set(0);
    CHECK(golden_check(folder, &some, &err) == STATUS_OK);

    /* One bit of one file: the hash says which file, the numbers which tensor. */
    Arena arena = {.limit = 0};
    Bytes bytes;
    const GoldenOptions one_part = {.only = "softmax", .result = &silent};
    in_folder(path, folder, "softmax.safetensors");
    CHECK(file_read(&bytes, path, &arena, &err) == STATUS_OK);
    bytes.data[bytes.size - 1] ^= 1u;
    CHECK(file_write(path, bytes.data, bytes.size, &err) == STATUS_OK);
    CHECK(golden_check(folder, &one_part, &err) == STATUS_DIFFERENT);
    CHECK_TEXT(err.text, "softmax.safetensors");
    bytes.data[bytes.size - 1] ^= 1u;
    CHECK(file_write(path, bytes.data, bytes.size, NULL) == STATUS_OK);
    CHECK(golden_check(folder, &one_part, NULL) == STATUS_OK);
    err = (Error){.status = STATUS_OK};
    snprintf(inside, sizeof inside, "%s", "silu.safetensors");
    remove(in_folder(path, folder, inside));
    CHECK(golden_check(folder, &some, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, inside);
    CHECK(golden_write(folder, &some, NULL) == STATUS_OK);
    arena_free(&arena);
}

/* ---- other implementations ---- */

/* Changes the numbers of one tensor; NULL data: leaves it out. */
typedef struct {
    const char *tensor;
    float *(*change)(const GoldenFile *file, const GoldenCase *c, const GoldenTensor *t);
} Wrong;

/* What somebody else's program would store: outputs and gradients of the contract, but for one tensor. */
static void write_other(const char *folder, const char *part_name, const Wrong *wrong)
{
    CHECK(folder_make(folder, NULL) == STATUS_OK);
    for (size_t i = 0; golden_part(i).name != NULL; i++) {
        const GoldenPart part = golden_part(i);
        if (strcmp(part.name, part_name) != 0)
            continue;
        Arena arena = {.limit = 0};
        GoldenFile file = {.arena = &arena, .name = part.name};
        SafetensorsItem item[400];
        size_t n = 0;
        part.make(&file, part.context);
        for (const GoldenCase *c = file.first; c != NULL; c = c->next)
            for (const GoldenTensor *t = c->first; t != NULL && n < 400; t = t->next) {
                if (t->truth == NULL)
                    continue;
                const void *data = t->bits;
                if (wrong != NULL && strcmp(wrong->tensor, t->tensor) == 0)
                    data = wrong->change(&file, c, t);
                if (data == NULL)
                    continue;
                item[n] =
                    (SafetensorsItem){.name = t->tensor, .dtype = t->dtype, .rank = t->rank, .data = data};
                memcpy(item[n++].dim, t->dim, sizeof t->dim);
            }
        char path[2 * SCRATCH_PATH], name[300];
        snprintf(name, sizeof name, "%s.safetensors", part.name);
        CHECK(safetensors_write(in_folder(path, folder, name), item, n, NULL, &arena, NULL) == STATUS_OK);
        arena_free(&arena);
    }
}

static const float *given(const GoldenCase *c, const char *name)
{
    for (const GoldenTensor *t = c->first; t != NULL; t = t->next)
        if (strcmp(t->name, name) == 0)
            return t->bits;
    return NULL;
}

static float *copy_of(const GoldenFile *file, const GoldenTensor *t)
{
    float *y = arena_raw(file->arena, t->count, sizeof *y);
    memcpy(y, t->bits, t->count * sizeof *y);
    return y;
}

/* The sums of matmul/long_sum (3,700) (700,5) from the last term to the first. */
static float *swapped_order(const GoldenFile *file, const GoldenCase *c, const GoldenTensor *t)
{
    float *y = copy_of(file, t);
    const float *a = given(c, "input"), *b = given(c, "other");
    for (int i = 0; i < 15; i++) {
        float s = 0.0f;
        for (int k = 699; k >= 0; k--) {
            const float p = a[i / 5 * 700 + k] * b[k * 5 + i % 5];
            s = s + p;
        }
        y[i] = s;
    }
    return y;
}

/* An exp that is one step too large: the sums of the softmax are as well, but not by as many bits. */
static float *exp_off_by_one_step(const GoldenFile *file, const GoldenCase *c, const GoldenTensor *t)
{
    float *y = copy_of(file, t);
    const float *x = given(c, "input");
    for (int r = 0; r < 6; r++, x += 17, y += 17) {
        float most = x[0];
        double sum = 0.0;
        for (int i = 1; i < 17; i++)
            most = x[i] > most ? x[i] : most;
        for (int i = 0; i < 17; i++) {
            const float shifted = x[i] - most;
            y[i] = (float)truth_exp(shifted);
            y[i] = i % 2 == 0 ? bits_float(float_bits(y[i]) + 1) : y[i];
            sum += y[i];
        }
        for (int i = 0; i < 17; i++)
            y[i] = (float)(y[i] / sum);
    }
    return y - 6 * 17;
}

/* group_norm/large_eps (1,4,6), 2 groups, whose eps of 0.5 was forgotten. */
static float *missing_eps(const GoldenFile *file, const GoldenCase *c, const GoldenTensor *t)
{
    float *y = copy_of(file, t);
    const float *x = given(c, "input"), *gamma = given(c, "weight"), *beta = given(c, "bias");
    for (int g = 0; g < 2; g++) {
        double mean = 0.0, variance = 0.0;
        for (int i = g * 12; i < g * 12 + 12; i++)
            mean += x[i] / 12.0;
        for (int i = g * 12; i < g * 12 + 12; i++)
            variance += (x[i] - mean) * (x[i] - mean) / 12.0;
        for (int i = g * 12; i < g * 12 + 12; i++)
            y[i] = (float)((x[i] - mean) / sqrt(variance) * gamma[i / 6] + beta[i / 6]);
    }
    return y;
}

static float *left_out(const GoldenFile *file, const GoldenCase *c, const GoldenTensor *t)
{
    (void)file, (void)c, (void)t;
    return NULL;
}

static float *a_nan(const GoldenFile *file, const GoldenCase *c, const GoldenTensor *t)
{
    float *y = copy_of(file, t);
    (void)c;
    y[t->count - 1] = bits_float(0x7fc00000u);
    return y;
}

/* bound, bits: what the two modes have to say. */
static void check_wrong(const char *folder, const char *part, const Wrong *wrong, Status bound, Status bits)
{
    char other[SCRATCH_PATH];
    Error err = {.status = STATUS_OK}, strict_err = {.status = STATUS_OK};
    const GoldenOptions options[2] = {{.only = part, .result = &silent},
                                      {.strict = true, .only = part, .result = &silent}};
    scratch_path(other, "golden-other");
    CHECK(golden_write(folder, &options[0], NULL) == STATUS_OK);
    write_other(other, part, wrong);
    CHECK(golden_against(folder, other, &options[0], &err) == bound);
    CHECK(golden_against(folder, other, &options[1], &strict_err) == bits);
    if (wrong != NULL && bound != STATUS_OK)
        CHECK_TEXT(err.text, wrong->tensor);
    if (wrong != NULL)
        CHECK_TEXT(strict_err.text, wrong->tensor);
    remove_set(other);
}

static void test_wrong_implementations(const char *folder)
{
    const Wrong order = {"matmul/long_sum/output", swapped_order},
                eps = {"group_norm/large_eps/output", missing_eps},
                exponential = {"softmax/ordinary/output", exp_off_by_one_step},
                missing = {"linear/no_bias/weight.grad", left_out},
                nan = {"conv2d/stride_2/input.grad", a_nan};
    check_wrong(folder, "matmul", NULL, STATUS_OK, STATUS_OK);
    check_wrong(folder, "matmul", &order, STATUS_OK, STATUS_DIFFERENT);
    check_wrong(folder, "softmax", &exponential, STATUS_OK, STATUS_DIFFERENT);
    check_wrong(folder, "group_norm", &eps, STATUS_DIFFERENT, STATUS_DIFFERENT);
    check_wrong(folder, "linear", &missing, STATUS_DIFFERENT, STATUS_DIFFERENT);
    check_wrong(folder, "conv2d", &nan, STATUS_DIFFERENT, STATUS_DIFFERENT);
}

/* An implementation that computes what has to be refused. */
static void test_invalid_arguments_that_were_computed(const char *folder)
{
    char other[SCRATCH_PATH], path[2 * SCRATCH_PATH];
    Arena arena = {.limit = 0};
    Error err = {.status = STATUS_OK};
    const float one = 1.0f;
    const GoldenOptions options = {.only = "matmul/batches_differ", .result = &silent};
    const SafetensorsItem item = {
        .name = "matmul/batches_differ/output", .dtype = F32, .rank = 1, .dim = {1}, .data = &one};
    const GoldenOptions part = {.only = "matmul", .result = &silent};
    scratch_path(other, "golden-other");
    CHECK(golden_write(folder, &part, NULL) == STATUS_OK);
    CHECK(folder_make(other, NULL) == STATUS_OK);
    CHECK(golden_against(folder, other, &options, &err) == STATUS_OK);
    CHECK(safetensors_write(in_folder(path, other, "matmul.safetensors"), &item, 1, NULL, &arena, NULL) ==
          STATUS_OK);
    CHECK(golden_against(folder, other, &options, &err) == STATUS_DIFFERENT);
    CHECK_TEXT(err.text, "matmul/batches_differ/output");
    remove_set(other);
    arena_free(&arena);
}

/* Somebody who computes in binary64: the truth itself, stored as it is, is within every bound. */
static void test_the_truth_is_within_bounds(const char *folder)
{
    char other[SCRATCH_PATH], path[2 * SCRATCH_PATH];
    const GoldenOptions options = {.only = "linear", .result = &silent};
    Arena arena = {.limit = 0};
    GoldenFile file = {.arena = &arena, .name = "linear"};
    SafetensorsItem item[100];
    size_t n = 0;
    for (size_t i = 0; golden_part(i).name != NULL; i++)
        if (strcmp(golden_part(i).name, "linear") == 0)
            golden_part(i).make(&file, golden_part(i).context);
    for (const GoldenCase *c = file.first; c != NULL; c = c->next)
        for (const GoldenTensor *t = c->first; t != NULL && n < 100; t = t->next)
            if (t->truth != NULL) {
                item[n] =
                    (SafetensorsItem){.name = t->tensor, .dtype = F64, .rank = t->rank, .data = t->truth};
                memcpy(item[n++].dim, t->dim, sizeof t->dim);
            }
    scratch_path(other, "golden-other");
    CHECK(golden_write(folder, &options, NULL) == STATUS_OK && folder_make(other, NULL) == STATUS_OK);
    CHECK(safetensors_write(in_folder(path, other, "linear.safetensors"), item, n, NULL, &arena, NULL) ==
          STATUS_OK);
    CHECK(golden_against(folder, other, &options, NULL) == STATUS_OK);
    remove_set(other);
    arena_free(&arena);
}

static void test_damaged_index(const char *folder)
{
    static const char *const texts[] = {
        "", "{}", "{\"cases\": 3}", "{\"cases\": [{\"file\": \"nothing.safetensors\"}]}",
        "{\"cases\": [{\"file\": \"matmul.safetensors\", \"outputs\": [{\"tensor\": \"x\"}]}]}"};
    char path[2 * SCRATCH_PATH];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        Error err = {.status = STATUS_OK};
        CHECK(file_write(in_folder(path, folder, "index.json"), texts[i], strlen(texts[i]), NULL) ==
              STATUS_OK);
        const Status status = golden_against(folder, folder, &strict, &err);
        CHECK(status == STATUS_FORMAT || status == STATUS_FILE);
    }
}

/* Memory that ends while a part is made: a clean STATUS_MEMORY each time. */
static void test_failing_allocations(void)
{
    Status status = STATUS_MEMORY;
    for (size_t n = 1; n < 100000 && status == STATUS_MEMORY; n += 37) {
        Arena arena = {.fail_after = n};
        GoldenFile file = {.arena = &arena, .name = golden_part(0).name};
        golden_part(0).make(&file, golden_part(0).context);
        status = file.error.status;
        arena_free(&arena);
    }
    CHECK(status == STATUS_OK);
}

/* One allocation of some forty that are spread over the making of each part fails, and that one alone. */
static void test_single_failing_allocations(void)
{
    static const char *const names[] = {"reshape", "ema",       "grad_clip", "lr_schedules",
                                        "random",  "schedules", "samplers",  "optimizers"};
    for (size_t i = 0; golden_part(i).name != NULL; i++)
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            const GoldenPart part = golden_part(i);
            size_t step = 1, all = 0;
            if (strcmp(names[k], part.name) != 0)
                continue;
            for (size_t n = 0; n == 0 || n <= all; n += step) { /* n = 0: none fails, and all are counted */
                ArenaAccount account = {.fail_at = n};
                Arena arena = {.account = &account};
                GoldenFile file = {.arena = &arena, .name = part.name};
                part.make(&file, part.context);
                if (!CHECK(file.error.status == (n == 0 ? STATUS_OK : STATUS_MEMORY)))
                    printf("    %s, allocation %zu: %s\n", part.name, n, file.error.text);
                if (n == 0) {
                    all = account.calls;
                    step = all / 40 + 1;
                }
                arena_free(&arena);
            }
        }
}

int main(void)
{
    char folder[SCRATCH_PATH];
    scratch_path(folder, "golden-set");
    result_begin(&silent, "golden", true, NULL);
    test_our_results_are_within_bounds_that_are_not_empty();
    test_threads_and_damage(folder);
    test_wrong_implementations(folder);
    test_invalid_arguments_that_were_computed(folder);
    test_the_truth_is_within_bounds(folder);
    test_damaged_index(folder);
    test_failing_allocations();
    test_single_failing_allocations();
    remove_set(folder);
    arena_free(&silent.arena);
    return check_report("golden_set");
}
