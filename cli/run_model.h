/* cli/run_model.h - the model that a subcommand runs: the folder of -m or the shipped one, with what the command
 * line says over its scheduler's configuration. */
#ifndef CLI_RUN_MODEL_H
#define CLI_RUN_MODEL_H

#include "cli/common.h"
#include "diffusion/model.h"
#include "diffusion/sampler.h"

typedef struct {
    const char *folder;                              /* NULL: the shipped model */
    const char *sampler_name, *prediction, *spacing; /* "auto": as the model says */
    bool shipped;                                    /* the folder was found, not given */
    Model model;
    const Sampler *sampler; /* NULL: as the model says */
} RunModel;

MUST_CHECK Status run_model_open(RunModel *m, unsigned parts, Arena *arena, Error *err);

#endif
