/* nn/contrastive.c - pictures and their texts told apart from all others of the batch (see nn/losses.h). */
#include "nn/elementwise.h"
#include "nn/losses.h"
#include "nn/matmul.h"
#include "nn/reduce.h"
#include "nn/reshape.h"

Tensor *contrastive_loss(Tape *tape, Tensor *image, Tensor *text, Tensor *logit_scale)
{
    char shape_image[64], shape_text[64];
    if (image == NULL || text == NULL || logit_scale == NULL)
        return NULL;
    if (image->rank != 2 || !tensor_same_shape(image, text) || image->dim[0] < 1 ||
        tensor_count(logit_scale) != 1)
        return tape_fail(tape, STATUS_SHAPE, "contrastive_loss: images %s, texts %s, %zu scales",
                         tensor_shape_text(image, shape_image), tensor_shape_text(text, shape_text),
                         tensor_count(logit_scale));
    int *labels = tape_alloc(tape, (size_t)image->dim[0], sizeof *labels);
    if (labels == NULL)
        return NULL;
    for (int i = 0; i < image->dim[0]; i++)
        labels[i] = i;
    Tensor *alike = matmul(tape, text, image, true); /* text i against image j */
    Tensor *logits = multiply(tape, alike, exponential(tape, logit_scale));
    Tensor *of_texts = cross_entropy(tape, logits, labels);
    Tensor *of_images = cross_entropy(tape, permute(tape, logits, (int[]){1, 0}), labels);
    return mean_all(tape, scale(tape, add(tape, of_texts, of_images), 0.5f));
}

Tensor *unit_rows(Tape *tape, Tensor *x)
{
    return divide(tape, x, square_root(tape, sum_axis(tape, power2(tape, x), -1)));
}
