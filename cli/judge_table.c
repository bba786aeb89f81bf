#include "cli/judge_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/picture_set.h"
#include "cli/world_pictures.h"
#include "diffusion/pair_batch.h"
#include "diffusion/train_clip.h"
#include "metrics/nearest_drawing.h"
#include "metrics/pair_metric.h"

enum { PSNR_PICTURES = 128, NEAREST_PICTURES = 16, GROUPS = 8, SIZE = PICTURE_SET_SIDE };

static Status no_memory(Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory for the pictures of the table");
}

static Status interrupted_status(Error *err)
{
    return interrupted() ? error_set(err, STATUS_INTERRUPTED, "table world: stopped") : STATUS_OK;
}

/* ---- rows ---- */

static JudgeRow *add_row(JudgeTable *t, const char *name, RowUnit unit, int count)
{
    JudgeRow *row = &t->row[t->rows < JUDGE_TABLE_ROWS - 1 ? t->rows++ : JUDGE_TABLE_ROWS - 1];
    *row = (JudgeRow){.name = name, .unit = unit, .count = count, .wanted = ""};
    row->made = row->coded = row->real = NAN;
    return row;
}

static JudgeRow *add_shares(JudgeTable *t, const char *name, JudgeCount made, JudgeCount coded,
                            JudgeCount real)
{
    JudgeRow *row = add_row(t, name, ROW_PERCENT, made.asked);
    row->made = judge_share(made);
    row->coded = judge_share(coded);
    row->real = judge_share(real);
    return row;
}

/* ---- what is measured ---- */

static Status judge_singles(JudgeTable *t, const PictureSet *set, const char *const name[2], bool trained,
                            Error *err)
{
    const Image *const pictures[3] = {set->made, set->coded, set->real};
    Arena *arena = &t->command->arena;
    if (!t->has_judge)
        return STATUS_OK;
    SinglesScore s[3] = {{.core = {0, 0}}, {.core = {0, 0}}, {.core = {0, 0}}};
    for (int k = 0; k < 3; k++) {
        const Status status =
            world_judge_singles(&s[k], &t->judge, set->scene, pictures[k], set->count, arena, err);
        if (status != STATUS_OK)
            return status;
    }
    JudgeRow *thing =
        add_shares(t, name[0], judge_sum(s[0].thing), judge_sum(s[1].thing), judge_sum(s[2].thing));
    JudgeRow *style =
        add_shares(t, name[1], judge_sum(s[0].style), judge_sum(s[1].style), judge_sum(s[2].style));
    if (!trained)
        return STATUS_OK;
    thing->wanted = "80%, and 0.9 of real";
    style->wanted = "0.9 of real";
    add_shares(t, "thing, of the 45 core ones", s[0].core, s[1].core, s[2].core);
    for (int k = 0; k < t->world.styles; k++) {
        char text[64];
        if (s[0].thing[k].asked == 0)
            continue;
        for (int half = 0; half < 2; half++) {
            snprintf(text, sizeof text, "%s, %.40s", half == 0 ? "thing" : "style", t->world.style[k].name);
            const char *row = arena_text(arena, text, strlen(text));
            if (row == NULL)
                return no_memory(err);
            if (half == 0)
                add_shares(t, row, s[0].thing[k], s[1].thing[k], s[2].thing[k]);
            else
                add_shares(t, row, s[0].style[k], s[1].style[k], s[2].style[k]);
        }
    }
    return STATUS_OK;
}

/* Of scenes first .. first + count - 1, by the classifier or the segmenter. */
static Status judge_places(JudgeTable *t, const PictureSet *set, int first, int count, bool by_pixels,
                           const char *const name[2], Error *err)
{
    const Image *const pictures[3] = {set->made + first, set->coded + first, set->real + first};
    const WorldScene *scenes = set->scene + first;
    Arena *arena = &t->command->arena;
    PlacesScore s[3] = {{.found = {0, 0}}, {.found = {0, 0}}, {.found = {0, 0}}};
    Status status = STATUS_OK;
    if (by_pixels ? !t->has_segmenter : !t->has_judge)
        return STATUS_OK;
    for (int k = 0; k < 3 && status == STATUS_OK; k++)
        status = by_pixels ? world_segment_places(&s[k], &t->segmenter, t->label_of, scenes, pictures[k],
                                                  count, arena, err)
                           : world_judge_places(&s[k], &t->judge, scenes, pictures[k], count, arena, err);
    if (status != STATUS_OK)
        return status;
    add_shares(t, name[0], s[0].found, s[1].found, s[2].found)->wanted = by_pixels ? "" : "70%";
    add_shares(t, name[1], s[0].placed, s[1].placed, s[2].placed)->wanted = by_pixels ? "" : "90%";
    return STATUS_OK;
}

/* The autoencoder on drawings that no part was trained on: the mean of the pictures' decibels. */
static Status measure_autoencoder(JudgeTable *t, Error *err)
{
    Arena *arena = &t->command->arena;
    WorldOptions o = WORLD_DEFAULTS;
    const ArenaMark mark = arena_mark(arena);
    PictureSet set;
    double sum = 0.0;
    o.split = SPLIT_TEST;
    o.concepts = CONCEPTS_TRAINED;
    Status status = picture_set_room(&set, PSNR_PICTURES, arena, err);
    if (status == STATUS_OK)
        status = world_options_check(&t->world, &o, err);
    for (int i = 0; i < set.count && status == STATUS_OK; i++)
        world_scene(&set.scene[i], &t->world, &o, JUDGE_TABLE_SEED, (uint64_t)i);
    if (status == STATUS_OK)
        status = scene_pictures(set.real, &t->world, set.scene, set.count, SIZE, arena, err);
    if (status == STATUS_OK)
        status = coded_pictures(set.coded, &t->model.model.vae, set.real, set.count, arena, err);
    float *planes = arena_raw(arena, 6 * (size_t)(SIZE * SIZE), sizeof *planes);
    if (status == STATUS_OK && planes == NULL)
        status = no_memory(err);
    for (int i = 0; i < set.count && status == STATUS_OK; i++) {
        double decibels = 0.0;
        const PicturePair pair = {planes, planes + 3 * SIZE * SIZE, 3, SIZE, SIZE, 2.0};
        image_to_planes(planes, &set.real[i]);
        image_to_planes(planes + 3 * SIZE * SIZE, &set.coded[i]);
        status = METRIC_PSNR.measure(&decibels, &pair, arena, err);
        sum += decibels / set.count;
    }
    arena_release(arena, mark);
    if (status != STATUS_OK)
        return status;
    JudgeRow *row = add_row(t, "autoencoder on held-out drawings, PSNR", ROW_DECIBEL, PSNR_PICTURES);
    row->coded = sum;
    row->wanted = "29 dB";
    return STATUS_OK;
}

/* Mean and least distance of singles on white to the nearest training picture. */
static Status measure_nearest(JudgeTable *t, const PictureSet *set, Error *err)
{
    Arena *arena = &t->command->arena;
    const ArenaMark mark = arena_mark(arena);
    DrawingGallery gallery;
    double sum[3] = {0.0, 0.0, 0.0}, least[3] = {1.0, 1.0, 1.0};
    int count = 0;
    Status status = drawing_gallery(&gallery, &t->world, 0, arena, err);
    for (int i = 0; i < set->count && count < NEAREST_PICTURES && status == STATUS_OK; i++) {
        const Image *const picture[3] = {&set->made[i], &set->coded[i], &set->real[i]};
        NearDrawing near;
        if (set->scene[i].background != 0)
            continue;
        for (int k = 0; k < 3; k++) {
            nearest_drawings(&near, 1, &gallery, picture[k]);
            sum[k] += near.distance;
            least[k] = near.distance < least[k] ? near.distance : least[k];
        }
        count++;
        status = interrupted_status(err);
    }
    arena_release(arena, mark);
    if (status != STATUS_OK || count == 0)
        return status;
    JudgeRow *row = add_row(t, "distance to the nearest training picture, mean", ROW_DISTANCE, count);
    row->made = sum[0] / count;
    row->coded = sum[1] / count;
    row->real = sum[2] / count;
    row = add_row(t, "the same, least", ROW_DISTANCE, count);
    row->made = least[0];
    row->coded = least[1];
    row->real = least[2];
    return STATUS_OK;
}

/* Rows of pictures and captions in groups of RETRIEVAL; which found their caption, and their picture. */
static Status retrieve(JudgeTable *t, const Image *pictures, const char *const *prompts, int groups,
                       ClipRetrieval *out, Error *err)
{
    Arena *arena = &t->command->arena;
    const int width = t->clip.config.projection_dim;
    *out = (ClipRetrieval){0.0, 0.0};
    for (int g = 0; g < groups; g++) {
        const ArenaMark mark = arena_mark(arena);
        float *image = arena_raw(arena, 2 * (size_t)RETRIEVAL * (size_t)width, sizeof *image);
        int which[RETRIEVAL];
        if (image == NULL)
            return no_memory(err);
        float *text = image + (size_t)RETRIEVAL * (size_t)width;
        Status status =
            clip_embed_images(image, &t->clip, pictures + (size_t)g * RETRIEVAL, RETRIEVAL, arena, err);
        if (status == STATUS_OK)
            status =
                clip_embed_texts(text, &t->clip, prompts + (size_t)g * RETRIEVAL, RETRIEVAL, arena, err);
        if (status != STATUS_OK)
            return status;
        const ClipRetrieval one = clip_retrieve(which, image, text, RETRIEVAL, width);
        out->text += one.text / groups;
        out->image += one.image / groups;
        arena_release(arena, mark);
    }
    return STATUS_OK;
}

static int clip_groups(const JudgeTable *t)
{
    return t->count >= RETRIEVAL * GROUPS ? GROUPS : (t->count + RETRIEVAL - 1) / RETRIEVAL;
}

/* Groups of pictures of which no caption fits another one, singles and scenes as in training. */
static Status measure_clip(JudgeTable *t, PromptPictures *p, Error *err)
{
    PictureSet set;
    ClipRetrieval found[3];
    WorldOptions o = WORLD_DEFAULTS;
    const int groups = clip_groups(t);
    o.level[0] = o.level[2] = 0.0f;
    o.reorder = o.drop_style = o.drop_background = 0.0f;
    o.concepts = CONCEPTS_TRAINED;
    o.core_scenes = true;
    Status status = picture_set_room(&set, groups * RETRIEVAL, &t->command->arena, err);
    if (status == STATUS_OK)
        status = world_options_check(&t->world, &o, err);
    for (int g = 0; g < groups && status == STATUS_OK; g++)
        status = pair_batch(set.scene + (size_t)g * RETRIEVAL, RETRIEVAL, &t->world, &o, JUDGE_TABLE_SEED,
                            (uint64_t)g, err);
    if (status == STATUS_OK)
        status = picture_set_make(&set, &t->world, p, &t->command->arena, err);
    const Image *const pictures[3] = {set.made, set.coded, set.real};
    for (int k = 0; k < 3 && status == STATUS_OK; k++)
        status = retrieve(t, pictures[k], set.prompt, groups, &found[k], err);
    if (status != STATUS_OK)
        return status;
    for (int half = 0; half < 2; half++) {
        JudgeRow *row = add_row(
            t, half == 0 ? "CLIP: a picture's caption among 32" : "CLIP: a caption's picture among 32",
            ROW_PERCENT, set.count);
        row->made = half == 0 ? found[0].text : found[0].image;
        row->coded = half == 0 ? found[1].text : found[1].image;
        row->real = half == 0 ? found[2].text : found[2].image;
        row->wanted = "70% of real ones";
    }
    return STATUS_OK;
}

/* ---- the whole ---- */

/* The folder of a judge: the given one, or the shipped one where it is; *has: there is one. */
static Status find_judge(bool *has, const char **path, const char *shipped, JudgeTable *t, Error *err)
{
    Error missing = {.status = STATUS_OK};
    *has = *path != NULL;
    if (*has)
        return STATUS_OK;
    const Status status = shipped_folder(path, shipped, &t->command->arena, &missing);
    *has = status == STATUS_OK;
    if (status == STATUS_FILE && !t->command->quiet)
        fprintf(stderr, "without %s: its rows are left out\n", shipped);
    return status == STATUS_MEMORY ? error_set(err, status, "%s", missing.text) : STATUS_OK;
}

static Status open_all(JudgeTable *t, Error *err)
{
    Arena *arena = &t->command->arena;
    Status status = run_model_open(&t->model, MODEL_ALL, arena, err);
    if (status == STATUS_OK && t->world_path == NULL)
        status = shipped_folder(&t->world_path, "world", arena, err);
    if (status == STATUS_OK)
        status = world_open(&t->world, t->world_path, arena, err);
    if (status == STATUS_OK)
        status = find_judge(&t->has_judge, &t->judge_path, "judge", t, err);
    if (status == STATUS_OK && t->has_judge)
        status = world_judge_open(&t->judge, t->judge_path, &t->world, arena, err);
    if (status == STATUS_OK)
        status = find_judge(&t->has_segmenter, &t->segmentation_path, "segmentation", t, err);
    if (status == STATUS_OK && t->has_segmenter)
        status = segmenter_open(&t->segmenter, t->segmentation_path, arena, err);
    t->label_of = arena_alloc(arena, (size_t)t->world.concepts + 1, sizeof *t->label_of);
    if (status == STATUS_OK && t->label_of == NULL)
        status = no_memory(err);
    if (status == STATUS_OK && t->has_segmenter)
        status = segmenter_world_labels(t->label_of, &t->segmenter, &t->world, err);
    if (status == STATUS_OK)
        status = find_judge(&t->has_clip, &t->clip_path, "clip-score", t, err);
    if (status == STATUS_OK && !t->has_clip) /* nothing here is guided by it */
        status = find_judge(&t->has_clip, &t->clip_path, "clip-guide", t, err);
    return status == STATUS_OK && t->has_clip ? clip_open(&t->clip, t->clip_path, false, arena, err)
                                              : status;
}

/* The three lists, half of the scenes in training company. */
static Status choose_sets(PictureSet set[3], const JudgeTable *t, Error *err)
{
    Arena *arena = &t->command->arena;
    WorldOptions single = picture_set_options(WORLD_SINGLE), scene = picture_set_options(WORLD_SCENE);
    const int half = t->count / 4;
    Status status = STATUS_OK;
    for (int k = 0; k < 3 && status == STATUS_OK; k++)
        status = picture_set_room(&set[k], k < 2 ? t->count : 2 * half, arena, err);
    single.concepts = CONCEPTS_TRAINED;
    if (status == STATUS_OK)
        status = picture_set_choose(set[0].scene, t->count, &t->world, &single, JUDGE_TABLE_SEED, err);
    single.split = SPLIT_TEST;
    if (status == STATUS_OK)
        status = picture_set_choose(set[1].scene, t->count, &t->world, &single, JUDGE_TABLE_SEED, err);
    if (status == STATUS_OK)
        status = picture_set_choose(set[2].scene, half, &t->world, &scene, JUDGE_TABLE_SEED, err);
    scene.company = COMPANY_TEST;
    return status == STATUS_OK
               ? picture_set_choose(set[2].scene + half, half, &t->world, &scene, JUDGE_TABLE_SEED, err)
               : status;
}

static Status judge_all(JudgeTable *t, const PictureSet set[3], Error *err)
{
    static const char *const TRAINED[2] = {"thing, drawings that training shows",
                                           "style, drawings that training shows"};
    static const char *const HELD[2] = {"thing, held-out drawings", "style, held-out drawings"};
    static const char *const PLACES[2] = {"things of scenes found", "found ones in place"};
    static const char *const APART[2] = {"found, things never shown together",
                                         "found ones in place, never shown together"};
    static const char *const PIXELS[2] = {"things of scenes found, by segmentation",
                                          "found ones in place, by segmentation"};
    const int half = set[2].count / 2;
    Status status = judge_singles(t, &set[0], TRAINED, true, err);
    if (status == STATUS_OK)
        status = judge_singles(t, &set[1], HELD, false, err);
    if (status == STATUS_OK)
        status = judge_places(t, &set[2], 0, set[2].count, false, PLACES, err);
    if (status == STATUS_OK)
        status = judge_places(t, &set[2], half, half, false, APART, err);
    return status == STATUS_OK ? judge_places(t, &set[2], 0, set[2].count, true, PIXELS, err) : status;
}

Status judge_table_measure(JudgeTable *t, Error *err)
{
    Arena *arena = &t->command->arena;
    PictureSet set[3];
    Progress progress = progress_begin("table world", t->command->quiet, 0);
    PromptPictures p = {.steps = t->steps, .guidance = t->guidance, .seed = t->seed, .progress = &progress};
    Status status = open_all(t, err);
    if (status == STATUS_OK)
        status = choose_sets(set, t, err);
    if (status != STATUS_OK)
        return status;
    p.model = &t->model.model;
    p.total = set[0].count + set[1].count + set[2].count + (t->has_clip ? clip_groups(t) * RETRIEVAL : 0);
    interrupts_watch();
    for (int k = 0; k < 3 && status == STATUS_OK; k++)
        status = picture_set_make(&set[k], &t->world, &p, arena, err);
    progress_end(&progress);
    if (status == STATUS_OK)
        status = judge_all(t, set, err);
    if (status == STATUS_OK)
        status = measure_nearest(t, &set[1], err);
    if (status == STATUS_OK)
        status = measure_autoencoder(t, err);
    return status == STATUS_OK && t->has_clip ? measure_clip(t, &p, err) : status;
}
