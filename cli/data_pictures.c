#include "cli/data_pictures.h"

#include "cli/progress.h"

static bool on_picture(void *context, uint64_t done, uint64_t count)
{
    progress_show(context, done, count, "", done % 1000 == 0 || done == count);
    return !interrupted();
}

Status data_pictures_open(DataPictures *p, const PictureOptions *options, Error *err)
{
    PictureFolder folder;
    PictureOptions reading = *options;
    Status status = picture_folder_open(&folder, p->folder, p->column, &p->command->arena, err);
    if (status != STATUS_OK)
        return status;
    Progress progress = progress_begin("read pictures", p->command->quiet, 0);
    reading.progress = on_picture;
    reading.context = &progress;
    interrupts_watch();
    status = picture_data_open(p->data, &folder, &reading, &p->command->arena, err);
    progress_end(&progress);
    return status;
}

static bool in_list(const PictureList *list, uint32_t entry)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->entry[i] == entry)
            return true;
    return false;
}

Status data_pictures_list(const DataPictures *p, Error *err)
{
    const PictureData *d = p->data;
    const PictureFolder *f = &d->folder;
    Result *r = &p->command->result;
    size_t captions = 0;
    for (size_t i = 0; i < f->count; i++)
        captions += f->entry[i].caption != NULL;
    json_write_text(&r->json, "data", p->folder);
    json_write_text(&r->json, "sha256", d->fingerprint);
    json_write_uint64(&r->json, "captions", captions);
    json_write_uint64(&r->json, "train", d->train.count);
    json_write_uint64(&r->json, "held_out", d->held_out.count);
    result_line(r,
                "%zu pictures, %zu with captions; %u to train on (with repeats), %u held out\nsha256 %s\n",
                f->count, captions, (unsigned)d->train.count, (unsigned)d->held_out.count, d->fingerprint);
    json_begin_array(&r->json, "pictures");
    for (size_t i = 0; i < f->count; i++) {
        const PictureEntry *e = &f->entry[i];
        const bool held_out = in_list(&d->held_out, (uint32_t)i);
        json_begin_object(&r->json, NULL);
        json_write_text(&r->json, "file_name", e->name);
        if (e->caption != NULL)
            json_write_text(&r->json, "text", e->caption);
        json_write_bool(&r->json, "held_out", held_out);
        json_write_int(&r->json, "repeats", e->repeats);
        json_end(&r->json);
        result_line(r, "%-9s %s%s%s\n", held_out ? "held out" : "train", e->name,
                    e->caption != NULL ? "  " : "", e->caption != NULL ? e->caption : "");
    }
    json_end(&r->json);
    return r->json.out->failed ? error_set(err, STATUS_MEMORY, "no memory for the list") : STATUS_OK;
}
