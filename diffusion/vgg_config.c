#include "diffusion/vgg_config.h"

#include <string.h>

#include "diffusion/config_reader.h"

/* Far above every published model, and small enough that no product of two overflows. */
enum { CHANNELS = 16384, SAMPLE = 16384, POOLED = 64, LEVELS = 1000000 };

static const char *const ACTIVATIONS[] = {"relu", "identity", NULL};
static const char *const LAYERS_ARE = "expected channels 1 to 16384 and \"M\" after some of them";

static void read_features(ConfigReader *r, VggConfig *c)
{
    const Json *list = config_get(r, "features");
    const size_t count = json_count(list);
    if (json_kind(list) != JSON_ARRAY || count < 1 || count > VGG_LAYERS) {
        config_refuse(r, "features", "expected a list of 1 to %d layers", VGG_LAYERS);
        return;
    }
    c->layers = (int)count;
    for (int i = 0; i < c->layers; i++) {
        const Json *layer = json_at(list, (size_t)i);
        const bool maxima = strcmp(json_text(layer, ""), "M") == 0;
        c->layer[i] = maxima ? 0 : json_int(layer, -1);
        if (c->layer[i] < 0 || c->layer[i] > CHANNELS || (maxima && (i == 0 || c->layer[i - 1] == 0)) ||
            (!maxima && c->layer[i] == 0)) {
            config_refuse(r, "features", "whose entry %d is not a layer; %s", i, LAYERS_ARE);
            return;
        }
    }
    if (vgg_stages(c) > VGG_STAGES)
        config_refuse(r, "features", "of more than %d runs of convolutions", VGG_STAGES);
}

static void read_hidden(ConfigReader *r, VggConfig *c)
{
    const Json *list = config_get(r, "hidden");
    if (list == NULL) {
        c->hidden_count = 2;
        c->hidden[0] = c->hidden[1] = 4096;
    } else if (json_kind(list) != JSON_ARRAY || json_count(list) > VGG_HIDDEN) {
        config_refuse(r, "hidden", "expected a list of at most %d widths", VGG_HIDDEN);
    } else {
        c->hidden_count = (int)json_count(list);
        for (int i = 0; i < c->hidden_count; i++)
            c->hidden[i] = config_int_at(r, "hidden", i, c->hidden_count, 0, 1, CHANNELS);
    }
    c->hidden_relu = config_choice(r, "hidden_activation", 0, ACTIVATIONS) == 0;
}

/* One number for each channel of the input. */
static void read_statistic(ConfigReader *r, const char *key, double *out, int channels, double low,
                           double high)
{
    const Json *list = config_get(r, key);
    for (int i = 0; i < channels; i++)
        out[i] = 0.5;
    if (list == NULL)
        return;
    if (json_kind(list) != JSON_ARRAY || json_count(list) != (size_t)channels) {
        config_refuse(r, key, "expected a list of %d numbers, one for each channel", channels);
        return;
    }
    for (int i = 0; i < channels; i++) {
        out[i] = json_number(json_at(list, (size_t)i), low - 1.0);
        if (!(out[i] >= low && out[i] <= high)) {
            config_refuse(r, key, "with a number outside %g to %g", low, high);
            return;
        }
    }
}

static void read_labels(ConfigReader *r, VggHead *head, const Json *list, Arena *arena)
{
    const size_t count = json_count(list);
    if (count < 1 || count > VGG_OUTPUTS) {
        config_refuse(r, "heads", "whose head \"%.40s\" has %zu names", head->name, count);
        return;
    }
    const char **label = arena_alloc(arena, count, sizeof *label);
    if (label == NULL) {
        error_set(&r->error, STATUS_MEMORY, "%s: no memory for names", r->name);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (json_kind(json_at(list, i)) != JSON_TEXT) {
            config_refuse(r, "heads", "whose head \"%.40s\" has a name that is no text", head->name);
            return;
        }
        label[i] = json_text(json_at(list, i), "");
    }
    head->outputs = (int)count;
    head->label = label;
}

static void read_heads(ConfigReader *r, VggConfig *c, Arena *arena)
{
    const Json *heads = config_get(r, "heads");
    if (heads == NULL)
        return;
    if (json_kind(heads) != JSON_OBJECT || json_count(heads) > VGG_HEADS) {
        config_refuse(r, "heads", "expected an object of at most %d heads", VGG_HEADS);
        return;
    }
    for (size_t i = 0; i < json_count(heads) && r->error.status == STATUS_OK; i++) {
        VggHead *head = &c->head[i];
        const Json *value = json_at(heads, i);
        head->name = json_key(heads, i);
        c->heads = (int)i + 1;
        if (json_kind(value) == JSON_ARRAY) {
            read_labels(r, head, value, arena);
            continue;
        }
        head->outputs = json_int(value, 0);
        if (head->outputs < 1 || head->outputs > VGG_OUTPUTS)
            config_refuse(r, "heads", "whose head \"%.40s\" must be 1 to %d outputs or their names",
                          head->name, VGG_OUTPUTS);
    }
}

Status vgg_config_read(VggConfig *out, const Json *json, const char *name, Arena *arena, Error *err)
{
    ConfigReader reader = config_reader(json, name, arena), *r = &reader;
    VggConfig c = {0};
    config_class(r, "VGG");
    c.in_channels = config_int(r, "in_channels", 3, 1, VGG_INPUTS);
    c.sample_size = config_int(r, "sample_size", 224, 1, SAMPLE);
    read_features(r, &c);
    c.pooled_size = config_int(r, "pooled_size", 7, 1, POOLED);
    read_hidden(r, &c);
    c.noise_levels = config_int(r, "noise_levels", 0, 0, LEVELS);
    read_statistic(r, "image_mean", c.mean, c.in_channels, -1e3, 1e3);
    read_statistic(r, "image_std", c.std, c.in_channels, 1e-6, 1e6);
    read_heads(r, &c, arena);
    const Status status = config_finish(r, err);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

static void write_statistic(JsonWriter *w, const char *key, const double *x, int channels)
{
    json_begin_array(w, key);
    for (int i = 0; i < channels; i++)
        json_write_number(w, NULL, x[i]);
    json_end(w);
}

static void write_head(JsonWriter *w, const VggHead *head)
{
    if (head->label == NULL) {
        json_write_int(w, head->name, head->outputs);
        return;
    }
    json_begin_array(w, head->name);
    for (int i = 0; i < head->outputs; i++)
        json_write_text(w, NULL, head->label[i]);
    json_end(w);
}

void vgg_config_write(JsonWriter *w, const char *key, const VggConfig *c)
{
    json_begin_object(w, key);
    json_write_text(w, "_class_name", "VGG");
    json_write_int(w, "in_channels", c->in_channels);
    json_write_int(w, "sample_size", c->sample_size);
    json_begin_array(w, "features");
    for (int i = 0; i < c->layers; i++) {
        if (c->layer[i] > 0)
            json_write_int(w, NULL, c->layer[i]);
        else
            json_write_text(w, NULL, "M");
    }
    json_end(w);
    json_write_int(w, "pooled_size", c->pooled_size);
    json_begin_array(w, "hidden");
    for (int i = 0; i < c->hidden_count; i++)
        json_write_int(w, NULL, c->hidden[i]);
    json_end(w);
    json_write_text(w, "hidden_activation", ACTIVATIONS[c->hidden_relu ? 0 : 1]);
    json_write_int(w, "noise_levels", c->noise_levels);
    write_statistic(w, "image_mean", c->mean, c->in_channels);
    write_statistic(w, "image_std", c->std, c->in_channels);
    json_begin_object(w, "heads");
    for (int i = 0; i < c->heads; i++)
        write_head(w, &c->head[i]);
    json_end(w);
    json_end(w);
}

int vgg_outputs(const VggConfig *c)
{
    return vgg_head_start(c, c->heads);
}

int vgg_head_start(const VggConfig *c, int head)
{
    int start = 0;
    for (int i = 0; i < head; i++)
        start += c->head[i].outputs;
    return start;
}

int vgg_head(const VggConfig *c, const char *name)
{
    for (int i = 0; i < c->heads; i++)
        if (strcmp(c->head[i].name, name) == 0)
            return i;
    return -1;
}

int vgg_stages(const VggConfig *c)
{
    int stages = 0;
    for (int i = 0; i < c->layers; i++)
        stages += c->layer[i] > 0 && (i == 0 || c->layer[i - 1] == 0);
    return stages;
}

int vgg_channels(const VggConfig *c)
{
    int channels = c->in_channels;
    for (int i = 0; i < c->layers; i++)
        if (c->layer[i] > 0)
            channels = c->layer[i];
    return channels;
}
