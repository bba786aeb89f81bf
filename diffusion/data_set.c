#include "diffusion/data_set.h"

#include "io/sheet.h"

static Status check_index(uint64_t index, Error *err)
{
    if (index >> 48 != 0)
        return error_set(err, STATUS_ARGUMENT, "sample %llu: numbers go up to 2^48 - 1",
                         (unsigned long long)index);
    return STATUS_OK;
}

Status data_sample(const DataSet *data, uint64_t seed, uint64_t index, DataSample *out, Arena *arena,
                   Error *err)
{
    const Status status = check_index(index, err);
    return status == STATUS_OK ? data->sample(data->self, seed, index, out, arena, err) : status;
}

Status data_caption(const DataSet *data, uint64_t seed, uint64_t index, const char **out, Arena *arena,
                    Error *err)
{
    const Status status = check_index(index, err);
    return status == STATUS_OK ? data->caption(data->self, seed, index, out, arena, err) : status;
}

Status data_planes(float *x, const DataSet *data, uint64_t seed, uint64_t first, int count, Arena *scratch,
                   Error *err)
{
    const size_t one = (size_t)3 * (size_t)data->size * (size_t)data->size;
    Status status = STATUS_OK;
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(scratch);
        DataSample sample;
        status = data_sample(data, seed, first + (uint64_t)i, &sample, scratch, err);
        if (status == STATUS_OK)
            image_to_planes(x + (size_t)i * one, &sample.image);
        arena_release(scratch, mark);
    }
    return status;
}

static void add_line(Bytes *out, const char *text)
{
    for (; *text != '\0'; text++)
        bytes_add_byte(out, (unsigned char)*text < ' ' ? ' ' : (unsigned char)*text);
    bytes_add_byte(out, '\n');
}

Status data_captions(Bytes *out, const DataSet *data, uint64_t seed, uint64_t first, uint64_t count,
                     Error *err)
{
    Arena scratch = {
        .fail_after = out->arena->fail_after, .account = out->arena->account, .source = out->arena->source};
    Status status = STATUS_OK;
    for (uint64_t i = 0; i < count && status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        const char *caption = NULL;
        status = data_caption(data, seed, first + i, &caption, &scratch, err);
        if (status == STATUS_OK)
            add_line(out, caption != NULL ? caption : "");
        arena_release(&scratch, mark);
        if (status == STATUS_OK && out->failed)
            status =
                error_set(err, STATUS_MEMORY, "no memory for %llu captions", (unsigned long long)count);
    }
    arena_free(&scratch);
    return status;
}

Status data_contact_sheet(Image *out, const DataSet *data, uint64_t seed, uint64_t first, int count,
                          int columns, Arena *arena, Error *err)
{
    SheetCell *cell = arena_alloc(arena, (size_t)count, sizeof *cell);
    DataSample *sample = arena_alloc(arena, (size_t)count, sizeof *sample);
    Status status = STATUS_OK;
    if (cell == NULL || sample == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a sheet of %d pictures", count);
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        status = data_sample(data, seed, first + (uint64_t)i, &sample[i], arena, err);
        if (status == STATUS_OK)
            cell[i] = (SheetCell){&sample[i].image, sample[i].caption};
    }
    return status == STATUS_OK
               ? sheet_make(out, cell, count, &(SheetOptions){.columns = columns}, arena, err)
               : status;
}
