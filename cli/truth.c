#include "cli/truth.h"

#include <math.h>
#include <string.h>

static const double TINY = 0x1p-149, LARGEST = 0x1.fffffep+127;

typedef struct TruthPair {
    TruthId a, b; /* b = 0: the term is a itself */
} TruthPair;

typedef struct TruthStep {
    TruthKind kind;
    TruthId a, b; /* TRUTH_DOT: pairs from `first` on, `count` of them */
    size_t first, count;
    double factor; /* TRUTH_SCALE */
} TruthStep;

Truth truth_begin(Arena *arena, bool recording)
{
    static TruthNumber nothing; /* read after a failure, never written */
    Truth t = {.arena = arena, .unit = 0x1p-24, .recording = recording};
    truth_leaf(&t, 0.0); /* number 0: what failures refer to */
    if (t.number == NULL)
        t.number = &nothing;
    return t;
}

/* Room for one more: twice as much when there is none. */
static void *more(Truth *t, void *old, size_t used, size_t *room, size_t size)
{
    if (used < *room)
        return old;
    const size_t wanted = *room == 0 ? 1024 : 2 * *room;
    void *data = t->failed ? NULL : arena_raw(t->arena, wanted, size);
    if (data == NULL) {
        t->failed = true;
        return old;
    }
    if (used > 0)
        memcpy(data, old, used * size);
    *room = wanted;
    return data;
}

/* c(n) of the header. */
static double growth(double n)
{
    const double most = 4.0 * sqrt(n);
    return n < most ? n : most;
}

/* The number as an operand: beyond binary32 nothing is known of what follows. */
static TruthNumber operand(const Truth *t, TruthId id)
{
    TruthNumber x = t->number[id];
    if (fabs(x.v) > LARGEST && fabs(x.v) < INFINITY)
        x.e = INFINITY;
    return x;
}

/* v with the bound e plus `roundings` roundings of the result. */
static TruthNumber rounded(const Truth *t, double v, double e, double roundings)
{
    if (!(fabs(v) < INFINITY))
        return (TruthNumber){v, 0.0};
    e += roundings * t->unit * fabs(v);
    if (fabs(v) < 0x1p-125 && roundings > 0.0)
        e += TINY;
    return (TruthNumber){v, e == e ? e : INFINITY};
}

static TruthId push(Truth *t, TruthNumber x, TruthStep step)
{
    size_t room = t->room;
    t->number = more(t, t->number, t->count, &room, sizeof *t->number);
    if (t->recording) {
        room = t->room;
        t->step = more(t, t->step, t->count, &room, sizeof *t->step);
    }
    if (t->failed || t->count >= UINT32_MAX)
        return 0;
    t->room = room;
    t->number[t->count] = x;
    if (t->recording)
        t->step[t->count] = step;
    return (TruthId)t->count++;
}

TruthId truth_leaf(Truth *t, double value)
{
    return push(t, (TruthNumber){value, 0.0}, (TruthStep){.kind = TRUTH_LEAF});
}

TruthId truth_inexact(Truth *t, double value, double bound)
{
    return push(t, (TruthNumber){value, bound}, (TruthStep){.kind = TRUTH_LEAF});
}

/* |a| eb + |b| ea + ea eb; a product with an exact factor 0 has no error. */
static double product_bound(TruthNumber a, TruthNumber b)
{
    const double x = b.e > 0.0 ? (fabs(a.v) + a.e) * b.e : 0.0;
    return x + (a.e > 0.0 ? fabs(b.v) * a.e : 0.0);
}

TruthId truth_binary(Truth *t, TruthKind kind, TruthId ida, TruthId idb)
{
    if (t->failed)
        return 0;
    const TruthNumber a = operand(t, ida), b = operand(t, idb);
    TruthNumber y;
    switch (kind) {
    case TRUTH_ADD: y = rounded(t, a.v + b.v, a.e + b.e, 1.0); break;
    case TRUTH_SUBTRACT: y = rounded(t, a.v - b.v, a.e + b.e, 1.0); break;
    case TRUTH_MULTIPLY: y = rounded(t, a.v * b.v, product_bound(a, b), 1.0); break;
    default: {
        const double v = a.v / b.v, least = fabs(b.v) - b.e; /* of the divisor: it may be 0 */
        const double e = a.e > 0.0 || b.e > 0.0 ? (a.e + fabs(v) * b.e) / least : 0.0;
        y = rounded(t, v, e >= 0.0 ? e : INFINITY, 1.0);
        break;
    }
    }
    return push(t, y, (TruthStep){.kind = kind, .a = ida, .b = idb});
}

/* ---- functions and sums ---- */

/* s = 1 / (1 + E), E = exp(-a), rounded as it is written. */
static TruthNumber sigmoid_number(const Truth *t, TruthNumber a, double s)
{
    const double E = truth_exp(-a.v);
    if (!(E < INFINITY))
        return (TruthNumber){s, 0.0};
    const double exponential = E * a.e + 4.0 * t->unit * E + (E < 0x1p-125 ? TINY : 0.0);
    const double below = exponential + t->unit * (1.0 + E);
    return rounded(t, s, E > LARGEST ? INFINITY : below * s * s, 1.0);
}

/* The bound of its slope s (1 - s), or E s^2: besides roundings of that, what is left in 1 - s of the error of s.  When
 * E is so small that 1 + E is 1, s is 1, and that error is E. */
static double sigmoid_slope_bound(const Truth *t, TruthNumber a, double slope)
{
    const double E = truth_exp(-a.v), s = 1.0 / (1.0 + E);
    const double last = t->unit * (1.0 + s) < 2.0 * E ? t->unit * (1.0 + s) : 2.0 * E;
    const double of_s = s < last + 4.0 * t->unit * slope ? s : last + 4.0 * t->unit * slope;
    return of_s + 16.0 * t->unit * slope + slope * a.e + TINY;
}

TruthId truth_unary(Truth *t, TruthKind kind, TruthId ida)
{
    if (t->failed)
        return 0;
    const TruthNumber a = operand(t, ida);
    double slope;
    const double v = truth_evaluate(kind, a.v, &slope);
    if ((kind == TRUTH_SIN || kind == TRUTH_COS) && fabs(a.v) >= 0x1p31 && fabs(a.v) < INFINITY)
        return push(t, (TruthNumber){0.0, INFINITY},
                    (TruthStep){.kind = kind, .a = ida}); /* nothing is said */
    if (kind == TRUTH_SIGMOID)
        return push(t, sigmoid_number(t, a, v), (TruthStep){.kind = kind, .a = ida});
    double e = a.e > 0.0 ? fabs(slope) * a.e : 0.0;
    if (kind == TRUTH_SQRT && !(e <= sqrt(a.e)))
        e = sqrt(a.e); /* as far as a root comes near 0 */
    return push(t, rounded(t, v, e, kind == TRUTH_SQRT ? 1.0 : 4.0), (TruthStep){.kind = kind, .a = ida});
}

TruthId truth_scale(Truth *t, TruthId ida, double factor)
{
    if (t->failed)
        return 0;
    const TruthNumber a = operand(t, ida);
    const TruthNumber y = rounded(t, a.v * factor, fabs(factor) * a.e, fabs(factor) == 1.0 ? 0.0 : 1.0);
    return push(t, y, (TruthStep){.kind = TRUTH_SCALE, .a = ida, .factor = factor});
}

void truth_sum_begin(Truth *t)
{
    memset(&t->open, 0, sizeof t->open);
    t->open.first = t->pairs;
}

static void sum_term(Truth *t, double v, double e, TruthId a, TruthId b)
{
    t->open.sum += v;
    t->open.size += fabs(v);
    t->open.e += e;
    t->open.terms++;
    if (!t->recording)
        return;
    t->pair = more(t, t->pair, t->pairs, &t->pair_room, sizeof *t->pair);
    if (!t->failed)
        t->pair[t->pairs++] = (TruthPair){a, b};
}

void truth_sum_multiply_add(Truth *t, TruthId ida, TruthId idb)
{
    if (t->failed)
        return;
    const TruthNumber a = operand(t, ida), b = operand(t, idb);
    t->open.products = true;
    sum_term(t, a.v * b.v, product_bound(a, b), ida, idb);
}

void truth_sum_add(Truth *t, TruthId id)
{
    if (t->failed)
        return;
    const TruthNumber a = operand(t, id);
    sum_term(t, a.v, a.e, id, 0);
}

TruthId truth_sum_end(Truth *t)
{
    if (t->failed)
        return 0;
    const double n = (double)t->open.terms, size = t->open.size, products = t->open.products ? 1.0 : 0.0;
    double e = t->open.e;
    if (fabs(t->open.sum) < INFINITY) {
        e += size > LARGEST ? INFINITY : (growth(n > 0.0 ? n - 1.0 : 0.0) + products) * t->unit * size;
        if (products > 0.0 && size < n * 0x1p-120)
            e += n * TINY;
    }
    return push(t, rounded(t, t->open.sum, e, 0.0),
                (TruthStep){.kind = TRUTH_DOT, .first = t->open.first, .count = t->open.terms});
}

TruthNumber truth_number(const Truth *t, TruthId id)
{
    const TruthNumber x = t->number[id];
    return (TruthNumber){x.v, 17.0 / 16.0 * x.e};
}

/* ---- backward ---- */

/* d loss / d one number: a sum of contributions, finished when the walk arrives at it. */
typedef struct {
    double v, size, e;
    size_t terms;
} Adjoint;

/* The chain rule says nothing of 0 times infinity: the sum may be anything then. */
static void send(const Truth *t, Adjoint *to, TruthNumber dy, TruthNumber slope)
{
    const double v = dy.v * slope.v;
    if (v != v && dy.v == dy.v && slope.v == slope.v) {
        to->e = INFINITY;
        to->terms++;
        return;
    }
    const double e = product_bound(dy, slope);
    to->v += v;
    to->size += fabs(v);
    to->e += (e == e ? e : INFINITY) + t->unit * fabs(v) + (fabs(v) < 0x1p-125 && v != 0.0 ? TINY : 0.0);
    to->terms++;
}

static void send_unary(const Truth *t, const TruthStep *s, TruthNumber y, TruthNumber dy, Adjoint *all)
{
    const TruthNumber a = operand(t, s->a);
    double slope = s->factor;
    if (s->kind != TRUTH_SCALE)
        truth_evaluate(s->kind, a.v, &slope);
    /* The slope is known as well as its function: to 8 roundings, and as far as a and y are. */
    double e = s->kind == TRUTH_SCALE ? 0.0 : 8.0 * t->unit * fabs(slope);
    switch (s->kind) {
    case TRUTH_SQRT: e += y.e > 0.0 ? fabs(slope / y.v) * y.e : 0.0; break;
    case TRUTH_EXP:
    case TRUTH_EXPM1: e += y.e; break;
    case TRUTH_LOG:
    case TRUTH_LOG1P: e += slope * slope * a.e; break;
    case TRUTH_SIN:
    case TRUTH_COS: e += a.e + 8.0 * t->unit; break;
    case TRUTH_TANH: e += 2.0 * fabs(y.v) * y.e + 4.0 * t->unit; break;
    case TRUTH_SIGMOID: e = sigmoid_slope_bound(t, a, slope); break;
    case TRUTH_ERF: e += 2.0 * fabs(a.v * slope) * a.e; break;
    default: break;
    }
    send(t, &all[s->a], dy, (TruthNumber){slope, e == e ? e : INFINITY});
}

static void send_back(const Truth *t, TruthId id, TruthNumber dy, Adjoint *all)
{
    const TruthStep *s = &t->step[id];
    const TruthNumber y = t->number[id], one = {1.0, 0.0}, minus = {-1.0, 0.0};
    const TruthNumber a = operand(t, s->a), b = operand(t, s->b);
    switch (s->kind) {
    case TRUTH_LEAF: break;
    case TRUTH_ADD:
        send(t, &all[s->a], dy, one);
        send(t, &all[s->b], dy, one);
        break;
    case TRUTH_SUBTRACT:
        send(t, &all[s->a], dy, one);
        send(t, &all[s->b], dy, minus);
        break;
    case TRUTH_MULTIPLY:
        send(t, &all[s->a], dy, b);
        send(t, &all[s->b], dy, a);
        break;
    case TRUTH_DIVIDE: {
        const TruthNumber over = {1.0 / b.v, b.e / (b.v * b.v) + t->unit / fabs(b.v)};
        const TruthNumber down = {-y.v / b.v,
                                  (y.e + fabs(y.v / b.v) * b.e) / fabs(b.v) + t->unit * fabs(y.v / b.v)};
        send(t, &all[s->a], dy, over);
        send(t, &all[s->b], dy, down);
        break;
    }
    case TRUTH_DOT:
        for (size_t i = s->first; i < s->first + s->count; i++) {
            const TruthPair p = t->pair[i];
            send(t, &all[p.a], dy, p.b == 0 ? one : t->number[p.b]);
            if (p.b != 0)
                send(t, &all[p.b], dy, t->number[p.a]);
        }
        break;
    default: send_unary(t, s, y, dy, all); break;
    }
}

static TruthNumber finished(const Truth *t, const Adjoint *x)
{
    if (!(fabs(x->v) < INFINITY))
        return (TruthNumber){x->v, 0.0};
    return (TruthNumber){x->v,
                         x->e + (x->terms > 1 ? growth((double)x->terms - 1.0) * t->unit * x->size : 0.0)};
}

TruthNumber *truth_backward(Truth *t, const TruthId *y, const double *dy, size_t n)
{
    Adjoint *all = t->failed ? NULL : arena_alloc(t->arena, t->count, sizeof *all);
    TruthNumber *out = t->failed ? NULL : arena_alloc(t->arena, t->count, sizeof *out);
    if (all == NULL || out == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        all[y[i]].v += dy[i];
        all[y[i]].size += fabs(dy[i]);
        all[y[i]].terms++;
    }
    for (size_t id = t->count; id-- > 1;) {
        TruthNumber d = finished(t, &all[id]);
        const bool slopes =
            fabs(t->number[id].v) < INFINITY; /* no function has one at infinity or at NaN */
        out[id] = slopes ? (TruthNumber){d.v, 17.0 / 16.0 * d.e} : (TruthNumber){0.0, INFINITY};
        if (operand(t, (TruthId)id).e == INFINITY || (fabs(d.v) > LARGEST && fabs(d.v) < INFINITY))
            d.e = INFINITY; /* something of it is beyond binary32 */
        if (all[id].terms > 0)
            send_back(t, (TruthId)id, d, all);
    }
    return out;
}
