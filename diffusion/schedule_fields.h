/* diffusion/schedule_fields.h - the keys of scheduler_config.json, one row each: what reads, merges and writes a
 * SchedulerConfig walks this table (diffusion/schedule_config.c). */
#ifndef DIFFUSION_SCHEDULE_FIELDS_H
#define DIFFUSION_SCHEDULE_FIELDS_H

#include <stddef.h>

typedef enum {
    FIELD_INT,
    FIELD_NUMBER,
    FIELD_BOOL,
    FIELD_NAME,  /* an enumeration: one of the names */
    FIELD_LIMIT, /* a number, where null means 0 */
    FIELD_BETAS,
    FIELD_STEPS,
    FIELD_ONLY_FALSE, /* known, and refused unless it is false or null */
} FieldKind;

typedef struct {
    const char *key;
    FieldKind kind;
    size_t offset;
    const char *names[8]; /* FIELD_NAME: by value, NULL behind the last */
} SchedulerField;

enum { SCHEDULER_FIELDS = 45 }; /* at most 64: SchedulerConfig.given */

extern const SchedulerField SCHEDULER_FIELD[SCHEDULER_FIELDS];

/* The row of a key; -1 when there is none. */
int scheduler_field(const char *key);

#endif
