/* The text encoder: end tokens, skipped layers, gradients, memory, and the reference case. */
#include "diffusion/clip_text.h"

#include "tests/net_cases.h"

enum { N = 3, T = 6, C = 8, LAYERS = 3, VOCABULARY = 11 };

static const int IDS[N * T] = {9, 1, 2, 10, 10, 10, 9, 3, 4, 5, 10, 0, 9, 10, 7, 8, 6, 1};

static ClipTextConfig tiny(void)
{
    return (ClipTextConfig){.vocab_size = VOCABULARY,
                            .positions = T,
                            .shape = {.width = C,
                                      .inner = 12,
                                      .layers = LAYERS,
                                      .heads = 2,
                                      .act = ACTIVATION_QUICK_GELU,
                                      .eps = 1e-5f,
                                      .causal = true},
                            .eos_token_id = 10,
                            .projection_dim = 5,
                            .has_projection = true};
}

typedef struct {
    Arena arena;
    Weights weights;
    ClipText text;
} Fixture;

static void fixture_new(Fixture *f)
{
    const ClipTextConfig config = tiny();
    f->arena = (Arena){0};
    f->weights = weights_create(&f->arena, 41);
    clip_text_load(&f->text, &f->weights, &config);
    CHECK(f->weights.error.status == STATUS_OK && f->weights.count == 2 + 16 * LAYERS + 2 + 1);
    scramble(&f->weights, 42);
}

static void test_end_token(void)
{
    ClipTextConfig c = tiny();
    const int two[] = {9, 2, 1, 10, 3, 10}, none[] = {4, 7, 7, 3, 0, 0};
    CHECK(clip_text_end(&c, two, 6) == 3); /* the first one */
    CHECK(clip_text_end(&c, none, 6) == 0);
    c.eos_token_id = 2; /* "the largest id", not the token 2 */
    CHECK(clip_text_end(&c, two, 6) == 3 && clip_text_end(&c, none, 6) == 1);
    c.eos_token_id = 0;
    CHECK(clip_text_end(&c, none, 6) == 4);
}

/* The first layer sees token + position; states are what each layer makes of the one before; the last goes
 * through the final norm; pooled rows are those of the end tokens. */
static void test_states(void)
{
    Fixture f;
    fixture_new(&f);
    Tape tape = {.arena = &f.arena};
    Tensor *states[LAYERS + 1];
    ClipTextRun run = {.states = states, .want_pooled = true};
    const Tensor *last = clip_text(&tape, &f.text, IDS, N, T, &run);
    CHECK(last != NULL && last->rank == 3 && last->dim[0] == N && last->dim[1] == T && last->dim[2] == C);
    const float token = f.text.token_embedding->data[3 * C + 2],
                place = f.text.position_embedding->data[1 * C + 2];
    CHECK(states[0]->data[(T + 1) * C + 2] == token + place);
    for (int i = 0; i < LAYERS; i++)
        CHECK(same_bits(clip_layer(&tape, &f.text.layer[i], states[i])->data, states[i + 1]->data,
                        N * T * C));
    static const int END[N] = {3, 4, 1};
    for (int n = 0; n < N; n++)
        CHECK(same_bits(run.pooled->data + n * C, last->data + (n * T + END[n]) * C, C));
    CHECK(run.projected->rank == 2 && run.projected->dim[0] == N && run.projected->dim[1] == 5);
    double dot = 0;
    for (int i = 0; i < C; i++)
        dot += (double)run.pooled->data[C + i] * f.text.projection->data[4 * C + i];
    CHECK_NEAR(run.projected->data[5 + 4], dot, 1e-6);

    /* Leaving out layers: the same as the earlier state through the final norm; pooled stays. */
    ClipTextRun skip = {.skip = 2, .want_pooled = true};
    const Tensor *early = clip_text(&tape, &f.text, IDS, N, T, &skip), *alone = NULL;
    skip.want_pooled = false;
    alone = clip_text(&tape, &f.text, IDS, N, T, &skip);
    CHECK(same_bits(early->data, alone->data, N * T * C) && !same_bits(early->data, last->data, N * T * C));
    CHECK(same_bits(skip.pooled->data, run.pooled->data, N * C));
    skip.skip = LAYERS;
    double mean = 0;
    const Tensor *none = clip_text(&tape, &f.text, IDS, N, T, &skip);
    for (int i = 0; i < C; i++)
        mean +=
            ((double)none->data[i] - f.text.final_norm.bias->data[i]) / f.text.final_norm.weight->data[i];
    CHECK_NEAR(mean, 0, 1e-4); /* it is a norm's output */
    CHECK(tape.error.status == STATUS_OK);
    arena_free(&f.arena);
}

/* A prompt in a batch, or cut shorter, keeps its bits. */
static void test_batches(void)
{
    Fixture f;
    fixture_new(&f);
    Tape tape = {.arena = &f.arena};
    const Tensor *all = clip_text(&tape, &f.text, IDS, N, T, NULL);
    for (int n = 0; n < N; n++) {
        const Tensor *one = clip_text(&tape, &f.text, IDS + n * T, 1, T, NULL);
        CHECK(same_bits(one->data, all->data + n * T * C, T * C));
        const Tensor *front = clip_text(&tape, &f.text, IDS + n * T, 1, 4, NULL);
        CHECK(same_bits(front->data, all->data + n * T * C, 4 * C));
    }
    arena_free(&f.arena);
}

static Tensor *projected(Tape *tape, const void *context, Tensor *const *inputs)
{
    (void)inputs;
    ClipTextRun run = {.want_pooled = true};
    clip_text(tape, context, IDS, N, T, &run);
    return run.projected;
}

static void test_slopes(void)
{
    Fixture f;
    fixture_new(&f);
    for (Parameter *p = f.weights.first; p != NULL; p = p->next)
        if (strstr(p->name, "k_proj.bias") ==
            NULL) /* moves all scores of a query alike: its gradient is 0 */
            check_slope(projected, &f.text, NULL, p->tensor, 1e-3f, 5e-3);
    arena_free(&f.arena);
}

/* Gradients of a batch are those of its prompts one after the other, with checkpoints or without. */
static void test_gradients_add_up(void)
{
    float *grads[3][64];
    Fixture f[3];
    Arena gradients[3] = {{0}};
    for (int k = 0; k < 3; k++) {
        fixture_new(&f[k]);
        Tape tape = {
            .arena = &f[k].arena, .gradients = &gradients[k], .recording = true, .checkpoint = k == 2};
        int i = 0;
        for (Parameter *p = f[k].weights.first; p != NULL; p = p->next)
            p->tensor->wants_grad = p->tensor->keeps_grad = true;
        for (int n = 0; n < (k == 1 ? N : 1); n++) {
            Tensor *y = clip_text(&tape, &f[k].text, IDS + n * T, k == 1 ? 1 : N, T, NULL);
            CHECK(y != NULL && tape_backward(&tape, y, NULL) == STATUS_OK);
        }
        for (Parameter *p = f[k].weights.first; p != NULL; p = p->next)
            grads[k][i++] = p->tensor->grad;
    }
    int i = 0;
    for (Parameter *p = f[0].weights.first; p != NULL; p = p->next, i++)
        for (int k = 1; k < 3; k++) {
            const bool same = grads[k][i] == NULL
                                  ? grads[0][i] == NULL
                                  : same_bits(grads[k][i], grads[0][i], tensor_count(p->tensor));
            if (!CHECK(same))
                printf("    %s, way %d\n", p->name, k);
        }
    for (int k = 0; k < 3; k++) {
        arena_free(&f[k].arena);
        arena_free(&gradients[k]);
    }
}

static void refuse(const ClipText *t, const int *ids, int n, int length, int skip, Status status,
                   const char *why)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    ClipTextRun run = {.skip = skip};
    CHECK(clip_text(&tape, t, ids, n, length, &run) == NULL && tape.error.status == status);
    CHECK_TEXT(tape.error.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    Fixture f;
    fixture_new(&f);
    static const int WRONG[] = {1, VOCABULARY, 2};
    refuse(&f.text, IDS, 1, T + 1, 0, STATUS_SHAPE, "1 prompts of 7 tokens, expected at most 6");
    refuse(&f.text, IDS, 0, T, 0, STATUS_SHAPE, "0 prompts");
    refuse(&f.text, IDS, 1, T, LAYERS + 1, STATUS_ARGUMENT, "clip skip leaves out 4 layers of 3");
    refuse(&f.text, WRONG, 1, 3, 0, STATUS_ARGUMENT, "11");
    arena_free(&f.arena);
}

typedef struct {
    const ClipText *text;
    Arena arena;
} Attempt;

static Status attempt(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena};
    ClipTextRun run = {.want_pooled = true};
    const size_t fail = a->arena.fail_after;
    arena_free(&a->arena);
    a->arena.fail_after = fail;
    clip_text(&tape, a->text, IDS, N, T, &run);
    return tape.error.status;
}

static void test_no_memory(void)
{
    Fixture f;
    fixture_new(&f);
    Attempt a = {.text = &f.text};
    check_allocations(attempt, &a, &a.arena);
    arena_free(&a.arena);
    arena_free(&f.arena);
}

/* ---- against transformers ---- */

static const char FOLDER[] = "models/sd1-tiny/text_encoder";

static ClipText open_case_model(Weights *w, const char *folder, Arena *arena)
{
    char below[200], path[CASE_PATH];
    ClipTextConfig config;
    ClipText text = {0};
    Error err = {0};
    snprintf(below, sizeof below, "%s/config.json", folder);
    Status status = clip_text_config_read(&config, case_json(arena, below), below, arena, &err);
    if (status == STATUS_OK) {
        snprintf(below, sizeof below, "%s/model.safetensors", folder);
        weights_open(w, arena, case_path(path, below));
        clip_text_load(&text, w, &config);
        status = weights_finish(w, &err);
    }
    if (!CHECK(status == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(check_report("clip_text"));
    }
    return text;
}

static void test_reference_case(void)
{
    Arena arena = {0};
    Case c;
    Weights w = {0};
    if (!case_exists("e-cliptext-quickgelu") || !case_open(&c, "e-cliptext-quickgelu", &arena))
        return;
    const ClipText text = open_case_model(&w, FOLDER, &arena);
    const Tensor *input = case_input(&c, "input_ids");
    int ids[3 * 77];
    for (int i = 0; i < 3 * 77; i++)
        ids[i] = (int)input->data[i];
    Tape tape = {.arena = &arena};
    Tensor *states[6];
    ClipTextRun run = {.states = states, .want_pooled = true}, skip = {.skip = 1};
    case_check(&c, "last_hidden_state", clip_text(&tape, &text, ids, 3, 77, &run));
    for (int i = 0; i <= 5; i++) {
        char name[40];
        snprintf(name, sizeof name, "hidden_states.%d", i);
        case_check(&c, name, states[i]);
    }
    case_check(&c, "pooler_output", run.pooled);
    CHECK(run.projected == NULL);
    case_check(&c, "penultimate_then_final_ln", clip_text(&tape, &text, ids, 3, 77, &skip));
    arena_free(&arena);
}

int main(void)
{
    test_end_token();
    test_states();
    test_batches();
    test_slopes();
    test_gradients_add_up();
    test_refused();
    test_no_memory();
    test_reference_case();
    return check_report("clip_text");
}
