/* cli/golden_random.c - golden streams of random numbers: words, uniforms, normals, permutations. */
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "cli/golden_operator.h"
#include "cli/golden_parts.h"
#include "io/sha256.h"

enum { LONGEST = 2048 };

typedef struct {
    const char *name;
    RngKind kind;
    uint64_t seed, index;
    RngPurpose purpose;
    int count;
} Stream;

static const Stream streams[] = {
    {"philox", RNG_PHILOX, 0, 0, STREAM_TEST, LONGEST},
    {"philox_one", RNG_PHILOX, 1234, 7, STREAM_NOISE, 1},
    {"philox_odd", RNG_PHILOX, 0xffffffffffffffffu, 0xffffffffffffu, STREAM_ORDER, 131},
    {"torch", RNG_TORCH, 0, 0, STREAM_TEST, LONGEST},
    {"torch_15", RNG_TORCH, 1234, 0, STREAM_TEST, 15},
    {"torch_16", RNG_TORCH, 1234, 0, STREAM_TEST, 16},
    {"torch_100", RNG_TORCH, 5489, 0, STREAM_TEST, 100},
};

static Rng stream_of(const Stream *s)
{
    return rng_stream(s->kind, s->seed, s->purpose, s->index);
}

/* Whole numbers: nothing but their own bits is right. */
static void add_words(GoldenFile *file, GoldenCase *c, const char *name, const uint32_t *word, int count)
{
    const double none = 0.0;
    double truth[LONGEST];
    uint32_t *kept = arena_raw(file->arena, LONGEST, sizeof *kept);
    if (kept == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    memcpy(kept, word, (size_t)count * sizeof *kept);
    for (int i = 0; i < count; i++)
        truth[i] = word[i];
    golden_result_raw(file, c, name, U32, (size_t)count, kept, truth, &none, 1);
}

static void add_uniforms(GoldenFile *file, GoldenCase *c, const Stream *s)
{
    const double none = 0.0;
    float got[LONGEST];
    double truth[LONGEST];
    Rng a = stream_of(s), b = stream_of(s);
    rng_uniform_fill(&a, got, (size_t)s->count);
    for (int i = 0; i < s->count; i++) {
        const uint32_t word = rng_u32(&b);
        truth[i] = (s->kind == RNG_TORCH ? word & 0xffffffu : word >> 8) * 0x1p-24;
    }
    golden_result(file, c, GOLDEN_OUTPUT, "uniform", 1, &s->count, got, truth, &none, 1);
}

/* y[0] = r cos t, y[1] = r sin t with r = sqrt(-2 log u), t = 2 pi v. */
static void true_pair(Truth *t, TruthId y[2], double u, double v)
{
    const TruthId log_u = truth_unary(t, TRUTH_LOG, truth_leaf(t, u));
    const TruthId r = truth_unary(t, TRUTH_SQRT, truth_scale(t, log_u, -2.0));
    const TruthId circle =
        truth_binary(t, TRUTH_MULTIPLY, truth_leaf(t, 0x1.921fb54442d18p+2), truth_leaf(t, 1.0));
    const TruthId angle =
        truth_binary(t, TRUTH_MULTIPLY, circle, truth_leaf(t, v)); /* 2 pi is rounded, too */
    y[0] = truth_binary(t, TRUTH_MULTIPLY, r, truth_unary(t, TRUTH_COS, angle));
    y[1] = truth_binary(t, TRUTH_MULTIPLY, r, truth_unary(t, TRUTH_SIN, angle));
}

static double torch_uniform53(Rng *rng)
{
    const uint64_t high = rng_u32(rng), low = rng_u32(rng);
    return (double)((high << 32 | low) & (((uint64_t)1 << 53) - 1)) * 0x1p-53;
}

/* Blocks of 16 uniforms: number j is the radius and j + 8 the angle of a pair. */
static void true_torch_blocks(Truth *t, TruthId *y, Rng *rng, int n)
{
    double uniform[LONGEST];
    for (int i = 0; i < n; i++)
        uniform[i] = (rng_u32(rng) & 0xffffffu) * 0x1p-24;
    for (int at = 0; at < n; at += 16) {
        const int from =
            at + 16 <= n ? at : n - 16; /* what is left over is drawn anew, with its neighbours */
        for (int i = 0; from != at && i < 16; i++)
            uniform[from + i] = (rng_u32(rng) & 0xffffffu) * 0x1p-24;
        for (int j = 0; j < 8; j++) {
            TruthId pair[2];
            true_pair(t, pair, 1.0 - uniform[from + j], uniform[from + j + 8]);
            y[from + j] = pair[0];
            y[from + j + 8] = pair[1];
        }
    }
}

static void true_normals(Truth *t, TruthId *y, const Stream *s)
{
    Rng rng = stream_of(s);
    if (s->kind == RNG_TORCH && s->count >= 16) {
        true_torch_blocks(t, y, &rng, s->count);
        return;
    }
    for (int i = 0; i < s->count; i += 2) {
        TruthId pair[2];
        double u, v;
        if (s->kind == RNG_TORCH) {
            v = torch_uniform53(&rng);
            u = 1.0 - torch_uniform53(&rng);
        } else {
            u = ((rng_u32(&rng) >> 8) + 1u) * 0x1p-24;
            v = (rng_u32(&rng) >> 8) * 0x1p-24;
        }
        true_pair(t, pair, u, v);
        y[i] = pair[0];
        if (i + 1 < s->count)
            y[i + 1] = pair[1];
    }
}

static void add_normals(GoldenFile *file, GoldenCase *c, const Stream *s)
{
    Arena arena = {.account = file->arena->account};
    Truth t = truth_begin(&arena, false);
    float got[LONGEST];
    double truth[LONGEST], bound[LONGEST];
    TruthId y[LONGEST];
    Rng rng = stream_of(s);
    rng_normal_fill(&rng, got, (size_t)s->count);
    true_normals(&t, y, s);
    for (int i = 0; i < s->count && !t.failed; i++) {
        const TruthNumber x = truth_number(&t, y[i]);
        truth[i] = x.v;
        bound[i] = x.e;
    }
    if (t.failed)
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
    else
        golden_result(file, c, GOLDEN_OUTPUT, "normal", 1, &s->count, got, truth, bound, (size_t)s->count);
    arena_free(&arena);
}

/* ---- chains: long vectors, of which only hashes are kept ---- */

enum { LINKS = 128, LINK = 1024, HASH = 32 };
typedef enum { CHAIN_WORDS, CHAIN_UNIFORMS, CHAIN_NORMALS } ChainKind;

/* The first `bytes` bytes as a little-endian number. */
static uint64_t number_of(const unsigned char *hash, int bytes)
{
    uint64_t x = 0;
    for (int i = bytes; i-- > 0;)
        x = x << 8 | hash[i];
    return x;
}

/* Hash i is SHA-256 of hash i - 1 and of the LINK numbers, four bytes each, of the stream that hash i - 1 chooses: its
 * first 8 bytes are the seed (4 for torch, whose generator has no more), the next 6 the index; before the first: zeros. */
static void chain(unsigned char out[LINKS][HASH], RngKind kind, ChainKind what)
{
    unsigned char before[HASH] = {0};
    float x[LINK];
    for (int link = 0; link < LINKS; link++) {
        const uint64_t seed = number_of(before, kind == RNG_TORCH ? 4 : 8),
                       index = number_of(before + 8, 6);
        Rng rng = rng_stream(kind, seed, STREAM_TEST, kind == RNG_TORCH ? 0 : index);
        Sha256 hash = sha256_begin();
        sha256_add(&hash, before, HASH);
        if (what == CHAIN_UNIFORMS)
            rng_uniform_fill(&rng, x, LINK);
        else if (what == CHAIN_NORMALS)
            rng_normal_fill(&rng, x, LINK);
        for (int i = 0; i < LINK; i++) {
            unsigned char bytes[4];
            le32_put(bytes, what == CHAIN_WORDS ? rng_u32(&rng) : float_bits(x[i]));
            sha256_add(&hash, bytes, 4);
        }
        sha256_end(before, &hash);
        memcpy(out[link], before, HASH);
    }
}

/* Normals are labelled `either`: only who promises their bits can be asked for a hash of them. */
static void add_chain(GoldenFile *file, const char *name, RngKind kind, ChainKind what)
{
    const double none = 0.0;
    double truth[LINKS * HASH];
    unsigned char(*out)[HASH] = arena_raw(file->arena, LINKS, sizeof *out);
    GoldenCase *c = golden_case(file, name);
    if (c == NULL || out == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    c->source = "docs/formats/golden.md, chains";
    c->label = what == CHAIN_NORMALS ? GOLDEN_EITHER : GOLDEN_VALID;
    golden_attribute(c, "links", LINKS);
    golden_attribute(c, "count", LINK);
    if (!file->listing)
        chain(out, kind, what);
    for (int i = 0; i < LINKS * HASH; i++)
        truth[i] = file->listing ? 0.0 : out[i / HASH][i % HASH];
    golden_result_raw(file, c, "chain", U8, (size_t)LINKS * HASH, out, truth, &none, 1);
}

static void add_chains(GoldenFile *file)
{
    add_chain(file, "philox_chain_words", RNG_PHILOX, CHAIN_WORDS);
    add_chain(file, "philox_chain_uniforms", RNG_PHILOX, CHAIN_UNIFORMS);
    add_chain(file, "philox_chain_normals", RNG_PHILOX, CHAIN_NORMALS);
    add_chain(file, "torch_chain_words", RNG_TORCH, CHAIN_WORDS);
    add_chain(file, "torch_chain_uniforms", RNG_TORCH, CHAIN_UNIFORMS);
    add_chain(file, "torch_chain_normals", RNG_TORCH, CHAIN_NORMALS);
}

/* ---- streams from their beginnings ---- */

static const char *const word_names[] = {"seed_low", "seed_high", "index_low", "index_high"};

void golden_random_make(GoldenFile *file, const void *context)
{
    (void)context;
    for (size_t k = 0; k < sizeof streams / sizeof streams[0]; k++) {
        const Stream *s = &streams[k];
        uint32_t word[LONGEST];
        Rng a = stream_of(s), b = stream_of(s);
        GoldenCase *c = golden_case(file, s->name);
        if (c == NULL)
            return;
        c->like = s->kind == RNG_TORCH
                      ? "torch.manual_seed(seed), then each output by itself: torch.rand, torch.randn, "
                        "torch.randperm"
                      : NULL;
        c->source = "docs/CONTRACT.md, section 5; base/rng.h";
        const uint64_t halves[4] = {s->seed & 0xffffffffu, s->seed >> 32, s->index & 0xffffffffu,
                                    s->index >> 32};
        for (int i = 0; i < 4; i++)
            golden_attribute(c, word_names[i], (double)halves[i]);
        golden_attribute(c, "purpose", s->purpose);
        golden_attribute(c, "count", s->count);
        for (int i = 0; i < s->count; i++)
            word[i] = rng_u32(&a);
        add_words(file, c, "words", word, s->count);
        add_uniforms(file, c, s);
        add_normals(file, c, s);
        rng_permutation(&b, word, (uint32_t)s->count);
        add_words(file, c, "permutation", word, s->count);
    }
    add_chains(file);
}
