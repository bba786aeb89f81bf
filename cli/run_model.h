/* cli/run_model.h - the model that a subcommand runs: the folder or file of -m or the shipped one, with what the command
 * line says over its scheduler's configuration. */
#ifndef CLI_RUN_MODEL_H
#define CLI_RUN_MODEL_H

#include "cli/common.h"
#include "diffusion/model.h"
#include "diffusion/sampler.h"

/* The names that --sampling-method takes: "auto", and all samplers but those that lead from pictures to noise. */
extern const char *const RUN_SAMPLERS;

typedef struct {
    const char *folder;      /* or one file; NULL: the shipped model */
    const char *config_from; /* for one file: a folder with its configurations; or NULL */
    const char *sampler_name, *prediction, *spacing; /* "auto": as the model says */
    const char *sigmas;                              /* "auto", "discrete", "karras"; NULL: auto */
    bool shipped;                                    /* the folder was found, not given */
    Model model;
    const Sampler *sampler; /* NULL: as the model says */
} RunModel;

MUST_CHECK Status run_model_open(RunModel *m, unsigned parts, Arena *arena, Error *err);

#endif
