#include "io/pickle.h"

#include <stdio.h>
#include <string.h>

#include "io/pickle_globals.h"
#include "io/pickle_machine.h"

static void push_text(PickleMachine *m, uint64_t length, bool kept)
{
    const unsigned char *p = pickle_take(m, length);
    PickleValue *v = p != NULL ? pickle_new(m, kept ? PICKLE_TEXT : PICKLE_OTHER) : NULL;
    if (v != NULL && kept) {
        if (memchr(p, '\0', (size_t)length) != NULL)
            pickle_bad(m, "has a text with a zero byte");
        v->text = arena_text(m->arena, (const char *)p, (size_t)length);
        if (v->text == NULL)
            pickle_no_memory(m);
    }
    pickle_push(m, v);
}

/* A number of 1 to 8 bytes in two's complement; none is 0. */
static void push_long(PickleMachine *m)
{
    const uint64_t bytes = pickle_take_number(m, 1);
    if (bytes > 8) {
        pickle_bad(m, "has a number of more than 64 bits");
        return;
    }
    const unsigned char *p = pickle_take(m, bytes);
    uint64_t value = p != NULL && bytes > 0 && (p[bytes - 1] & 0x80) != 0 ? UINT64_MAX : 0;
    for (uint64_t i = bytes; p != NULL && i > 0; i--)
        value = value << 8 | p[i - 1];
    int64_t number;
    memcpy(&number, &value, sizeof number);
    pickle_push_new(m, PICKLE_INT, number);
}

static void push_tuple(PickleMachine *m, PickleValue *const *items, size_t count)
{
    PickleValue *v = pickle_new(m, PICKLE_TUPLE);
    if (v == NULL)
        return;
    pickle_add_items(m, v, items, count);
    pickle_push(m, v);
}

/* The `count` topmost values as a tuple. */
static void tuple_of(PickleMachine *m, size_t count)
{
    PickleValue *items[3];
    for (size_t i = count; i > 0; i--)
        items[i - 1] = pickle_pop(m);
    if (m->status == STATUS_OK)
        push_tuple(m, items, count);
}

/* ---- what may be named and called ---- */

static void push_global(PickleMachine *m, const char *module, size_t module_length, const char *name,
                        size_t name_length)
{
    char full[200], text[300];
    snprintf(full, sizeof full, "%.*s.%.*s", (int)(module_length < 90 ? module_length : 90), module,
             (int)(name_length < 90 ? name_length : 90), name);
    for (char *p = full; *p != '\0'; p++)
        if ((unsigned char)*p < 0x21 || (unsigned char)*p > 0x7e)
            *p = '?';
    const char *known = NULL;
    if (pickle_global(&known, full) == GLOBAL_REFUSED) {
        snprintf(text, sizeof text, "names %s, which no tensor needs: the file is refused", full);
        pickle_bad(m, text);
        return;
    }
    PickleValue *v = pickle_new(m, PICKLE_GLOBAL);
    if (v != NULL)
        v->text = known;
    pickle_push(m, v);
}

/* "module\nname\n" */
static void global_lines(PickleMachine *m)
{
    const char *word[2] = {NULL, NULL};
    size_t length[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        const unsigned char *end = memchr(m->data + m->at, '\n', m->size - m->at);
        if (end == NULL) {
            pickle_bad(m, "is cut off by the end of the pickle");
            return;
        }
        word[i] = (const char *)m->data + m->at;
        length[i] = (size_t)(end - (m->data + m->at));
        m->at += length[i] + 1;
    }
    push_global(m, word[0], length[0], word[1], length[1]);
}

static void global_of_stack(PickleMachine *m)
{
    const PickleValue *name = pickle_pop(m), *module = pickle_pop(m);
    if (name == NULL || module == NULL)
        return;
    if (name->kind != PICKLE_TEXT || module->kind != PICKLE_TEXT) {
        pickle_bad(m, "names something by what is no text");
        return;
    }
    push_global(m, module->text, strlen(module->text), name->text, strlen(name->text));
}

static void reduce(PickleMachine *m)
{
    PickleValue *arguments = pickle_pop(m), *callee = pickle_pop(m);
    if (arguments == NULL || callee == NULL)
        return;
    const char *known = NULL;
    const GlobalUse use =
        callee->kind == PICKLE_GLOBAL ? pickle_global(&known, callee->text) : GLOBAL_REFUSED;
    if (arguments->kind != PICKLE_TUPLE || use == GLOBAL_REFUSED || use == GLOBAL_NAME) {
        char text[200];
        snprintf(text, sizeof text, "would call %.100s, which no tensor needs: the file is refused",
                 callee->kind == PICKLE_GLOBAL ? callee->text : "what is no function");
        pickle_bad(m, text);
        return;
    }
    if (use == GLOBAL_DICT) {
        if (arguments->count > 0)
            pickle_bad(m, "makes a dictionary of something, expected an empty one");
        pickle_push_new(m, PICKLE_DICT, 0);
        return;
    }
    PickleValue *v = pickle_new(m, PICKLE_CALL);
    if (v != NULL) {
        v->text = known;
        v->item = arguments->item;
        v->count = arguments->count;
    }
    pickle_push(m, v);
}

/* The state of an object: nothing that tensors need. */
static void build(PickleMachine *m)
{
    const PickleValue *state = pickle_pop(m), *object = pickle_top(m);
    if (state != NULL && object != NULL && object->kind != PICKLE_DICT && object->kind != PICKLE_CALL)
        pickle_bad(m, "gives a state to what has none");
}

static void persistent(PickleMachine *m)
{
    const PickleValue *id = pickle_pop(m);
    PickleValue *v = id != NULL ? pickle_new(m, PICKLE_PERSISTENT) : NULL;
    if (v == NULL)
        return;
    if (id->kind != PICKLE_TUPLE)
        pickle_bad(m, "names a storage by what is no tuple");
    v->item = id->item;
    v->count = id->count;
    pickle_push(m, v);
}

/* ---- lists, dictionaries, the memo ---- */

static void append(PickleMachine *m, bool many, PickleKind kind, size_t single)
{
    PickleValue *one[2], **items = one;
    size_t count = single;
    if (many) {
        count = pickle_pop_to_mark(m, &items);
    } else {
        for (size_t i = single; i > 0; i--)
            one[i - 1] = pickle_pop(m);
    }
    PickleValue *to = pickle_top(m);
    if (to == NULL)
        return;
    if (to->kind != kind || count % single != 0)
        pickle_bad(m, kind == PICKLE_LIST ? "adds to what is no list" : "adds to what is no dictionary");
    pickle_add_items(m, to, items, count);
}

static void put(PickleMachine *m, uint64_t place)
{
    PickleValue *v = pickle_top(m);
    if (v == NULL)
        return;
    if (place > m->memo.count) { /* picklers count up; one that leaves holes was not written by any */
        pickle_bad(m, "puts a value beyond the end of the memo");
        return;
    }
    if (place == m->memo.count && pickle_grow(m, &m->memo.item, m->memo.count, &m->memo.room))
        m->memo.count++;
    if (m->status == STATUS_OK)
        m->memo.item[place] = v;
}

static void get(PickleMachine *m, uint64_t place)
{
    if (m->status == STATUS_OK && place >= m->memo.count)
        pickle_bad(m, "asks the memo for a value that is not there");
    if (m->status == STATUS_OK)
        pickle_push(m, m->memo.item[place]);
}

static void to_tuple(PickleMachine *m)
{
    PickleValue **items = NULL;
    const size_t count = pickle_pop_to_mark(m, &items);
    if (m->status == STATUS_OK)
        push_tuple(m, items, count);
}

static void refuse(PickleMachine *m, unsigned char code)
{
    if (pickle_opcode_name(code) != NULL)
        pickle_bad(m, "is none that tensors need: the file is refused");
    else if (m->status == STATUS_OK)
        m->status = error_set(m->err, STATUS_FORMAT, "%.150s: byte %lu of its pickle, 0x%02x, is no opcode",
                              m->name, (unsigned long)m->opcode_at, code);
}

static void check_protocol(PickleMachine *m)
{
    const uint64_t version = pickle_take_number(m, 1);
    if (m->status == STATUS_OK && (version < 2 || version > 5))
        pickle_bad(m, "says a protocol that is not known, expected 2 to 5");
}

static void run(PickleMachine *m, unsigned char code)
{
    switch (code) {
    case 0x80: check_protocol(m); break;
    case 0x95:
        (void)pickle_take_number(m, 8);
        break; /* FRAME: how many bytes follow; they are here already */
    case '(': pickle_push(m, NULL); break;
    case 'N': pickle_push_new(m, PICKLE_NONE, 0); break;
    case 0x88: pickle_push_new(m, PICKLE_BOOL, 1); break;
    case 0x89: pickle_push_new(m, PICKLE_BOOL, 0); break;
    case 'K': pickle_push_new(m, PICKLE_INT, (int64_t)pickle_take_number(m, 1)); break;
    case 'M': pickle_push_new(m, PICKLE_INT, (int64_t)pickle_take_number(m, 2)); break;
    case 'J':
        pickle_push_new(m, PICKLE_INT, (int64_t)(pickle_take_number(m, 4) ^ 0x80000000u) - 0x80000000);
        break;
    case 0x8a: push_long(m); break;
    case 'G':
        (void)pickle_take(m, 8);
        pickle_push_new(m, PICKLE_OTHER, 0);
        break;
    case 'X': push_text(m, pickle_take_number(m, 4), true); break;
    case 0x8c: push_text(m, pickle_take_number(m, 1), true); break;
    case 0x8d: push_text(m, pickle_take_number(m, 8), true); break;
    case 'T': push_text(m, pickle_take_number(m, 4), true); break;
    case 'U': push_text(m, pickle_take_number(m, 1), true); break;
    case 'B': push_text(m, pickle_take_number(m, 4), false); break;
    case 'C': push_text(m, pickle_take_number(m, 1), false); break;
    case ')': push_tuple(m, NULL, 0); break;
    case 't': to_tuple(m); break;
    case 0x85: tuple_of(m, 1); break;
    case 0x86: tuple_of(m, 2); break;
    case 0x87: tuple_of(m, 3); break;
    case ']': pickle_push_new(m, PICKLE_LIST, 0); break;
    case 'a': append(m, false, PICKLE_LIST, 1); break;
    case 'e': append(m, true, PICKLE_LIST, 1); break;
    case '}': pickle_push_new(m, PICKLE_DICT, 0); break;
    case 's': append(m, false, PICKLE_DICT, 2); break;
    case 'u': append(m, true, PICKLE_DICT, 2); break;
    case 'q': put(m, pickle_take_number(m, 1)); break;
    case 'r': put(m, pickle_take_number(m, 4)); break;
    case 0x94: put(m, m->memo.count); break;
    case 'h': get(m, pickle_take_number(m, 1)); break;
    case 'j': get(m, pickle_take_number(m, 4)); break;
    case 'c': global_lines(m); break;
    case 0x93: global_of_stack(m); break;
    case 'R': reduce(m); break;
    case 'b': build(m); break;
    case 'Q': persistent(m); break;
    default: refuse(m, code); break;
    }
}

Status pickle_read(const PickleValue **out, const void *data, size_t size, const char *name, Arena *arena,
                   Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    PickleMachine m = {.data = data, .size = size, .name = name, .arena = arena, .err = err};
    if (size > PICKLE_MOST)
        return error_set(err, STATUS_FORMAT, "%.150s: a pickle of %lu bytes, expected at most %d", name,
                         (unsigned long)size, PICKLE_MOST);
    while (m.status == STATUS_OK && m.at < size && m.data[m.at] != '.') {
        m.opcode_at = m.at++;
        run(&m, m.data[m.opcode_at]);
    }
    if (m.status == STATUS_OK && (m.at == size || m.stack.count != 1 || m.stack.item[0] == NULL))
        m.status = error_set(err, STATUS_FORMAT, "%.150s: its pickle ends without one value", name);
    if (m.status == STATUS_OK)
        *out = m.stack.item[0];
    else
        arena_release(arena, mark);
    return m.status;
}

const PickleValue *pickle_get(const PickleValue *dict, const char *key)
{
    if (dict == NULL || dict->kind != PICKLE_DICT)
        return NULL;
    for (size_t i = dict->count; i >= 2; i -= 2)
        if (dict->item[i - 2]->kind == PICKLE_TEXT && strcmp(dict->item[i - 2]->text, key) == 0)
            return dict->item[i - 1];
    return NULL;
}
