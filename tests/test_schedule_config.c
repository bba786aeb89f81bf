/* scheduler_config.json: every key is understood or refused by name. */
#include "diffusion/schedule_config.h"
#include "diffusion/sampler.h"
#include "tests/check.h"

static Status parse(SchedulerConfig *c, const char *text, Arena *arena, Error *err)
{
    return scheduler_config_parse(c, text, strlen(text), "scheduler_config.json", arena, err);
}

static void test_every_kind_of_key(void)
{
    Arena arena = {0};
    SchedulerConfig c = {0};
    const char text[] =
        "{\"_class_name\": \"DDIMScheduler\", \"_diffusers_version\": \"0.27.2\","
        "\"num_train_timesteps\": 500, \"beta_start\": 0.00085, \"beta_schedule\": \"scaled_linear\","
        "\"trained_betas\": null, \"clip_sample\": false, \"prediction_type\": \"v_prediction\","
        "\"timestep_spacing\": \"trailing\", \"variance_type\": null, \"sigma_min\": null,"
        "\"sigma_max\": 12.5, \"lambda_min_clipped\": \"-Infinity\", \"disable_corrector\": [0, 3],"
        "\"solver_p\": null, \"use_beta_sigmas\": false, \"solver_type\": \"bh1\"}";
    CHECK(parse(&c, text, &arena, NULL) == STATUS_OK);
    CHECK(strcmp(c.class_name, "DDIMScheduler") == 0);
    CHECK(c.num_train_timesteps == 500 && c.beta_start == 0.00085 && c.beta_end == 0.02);
    CHECK(c.beta_schedule == BETA_SCALED_LINEAR && c.prediction_type == PREDICT_V && !c.clip_sample);
    CHECK(c.timestep_spacing == SPACING_TRAILING && c.variance_type == VARIANCE_NONE &&
          c.solver_type == SOLVER_BH1);
    CHECK(c.sigma_min == 0 && c.sigma_max == 12.5 && c.lambda_min_clipped < -1e308 &&
          c.trained_betas == NULL);
    CHECK(c.disable_count == 2 && c.disable_corrector[0] == 0 && c.disable_corrector[1] == 3);
    CHECK(parse(&c, "{\"trained_betas\": [0.1, 0.25]}", &arena, NULL) == STATUS_OK);
    CHECK(c.trained_count == 2 && c.trained_betas[1] == 0.25 && c.class_name[0] == '\0');
    CHECK(strcmp(scheduler_value_name("prediction_type", PREDICT_V), "v_prediction") == 0);
    CHECK(scheduler_value_name("prediction_type", 3) == NULL &&
          scheduler_value_name("beta_start", 0) == NULL);
    CHECK(scheduler_value("timestep_spacing", "linspace") == SPACING_LINSPACE);
    CHECK(scheduler_value("timestep_spacing", "lin") == -1 && scheduler_value("nothing", "lin") == -1);
    arena_free(&arena);
}

/* What the file says is kept, what it does not say has the default of the class that samples. */
static void test_one_class_from_another(void)
{
    Arena arena = {0};
    SchedulerConfig read = {0}, defaults = SCHEDULER_DEFAULTS;
    defaults.timestep_spacing = SPACING_LINSPACE;
    defaults.clip_sample = false;
    defaults.beta_end = 0.5;
    CHECK(parse(&read,
                "{\"beta_end\": 0.012, \"clip_sample\": true, \"thresholding\": true,"
                "\"_use_default_values\": [\"thresholding\"]}",
                &arena, NULL) == STATUS_OK);
    SchedulerConfig c = scheduler_config_over(&read, &defaults);
    CHECK(c.beta_end == 0.012 && c.clip_sample && c.timestep_spacing == SPACING_LINSPACE &&
          !c.thresholding);
    read.timestep_spacing = SPACING_TRAILING;
    CHECK(scheduler_config_over(&read, &defaults).timestep_spacing == SPACING_LINSPACE);
    scheduler_config_say(&read, "timestep_spacing");
    CHECK(scheduler_config_over(&read, &defaults).timestep_spacing == SPACING_TRAILING);
    arena_free(&arena);
}

static void refuse(const char *text, const char *why)
{
    Arena arena = {0};
    Error err = {0};
    SchedulerConfig c = {.solver_order = -9};
    CHECK(parse(&c, text, &arena, &err) == STATUS_FORMAT && c.solver_order == -9);
    CHECK_TEXT(err.text, why);
    CHECK_TEXT(err.text, "scheduler_config.json");
    arena_free(&arena);
}

static void test_refused_by_name(void)
{
    refuse("[]", "expected an object");
    refuse("{\"beta_strat\": 1}", "the key \"beta_strat\" is not known");
    refuse("{\"beta_start\": \"much\"}", "beta_start is not a number");
    refuse("{\"beta_start\": null}", "beta_start is not a number");
    refuse("{\"num_train_timesteps\": 10.5}", "num_train_timesteps is not a whole number");
    refuse("{\"steps_offset\": -1}", "steps_offset is not a whole number of at least 0");
    refuse("{\"clip_sample\": 1}", "clip_sample is not true or false");
    refuse("{\"prediction_type\": \"flow\"}", "prediction_type is \"flow\", which is not known");
    refuse("{\"prediction_type\": 1}", "prediction_type is \"(no text)\"");
    refuse("{\"prediction_type\": null}", "prediction_type");
    refuse("{\"trained_betas\": 3}", "trained_betas is not a list");
    refuse("{\"use_beta_sigmas\": true}",
           "use_beta_sigmas is not false, and other values are not supported");
    refuse("{\"solver_p\": {}}", "solver_p is not false");
    refuse("{\"_class_name\": \"ANameThatIsMuchLongerThanThatOfAnySchedulerClassThatHasEverBeenWritten\"}",
           "_class_name is longer than 63 bytes");
}

/* What is written is read again as it was, for every sampler. */
static void test_writing(void)
{
    Arena arena = {0};
    for (int k = 0; SAMPLERS[k] != NULL; k++) {
        SchedulerConfig c = *SAMPLERS[k]->defaults, again = {0};
        Bytes b = {.arena = &arena}, twice = {.arena = &arena};
        static const double BETAS[] = {0.1, 0.015625, 0.3};
        static const int STEPS[] = {4, 7};
        c.beta_end = 0.1 + 0.2;
        c.prediction_type = PREDICT_SAMPLE;
        c.clip_sample = !c.clip_sample;
        c.trained_betas = BETAS;
        c.trained_count = 3;
        c.disable_corrector = STEPS;
        c.disable_count = 2;
        scheduler_config_keep(&c, SAMPLERS[k]->defaults, SAMPLERS[k]->keys);
        scheduler_config_write(&b, &c, SAMPLERS[k]->class_name, SAMPLERS[k]->keys);
        CHECK(scheduler_config_parse(&again, (const char *)b.data, b.size, "", &arena, NULL) == STATUS_OK);
        CHECK(strcmp(again.class_name, SAMPLERS[k]->class_name) == 0);
        again = scheduler_config_over(&again, SAMPLERS[k]->defaults);
        CHECK(again.beta_end == c.beta_end && again.prediction_type == c.prediction_type &&
              again.clip_sample == c.clip_sample && again.trained_count == c.trained_count);
        CHECK(c.trained_count == (sampler_takes(SAMPLERS[k], "trained_betas") ? 3 : 0));
        CHECK(c.prediction_type == PREDICT_SAMPLE || !sampler_takes(SAMPLERS[k], "prediction_type"));
        scheduler_config_write(&twice, &again, SAMPLERS[k]->class_name, SAMPLERS[k]->keys);
        CHECK(b.size == twice.size && memcmp(b.data, twice.data, b.size) == 0);
    }
    static const char *const RARE[] = {"variance_type", "lambda_min_clipped", "sigma_min",
                                       "trained_betas", "disable_corrector",  NULL};
    Bytes b = {.arena = &arena};
    SchedulerConfig c = SCHEDULER_DEFAULTS;
    c.variance_type = VARIANCE_NONE;
    scheduler_config_write(&b, &c, "X", RARE);
    bytes_add_byte(&b, 0);
    CHECK_TEXT((const char *)b.data, "\"variance_type\": null");
    CHECK_TEXT((const char *)b.data, "\"lambda_min_clipped\": \"-Infinity\"");
    CHECK_TEXT((const char *)b.data, "\"sigma_min\": null");
    CHECK_TEXT((const char *)b.data, "\"trained_betas\": null");
    arena_free(&arena);
}

static void test_no_memory(void)
{
    for (size_t n = 1; n < 50; n++) {
        Arena arena = {.fail_after = n};
        SchedulerConfig c;
        const Status status =
            parse(&c, "{\"trained_betas\": [0.1, 0.2], \"clip_sample\": false}", &arena, NULL);
        arena_free(&arena);
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        if (status == STATUS_OK) {
            CHECK(n > 2);
            return;
        }
    }
}

int main(void)
{
    test_every_kind_of_key();
    test_one_class_from_another();
    test_refused_by_name();
    test_writing();
    test_no_memory();
    return check_report("schedule_config");
}
