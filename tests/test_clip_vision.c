/* The vision encoder: tokens by their definition, states, gradients, memory, and the reference case. */
#include "diffusion/clip_vision.h"

#include "tests/net_cases.h"
#include "tests/plain_layers.h"

/* Pictures of 7x7 in patches of 3: a grid of 2 x 2, and one row and column that nobody sees. */
enum { N = 2, SIDE = 7, PATCH = 3, T = 5, C = 8, D = 5, LAYERS = 2 };

static ClipVisionConfig tiny(void)
{
    return (ClipVisionConfig){.channels = 3,
                              .image_size = SIDE,
                              .patch_size = PATCH,
                              .shape = {.width = C,
                                        .inner = 12,
                                        .layers = LAYERS,
                                        .heads = 2,
                                        .act = ACTIVATION_QUICK_GELU,
                                        .eps = 1e-5f},
                              .projection_dim = D,
                              .has_projection = true};
}

typedef struct {
    Arena arena;
    Weights weights;
    ClipVision vision;
    Tensor *x;
} Fixture;

static void fixture_new(Fixture *f)
{
    const ClipVisionConfig config = tiny();
    f->arena = (Arena){0};
    f->weights = weights_create(&f->arena, 51);
    clip_vision_load(&f->vision, &f->weights, &config);
    CHECK(f->weights.error.status == STATUS_OK && f->weights.count == 3 + 2 + 16 * LAYERS + 2 + 1);
    scramble(&f->weights, 52);
    f->x = any_tensor(&f->arena, 53, 4, N, 3, SIDE, SIDE);
}

/* Token t of picture n before the first norm. */
static void plain_token(double out[C], const Fixture *f, int n, int t)
{
    const ClipVision *v = &f->vision;
    for (int o = 0; o < C; o++) {
        double sum = t == 0 ? (double)v->class_embedding->data[o] : 0.0;
        for (int c = 0; t > 0 && c < 3; c++)
            for (int y = 0; y < PATCH; y++)
                for (int x = 0; x < PATCH; x++) {
                    const int row = (t - 1) / 2 * PATCH + y, column = (t - 1) % 2 * PATCH + x;
                    sum += (double)f->x->data[((n * 3 + c) * SIDE + row) * SIDE + column] *
                           (double)v->patch_embedding->data[((o * 3 + c) * PATCH + y) * PATCH + x];
                }
        out[o] = sum + (double)v->position_embedding->data[t * C + o];
    }
}

static void test_definition(void)
{
    Fixture f;
    fixture_new(&f);
    const ClipVision *v = &f.vision;
    double tokens[N * T * C], last[N * C];
    for (int n = 0; n < N; n++)
        for (int t = 0; t < T; t++)
            plain_token(tokens + (n * T + t) * C, &f, n, t);
    double *first = plain_layer_norm(tokens, &v->pre_norm, N * T, C);
    Tape tape = {.arena = &f.arena};
    Tensor *states[LAYERS + 1];
    ClipVisionRun run = {.states = states};
    const Tensor *embedding = clip_vision(&tape, v, f.x, &run);
    CHECK(furthest(states[0], first, N * T * C) < 3e-6);
    for (int i = 0; i < LAYERS; i++)
        CHECK(same_bits(clip_layer(&tape, &v->layer[i], states[i])->data, states[i + 1]->data, N * T * C));
    CHECK(run.last == states[LAYERS] && run.last->rank == 3 && run.last->dim[1] == T);
    for (int n = 0; n < N; n++)
        for (int i = 0; i < C; i++)
            last[n * C + i] = run.last->data[n * T * C + i];
    double *pooled = plain_layer_norm(last, &v->post_norm, N, C), projected[N * D];
    CHECK(furthest(run.pooled, pooled, N * C) < 2e-6);
    for (int n = 0; n < N; n++)
        for (int k = 0; k < D; k++) {
            projected[n * D + k] = 0;
            for (int i = 0; i < C; i++)
                projected[n * D + k] += pooled[n * C + i] * v->projection->data[k * C + i];
        }
    CHECK(furthest(embedding, projected, N * D) < 3e-6);
    CHECK(embedding->rank == 2 && embedding->dim[0] == N && embedding->dim[1] == D);
    free(first);
    free(pooled);
    arena_free(&f.arena);
}

/* What lies beyond the grid changes nothing; every pixel within it does. */
static void test_edge(void)
{
    Fixture f;
    fixture_new(&f);
    Tape tape = {.arena = &f.arena};
    const Tensor *before = clip_vision(&tape, &f.vision, f.x, NULL);
    f.x->data[SIDE - 1] += 1.0f;
    const Tensor *same = clip_vision(&tape, &f.vision, f.x, NULL);
    f.x->data[SIDE - 2] += 1.0f;
    const Tensor *other = clip_vision(&tape, &f.vision, f.x, NULL);
    CHECK(same_bits(before->data, same->data, N * D) && !same_bits(before->data, other->data, D));
    CHECK(same_bits(before->data + D, other->data + D, D)); /* the other picture */
    arena_free(&f.arena);
}

static void test_without_projection(void)
{
    Fixture f;
    fixture_new(&f);
    Tape tape = {.arena = &f.arena};
    ClipVisionRun run = {.states = NULL};
    f.vision.projection = NULL;
    const Tensor *y = clip_vision(&tape, &f.vision, f.x, &run);
    CHECK(y != NULL && y == run.pooled && y->dim[1] == C);
    arena_free(&f.arena);
}

static void test_batches(void)
{
    Fixture f;
    fixture_new(&f);
    Tape tape = {.arena = &f.arena};
    const Tensor *all = clip_vision(&tape, &f.vision, f.x, NULL);
    for (int n = 0; n < N; n++) {
        Tensor one = *f.x;
        one.dim[0] = 1;
        one.data += n * 3 * SIDE * SIDE;
        CHECK(same_bits(clip_vision(&tape, &f.vision, &one, NULL)->data, all->data + n * D, D));
    }
    arena_free(&f.arena);
}

static Tensor *run_vision(Tape *tape, const void *context, Tensor *const *inputs)
{
    return clip_vision(tape, context, inputs[0], NULL);
}

static void test_slopes(void)
{
    Fixture f;
    fixture_new(&f);
    Tensor *inputs[] = {f.x};
    check_slope(run_vision, &f.vision, inputs, f.x, 1e-3f, 5e-3);
    for (Parameter *p = f.weights.first; p != NULL; p = p->next)
        if (strstr(p->name, "k_proj.bias") ==
            NULL) /* moves all scores of a query alike: its gradient is 0 */
            check_slope(run_vision, &f.vision, inputs, p->tensor, 1e-3f, 5e-3);
    arena_free(&f.arena);
}

/* Gradients of a batch are those of its pictures one after the other, with checkpoints or without. */
static void test_gradients_add_up(void)
{
    float *grads[3][64];
    Fixture f[3];
    Arena gradients[3] = {{0}};
    for (int k = 0; k < 3; k++) {
        fixture_new(&f[k]);
        Tape tape = {
            .arena = &f[k].arena, .gradients = &gradients[k], .recording = true, .checkpoint = k == 2};
        for (Parameter *p = f[k].weights.first; p != NULL; p = p->next)
            p->tensor->wants_grad = p->tensor->keeps_grad = true;
        for (int n = 0; n < (k == 1 ? N : 1); n++) {
            Tensor part = *f[k].x;
            part.dim[0] = k == 1 ? 1 : N;
            part.data += n * 3 * SIDE * SIDE;
            Tensor *y = clip_vision(&tape, &f[k].vision, &part, NULL);
            CHECK(y != NULL && tape_backward(&tape, y, NULL) == STATUS_OK);
        }
        int i = 0;
        for (Parameter *p = f[k].weights.first; p != NULL; p = p->next)
            grads[k][i++] = p->tensor->grad;
    }
    int i = 0;
    for (Parameter *p = f[0].weights.first; p != NULL; p = p->next, i++)
        for (int k = 1; k < 3; k++)
            if (!CHECK(grads[0][i] != NULL && same_bits(grads[k][i], grads[0][i], tensor_count(p->tensor))))
                printf("    %s, way %d\n", p->name, k);
    for (int k = 0; k < 3; k++) {
        arena_free(&f[k].arena);
        arena_free(&gradients[k]);
    }
}

static void test_refused(void)
{
    Fixture f;
    fixture_new(&f);
    Tape tape = {.arena = &f.arena};
    Tensor wrong = *f.x;
    CHECK(clip_vision(&tape, &f.vision, NULL, NULL) == NULL && tape.error.status == STATUS_OK);
    wrong.dim[2] = SIDE - 1;
    CHECK(clip_vision(&tape, &f.vision, &wrong, NULL) == NULL && tape.error.status == STATUS_SHAPE);
    CHECK_TEXT(tape.error.text, "pictures (2,3,6,7), expected (N,3,7,7)");
    arena_free(&f.arena);
}

typedef struct {
    const Fixture *fixture;
    Arena arena;
} Attempt;

static Status attempt(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena};
    const size_t fail = a->arena.fail_after;
    arena_free(&a->arena);
    a->arena.fail_after = fail;
    const Tensor *y = clip_vision(&tape, &a->fixture->vision, a->fixture->x, NULL);
    CHECK((y == NULL) == (tape.error.status != STATUS_OK));
    return tape.error.status;
}

static void test_no_memory(void)
{
    Fixture f;
    fixture_new(&f);
    Attempt a = {.fixture = &f};
    check_allocations(attempt, &a, &a.arena);
    arena_free(&a.arena);
    arena_free(&f.arena);
}

/* ---- against transformers ---- */

static const char CASE[] = "e-clipvision-quickgelu";

static void test_reference_case(void)
{
    Arena arena = {0};
    Case c;
    Weights w = {0};
    ClipVision vision;
    ClipVisionConfig config;
    char path[CASE_PATH];
    Error err = {0};
    if (!case_exists(CASE) || !case_open(&c, CASE, &arena))
        return;
    const Json *json = case_json(&arena, "e-clipvision-quickgelu/image_encoder/config.json");
    if (!CHECK(clip_vision_config_read(&config, json, "config.json", &arena, &err) == STATUS_OK))
        return;
    weights_open(&w, &arena, case_path(path, "e-clipvision-quickgelu/image_encoder/model.safetensors"));
    clip_vision_load(&vision, &w, &config);
    CHECK(weights_finish(&w, &err) == STATUS_OK && vision.projection != NULL);
    Tape tape = {.arena = &arena};
    Tensor *states[4];
    ClipVisionRun run = {.states = states};
    const Tensor *embeds = clip_vision(&tape, &vision, case_input(&c, "pixel_values"), &run);
    case_check(&c, "image_embeds", embeds);
    case_check(&c, "pooler_output", run.pooled);
    case_check(&c, "last_hidden_state", run.last);
    for (int i = 0; i <= 3; i++) {
        char name[40];
        snprintf(name, sizeof name, "hidden_states.%d", i);
        case_check(&c, name, states[i]);
    }
    arena_free(&arena);
}

int main(void)
{
    test_definition();
    test_edge();
    test_without_projection();
    test_batches();
    test_slopes();
    test_gradients_add_up();
    test_refused();
    test_no_memory();
    test_reference_case();
    return check_report("clip_vision");
}
