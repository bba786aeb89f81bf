/* api/ldm_schedule.h - the noise schedule and the sampler that a model's files and the caller's options ask for. */
#ifndef API_LDM_SCHEDULE_H
#define API_LDM_SCHEDULE_H

#include "api/ldm_call.h"
#include "diffusion/sampler.h"

/* The sampler by name; NULL: the one of the model's scheduler.  STATUS_ARGUMENT when it is not known. */
MUST_CHECK Status ldm_sampler_of(const Sampler **out, const Model *m, const char *name, Error *err);

/* The caller's options, whatever version of the struct they have, in ours.  STATUS_ARGUMENT when they were not made
 * by ldm_sample_options_default or hold what this version does not know. */
MUST_CHECK Status ldm_options_read(ldm_sample_options *out, const ldm_sample_options *options, Error *err);

/* The model's scheduler with what the options say over it. */
MUST_CHECK Status ldm_scheduler_of(SchedulerConfig *out, const Model *m, const ldm_sample_options *options,
                                   Error *err);

#endif
