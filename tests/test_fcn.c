#include "diffusion/fcn.h"

#include "tests/net_check.h"

enum { N = 2, LABELS = 3, SIDE = 4 };

static Arena arena;

static const char *const TINY = "{\"labels\": 3, \"head_channels\": 5, \"backbone\": {\"features\": [4, "
                                "\"M\", 6, 6], \"sample_size\": 8}}";

static FcnConfig config_of(const char *text)
{
    FcnConfig config = {.labels = 0};
    Error err = {0};
    if (!CHECK(fcn_config_read(&config, json_of(&arena, text), "test", &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    return config;
}

static Weights weights;

static Fcn made(const char *text, uint64_t seed)
{
    static FcnConfig config;
    Fcn net;
    config = config_of(text);
    weights = weights_create(&arena, seed);
    fcn_load(&net, &config, &weights, "");
    CHECK(weights_finish(&weights, NULL) == STATUS_OK);
    return net;
}

static void zero(Tensor *x)
{
    memset(x->data, 0, tensor_count(x) * sizeof *x->data);
}

/* One stage of one channel that passes red on: a head that doubles it, a score that takes 1 away from it. */
static void test_one_stage_by_hand(void)
{
    const Fcn net = made("{\"labels\": 2, \"head_channels\": 1, \"backbone\": {\"features\": [1]}}", 1);
    Tape tape = {.arena = &arena};
    float x[3 * SIDE * SIDE] = {0};
    zero(net.backbone.conv[0].weight);
    zero(net.head.weight);
    net.backbone.conv[0].weight->data[4] = 1.0f; /* red, the middle */
    net.head.weight->data[4] = 2.0f;
    net.score[0].weight->data[0] = 3.0f;
    net.score[0].weight->data[1] = -1.0f;
    net.score[0].bias->data[1] = 0.5f;
    for (int p = 0; p < SIDE * SIDE; p++)
        x[p] = (float)(p - 3);
    const Tensor *y = fcn(&tape, &net, tape_input(&tape, x, 4, (const int[]){1, 3, SIDE, SIDE}, false));
    if (!CHECK(y != NULL && y->dim[1] == 2 && y->dim[2] == SIDE && y->dim[3] == SIDE))
        return;
    for (int p = 0; p < SIDE * SIDE; p++) {
        const float h = p > 3 ? 2.0f * (float)(p - 3) : 0.0f;
        CHECK(y->data[p] == 3.0f * h && y->data[SIDE * SIDE + p] == 0.5f - h);
    }
}

/* The coarse scores alone are a smooth picture of the quarters' maxima; the fine ones are added to it. */
static void test_stages_add_up(void)
{
    Fcn net = made(TINY, 2);
    Tape tape = {.arena = &arena};
    scramble(&weights, 3);
    Tensor *x = any_tensor(&arena, 4, 4, N, 3, SIDE, SIDE);
    const Tensor *both = fcn(&tape, &net, x);
    Tensor *const fine = net.score[0].weight, *const coarse = net.score[1].weight;
    float kept[LABELS * 4], kept_bias[LABELS];
    memcpy(kept, fine->data, sizeof kept);
    memcpy(kept_bias, net.score[0].bias->data, sizeof kept_bias);
    zero(fine);
    zero(net.score[0].bias);
    const Tensor *smooth = fcn(&tape, &net, x);
    memcpy(fine->data, kept, sizeof kept);
    memcpy(net.score[0].bias->data, kept_bias, sizeof kept_bias);
    zero(coarse);
    zero(net.score[1].bias);
    const Tensor *sharp = fcn(&tape, &net, x);
    if (!CHECK(both != NULL && smooth != NULL && sharp != NULL))
        return;
    for (size_t i = 0; i < tensor_count(both); i++)
        CHECK_NEAR(both->data[i], smooth->data[i] + sharp->data[i], 1e-5);
    for (int n = 0; n < N * LABELS; n++) { /* 2 x 2 scores made 4 x 4: corners are the scores themselves */
        const float *s = smooth->data + n * SIDE * SIDE;
        CHECK_NEAR(s[1], 0.75 * s[0] + 0.25 * s[3], 1e-5);
        CHECK_NEAR(s[SIDE], 0.75 * s[0] + 0.25 * s[3 * SIDE], 1e-5);
    }
}

static Tensor *run_fcn(Tape *tape, const void *context, Tensor *const *inputs)
{
    return fcn(tape, context, inputs[0]);
}

static void test_gradients(void)
{
    static const char *const NAMES[] = {"backbone.features.0.weight",
                                        "backbone.features.3.weight",
                                        "backbone.features.5.bias",
                                        "head.weight",
                                        "score.0.weight",
                                        "score.1.weight",
                                        "score.0.bias"};
    const Fcn net = made(TINY, 5);
    scramble(&weights, 6);
    Tensor *x = any_tensor(&arena, 7, 4, N, 3, SIDE, SIDE);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        check_slope(run_fcn, &net, &x, parameter(&weights, NAMES[i]), 0x1p-12f, 1e-2);
    check_slope(run_fcn, &net, &x, x, 0x1p-12f, 1e-2);
}

/* Pictures alone give the bits that they give in a batch; odd sides and enlargement by other than 2 do. */
static void test_batches_and_sizes(void)
{
    const Fcn net = made(TINY, 8);
    Tape tape = {.arena = &arena};
    const int H = 5, W = 7;
    Tensor *x = any_tensor(&arena, 9, 4, N, 3, H, W);
    const Tensor *y = fcn(&tape, &net, x);
    CHECK(y != NULL && y->dim[2] == H && y->dim[3] == W);
    for (int n = 0; n < N && y != NULL; n++) {
        Tensor *one = tape_input(&tape, x->data + n * 3 * H * W, 4, (const int[]){1, 3, H, W}, false);
        const Tensor *z = fcn(&tape, &net, one);
        CHECK(z != NULL && same_bits(z->data, y->data + n * LABELS * H * W, (size_t)(LABELS * H * W)));
    }
    Tape failing = {.arena = &arena};
    CHECK(fcn(&failing, &net, any_tensor(&arena, 1, 4, 1, 3, 1, 1)) == NULL &&
          failing.error.status == STATUS_SHAPE);
    Tape other = {.arena = &arena};
    CHECK(fcn(&other, &net, any_tensor(&arena, 1, 4, 1, 4, 8, 8)) == NULL &&
          other.error.status == STATUS_SHAPE);
}

static void test_configurations(void)
{
    static const char *const BAD[] = {
        "{}",
        "{\"labels\": 0, \"backbone\": {\"features\": [4]}}",
        "{\"labels\": 3}",
        "{\"labels\": 3, \"backbone\": [4]}",
        "{\"labels\": 3, \"backbone\": {\"features\": []}}",
        "{\"labels\": 3, \"backbone\": {\"features\": [4], \"heads\": {\"class\": 4}}}",
        "{\"labels\": 3, \"backbone\": {\"features\": [4], \"noise_levels\": 4}}",
        "{\"labels\": 3, \"head_channels\": 0, \"backbone\": {\"features\": [4]}}",
        "{\"labels\": 3, \"depth\": 5, \"backbone\": {\"features\": [4]}}",
        "{\"_class_name\": \"VGG\", \"labels\": 3, \"backbone\": {\"features\": [4]}}"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        FcnConfig c = {.labels = -7};
        CHECK(fcn_config_read(&c, json_of(&arena, BAD[i]), "bad", &arena, NULL) == STATUS_FORMAT);
        CHECK(c.labels == -7);
    }
    const FcnConfig c = config_of(TINY);
    Bytes text = {.arena = &arena};
    JsonWriter w = {.out = &text};
    fcn_config_write(&w, &c);
    bytes_add_byte(&text, '\0');
    const FcnConfig back = config_of((const char *)text.data);
    CHECK(back.labels == 3 && back.head_channels == 5 && back.backbone.layers == 4 &&
          back.backbone.layer[2] == 6);
}

static Status try_all(void *context)
{
    Arena *own = context;
    Tape tape = {.arena = own};
    FcnConfig config;
    Fcn net;
    float x[3 * SIDE * SIDE] = {0};
    Status status = fcn_config_read(&config, json_of(&arena, TINY), "test", own, NULL);
    if (status == STATUS_OK) {
        Weights w = weights_create(own, 1);
        fcn_load(&net, &config, &w, "");
        status = weights_finish(&w, NULL);
    }
    if (status == STATUS_OK) {
        const Tensor *y = fcn(&tape, &net, tape_input(&tape, x, 4, (const int[]){1, 3, SIDE, SIDE}, false));
        status = tape.error.status;
        CHECK((y == NULL) == (status != STATUS_OK));
    }
    arena_free(own);
    return status;
}

int main(void)
{
    Arena own = {0};
    test_one_stage_by_hand();
    test_stages_add_up();
    test_gradients();
    test_batches_and_sizes();
    test_configurations();
    check_allocations(try_all, &own, &own);
    arena_free(&arena);
    return check_report("fcn");
}
