#include "cli/guide_loss.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "cli/common.h"
#include "cli/input_picture.h"
#include "io/picture.h"

void guide_loss_table(GuideLoss *g, Option table[GUIDE_LOSS_OPTIONS])
{
    const Option rows[GUIDE_LOSS_OPTIONS] = {
        {OPTION_CHOICE, "loss", 0, NULL, &g->kind, 0, 0, "clip class aesthetic image pixels symmetry",
         "what is made small: the distance to a text or to pictures in CLIP's space, minus the log of a "
         "class's share, minus a score, or the distance of pixels"},
        {OPTION_TEXTS, "target", 0, NULL, &g->targets, 0, 0, "TEXT",
         "clip: the text (the prompt when left out); class: its name or number; aesthetic: more, less, or "
         "a "
         "score; image: picture files; pixels: one file"},
        {OPTION_TEXTS, "clip", 0, NULL, &g->clips, 0, 0, "FOLDER[:W]",
         "CLIP model and its weight; several are an ensemble; the shipped clip-guide when left out"},
        {OPTION_TEXT, "classifier", 0, NULL, &g->classifier, 0, 0, "FOLDER",
         "classifier of pictures; the shipped one when left out"},
        {OPTION_TEXT, "head", 0, NULL, &g->head, 0, 0, "NAME", "what of the classifier's answers is meant"},
        {OPTION_TEXTS, "aesthetic", 0, NULL, &g->aesthetics, 0, 0, "FOLDER[:W]",
         "scoring head, one for each --clip, and its weight; the shipped one when left out"},
        {OPTION_INT, "crops", 0, NULL, &g->crops.count, 0, CUTOUTS_MAX, NULL,
         "random squares that the network looks at; 0: the whole picture, scaled"},
        {OPTION_NUMBER, "cut-power", 0, NULL, &g->crops.power, 0, 100, NULL,
         "of the squares' sizes: small ones favour large squares"},
        {OPTION_INT, "crop-min", 0, NULL, &g->crops.least, 0, 65536, NULL,
         "pixels: the least side of a square; 0: the network's, or the picture's"},
        {OPTION_FLAG, "crop-mean", 0, NULL, &g->mean, 0, 0, NULL,
         "clip: the mean over the squares instead of the least"},
        {OPTION_FLAG, "binary", 0, NULL, &g->binary, 0, 0, NULL,
         "class: binary cross entropy instead of that of all classes"},
        {OPTION_NUMBER, "grad-scale", 0, "guidance", &g->factor, 0, 0, NULL, "factor of the loss, lambda"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    memcpy(table, rows, sizeof rows);
}

/* ---- files ---- */

static Status note_file(const FileNote *note, const char *folder, const char *name, Arena *arena,
                        Error *err)
{
    const char *path = path_join(arena, folder, name);
    if (path == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its name", folder);
    return note != NULL ? note->note(note->context, path, err) : STATUS_OK;
}

/* PATH or PATH:W, W > 0. */
static Status split_weight(const char **path, double *weight, const char *text, Arena *arena, Error *err)
{
    const char *colon = strrchr(text, ':');
    size_t used = 0, length = strlen(text);
    double read = 0.0;
    *weight = 1.0;
    if (colon != NULL && decimal_read(&read, colon + 1, strlen(colon + 1), &used) &&
        used == strlen(colon + 1) && used > 0) {
        if (!(read > 0.0 && read < 1e6))
            return error_set(err, STATUS_ARGUMENT, "\"%.100s\": the weight must be above 0", text);
        *weight = read;
        length = (size_t)(colon - text);
    }
    *path = arena_text(arena, text, length);
    return *path != NULL ? STATUS_OK : error_set(err, STATUS_MEMORY, "%.100s: no memory", text);
}

/* Network i of the option: its folder and weight, or the shipped one. */
static Status folder_of(const char **path, double *weight, const OptionTexts *given, int i,
                        const char *shipped, Arena *arena, Error *err)
{
    *weight = 1.0;
    return given->count > 0 ? split_weight(path, weight, given->text[i], arena, err)
                            : shipped_folder(path, shipped, arena, err);
}

static int count_of(const OptionTexts *given)
{
    return given->count > 0 ? given->count : 1;
}

static Status open_clip(const Clip **out, double *weight, const GuideLoss *g, int i, const FileNote *note,
                        Arena *arena, Error *err)
{
    const char *folder = NULL;
    Clip *c = arena_alloc(arena, 1, sizeof *c);
    if (c == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a CLIP model");
    Status status = folder_of(&folder, weight, &g->clips, i, "clip-guide", arena, err);
    if (status == STATUS_OK)
        status = clip_open(c, folder, false, arena, err);
    if (status == STATUS_OK)
        status = note_file(note, folder, "model.safetensors", arena, err);
    *out = c;
    return status;
}

/* ---- losses ---- */

static Status read_pictures(Image **out, const GuideLoss *g, const FileNote *note, Arena *arena, Error *err)
{
    const int count = g->targets.count;
    Status status = STATUS_OK;
    if (count == 0)
        return error_set(err, STATUS_ARGUMENT,
                         "pictures to be alike are needed: --target a.png, once or several times");
    Image *pictures = arena_alloc(arena, (size_t)count, sizeof *pictures);
    if (pictures == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures", count);
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        int width = 0, height = 0;
        status = input_picture(&pictures[i], g->targets.text[i], 3, &width, &height, 1, arena, err);
        if (status == STATUS_OK && note != NULL)
            status = note->note(note->context, g->targets.text[i], err);
    }
    *out = pictures;
    return status;
}

static Status open_clip_loss(GuideLoss *g, const char *text, bool pictures, const FileNote *note,
                             Arena *arena, Error *err)
{
    Image *picture = NULL;
    const int count = count_of(&g->clips);
    if (count > LOSS_CLIPS)
        return error_set(err, STATUS_ARGUMENT, "%d CLIP models, expected at most %d", count, LOSS_CLIPS);
    Status status = pictures ? read_pictures(&picture, g, note, arena, err) : STATUS_OK;
    g->clip = (ClipLoss){.count = count, .mean = g->mean, .crops = g->crops};
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        ClipTarget *t = &g->clip.target[i];
        status = open_clip(&t->clip, &t->weight, g, i, note, arena, err);
        if (status != STATUS_OK)
            return status;
        float *wanted = arena_raw(arena, (size_t)t->clip->config.projection_dim, sizeof *wanted);
        t->wanted = wanted;
        if (wanted == NULL)
            return error_set(err, STATUS_MEMORY, "no memory for a row of CLIP's");
        status = pictures ? clip_wanted_pictures(wanted, t->clip, picture, g->targets.count, arena, err)
                          : clip_wanted_text(wanted, t->clip, text, arena, err);
    }
    g->loss = clip_loss(&g->clip);
    if (pictures)
        snprintf(g->about, sizeof g->about, "image, %d pictures", g->targets.count);
    else
        snprintf(g->about, sizeof g->about, "clip \"%.150s\"", text);
    return status;
}

/* Its number, or its name in the head; names may stand for several words. */
static Status find_answer(int *label, const VggHead *head, const char *answer, const char *folder,
                          Error *err)
{
    size_t used = 0;
    double number = 0.0;
    for (int i = 0; head->label != NULL && i < head->outputs; i++)
        if (strcmp(head->label[i], answer) == 0) {
            *label = i;
            return STATUS_OK;
        }
    if (!decimal_read(&number, answer, strlen(answer), &used) || used != strlen(answer) || used == 0)
        return error_set(err, STATUS_ARGUMENT, "%.150s: no answer \"%.60s\" in its head \"%.40s\"", folder,
                         answer, head->name);
    if (!(number >= 0.0 && number < (double)head->outputs) || number != floor(number))
        return error_set(err, STATUS_ARGUMENT, "%.150s: answer %g, expected 0 to %d", folder, number,
                         head->outputs - 1);
    *label = (int)number;
    return STATUS_OK;
}

Status guide_class_open(Vgg *out, int *head, int *label, const char *folder, const char *shipped,
                        const char *head_name, const char *answer, const FileNote *note, Arena *arena,
                        Error *err)
{
    Status status = STATUS_OK;
    if (folder == NULL)
        status = shipped_folder(&folder, shipped, arena, err);
    if (status == STATUS_OK)
        status = vgg_open(out, folder, arena, err);
    if (status == STATUS_OK)
        status = note_file(note, folder, "model.safetensors", arena, err);
    if (status != STATUS_OK)
        return status;
    *head = vgg_head(&out->config, head_name);
    if (*head < 0)
        return error_set(err, STATUS_ARGUMENT, "%.150s: has no head \"%.40s\"", folder, head_name);
    return find_answer(label, &out->config.head[*head], answer, folder, err);
}

static Status open_class_loss(GuideLoss *g, const FileNote *note, Arena *arena, Error *err)
{
    Vgg *v = arena_alloc(arena, 1, sizeof *v);
    if (g->targets.count != 1)
        return error_set(err, STATUS_ARGUMENT, "--loss class: one class is needed: --target apple");
    if (v == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a classifier");
    g->class_of = (ClassLoss){.vgg = v, .binary = g->binary, .crops = g->crops};
    const Status status = guide_class_open(v, &g->class_of.head, &g->class_of.label, g->classifier,
                                           "classifier", g->head, g->targets.text[0], note, arena, err);
    if (status == STATUS_OK && v->config.in_channels != 3)
        return error_set(err, STATUS_ARGUMENT, "this classifier takes %d channels, expected pictures",
                         v->config.in_channels);
    g->loss = class_loss(&g->class_of);
    snprintf(g->about, sizeof g->about, "class \"%.100s\"", g->targets.text[0]);
    return status;
}

static Status read_aim(GuideLoss *g, Error *err)
{
    const char *aim = g->targets.count > 0 ? g->targets.text[0] : "more";
    size_t used = 0;
    g->aesthetic.aim = AESTHETIC_TARGET;
    if (strcmp(aim, "more") == 0)
        g->aesthetic.aim = AESTHETIC_MORE;
    else if (strcmp(aim, "less") == 0)
        g->aesthetic.aim = AESTHETIC_LESS;
    else if (!decimal_read(&g->aesthetic.target, aim, strlen(aim), &used) || used != strlen(aim) ||
             !(g->aesthetic.target >= 1.0 && g->aesthetic.target <= 10.0))
        return error_set(err, STATUS_ARGUMENT,
                         "--loss aesthetic: target \"%.40s\", expected more, less, or a score from 1 to 10",
                         aim);
    snprintf(g->about, sizeof g->about, "aesthetic, %.40s", aim);
    return STATUS_OK;
}

static Status open_aesthetic_loss(GuideLoss *g, const FileNote *note, Arena *arena, Error *err)
{
    const int count = count_of(&g->aesthetics);
    if (count > LOSS_CLIPS || count_of(&g->clips) != count)
        return error_set(err, STATUS_ARGUMENT,
                         "%d scoring heads and %d CLIP models, expected as many, up to %d", count,
                         count_of(&g->clips), LOSS_CLIPS);
    g->aesthetic = (AestheticLoss){.count = count, .crops = g->crops};
    Status status = read_aim(g, err);
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        AestheticTerm *t = &g->aesthetic.term[i];
        const char *folder = NULL;
        double ignored;
        Aesthetic *head = arena_alloc(arena, 1, sizeof *head);
        if (head == NULL)
            return error_set(err, STATUS_MEMORY, "no memory for a scoring head");
        status = open_clip(&t->clip, &ignored, g, i, note, arena, err);
        if (status == STATUS_OK)
            status = folder_of(&folder, &t->weight, &g->aesthetics, i, "aesthetic", arena, err);
        if (status == STATUS_OK)
            status = aesthetic_open(head, folder, arena, err);
        if (status == STATUS_OK)
            status = note_file(note, folder, "model.safetensors", arena, err);
        if (status == STATUS_OK && head->width != t->clip->config.projection_dim)
            status = error_set(err, STATUS_SHAPE, "%s: scores rows of %d numbers, its CLIP gives %d",
                               folder, head->width, t->clip->config.projection_dim);
        t->head = head;
    }
    g->loss = aesthetic_loss(&g->aesthetic);
    return status;
}

static Status open_pixel_loss(GuideLoss *g, int height, int width, const FileNote *note, Arena *arena,
                              Error *err)
{
    Image picture;
    if (g->targets.count != 1)
        return error_set(err, STATUS_ARGUMENT, "--loss pixels: one picture is needed: --target a.png");
    Status status = input_picture(&picture, g->targets.text[0], 3, &width, &height, 1, arena, err);
    if (status == STATUS_OK && note != NULL)
        status = note->note(note->context, g->targets.text[0], err);
    if (status != STATUS_OK)
        return status;
    g->pixels = (PixelLoss){input_planes(&picture, false, arena), height, width};
    g->loss = pixel_loss(&g->pixels);
    snprintf(g->about, sizeof g->about, "pixels of %.150s", g->targets.text[0]);
    return g->pixels.planes != NULL ? STATUS_OK
                                    : error_set(err, STATUS_MEMORY, "no memory for a picture's numbers");
}

Status guide_loss_open(GuideLoss *g, const char *prompt, int height, int width, const FileNote *note,
                       Arena *arena, Error *err)
{
    const Status status = cutouts_check(&g->crops, err);
    if (status != STATUS_OK)
        return status;
    if (!(fabs(g->factor) < HUGE_VAL))
        return error_set(err, STATUS_ARGUMENT, "--grad-scale is not a number");
    if (strcmp(g->kind, "class") == 0)
        return open_class_loss(g, note, arena, err);
    if (strcmp(g->kind, "aesthetic") == 0)
        return open_aesthetic_loss(g, note, arena, err);
    if (strcmp(g->kind, "pixels") == 0)
        return open_pixel_loss(g, height, width, note, arena, err);
    if (strcmp(g->kind, "symmetry") == 0) {
        g->loss = symmetry_loss();
        snprintf(g->about, sizeof g->about, "symmetry");
        return STATUS_OK;
    }
    const bool pictures = strcmp(g->kind, "image") == 0;
    if (!pictures && g->targets.count > 1)
        return error_set(err, STATUS_ARGUMENT, "--loss clip: %d texts, expected one --target",
                         g->targets.count);
    return open_clip_loss(g, g->targets.count > 0 ? g->targets.text[0] : prompt, pictures, note, arena,
                          err);
}
