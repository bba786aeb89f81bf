#include "metrics/label_agreement.h"

Status label_agreement_begin(LabelAgreement *out, int labels, Arena *arena, Error *err)
{
    uint64_t *counts = arena_alloc(arena, 3 * (size_t)labels, sizeof *counts);
    if (counts == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to count %d labels", labels);
    *out = (LabelAgreement){
        .labels = labels, .truth = counts, .given = counts + labels, .both = counts + 2 * (size_t)labels};
    return STATUS_OK;
}

Status label_agreement_add(LabelAgreement *a, const uint16_t *truth, const uint16_t *given, size_t count,
                           Error *err)
{
    for (size_t p = 0; p < count; p++)
        if (truth[p] >= a->labels || given[p] >= a->labels)
            return error_set(err, STATUS_ARGUMENT, "labels %d and %d of pixel %zu; there are %d labels",
                             truth[p], given[p], p, a->labels);
    for (size_t p = 0; p < count; p++) {
        a->truth[truth[p]]++;
        a->given[given[p]]++;
        a->both[truth[p]] += truth[p] == given[p];
    }
    return STATUS_OK;
}

/* Right pixels of all pixels whose true label is `first` or above. */
static double accuracy_from(const LabelAgreement *a, int first)
{
    uint64_t right = 0, all = 0;
    for (int i = first; i < a->labels; i++) {
        right += a->both[i];
        all += a->truth[i];
    }
    return all > 0 ? (double)right / (double)all : 0.0;
}

double label_pixel_accuracy(const LabelAgreement *a)
{
    return accuracy_from(a, 0);
}

double label_thing_accuracy(const LabelAgreement *a)
{
    return accuracy_from(a, 1);
}

double label_mean_iou(const LabelAgreement *a)
{
    double sum = 0.0;
    int occur = 0;
    for (int i = 0; i < a->labels; i++) {
        if (a->truth[i] == 0)
            continue;
        sum += (double)a->both[i] / (double)(a->truth[i] + a->given[i] - a->both[i]);
        occur++;
    }
    return occur > 0 ? sum / occur : 0.0;
}
