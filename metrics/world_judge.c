#include "metrics/world_judge.h"

#include <math.h>

#include "diffusion/train_classifier.h"

double judge_share(JudgeCount count)
{
    return count.asked > 0 ? (double)count.right / count.asked : NAN;
}

JudgeCount judge_sum(const JudgeCount count[WORLD_STYLES])
{
    JudgeCount sum = {0, 0};
    for (int s = 0; s < WORLD_STYLES; s++) {
        sum.asked += count[s].asked;
        sum.right += count[s].right;
    }
    return sum;
}

static void add(JudgeCount *count, bool right)
{
    count->asked++;
    count->right += right;
}

/* ---- counting ---- */

/* The quarter that a scene says of its object k; -1: none (singles, layered scenes). */
static int quarter_of(const WorldScene *scene, int k)
{
    const int quarter = (int)scene->object[k].place - PLACE_TOP_LEFT;
    return scene->kind == WORLD_SCENE && quarter >= 0 && quarter < PICTURE_QUARTERS ? quarter : -1;
}

void places_by_answers(PlacesScore *score, const WorldScene *scene, const int answer[PICTURE_QUARTERS])
{
    for (int k = 0; k < scene->count; k++) {
        const int quarter = quarter_of(scene, k), wanted = scene->object[k].concept + 1;
        bool found = false;
        if (quarter < 0)
            continue;
        for (int q = 0; q < PICTURE_QUARTERS; q++)
            found = found || answer[q] == wanted;
        add(&score->found, found);
        if (found)
            add(&score->placed, answer[quarter] == wanted);
    }
}

void places_by_labels(PlacesScore *score, const WorldScene *scene, const uint16_t *of,
                      const uint16_t *label, int height, int width)
{
    const int enough = (height / 2) * (width / 2) / PLACE_SHARE;
    for (int k = 0; k < scene->count; k++) {
        const int quarter = quarter_of(scene, k), wanted = of[scene->object[k].concept + 1];
        int pixels[PICTURE_QUARTERS] = {0}, most = 0;
        if (quarter < 0)
            continue;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                pixels[2 * (y >= height / 2) + (x >= width / 2)] += label[y * width + x] == wanted;
        for (int q = 0; q < PICTURE_QUARTERS; q++)
            most = pixels[q] > most ? pixels[q] : most;
        const bool found = most > 0 && most >= enough;
        add(&score->found, found);
        if (found)
            add(&score->placed, pixels[quarter] == most);
    }
}

/* ---- the classifier ---- */

Status world_judge_open(WorldJudge *out, const char *folder, const World *world, Arena *arena, Error *err)
{
    WorldJudge judge = {.world = world};
    int styles = 0;
    const Status status = vgg_open(&judge.vgg, folder, arena, err);
    if (status != STATUS_OK)
        return status;
    const VggConfig *c = &judge.vgg.config;
    judge.class_head = vgg_head(c, "class");
    judge.style_head = vgg_head(c, "style");
    for (int s = 0; s < world->styles; s++)
        styles += classifier_style(world, s) >= 0;
    if (judge.class_head < 0 || judge.style_head < 0 ||
        c->head[judge.class_head].outputs != world->concepts + 1 ||
        c->head[judge.style_head].outputs != styles || c->in_channels != 3 || c->noise_levels != 0)
        return error_set(
            err, STATUS_FORMAT,
            "%s: a judge takes pictures and has the heads \"class\" with %d outputs and \"style\" with %d",
            folder, world->concepts + 1, styles);
    *out = judge;
    return STATUS_OK;
}

/* A picture as (1,3,size,size); NULL after an error. */
static Tensor *planes_of(Tape *tape, const Image *picture, int size)
{
    if (picture->width != size || picture->height != size || picture->channels != 3)
        return tape_fail(tape, STATUS_SHAPE,
                         "a picture of %d x %d with %d channels, the judge takes %d x %d in colour",
                         picture->width, picture->height, picture->channels, size, size);
    float *planes = tape_alloc(tape, image_size(picture), sizeof *planes);
    if (planes == NULL)
        return NULL;
    image_to_planes(planes, picture);
    return tape_input(tape, planes, 4, (const int[]){1, 3, size, size}, false);
}

/* The top answer of a head, the first of equal ones; -1 after an error. */
static int top(Tape *tape, const WorldJudge *judge, Tensor *logits, int head)
{
    const Tensor *part = vgg_head_logits(tape, &judge->vgg, logits, head);
    int best = 0;
    if (part == NULL)
        return -1;
    if (!tensor_finite(part)) {
        tape_fail(tape, STATUS_NOT_FINITE, "the judge's answers are not finite");
        return -1;
    }
    for (int k = 1; k < part->dim[1]; k++)
        best = part->data[k] > part->data[best] ? k : best;
    return best;
}

Status world_judge_singles(SinglesScore *score, const WorldJudge *judge, const WorldScene *scenes,
                           const Image *pictures, int count, Arena *scratch, Error *err)
{
    for (int i = 0; i < count; i++) {
        const ArenaMark mark = arena_mark(scratch);
        Tape tape = {.arena = scratch};
        const int concept = scenes[i].object[0].concept, style = scenes[i].style;
        Tensor *logits = vgg(&tape, &judge->vgg,
                             planes_of(&tape, &pictures[i], judge->vgg.config.sample_size), NULL, NULL);
        const int thing = top(&tape, judge, logits, judge->class_head);
        const int hand = top(&tape, judge, logits, judge->style_head);
        if (tape.error.status != STATUS_OK)
            return error_set(err, tape.error.status, "%s", tape.error.text);
        add(&score->thing[style], thing == concept + 1);
        add(&score->style[style], hand == classifier_style(judge->world, style));
        if (judge->world->concept[concept].role == CONCEPT_CORE)
            add(&score->core, thing == concept + 1);
        arena_release(scratch, mark);
    }
    return STATUS_OK;
}

Status world_judge_places(PlacesScore *score, const WorldJudge *judge, const WorldScene *scenes,
                          const Image *pictures, int count, Arena *scratch, Error *err)
{
    for (int i = 0; i < count; i++) {
        const ArenaMark mark = arena_mark(scratch);
        Tape tape = {.arena = scratch};
        int answer[PICTURE_QUARTERS];
        Tensor *x = planes_of(&tape, &pictures[i], judge->vgg.config.sample_size);
        for (int q = 0; q < PICTURE_QUARTERS; q++) {
            Tensor *logits = vgg(&tape, &judge->vgg, picture_quarter(&tape, x, q), NULL, NULL);
            answer[q] = top(&tape, judge, logits, judge->class_head);
        }
        if (tape.error.status != STATUS_OK)
            return error_set(err, tape.error.status, "%s", tape.error.text);
        places_by_answers(score, &scenes[i], answer);
        arena_release(scratch, mark);
    }
    return STATUS_OK;
}

/* ---- the segmenter ---- */

Status world_segment_places(PlacesScore *score, const Segmenter *s, const uint16_t *of,
                            const WorldScene *scenes, const Image *pictures, int count, Arena *scratch,
                            Error *err)
{
    for (int i = 0; i < count; i++) {
        const ArenaMark mark = arena_mark(scratch);
        const Image *p = &pictures[i];
        if (p->channels != 3)
            return error_set(err, STATUS_SHAPE, "a picture with %d channels, the segmenter takes 3",
                             p->channels);
        float *planes = arena_raw(scratch, image_size(p), sizeof *planes);
        uint16_t *label = arena_raw(scratch, (size_t)p->width * (size_t)p->height, sizeof *label);
        if (planes == NULL || label == NULL)
            return error_set(err, STATUS_MEMORY, "no memory to segment a picture");
        image_to_planes(planes, p);
        const Status status = segment(label, s, planes, 1, p->height, p->width, scratch, err);
        if (status != STATUS_OK)
            return status;
        places_by_labels(score, &scenes[i], of, label, p->height, p->width);
        arena_release(scratch, mark);
    }
    return STATUS_OK;
}
