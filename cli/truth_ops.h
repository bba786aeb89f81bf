/* cli/truth_ops.h - every operator's mathematics as plain loops over numbers with bounds (cli/truth.h).
 *
 * Nothing is shared with the operators of nn/: not their orders of summation, not their shortcuts, not their
 * gradients.  Shapes and meanings are those of the operator of the same name.  NULL in, or no memory, gives NULL;
 * shapes must fit. */
#ifndef CLI_TRUTH_OPS_H
#define CLI_TRUTH_OPS_H

#include "cli/truth.h"
#include "nn/activation.h"
#include "nn/conv_transpose2d.h"
#include "nn/pool.h"

typedef struct {
    int rank, dim[TENSOR_RANK]; /* 1 from rank on */
    TruthId *id;
} TruthTensor;

size_t truth_count(const TruthTensor *x);
TruthTensor *truth_tensor(Truth *t, int rank, const int *dim); /* its ids are not set */
TruthTensor *truth_input(Truth *t, const float *data, int rank, const int *dim);

/* ---- cli/truth_products.c ---- */
TruthTensor *truth_matmul(Truth *t, const TruthTensor *a, const TruthTensor *b, bool transpose_b);
TruthTensor *truth_linear(Truth *t, const TruthTensor *x, const TruthTensor *weight,
                          const TruthTensor *bias);
TruthTensor *truth_conv2d(Truth *t, const TruthTensor *x, const TruthTensor *weight,
                          const TruthTensor *bias, Conv2dOptions options);
TruthTensor *truth_conv_transpose2d(Truth *t, const TruthTensor *x, const TruthTensor *weight,
                                    const TruthTensor *bias, ConvTranspose2dOptions options);
TruthTensor *truth_attention(Truth *t, const TruthTensor *q, const TruthTensor *k, const TruthTensor *v,
                             const TruthTensor *mask, int heads, bool causal, double scale);

/* ---- cli/truth_norms.c ---- */
TruthTensor *truth_softmax(Truth *t, const TruthTensor *x);
TruthTensor *truth_group_norm(Truth *t, const TruthTensor *x, const TruthTensor *gamma,
                              const TruthTensor *beta, int groups, double eps);
TruthTensor *truth_layer_norm(Truth *t, const TruthTensor *x, const TruthTensor *gamma,
                              const TruthTensor *beta, double eps);
TruthTensor *truth_batch_norm(Truth *t, const TruthTensor *x, const TruthTensor *gamma,
                              const TruthTensor *beta, const TruthTensor *mean, const TruthTensor *variance,
                              double eps);

/* ---- cli/truth_pointwise.c ---- */
TruthTensor *truth_activate(Truth *t, const TruthTensor *x, Activation kind);
TruthTensor *truth_softplus(Truth *t, const TruthTensor *x);
TruthTensor *truth_function(Truth *t, const TruthTensor *x, TruthKind kind);
TruthTensor *truth_geglu(Truth *t, const TruthTensor *x);
TruthTensor *truth_broadcast(Truth *t, const TruthTensor *a, const TruthTensor *b, TruthKind kind);
TruthTensor *truth_times(Truth *t, const TruthTensor *x, double factor);
TruthTensor *truth_plus(Truth *t, const TruthTensor *x, double term);
TruthTensor *truth_clamp(Truth *t, const TruthTensor *x, double low, double high);
TruthTensor *truth_absolute(Truth *t, const TruthTensor *x);
TruthId truth_gelu(Truth *t, TruthId x);

/* ---- cli/truth_shapes.c ---- */
TruthTensor *truth_reshape(Truth *t, const TruthTensor *x, int rank, const int *dim);
TruthTensor *truth_permute(Truth *t, const TruthTensor *x, const int *order);
TruthTensor *truth_concat(Truth *t, const TruthTensor *a, const TruthTensor *b, int axis);
TruthTensor *truth_slice(Truth *t, const TruthTensor *x, int axis, int start, int length);
TruthTensor *truth_embedding(Truth *t, const TruthTensor *table, const int *ids, int rank, const int *dim);
TruthTensor *truth_nearest(Truth *t, const TruthTensor *x, int H, int W);
TruthTensor *truth_bilinear(Truth *t, const TruthTensor *x, int H, int W);
TruthTensor *truth_adaptive_average_pool(Truth *t, const TruthTensor *x, int H, int W);
TruthTensor *truth_pool(Truth *t, const TruthTensor *x, PoolOptions options, bool average);

/* ---- cli/truth_losses.c ---- */
TruthTensor *truth_reduce(Truth *t, const TruthTensor *x, int axis, bool mean); /* the axis has size 1 */
TruthTensor *truth_reduce_sample(Truth *t, const TruthTensor *x, bool mean);    /* (N) */
TruthTensor *truth_mse_loss(Truth *t, const TruthTensor *x, const TruthTensor *target);
TruthTensor *truth_cross_entropy(Truth *t, const TruthTensor *logits, const int *labels);
TruthTensor *truth_bce_with_logits(Truth *t, const TruthTensor *x, const TruthTensor *target);
TruthTensor *truth_gaussian_kl(Truth *t, const TruthTensor *mean, const TruthTensor *logvar);
TruthTensor *truth_contrastive_loss(Truth *t, const TruthTensor *image, const TruthTensor *text,
                                    const TruthTensor *logit_scale);
TruthTensor *truth_time_embedding(Truth *t, const TruthTensor *timesteps, int width, bool flip_sin_to_cos,
                                  double freq_shift);

/* ---- cli/truth_spectra.c ---- */
TruthTensor *truth_fft2(Truth *t, const TruthTensor *x); /* planes of a few hundred numbers */

#endif
