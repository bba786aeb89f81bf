/* unet_encoder.h: what a ControlNet takes from it. */
#include "diffusion/unet_encoder.h"

#include "tests/tiny_unet.h"

static Tensor *run_mid(Tape *tape, const void *context, Tensor *const *inputs)
{
    const TinyUnet *t = context;
    UnetEncoding e;
    return unet_encode(&e, tape, &t->net.encoder, inputs[0], t->timesteps, t->text, inputs[1], NULL) ? e.mid
                                                                                                     : NULL;
}

static void test_skips_and_middle(void)
{
    static const int SKIP[7][3] = {{4, 5, 7}, {4, 5, 7}, {4, 3, 4}, {6, 3, 4},
                                   {6, 3, 4}, {6, 2, 2}, {8, 2, 2}};
    TinyUnet t;
    Arena arena = {0};
    UnetEncoding e;
    tiny_unet_new(&t, TINY_UNET, 2, false);
    Tape tape = {.arena = &arena};
    CHECK(unet_skip_count(&t.config) == 7);
    CHECK(unet_encode(&e, &tape, &t.net.encoder, t.x, t.timesteps, t.text, NULL, NULL));
    for (int i = 0; i < 7; i++) {
        const int want[4] = {2, SKIP[i][0], SKIP[i][1], SKIP[i][2]};
        CHECK(memcmp(e.skip[i]->dim, want, sizeof want) == 0);
    }
    CHECK(e.mid->dim[1] == 8 && e.mid->dim[2] == 2 && e.emb->dim[0] == 2 && e.emb->dim[1] == 16);
    arena_free(&arena);
    arena_free(&t.arena);
}

static void test_the_hint_is_added_to_conv_in(void)
{
    TinyUnet t;
    Arena arena = {0};
    UnetEncoding plain, hinted;
    tiny_unet_new(&t, TINY_UNET, 1, false);
    Tape tape = {.arena = &arena};
    Tensor *hint = any_tensor(&t.arena, 9, 4, 1, 4, TINY_H, TINY_W);
    CHECK(unet_encode(&plain, &tape, &t.net.encoder, t.x, t.timesteps, t.text, NULL, NULL));
    CHECK(unet_encode(&hinted, &tape, &t.net.encoder, t.x, t.timesteps, t.text, hint, NULL));
    for (size_t i = 0; i < tensor_count(hint); i++)
        CHECK(hinted.skip[0]->data[i] == plain.skip[0]->data[i] + hint->data[i]);
    CHECK(!same_bits(plain.mid->data, hinted.mid->data, tensor_count(plain.mid)));
    check_slope(run_mid, &t, (Tensor *[2]){t.x, hint}, hint, 2e-3f, 3e-3);
    arena_free(&arena);
    arena_free(&t.arena);
}

/* Which result feature i is added to, and nothing before it changes. */
static void test_features_are_added_where_diffusers_adds_them(void)
{
    static const int FEATURE[4][3] = {{4, 3, 4}, {6, 3, 4}, {8, 2, 2}, {8, 2, 2}};
    static const int PLACE[4] = {2, 4, 6, 7}; /* the skip that has it; 7: the middle */
    TinyUnet t;
    Arena arena = {0};
    Tensor *feature[4];
    UnetEncoding plain, with;
    tiny_unet_new(&t, TINY_UNET, 1, false);
    Tape tape = {.arena = &arena};
    CHECK(unet_encode(&plain, &tape, &t.net.encoder, t.x, t.timesteps, t.text, NULL, NULL));
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++) {
            feature[k] = any_tensor(&t.arena, 5, 4, 1, FEATURE[k][0], FEATURE[k][1], FEATURE[k][2]);
            if (k != i)
                memset(feature[k]->data, 0, tensor_count(feature[k]) * sizeof(float));
        }
        const UnetHooks hooks = {.adapter_features = feature, .adapter_count = 4};
        CHECK(unet_encode(&with, &tape, &t.net.encoder, t.x, t.timesteps, t.text, NULL, &hooks));
        for (int s = 0; s < PLACE[i] && s < 7; s++)
            CHECK(same_bits(plain.skip[s]->data, with.skip[s]->data, tensor_count(plain.skip[s])));
        const Tensor *before = PLACE[i] < 7 ? plain.skip[PLACE[i]] : plain.mid;
        const Tensor *after = PLACE[i] < 7 ? with.skip[PLACE[i]] : with.mid;
        if (i == 1) /* goes on through the down-sampling */
            CHECK(!same_bits(plain.skip[5]->data, with.skip[5]->data, tensor_count(plain.skip[5])));
        for (size_t n = 0; n < tensor_count(feature[i]); n++)
            CHECK(after->data[n] == before->data[n] + feature[i]->data[n]);
    }
    arena_free(&arena);
    arena_free(&t.arena);
}

static void test_time_enters_as_sinusoids(void)
{
    TinyUnet t;
    Arena arena = {0};
    UnetEncoding e[3];
    const float times[3] = {10.0f, 10.5f, 10.0f};
    tiny_unet_new(&t, TINY_UNET, 1, false);
    Tape tape = {.arena = &arena};
    for (int i = 0; i < 3; i++)
        CHECK(unet_encode(&e[i], &tape, &t.net.encoder, t.x, times + i, t.text, NULL, NULL));
    CHECK(!same_bits(e[0].emb->data, e[1].emb->data, 16)); /* half a step is another time */
    CHECK(same_bits(e[0].emb->data, e[2].emb->data, 16));
    arena_free(&arena);
    arena_free(&t.arena);
}

int main(void)
{
    test_skips_and_middle();
    test_the_hint_is_added_to_conv_in();
    test_features_are_added_where_diffusers_adds_them();
    test_time_enters_as_sinusoids();
    return check_report("unet_encoder");
}
