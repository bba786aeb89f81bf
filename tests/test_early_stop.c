#include "diffusion/early_stop.h"

#include "diffusion/train_state.h"
#include "tests/scratch.h"
#include "tests/toy_training.h"

static TrainOptions patient(int patience)
{
    TrainOptions o = toy_options();
    o.patience = patience;
    return o;
}

/* Least losses reset the count, equal ones do not, a NaN is never one. */
static void test_rule_by_hand(void)
{
    const TrainOptions o = patient(3);
    Toy toy;
    toy_new(&toy, 3, &o);
    EarlyStop *s = &toy.trainer.stop;
    static const double loss[] = {2.0, 1.0, 1.0, NAN, 0.5, 0.6, 0.7};
    static const uint64_t stale[] = {0, 0, 1, 2, 0, 1, 2};
    for (uint64_t i = 0; i < 7; i++) {
        early_stop_note(s, loss[i], 10 * i);
        CHECK(s->stale == stale[i] && !early_stop_due(s));
    }
    CHECK(s->loss == 0.5 && s->step == 40);
    early_stop_note(s, 0.5, 70);
    CHECK(early_stop_due(s) && s->step == 40);
    toy_free(&toy);
}

/* The kept weights are those in place at the least loss, whatever comes after. */
static void test_weights_are_kept(void)
{
    const TrainOptions o = patient(2);
    Toy toy;
    toy_new(&toy, 3, &o);
    Trainer *t = &toy.trainer;
    float *w = t->parameters[0]->data;
    w[0] = 7.0f;
    early_stop_note(&t->stop, 1.0, 1);
    w[0] = 8.0f;
    early_stop_note(&t->stop, 2.0, 2);
    early_stop_swap(&t->stop);
    CHECK(w[0] == 7.0f);
    early_stop_swap(&t->stop);
    CHECK(w[0] == 8.0f);
    toy_free(&toy);
}

static void test_without_patience_nothing_is_kept(void)
{
    const TrainOptions o = patient(0);
    Toy toy;
    Error err = {0};
    EarlyStop stop = {.patience = 77};
    toy_new(&toy, 3, &o);
    early_stop_note(&toy.trainer.stop, 1.0, 1);
    early_stop_note(&toy.trainer.stop, 2.0, 2);
    early_stop_swap(&toy.trainer.stop);
    CHECK(!early_stop_due(&toy.trainer.stop) && toy.trainer.stop.kept.shadow == NULL);
    CHECK(early_stop_init(&stop, -1, toy.trainer.parameters, 1, &toy.arena, &err) == STATUS_ARGUMENT);
    CHECK(stop.patience == 77);
    toy_free(&toy);
}

/* A measurement is of the averaged weights, which the trainer takes note of. */
static void test_the_trainer_measures_averages(void)
{
    const TrainOptions o = patient(4);
    Toy toy;
    Error err = {0};
    double measured = 0.0, by_hand = 0.0;
    toy_new(&toy, 3, &o);
    Trainer *t = &toy.trainer;
    toy_steps(&toy, 2);
    CHECK(trainer_measure(t, &measured, &err) == STATUS_OK);
    CHECK(t->stop.loss == measured && t->stop.step == 2);
    trainer_swap_ema(t);
    CHECK(trainer_held_out(t, &by_hand, &err) == STATUS_OK && by_hand == measured);
    for (size_t k = 0; k < t->count; k++)
        CHECK(memcmp(t->stop.kept.shadow[k], t->parameters[k]->data,
                     tensor_count(t->parameters[k]) * sizeof(float)) == 0);
    trainer_swap_ema(t);
    toy_free(&toy);
}

/* Four steps with a measurement after each, in one run or stopped and resumed after the second: the same state. */
static void test_resume(void)
{
    char path[SCRATCH_PATH], whole[65];
    const TrainOptions o = patient(2);
    Toy one, two;
    Error err = {0};
    double loss = 0.0;
    scratch_path(path, "early.safetensors");
    toy_new(&one, 3, &o);
    for (int i = 0; i < 4; i++) {
        toy_steps(&one, 1);
        CHECK(trainer_measure(&one.trainer, &loss, &err) == STATUS_OK);
        if (i == 1)
            CHECK(train_state_save(&one.trainer, "recipe", path, &one.arena, &err) == STATUS_OK);
    }
    trainer_hash(&one.trainer, whole);
    toy_new(&two, 4, &o); /* from other weights: all comes from the file */
    CHECK(train_state_load(&two.trainer, "recipe", path, &two.arena, &err) == STATUS_OK);
    CHECK(two.trainer.stop.step == 2 || two.trainer.stop.stale > 0);
    for (int i = 0; i < 2; i++) {
        toy_steps(&two, 1);
        CHECK(trainer_measure(&two.trainer, &loss, &err) == STATUS_OK);
    }
    CHECK(toy_hash_is(&two, whole));
    CHECK(two.trainer.stop.loss == one.trainer.stop.loss &&
          two.trainer.stop.step == one.trainer.stop.step &&
          two.trainer.stop.stale == one.trainer.stop.stale);
    toy_free(&one);
    toy_free(&two);

    /* before any measurement the least loss is infinite, in the file too; a state without one is refused */
    toy_new(&one, 3, &o);
    CHECK(train_state_save(&one.trainer, "recipe", path, &one.arena, &err) == STATUS_OK);
    early_stop_note(&one.trainer.stop, 1.0, 1);
    CHECK(train_state_load(&one.trainer, "recipe", path, &one.arena, &err) == STATUS_OK);
    CHECK(one.trainer.stop.loss == HUGE_VAL && one.trainer.stop.step == 0);
    const TrainOptions plain = patient(0);
    toy_new(&two, 3, &plain);
    CHECK(train_state_save(&two.trainer, "recipe", path, &two.arena, &err) == STATUS_OK);
    CHECK(train_state_load(&one.trainer, "recipe", path, &one.arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "best held-out loss");
    toy_free(&one);
    toy_free(&two);
    remove(path);
}

int main(void)
{
    test_rule_by_hand();
    test_weights_are_kept();
    test_without_patience_nothing_is_kept();
    test_the_trainer_measures_averages();
    test_resume();
    return check_report("early_stop");
}
