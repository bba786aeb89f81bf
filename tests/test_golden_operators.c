/* Nothing of nn/ is left out of the golden sets: each operator that a header of nn/ declares has cases, ordinary ones with
 * gradients, smallest sizes and special numbers; and each header is somebody's source, or one of the inside. */
#include <ctype.h>
#include <dirent.h>

#include "base/file.h"
#include "cli/golden_parts.h"
#include "tests/check.h"

/* Operators whose cases are under another name: kinds of one function, and a slower way to the same bits. */
static const char *const other_name[][2] = {{"activate", "silu"}, {"attention_in_steps", "attention"}};

/* Headers without an operator: kernels, shapes, the tape, and matrices of binary64 for metrics, which no tape sees. */
static const char *const inside[] = {
    "attention_heads.h", "broadcast.h",  "conv2d_gather.h",   "conv2d_weight.h",  "conv2d_wide.h",
    "double_rows.h",     "gemm.h",       "gemm_lanes.h",      "gemm_product.h",   "norm.h",
    "position_sum.h",    "ranges.h",     "symmetric_eigen.h", "symmetric_root.h", "tape.h",
    "tensor.h",          "tridiagonal.h"};

/* What a part holds. */
typedef struct {
    const char *name;
    bool gradients, smallest, special, refused;
    char source[100];
} Cases;

static size_t most_numbers(const GoldenCase *c)
{
    size_t most = 0;
    for (const GoldenTensor *t = c->first; t != NULL; t = t->next)
        most = t->role == GOLDEN_INPUT && t->count > most ? t->count : most;
    return most;
}

static Cases cases_of(const GoldenPart *part)
{
    Cases k = {.name = part->name};
    Arena arena = {.limit = 0};
    GoldenFile file = {.arena = &arena, .name = part->name, .listing = true};
    part->make(&file, part->context);
    CHECK(file.error.status == STATUS_OK);
    for (const GoldenCase *c = file.first; c != NULL; c = c->next) {
        snprintf(k.source, sizeof k.source, "%s", c->source);
        k.refused = k.refused || c->label != GOLDEN_VALID;
        if (c->label == GOLDEN_INVALID)
            continue;
        k.smallest = k.smallest || most_numbers(c) <= 1;
        k.special =
            k.special || strstr(c->name, "/special") != NULL || strstr(c->name, "/subnormal") != NULL;
        for (const GoldenTensor *t = c->first; t != NULL; t = t->next)
            k.gradients = k.gradients || t->role == GOLDEN_GRADIENT;
    }
    arena_free(&arena);
    return k;
}

enum { PARTS = 120 };
static Cases part_of[PARTS]; /* networks are left out: they need the model */

static void read_parts(void)
{
    int n = 0;
    for (size_t i = 0; golden_part(i).name != NULL && CHECK(n < PARTS); i++) {
        const GoldenPart part = golden_part(i);
        if (part.make != golden_network_part(0).make)
            part_of[n++] = cases_of(&part);
    }
}

static const Cases *find(const char *name)
{
    static const Cases none;
    for (int i = 0; i < PARTS && part_of[i].name != NULL; i++)
        if (strcmp(part_of[i].name, name) == 0)
            return &part_of[i];
    return &none;
}

static void check_operator(const char *header, const char *name)
{
    for (size_t i = 0; i < sizeof other_name / sizeof other_name[0]; i++)
        if (strcmp(name, other_name[i][0]) == 0)
            name = other_name[i][1];
    const Cases *k = find(name);
    const bool numbers = strcmp(name, "time_embedding") != 0; /* takes whole numbers, and has no gradient */
    if (!CHECK(k->name != NULL && strstr(k->source, header) != NULL))
        printf("    %s of nn/%s has no golden case\n", name, header);
    if (!CHECK(k->gradients == numbers && k->smallest && k->special == numbers))
        printf("    %s: gradients %d, smallest sizes %d, special numbers %d\n", name, k->gradients,
               k->smallest, k->special);
}

/* Every line "Tensor *NAME(Tape *tape" of the header; how many. */
static int operators_of(const char *header)
{
    static const char begin[] = "Tensor *";
    char path[300], name[100];
    Arena arena = {.limit = 0};
    Bytes text;
    int count = 0;
    snprintf(path, sizeof path, "nn/%.200s", header);
    CHECK(file_read(&text, path, &arena, NULL) == STATUS_OK);
    for (const char *line = (const char *)text.data; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, begin, strlen(begin)) != 0)
            continue;
        size_t n = 0;
        const char *word = line + strlen(begin);
        while (n + 1 < sizeof name && (isalnum((unsigned char)word[n]) || word[n] == '_'))
            n++;
        if (strncmp(word + n, "(Tape *", 7) != 0 || strncmp(word, "tape_", 5) == 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)n, word);
        check_operator(header, name);
        count++;
    }
    arena_free(&arena);
    return count;
}

static bool is_inside(const char *header)
{
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        if (strcmp(inside[i], header) == 0)
            return true;
    return false;
}

static bool is_source(const char *header)
{
    char path[300];
    snprintf(path, sizeof path, "nn/%.200s", header);
    for (int i = 0; i < PARTS && part_of[i].name != NULL; i++)
        if (strncmp(part_of[i].source, path, strlen(path)) == 0)
            return true;
    return false;
}

static void test_every_header_of_nn(void)
{
    DIR *list = opendir("nn");
    int operators = 0, headers = 0;
    for (const struct dirent *e; list != NULL && (e = readdir(list)) != NULL;) {
        const size_t n = strlen(e->d_name);
        if (n < 2 || strcmp(e->d_name + n - 2, ".h") != 0)
            continue;
        const int count = operators_of(e->d_name);
        operators += count;
        headers++;
        if (!CHECK(is_inside(e->d_name) ? count == 0 : count > 0 || is_source(e->d_name)))
            printf("    nn/%s is in no golden case\n", e->d_name);
    }
    CHECK(operators > 50 && headers > 30); /* the lines were understood */
    if (list != NULL)
        closedir(list);
}

/* Parts that have to name bad arguments. */
static void test_what_must_be_refused(void)
{
    static const char *const names[] = {"matmul",    "conv2d",   "attention", "group_norm", "reshape",
                                        "embedding", "samplers", "schedules", "optimizers", "ema"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!CHECK(find(names[i])->refused))
            printf("    %s: nothing to refuse\n", names[i]);
}

int main(void)
{
    read_parts();
    test_every_header_of_nn();
    test_what_must_be_refused();
    return check_report("golden_operators");
}
