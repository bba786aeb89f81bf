#include "diffusion/prompt_weights.h"

#include <string.h>

#include "base/decimal.h"

static const double ROUND = 1.1, SQUARE = 1 / 1.1; /* prompt_parser.py */

/* One part a character at first: weights are multiplied over what has been read since a bracket. */
typedef struct {
    char *text;     /* (count) characters that stay */
    double *weight; /* (count) */
    int count;
    int *open; /* (opened) where brackets were opened; ~place: a square one */
    int opened;
} Reading;

static void multiply(Reading *r, int from, double factor)
{
    for (int i = from; i < r->count; i++)
        r->weight[i] *= factor;
}

static void add(Reading *r, char c)
{
    r->text[r->count] = c;
    r->weight[r->count++] = 1.0;
}

/* Closes the innermost bracket of that kind, as the original keeps a stack for each; false when there is none. */
static bool close_bracket(Reading *r, bool square, double factor)
{
    for (int i = r->opened; i-- > 0;)
        if ((r->open[i] < 0) == square) {
            multiply(r, square ? ~r->open[i] : r->open[i], factor);
            memmove(r->open + i, r->open + i + 1, (size_t)(r->opened - i - 1) * sizeof *r->open);
            r->opened--;
            return true;
        }
    return false;
}

static bool has_round(const Reading *r)
{
    for (int i = 0; i < r->opened; i++)
        if (r->open[i] >= 0)
            return true;
    return false;
}

/* Length of ":NUMBER)" at p, or 0. */
static size_t weight_at(const char *p, double *weight)
{
    size_t used = 0, n = 1 + strspn(p + (p[0] != '\0'), " ");
    if (p[0] != ':')
        return 0;
    n += p[n] == '+';
    if (!decimal_read(weight, p + n, strspn(p + n, "-.0123456789"), &used) || used == 0)
        return 0;
    n += used;
    n += strspn(p + n, " ");
    return p[n] == ')' ? n + 1 : 0;
}

static void read_prompt(Reading *r, const char *p)
{
    double weight = 1.0;
    while (*p != '\0') {
        const size_t length = has_round(r) ? weight_at(p, &weight) : 0;
        if (*p == '\\' && p[1] != '\0' && strchr("()[]\\", p[1]) != NULL) {
            add(r, p[1]);
            p += 2;
        } else if (length > 0) {
            close_bracket(r, false, weight);
            p += length;
        } else if (*p == '(' || *p == '[') {
            r->open[r->opened++] = *p == '(' ? r->count : ~r->count;
            p++;
        } else if ((*p == ')' && close_bracket(r, false, ROUND)) ||
                   (*p == ']' && close_bracket(r, true, SQUARE))) {
            p++;
        } else {
            add(r, *p++);
        }
    }
    for (int i = 0; i < r->opened; i++)
        if (r->open[i] >= 0)
            multiply(r, r->open[i], ROUND);
    for (int i = 0; i < r->opened; i++)
        if (r->open[i] < 0)
            multiply(r, ~r->open[i], SQUARE);
}

Status prompt_parts(PromptPart **out, int *count, const char *prompt, bool plain, Arena *arena, Error *err)
{
    const size_t size = strlen(prompt);
    Reading r = {.text = arena_raw(arena, size + 1, 1),
                 .weight = arena_raw(arena, size + 1, sizeof(double)),
                 .open = arena_raw(arena, size + 1, sizeof(int))};
    PromptPart *parts = arena_raw(arena, size + 1, sizeof *parts);
    int n = 0;
    if (r.text == NULL || r.weight == NULL || r.open == NULL || parts == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a prompt of %zu bytes", size);
    if (plain)
        for (; prompt[r.count] != '\0';)
            add(&r, prompt[r.count]);
    else
        read_prompt(&r, prompt);
    for (int i = 0, first = 0; i < r.count; i++)
        if (i + 1 == r.count || r.weight[i + 1] != r.weight[first]) {
            const char *text = arena_text(arena, r.text + first, (size_t)(i + 1 - first));
            if (text == NULL)
                return error_set(err, STATUS_MEMORY, "no memory for a prompt of %zu bytes", size);
            parts[n++] = (PromptPart){text, r.weight[first]};
            first = i + 1;
        }
    if (n == 0)
        parts[n++] = (PromptPart){"", 1.0};
    *out = parts;
    *count = n;
    return STATUS_OK;
}
