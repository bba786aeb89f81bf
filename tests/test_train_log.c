/* The log of a training run: written and read again, with measures of its own, up to a step. */
#include "cli/train_log.h"

#include "base/file.h"
#include "tests/net_check.h"
#include "tests/scratch.h"

static const char *const TWO[] = {"accuracy", "top1", NULL}, *const ONE[] = {"accuracy", NULL};

static TrainLog some_log(Arena *arena, const char *const *names)
{
    TrainLog log = {.arena = arena, .measures = names};
    for (int i = 0; i < 4; i++) {
        TrainRow row = {.step = (uint64_t)i,
                        .loss = i == 0 ? NAN : 0.5 / i,
                        .held_out = i % 2 == 0 ? 0.25 * i : NAN,
                        .grad_norm = 2.0 * i,
                        .lr = 0.001,
                        .seconds = 1.25 * i,
                        .measured = {i % 2 == 0 ? 0.125 * i : NAN, 1.0 - i, 7.0, 7.0}};
        CHECK(train_log_add(&log, row, NULL) == STATUS_OK);
    }
    return log;
}

static bool same(double a, double b)
{
    return a == b || (a != a && b != b);
}

static void test_round_trip(const char *const *names, int measures, const char *text)
{
    char path[SCRATCH_PATH];
    Arena arena = {0};
    Bytes bytes;
    const TrainLog log = some_log(&arena, names);
    TrainLog again = {.arena = &arena, .measures = names};
    scratch_path(path, "log.csv");
    CHECK(train_log_write(&log, path, &arena, NULL) == STATUS_OK);
    CHECK(file_read(&bytes, path, &arena, NULL) == STATUS_OK &&
          strcmp((const char *)bytes.data, text) == 0);
    CHECK(train_log_read(&again, path, 2, NULL) == STATUS_OK && again.count == 3);
    for (size_t i = 0; i < again.count; i++) {
        const TrainRow *a = &log.rows[i], *b = &again.rows[i];
        CHECK(a->step == b->step && same(a->loss, b->loss) && same(a->held_out, b->held_out));
        CHECK(a->grad_norm == b->grad_norm && a->lr == b->lr && fabs(a->seconds - b->seconds) < 0.1);
        for (int k = 0; k < measures; k++)
            CHECK(same(a->measured[k], b->measured[k]));
    }

    /* The log of a run with other measures is another log. */
    TrainLog other = {.arena = &arena, .measures = ONE};
    Error err = {0};
    CHECK(train_log_read(&other, path, 2, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "is not the log of a training run of this kind");
    remove(path);
    arena_free(&arena);
}

static void test_bad_rows(void)
{
    char path[SCRATCH_PATH];
    Arena arena = {0};
    scratch_path(path, "bad.csv");
    static const char *const ROWS[] = {"1,2,3,4,5,6\n", "1,2,3,4,5,6,7,8\n", "1,2,3,4,5,6,x\n",
                                       "1,2,3,4,5,6,7"};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        TrainLog log = {.arena = &arena, .measures = ONE};
        Bytes text = {.arena = &arena};
        Error err = {0};
        bytes_add_text(&text, "step,loss,held_out_loss,grad_norm,lr,seconds,accuracy\n");
        bytes_add_text(&text, ROWS[i]);
        CHECK(file_write(path, text.data, text.size, NULL) == STATUS_OK);
        CHECK(train_log_read(&log, path, 9, &err) == STATUS_FORMAT);
        CHECK_TEXT(err.text, "line 2 is not a row of the log");
    }
    remove(path);
    arena_free(&arena);
}

int main(void)
{
    test_round_trip(NULL, 0,
                    "step,loss,held_out_loss,grad_norm,lr,seconds\n0,,0,0,0.001,0\n1,0.5,,2,0.001,1.2\n"
                    "2,0.25,0.5,4,0.001,2.5\n3,0.16666666666666666,,6,0.001,3.7\n");
    test_round_trip(TWO, 2,
                    "step,loss,held_out_loss,grad_norm,lr,seconds,accuracy,top1\n0,,0,0,0.001,0,0,1\n"
                    "1,0.5,,2,0.001,1.2,,0\n2,0.25,0.5,4,0.001,2.5,0.25,-1\n"
                    "3,0.16666666666666666,,6,0.001,3.7,,-2\n");
    test_bad_rows();
    return check_report("train_log");
}
