/* cli/preview.h - what a run is heading for, as pictures: --preview-dir and --preview-every.
 *
 *     DIR/step-NNN.png    the x0 that the guided network predicts at call NNN (from 0), decoded; of several pictures
 *     DIR/step-NNN_K.png  the K-th, from 1
 *
 * The run itself is only looked at. */
#ifndef CLI_PREVIEW_H
#define CLI_PREVIEW_H

#include "cli/common.h"
#include "diffusion/denoise.h"
#include "diffusion/model.h"

typedef struct {
    const char *folder; /* the options; NULL: no previews */
    int every;
    /* Filled by preview_begin: */
    Model model; /* nobody watches its decoder */
    Command *command;
    DenoiseHooks hooks;
    int latent_height;
} Preview;

/* The two options; the rows point into *p. */
enum { PREVIEW_OPTIONS = 3 };
void preview_table(Preview *p, Option table[PREVIEW_OPTIONS]);

/* Makes the folder and fills *p; p->hooks are for the run of `m`.  *p must stay where it is. */
MUST_CHECK Status preview_begin(Preview *p, const Model *m, int latent_height, Command *c, Error *err);

#endif
