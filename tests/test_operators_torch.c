/* Operators against PyTorch: results and gradients in tests/vectors/operators_torch.safetensors, computed there in
 * float64 by tests/make_operator_vectors.py. */
#include "base/arena.h"
#include "io/safetensors.h"
#include "nn/activation.h"
#include "nn/batch_norm.h"
#include "nn/elementwise.h"
#include "nn/embedding.h"
#include "nn/geglu.h"
#include "nn/group_norm.h"
#include "nn/layer_norm.h"
#include "nn/losses.h"
#include "nn/pool.h"
#include "nn/resample.h"
#include "nn/softmax.h"
#include "tests/check.h"

typedef struct {
    const char *name;
    int inputs;
    Tensor *(*build)(Tape *tape, Tensor *const *x);
} Row;

static Tensor *build_group_norm(Tape *tape, Tensor *const *x)
{
    return group_norm(tape, x[0], x[1], x[2], 3, 1e-5f);
}

static Tensor *build_layer_norm(Tape *tape, Tensor *const *x)
{
    return layer_norm(tape, x[0], x[1], x[2], 1e-5f);
}

static Tensor *build_batch_norm(Tape *tape, Tensor *const *x)
{
    return batch_norm(tape, x[0], x[1], x[2], x[3], x[4], 1e-3f);
}

static Tensor *build_silu(Tape *tape, Tensor *const *x)
{
    return silu(tape, x[0]);
}

static Tensor *build_gelu(Tape *tape, Tensor *const *x)
{
    return gelu(tape, x[0]);
}

static Tensor *build_quick_gelu(Tape *tape, Tensor *const *x)
{
    return quick_gelu(tape, x[0]);
}

static Tensor *build_relu(Tape *tape, Tensor *const *x)
{
    return relu(tape, x[0]);
}

static Tensor *build_sigmoid(Tape *tape, Tensor *const *x)
{
    return sigmoid(tape, x[0]);
}

static Tensor *build_tanh(Tape *tape, Tensor *const *x)
{
    return activate(tape, x[0], ACTIVATION_TANH);
}

static Tensor *build_exponential(Tape *tape, Tensor *const *x)
{
    return exponential(tape, x[0]);
}

static Tensor *build_logarithm(Tape *tape, Tensor *const *x)
{
    return logarithm(tape, x[0]);
}

static Tensor *build_square_root(Tape *tape, Tensor *const *x)
{
    return square_root(tape, x[0]);
}

static Tensor *build_power2(Tape *tape, Tensor *const *x)
{
    return power2(tape, x[0]);
}

static Tensor *build_absolute(Tape *tape, Tensor *const *x)
{
    return absolute(tape, x[0]);
}

static Tensor *build_clamp(Tape *tape, Tensor *const *x)
{
    return clamp(tape, x[0], -0.5f, 0.75f);
}

static Tensor *build_geglu(Tape *tape, Tensor *const *x)
{
    return geglu(tape, x[0]);
}

static Tensor *build_add(Tape *tape, Tensor *const *x)
{
    return add(tape, x[0], x[1]);
}

static Tensor *build_subtract(Tape *tape, Tensor *const *x)
{
    return subtract(tape, x[0], x[1]);
}

static Tensor *build_multiply(Tape *tape, Tensor *const *x)
{
    return multiply(tape, x[0], x[1]);
}

static Tensor *build_divide(Tape *tape, Tensor *const *x)
{
    return divide(tape, x[0], x[1]);
}

static Tensor *build_softmax(Tape *tape, Tensor *const *x)
{
    return softmax(tape, x[0]);
}

static Tensor *build_nearest_twice(Tape *tape, Tensor *const *x)
{
    return nearest(tape, x[0], 6, 10);
}

static Tensor *build_nearest_odd(Tape *tape, Tensor *const *x)
{
    return nearest(tape, x[0], 7, 4);
}

static Tensor *build_bilinear_up(Tape *tape, Tensor *const *x)
{
    return bilinear(tape, x[0], 7, 13);
}

static Tensor *build_bilinear_down(Tape *tape, Tensor *const *x)
{
    return bilinear(tape, x[0], 3, 4);
}

static Tensor *build_adaptive(Tape *tape, Tensor *const *x)
{
    return adaptive_average_pool(tape, x[0], 3, 8);
}

static Tensor *build_max_pool_3_2_1(Tape *tape, Tensor *const *x)
{
    return max_pool2d(tape, x[0], (PoolOptions){.kernel = 3, .stride = 2, .pad = 1});
}

static Tensor *build_max_pool_3_2_ceil(Tape *tape, Tensor *const *x)
{
    return max_pool2d(tape, x[0], (PoolOptions){.kernel = 3, .stride = 2, .ceil_mode = true});
}

static Tensor *build_average_pool_2(Tape *tape, Tensor *const *x)
{
    return average_pool2d(tape, x[0], (PoolOptions){.kernel = 2});
}

static Tensor *build_average_pool_3_1_1(Tape *tape, Tensor *const *x)
{
    return average_pool2d(tape, x[0], (PoolOptions){.kernel = 3, .stride = 1, .pad = 1});
}

static Tensor *build_average_pool_ceil(Tape *tape, Tensor *const *x)
{
    const PoolOptions o = {.kernel = 3, .stride = 2, .pad = 1, .ceil_mode = true, .count_padding = true};
    return average_pool2d(tape, x[0], o);
}

static Tensor *build_embedding(Tape *tape, Tensor *const *x)
{
    const int ids[8] = {1, 4, 1, 1, 0, 4, 4, 2};
    return embedding(tape, x[0], ids, 2, (int[]){2, 4});
}

static Tensor *build_mse_loss(Tape *tape, Tensor *const *x)
{
    return mse_loss(tape, x[0], x[1]);
}

static Tensor *build_cross_entropy(Tape *tape, Tensor *const *x)
{
    return cross_entropy(tape, x[0], (int[]){3, 0, 4});
}

static Tensor *build_bce(Tape *tape, Tensor *const *x)
{
    return bce_with_logits(tape, x[0], x[1]);
}

static Tensor *build_gaussian_kl(Tape *tape, Tensor *const *x)
{
    return gaussian_kl(tape, x[0], x[1]);
}

static Tensor *build_contrastive(Tape *tape, Tensor *const *x)
{
    return contrastive_loss(tape, x[0], x[1], x[2]);
}

static Tensor *build_unit_rows(Tape *tape, Tensor *const *x)
{
    return unit_rows(tape, x[0]);
}

static const Row ROWS[] = {
    {"group_norm", 3, build_group_norm},
    {"layer_norm", 3, build_layer_norm},
    {"batch_norm", 5, build_batch_norm},
    {"silu", 1, build_silu},
    {"gelu", 1, build_gelu},
    {"quick_gelu", 1, build_quick_gelu},
    {"relu", 1, build_relu},
    {"sigmoid", 1, build_sigmoid},
    {"tanh", 1, build_tanh},
    {"exponential", 1, build_exponential},
    {"logarithm", 1, build_logarithm},
    {"square_root", 1, build_square_root},
    {"power2", 1, build_power2},
    {"absolute", 1, build_absolute},
    {"clamp", 1, build_clamp},
    {"geglu", 1, build_geglu},
    {"add", 2, build_add},
    {"subtract", 2, build_subtract},
    {"multiply", 2, build_multiply},
    {"divide", 2, build_divide},
    {"softmax", 1, build_softmax},
    {"nearest_twice", 1, build_nearest_twice},
    {"nearest_odd", 1, build_nearest_odd},
    {"bilinear_up", 1, build_bilinear_up},
    {"bilinear_down", 1, build_bilinear_down},
    {"adaptive_average_pool", 1, build_adaptive},
    {"max_pool_3_2_1", 1, build_max_pool_3_2_1},
    {"max_pool_3_2_ceil", 1, build_max_pool_3_2_ceil},
    {"average_pool_2", 1, build_average_pool_2},
    {"average_pool_3_1_1", 1, build_average_pool_3_1_1},
    {"average_pool_3_2_1_ceil", 1, build_average_pool_ceil},
    {"embedding", 1, build_embedding},
    {"mse_loss", 2, build_mse_loss},
    {"cross_entropy", 1, build_cross_entropy},
    {"bce_with_logits", 2, build_bce},
    {"gaussian_kl", 2, build_gaussian_kl},
    {"contrastive_loss", 3, build_contrastive},
    {"unit_rows", 1, build_unit_rows},
};

/* The tensor "case/part", or NULL when the file has none. */
static Tensor *vector(const Safetensors *file, Arena *arena, const char *name, const char *part, int index)
{
    char full[80];
    Tensor *x = arena_alloc(arena, 1, sizeof *x);
    snprintf(full, sizeof full, index < 0 ? "%s/%s" : "%s/%s%d", name, part, index);
    const SafetensorsEntry *entry = safetensors_find(file, full);
    if (entry == NULL || x == NULL)
        return NULL;
    *x = (Tensor){.rank = entry->rank, .dim = {1, 1, 1, 1}};
    for (int k = 0; k < entry->rank; k++)
        x->dim[k] = (int)entry->dim[k];
    x->data = arena_alloc(arena, tensor_count(x), sizeof *x->data);
    return x->data != NULL && safetensors_read_f32(x->data, file, entry, NULL) == STATUS_OK ? x : NULL;
}

/* Within 2e-6 of the largest number of the tensor (1 at least). */
static void compare(const char *name, const char *what, const float *got, const Tensor *want)
{
    double most = 0.0, size = 1.0;
    for (size_t i = 0; i < tensor_count(want); i++) {
        const double apart = fabs((double)got[i] - (double)want->data[i]);
        size = fabs((double)want->data[i]) > size ? fabs((double)want->data[i]) : size;
        most = apart <= most ? most : apart;
    }
    if (!CHECK(most <= 2e-6 * size))
        printf("    %s %s: off by %g of %g\n", name, what, most, size);
}

static void try_row(const Safetensors *file, const Row *row)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    Tensor *x[5] = {NULL};
    const Tensor *dx[5] = {NULL};
    for (int i = 0; i < row->inputs; i++) {
        x[i] = vector(file, &arena, row->name, "x", i);
        dx[i] = vector(file, &arena, row->name, "dx", i);
        if (!CHECK(x[i] != NULL))
            return;
        x[i]->wants_grad = x[i]->keeps_grad = dx[i] != NULL;
    }
    const Tensor *want = vector(file, &arena, row->name, "y", -1),
                 *dy = vector(file, &arena, row->name, "dy", -1);
    Tensor *y = row->build(&tape, x);
    if (!CHECK(want != NULL && dy != NULL && y != NULL && tensor_same_shape(y, want))) {
        printf("    %s: %s\n", row->name, tape.error.text);
        return;
    }
    compare(row->name, "y", y->data, want);
    CHECK(tape_backward(&tape, y, dy->data) == STATUS_OK);
    for (int i = 0; i < row->inputs; i++)
        if (dx[i] != NULL && CHECK(x[i]->grad != NULL))
            compare(row->name, "dx", x[i]->grad, dx[i]);
    arena_free(&arena);
    arena_free(&gradients);
}

int main(void)
{
    Arena arena = {0};
    Safetensors file;
    Error err = {0};
    if (CHECK(safetensors_open(&file, "tests/vectors/operators_torch.safetensors", &arena, &err) ==
              STATUS_OK))
        for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
            try_row(&file, &ROWS[i]);
    else
        printf("    %s\n", err.text);
    arena_free(&arena);
    return check_report("operators_torch");
}
