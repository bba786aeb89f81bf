#include "diffusion/schedule_fields.h"

#include <string.h>

#include "diffusion/schedule_config.h"

#define AT(member) offsetof(SchedulerConfig, member)

const SchedulerField SCHEDULER_FIELD[SCHEDULER_FIELDS] = {
    {"num_train_timesteps", FIELD_INT, AT(num_train_timesteps), {0}},
    {"beta_start", FIELD_NUMBER, AT(beta_start), {0}},
    {"beta_end", FIELD_NUMBER, AT(beta_end), {0}},
    {"beta_schedule",
     FIELD_NAME,
     AT(beta_schedule),
     {"linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"}},
    {"trained_betas", FIELD_BETAS, AT(trained_betas), {0}},
    {"rescale_betas_zero_snr", FIELD_BOOL, AT(rescale_betas_zero_snr), {0}},
    {"prediction_type", FIELD_NAME, AT(prediction_type), {"epsilon", "v_prediction", "sample"}},
    {"timestep_spacing", FIELD_NAME, AT(timestep_spacing), {"leading", "trailing", "linspace"}},
    {"steps_offset", FIELD_INT, AT(steps_offset), {0}},
    {"set_alpha_to_one", FIELD_BOOL, AT(set_alpha_to_one), {0}},
    {"clip_sample", FIELD_BOOL, AT(clip_sample), {0}},
    {"clip_sample_range", FIELD_NUMBER, AT(clip_sample_range), {0}},
    {"thresholding", FIELD_BOOL, AT(thresholding), {0}},
    {"dynamic_thresholding_ratio", FIELD_NUMBER, AT(dynamic_thresholding_ratio), {0}},
    {"sample_max_value", FIELD_NUMBER, AT(sample_max_value), {0}},
    {"variance_type",
     FIELD_NAME,
     AT(variance_type),
     {"none", "fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log", "learned",
      "learned_range"}},
    {"skip_prk_steps", FIELD_BOOL, AT(skip_prk_steps), {0}},
    {"use_karras_sigmas", FIELD_BOOL, AT(use_karras_sigmas), {0}},
    {"interpolation_type", FIELD_NAME, AT(interpolation_type), {"linear", "log_linear"}},
    {"sigma_min", FIELD_LIMIT, AT(sigma_min), {0}},
    {"sigma_max", FIELD_LIMIT, AT(sigma_max), {0}},
    {"timestep_type", FIELD_NAME, AT(timestep_type), {"discrete", "continuous"}},
    {"final_sigmas_type", FIELD_NAME, AT(final_sigmas_type), {"zero", "sigma_min"}},
    {"solver_order", FIELD_INT, AT(solver_order), {0}},
    {"algorithm_type",
     FIELD_NAME,
     AT(algorithm_type),
     {"dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++", "deis", "data_prediction",
      "noise_prediction"}},
    {"solver_type", FIELD_NAME, AT(solver_type), {"midpoint", "heun", "logrho", "bh1", "bh2"}},
    {"lower_order_final", FIELD_BOOL, AT(lower_order_final), {0}},
    {"euler_at_final", FIELD_BOOL, AT(euler_at_final), {0}},
    {"use_lu_lambdas", FIELD_BOOL, AT(use_lu_lambdas), {0}},
    {"lambda_min_clipped", FIELD_NUMBER, AT(lambda_min_clipped), {0}},
    {"predict_x0", FIELD_BOOL, AT(predict_x0), {0}},
    {"disable_corrector", FIELD_STEPS, AT(disable_corrector), {0}},
    {"original_inference_steps", FIELD_INT, AT(original_inference_steps), {0}},
    {"timestep_scaling", FIELD_NUMBER, AT(timestep_scaling), {0}},
    {"sigma_data", FIELD_NUMBER, AT(sigma_data), {0}},
    {"rho", FIELD_NUMBER, AT(rho), {0}},
    {"s_noise", FIELD_NUMBER, AT(s_noise), {0}},
    {"clip_denoised", FIELD_BOOL, AT(clip_denoised), {0}},
    {"predictor_order", FIELD_INT, AT(predictor_order), {0}},
    {"corrector_order", FIELD_INT, AT(corrector_order), {0}},
    {"tau_func", FIELD_ONLY_FALSE, 0, {0}},
    {"solver_p", FIELD_ONLY_FALSE, 0, {0}},
    {"use_exponential_sigmas", FIELD_ONLY_FALSE, 0, {0}},
    {"use_beta_sigmas", FIELD_ONLY_FALSE, 0, {0}},
    {"use_flow_sigmas", FIELD_ONLY_FALSE, 0, {0}},
};

int scheduler_field(const char *key)
{
    for (int i = 0; i < SCHEDULER_FIELDS; i++)
        if (strcmp(SCHEDULER_FIELD[i].key, key) == 0)
            return i;
    return -1;
}

const char *scheduler_value_name(const char *key, int value)
{
    const int i = scheduler_field(key);
    if (i < 0 || SCHEDULER_FIELD[i].kind != FIELD_NAME)
        return NULL;
    for (int k = 0; SCHEDULER_FIELD[i].names[k] != NULL; k++)
        if (k == value)
            return SCHEDULER_FIELD[i].names[k];
    return NULL;
}

int scheduler_value(const char *key, const char *name)
{
    const int i = scheduler_field(key);
    for (int k = 0; i >= 0 && SCHEDULER_FIELD[i].names[k] != NULL; k++)
        if (strcmp(SCHEDULER_FIELD[i].names[k], name) == 0)
            return k;
    return -1;
}
