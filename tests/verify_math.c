/* tests/verify_math.c - tries an elementary function on all 2^32 floats.
 *
 * `make verify-math` runs it for every function; it needs MPFR.  docs/math/VERIFICATION.md has the results.
 *     verify_math [-r RECORD] [-l] [-m BITS] FUNCTION [FIRST [END]]
 *     verify_math self
 *     verify_math table FOLDER        what the records FOLDER/FUNCTION.txt say, as rows for VERIFICATION.md
 * Work is done in 256 parts of 2^24 inputs: part p holds the floats whose bits are p 2^24 ... (p + 1) 2^24 - 1;
 * FIRST and END choose the parts FIRST <= p < END.  With -r each finished part adds a line to the file RECORD, and
 * parts that it has already are not done again: so a run may be stopped and go on, and several runs may share the
 * parts.  The last line tells the sums; the exit status is 1 when a result was wrong.
 *
 * Each result is compared with the rounded value of libm's double function, taken to have a relative error below
 * 2^-46.  Where a rounding tie lies within 2^-45 of that value libm cannot decide, and MPFR does (verify_truth.h).
 * One input in 65536 goes to MPFR in any case, to check libm.  For odd and even functions the negative inputs are
 * compared with the positive ones.  Besides, all instruction sets and the scalar function must give the same bits.
 *
 * -l lists the inputs that were near a tie on stdout, as "input result", bits of floats: tests/vectors/hard/ is
 *    made of these.  A function whose own error is below 2^-46 is right everywhere if it is right on its list, so
 *    tests/test_elementary.c needs the lists alone.
 * -m changes the result for the input with these bits by one unit in the last place: it must be found.  `self` does
 *    that for each function with one input near a tie, one far from any, one negative and one not finite. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/isa.h"
#include "tests/verify_truth.h"

enum { BLOCK = 4096, PARTS = 256, PART_BITS = 24 }; /* inputs tried at a time */

typedef struct {
    uint64_t checked, wrong, near, undecided, doubtful; /* doubtful: libm's error is not below 2^-46 */
    double libm_error, seconds;                         /* the largest seen */
} Counts;

typedef struct {
    const Function *function;
    bool list;
    uint64_t mutated; /* bits of an input, or 2^32 */
    Counts counts;
} Run;

static const uint64_t NOTHING_MUTATED = (uint64_t)1 << 32;

static void add_counts(Counts *sum, Counts c)
{
    sum->checked += c.checked;
    sum->wrong += c.wrong;
    sum->near += c.near;
    sum->undecided += c.undecided;
    sum->doubtful += c.doubtful;
    sum->libm_error = sum->libm_error > c.libm_error ? sum->libm_error : c.libm_error;
    sum->seconds += c.seconds;
}

static bool same(float got, float want)
{
    return float_bits(got) == float_bits(want != want ? bits_float(0x7fc00000u) : want);
}

static void compare(Run *run, const char *way, float x, float got, float want)
{
    if (same(got, want))
        return;
    if (run->counts.wrong++ < 20 && run->mutated == NOTHING_MUTATED)
        fprintf(stderr, "%s(%08x), %s: got %08x, want %08x\n", run->function->name, float_bits(x), way,
                float_bits(got), float_bits(want));
}

/* Where silu(x), next to x/2, is subnormal, it is next to a tie for half of all x: not worth a list. */
static bool worth_a_list(const Function *f, float x)
{
    return f->libm != silu_libm || fabsf(x) >= 0x1p-124f;
}

/* libm cannot tell, or is to be checked itself: the result is MPFR's. */
static float ask_mpfr(Run *run, float x, double near, bool tie)
{
    const Truth truth = truth_of(run->function, x, near);
    const double error = fabs(truth.libm_error);
    run->counts.near += tie;
    run->counts.undecided += truth.rounded != truth.rounded;
    run->counts.doubtful += error > 0x1p-46;
    if (error > run->counts.libm_error)
        run->counts.libm_error = error;
    if (tie && run->list && worth_a_list(run->function, x))
        printf("%08x %08x\n", float_bits(x), float_bits(truth.rounded));
    return truth.rounded;
}

static void check_block(Run *run, const float *x, const float *got)
{
    double (*const libm)(double) = run->function->libm;
    for (int i = 0; i < BLOCK; i++) {
        const double near = libm((double)x[i]);
        const float below = (float)(near * (1.0 - 0x1p-45)), above = (float)(near * (1.0 + 0x1p-45));
        const bool number = near - near == 0.0, tie = number && below != above;
        float want = (float)near;
        if (tie || (number && float_bits(x[i]) * 2654435761u >> 16 == 77u))
            want = ask_mpfr(run, x[i], near, tie);
        compare(run, "against the truth", x[i], got[i], want);
    }
}

/* f(-x) = f(x) or -f(x): the positive inputs are checked against the truth elsewhere. */
static void check_negative_block(Run *run, const float *x, const float *got)
{
    static float positive[BLOCK], mirrored[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        positive[i] = -x[i];
    run->function->array(mirrored, positive, BLOCK);
    for (int i = 0; i < BLOCK; i++)
        compare(run, "against f(-x)", x[i], got[i], (float)run->function->symmetry * mirrored[i]);
}

static void check_ways(Run *run, const float *x, const float *got)
{
    static float other[BLOCK];
    const IsaLevel best = isa_level();
    for (IsaLevel level = ISA_BASE; level < best; level++) {
        isa_limit(level);
        run->function->array(other, x, BLOCK);
        for (int i = 0; memcmp(other, got, sizeof other) != 0 && i < BLOCK; i++)
            compare(run, isa_name(level), x[i], other[i], got[i]);
    }
    isa_limit(ISA_AVX512);
    for (int i = 0; i < BLOCK; i++)
        other[i] = run->function->scalar(x[i]);
    for (int i = 0; memcmp(other, got, sizeof other) != 0 && i < BLOCK; i++)
        compare(run, "scalar", x[i], other[i], got[i]);
}

/* The inputs whose bits are first ... first + BLOCK - 1. */
static void run_block(Run *run, uint32_t first)
{
    static float x[BLOCK], y[BLOCK];
    for (uint32_t i = 0; i < BLOCK; i++)
        x[i] = bits_float(first + i);
    run->function->array(y, x, BLOCK);
    check_ways(run, x, y);
    if (run->mutated - first < BLOCK) /* next to a NaN's bits, or an infinity's, is a wrong answer too */
        y[run->mutated - first] = bits_float(float_bits(y[run->mutated - first]) ^ 1u);
    if (run->function->symmetry != 0 && first >> 31)
        check_negative_block(run, x, y);
    else
        check_block(run, x, y);
    run->counts.checked += BLOCK;
}

static Counts run_part(Run *run, uint32_t part)
{
    const clock_t start = clock();
    run->counts = (Counts){0};
    for (uint32_t block = 0; block < 1u << PART_BITS; block += BLOCK)
        run_block(run, (part << PART_BITS) + block);
    run->counts.seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    return run->counts;
}

/* ---- the record: a line a part ---- */

/* Marks the parts that the record has, and adds up their counts; a line that was cut off does not count. */
static void read_record(const char *path, const char *name, bool done[PARTS], Counts *sum)
{
    FILE *file = fopen(path, "r");
    char line[200], function[20];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        Counts c = {0};
        unsigned part;
        if (strchr(line, '\n') == NULL ||
            sscanf(line,
                   "%19s part %u: %" SCNu64 " checked, %" SCNu64 " wrong, %" SCNu64 " near a tie, %" SCNu64
                   " undecided, libm doubtful %" SCNu64 ", at most %la; %lf s",
                   function, &part, &c.checked, &c.wrong, &c.near, &c.undecided, &c.doubtful, &c.libm_error,
                   &c.seconds) != 9 ||
            strcmp(function, name) != 0 || part >= PARTS || done[part])
            continue;
        done[part] = true;
        add_counts(sum, c);
    }
    if (file != NULL)
        fclose(file);
}

/* In one piece, so that runs may write to one file; the first newline ends what a stopped run left. */
static bool write_record(const char *path, const char *name, unsigned part, Counts c)
{
    char line[300];
    FILE *file = fopen(path, "a+");
    if (file == NULL)
        return false;
    fseek(file, -1, SEEK_END);
    const int last = fgetc(file);
    snprintf(line, sizeof line,
             "%s%s part %u: %" PRIu64 " checked, %" PRIu64 " wrong, %" PRIu64 " near a tie, %" PRIu64
             " undecided, libm doubtful %" PRIu64 ", at most %a; %.2f s\n",
             last == '\n' || last == EOF ? "" : "\n", name, part, c.checked, c.wrong, c.near, c.undecided,
             c.doubtful, c.libm_error, c.seconds);
    fseek(file, 0, SEEK_END);
    fputs(line, file);
    return fclose(file) == 0;
}

static int run_parts(Run *run, const char *record, uint32_t first, uint32_t end)
{
    bool done[PARTS] = {false};
    Counts sum = {0};
    if (record != NULL)
        read_record(record, run->function->name, done, &sum);
    for (uint32_t part = first; part < end; part++) {
        if (done[part])
            continue;
        const Counts c = run_part(run, part);
        add_counts(&sum, c);
        if (record != NULL && !write_record(record, run->function->name, part, c)) {
            fprintf(stderr, "cannot write %s\n", record);
            return 2;
        }
    }
    fprintf(stderr,
            "%-8s %10" PRIu64 " checked, %" PRIu64 " wrong, %" PRIu64 " near a tie, %" PRIu64
            " undecided, libm's error at most 2^%.2f, %.0f s\n",
            run->function->name, sum.checked, sum.wrong, sum.near, sum.undecided, log2(sum.libm_error),
            sum.seconds);
    if (sum.doubtful != 0)
        fprintf(stderr, "libm is not good to 2^-46 at %" PRIu64 " inputs: the filter says nothing\n",
                sum.doubtful);
    return sum.wrong != 0 || sum.doubtful != 0;
}

static int print_table(const char *folder)
{
    printf("| function | checked | wrong | near a tie, to MPFR | libm's largest error | seconds |\n"
           "|---|---|---|---|---|---|\n");
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        char path[300];
        bool done[PARTS] = {false};
        Counts sum = {0};
        snprintf(path, sizeof path, "%s/%s.txt", folder, FUNCTIONS[i].name);
        read_record(path, FUNCTIONS[i].name, done, &sum);
        if (sum.checked > 0)
            printf("| %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | $2^{%.1f}$ | %.0f |\n",
                   FUNCTIONS[i].name, sum.checked, sum.wrong, sum.near, log2(sum.libm_error), sum.seconds);
    }
    return 0;
}

/* ---- the check of the check ---- */

/* How many results of the block around the input are found wrong, with and without a change. */
static bool finds_change(const Function *f, uint32_t bits)
{
    Run run = {.function = f, .mutated = NOTHING_MUTATED};
    run_block(&run, bits - bits % BLOCK);
    const bool right = run.counts.wrong == 0 && run.counts.undecided == 0 && run.counts.doubtful == 0;
    run.mutated = bits;
    run_block(&run, bits - bits % BLOCK);
    if (!right || run.counts.wrong != 1)
        printf("%s: %" PRIu64 " wrong after a change at %08x\n", f->name, run.counts.wrong, bits);
    return right && run.counts.wrong == 1;
}

static int self_check(void)
{
    int bad = 0;
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        char path[100];
        unsigned hard = 0;
        snprintf(path, sizeof path, "tests/vectors/hard/%s.txt", FUNCTIONS[i].name);
        FILE *list = fopen(path, "r");
        bad += list == NULL || fscanf(list, "%x", &hard) != 1;
        if (list != NULL)
            fclose(list);
        const uint32_t inputs[] = {hard, 0x3f9e0651u, 0xbf12345fu, 0x7f800000u, 0x00000000u};
        for (int k = 0; k < 5; k++)
            bad += !finds_change(&FUNCTIONS[i], inputs[k]);
    }
    printf("%-22s %d results changed by one unit, %d not found\n", "verify_math self", 5 * FUNCTION_COUNT,
           bad);
    return bad != 0;
}

int main(int argc, char **argv)
{
    Run run = {.mutated = NOTHING_MUTATED};
    const char *record = NULL;
    int next = 1;
    if (argc == 2 && strcmp(argv[1], "self") == 0)
        return self_check();
    if (argc == 3 && strcmp(argv[1], "table") == 0)
        return print_table(argv[2]);
    for (; next < argc && argv[next][0] == '-'; next++) {
        if (strcmp(argv[next], "-l") == 0)
            run.list = true;
        else if (strcmp(argv[next], "-r") == 0 && next + 1 < argc)
            record = argv[++next];
        else if (strcmp(argv[next], "-m") == 0 && next + 1 < argc)
            run.mutated = strtoull(argv[++next], NULL, 16);
        else
            break;
    }
    for (int i = 0; i < FUNCTION_COUNT && next < argc; i++)
        if (strcmp(argv[next], FUNCTIONS[i].name) == 0)
            run.function = &FUNCTIONS[i];
    const long first = argc > next + 1 ? strtol(argv[next + 1], NULL, 10) : 0;
    const long end = argc > next + 2 ? strtol(argv[next + 2], NULL, 10) : PARTS;
    if (run.function == NULL || first < 0 || end > PARTS || argc > next + 3) {
        fprintf(stderr,
                "usage: verify_math [-r RECORD] [-l] [-m BITS] FUNCTION [FIRST [END]]   (parts, 0 to 256)\n"
                "       verify_math self | table FOLDER\n");
        return 2;
    }
    return run_parts(&run, record, (uint32_t)first, (uint32_t)end);
}
