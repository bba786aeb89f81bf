#include "diffusion/picture_data.h"

#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "io/picture.h"
#include "io/resize.h"
#include "io/sha256.h"

const char *const PICTURE_FIT_WORDS[] = {"cover", "contain", "stretch", NULL};

const PictureOptions PICTURE_DEFAULTS = {.size = 64, .held_out = 0.1, .keep = (size_t)512 << 20};

static const unsigned char WHITE[3] = {255, 255, 255};

/* ---- one picture ---- */

/* A side of the whole picture in the square, whose own side the longer one fills; rounded half up. */
static int contained(int side, int longer, int size)
{
    const int made = (int)(((int64_t)2 * side * size + longer) / ((int64_t)2 * longer));
    return made < 1 ? 1 : made;
}

static Status contain(Image *out, const Image *in, int size, Arena *arena, Error *err)
{
    const int longer = in->width > in->height ? in->width : in->height;
    const int width = contained(in->width, longer, size), height = contained(in->height, longer, size);
    Image square, inner;
    Status status = image_new(&square, size, size, 3, arena, err);
    if (status == STATUS_OK)
        status =
            image_resize(&inner, in, width, height, (ResizeOptions){.filter = RESIZE_LANCZOS3}, arena, err);
    if (status != STATUS_OK)
        return status;
    image_fill(&square, WHITE);
    image_paste(&square, &inner, (size - width) / 2, (size - height) / 2);
    *out = square;
    return STATUS_OK;
}

static Status fit(Image *out, const Image *in, const PictureOptions *o, Arena *arena, Error *err)
{
    if (in->width == o->size && in->height == o->size) {
        *out = *in;
        return STATUS_OK;
    }
    switch (o->fit) {
    case FIT_CONTAIN: return contain(out, in, o->size, arena, err);
    case FIT_STRETCH:
        return image_resize(out, in, o->size, o->size, (ResizeOptions){.filter = RESIZE_LANCZOS3}, arena,
                            err);
    default: return image_cover(out, in, o->size, o->size, RESIZE_LANCZOS3, arena, err);
    }
}

/* Reads the file, hashes it, and makes it ready: pixels (size,size,3). */
static Status make_ready(unsigned char *pixels, unsigned char hash[32], const PictureEntry *entry,
                         const PictureOptions *options, Arena *scratch, Error *err)
{
    Bytes file;
    Image read, opaque, ready;
    Sha256 sha = sha256_begin();
    Status status = file_read(&file, entry->path, scratch, err);
    if (status == STATUS_OK)
        status = picture_decode(&read, file.data, file.size, entry->path, scratch, err);
    if (status == STATUS_OK)
        status = read.channels == 4 ? image_flatten(&opaque, &read, WHITE, scratch, err)
                                    : image_convert(&opaque, &read, 3, scratch, err);
    if (status == STATUS_OK)
        status = fit(&ready, &opaque, options, scratch, err);
    if (status != STATUS_OK)
        return status;
    sha256_add(&sha, file.data, file.size);
    sha256_end(hash, &sha);
    memcpy(pixels, ready.pixels, image_size(&ready));
    return STATUS_OK;
}

static size_t picture_size(const PictureData *d)
{
    return (size_t)d->options.size * (size_t)d->options.size * 3;
}

/* ---- all of them, once ---- */

static Status read_all(PictureData *d, Arena *arena, Error *err)
{
    const size_t count = d->folder.count, one = picture_size(d);
    Arena scratch = {.fail_after = arena->fail_after, .account = arena->account, .source = arena->source};
    Error first = {.status = STATUS_OK};
    size_t bad = 0;
    unsigned char *spare = arena_raw(arena, one, 1);
    d->hash = arena_alloc(arena, count, sizeof *d->hash);
    if (d->options.keep / one >= count)
        d->pixels = arena_raw(arena, count * one, 1);
    if (spare == NULL || d->hash == NULL || (d->options.keep / one >= count && d->pixels == NULL))
        return error_set(err, STATUS_MEMORY, "%s: no memory for %zu pictures", d->folder.folder, count);
    Status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        Error problem = {.status = STATUS_OK};
        const ArenaMark mark = arena_mark(&scratch);
        unsigned char *pixels = d->pixels != NULL ? d->pixels + i * one : spare;
        const Status read =
            make_ready(pixels, d->hash[i], &d->folder.entry[i], &d->options, &scratch, &problem);
        arena_release(&scratch, mark);
        if (read == STATUS_MEMORY)
            status = error_set(err, read, "%s", problem.text);
        else if (read != STATUS_OK && bad++ == 0)
            first = problem;
        if (status == STATUS_OK && d->options.progress != NULL &&
            !d->options.progress(d->options.context, i + 1, count))
            status = error_set(err, STATUS_INTERRUPTED, "stopped after reading %zu of %zu pictures", i + 1,
                               count);
    }
    arena_free(&scratch);
    if (status == STATUS_OK && bad == 1)
        status = error_set(err, first.status, "%s", first.text);
    else if (status == STATUS_OK && bad > 1)
        status = error_set(err, first.status, "%s (and %zu more of %zu pictures are bad)", first.text,
                           bad - 1, count);
    return status;
}

static void take_fingerprint(PictureData *d)
{
    Sha256 sha = sha256_begin();
    for (size_t i = 0; i < d->folder.count; i++) {
        const PictureEntry *e = &d->folder.entry[i];
        unsigned char number[8];
        le64_put(number, (uint64_t)e->repeats + (e->caption != NULL ? 1u << 16 : 0));
        sha256_add(&sha, e->name, strlen(e->name) + 1);
        sha256_add(&sha, e->caption != NULL ? e->caption : "",
                   e->caption != NULL ? strlen(e->caption) + 1 : 1);
        sha256_add(&sha, number, sizeof number);
        sha256_add(&sha, d->hash[i], sizeof d->hash[i]);
    }
    sha256_end_hex(d->fingerprint, &sha);
}

/* ---- which are held out ---- */

static bool in_test_folder(const PictureEntry *e)
{
    return strncmp(e->name, "test/", 5) == 0 || strncmp(e->name, "validation/", 11) == 0;
}

/* The first 8 bytes of the hash as a fraction of 2^64. */
static double fraction(const unsigned char hash[32])
{
    return (double)be32_get(hash) * 0x1p-32 + (double)be32_get(hash + 4) * 0x1p-64;
}

/* True at `held[i]` for those that are; returns how many. */
static size_t choose_held_out(bool *held, const PictureData *d)
{
    const size_t count = d->folder.count;
    size_t chosen = 0, least = 0, greatest = 0;
    for (size_t i = 0; i < count; i++) {
        held[i] = in_test_folder(&d->folder.entry[i]);
        chosen += held[i];
    }
    if (chosen > 0 || d->options.held_out <= 0.0)
        return chosen;
    for (size_t i = 0; i < count; i++) {
        held[i] = fraction(d->hash[i]) < d->options.held_out;
        chosen += held[i];
        least = memcmp(d->hash[i], d->hash[least], 32) < 0 ? i : least;
        greatest = memcmp(d->hash[i], d->hash[greatest], 32) > 0 ? i : greatest;
    }
    if (chosen == 0 && memcmp(d->hash[least], d->hash[greatest], 32) != 0) {
        held[least] = true;
        chosen = 1;
    }
    for (size_t i = 0; chosen == count && i < count;
         i++) /* all: the greatest, and what is the same, comes back */
        held[i] = memcmp(d->hash[i], d->hash[greatest], 32) != 0;
    return chosen;
}

static void list_pictures(PictureList *list, const PictureData *d, const bool *held, bool want,
                          bool repeats)
{
    for (size_t i = 0; i < d->folder.count; i++)
        for (int r = 0; held[i] == want && r < (repeats ? d->folder.entry[i].repeats : 1); r++)
            list->entry[list->count++] = (uint32_t)i;
}

static Status split(PictureData *d, Arena *arena, Error *err)
{
    const size_t count = d->folder.count;
    uint64_t most = 0;
    bool *held = arena_alloc(arena, count, sizeof *held);
    for (size_t i = 0; i < count; i++)
        most += (uint64_t)d->folder.entry[i].repeats;
    if (most > UINT32_MAX / 8)
        return error_set(err, STATUS_ARGUMENT, "%s: %llu pictures with their repeats are too many",
                         d->folder.folder, (unsigned long long)most);
    uint32_t *room = arena_alloc(arena, (size_t)(2 * most) + count, sizeof *room);
    if (held == NULL || room == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for lists of its pictures", d->folder.folder);
    choose_held_out(held, d);
    d->train = (PictureList){.entry = room, .order = room + most, .shuffle = true};
    d->held_out = (PictureList){.entry = room + 2 * most};
    list_pictures(&d->train, d, held, false, true);
    list_pictures(&d->held_out, d, held, true, false);
    if (d->train.count == 0)
        return error_set(err, STATUS_ARGUMENT, "%s: every picture is held out, none is left to train on",
                         d->folder.folder);
    return STATUS_OK;
}

Status picture_data_open(PictureData *out, const PictureFolder *folder, const PictureOptions *options,
                         Arena *arena, Error *err)
{
    PictureData d = {.folder = *folder, .options = *options};
    if (options->size < PICTURE_SIZE_MIN || options->size > PICTURE_SIZE_MAX)
        return error_set(err, STATUS_ARGUMENT, "pictures of %d pixels, expected %d to %d", options->size,
                         (int)PICTURE_SIZE_MIN, (int)PICTURE_SIZE_MAX);
    if (!(options->held_out >= 0.0 && options->held_out < 1.0))
        return error_set(err, STATUS_ARGUMENT, "share %g of pictures held out, expected 0 to below 1",
                         options->held_out);
    Status status = read_all(&d, arena, err);
    if (status == STATUS_OK)
        status = split(&d, arena, err);
    if (status != STATUS_OK)
        return status;
    take_fingerprint(&d);
    *out = d;
    return STATUS_OK;
}

/* ---- the data sets ---- */

/* The picture that sample `index` shows. */
static uint32_t picture_of(PictureList *list, uint64_t seed, uint64_t index)
{
    const uint64_t round = index / list->count;
    const uint32_t place = (uint32_t)(index % list->count);
    if (!list->shuffle)
        return list->entry[place];
    if (!list->ordered || list->seed != seed || list->round != round) {
        Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_DATA, round);
        rng_permutation(&rng, list->order, list->count);
        list->ordered = true;
        list->seed = seed;
        list->round = round;
    }
    return list->entry[list->order[place]];
}

static bool mirrored(const PictureList *list, uint32_t picture, uint64_t seed, uint64_t index)
{
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_CROPS, picture);
    const bool odd = (index / list->count & 1) != 0, first = (rng_u32(&rng) & 1) != 0;
    return list->shuffle && list->data->options.mirror && odd != first;
}

/* From memory, or from the file, which must be what it was. */
static Status get_pixels(unsigned char *pixels, const PictureData *d, uint32_t picture, Arena *arena,
                         Error *err)
{
    const PictureEntry *entry = &d->folder.entry[picture];
    unsigned char hash[32];
    if (d->pixels != NULL) {
        memcpy(pixels, d->pixels + picture * picture_size(d), picture_size(d));
        return STATUS_OK;
    }
    const ArenaMark mark = arena_mark(arena);
    Status status = make_ready(pixels, hash, entry, &d->options, arena, err);
    arena_release(arena, mark);
    if (status == STATUS_OK && memcmp(hash, d->hash[picture], 32) != 0)
        status = error_set(err, STATUS_FILE, "%s: has changed since the run began", entry->path);
    return status;
}

static Status sample_of(void *self, uint64_t seed, uint64_t index, DataSample *out, Arena *arena,
                        Error *err)
{
    PictureList *list = self;
    const PictureData *d = list->data;
    const uint32_t picture = picture_of(list, seed, index);
    DataSample made = {.caption = d->folder.entry[picture].caption};
    Status status = image_new(&made.image, d->options.size, d->options.size, 3, arena, err);
    if (status == STATUS_OK)
        status = get_pixels(made.image.pixels, d, picture, arena, err);
    if (status != STATUS_OK)
        return status;
    if (mirrored(list, picture, seed, index))
        image_mirror(&made.image);
    *out = made;
    return STATUS_OK;
}

static Status caption_of(void *self, uint64_t seed, uint64_t index, const char **out, Arena *arena,
                         Error *err)
{
    PictureList *list = self;
    (void)arena;
    (void)err;
    *out = list->data->folder.entry[picture_of(list, seed, index)].caption;
    return STATUS_OK;
}

static DataSet set_of(PictureData *data, PictureList *list)
{
    list->data = data;
    return (DataSet){.self = list,
                     .size = data->options.size,
                     .count = list->count,
                     .sample = sample_of,
                     .caption = caption_of};
}

DataSet picture_train_set(PictureData *data)
{
    return set_of(data, &data->train);
}

DataSet picture_held_out_set(PictureData *data)
{
    return set_of(data, &data->held_out);
}
