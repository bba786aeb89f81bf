#include "cli/tensor_difference.h"

#include <stdio.h>

bool same_shape(const NamedTensor *a, const NamedTensor *b)
{
    bool same = a->rank == b->rank && a->count == b->count;
    for (int i = 0; same && i < a->rank; i++)
        same = a->dim[i] == b->dim[i];
    return same;
}

Difference tensor_difference(const NamedTensor *a, const NamedTensor *b)
{
    return difference_of(a->data, b->data, a->count);
}

bool has_ulps(const NamedTensor *t)
{
    return t->dtype == F32 || t->dtype == F16 || t->dtype == BF16 || t->dtype == F64;
}

bool parts(const Difference *d, double tolerance)
{
    return d->largest > tolerance || (tolerance == 0.0 && d->different > 0);
}

/* The place of number i along each axis. */
static void place_of(uint64_t place[8], const NamedTensor *t, size_t i)
{
    for (int axis = t->rank - 1; axis >= 0; axis--) {
        place[axis] = i % t->dim[axis];
        i /= t->dim[axis];
    }
}

static void list_text(char text[160], char begin, const uint64_t *numbers, int count, char end)
{
    size_t at = 0;
    text[at++] = begin;
    for (int i = 0; i < count && at < 130; i++)
        at +=
            (size_t)snprintf(text + at, 160 - at, i > 0 ? ",%llu" : "%llu", (unsigned long long)numbers[i]);
    snprintf(text + at, 160 - at, "%c", end);
}

void place_text(char text[160], const NamedTensor *t, size_t i)
{
    uint64_t place[8];
    place_of(place, t, i);
    list_text(text, '[', place, t->rank, ']');
}

void shape_text(char text[160], const NamedTensor *t)
{
    list_text(text, '(', t->dim, t->rank, ')');
}

void difference_write(JsonWriter *w, const NamedTensor *a, const Difference *d)
{
    json_write_number(w, "max_abs", d->largest);
    if (has_ulps(a)) {
        json_write_uint64(w, "max_ulp", d->most_ulps);
        json_write_uint64(w, "other_signs", d->other_signs);
    }
    json_write_uint64(w, "numbers", d->count);
    json_write_uint64(w, "numbers_different", d->different);
    if (d->first == SIZE_MAX)
        return;
    uint64_t place[8];
    place_of(place, a, d->first);
    json_begin_object(w, "first");
    json_begin_array(w, "index");
    for (int i = 0; i < a->rank; i++)
        json_write_uint64(w, NULL, place[i]);
    json_end(w);
    json_write_number(w, "a", (double)d->a);
    json_write_number(w, "b", (double)d->b);
    if (has_ulps(a) && !signs_differ(d->a, d->b))
        json_write_uint64(w, "ulp", d->ulps);
    json_end(w);
}
