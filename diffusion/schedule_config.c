#include "diffusion/schedule_config.h"

#include <string.h>

#include "base/file.h"
#include "diffusion/schedule_fields.h"
#include "io/json.h"

/* diffusers 0.27.2, schedulers/scheduling_ddpm.py, DDPMScheduler.__init__; the members that it does not
 * have are those of the classes that have them. */
const SchedulerConfig SCHEDULER_DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .prediction_type = PREDICT_EPSILON,
    .timestep_spacing = SPACING_LEADING,
    .clip_sample = true,
    .clip_sample_range = 1.0,
    .dynamic_thresholding_ratio = 0.995,
    .sample_max_value = 1.0,
    .set_alpha_to_one = true,
    .variance_type = VARIANCE_FIXED_SMALL,
    .solver_order = 2,
    .algorithm_type = ALGORITHM_DPMSOLVER_PP,
    .lower_order_final = true,
    .lambda_min_clipped = -1.0 / 0.0, /* minus infinity; INFINITY is no constant to tcc */
    .predict_x0 = true,
    .original_inference_steps = 50,
    .timestep_scaling = 10.0,
    .predictor_order = 2,
    .corrector_order = 2,
    .sigma_data = 0.5,
    .rho = 7.0,
    .s_noise = 1.0,
    .clip_denoised = true,
};

const SchedulerConfig SCHEDULER_STABLE_DIFFUSION = {
    .class_name = "DDIMScheduler",
    .given = ~(uint64_t)0,
    .num_train_timesteps = 1000,
    .beta_start = 0.00085,
    .beta_end = 0.012,
    .beta_schedule = BETA_SCALED_LINEAR,
    .prediction_type = PREDICT_EPSILON,
    .timestep_spacing = SPACING_LEADING,
    .steps_offset = 1,
    .clip_sample_range = 1.0,
    .dynamic_thresholding_ratio = 0.995,
    .sample_max_value = 1.0,
    .variance_type = VARIANCE_FIXED_SMALL,
    .skip_prk_steps = true,
    .solver_order = 2,
    .algorithm_type = ALGORITHM_DPMSOLVER_PP,
    .lower_order_final = true,
    .lambda_min_clipped = -1.0 / 0.0, /* minus infinity; INFINITY is no constant to tcc */
    .predict_x0 = true,
    .original_inference_steps = 50,
    .timestep_scaling = 10.0,
    .predictor_order = 2,
    .corrector_order = 2,
    .sigma_data = 0.5,
    .rho = 7.0,
    .s_noise = 1.0,
    .clip_denoised = true,
};

/* ---- reading ---- */

static bool read_number(double *out, const Json *value)
{
    if (json_kind(value) == JSON_TEXT && strcmp(json_text(value, ""), "-Infinity") == 0) {
        *out = SCHEDULER_DEFAULTS.lambda_min_clipped;
        return true;
    }
    *out = json_number(value, 0.0);
    return json_kind(value) == JSON_NUMBER;
}

/* Lists of numbers; `steps` wants whole ones. */
static Status read_list(SchedulerConfig *c, const Json *value, bool steps, Arena *arena, Error *err)
{
    const size_t count = json_count(value);
    double *betas = arena_raw(arena, count + 1, sizeof *betas);
    int *numbers = arena_raw(arena, count + 1, sizeof *numbers);
    if (betas == NULL || numbers == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a scheduler");
    for (size_t i = 0; i < count; i++) {
        betas[i] = json_number(json_at(value, i), 2.0);
        numbers[i] = json_int(json_at(value, i), -1);
    }
    if (steps) {
        c->disable_corrector = numbers;
        c->disable_count = (int)count;
    } else {
        c->trained_betas = betas;
        c->trained_count = (int)count;
    }
    return STATUS_OK;
}

/* Sets the member of one field; the sentence of a refusal tells what was expected. */
static Status read_field(SchedulerConfig *c, const SchedulerField *f, const Json *value, const char *name,
                         Arena *arena, Error *err)
{
    char *member = (char *)c + f->offset;
    const JsonKind kind = json_kind(value);
    const char *expected = NULL;
    switch (f->kind) {
    case FIELD_INT:
        *(int *)(void *)member = json_int(value, -1);
        expected = json_int(value, -1) < 0 ? "a whole number of at least 0" : NULL;
        break;
    case FIELD_NUMBER:
    case FIELD_LIMIT:
        if (!read_number((double *)(void *)member, value) && (f->kind == FIELD_NUMBER || kind != JSON_NULL))
            expected = "a number";
        break;
    case FIELD_BOOL:
        *(bool *)(void *)member = json_bool(value, false);
        expected = kind != JSON_BOOL ? "true or false" : NULL;
        break;
    case FIELD_NAME: {
        const int k = scheduler_value(f->key, kind == JSON_NULL ? "none" : json_text(value, ""));
        *(int *)(void *)member = k;
        if (k < 0)
            return error_set(err, STATUS_FORMAT, "%s: %s is \"%.40s\", which is not known", name, f->key,
                             json_text(value, "(no text)"));
        break;
    }
    case FIELD_BETAS:
    case FIELD_STEPS:
        if (kind == JSON_ARRAY)
            return read_list(c, value, f->kind == FIELD_STEPS, arena, err);
        expected = kind != JSON_NULL ? "a list" : NULL;
        break;
    case FIELD_ONLY_FALSE: expected = kind != JSON_NULL && json_bool(value, true) ? "false" : NULL; break;
    }
    if (expected != NULL)
        return error_set(err, STATUS_FORMAT, "%s: %s is not %s%s", name, f->key, expected,
                         f->kind == FIELD_ONLY_FALSE ? ", and other values are not supported" : "");
    return STATUS_OK;
}

static bool listed(const Json *list, const char *key)
{
    for (size_t i = 0; i < json_count(list); i++)
        if (strcmp(json_text(json_at(list, i), ""), key) == 0)
            return true;
    return false;
}

static Status from_json(SchedulerConfig *out, const Json *json, const char *name, Arena *arena, Error *err)
{
    SchedulerConfig c = SCHEDULER_DEFAULTS;
    if (json_kind(json) != JSON_OBJECT)
        return error_set(err, STATUS_FORMAT, "%s: expected an object", name);
    const char *class_name = json_text(json_get(json, "_class_name"), "");
    if (strlen(class_name) >= sizeof c.class_name)
        return error_set(err, STATUS_FORMAT, "%s: _class_name is longer than %zu bytes", name,
                         sizeof c.class_name - 1);
    memcpy(c.class_name, class_name, strlen(class_name) + 1);
    for (size_t i = 0; i < json_count(json); i++) {
        const char *key = json_key(json, i);
        if (key[0] == '_' || listed(json_get(json, "_use_default_values"), key))
            continue;
        const int k = scheduler_field(key);
        if (k < 0)
            return error_set(err, STATUS_FORMAT, "%s: the key \"%.60s\" is not known", name, key);
        const Status status = read_field(&c, &SCHEDULER_FIELD[k], json_at(json, i), name, arena, err);
        if (status != STATUS_OK)
            return status;
        c.given |= (uint64_t)1 << k;
    }
    *out = c;
    return STATUS_OK;
}

Status scheduler_config_parse(SchedulerConfig *out, const char *text, size_t size, const char *name,
                              Arena *arena, Error *err)
{
    const Json *json;
    const Status status = json_parse(&json, text, size, name, arena, err);
    return status == STATUS_OK ? from_json(out, json, name, arena, err) : status;
}

Status scheduler_config_read(SchedulerConfig *out, const char *path, Arena *arena, Error *err)
{
    const Json *json;
    const Status status = json_read(&json, path, arena, err);
    return status == STATUS_OK ? from_json(out, json, path, arena, err) : status;
}

/* ---- making one config from another ---- */

static size_t field_size(FieldKind kind)
{
    switch (kind) {
    case FIELD_INT:
    case FIELD_NAME: return sizeof(int);
    case FIELD_NUMBER:
    case FIELD_LIMIT: return sizeof(double);
    case FIELD_BOOL: return sizeof(bool);
    default: return 0;
    }
}

SchedulerConfig scheduler_config_over(const SchedulerConfig *read, const SchedulerConfig *defaults)
{
    SchedulerConfig c = *defaults;
    memcpy(c.class_name, read->class_name, sizeof c.class_name);
    c.given = read->given;
    for (int i = 0; i < SCHEDULER_FIELDS; i++)
        if (read->given >> i & 1)
            memcpy((char *)&c + SCHEDULER_FIELD[i].offset, (const char *)read + SCHEDULER_FIELD[i].offset,
                   field_size(SCHEDULER_FIELD[i].kind));
    c.trained_betas = read->trained_betas;
    c.trained_count = read->trained_count;
    c.disable_corrector = read->disable_corrector;
    c.disable_count = read->disable_count;
    return c;
}

void scheduler_config_keep(SchedulerConfig *config, const SchedulerConfig *defaults,
                           const char *const *keys)
{
    uint64_t kept = 0;
    for (; *keys != NULL; keys++)
        kept |= scheduler_field(*keys) >= 0 ? (uint64_t)1 << scheduler_field(*keys) : 0;
    for (int i = 0; i < SCHEDULER_FIELDS; i++)
        if ((kept >> i & 1) == 0)
            memcpy((char *)config + SCHEDULER_FIELD[i].offset,
                   (const char *)defaults + SCHEDULER_FIELD[i].offset, field_size(SCHEDULER_FIELD[i].kind));
    if ((kept >> scheduler_field("trained_betas") & 1) == 0) {
        config->trained_betas = defaults->trained_betas;
        config->trained_count = defaults->trained_count;
    }
}

void scheduler_config_say(SchedulerConfig *config, const char *key)
{
    const int i = scheduler_field(key);
    if (i >= 0)
        config->given |= (uint64_t)1 << i;
}

/* ---- writing ---- */

static void write_field(JsonWriter *w, const SchedulerConfig *c, const SchedulerField *f)
{
    const char *member = (const char *)c + f->offset;
    const double number =
        f->kind == FIELD_NUMBER || f->kind == FIELD_LIMIT ? *(const double *)(const void *)member : 0;
    const int whole =
        f->kind == FIELD_INT || f->kind == FIELD_NAME ? *(const int *)(const void *)member : 0;
    switch (f->kind) {
    case FIELD_INT: json_write_int(w, f->key, whole); break;
    case FIELD_LIMIT:
    case FIELD_NUMBER:
        if (f->kind == FIELD_LIMIT && number == 0.0)
            json_write_null(w, f->key);
        else if (number <= SCHEDULER_DEFAULTS.lambda_min_clipped)
            json_write_text(w, f->key, "-Infinity");
        else
            json_write_number(w, f->key, number);
        break;
    case FIELD_BOOL: json_write_bool(w, f->key, *(const bool *)(const void *)member); break;
    case FIELD_NAME:
        if (strcmp(f->names[whole], "none") == 0)
            json_write_null(w, f->key);
        else
            json_write_text(w, f->key, f->names[whole]);
        break;
    case FIELD_BETAS:
        if (c->trained_betas == NULL) {
            json_write_null(w, f->key);
            break;
        }
        json_begin_array(w, f->key);
        for (int i = 0; i < c->trained_count; i++)
            json_write_number(w, NULL, c->trained_betas[i]);
        json_end(w);
        break;
    case FIELD_STEPS:
        json_begin_array(w, f->key);
        for (int i = 0; i < c->disable_count; i++)
            json_write_int(w, NULL, c->disable_corrector[i]);
        json_end(w);
        break;
    case FIELD_ONLY_FALSE: break;
    }
}

void scheduler_config_write(Bytes *out, const SchedulerConfig *config, const char *class_name,
                            const char *const *keys)
{
    JsonWriter w = {.out = out};
    json_begin_object(&w, NULL);
    json_write_text(&w, "_class_name", class_name);
    json_write_text(&w, "_diffusers_version", "0.27.2"); /* whose conventions these are */
    for (; *keys != NULL; keys++)
        if (scheduler_field(*keys) >= 0)
            write_field(&w, config, &SCHEDULER_FIELD[scheduler_field(*keys)]);
    json_end(&w);
}
