/* tests/train_check.h - what tests of training share. */
#ifndef TESTS_TRAIN_CHECK_H
#define TESTS_TRAIN_CHECK_H

#include <math.h>
#include <string.h>

#include "diffusion/trainer.h"
#include "tests/check.h"

/* The cross entropy of one row of scores. */
static inline double minus_log_softmax(const float *x, int count, int label)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++)
        sum += exp((double)x[i] - x[label]);
    return log(sum);
}

/* The losses of examples [first, first + count), as training or as a held-out check sees them. */
static inline void run_task(const TrainTask *task, bool held_out, uint64_t first, int count, float *out)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const Tensor *loss = (held_out ? task->held_out : task->losses)(task->self, &tape, first, count);
    if (CHECK(loss != NULL && tensor_count(loss) == (size_t)count))
        memcpy(out, loss->data, (size_t)count * sizeof *out);
    arena_free(&arena);
}

#endif
