/* io/pickle_machine.h - the stack on which a pickle's opcodes work; for pickle.c alone.
 *
 * The first failure stays in ->status; afterwards everything returns NULL, 0 or false and changes nothing. */
#ifndef IO_PICKLE_MACHINE_H
#define IO_PICKLE_MACHINE_H

#include "io/pickle.h"

typedef struct {
    PickleValue **item; /* on the stack NULL is a mark */
    size_t count, room;
} PickleRow;

typedef struct {
    const unsigned char *data;
    size_t size, at, opcode_at;
    PickleRow stack, memo;
    const char *name;
    Arena *arena;
    Error *err;
    Status status; /* the first failure */
} PickleMachine;

void *pickle_no_memory(PickleMachine *m);

/* The pickle is wrong at the opcode that is being run: "is cut off". */
void *pickle_bad(PickleMachine *m, const char *what);

/* Room for one more item: twice as many each time. */
bool pickle_grow(PickleMachine *m, PickleValue ***item, size_t count, size_t *room);

PickleValue *pickle_new(PickleMachine *m, PickleKind kind);
void pickle_push(PickleMachine *m, PickleValue *v);
void pickle_push_new(PickleMachine *m, PickleKind kind, int64_t number);

/* The topmost value, taken away or left; an error when there is none or a mark. */
PickleValue *pickle_pop(PickleMachine *m);
PickleValue *pickle_top(PickleMachine *m);

/* How many values lie above the topmost mark; they and the mark are taken away but stay readable at *out. */
size_t pickle_pop_to_mark(PickleMachine *m, PickleValue ***out);

/* Behind the items of a list, tuple or dictionary. */
void pickle_add_items(PickleMachine *m, PickleValue *to, PickleValue *const *items, size_t count);

/* `count` bytes of the pickle behind the opcode; a whole number of 1, 2, 4 or 8 bytes without sign. */
const unsigned char *pickle_take(PickleMachine *m, uint64_t count);
uint64_t pickle_take_number(PickleMachine *m, int bytes);

#endif
