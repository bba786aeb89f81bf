#include "io/json_node.h"

#include <limits.h>
#include <string.h>

#include "base/sort.h"

static int compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
    const int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static bool name_before(const void *context, size_t a, size_t b)
{
    const Json *members = context;
    return compare(members[a].key, members[a].key_length, members[b].key, members[b].key_length) < 0;
}

const Json *json_sort_members(Json *members, uint32_t count, size_t *scratch)
{
    sort_order(scratch, scratch + count, count, name_before, members);
    for (uint32_t i = 0; i < count; i++) {
        members[i].sorted = (uint32_t)scratch[i];
        if (i > 0 && !name_before(members, scratch[i - 1], scratch[i]))
            return &members[scratch[i]];
    }
    return NULL;
}

JsonKind json_kind(const Json *value)
{
    return value != NULL ? (JsonKind)value->kind : JSON_ABSENT;
}

double json_number(const Json *value, double otherwise)
{
    if (json_kind(value) != JSON_NUMBER)
        return otherwise;
    if (!value->whole)
        return value->value.number;
    const double magnitude = (double)value->value.magnitude;
    return value->minus ? -magnitude : magnitude;
}

int json_int(const Json *value, int otherwise)
{
    const double number = json_number(value, 0.5);
    if (!(number >= INT_MIN && number <= INT_MAX))
        return otherwise;
    const int whole = (int)number;
    return (double)whole == number ? whole : otherwise;
}

bool json_bool(const Json *value, bool otherwise)
{
    return json_kind(value) == JSON_BOOL ? value->value.truth : otherwise;
}

const char *json_text(const Json *value, const char *otherwise)
{
    return json_kind(value) == JSON_TEXT ? value->value.text : otherwise;
}

size_t json_text_length(const Json *value)
{
    return json_kind(value) == JSON_TEXT ? value->count : 0;
}

bool json_uint64(uint64_t *out, const Json *value)
{
    if (json_kind(value) != JSON_NUMBER || !value->whole || (value->minus && value->value.magnitude != 0))
        return false;
    *out = value->value.magnitude;
    return true;
}

const Json *json_get(const Json *object, const char *key)
{
    return json_at(object, json_index(object, key));
}

size_t json_index(const Json *object, const char *key)
{
    if (json_kind(object) != JSON_OBJECT)
        return SIZE_MAX;
    const Json *members = object->value.children;
    const size_t length = strlen(key);
    uint32_t low = 0, high = object->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const Json *member = &members[members[middle].sorted];
        const int order = compare(key, length, member->key, member->key_length);
        if (order == 0)
            return members[middle].sorted;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return SIZE_MAX;
}

size_t json_count(const Json *value)
{
    const JsonKind kind = json_kind(value);
    return kind == JSON_ARRAY || kind == JSON_OBJECT ? value->count : 0;
}

const Json *json_at(const Json *value, size_t i)
{
    return i < json_count(value) ? &value->value.children[i] : NULL;
}

const char *json_key(const Json *object, size_t i)
{
    return i < json_count(object) ? object->value.children[i].key : NULL;
}

size_t json_key_length(const Json *object, size_t i)
{
    return i < json_count(object) ? object->value.children[i].key_length : 0;
}
