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
    test_time_enters_as_sinusoids();
    return check_report("unet_encoder");
}
