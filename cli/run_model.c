#include "cli/run_model.h"

#include <string.h>

/* Sets a key of the scheduler's configuration by the name of its value. */
static void say(SchedulerConfig *config, const char *key, int *member, const char *name)
{
    if (name == NULL || strcmp(name, "auto") == 0)
        return;
    *member = scheduler_value(key, name);
    scheduler_config_say(config, key);
}

Status run_model_open(RunModel *m, unsigned parts, Arena *arena, Error *err)
{
    Status status = STATUS_OK;
    m->shipped = m->folder == NULL;
    if (m->shipped)
        status = shipped_folder(&m->folder, "model", arena, err);
    if (status == STATUS_OK)
        status = model_open(&m->model, m->folder, parts, 0, arena, err);
    if (status != STATUS_OK)
        return status;
    SchedulerConfig *config = &m->model.config.scheduler;
    say(config, "prediction_type", &config->prediction_type, m->prediction);
    say(config, "timestep_spacing", &config->timestep_spacing, m->spacing);
    if (m->sampler_name != NULL && strcmp(m->sampler_name, "auto") != 0)
        m->sampler = sampler_find(m->sampler_name);
    return STATUS_OK;
}
