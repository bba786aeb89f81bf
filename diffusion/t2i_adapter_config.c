#include "diffusion/t2i_adapter_config.h"

#include "diffusion/config_reader.h"

enum { CHANNELS = 65536, LAYERS = 256, FACTOR = 256 }; /* far above every published model */

/* In the order of AdapterType. */
static const char *const TYPES[] = {"full_adapter", "full_adapter_xl", "light_adapter", NULL};

enum { LIGHT_SHARE = 4, XL_LEVELS = 3 };

/* T2IAdapter's defaults. */
enum { DEFAULT_LEVELS = 4 };
static const int DEFAULT_CHANNELS[DEFAULT_LEVELS] = {320, 640, 1280, 1280};

static void read_channels(ConfigReader *r, AdapterConfig *c)
{
    const Json *list = config_get(r, "channels");
    const size_t count = list != NULL ? json_count(list) : DEFAULT_LEVELS;
    if (list != NULL && (json_kind(list) != JSON_ARRAY || count < 1 || count > ADAPTER_LEVELS)) {
        config_refuse(r, "channels", "expected a list of 1 to %d numbers", ADAPTER_LEVELS);
        return;
    }
    c->levels = (int)count;
    for (int i = 0; i < c->levels; i++)
        c->channels[i] =
            list != NULL ? config_int_at(r, "channels", i, c->levels, 1, 1, CHANNELS) : DEFAULT_CHANNELS[i];
}

/* Lists of which the class makes no network, or one that fails when it runs. */
static void check_fits(ConfigReader *r, const AdapterConfig *c)
{
    for (int i = 0; i < c->levels; i++) {
        if (c->type == ADAPTER_LIGHT && c->channels[i] < LIGHT_SHARE)
            config_refuse(r, "channels", "a light adapter works in a quarter of them: expected %d or more",
                          LIGHT_SHARE);
        if (c->type == ADAPTER_FULL_XL && i >= XL_LEVELS && c->channels[i] != c->channels[i - 1])
            config_refuse(r, "channels",
                          "of which a full_adapter_xl cannot change the width after the third");
    }
}

Status t2i_adapter_config_read(AdapterConfig *out, const Json *json, const char *name, Arena *arena,
                               Error *err)
{
    ConfigReader reader = config_reader(json, name, arena), *r = &reader;
    AdapterConfig c = {0};
    config_class(r, "T2IAdapter");
    c.type = (AdapterType)config_choice(r, "adapter_type", ADAPTER_FULL, TYPES);
    c.in_channels = config_int(r, "in_channels", 3, 1, CHANNELS);
    read_channels(r, &c);
    c.num_res_blocks = config_int(r, "num_res_blocks", 2, 0, LAYERS);
    c.downscale_factor = config_int(r, "downscale_factor", 8, 1, FACTOR);
    if (r->error.status == STATUS_OK)
        check_fits(r, &c);
    const Status status = config_finish(r, err);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

void t2i_adapter_config_write(JsonWriter *w, const AdapterConfig *c)
{
    json_begin_object(w, NULL);
    json_write_text(w, "_class_name", "T2IAdapter");
    json_write_text(w, "_diffusers_version", "0.27.2");
    json_write_text(w, "adapter_type", TYPES[c->type]);
    json_begin_array(w, "channels");
    for (int i = 0; i < c->levels; i++)
        json_write_int(w, NULL, c->channels[i]);
    json_end(w);
    json_write_int(w, "downscale_factor", c->downscale_factor);
    json_write_int(w, "in_channels", c->in_channels);
    json_write_int(w, "num_res_blocks", c->num_res_blocks);
    json_end(w);
}

bool t2i_adapter_config_same(const AdapterConfig *a, const AdapterConfig *b)
{
    bool same = a->type == b->type && a->in_channels == b->in_channels && a->levels == b->levels &&
                a->num_res_blocks == b->num_res_blocks && a->downscale_factor == b->downscale_factor;
    for (int i = 0; same && i < a->levels; i++)
        same = a->channels[i] == b->channels[i];
    return same;
}

const char *t2i_adapter_type_name(AdapterType type)
{
    return TYPES[type];
}

int t2i_adapter_features(const AdapterConfig *c)
{
    return c->levels + (c->type == ADAPTER_LIGHT ? 1 : 0);
}
