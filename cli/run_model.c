#include "cli/run_model.h"

#include <string.h>

#include "base/file.h"
#include "base/folder_list.h"
#include "diffusion/single_file.h"

const char *const RUN_SAMPLERS = "auto ddim ddpm euler euler_a heun lms pndm dpm2 dpm2_a dpm++2m dpm++2s "
                                 "unipc sa_solver deis lcm tcd pc";

/* Sets a key of the scheduler's configuration by the name of its value. */
static void say(SchedulerConfig *config, const char *key, int *member, const char *name)
{
    if (name == NULL || strcmp(name, "auto") == 0)
        return;
    *member = scheduler_value(key, name);
    scheduler_config_say(config, key);
}

/* --scheduler, which not every sampler has. */
static Status set_sigmas(RunModel *m, Error *err)
{
    SchedulerConfig *config = &m->model.config.scheduler;
    const Sampler *sampler = m->sampler != NULL ? m->sampler : sampler_find(config->class_name);
    if (m->sigmas == NULL || strcmp(m->sigmas, "auto") == 0)
        return STATUS_OK;
    config->use_karras_sigmas = strcmp(m->sigmas, "karras") == 0;
    if (config->use_karras_sigmas && sampler != NULL && !sampler_takes(sampler, "use_karras_sigmas"))
        return error_set(err, STATUS_ARGUMENT,
                         "--scheduler is karras, which is not for the sampling method %s", sampler->name);
    scheduler_config_say(config, "use_karras_sigmas");
    return STATUS_OK;
}

Status run_model_open(RunModel *m, unsigned parts, Arena *arena, Error *err)
{
    Status status = STATUS_OK;
    m->shipped = m->folder == NULL;
    if (m->shipped)
        status = shipped_folder(&m->folder, "model", arena, err);
    const bool single = status == STATUS_OK && !is_folder(m->folder) && file_exists(m->folder);
    if (status == STATUS_OK && m->config_from != NULL && !single)
        status = error_set(err, STATUS_ARGUMENT, "--config-from is for a model in one file, %.150s is none",
                           m->folder);
    if (status == STATUS_OK)
        status = single ? single_model_open(&m->model, m->folder, m->config_from, parts, 0, arena, err)
                        : model_open(&m->model, m->folder, parts, 0, arena, err);
    if (status != STATUS_OK)
        return status;
    SchedulerConfig *config = &m->model.config.scheduler;
    say(config, "prediction_type", &config->prediction_type, m->prediction);
    say(config, "timestep_spacing", &config->timestep_spacing, m->spacing);
    if (m->sampler_name != NULL && strcmp(m->sampler_name, "auto") != 0)
        m->sampler = sampler_find(m->sampler_name);
    return set_sigmas(m, err);
}
