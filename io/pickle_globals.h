/* io/pickle_globals.h - the names that a pickle of tensors may mention; for pickle.c alone. */
#ifndef IO_PICKLE_GLOBALS_H
#define IO_PICKLE_GLOBALS_H

typedef enum {
    GLOBAL_REFUSED,
    GLOBAL_NAME, /* may stand as a value */
    GLOBAL_CALL, /* may be called: the call is written down */
    GLOBAL_DICT  /* a call of it makes a dictionary */
} GlobalUse;

/* `name` is "module.name".  *out becomes a text that lives for ever. */
GlobalUse pickle_global(const char **out, const char *name);

/* The name of an opcode, for sentences: "REDUCE"; NULL for a byte that is none. */
const char *pickle_opcode_name(unsigned char code);

#endif
