/* Pictures at another size as TensorFlow 1 did it: the result NAME_HxW is of the input NAME. */
#include "tests/conformance.h"

#include <stdio.h>
#include <string.h>

#include "metrics/resize_tf1.h"

/* The input of a result's name and the size behind its last "_"; false when the name is no such. */
static bool parse(const CaseFile *c, const char *name, char input[100], int *H, int *W)
{
    const char *last = strrchr(name, '_');
    int used = 0;
    if (last == NULL || last - name >= 100 || sscanf(last, "_%dx%d%n", H, W, &used) != 2 ||
        last[used] != '\0')
        return false;
    snprintf(input, 100, "%.*s", (int)(last - name), name);
    return *H > 0 && *W > 0 && case_has_input(c, input);
}

static bool handles(const CaseFile *c)
{
    char input[100];
    int H, W;
    for (size_t i = 0; i < c->expected.count; i++)
        if (!parse(c, c->expected.entries[i].name, input, &H, &W))
            return false;
    return c->expected.count > 0;
}

static void run(CaseFile *c)
{
    for (size_t i = 0; i < c->expected.count; i++) {
        const char *name = c->expected.entries[i].name;
        char input[100];
        int H, W;
        const Tensor *x = parse(c, name, input, &H, &W) ? case_input(c, input) : NULL;
        if (x == NULL || x->rank < 2)
            continue;
        const int h = x->dim[x->rank - 2], w = x->dim[x->rank - 1];
        const int planes = (int)(tensor_count(x) / ((size_t)h * (size_t)w));
        Tensor y = *x;
        y.dim[y.rank - 2] = H;
        y.dim[y.rank - 1] = W;
        y.data = arena_raw(c->arena, tensor_count(&y), sizeof *y.data);
        if (y.data != NULL)
            resize_tf1(y.data, x->data, planes, h, w, H, W);
        case_tensor(c, name, y.data != NULL ? &y : NULL);
    }
}

const CaseKind CASES_OF_RESIZE = {"TensorFlow 1 resize", handles, run, NULL};
