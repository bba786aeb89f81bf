/* diffusion/config_reader.h - a JSON configuration, each key asked for by name and none forgotten.
 *
 * A model's reader asks for every key of its class, with the class's default where the key may be absent.
 * A value that we do not do is refused by the name of its key, and so is, at the end, a key that nobody
 * asked for: a setting is either honoured or an error, never ignored.  Keys that begin with '_' (class
 * name, version) and keys set to null are no settings.
 *
 * The first failure stays in the reader; afterwards every function returns its default.  Sentences read
 *   unet/config.json: "act_fn" is "mish", expected one of "silu", "swish" */
#ifndef DIFFUSION_CONFIG_READER_H
#define DIFFUSION_CONFIG_READER_H

#include "io/json.h"

typedef struct {
    const Json *json;
    const char *name; /* of the file, for error sentences */
    bool *asked;      /* for each key of the object: somebody wanted to know */
    Error error;
} ConfigReader;

/* json must be an object. */
ConfigReader config_reader(const Json *json, const char *name, Arena *arena);

/* The value of a key, which counts as asked for; NULL when it is absent. */
const Json *config_get(ConfigReader *r, const char *key);

/* Absent or null. */
bool config_is_null(ConfigReader *r, const char *key);

/* One value; `otherwise` when the key is absent.  Another kind (also null), or a number outside
 * [low, high], is an error. */
int config_int(ConfigReader *r, const char *key, int otherwise, int low, int high);
double config_number(ConfigReader *r, const char *key, double otherwise, double low, double high);
bool config_bool(ConfigReader *r, const char *key, bool otherwise);

/* One of the texts in `allowed` (ended by NULL): its place there. */
int config_choice(ConfigReader *r, const char *key, int otherwise, const char *const *allowed);

/* What diffusers calls Union[int, Tuple[int]]: one value for all `count` levels, or a list of `count`. */
int config_int_at(ConfigReader *r, const char *key, int i, int count, int otherwise, int low, int high);
bool config_bool_at(ConfigReader *r, const char *key, int i, int count, bool otherwise);

/* Entry i of a list of texts; an entry that is none of `allowed` is an error. */
int config_choice_at(ConfigReader *r, const char *key, int i, const char *const *allowed);

/* Settings of which only one value is done: anything else is an error. */
void config_only_null(ConfigReader *r, const char *key);
void config_only_bool(ConfigReader *r, const char *key, bool value);
void config_only_number(ConfigReader *r, const char *key, double value);
void config_only_text(ConfigReader *r, const char *key, const char *value);

/* "_class_name" may be absent; when it is there it must be this one. */
void config_class(ConfigReader *r, const char *class_name);

/* Records a failure about one key: "NAME: "key" is VALUE, PROBLEM". */
void config_refuse(ConfigReader *r, const char *key, const char *problem, ...) PRINTF_LIKE(3, 4);

/* The end: fails when a key was never asked for, or with the first failure. */
MUST_CHECK Status config_finish(ConfigReader *r, Error *err);

#endif
