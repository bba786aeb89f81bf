#include "metrics/statistics_file.h"

#include <math.h>
#include <string.h>

#include "io/npz.h"

enum { RECIPE_MOST = 4000 };

bool is_statistics_file(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && strcmp(dot, ".npz") == 0;
}

/* ---- reading ---- */

/* The array as (first,second), second 0: of one axis. */
static Status read_array(NpyArray *out, const Zip *zip, const char *name, uint64_t first, uint64_t second,
                         Arena *arena, Error *err)
{
    const Status status = npz_read(out, zip, name, arena, err);
    if (status != STATUS_OK)
        return status;
    const int rank = second > 0 ? 2 : 1;
    if (out->rank == rank && (first == 0 || out->dim[0] == first) && (rank == 1 || out->dim[1] == second))
        return STATUS_OK;
    return error_set(err, STATUS_FORMAT,
                     "%.150s: \"%s\" has %d axes, the first of %llu, expected %d of %llu%s", zip->name,
                     name, out->rank, out->rank > 0 ? (unsigned long long)out->dim[0] : 1ULL, rank,
                     (unsigned long long)(first > 0 ? first : 1), first > 0 ? "" : " or more");
}

static bool has(const Zip *zip, const char *member)
{
    return zip_find(zip, member) != NULL;
}

static Status read_doubles(double **out, const Zip *zip, const char *name, uint64_t first, uint64_t second,
                           uint64_t *length, Arena *arena, Error *err)
{
    NpyArray array;
    const Status status = read_array(&array, zip, name, first, second, arena, err);
    if (status != STATUS_OK)
        return status;
    if (array.dtype != F64 && array.dtype != F32)
        return error_set(err, STATUS_FORMAT, "%.150s: \"%s\" holds %s, expected F64", zip->name, name,
                         dtype_name(array.dtype));
    const size_t count = (size_t)npy_numbers(&array);
    double *x = arena_raw(arena, count, sizeof *x);
    if (x == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for \"%s\"", zip->name, name);
    dtype_to_f64(x, array.data, array.dtype, count);
    *length = array.dim[0];
    *out = x;
    return STATUS_OK;
}

static Status check_finite(const Zip *zip, const char *name, const double *x, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++)
        if (x[i] - x[i] != 0.0)
            return error_set(err, STATUS_NOT_FINITE, "%.150s: number %zu of \"%s\" is not finite",
                             zip->name, i, name);
    return STATUS_OK;
}

static Status read_moments(FeatureStatistics *s, const Zip *zip, int64_t count, Arena *arena, Error *err)
{
    uint64_t d = 0, rows;
    Status status = read_doubles(&s->mean, zip, "mu", 0, 0, &d, arena, err);
    if (status == STATUS_OK && (d < 1 || d > FEATURE_SUMS_WIDTH))
        status = error_set(err, STATUS_FORMAT, "%.150s: \"mu\" has %llu numbers, expected 1 to %d",
                           zip->name, (unsigned long long)d, FEATURE_SUMS_WIDTH);
    if (status == STATUS_OK)
        status = read_doubles(&s->covariance, zip, "sigma", d, d, &rows, arena, err);
    if (status != STATUS_OK)
        return status;
    s->d = (int)d;
    if (count == 0 || count == 1) {
        s->mean = s->covariance = NULL;
        return STATUS_OK;
    }
    status = check_finite(zip, "mu", s->mean, (size_t)d, err);
    return status == STATUS_OK ? check_finite(zip, "sigma", s->covariance, (size_t)(d * d), err) : status;
}

/* `count` whole numbers; low <= each <= high. */
static Status read_whole(int64_t *out, const Zip *zip, const char *name, int count, int64_t low,
                         int64_t high, Arena *arena, Error *err)
{
    NpyArray array;
    const Status status = npz_read(&array, zip, name, arena, err);
    if (status != STATUS_OK)
        return status;
    if (array.dtype != I64 || npy_numbers(&array) != (uint64_t)count)
        return error_set(err, STATUS_FORMAT, "%.150s: \"%s\" is not %d numbers I64", zip->name, name,
                         count);
    memcpy(out, array.data, (size_t)count * sizeof *out);
    for (int i = 0; i < count; i++)
        if (out[i] < low || out[i] > high)
            return error_set(err, STATUS_FORMAT, "%.150s: \"%s\" is %lld, expected %lld to %lld", zip->name,
                             name, (long long)out[i], (long long)low, (long long)high);
    return STATUS_OK;
}

/* No byte is a control character: it is printed. */
static bool is_line(const unsigned char *text, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        if (text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

static Status read_recipe(const char **out, const Zip *zip, Arena *arena, Error *err)
{
    NpyArray array;
    Status status = read_array(&array, zip, "recipe", 0, 0, arena, err);
    if (status == STATUS_OK &&
        (array.dtype != U8 || array.dim[0] > RECIPE_MOST || !is_line(array.data, array.dim[0])))
        status = error_set(err, STATUS_FORMAT, "%.150s: \"recipe\" is no line of text of up to %d bytes",
                           zip->name, RECIPE_MOST);
    if (status != STATUS_OK)
        return status;
    *out = arena_text(arena, array.data, (size_t)array.dim[0]);
    return *out != NULL ? STATUS_OK : error_set(err, STATUS_MEMORY, "%.150s: no memory", zip->name);
}

static Status read_sums(ExactSum **out, const Zip *zip, const char *name, size_t count, Arena *arena,
                        Error *err)
{
    NpyArray array;
    Status status = read_array(&array, zip, name, count, EXACT_LIMBS, arena, err);
    if (status == STATUS_OK && array.dtype != I64)
        status = error_set(err, STATUS_FORMAT, "%.150s: \"%s\" holds %s, expected I64", zip->name, name,
                           dtype_name(array.dtype));
    if (status != STATUS_OK)
        return status;
    ExactSum *sum = array.data;
    for (size_t i = 0; i < count; i++)
        if (!exact_is_carried(&sum[i]))
            return error_set(err, STATUS_FORMAT, "%.150s: row %zu of \"%s\" is no carried sum", zip->name,
                             i, name);
    *out = sum;
    return STATUS_OK;
}

static Status read_all(StatisticsFile *f, const Zip *zip, bool want_sums, Arena *arena, Error *err)
{
    int64_t n = -1, shard[2] = {1, 1};
    Status status = STATUS_OK;
    if (has(zip, "n.npy"))
        status = read_whole(&n, zip, "n", 1, 0, INT32_MAX, arena, err);
    if (status == STATUS_OK && has(zip, "shard.npy"))
        status = read_whole(shard, zip, "shard", 2, 1, INT32_MAX, arena, err);
    if (status == STATUS_OK && shard[0] > shard[1])
        status = error_set(err, STATUS_FORMAT, "%.150s: is shard %d of %d", zip->name, (int)shard[0],
                           (int)shard[1]);
    if (status == STATUS_OK && has(zip, "recipe.npy"))
        status = read_recipe(&f->recipe, zip, arena, err);
    if (status != STATUS_OK)
        return status;
    f->count = n;
    f->features.n = n > 0 ? (int)n : 0;
    status = read_moments(&f->features, zip, n, arena, err);
    f->shard = (int)shard[0];
    f->shards = (int)shard[1];
    f->has_sums = n >= 0 && has(zip, "sum.npy") && has(zip, "product.npy");
    if (!f->has_sums || !want_sums || status != STATUS_OK)
        return status;
    f->sums = (FeatureSums){.d = f->features.d, .n = (uint64_t)n};
    status = read_sums(&f->sums.sum, zip, "sum", (size_t)f->sums.d, arena, err);
    if (status == STATUS_OK)
        status = read_sums(&f->sums.product, zip, "product", feature_sums_products(f->sums.d), arena, err);
    return status;
}

Status statistics_file_read(StatisticsFile *out, const char *path, bool want_sums, Arena *arena, Error *err)
{
    Zip zip;
    StatisticsFile file = {.recipe = NULL};
    Status status = zip_open(&zip, path, arena, err);
    if (status == STATUS_OK)
        status = read_all(&file, &zip, want_sums, arena, err);
    if (status == STATUS_OK)
        *out = file;
    return status;
}

/* ---- writing ---- */

/* Statistics of less than two features: NaN. */
static Status no_statistics(FeatureStatistics *s, const FeatureSums *sums, Arena *arena, Error *err)
{
    const size_t d = (size_t)sums->d;
    s->mean = arena_raw(arena, d, sizeof *s->mean);
    s->covariance = arena_raw(arena, d, d * sizeof *s->covariance);
    if (s->mean == NULL || s->covariance == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the covariance of %d numbers", sums->d);
    for (size_t i = 0; i < d * d; i++)
        s->covariance[i] = NAN;
    for (size_t i = 0; i < d; i++)
        s->mean[i] = sums->n == 1 ? exact_value(sums->sum + i, -149) : NAN;
    s->n = (int)sums->n;
    s->d = sums->d;
    return STATUS_OK;
}

Status statistics_file_write(const char *path, StatisticsFile *file, Arena *arena, Error *err)
{
    FeatureStatistics *s = &file->features;
    FeatureSums *sums = &file->sums;
    feature_sums_carry(sums);
    const Status status =
        sums->n < 2 ? no_statistics(s, sums, arena, err) : feature_sums_statistics(s, sums, arena, err);
    if (status != STATUS_OK)
        return status;
    const uint64_t d = (uint64_t)s->d, limbs = EXACT_LIMBS, length = strlen(file->recipe);
    int64_t n = s->n, shard[2] = {file->shard, file->shards};
    char recipe[RECIPE_MOST + 1];
    if (length > RECIPE_MOST)
        return error_set(err, STATUS_ARGUMENT, "%s: a recipe of %zu bytes", path, (size_t)length);
    memcpy(recipe, file->recipe, length + 1);
    const NpzItem items[] = {
        {"mu", {.dtype = F64, .rank = 1, .dim = {d}, .data = s->mean}},
        {"sigma", {.dtype = F64, .rank = 2, .dim = {d, d}, .data = s->covariance}},
        {"n", {.dtype = I64, .rank = 0, .data = &n}},
        {"recipe", {.dtype = U8, .rank = 1, .dim = {length}, .data = recipe}},
        {"shard", {.dtype = I64, .rank = 1, .dim = {2}, .data = shard}},
        {"sum", {.dtype = I64, .rank = 2, .dim = {d, limbs}, .data = sums->sum}},
        {"product",
         {.dtype = I64, .rank = 2, .dim = {feature_sums_products(s->d), limbs}, .data = sums->product}},
    };
    return npz_write(path, items, sizeof items / sizeof items[0], false, arena, err);
}

/* ---- joining ---- */

Status statistics_file_join(StatisticsFile *to, const StatisticsFile *from, const char *to_name,
                            const char *from_name, Error *err)
{
    const bool to_lacks = !to->has_sums || to->recipe == NULL;
    if (to_lacks || !from->has_sums || from->recipe == NULL)
        return error_set(err, STATUS_ARGUMENT,
                         "%.150s has mean and covariance alone, which cannot be joined without rounding",
                         to_lacks ? to_name : from_name);
    if (from->sums.d != to->sums.d)
        return error_set(err, STATUS_SHAPE, "%.150s has features of %d numbers, %.150s of %d", to_name,
                         to->sums.d, from_name, from->sums.d);
    if (strcmp(from->recipe, to->recipe) != 0)
        return error_set(err, STATUS_ARGUMENT, "%.150s and %.150s have features by other recipes", to_name,
                         from_name);
    if (from->shards != to->shards)
        return error_set(err, STATUS_ARGUMENT, "%.150s is one of %d shards, %.150s of %d", to_name,
                         to->shards, from_name, from->shards);
    return feature_sums_join(&to->sums, &from->sums, err);
}

Status shards_are_whole(const int *shard, size_t count, int shards, Error *err)
{
    for (int k = 1; k <= shards && shards > 1; k++) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++)
            found += shard[i] == k;
        if (found != 1)
            return error_set(err, STATUS_ARGUMENT, "shard %d of %d is %s", k, shards,
                             found == 0 ? "missing" : "there twice");
    }
    return STATUS_OK;
}
