/* tests/prove_train.c - what the shipped networks compute, for tools/bench_train.py to compare with PyTorch.
 *
 *   prove_train FILE.safetensors
 *
 * Writes, for the denoiser with its text encoder and for the autoencoder: inputs, outputs, losses of the samples,
 * gradients of their mean, and parameters and averages after updates with those gradients. */
#include "io/safetensors.h"
#include "nn/elementwise.h"
#include "nn/grad_clip.h"
#include "nn/losses.h"
#include "tests/train_bench.h"

enum { ITEMS = 4096, BATCH = 3, UPDATES = 2 };

typedef struct {
    SafetensorsItem item[ITEMS];
    size_t count;
} Items;

/* A copy of the numbers, so that what follows may change them. */
static void write_item(Bench *b, Items *items, const char *prefix, const char *name, DType dtype,
                       const void *data, int rank, const int *dim)
{
    SafetensorsItem item = {.dtype = dtype, .rank = rank};
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        item.dim[i] = (uint64_t)dim[i];
        count *= (size_t)dim[i];
    }
    char text[WEIGHTS_NAME];
    const char *full = weights_child(text, prefix, "%s", name);
    item.name = arena_text(&b->arena, full, strlen(full));
    item.data = memcpy(room(&b->arena, count, 4), data, count * 4); /* F32 and I32 alike */
    if (items->count == ITEMS || item.name == NULL)
        fail("out of memory");
    items->item[items->count++] = item;
}

static void write_tensor(Bench *b, Items *items, const char *name, const Tape *tape, const Tensor *x)
{
    if (x == NULL)
        fail(tape->error.text);
    write_item(b, items, "", name, F32, x->data, x->rank, x->dim);
}

/* Gradients of a loss that was walked back, then the parameters and their averages after updates with them, each
 * with half the gradients of the one before. */
static void write_learned(Bench *b, Items *items, Trainer *trainer, const char *const *names)
{
    const TrainOptions *o = &trainer->options;
    size_t k = 0;
    for (int i = 0; i < trainer->weights_count; i++)
        for (const Parameter *p = trainer->weights[i]->first; p != NULL; p = p->next) {
            char prefix[64];
            snprintf(prefix, sizeof prefix, "gradient.%s", names[i]);
            write_item(b, items, prefix, p->name, F32, p->tensor->grad, p->tensor->rank, p->tensor->dim);
        }
    for (int update = 0; update < UPDATES; update++) {
        grad_clip(trainer->parameters, trainer->count, o->max_grad_norm);
        optimizer_step(&trainer->optimizer, o->lr);
        ema_update(&trainer->ema);
        for (size_t i = 0; i < trainer->count; i++)
            array_scale(trainer->parameters[i]->grad, trainer->parameters[i]->grad,
                        tensor_count(trainer->parameters[i]), 0.5f);
    }
    for (int i = 0; i < trainer->weights_count; i++)
        for (const Parameter *p = trainer->weights[i]->first; p != NULL; p = p->next, k++) {
            char prefix[64];
            snprintf(prefix, sizeof prefix, "updated.%s", names[i]);
            write_item(b, items, prefix, p->name, F32, p->tensor->data, p->tensor->rank, p->tensor->dim);
            snprintf(prefix, sizeof prefix, "averaged.%s", names[i]);
            write_item(b, items, prefix, p->name, F32, trainer->ema.shadow[k], p->tensor->rank,
                       p->tensor->dim);
        }
}

/* The gradient of the mean of the samples' losses. */
static void walk_back(Bench *b, Items *items, const char *name, Tape *tape, Tensor *losses)
{
    float share[BATCH];
    for (int i = 0; i < BATCH; i++)
        share[i] = 1.0f / BATCH;
    write_tensor(b, items, name, tape, losses);
    if (tape_backward(tape, losses, share) != STATUS_OK)
        fail(tape->error.text);
}

static void prove_unet(Bench *b, Items *items)
{
    const ClipTextConfig *c = &b->model.config.text;
    const int N = BATCH, dim[2] = {N, c->positions};
    const size_t numbers = BATCH * latent_numbers(b);
    float timesteps[BATCH] = {3.0f, 500.0f, 981.0f};
    const int *ids = integers(b, &b->arena, (size_t)N * (size_t)c->positions, c->vocab_size);
    float *x = normals(b, &b->arena, numbers), *aim = normals(b, &b->arena, numbers);
    Tape tape = {.arena = &b->activations, .gradients = &b->gradients, .recording = true};
    Tensor *text = clip_text(&tape, &b->model.text, ids, N, c->positions, NULL);
    Tensor *input = latents(b, &tape, x, N), *target = latents(b, &tape, aim, N);
    Tensor *out = unet(&tape, &b->model.unet, input, timesteps, text, NULL);
    write_item(b, items, "", "unet.ids", I32, ids, 2, dim);
    write_item(b, items, "", "unet.timesteps", F32, timesteps, 1, &N);
    write_tensor(b, items, "unet.x", &tape, input);
    write_tensor(b, items, "unet.target", &tape, target);
    write_tensor(b, items, "unet.text", &tape, text);
    write_tensor(b, items, "unet.out", &tape, out);
    walk_back(b, items, "unet.losses", &tape, mse_loss(&tape, out, target));
    write_learned(b, items, &b->unet_trainer, (const char *[]){"unet", "text_encoder"});
}

static void prove_vae(Bench *b, Items *items)
{
    const int N = BATCH;
    float *xi_data = normals(b, &b->arena, BATCH * latent_numbers(b));
    Tape tape = {.arena = &b->activations, .gradients = &b->gradients, .recording = true};
    Tensor *x = pictures(b, &tape, b->pictures, N), *xi = latents(b, &tape, xi_data, N);
    write_tensor(b, items, "vae.x", &tape, x);
    write_tensor(b, items, "vae.xi", &tape, xi);
    write_tensor(b, items, "vae.moments", &tape, vae_encode(&tape, &b->model.vae, x));
    write_tensor(b, items, "vae.decoded", &tape, vae_decode(&tape, &b->model.vae, xi));
    walk_back(b, items, "vae.losses", &tape,
              vae_training_loss(&tape, &b->model.vae, &b->vae_loss, NULL, x, xi));
    write_learned(b, items, &b->vae_trainer, (const char *[]){"vae"});
}

static void prove(Bench *b, const char *path)
{
    static Items items;
    Error err = {0};
    prove_unet(b, &items);
    prove_vae(b, &items);
    must(safetensors_write(path, items.item, items.count, NULL, &b->arena, &err), &err);
}

int main(int argc, char **argv)
{
    static Bench b;
    if (argc != 2)
        fail("prove_train: give the file to write");
    open_bench(&b);
    prove(&b, argv[1]);
    return 0;
}
