/* metrics/world_judge.h - whether pictures of the world show what their scenes say, by judges that know nothing of the
 * scenes: a classifier of things and styles (diffusion/vgg.h), and a network that knows the thing of each pixel
 * (diffusion/segmenter.h).
 *
 * A picture of one thing is right in its thing, and in its style, when that is the classifier's top answer.
 *
 * A thing of a scene is looked for in the picture's quarters:
 *   found       its name is the classifier's top answer on a quarter (diffusion/picture_quarter.h), any of the four;
 *               or: in a quarter at least 1 of PLACE_SHARE pixels has its label
 *   in place    found, and the quarter that its scene says is one of those; or: the one with most pixels of its label
 * Of two things of one name in a scene each is asked for by itself.
 *
 * A judge errs too: the same numbers of real pictures of the same scenes belong beside them. */
#ifndef METRICS_WORLD_JUDGE_H
#define METRICS_WORLD_JUDGE_H

#include "diffusion/picture_quarter.h"
#include "diffusion/segmenter.h"
#include "diffusion/vgg.h"
#include "diffusion/world_scene.h"
#include "io/image.h"

enum { PLACE_SHARE = 16 }; /* [ours]: a thing covers about a third of its quarter */

typedef struct {
    int asked, right;
} JudgeCount;

/* right / asked; NAN when nothing was asked. */
double judge_share(JudgeCount count);

typedef struct {
    JudgeCount thing[WORLD_STYLES], style[WORLD_STYLES]; /* of pictures in each style */
    JudgeCount core;                                     /* things of role core, in all styles */
} SinglesScore;

/* All styles together. */
JudgeCount judge_sum(const JudgeCount count[WORLD_STYLES]);

typedef struct {
    JudgeCount found, placed; /* of things asked for; of found ones */
} PlacesScore;

typedef struct {
    const World *world;
    Vgg vgg;
    int class_head, style_head;
} WorldJudge;

/* A classifier with the heads "class" and "style" for this world (STATUS_FORMAT when it has not). */
MUST_CHECK Status world_judge_open(WorldJudge *out, const char *folder, const World *world, Arena *arena,
                                   Error *err);

/* Adds `count` RGB pictures of the classifier's size; scratch is given back.  STATUS_SHAPE for other sizes. */
MUST_CHECK Status world_judge_singles(SinglesScore *score, const WorldJudge *judge,
                                      const WorldScene *scenes, const Image *pictures, int count,
                                      Arena *scratch, Error *err);
MUST_CHECK Status world_judge_places(PlacesScore *score, const WorldJudge *judge, const WorldScene *scenes,
                                     const Image *pictures, int count, Arena *scratch, Error *err);

/* The same by a segmenter; of: segmenter_world_labels. */
MUST_CHECK Status world_segment_places(PlacesScore *score, const Segmenter *s, const uint16_t *of,
                                       const WorldScene *scenes, const Image *pictures, int count,
                                       Arena *scratch, Error *err);

/* How they count.  answer: the concept + 1 that each quarter was taken for, 0 nothing; label: (height,width). */
void places_by_answers(PlacesScore *score, const WorldScene *scene, const int answer[PICTURE_QUARTERS]);
void places_by_labels(PlacesScore *score, const WorldScene *scene, const uint16_t *of,
                      const uint16_t *label, int height, int width);

#endif
