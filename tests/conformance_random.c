/* Generators: torch on the CPU and numpy's RandomState, both a Mersenne Twister.
 *
 *   seedS.randn.AxBxC, seedS.rand.N, seedS.randperm.N, seedS.randn_float64.N   the first call of a generator
 *   seedS.seq.L_CALL                 one generator, its calls by the letters L: randnN, randN, randint_LOW_HIGH_xN
 *   numpy.seedS.random_sample.N, randn.N, permutation.N, choice_M_N_noreplace
 * Tolerance, where case.json has none for the tensor: 1e-7, and 3e-6 for normals of 16 and more. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/elementary64.h"
#include "base/rng.h"
#include "tests/conformance.h"

enum { NAME = 100 };

static bool handles(const CaseFile *c)
{
    for (size_t i = 0; i < c->expected.count; i++) {
        const char *name = c->expected.entries[i].name;
        if (strncmp(name, "seed", 4) == 0 &&
            (strstr(name, ".randn.") != NULL || strstr(name, ".seq.") != NULL))
            return true;
    }
    return false;
}

static double atol_of(const CaseFile *c, const char *name, bool large_normals)
{
    return json_number(json_get(json_get(c->tensors, name), "suggested_atol"), large_normals ? 3e-6 : 1e-7);
}

/* "1x4x64x64" */
static size_t product(const char *sizes)
{
    size_t n = 1;
    for (char *end; *sizes != '\0'; sizes = *end == 'x' ? end + 1 : end + strlen(end))
        n *= (size_t)strtoul(sizes, &end, 10);
    return n;
}

/* ---- torch ---- */

static double uniform53(Rng *rng)
{
    const uint64_t high = rng_u32(rng), low = rng_u32(rng);
    return (double)((high << 32 | low) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

static void normal_pair(double *first, double *second, double radius, double angle)
{
    const double r = sqrt(-2.0 * log_f64(radius)), t = 2.0 * 3.14159265358979323846 * angle;
    *first = r * cos_f64(t);
    *second = r * sin_f64(t);
}

static void block64(double *x)
{
    for (int j = 0; j < 8; j++)
        normal_pair(&x[j], &x[j + 8], 1.0 - x[j], x[j + 8]);
}

/* torch.randn(n, dtype=float64): pairs below 16 numbers, else blocks of 16 and a tail drawn anew. */
static void normals64(double *out, size_t n, Rng *rng)
{
    if (n < 16) {
        for (size_t i = 0; i < n; i += 2) {
            const double angle = uniform53(rng), radius = uniform53(rng);
            double pair[2];
            normal_pair(&pair[0], &pair[1], 1.0 - radius, angle);
            memcpy(out + i, pair, (i + 1 < n ? 2 : 1) * sizeof *out);
        }
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = uniform53(rng);
    for (size_t i = 0; i + 16 <= n; i += 16)
        block64(out + i);
    if (n % 16 != 0) {
        for (size_t i = n - 16; i < n; i++)
            out[i] = uniform53(rng);
        block64(out + n - 16);
    }
}

/* One call of torch: "randn", "rand" and so on; the number of numbers, or 0 for a call that is not known. */
static size_t torch_call(double *out, size_t room, const char *call, const char *sizes, Rng *rng,
                         bool *large, Arena *arena)
{
    const size_t n = product(sizes);
    float *x = arena_raw(arena, n, sizeof *x);
    if (x == NULL || n > room)
        return 0;
    *large = strncmp(call, "randn", 5) == 0 && n >= 16;
    if (strcmp(call, "randn") == 0)
        rng_normal_fill(rng, x, n);
    else if (strcmp(call, "rand") == 0)
        rng_uniform_fill(rng, x, n);
    else if (strcmp(call, "randn_float64") == 0) {
        normals64(out, n, rng);
        return n;
    } else if (strcmp(call, "randperm") == 0) {
        for (size_t i = 0; i < n; i++)
            out[i] = (double)i;
        for (size_t i = 0; i + 1 < n; i++) {
            const size_t k = i + rng_below(rng, (uint32_t)(n - i));
            const double kept = out[i];
            out[i] = out[k];
            out[k] = kept;
        }
        return n;
    } else {
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (double)x[i];
    return n;
}

/* "randn5", "rand4", "randint_0_1000_x8" as a call of its own. */
static size_t sequence_call(double *out, size_t room, const char *call, Rng *rng, bool *large, Arena *arena)
{
    unsigned long low = 0, high = 0, n = 0;
    char kind[NAME];
    if (sscanf(call, "randint_%lu_%lu_x%lu", &low, &high, &n) == 3 && high > low && n <= room) {
        for (unsigned long i = 0; i < n; i++)
            out[i] = (double)(low + rng_below(rng, (uint32_t)(high - low)));
        return n;
    }
    const size_t letters = strcspn(call, "0123456789");
    snprintf(kind, sizeof kind, "%.*s", (int)letters, call);
    return torch_call(out, room, kind, call + letters, rng, large, arena);
}

static void check_torch(CaseFile *c, const SafetensorsEntry *entry, const char *rest, uint64_t seed,
                        double *out, size_t room)
{
    char call[NAME];
    bool large = false;
    const char *point = strchr(rest, '.');
    Rng rng = rng_stream(RNG_TORCH, seed, STREAM_TEST, 0);
    if (point == NULL)
        return;
    snprintf(call, sizeof call, "%.*s", (int)(point - rest), rest);
    const size_t n = torch_call(out, room, call, point + 1, &rng, &large, c->arena);
    if (n > 0)
        case_doubles_within(c, entry->name, out, n, atol_of(c, entry->name, large));
}

/* All calls of one generator, by their letters. */
static void check_sequence(CaseFile *c, const char *start, uint64_t seed, double *out, size_t room)
{
    Rng rng = rng_stream(RNG_TORCH, seed, STREAM_TEST, 0);
    const size_t length = strlen(start);
    for (char letter = 'a'; letter <= 'z'; letter++) {
        const char *name = NULL;
        for (size_t i = 0; i < c->expected.count && name == NULL; i++) {
            const char *candidate = c->expected.entries[i].name;
            if (strncmp(candidate, start, length) == 0 && candidate[length] == letter &&
                candidate[length + 1] == '_')
                name = candidate;
        }
        bool large = false;
        const size_t n =
            name != NULL ? sequence_call(out, room, name + length + 2, &rng, &large, c->arena) : 0;
        if (n == 0)
            return; /* what comes behind cannot be told */
        case_doubles_within(c, name, out, n, atol_of(c, name, large));
    }
}

/* ---- numpy.random.RandomState ---- */

/* 0 to most: words under the smallest mask, drawn again until one is not above. */
static uint32_t interval(Mt19937 *m, uint32_t most)
{
    uint32_t mask = most, value;
    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    do
        value = mt19937_u32(m) & mask;
    while (value > most);
    return value;
}

static void permutation(double *out, size_t n, Mt19937 *m)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (double)i;
    for (size_t i = n; i-- > 1;) {
        const size_t k = interval(m, (uint32_t)i);
        const double kept = out[i];
        out[i] = out[k];
        out[k] = kept;
    }
}

static double sample53(Mt19937 *m)
{
    const uint32_t high = mt19937_u32(m) >> 5, low = mt19937_u32(m) >> 6;
    return ((double)high * 67108864.0 + (double)low) / 9007199254740992.0;
}

/* The polar method; of each pair the second comes first. */
static void polar_normals(double *out, size_t n, Mt19937 *m)
{
    for (size_t i = 0; i < n; i += 2) {
        double x, y, square;
        do {
            x = 2.0 * sample53(m) - 1.0;
            y = 2.0 * sample53(m) - 1.0;
            square = x * x + y * y;
        } while (square >= 1.0 || square == 0.0);
        const double f = sqrt(-2.0 * log_f64(square) / square);
        out[i] = f * y;
        if (i + 1 < n)
            out[i + 1] = f * x;
    }
}

static void check_numpy(CaseFile *c, const SafetensorsEntry *entry, const char *rest, uint64_t seed,
                        double *out, size_t room)
{
    Mt19937 m;
    unsigned long all = 0, n = 0;
    mt19937_seed(&m, (uint32_t)seed);
    if (sscanf(rest, "random_sample.%lu", &n) == 1 && n <= room) {
        for (size_t i = 0; i < n; i++)
            out[i] = sample53(&m);
    } else if (sscanf(rest, "randn.%lu", &n) == 1 && n <= room) {
        polar_normals(out, n, &m);
    } else if (sscanf(rest, "permutation.%lu", &n) == 1 && n <= room) {
        permutation(out, n, &m);
    } else if (sscanf(rest, "choice_%lu_%lu_noreplace", &all, &n) == 2 && n <= all && all <= room) {
        permutation(out, all, &m);
    } else {
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (double)(float)out[i]; /* as the file keeps them */
    case_doubles_within(c, entry->name, out, n, atol_of(c, entry->name, false));
}

static void run(CaseFile *c)
{
    size_t room = 1 << 16;
    for (size_t i = 0; i < c->expected.count; i++)
        room = safetensors_numbers(&c->expected.entries[i]) > room
                   ? (size_t)safetensors_numbers(&c->expected.entries[i])
                   : room;
    double *out = arena_raw(c->arena, room, sizeof *out);
    for (size_t i = 0; out != NULL && i < c->expected.count; i++) {
        const SafetensorsEntry *entry = &c->expected.entries[i];
        const bool numpy = strncmp(entry->name, "numpy.", 6) == 0;
        const char *seed = entry->name + (numpy ? 6 : 0);
        char *rest;
        if (strncmp(seed, "seed", 4) != 0)
            continue;
        const uint64_t number = strtoull(seed + 4, &rest, 10);
        const bool sequence = strncmp(rest, ".seq.a_", 7) == 0;
        char start[NAME];
        snprintf(start, sizeof start, "%.*s.seq.", (int)(rest - entry->name), entry->name);
        if (numpy && *rest == '.')
            check_numpy(c, entry, rest + 1, number, out, room);
        else if (sequence)
            check_sequence(c, start, number, out, room);
        else if (*rest == '.' && strncmp(rest, ".seq.", 5) != 0)
            check_torch(c, entry, rest + 1, number, out, room);
    }
}

const CaseKind CASES_OF_RANDOM = {"generators", handles, run, NULL};
