#include <math.h>
#include <stdio.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/sum.h"
#include "cli/lpips_metric.h"
#include "cli/metric_side.h"
#include "diffusion/clip.h"
#include "diffusion/picture_folder.h"
#include "io/picture.h"
#include "io/sha256.h"

typedef struct {
    const SetMetric *m;
    Arena *arena, *scratch;
    const char *model;
    char hash[65];
    Clip clip;
    PictureFolder folder;
    double *cosine;
    size_t cut; /* captions that were longer than the model takes */
} ClipScore;

static Status open_model(ClipScore *s, Error *err)
{
    s->model = s->m->features;
    Status status = STATUS_OK;
    if (s->model == NULL)
        status = shipped_folder(&s->model, "clip-score", s->arena, err);
    if (status == STATUS_OK)
        status = clip_open(&s->clip, s->model, false, s->arena, err);
    if (status != STATUS_OK)
        return status;
    const char *path = path_join(s->arena, s->model, "model.safetensors");
    return path != NULL ? sha256_file(s->hash, path, err)
                        : error_set(err, STATUS_MEMORY, "metric clip-score: no memory for a file name");
}

static Status measure(ClipScore *s, const PictureEntry *entry, double *cosine, Error *err)
{
    const ArenaMark mark = arena_mark(s->scratch);
    const int width = s->clip.config.projection_dim;
    float *rows = arena_raw(s->scratch, 2 * (size_t)width, sizeof *rows);
    Image image;
    EncodedPrompt prompt;
    if (rows == NULL)
        return error_set(err, STATUS_MEMORY, "metric clip-score: no memory for two rows");
    if (entry->caption == NULL)
        return error_set(err, STATUS_ARGUMENT, "metric clip-score: %.200s has no caption", entry->path);
    Status status = picture_read(&image, entry->path, s->scratch, err);
    if (status == STATUS_OK)
        status = clip_embed_images(rows, &s->clip, &image, 1, s->scratch, err);
    if (status == STATUS_OK)
        status = clip_embed_texts(rows + width, &s->clip, &entry->caption, 1, s->scratch, err);
    if (status == STATUS_OK)
        status = tokenizer_encode(&prompt, &s->clip.tokenizer, entry->caption, s->scratch, err);
    if (status == STATUS_OK) {
        s->cut += prompt.cut != NULL && prompt.cut[0] != '\0';
        *cosine = clip_similarity(rows, rows + width, width);
        if (*cosine - *cosine != 0.0)
            status =
                error_set(err, STATUS_NOT_FINITE, "metric clip-score: %.200s: not finite", entry->path);
    }
    arena_release(s->scratch, mark);
    return status;
}

static void say(ClipScore *s)
{
    Result *r = &s->m->command->result;
    const size_t n = s->folder.count;
    char name[40], recipe[400], text[DECIMAL_LONGEST];
    const double cosine = sum8_double(s->cosine, n) / (double)n;
    for (size_t i = 0; i < n; i++)
        s->cosine[i] = s->cosine[i] > 0.0 ? 100.0 * s->cosine[i] : 0.0;
    const double score = sum8_double(s->cosine, n) / (double)n;
    for (size_t i = 0; i < n; i++)
        s->cosine[i] = (s->cosine[i] - score) * (s->cosine[i] - score);
    const double deviation = sqrt(sum8_double(s->cosine, n) / (double)n);
    if (s->m->features == NULL)
        snprintf(name, sizeof name, "CLIP-score[ldm99-clip-score]");
    else
        snprintf(name, sizeof name, "CLIP-score[clip-%.8s]", s->hash);
    snprintf(recipe, sizeof recipe,
             "clip-score 1: mean over pictures of 100 max(cosine, 0) of a picture's row and its caption's; "
             "weights "
             "SHA-256 %s; captions cut to %d tokens",
             s->hash, s->clip.tokenizer.length);
    decimal_write(text, score);
    result_line(r, "%s %s, deviation %.4g, mean cosine %.6g, of %zu pictures\n%s\n", name, text, deviation,
                cosine, n, recipe);
    json_write_text(&r->json, "name", name);
    json_write_number(&r->json, "value", score);
    json_write_number(&r->json, "deviation", deviation);
    json_write_number(&r->json, "mean_cosine", cosine);
    json_write_uint64(&r->json, "count", n);
    json_write_text(&r->json, "recipe", recipe);
    json_begin_array(&r->json, "warnings");
    if (s->cut > 0)
        metric_warn(r, "%zu of %zu captions are longer than %d tokens and were cut", s->cut, n,
                    s->clip.tokenizer.length);
    json_end(&r->json);
    report_memory(s->m->command);
}

Status clip_score_metric(const SetMetric *m, Error *err)
{
    const Options *o = &m->command->options;
    ClipScore s = {.m = m, .arena = &m->command->arena, .scratch = m->scratch};
    if (o->word_count != 2)
        return error_set(err, STATUS_ARGUMENT,
                         "metric clip-score: expected a folder of pictures with captions, got %d",
                         o->word_count - 1);
    Status status = picture_folder_open(&s.folder, o->words[1], NULL, s.arena, err);
    if (status == STATUS_OK)
        status = open_model(&s, err);
    if (status != STATUS_OK)
        return status;
    s.cosine = arena_raw(s.arena, s.folder.count, sizeof *s.cosine);
    if (s.cosine == NULL)
        return error_set(err, STATUS_MEMORY, "metric clip-score: no memory for %zu scores", s.folder.count);
    for (size_t i = 0; i < s.folder.count && status == STATUS_OK; i++)
        status = measure(&s, &s.folder.entry[i], &s.cosine[i], err);
    if (status == STATUS_OK)
        say(&s);
    return status;
}
