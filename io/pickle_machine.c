#include "io/pickle_machine.h"

#include <string.h>

#include "io/pickle_globals.h"

void *pickle_no_memory(PickleMachine *m)
{
    if (m->status == STATUS_OK)
        m->status = error_set(m->err, STATUS_MEMORY, "%.150s: no memory for its pickle", m->name);
    return NULL;
}

void *pickle_bad(PickleMachine *m, const char *what)
{
    const char *opcode = pickle_opcode_name(m->data[m->opcode_at]);
    if (m->status == STATUS_OK)
        m->status = error_set(m->err, STATUS_FORMAT, "%.150s: pickle opcode %s at byte %lu %s", m->name,
                              opcode != NULL ? opcode : "?", (unsigned long)m->opcode_at, what);
    return NULL;
}

bool pickle_grow(PickleMachine *m, PickleValue ***item, size_t count, size_t *room)
{
    if (count < *room)
        return true;
    const size_t more = *room == 0 ? 4 : *room * 2;
    PickleValue **larger = arena_raw(m->arena, more, sizeof *larger);
    if (larger == NULL)
        return pickle_no_memory(m) != NULL;
    if (count > 0)
        memcpy(larger, *item, count * sizeof *larger);
    *item = larger;
    *room = more;
    return true;
}

void pickle_push(PickleMachine *m, PickleValue *v)
{
    if (m->status == STATUS_OK && pickle_grow(m, &m->stack.item, m->stack.count, &m->stack.room))
        m->stack.item[m->stack.count++] = v;
}

PickleValue *pickle_new(PickleMachine *m, PickleKind kind)
{
    PickleValue *v = m->status == STATUS_OK ? arena_alloc(m->arena, 1, sizeof *v) : NULL;
    if (v == NULL)
        return pickle_no_memory(m);
    v->kind = kind;
    return v;
}

void pickle_push_new(PickleMachine *m, PickleKind kind, int64_t number)
{
    PickleValue *v = pickle_new(m, kind);
    if (v != NULL)
        v->number = number;
    pickle_push(m, v);
}

PickleValue *pickle_pop(PickleMachine *m)
{
    if (m->status != STATUS_OK)
        return NULL;
    if (m->stack.count == 0 || m->stack.item[m->stack.count - 1] == NULL)
        return pickle_bad(m, "finds nothing on the stack");
    return m->stack.item[--m->stack.count];
}

PickleValue *pickle_top(PickleMachine *m)
{
    PickleValue *v = pickle_pop(m);
    if (v != NULL)
        m->stack.count++;
    return v;
}

/* How many values lie above the topmost mark; they and the mark are taken away but stay readable at *out. */
size_t pickle_pop_to_mark(PickleMachine *m, PickleValue ***out)
{
    size_t first = m->stack.count;
    while (first > 0 && m->stack.item[first - 1] != NULL)
        first--;
    if (first == 0) {
        pickle_bad(m, "finds no mark on the stack");
        return 0;
    }
    const size_t count = m->stack.count - first;
    *out = m->stack.item + first;
    m->stack.count = first - 1;
    return count;
}

void pickle_add_items(PickleMachine *m, PickleValue *to, PickleValue *const *items, size_t count)
{
    for (size_t i = 0; i < count && m->status == STATUS_OK; i++)
        if (pickle_grow(m, &to->item, to->count, &to->room))
            to->item[to->count++] = items[i];
}

const unsigned char *pickle_take(PickleMachine *m, uint64_t count)
{
    if (m->status != STATUS_OK)
        return NULL;
    if (count > m->size - m->at)
        return pickle_bad(m, "is cut off by the end of the pickle");
    const unsigned char *p = m->data + m->at;
    m->at += (size_t)count;
    return p;
}

uint64_t pickle_take_number(PickleMachine *m, int bytes)
{
    const unsigned char *p = pickle_take(m, (uint64_t)bytes);
    uint64_t value = 0;
    for (int i = bytes - 1; p != NULL && i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}
