#include "cli/schedule_print.h"

static void print_line(const Result *r, const SamplerRun *plan, int i, const SamplerCall *call)
{
    const double t = plan->time[i];
    double alpha_bar;
    const double sigma = sampler_level(&alpha_bar, plan, i);
    result_line(r, "%5d %8g %8d %15.9g %15.9g", i + 1, t, call->previous, sigma, alpha_bar);
    for (int k = 0; k < call->count; k++)
        result_line(r, " %15.9g", call->value[k]);
    result_line(r, "\n");
}

static void write_call(JsonWriter *w, const SamplerRun *plan, int i, const SamplerCall *call)
{
    const double t = plan->time[i];
    double alpha_bar;
    const double sigma = sampler_level(&alpha_bar, plan, i);
    json_begin_object(w, NULL);
    json_write_int(w, "step", i + 1);
    json_write_number(w, "t", t);
    json_write_int(w, "t_prev", call->previous);
    json_write_number(w, "sigma", sigma);
    json_write_number(w, "alpha_bar", alpha_bar);
    for (int k = 0; k < call->count; k++)
        json_write_number(w, call->name[k], call->value[k]);
    json_end(w);
}

void schedule_print(Result *r, const SamplerRun *plan)
{
    const SchedulerConfig *c = &plan->config;
    const char *spacing = scheduler_value_name("timestep_spacing", c->timestep_spacing);
    const char *prediction = scheduler_value_name("prediction_type", c->prediction_type);
    result_line(r, "%s, %d steps, %s, %s\n%5s %8s %8s %15s %15s", plan->sampler->name, plan->steps, spacing,
                prediction, "step", "t", "t_prev", "sigma", "alpha_bar");
    json_write_text(&r->json, "sampling-method", plan->sampler->name);
    json_write_int(&r->json, "steps", plan->steps);
    json_write_text(&r->json, "timestep-spacing", spacing);
    json_write_text(&r->json, "prediction", prediction);
    json_write_number(&r->json, "start_scale", (double)plan->start_scale);
    json_begin_array(&r->json, "schedule");
    for (int i = plan->first; i < plan->calls; i++) {
        const SamplerCall call = plan->sampler->describe(plan, i);
        for (int k = 0; i == plan->first && k < call.count; k++)
            result_line(r, " %15s", call.name[k]);
        if (i == plan->first)
            result_line(r, "\n");
        print_line(r, plan, i, &call);
        write_call(&r->json, plan, i, &call);
    }
    json_end(&r->json);
}
