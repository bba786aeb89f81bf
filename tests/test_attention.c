#include "nn/attention.h"

#include "tests/kernel_plain.h"

/* One query, two keys, scores 0 and log 3: the values are weighed 1/4 and 3/4. */
static void test_two_keys_by_hand(void)
{
    float q[1] = {1.0f}, k[2] = {0.0f, 1.0986123f}, v[2] = {4.0f, 8.0f};
    const int q_dim[3] = {1, 1, 1}, k_dim[3] = {1, 2, 1};
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const Tensor *y =
        attention(&tape, tape_input(&tape, q, 3, q_dim, false), tape_input(&tape, k, 3, k_dim, false),
                  tape_input(&tape, v, 3, k_dim, false), (AttentionOptions){.heads = 1});
    CHECK(y != NULL);
    if (y != NULL)
        CHECK_NEAR(y->data[0], 7.0, 1e-6);
    arena_free(&arena);
}

typedef struct {
    AttentionShape s;
    bool masked;
} Case;

static const Case cases[] = {
    {{1, 1, 1, 1, 1, 1.0f, false, false}, false},      {{2, 5, 7, 3, 4, 0.5f, false, false}, false},
    {{2, 17, 16, 2, 8, 0.3f, false, true}, true},      {{1, 33, 300, 1, 20, 0.2f, false, false}, false},
    {{1, 300, 18, 1, 40, 0.2f, false, false}, true},   {{2, 20, 20, 2, 5, 0.4f, true, false}, false},
    {{1, 40, 40, 1, 3, 0.4f, true, true}, true},       {{1, 16, 64, 4, 24, 0.2f, false, false}, false},
    {{1, 9, 10, 1, 260, 0.06f, false, false}, false},  {{0, 4, 5, 2, 3, 1.0f, false, false}, false},
    {{3, 18, 20, 3, 5, 0.4f, false, true}, true},      {{4, 300, 9, 2, 6, 0.4f, true, false}, false},
    {{1, 260, 1100, 3, 2, 0.5f, false, false}, false}, {{1, 0, 5, 2, 3, 1.0f, false, false}, false},
    {{3, 0, 5, 4, 3, 1.0f, false, false}, false},      {{1, 530, 3, 1, 2, 1.0f, true, false}, false},
};

static void test_every_setting_gives_the_composition(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const AttentionShape *s = &cases[i].s;
        const size_t nq = s->B * s->T * s->heads * s->d, nk = s->B * s->S * s->heads * s->d;
        const size_t total = 2 * nq + 2 * nk;
        Arena arena = {0};
        const float *q = filled(&arena, nq, 1), *k = filled(&arena, nk, 2), *v = filled(&arena, nk, 3);
        const float *dy = filled(&arena, nq, 4), *mask = NULL;
        if (cases[i].masked)
            mask = filled(&arena, (s->mask_per_sample ? s->B : 1) * s->T * s->S, 5);
        float *want = filled(&arena, total, 6), *got = filled(&arena, total, 7);
        float *room = filled(&arena, 2 * s->T * s->S + (s->T + s->S) * s->d, 8);
        attention_plain(want, want + nq, want + 2 * nq, want + 2 * nq + nk, dy, q, k, v, mask, s, room);
        for (int setting = 0; kernel_setting(setting); setting++) {
            void *scratch =
                arena_raw(&arena, attention_forward_scratch(s) + attention_backward_scratch(s), 1);
            test_fill(got, total, 9);
            attention_forward(got, q, k, v, mask, s, scratch);
            attention_backward(got + nq, got + 2 * nq, got + 2 * nq + nk, dy, q, k, v, mask, s, scratch);
            const bool good = CHECK(same_bits(got, want, total));
            if (!good)
                printf("    case %zu, setting %d: y %d, dq %d, dk %d, dv %d\n", i, setting,
                       same_bits(got, want, nq), same_bits(got + nq, want + nq, nq),
                       same_bits(got + 2 * nq, want + 2 * nq, nk),
                       same_bits(got + 2 * nq + nk, want + 2 * nq + nk, nk));
        }
        arena_free(&arena);
    }
}

/* A causal query does not know the later keys: whatever they are, its bits stay. */
static void test_a_causal_query_sees_no_later_key(void)
{
    const AttentionShape s = {1, 19, 19, 1, 4, 0.5f, true, false};
    float q[19 * 4], k[19 * 4], v[19 * 4], before[19 * 4], after[19 * 4];
    test_fill(q, 76, 1);
    test_fill(k, 76, 2);
    test_fill(v, 76, 3);
    Arena arena = {0};
    void *scratch = arena_raw(&arena, attention_forward_scratch(&s), 1);
    attention_forward(before, q, k, v, NULL, &s, scratch);
    test_fill(k + 40, 36, 4);
    test_fill(v + 40, 36, 5);
    attention_forward(after, q, k, v, NULL, &s, scratch);
    CHECK(same_bits(before, after, 40));
    CHECK(!same_bits(before + 40, after + 40, 36));
    CHECK(same_bits(before, v, 4)); /* the first query sees one key */
    arena_free(&arena);
}

/* A row of -infinity in the mask hides a key as if it were not there. */
static void test_a_masked_key_has_no_weight(void)
{
    float q[2] = {0.3f, -0.2f}, k[6], v[6], mask[3] = {0.0f, -INFINITY, 0.0f};
    test_fill(k, 6, 1);
    test_fill(v, 6, 2);
    const float two_k[4] = {k[0], k[1], k[4], k[5]}, two_v[4] = {v[0], v[1], v[4], v[5]};
    const AttentionShape three = {1, 1, 3, 1, 2, 1.0f, false, false},
                         two = {1, 1, 2, 1, 2, 1.0f, false, false};
    float y3[2], y2[2];
    Arena arena = {0};
    void *scratch =
        arena_raw(&arena, attention_forward_scratch(&three) + attention_forward_scratch(&two), 1);
    attention_forward(y3, q, k, v, mask, &three, scratch);
    attention_forward(y2, q, two_k, two_v, NULL, &two, scratch);
    CHECK_NEAR(y3[0], y2[0], 1e-6);
    CHECK_NEAR(y3[1], y2[1], 1e-6);
    arena_free(&arena);
}

static void test_what_does_not_fit_is_refused(void)
{
    static const struct {
        int q[3], k[3], v[3], mask[3], mask_rank, heads;
    } bad[] = {
        {{1, 2, 4}, {1, 3, 4}, {1, 3, 4}, {0}, 0, 3},       {{1, 2, 4}, {1, 3, 4}, {1, 3, 4}, {0}, 0, 0},
        {{1, 2, 4}, {1, 3, 6}, {1, 3, 6}, {0}, 0, 2},       {{1, 2, 4}, {1, 3, 4}, {1, 2, 4}, {0}, 0, 2},
        {{1, 2, 4}, {2, 3, 4}, {2, 3, 4}, {0}, 0, 2},       {{1, 2, 4}, {1, 3, 4}, {1, 3, 4}, {2, 2}, 2, 2},
        {{1, 2, 4}, {1, 3, 4}, {1, 3, 4}, {2, 2, 3}, 3, 2}, {{1, 2, 4}, {1, 0, 4}, {1, 0, 4}, {0}, 0, 2},
    };
    float data[64] = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Arena arena = {0};
        Tape tape = {.arena = &arena};
        Tensor *mask =
            bad[i].mask_rank > 0 ? tape_input(&tape, data, bad[i].mask_rank, bad[i].mask, false) : NULL;
        CHECK(attention(&tape, tape_input(&tape, data, 3, bad[i].q, false),
                        tape_input(&tape, data, 3, bad[i].k, false),
                        tape_input(&tape, data, 3, bad[i].v, false),
                        (AttentionOptions){.heads = bad[i].heads, .mask = mask}) == NULL);
        CHECK(tape.error.status == STATUS_SHAPE);
        CHECK_TEXT(tape.error.text, "attention: queries (1,2,4)");
        arena_free(&arena);
    }
}

static Tensor *pass_on(void *context, Tape *tape, Tensor *probabilities)
{
    (void)context;
    (void)tape;
    return probabilities;
}

/* One tensor in all three places: its three gradients are added in the same order both ways. */
static void test_an_edit_adds_gradients_in_the_same_order(void)
{
    float x[2 * 5 * 6], dy[2 * 5 * 6], kept[2 * 5 * 6];
    const int dim[3] = {2, 5, 6};
    test_fill(x, 60, 1);
    test_fill(dy, 60, 2);
    for (int edited = 0; edited < 2; edited++) {
        Arena arena = {0}, gradients = {0};
        Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
        Tensor *in = tape_input(&tape, x, 3, dim, true);
        const AttentionOptions options = {.heads = 2, .edit = edited ? pass_on : NULL};
        CHECK(tape_backward(&tape, attention(&tape, in, in, in, options), dy) == STATUS_OK);
        if (edited)
            CHECK(same_bits(kept, in->grad, 60));
        else
            memcpy(kept, in->grad, sizeof kept);
        arena_free(&arena);
        arena_free(&gradients);
    }
}

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    return attention(tape, x[0], x[1], x[2], *(const AttentionOptions *)context);
}

static void test_as_an_operator(void)
{
    float numbers[5 * 7];
    test_fill(numbers, 35, 9);
    Tensor mask = {.rank = 2, .dim = {5, 7, 1, 1}, .data = numbers};
    const AttentionOptions options[3] = {
        {.heads = 2}, {.heads = 4, .mask = &mask}, {.heads = 1, .causal = true, .edit = pass_on}};
    for (int i = 0; i < 3; i++) {
        Arena arena = {0};
        OperatorCase c = {.name = "attention", .build = build, .context = &options[i], .count = 3};
        c.x[0] = test_tensor(&arena, 1, 3, (int[]){2, 5, 8});
        c.x[1] = test_tensor(&arena, 2, 3, (int[]){2, 7, 8});
        c.x[2] = test_tensor(&arena, 3, 3, (int[]){2, 7, 8});
        operatorcheck(&c, 0);
        arena_free(&arena);
    }
}

int main(void)
{
    test_two_keys_by_hand();
    test_every_setting_gives_the_composition();
    test_a_causal_query_sees_no_later_key();
    test_a_masked_key_has_no_weight();
    test_what_does_not_fit_is_refused();
    test_an_edit_adds_gradients_in_the_same_order();
    test_as_an_operator();
    return check_report("attention");
}
