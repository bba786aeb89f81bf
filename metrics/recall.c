#include "metrics/recall.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/sort.h"
#include "base/sum.h"

const double RECALL_MARK[RECALL_MARKS] = {0.5, 0.75, 0.9};

Status label_recall_begin(LabelRecall *out, int labels, double area, Arena *arena, Error *err)
{
    if (labels < 1 || !(area > 0.0 && area <= 1.0))
        return error_set(err, STATUS_ARGUMENT,
                         "recall: %d labels, present with %g of the pixels; expected 1 or "
                         "more, above 0 to 1",
                         labels, area);
    LabelRecall r = {.labels = labels, .area = area};
    r.required = arena_alloc(arena, (size_t)labels, sizeof *r.required);
    r.shown = arena_alloc(arena, (size_t)labels, sizeof *r.shown);
    r.pixels = arena_alloc(arena, (size_t)labels, sizeof *r.pixels);
    if (r.required == NULL || r.shown == NULL || r.pixels == NULL)
        return error_set(err, STATUS_MEMORY, "recall: no memory for %d labels", labels);
    *out = r;
    return STATUS_OK;
}

static bool among(const uint16_t *list, int n, int label)
{
    for (int i = 0; i < n; i++)
        if (list[i] == label)
            return true;
    return false;
}

static Status count_pixels(LabelRecall *r, const uint16_t *map, size_t count, const uint16_t *required,
                           int n, Error *err)
{
    memset(r->pixels, 0, (size_t)r->labels * sizeof *r->pixels);
    for (size_t i = 0; i < count + (size_t)n; i++) {
        const int label = i < count ? map[i] : required[i - count];
        if (label >= r->labels)
            return error_set(err, STATUS_ARGUMENT, "recall: label %d of %d", label, r->labels);
        r->pixels[label] += i < count;
    }
    return STATUS_OK;
}

Status label_recall_add(double *recall, LabelRecall *r, const uint16_t *map, size_t count,
                        const uint16_t *required, int n, Error *err)
{
    const Status status = count_pixels(r, map, count, required, n, err);
    if (status != STATUS_OK)
        return status;
    int asked = 0, found = 0;
    for (int k = 0; k < r->labels && n > 0; k++) {
        const bool wanted = among(required, n, k);
        const bool present = r->pixels[k] > 0 && (double)r->pixels[k] >= r->area * (double)count;
        asked += wanted;
        found += wanted && present;
        r->required[k] += wanted;
        r->shown[k] += wanted && present;
        r->others += present && !wanted && k != 0;
    }
    r->maps += n > 0;
    *recall = n > 0 ? (double)found / asked : NAN;
    return STATUS_OK;
}

double label_recall_mean(const LabelRecall *r)
{
    double sum = 0.0;
    int labels = 0;
    for (int k = 0; k < r->labels; k++)
        if (r->required[k] > 0) {
            sum += (double)r->shown[k] / (double)r->required[k];
            labels++;
        }
    return labels > 0 ? sum / labels : NAN;
}

static bool smaller(const void *context, size_t a, size_t b)
{
    const double *recall = context;
    return recall[a] < recall[b];
}

void recall_spread(RecallSpread *out, const double *recall, int n, size_t *room)
{
    const size_t middle = (size_t)(n - 1) / 2, other = (size_t)n / 2;
    sort_order(room, room + n, (size_t)n, smaller, recall);
    *out = (RecallSpread){.maps = n,
                          .least = recall[room[0]],
                          .greatest = recall[room[n - 1]],
                          .median = (recall[room[middle]] + recall[room[other]]) / 2.0,
                          .mean = sum8_double(recall, (size_t)n) / n};
    for (int k = 0; k < RECALL_MARKS; k++)
        for (int i = 0; i < n; i++)
            out->above[k] += recall[i] >= RECALL_MARK[k];
}
