#include "diffusion/edict.h"

#include <math.h>

const EdictOptions EDICT_DEFAULTS = {.steps = 50, .strength = 1.0, .mix = 0.93, .leapfrog = true};

/* ---- the plan ---- */

/* abar at t - T/N. */
static double alpha_bar_before(const Schedule *s, const EdictOptions *o, int t)
{
    if (s->steps % o->steps == 0)
        return schedule_alpha_bar(s, t - s->steps / o->steps);
    const double q = t - (double)s->steps / o->steps, low = floor(q), f = q - low;
    if (q < 0.0)
        return schedule_alpha_bar(s, -1);
    return schedule_alpha_bar(s, (int)low) * f + schedule_alpha_bar(s, (int)ceil(q)) * (1.0 - f);
}

static EdictStep make_step(const Schedule *s, const EdictOptions *o, int t)
{
    const double from = schedule_alpha_bar(s, t), to = alpha_bar_before(s, o, t);
    if (from == to) /* the root of the quotient may be an ulp away from this */
        return (EdictStep){.time = t, .scale = 1.0, .add = 0.0};
    return (EdictStep){
        .time = t, .scale = sqrt(to / from), .add = sqrt(1.0 - to) - sqrt(to * (1.0 - from) / from)};
}

static Status check_options(const Schedule *s, const EdictOptions *o, Error *err)
{
    if (o->steps < 1 || o->steps > s->steps)
        return error_set(err, STATUS_ARGUMENT, "%d steps, expected 1 to %d", o->steps, s->steps);
    if (s->steps % o->steps != 0 && !o->compat_fraction)
        return error_set(err, STATUS_ARGUMENT,
                         "%d steps do not divide the %d timesteps of the schedule, which EDICT needs",
                         o->steps, s->steps);
    if (!(o->mix > 0.0 && o->mix <= 1.0))
        return error_set(err, STATUS_ARGUMENT, "mixing weight %g, expected above 0 and at most 1", o->mix);
    if (!(o->strength > 0.0 && o->strength <= 1.0))
        return error_set(err, STATUS_ARGUMENT, "strength %g, expected above 0 and at most 1", o->strength);
    return STATUS_OK;
}

Status edict_plan(Edict *out, const Schedule *s, const EdictOptions *o, Arena *arena, Error *err)
{
    Status status = check_options(s, o, err);
    if (status != STATUS_OK)
        return status;
    const int apart = s->steps / o->steps, all = (s->steps + apart - 1) / apart;
    const int left_out = o->steps - (int)(o->steps * o->strength);
    if (left_out >= all)
        return error_set(err, STATUS_ARGUMENT, "strength %g leaves none of %d steps", o->strength,
                         o->steps);
    EdictStep *step = arena_raw(arena, (size_t)(all - left_out), sizeof *step);
    if (step == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of EDICT", all);
    for (int k = left_out; k < all; k++) {
        const int t = (all - 1 - k) * apart;
        step[k - left_out] = make_step(s, o, t);
        if (!isfinite(step[k - left_out].scale))
            return error_set(err, STATUS_ARGUMENT,
                             "timestep %d of the schedule has no signal left, which EDICT cannot undo", t);
    }
    *out = (Edict){
        .count = all - left_out, .step = step, .mix = o->mix, .leapfrog = o->leapfrog, .single = o->single};
    return STATUS_OK;
}

double edict_error_growth(const Edict *e)
{
    double growth = e->single ? 0x1p-24 : 0x1p-53;
    for (int k = 0; k < e->count; k++)
        growth /= e->mix * e->mix;
    return growth;
}

/* ---- mixing ---- */

static double keep(const Edict *e, double value)
{
    return e->single ? (double)(float)value : value;
}

void edict_mix(const EdictPair *z, const Edict *e, size_t n)
{
    const double rest = 1.0 - e->mix;
    for (size_t i = 0; i < n; i++) {
        z->x[i] = keep(e, z->x[i] + rest * (z->y[i] - z->x[i]));
        z->y[i] = keep(e, z->y[i] + rest * (z->x[i] - z->y[i]));
    }
}

void edict_unmix(const EdictPair *z, const Edict *e, size_t n)
{
    const double p = e->mix;
    for (size_t i = 0; i < n; i++) {
        z->y[i] = keep(e, z->x[i] + (z->y[i] - z->x[i]) / p);
        z->x[i] = keep(e, z->y[i] + (z->x[i] - z->y[i]) / p);
    }
}

void edict_mix_transposed(const EdictPair *g, const Edict *e, size_t n)
{
    const double p = e->mix, rest = 1.0 - p;
    for (size_t i = 0; i < n; i++) {
        const double gx = g->x[i] + rest * g->y[i]; /* what the new x is worth */
        g->x[i] = p * gx;
        g->y[i] = p * g->y[i] + rest * gx;
    }
}

/* ---- steps ---- */

/* Which of the pair moves first in step k. */
static EdictPair roles(const EdictPair *z, const Edict *e, int k)
{
    return e->leapfrog && k % 2 == 1 ? (EdictPair){z->y, z->x} : *z;
}

static Status check_finite(const double *eps, size_t n, const Edict *e, int k, int half, Error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(eps[i]))
            return error_set(err, STATUS_NOT_FINITE,
                             "the noise is no number in half %d of step %d of %d (timestep %g)", half, k,
                             e->count, e->step[k].time);
    return STATUS_OK;
}

static Status ask(double *eps, const double *z, const Edict *e, int k, int half, const NoiseOracle *noise,
                  Error *err)
{
    const Status status = noise->predict(noise->context, eps, z, e->step[k].time, err);
    return status == STATUS_OK ? check_finite(eps, noise->n, e, k, half, err) : status;
}

/* moved <- A moved + B eps(seen) */
static Status move(double *moved, const double *seen, double *eps, const Edict *e, int k, int half,
                   const NoiseOracle *noise, Error *err)
{
    const EdictStep s = e->step[k];
    if (s.add == 0.0) {
        for (size_t i = 0; i < noise->n; i++)
            moved[i] = keep(e, s.scale * moved[i]);
        return STATUS_OK;
    }
    const Status status = ask(eps, seen, e, k, half, noise, err);
    for (size_t i = 0; status == STATUS_OK && i < noise->n; i++)
        moved[i] = keep(e, s.scale * moved[i] + s.add * eps[i]);
    return status;
}

/* moved <- (moved - B eps) / A, eps as the step had it */
static void take_back(double *moved, const double *eps, const Edict *e, int k, size_t n)
{
    const EdictStep s = e->step[k];
    for (size_t i = 0; i < n; i++)
        moved[i] = keep(e, (s.add == 0.0 ? moved[i] : moved[i] - s.add * eps[i]) / s.scale);
}

static Status move_back(double *moved, const double *seen, double *eps, const Edict *e, int k, int half,
                        const NoiseOracle *noise, Error *err)
{
    Status status = STATUS_OK;
    if (e->step[k].add != 0.0)
        status = ask(eps, seen, e, k, half, noise, err);
    if (status == STATUS_OK)
        take_back(moved, eps, e, k, noise->n);
    return status;
}

static bool goes_on(const EdictWatch *watch, int k, const Edict *e, const EdictPair *z)
{
    return watch == NULL || watch->seen == NULL || watch->seen(watch->context, k, e->count, z);
}

static Status stopped(int k, const Edict *e, Error *err)
{
    return error_set(err, STATUS_INTERRUPTED, "stopped at step %d of %d", k, e->count);
}

static Status no_memory(const NoiseOracle *noise, Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory for the noise of %zu numbers", noise->n);
}

Status edict_generate(const EdictPair *z, const Edict *e, const NoiseOracle *noise, const EdictWatch *watch,
                      Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    double *eps = arena_raw(scratch, noise->n, sizeof *eps);
    Status status = eps != NULL ? STATUS_OK : no_memory(noise, err);
    for (int k = 0; k < e->count && status == STATUS_OK; k++) {
        const EdictPair uv = roles(z, e, k);
        status = move(uv.x, uv.y, eps, e, k, 1, noise, err);
        if (status == STATUS_OK)
            status = move(uv.y, uv.x, eps, e, k, 2, noise, err);
        if (status != STATUS_OK)
            break;
        edict_mix(z, e, noise->n);
        if (!goes_on(watch, k, e, z))
            status = stopped(k, e, err);
    }
    arena_release(scratch, mark);
    return status;
}

Status edict_invert(const EdictPair *z, const Edict *e, const NoiseOracle *noise, const EdictWatch *watch,
                    Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    double *eps = arena_raw(scratch, noise->n, sizeof *eps);
    Status status = eps != NULL ? STATUS_OK : no_memory(noise, err);
    for (int k = e->count - 1; k >= 0 && status == STATUS_OK; k--) {
        const EdictPair uv = roles(z, e, k);
        edict_unmix(z, e, noise->n);
        status = move_back(uv.y, uv.x, eps, e, k, 2, noise, err);
        if (status == STATUS_OK)
            status = move_back(uv.x, uv.y, eps, e, k, 1, noise, err);
        if (status == STATUS_OK && !goes_on(watch, k, e, z))
            status = stopped(k, e, err);
    }
    arena_release(scratch, mark);
    return status;
}

/* ---- the gradient ---- */

typedef struct {
    const Edict *e;
    const NoiseOracle *noise;
    double *eps, *q;
} Reverse;

/* Undoes moved <- A moved + B eps(seen) and carries the gradient through it:
 * g_seen += B J^T g_moved, then g_moved <- A g_moved. */
static Status reverse_half(double *moved, const double *seen, double *g_moved, double *g_seen,
                           const Reverse *r, int k, int half, Error *err)
{
    const EdictStep s = r->e->step[k];
    const size_t n = r->noise->n;
    if (s.add != 0.0) {
        Status status = r->noise->vjp(r->noise->context, r->eps, r->q, seen, s.time, g_moved, err);
        if (status == STATUS_OK)
            status = check_finite(r->eps, n, r->e, k, half, err);
        if (status != STATUS_OK)
            return status;
        for (size_t i = 0; i < n; i++)
            g_seen[i] += s.add * r->q[i];
    }
    take_back(moved, r->eps, r->e, k, n);
    for (size_t i = 0; i < n; i++)
        g_moved[i] *= s.scale;
    return STATUS_OK;
}

static Status reverse_step(const EdictPair *z, const EdictPair *g, const Reverse *r, int k, Error *err)
{
    const EdictPair uv = roles(z, r->e, k), guv = roles(g, r->e, k);
    edict_mix_transposed(g, r->e, r->noise->n);
    edict_unmix(z, r->e, r->noise->n);
    const Status status = reverse_half(uv.y, uv.x, guv.y, guv.x, r, k, 2, err);
    return status == STATUS_OK ? reverse_half(uv.x, uv.y, guv.x, guv.y, r, k, 1, err) : status;
}

Status edict_gradient(const EdictPair *z, const EdictPair *g, const Edict *e, const NoiseOracle *noise,
                      const EdictWatch *watch, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    if (noise->vjp == NULL)
        return error_set(err, STATUS_ARGUMENT, "this network gives no gradient");
    const Reverse r = {e, noise, arena_raw(scratch, noise->n, sizeof(double)),
                       arena_raw(scratch, noise->n, sizeof(double))};
    Status status = r.eps != NULL && r.q != NULL ? STATUS_OK : no_memory(noise, err);
    for (int k = e->count - 1; k >= 0 && status == STATUS_OK; k--) {
        status = reverse_step(z, g, &r, k, err);
        if (status == STATUS_OK && !goes_on(watch, k, e, z))
            status = stopped(k, e, err);
    }
    arena_release(scratch, mark);
    return status;
}
