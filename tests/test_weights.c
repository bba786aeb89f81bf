#include "base/file.h"
#include "base/half.h"
#include "io/safetensors.h"
#include "tests/check.h"
#include "weights/weights.h"
#include "weights/weights_save.h"

static const char *const path = "build/test_weights.safetensors";

/* A small layer set: what a network's load function would ask for. */
static void load_layers(Weights *w)
{
    weights_conv2d(w, "block", "conv", 3, 2, 3);
    weights_linear(w, "block", "to_q", 4, 5);
    weights_norm(w, "", "norm", 6);
    weights_linear_no_bias(w, "", "proj", 2, 3);
}

static Parameter *find(const Weights *w, const char *name)
{
    for (Parameter *p = w->first; p != NULL; p = p->next)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

static void test_create_draws_the_documented_initialisation(void)
{
    Arena arena = {0};
    Weights w = weights_create(&arena, 7);
    load_layers(&w);
    CHECK(w.error.status == STATUS_OK && w.count == 7 && w.numbers == 54 + 3 + 20 + 4 + 6 + 6 + 6);
    const Parameter *conv = find(&w, "block.conv.weight"), *norm = find(&w, "norm.weight");
    double largest = 0.0, sum = 0.0;
    for (int i = 0; conv != NULL && i < 54; i++) {
        sum += conv->tensor->data[i];
        largest = fabs(conv->tensor->data[i]) > largest ? fabs(conv->tensor->data[i]) : largest;
    }
    CHECK(largest > 0.8 / sqrt(18.0) && largest <= 1.0 / sqrt(18.0)); /* fan in 2*3*3 */
    CHECK(fabs(sum / 54.0) < 0.06);
    CHECK(norm != NULL && norm->tensor->data[5] == 1.0f && find(&w, "norm.bias")->tensor->data[0] == 0.0f);
    CHECK(find(&w, "proj.bias") == NULL);
    arena_free(&arena);
}

/* A parameter's numbers depend on seed and name alone. */
static void test_no_parameter_depends_on_the_others(void)
{
    Arena arena = {0};
    Weights all = weights_create(&arena, 7), one = weights_create(&arena, 7),
            other = weights_create(&arena, 8);
    load_layers(&all);
    weights_linear(&one, "block", "to_q", 4, 5);
    weights_linear(&other, "block", "to_q", 4, 5);
    const float *a = find(&all, "block.to_q.weight")->tensor->data, *b = one.first->tensor->data;
    CHECK(memcmp(a, b, 20 * sizeof *a) == 0);
    CHECK(memcmp(a, other.first->tensor->data, 20 * sizeof *a) != 0);
    CHECK(memcmp(a, find(&all, "block.to_q.bias")->tensor->data, 4 * sizeof *a) != 0);
    arena_free(&arena);
}

static void test_saved_weights_come_back(void)
{
    Arena arena = {0};
    Error err = {0};
    Weights made = weights_create(&arena, 3), read = {0}, rounded = {0};
    load_layers(&made);
    CHECK(weights_save(&made, NULL, path, F32, &arena, &err) == STATUS_OK);
    weights_open(&read, &arena, path);
    load_layers(&read);
    CHECK(weights_finish(&read, &err) == STATUS_OK);
    int same = 1;
    for (const Parameter *p = made.first, *q = read.first; p != NULL && q != NULL; p = p->next, q = q->next)
        same = same && strcmp(p->name, q->name) == 0 &&
               memcmp(p->tensor->data, q->tensor->data, tensor_count(p->tensor) * sizeof(float)) == 0;
    CHECK(same && read.count == made.count);
    CHECK(weights_save(&made, NULL, path, F16, &arena, &err) == STATUS_OK);
    weights_open(&rounded, &arena, path);
    load_layers(&rounded);
    const float exact = made.first->tensor->data[0], half = rounded.first->tensor->data[0];
    CHECK(half == f16_to_f32(f16_from_f32(exact)) && fabs(half - exact) <= fabs(exact) / 2048.0);
    arena_free(&arena);
}

static void test_every_mismatch_names_the_tensor(void)
{
    Arena arena = {0};
    Error err = {0};
    Weights made = weights_create(&arena, 3), shape = {0}, missing = {0}, unused = {0}, fits = {0};
    load_layers(&made);
    CHECK(weights_save(&made, NULL, path, F32, &arena, &err) == STATUS_OK);

    weights_open(&shape, &arena, path);
    CHECK(weights_linear(&shape, "block", "to_q", 5, 5).weight == NULL &&
          shape.error.status == STATUS_FORMAT);
    CHECK_TEXT(shape.error.text, "block.to_q.weight has shape (4,5), expected (5,5)");

    weights_open(&missing, &arena, path);
    load_layers(&missing);
    weights_norm(&missing, "block", "norm9", 2);
    CHECK(weights_finish(&missing, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "has no tensor block.norm9.weight, expected with shape (2)");

    weights_open(&unused, &arena, path);
    weights_norm(&unused, "", "norm", 6);
    err = (Error){0};
    CHECK(weights_finish(&unused, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "5 tensors have no place in this model");
    CHECK(weights_has(&unused, "block", "conv.bias") && !weights_has(&unused, "block", "conv.gain"));
    weights_ignore(&unused, "block", "conv.weight");
    unused.error = err = (Error){0};
    CHECK(weights_finish(&unused, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "4 tensors");

    weights_open(&fits, &arena, path); /* a linear layer saved as a 1x1 convolution, and the reverse */
    CHECK(weights_conv2d(&fits, "block", "to_q", 4, 5, 1).weight != NULL);
    arena_free(&arena);
}

/* A network that grows: what the file has is read, the rest is what create mode would draw; another shape stays refused. */
static void test_what_is_missing_may_be_drawn(void)
{
    Arena arena = {0};
    Error err = {0};
    Weights made = weights_create(&arena, 3), fresh = weights_create(&arena, 8);
    Weights grown = {.draw_missing = true, .seed = 8}, shape = grown;
    load_layers(&made);
    CHECK(weights_save(&made, NULL, path, F32, &arena, &err) == STATUS_OK);
    load_layers(&fresh);
    const Tensor *alone = weights_linear(&fresh, "block", "extra", 3, 4).weight;
    weights_open(&grown, &arena, path);
    load_layers(&grown);
    const Tensor *extra = weights_linear(&grown, "block", "extra", 3, 4).weight;
    CHECK(weights_finish(&grown, &err) == STATUS_OK && grown.count == made.count + 2);
    int same = 1;
    for (const Parameter *p = made.first, *q = grown.first; p != NULL && q != NULL;
         p = p->next, q = q->next)
        same =
            same && memcmp(p->tensor->data, q->tensor->data, tensor_count(p->tensor) * sizeof(float)) == 0;
    CHECK(same && memcmp(alone->data, extra->data, 12 * sizeof(float)) == 0);
    weights_open(&shape, &arena, path);
    CHECK(weights_linear(&shape, "block", "to_q", 5, 5).weight == NULL);
    CHECK_TEXT(shape.error.text, "block.to_q.weight has shape (4,5), expected (5,5)");
    arena_free(&arena);
}

/* Whole names before a dot, and not the beginnings of others. */
static void test_freeze(void)
{
    Arena arena = {0};
    Weights w = weights_create(&arena, 1);
    w.trainable = true;
    const Tensor *in = weights_linear(&w, "encoder", "in", 2, 2).weight;
    const Tensor *other = weights_linear(&w, "encoders", "in", 2, 2).weight;
    CHECK(weights_freeze(&w, "encode") == 0 && in->wants_grad);
    CHECK(weights_freeze(&w, "encoder") == 2 && !in->wants_grad && in->grad == NULL);
    CHECK(other->wants_grad && other->grad != NULL);
    CHECK(weights_freeze(&w, "encoders.in.bias") == 1 && other->wants_grad);
    arena_free(&arena);
}

static void test_missing_file_and_shards(void)
{
    Arena arena = {0};
    Error err = {0};
    Weights none = {0}, made = weights_create(&arena, 3), sharded = {0};
    weights_open(&none, &arena, "build/no_such.safetensors");
    load_layers(&none);
    CHECK(none.error.status == STATUS_FILE && none.count == 0);
    CHECK_TEXT(none.error.text, "build/no_such.safetensors");

    weights_linear(&made, "block", "to_q", 4, 5);
    CHECK(weights_save(&made, NULL, "build/test_weights_shard1.safetensors", F32, &arena, &err) ==
          STATUS_OK);
    Weights second = weights_create(&arena, 3);
    weights_norm(&second, "", "norm", 6);
    CHECK(weights_save(&second, NULL, "build/test_weights_shard2.safetensors", F32, &arena, &err) ==
          STATUS_OK);
    const char *index = "{\"weight_map\": {\"block.to_q.weight\": \"test_weights_shard1.safetensors\", "
                        "\"block.to_q.bias\": \"test_weights_shard1.safetensors\", "
                        "\"norm.weight\": \"test_weights_shard2.safetensors\", "
                        "\"norm.bias\": \"test_weights_shard2.safetensors\"}}";
    CHECK(file_write("build/test_shards.safetensors.index.json", index, strlen(index), &err) == STATUS_OK);
    weights_open(&sharded, &arena, "build/test_shards.safetensors");
    weights_linear(&sharded, "block", "to_q", 4, 5);
    weights_norm(&sharded, "", "norm", 6);
    CHECK(weights_finish(&sharded, &err) == STATUS_OK && sharded.count == 4);
    const char *escape = "{\"weight_map\": {\"a\": \"../elsewhere.safetensors\"}}";
    CHECK(file_write("build/test_shards.safetensors.index.json", escape, strlen(escape), &err) ==
          STATUS_OK);
    Weights outside = {0};
    weights_open(&outside, &arena, "build/test_shards.safetensors");
    CHECK(outside.error.status == STATUS_FORMAT);
    arena_free(&arena);
}

static void test_every_failed_allocation_is_reported(void)
{
    Status status = STATUS_MEMORY;
    int unclean = 0;
    for (size_t n = 1; status != STATUS_OK && n < 1000; n++) {
        Arena arena = {.fail_after = n};
        Error err = {0};
        Weights w = {.trainable = true};
        weights_open(&w, &arena, path);
        load_layers(&w);
        status = weights_finish(&w, &err);
        unclean += status != STATUS_OK && (status != STATUS_MEMORY || err.text[0] == '\0');
        arena_free(&arena);
    }
    CHECK(unclean == 0);
    CHECK(status == STATUS_OK);
}

int main(void)
{
    test_create_draws_the_documented_initialisation();
    test_no_parameter_depends_on_the_others();
    test_saved_weights_come_back();
    test_every_mismatch_names_the_tensor();
    test_what_is_missing_may_be_drawn();
    test_freeze();
    test_missing_file_and_shards();
    test_every_failed_allocation_is_reported();
    return check_report("weights");
}
