/* diffusion/schedule_config.h - scheduler_config.json: the noise schedule and the sampler's conventions.
 *
 * The keys, their meaning and their names for values are those of diffusers' scheduler classes.  A key that
 * no class knows, and a known key whose value we do not have, are refused by name.  A key that another
 * class has is read and left alone by samplers that do not look at it, because that is how diffusers makes
 * one scheduler from the config of another: what the file says is kept, what it does not say has the
 * default of the class that samples (a file's "_use_default_values" are keys that it holds
 * and does not say). */
#ifndef DIFFUSION_SCHEDULE_CONFIG_H
#define DIFFUSION_SCHEDULE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum { BETA_LINEAR, BETA_SCALED_LINEAR, BETA_SQUAREDCOS_CAP_V2, BETA_SIGMOID };
enum { PREDICT_EPSILON, PREDICT_V, PREDICT_SAMPLE };
enum { SPACING_LEADING, SPACING_TRAILING, SPACING_LINSPACE };
enum {
    VARIANCE_NONE,
    VARIANCE_FIXED_SMALL,
    VARIANCE_FIXED_SMALL_LOG,
    VARIANCE_FIXED_LARGE,
    VARIANCE_FIXED_LARGE_LOG,
    VARIANCE_LEARNED,
    VARIANCE_LEARNED_RANGE
};
enum { INTERPOLATE_LINEAR, INTERPOLATE_LOG_LINEAR };
enum { TIMESTEP_DISCRETE, TIMESTEP_CONTINUOUS };
enum { FINAL_SIGMA_ZERO, FINAL_SIGMA_MIN };
enum {
    ALGORITHM_DPMSOLVER,
    ALGORITHM_DPMSOLVER_PP,
    ALGORITHM_SDE_DPMSOLVER,
    ALGORITHM_SDE_DPMSOLVER_PP,
    ALGORITHM_DEIS,
    ALGORITHM_DATA_PREDICTION,
    ALGORITHM_NOISE_PREDICTION
};
enum { SOLVER_MIDPOINT, SOLVER_HEUN, SOLVER_LOGRHO, SOLVER_BH1, SOLVER_BH2 };

typedef struct {
    char class_name[64]; /* "DDIMScheduler"; "" when the file does not say */
    uint64_t given;      /* which keys the file says: bit i is row i of the table in schedule_fields.c */

    /* the schedule */
    int num_train_timesteps;     /* T */
    double beta_start, beta_end; /* in (0, 1) */
    int beta_schedule;           /* BETA_... */
    const double *trained_betas; /* NULL, or all T of them */
    int trained_count;
    bool rescale_betas_zero_snr;
    int prediction_type; /* PREDICT_... */

    /* the timesteps */
    int timestep_spacing; /* SPACING_... */
    int steps_offset;
    bool set_alpha_to_one; /* alpha-bar before the first timestep: 1, else that of timestep 0 */

    /* the prediction of x0 */
    bool clip_sample;
    double clip_sample_range;
    bool thresholding; /* dynamic thresholding */
    double dynamic_thresholding_ratio, sample_max_value;

    /* single samplers */
    int variance_type;   /* VARIANCE_...: DDPM, DPM-Solver */
    bool skip_prk_steps; /* PNDM */
    bool use_karras_sigmas;
    int interpolation_type;      /* INTERPOLATE_...: Euler */
    double sigma_min, sigma_max; /* Euler; 0: from the schedule; EDM, CM: the ends */
    int timestep_type;           /* TIMESTEP_...: Euler */
    int final_sigmas_type;       /* FINAL_SIGMA_... */
    int solver_order;            /* DPM-Solver, UniPC, DEIS */
    int algorithm_type;          /* ALGORITHM_... */
    int solver_type;             /* SOLVER_... */
    bool lower_order_final, euler_at_final, use_lu_lambdas;
    double lambda_min_clipped;    /* minus infinity: no limit */
    bool predict_x0;              /* UniPC */
    const int *disable_corrector; /* UniPC: step numbers */
    int disable_count;
    int original_inference_steps;         /* LCM */
    double timestep_scaling;              /* LCM */
    int predictor_order, corrector_order; /* SA-Solver */
    double sigma_data;                    /* EDM, CM: deviation of the data */
    double rho;                           /* EDM, CM: of the Karras levels */
    double s_noise;                       /* CM: times all noise */
    bool clip_denoised;                   /* CM: x0 within -1 .. 1 */
} SchedulerConfig;

/* DDPMScheduler's defaults, which most classes share; every sampler has its own (diffusion/sampler.h). */
extern const SchedulerConfig SCHEDULER_DEFAULTS;

/* What Stable Diffusion's own scheduler_config.json says [RomB22]: scaled_linear from 0.00085 to 0.012,
 * leading with offset 1, nothing clipped.  Every key counts as said. */
extern const SchedulerConfig SCHEDULER_STABLE_DIFFUSION;

/* Reads the file.  Lists lie in the arena.  On failure *out is untouched. */
MUST_CHECK Status scheduler_config_read(SchedulerConfig *out, const char *path, Arena *arena, Error *err);

/* The same for `size` bytes of JSON; `name` begins the error sentences. */
MUST_CHECK Status scheduler_config_parse(SchedulerConfig *out, const char *text, size_t size,
                                         const char *name, Arena *arena, Error *err);

/* What the file said over the defaults of a class. */
SchedulerConfig scheduler_config_over(const SchedulerConfig *read, const SchedulerConfig *defaults);

/* Gives the keys that are not in the list (which ends with NULL) their defaults: what a file says for the scheduler
 * of another class does not reach a class without that key. */
void scheduler_config_keep(SchedulerConfig *config, const SchedulerConfig *defaults,
                           const char *const *keys);

/* Says `key` as if it stood in the file, after its member was set; for options from the command line. */
void scheduler_config_say(SchedulerConfig *config, const char *key);

/* Adds the JSON of the keys (a list that ends with NULL) to `out`, in that order,
 * after the class's name. */
void scheduler_config_write(Bytes *out, const SchedulerConfig *config, const char *class_name,
                            const char *const *keys);

/* The name of a value as the JSON has it: scheduler_value_name("prediction_type", PREDICT_V) is
 * "v_prediction"; NULL when the key has no such value. */
const char *scheduler_value_name(const char *key, int value);

/* The value of a name; -1 when the key has no such value. */
int scheduler_value(const char *key, const char *name);

#endif
