#include "diffusion/config_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

ConfigReader config_reader(const Json *json, const char *name, Arena *arena)
{
    ConfigReader r = {.json = json, .name = name};
    if (json_kind(json) != JSON_OBJECT)
        error_set(&r.error, STATUS_FORMAT, "%s: not a JSON object", name);
    r.asked = arena_alloc(arena, json_count(json) + 1, sizeof *r.asked);
    if (r.asked == NULL)
        error_set(&r.error, STATUS_MEMORY, "%s: no memory to read it", name);
    return r;
}

const Json *config_get(ConfigReader *r, const char *key)
{
    if (r->error.status != STATUS_OK)
        return NULL;
    for (size_t i = 0; i < json_count(r->json); i++)
        if (strcmp(json_key(r->json, i), key) == 0) {
            r->asked[i] = true;
            return json_at(r->json, i);
        }
    return NULL;
}

bool config_is_null(ConfigReader *r, const char *key)
{
    const JsonKind kind = json_kind(config_get(r, key));
    return kind == JSON_ABSENT || kind == JSON_NULL;
}

/* A value as an error sentence shows it. */
static const char *shown(const Json *value, char text[64])
{
    switch (json_kind(value)) {
    case JSON_ABSENT: return "absent";
    case JSON_NULL: return "null";
    case JSON_BOOL: return json_bool(value, false) ? "true" : "false";
    case JSON_ARRAY: return "a list";
    case JSON_OBJECT: return "an object";
    case JSON_NUMBER: decimal_write(text, json_number(value, 0.0)); return text;
    case JSON_TEXT: snprintf(text, 64, "\"%.60s\"", json_text(value, "")); return text;
    }
    return "?";
}

void config_refuse(ConfigReader *r, const char *key, const char *problem, ...)
{
    char value[64], rest[240];
    const char *is = shown(config_get(r, key), value);
    va_list arguments;
    va_start(arguments, problem);
    vsnprintf(rest, sizeof rest, problem, arguments);
    va_end(arguments);
    error_set(&r->error, STATUS_FORMAT, "%s: \"%s\" is %s, %s", r->name, key, is, rest);
}

/* json_int's answer for "no whole number"; no key of a network has it as a value. */
enum { NO_INT = -2147483647 };

static int checked_int(ConfigReader *r, const char *key, const Json *value, int low, int high)
{
    const int number = json_int(value, NO_INT);
    if (number == NO_INT || number < low || number > high) {
        config_refuse(r, key, "expected whole numbers in %d to %d", low, high);
        return low;
    }
    return number;
}

int config_int(ConfigReader *r, const char *key, int otherwise, int low, int high)
{
    const Json *value = config_get(r, key);
    return value != NULL ? checked_int(r, key, value, low, high) : otherwise;
}

double config_number(ConfigReader *r, const char *key, double otherwise, double low, double high)
{
    const Json *value = config_get(r, key);
    if (value == NULL)
        return otherwise;
    const double number = json_number(value, 0.0);
    if (json_kind(value) != JSON_NUMBER || !(number >= low && number <= high)) {
        config_refuse(r, key, "expected a number in %g to %g", low, high);
        return otherwise;
    }
    return number;
}

bool config_bool(ConfigReader *r, const char *key, bool otherwise)
{
    return config_bool_at(r, key, 0, 0, otherwise);
}

/* The place of a text in `allowed`; refused, and 0, when it is not there. */
static int checked_choice(ConfigReader *r, const char *key, const Json *value, const char *const *allowed)
{
    char list[160] = "";
    for (int i = 0; allowed[i] != NULL; i++) {
        if (strcmp(json_text(value, ""), allowed[i]) == 0)
            return i;
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s\"%s\"", i > 0 ? ", " : "", allowed[i]);
    }
    if (json_kind(config_get(r, key)) == JSON_ARRAY)
        config_refuse(r, key, "with \"%.60s\" in it; expected %s", json_text(value, "(no text)"), list);
    else
        config_refuse(r, key, "expected %s", list);
    return 0;
}

int config_choice(ConfigReader *r, const char *key, int otherwise, const char *const *allowed)
{
    const Json *value = config_get(r, key);
    return value != NULL ? checked_choice(r, key, value, allowed) : otherwise;
}

/* The value for level i of `count`: the key's value itself, or entry i when it is a list. */
static const Json *level_value(ConfigReader *r, const char *key, int i, int count)
{
    const Json *value = config_get(r, key);
    if (json_kind(value) != JSON_ARRAY || count == 0)
        return value;
    if (json_count(value) != (size_t)count)
        config_refuse(r, key, "of %zu values, expected one value or a list of %d, one for each block",
                      json_count(value), count);
    return json_at(value, (size_t)i);
}

int config_int_at(ConfigReader *r, const char *key, int i, int count, int otherwise, int low, int high)
{
    const Json *value = level_value(r, key, i, count);
    return value != NULL ? checked_int(r, key, value, low, high) : otherwise;
}

bool config_bool_at(ConfigReader *r, const char *key, int i, int count, bool otherwise)
{
    const Json *value = level_value(r, key, i, count);
    if (value != NULL && json_kind(value) != JSON_BOOL)
        config_refuse(r, key, "expected true or false");
    return json_bool(value, otherwise);
}

int config_choice_at(ConfigReader *r, const char *key, int i, const char *const *allowed)
{
    return checked_choice(r, key, json_at(config_get(r, key), (size_t)i), allowed);
}

void config_only_null(ConfigReader *r, const char *key)
{
    if (!config_is_null(r, key))
        config_refuse(r, key, "only null is supported");
}

void config_only_bool(ConfigReader *r, const char *key, bool value)
{
    if (config_bool(r, key, value) != value)
        config_refuse(r, key, "only %s is supported", value ? "true" : "false");
}

void config_only_number(ConfigReader *r, const char *key, double value)
{
    if (config_get(r, key) != NULL && json_number(config_get(r, key), value + 1.0) != value)
        config_refuse(r, key, "only %g is supported", value);
}

void config_only_text(ConfigReader *r, const char *key, const char *value)
{
    config_choice(r, key, 0, (const char *const[]){value, NULL});
}

void config_class(ConfigReader *r, const char *class_name)
{
    config_only_text(r, "_class_name", class_name);
}

Status config_finish(ConfigReader *r, Error *err)
{
    for (size_t i = 0; r->error.status == STATUS_OK && i < json_count(r->json); i++) {
        const char *key = json_key(r->json, i);
        if (!r->asked[i] && key[0] != '_' && json_kind(json_at(r->json, i)) != JSON_NULL)
            config_refuse(r, key, "a setting that is not known");
    }
    if (r->error.status != STATUS_OK)
        return error_set(err, r->error.status, "%s", r->error.text);
    return STATUS_OK;
}
