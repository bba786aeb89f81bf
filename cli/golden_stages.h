/* cli/golden_stages.h - networks as golden cases: every named stage, and gradients to inputs and parameters. */
#ifndef CLI_GOLDEN_STAGES_H
#define CLI_GOLDEN_STAGES_H

#include "cli/golden_parts.h"
#include "cli/truth_net.h"
#include "diffusion/model.h"

enum { GIVEN_TOKENS = 32, GIVEN_INPUTS = 2, GIVEN_PARAMETERS = 8 };

/* What a network is given. */
typedef struct {
    int side;   /* of the latent */
    int tokens; /* of the text */
    float *x;
    int dim[4];
    float *text;
    int text_dim[3];
    float timestep;
    int ids[GIVEN_TOKENS];
    Tensor *input[GIVEN_INPUTS]; /* x and text on the tape */
} Given;

typedef struct {
    const char *name, *like, *source;
    unsigned part;
    const Weights *(*weights)(const Model *m);
    void (*give)(GoldenFile *file, GoldenCase *c, const Model *m, Given *g, Arena *arena);
    Tensor *(*run)(Tape *tape, const Model *m, Given *g);
    WideTensor *(*truth)(TruthNet *n, const Model *m, const Given *g);
    const char *input[GIVEN_INPUTS];         /* whose gradients are asked for, in the order of wide_input */
    const char *parameter[GIVEN_PARAMETERS]; /* likewise */
} Network;

/* The `make` of a part whose context is a Network. */
void golden_network_make(GoldenFile *file, const void *context);

#endif
