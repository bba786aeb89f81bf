#include "diffusion/clip_picture.h"

#include "diffusion/config_reader.h"
#include "nn/elementwise.h"

enum { SIDE = 16384 };

const ClipPicture CLIP_PICTURE_DEFAULTS = {
    .size = 224,
    .filter = RESIZE_CUBIC,
    /* 0.48145466, 0.4578275, 0.40821073 */
    .mean = {0x1.ed0274p-2f, 0x1.d4d0bcp-2f, 0x1.a201fep-2f},
    /* 0.26862954, 0.26130258, 0.27577711 */
    .deviation = {0x1.1313ap-2f, 0x1.0b92e8p-2f, 0x1.1a6550p-2f},
};

/* Pillow's numbers of filters; box and hamming are not among ours. */
static const struct {
    int number;
    ResizeFilter filter;
} FILTERS[] = {{0, RESIZE_NEAREST}, {1, RESIZE_LANCZOS3}, {2, RESIZE_LINEAR}, {3, RESIZE_CUBIC}};
enum { FILTER_COUNT = sizeof FILTERS / sizeof FILTERS[0] };

/* One side: a number, {"shortest_edge": n}, or {"height": n, "width": n}. */
static int read_side(ConfigReader *r, const char *key, int otherwise, Arena *arena)
{
    const Json *value = config_get(r, key);
    if (json_kind(value) != JSON_OBJECT)
        return config_int(r, key, otherwise, 1, SIDE);
    ConfigReader inner = config_reader(value, r->name, arena), *i = &inner;
    const int edge = config_int(i, "shortest_edge", 0, 1, SIDE);
    const int height = config_int(i, "height", edge, 1, SIDE);
    const int width = config_int(i, "width", edge, 1, SIDE);
    Error refused = {.status = STATUS_OK};
    if (config_finish(i, &refused) != STATUS_OK)
        error_set(&r->error, refused.status, "%s", refused.text);
    else if (height != width || height < 1)
        config_refuse(r, key, "expected one side, or the same height and width");
    return height;
}

/* Three numbers, one a channel, above `low`. */
static void read_channels(float out[3], ConfigReader *r, const char *key, double low)
{
    const Json *value = config_get(r, key);
    if (value == NULL)
        return;
    bool good = json_kind(value) == JSON_ARRAY && json_count(value) == 3;
    for (size_t i = 0; good && i < 3; i++) {
        const double number = json_number(json_at(value, i), -1e9);
        good = number > low && number < 1e6;
        out[i] = good ? (float)number : 1.0f;
    }
    if (!good)
        config_refuse(r, key, "expected three numbers above %g", low);
}

static ResizeFilter read_filter(ConfigReader *r)
{
    const int number = config_int(r, "resample", 3, 0, 5);
    for (int i = 0; i < FILTER_COUNT; i++)
        if (FILTERS[i].number == number)
            return FILTERS[i].filter;
    config_refuse(r, "resample", "expected 0 (nearest), 1 (Lanczos), 2 (linear) or 3 (cubic)");
    return RESIZE_CUBIC;
}

Status clip_picture_read(ClipPicture *out, const Json *json, const char *name, Arena *arena, Error *err)
{
    static const char *const STEPS[] = {"do_center_crop", "do_convert_rgb", "do_normalize", "do_rescale",
                                        "do_resize"};
    static const char *const PASSED_OVER[] = {"feature_extractor_type", "image_processor_type",
                                              "processor_class"};
    ConfigReader reader = config_reader(json, name, arena), *r = &reader;
    ClipPicture p = CLIP_PICTURE_DEFAULTS;
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++)
        config_only_bool(r, STEPS[i], true);
    for (size_t i = 0; i < sizeof PASSED_OVER / sizeof PASSED_OVER[0]; i++)
        config_get(r, PASSED_OVER[i]);
    config_only_number(r, "rescale_factor", 1.0 / 255.0);
    p.size = read_side(r, "crop_size", p.size, arena);
    if (read_side(r, "size", p.size, arena) != p.size)
        config_refuse(r, "size", "expected that of \"crop_size\", %d", p.size);
    p.filter = read_filter(r);
    read_channels(p.mean, r, "image_mean", -1e6);
    read_channels(p.deviation, r, "image_std", 0.0);
    const Status status = config_finish(r, err);
    if (status == STATUS_OK)
        *out = p;
    return status;
}

static void write_channels(JsonWriter *w, const char *key, const float x[3])
{
    json_begin_array(w, key);
    for (int i = 0; i < 3; i++)
        json_write_number(w, NULL, (double)x[i]);
    json_end(w);
}

void clip_picture_write(JsonWriter *w, const ClipPicture *p)
{
    int filter = 0;
    while (FILTERS[filter].filter != p->filter)
        filter++;
    json_begin_object(w, NULL);
    json_begin_object(w, "crop_size");
    json_write_int(w, "height", p->size);
    json_write_int(w, "width", p->size);
    json_end(w);
    json_write_bool(w, "do_center_crop", true);
    json_write_bool(w, "do_convert_rgb", true);
    json_write_bool(w, "do_normalize", true);
    json_write_bool(w, "do_rescale", true);
    json_write_bool(w, "do_resize", true);
    write_channels(w, "image_mean", p->mean);
    json_write_text(w, "image_processor_type", "CLIPImageProcessor");
    write_channels(w, "image_std", p->deviation);
    json_write_int(w, "resample", FILTERS[filter].number);
    json_write_number(w, "rescale_factor", 1.0 / 255.0);
    json_begin_object(w, "size");
    json_write_int(w, "shortest_edge", p->size);
    json_end(w);
    json_end(w);
}

/* ---- pixels ---- */

static void normalise(float *planes, const ClipPicture *p)
{
    const size_t plane = (size_t)p->size * (size_t)p->size;
    for (size_t c = 0; c < 3; c++)
        for (size_t i = c * plane; i < (c + 1) * plane; i++) {
            planes[i] = planes[i] - p->mean[c];
            planes[i] = planes[i] / p->deviation[c];
        }
}

Status clip_picture_planes(float *planes, const ClipPicture *p, const Image *image, Arena *scratch,
                           Error *err)
{
    static const unsigned char white[3] = {255, 255, 255};
    const ArenaMark mark = arena_mark(scratch);
    Image picture = *image;
    Status status = STATUS_OK;
    if (image->channels == 4)
        status = image_flatten(&picture, image, white, scratch, err);
    if (status == STATUS_OK)
        status = image_convert(&picture, &picture, 3, scratch, err);
    if (status == STATUS_OK && (picture.width != p->size || picture.height != p->size))
        status = image_cover(&picture, &picture, p->size, p->size, p->filter, scratch, err);
    if (status == STATUS_OK) {
        image_to_unit_planes(planes, &picture);
        normalise(planes, p);
    }
    arena_release(scratch, mark);
    return status;
}

Tensor *clip_picture_normalise(Tape *tape, const ClipPicture *p, Tensor *u)
{
    static const int dim[3] = {3, 1, 1};
    char shape[64];
    if (u == NULL)
        return NULL;
    if (u->rank != 4 || u->dim[1] != 3)
        return tape_fail(tape, STATUS_SHAPE, "clip_picture_normalise: pictures %s, expected (N,3,H,W)",
                         tensor_shape_text(u, shape));
    float *numbers = tape_alloc(tape, 6, sizeof *numbers);
    if (numbers == NULL)
        return NULL;
    for (int c = 0; c < 3; c++) {
        numbers[c] = p->mean[c];
        numbers[3 + c] = p->deviation[c];
    }
    Tensor *centred = subtract(tape, u, tape_input(tape, numbers, 3, dim, false));
    return divide(tape, centred, tape_input(tape, numbers + 3, 3, dim, false));
}
