/* Distances between sets of features.  `values` has an object for each NAME: fid and what it is made of, kid_mean and
 * kid_std with kid_args, precision, recall and f_score, the Inception score (isc_args: samples_shuffle,
 * rng_seed; without them in the samples' order); inputs NAME.features_1 (generated),
 * NAME.features_2, NAME.logits.  Tensors: NAME.mu1, .sigma1, .sigma2, .kid_subset0_rows_1 and _2.  A NAME with inputs
 * NAME.S1 and NAME.S2 has square roots of matrices: .sqrt_S1 and .sqrt_S1S2.
 *
 * Tolerances: fid 1e-5 of itself, 1e-3 where a set has no more features than numbers in one; kid 1e-9; the rest 1e-6. */
#include "tests/conformance.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "metrics/frechet.h"
#include "metrics/inception_score.h"
#include "metrics/kernel_distance.h"
#include "metrics/precision_recall.h"
#include "nn/symmetric_root.h"

typedef struct {
    CaseFile *c;
    const char *name;
    const Json *values;
    const Tensor *x, *y; /* features_1 and _2 */
} Sets;

static const char *full(char text[200], const char *name, const char *part)
{
    snprintf(text, 200, "%.100s.%.90s", name, part);
    return text;
}

static bool handles(const CaseFile *c)
{
    const Json *values = json_get(c->json, "values");
    char text[200];
    for (size_t i = 0; i < json_count(values) && json_kind(values) == JSON_OBJECT; i++)
        if (case_has_input(c, full(text, json_key(values, i), "features_1")) ||
            case_has_input(c, full(text, json_key(values, i), "S1")))
            return true;
    return false;
}

/* A number of `values`, where the case has it; the tolerance is absolute, or relative when it is negative. */
static void check_value(const Sets *s, const char *key, double got, double tolerance)
{
    char text[200];
    const Json *value = json_get(s->values, key);
    const double want = json_number(value, 0.0);
    if (json_kind(value) == JSON_NUMBER)
        case_value(s->c, full(text, s->name, key), got, want,
                   tolerance < 0.0 ? -tolerance * fabs(want) : tolerance);
}

static void check_frechet(const Sets *s)
{
    char text[200];
    Error err = {0};
    FeatureStatistics a, b;
    FrechetDistance f;
    CaseFile *c = s->c;
    const int d = s->x->dim[1], n1 = s->x->dim[0], n2 = s->y->dim[0];
    if (!case_went_well(c, "fid", feature_statistics(&a, s->x->data, n1, d, c->arena, &err), &err) ||
        !case_went_well(c, "fid", feature_statistics(&b, s->y->data, n2, d, c->arena, &err), &err) ||
        !case_went_well(c, "fid", frechet_distance(&f, &a, &b, c->arena, &err), &err))
        return;
    const size_t D = (size_t)d;
    case_doubles(c, full(text, s->name, "mu1"), a.mean, D);
    case_doubles(c, full(text, s->name, "mu2"), b.mean, D);
    case_doubles(c, full(text, s->name, "sigma1"), a.covariance, D * D);
    case_doubles(c, full(text, s->name, "sigma2"), b.covariance, D * D);
    const double usual = n1 > d && n2 > d ? -1e-5 : -1e-3;
    check_value(s, "fid", f.distance, usual);
    check_value(s, "fid_with_scipy_sqrtm", f.distance, usual);
    check_value(s, "trace_sqrtm_scipy", f.trace_root, usual);
    check_value(s, "trace_sigma1", f.trace1, -1e-6);
    check_value(s, "trace_sigma2", f.trace2, -1e-6);
    check_value(s, "mu_diff_sq", f.mean_part, -1e-5);
}

static void check_rows(const Sets *s, const char *part, const int *rows, int count)
{
    char text[200];
    double *x = arena_raw(s->c->arena, (size_t)count, sizeof *x);
    for (int i = 0; x != NULL && i < count; i++)
        x[i] = rows[i];
    case_doubles_within(s->c, full(text, s->name, part), x, (size_t)count, 0.0);
}

static void check_kernel(const Sets *s)
{
    CaseFile *c = s->c;
    Error err = {0};
    KernelDistance k;
    const Json *json = json_get(s->values, "kid_args");
    KernelDistanceOptions o = KERNEL_DISTANCE_DEFAULTS;
    o.subsets = json_int(json_get(json, "kid_subsets"), o.subsets);
    o.size = json_int(json_get(json, "kid_subset_size"), o.size);
    o.degree = json_int(json_get(json, "kid_kernel_poly_degree"), o.degree);
    o.gamma = json_number(json_get(json, "kid_kernel_poly_gamma"), 0.0);
    o.coef0 = json_number(json_get(json, "kid_kernel_poly_coef0"), o.coef0);
    o.seed = (unsigned)json_number(json_get(json, "rng_seed"), o.seed);
    int *rows = o.size > 0 ? arena_raw(c->arena, 2 * (size_t)o.size, sizeof *rows) : NULL;
    const int n1 = s->x->dim[0], n2 = s->y->dim[0], d = s->x->dim[1];
    if (rows == NULL || json_get(s->values, "kid_mean") == NULL ||
        !case_went_well(c, "kid",
                        kernel_distance(&k, rows, s->x->data, n1, s->y->data, n2, d, &o, c->arena, &err),
                        &err))
        return;
    check_rows(s, "kid_subset0_rows_1", rows, o.size);
    check_rows(s, "kid_subset0_rows_2", rows + o.size, o.size);
    check_value(s, "kid_mean", k.mean, 1e-9);
    check_value(s, "kid_std", k.deviation, 1e-9);
    check_value(s, "kid_mean_float32", k.mean, 1e-6);
    o.sigma = 5.0;
    if (json_get(s->values, "kid_rbf_sigma5_mean") != NULL &&
        case_went_well(c, "kid",
                       kernel_distance(&k, NULL, s->x->data, n1, s->y->data, n2, d, &o, c->arena, &err),
                       &err)) {
        check_value(s, "kid_rbf_sigma5_mean", k.mean, 1e-9);
        check_value(s, "kid_rbf_sigma5_std", k.deviation, 1e-9);
    }
}

/* Shares are kept in binary32 by the library that the cases come from. */
static void check_shares(const Sets *s)
{
    Error err = {0};
    PrecisionRecall p;
    const int k = json_int(json_get(s->values, "prc_neighborhood"), 3);
    if (json_get(s->values, "precision") == NULL ||
        !case_went_well(s->c, "precision",
                        precision_recall(&p, s->x->data, s->x->dim[0], s->y->data, s->y->dim[0],
                                         s->x->dim[1], k, s->c->arena, &err),
                        &err))
        return;
    check_value(s, "precision", (double)(float)p.precision, 1e-7);
    check_value(s, "recall", (double)(float)p.recall, 1e-7);
    check_value(s, "f_score", p.f_score, 1e-6);
}

static void check_score(const Sets *s)
{
    static const char *const START = "isc_mean_splits";
    char text[200];
    Error err = {0};
    InceptionScore score;
    CaseFile *c = s->c;
    const Json *json = json_get(s->values, "isc_args");
    const unsigned number = (unsigned)json_number(json_get(json, "rng_seed"), 2020.0);
    const unsigned *seed = json_bool(json_get(json, "samples_shuffle"), false) ? &number : NULL;
    if (!case_has_input(c, full(text, s->name, "logits")))
        return;
    const Tensor *logits = case_input(c, text);
    for (size_t i = 0; logits != NULL && i < json_count(s->values); i++) {
        const char *key = json_key(s->values, i);
        int splits = 0;
        if (strncmp(key, START, strlen(START)) != 0 || sscanf(key + strlen(START), "%d", &splits) != 1 ||
            !case_went_well(c, key,
                            inception_score(&score, logits->data, logits->dim[0], logits->dim[1], splits, seed, c->arena, &err),
                            &err))
            continue;
        check_value(s, key, score.mean, -1e-6);
        snprintf(text, sizeof text, "isc_std_splits%d", splits);
        check_value(s, text, score.deviation, -1e-6);
    }
}

static void check_roots(const Sets *s, const Tensor *a, const Tensor *b)
{
    char text[200];
    Error err = {0};
    CaseFile *c = s->c;
    const int n = a->dim[0];
    const size_t N = (size_t)n;
    double *x = arena_raw(c->arena, 4 * N, N * sizeof *x), *y = x + N * N, *root = y + N * N,
           *product = root + N * N;
    if (x == NULL || a->rank != 2 || b->rank != 2 || a->dim[1] != n || !tensor_same_shape(a, b)) {
        case_fail(c, s->name, "expected two square matrices of one size");
        return;
    }
    for (size_t i = 0; i < N * N; i++) {
        x[i] = (double)a->data[i];
        y[i] = (double)b->data[i];
    }
    double trace = 0.0, trace_product = 0.0;
    if (!case_went_well(c, s->name, symmetric_root(root, x, n, c->arena, &err), &err) ||
        !case_went_well(c, s->name, product_root(product, x, y, n, c->arena, &err), &err) ||
        !case_went_well(c, s->name, product_root_trace(&trace_product, x, y, n, c->arena, &err), &err))
        return;
    for (size_t i = 0; i < N; i++)
        trace += root[i * N + i];
    case_doubles(c, full(text, s->name, "sqrt_S1"), root, N * N);
    case_doubles(c, full(text, s->name, "sqrt_S1S2"), product, N * N);
    check_value(s, "trace_sqrt_S1", trace, -1e-6);
    check_value(s, "trace_sqrt_S1S2", trace_product, -1e-6);
}

static void run_name(Sets *s)
{
    char text[200];
    CaseFile *c = s->c;
    if (case_has_input(c, full(text, s->name, "S1")) && case_has_input(c, full(text, s->name, "S2"))) {
        const Tensor *b = case_input(c, text), *a = case_input(c, full(text, s->name, "S1"));
        if (a != NULL && b != NULL)
            check_roots(s, a, b);
    }
    if (!case_has_input(c, full(text, s->name, "features_1")))
        return;
    s->x = case_input(c, text);
    s->y = case_input(c, full(text, s->name, "features_2"));
    if (s->x == NULL || s->y == NULL)
        return;
    if (s->x->rank != 2 || s->y->rank != 2 || s->x->dim[1] != s->y->dim[1]) {
        case_fail(c, text, "expected two sets of features of one length");
        return;
    }
    check_frechet(s);
    check_kernel(s);
    check_shares(s);
    check_score(s);
}

static void run(CaseFile *c)
{
    const Json *values = json_get(c->json, "values");
    for (size_t i = 0; i < json_count(values); i++) {
        Sets s = {.c = c, .name = json_key(values, i), .values = json_at(values, i)};
        run_name(&s);
    }
}

const CaseKind CASES_OF_DISTRIBUTION = {"distances between sets", handles, run, NULL};
