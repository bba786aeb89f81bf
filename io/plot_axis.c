#include "io/plot_axis.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

static const double LARGEST = 1e300; /* so that differences stay finite */

bool plot_axis_shows(bool logarithmic, double value)
{
    return fabs(value) <= LARGEST && (!logarithmic || value >= 1 / LARGEST);
}

/* digits * 10^exponent, the nearest binary64. */
static double decimal_value(int64_t digits, int exponent)
{
    char text[40];
    size_t used = 0;
    double value = 0.0;
    const int length = snprintf(text, sizeof text, "%llde%d", (long long)digits, exponent);
    (void)decimal_read(&value, text, (size_t)length, &used);
    return value;
}

/* The e with 10^e <= x < 10^(e+1), for x > 0. */
static int decade_of(double x)
{
    int binary = 0;
    frexp(x, &binary);
    int e = (int)floor((binary - 1) * 0.30102999566398120); /* log10(2) = 0x1.34413509f79ffp-2 */
    while (decimal_value(1, e) > x)
        e--;
    while (decimal_value(1, e + 1) <= x)
        e++;
    return e;
}

/* The logarithm to base 2 of x > 0, good for places in a picture (1e-15 of it):
 * x = m * 2^e, log m = 2 * (t + t^3/3 + t^5/5 ...) with t = (m - 1) / (m + 1), |t| < 0.172. */
static double log2_of(double x)
{
    int exponent = 0;
    double m = frexp(x, &exponent) * 2;
    exponent--;
    if (m > 1.4142135623730951) { /* sqrt 2 = 0x1.6a09e667f3bcdp+0 */
        m /= 2;
        exponent++;
    }
    const double t = (m - 1) / (m + 1), square = t * t;
    double sum = 0;
    for (int n = 19; n > 0; n -= 2)
        sum = sum * square + 1.0 / n;
    return exponent + 2.8853900817779268 * t * sum; /* 2 / log 2 = 0x1.71547652b82fep+1 */
}

static const char *const MINUS = "\xe2\x88\x92", *const THIN = "\xe2\x80\x89", *const TIMES = "\xc3\x97";

static void append(char label[PLOT_LABEL], const char *text)
{
    const size_t length = strlen(label);
    snprintf(label + length, PLOT_LABEL - length, "%s", text);
}

static void append_power(char label[PLOT_LABEL], int exponent)
{
    static const char *const raised[] = {"\xe2\x81\xb0", "\xc2\xb9",     "\xc2\xb2",     "\xc2\xb3",
                                         "\xe2\x81\xb4", "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7",
                                         "\xe2\x81\xb8", "\xe2\x81\xb9"};
    char digits[16];
    snprintf(digits, sizeof digits, "%d", exponent < 0 ? -exponent : exponent);
    append(label, exponent < 0 ? "10\xe2\x81\xbb" : "10");
    for (const char *c = digits; *c != '\0'; c++)
        append(label, raised[*c - '0']);
}

/* Digits with `decimals` of them behind the point, thousands apart: 1250000, 2 is "12 500.00". */
static void append_fixed(char label[PLOT_LABEL], int64_t number, int decimals)
{
    char digits[24]; /* the last first */
    int count = 0;
    for (int64_t rest = number < 0 ? -number : number; (rest > 0 || count <= decimals) && count < 24;
         rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    const int whole = count - decimals;
    if (number < 0)
        append(label, MINUS);
    for (int i = 0; i < count; i++) {
        const char one[2] = {digits[count - 1 - i], '\0'};
        if (i > 0 && i < whole && whole > 4 && (whole - i) % 3 == 0)
            append(label, THIN);
        if (i == whole)
            append(label, ".");
        append(label, one);
    }
}

/* How an axis writes its numbers, multiples of 10^exponent: fixed, or with a power of ten taken out. */
typedef struct {
    int exponent;
    bool scientific;
    int power; /* scientific: the power taken out of the largest */
} LabelStyle;

static void write_label(char label[PLOT_LABEL], int64_t number, const LabelStyle *style)
{
    label[0] = '\0';
    if (number == 0) {
        append(label, "0");
    } else if (!style->scientific) {
        int64_t scaled = number;
        for (int i = 0; i < style->exponent; i++)
            scaled *= 10;
        append_fixed(label, scaled, style->exponent < 0 ? -style->exponent : 0);
    } else {
        append_fixed(label, number, style->power - style->exponent);
        append(label, TIMES);
        append_power(label, style->power);
    }
}

static void add_tick(PlotAxis *axis, int64_t number, const LabelStyle *style)
{
    const double value = decimal_value(number, style->exponent);
    if (axis->ticks == PLOT_TICKS || !plot_axis_shows(false, value))
        return;
    PlotTick *tick = &axis->tick[axis->ticks++];
    tick->value = value;
    write_label(tick->label, number, style);
}

/* 1, 2 or 5 times a power of ten, so that `span` has at least `about` - 1 of them or nearly. */
static int step_of(double span, int about, int *exponent)
{
    static const int steps[] = {5, 2, 1};
    const double raw = span / (about - 1);
    *exponent = decade_of(raw);
    for (int i = 0; i < 3; i++)
        if (decimal_value(steps[i], *exponent) <= raw * 1.25)
            return steps[i];
    return 1;
}

static void make_linear(PlotAxis *axis, bool widen, int about)
{
    LabelStyle style = {0};
    const double span = axis->high - axis->low;
    const int step = step_of(span, about, &style.exponent);
    const double unit = decimal_value(step, style.exponent);
    double first = axis->low / unit, last = axis->high / unit; /* in steps; a little off is on the tick */
    first = widen ? floor(first + 1e-6) : ceil(first - 1e-6);
    last = widen ? ceil(last - 1e-6) : floor(last + 1e-6);
    const double most = fabs(first) > fabs(last) ? fabs(first) : fabs(last);
    const double largest = most > 0 ? most * unit : unit;
    style.power = decade_of(largest * (1 + 1e-9));
    style.scientific = style.power > 6 || style.power < -3;
    for (double n = first; n <= last && axis->ticks < PLOT_TICKS; n += 1)
        add_tick(axis, (int64_t)n * step, &style);
    if (widen && axis->ticks > 1) {
        axis->low = axis->tick[0].value;
        axis->high = axis->tick[axis->ticks - 1].value;
    }
}

static void add_log_tick(PlotAxis *axis, int digit, int decade, bool labelled, bool plain)
{
    const LabelStyle style = {.exponent = decade, .scientific = !plain, .power = decade};
    const double value = decimal_value(digit, decade);
    if (axis->ticks == PLOT_TICKS || !plot_axis_shows(true, value))
        return;
    PlotTick *tick = &axis->tick[axis->ticks++];
    tick->value = value;
    tick->label[0] = '\0';
    if (labelled && plain)
        write_label(tick->label, digit, &style);
    else if (labelled && digit == 1)
        append_power(tick->label, decade);
    else if (labelled)
        write_label(tick->label, digit, &style);
}

/* Labels at powers of ten, at every `stride`-th of them when they are many, bare lines at the others; over few
 * decades also labels at 2 and 5, over not many bare lines at 2 ... 9. */
static void make_logarithmic(PlotAxis *axis, bool widen, int about)
{
    int first = decade_of(axis->low), last = decade_of(axis->high);
    last += decimal_value(1, last) < axis->high;
    const double low = axis->low, high = axis->high,
                 decades = (log2_of(high) - log2_of(low)) /
                           3.3219280948873622; /* log2 10 = 0x1.a934f0979a371p+1 */
    const bool few = decades < 2.5, plain = first >= -4 && last <= 5;
    const int stride = last - first > about ? (last - first + about - 1) / about : 1;
    if (widen) {
        axis->low = decimal_value(1, first);
        axis->high = decimal_value(1, last);
        for (int digit = 2; few && digit <= 5; digit += 3) { /* no emptier than needed */
            axis->low = decimal_value(digit, first) <= low ? decimal_value(digit, first) : axis->low;
            axis->high = decimal_value(7 - digit, last - 1) >= high ? decimal_value(7 - digit, last - 1)
                                                                    : axis->high;
        }
    }
    for (int decade = first; decade <= last; decade++)
        for (int digit = 1; digit <= (stride == 1 ? 9 : 1); digit++) {
            const double value = decimal_value(digit, decade);
            const bool inside = value >= axis->low && value <= axis->high;
            const bool named = digit == 1 ? decade % stride == 0 : few && (digit == 2 || digit == 5);
            if (inside)
                add_log_tick(axis, digit, decade, named, plain);
        }
}

void plot_axis_make(PlotAxis *out, double low, double high, bool logarithmic, bool widen, int about)
{
    if (!plot_axis_shows(logarithmic, low) || !plot_axis_shows(logarithmic, high)) {
        low = logarithmic ? 1 : 0;
        high = logarithmic ? 10 : 1;
    }
    *out = (PlotAxis){
        .logarithmic = logarithmic, .low = low < high ? low : high, .high = low < high ? high : low};
    double size = fabs(low) > fabs(high) ? fabs(low) : fabs(high);
    if (size < 1 / LARGEST)
        out->low = out->high = size = 0;
    const double least = size > 0 ? size * 1e-6 : 1; /* narrower data are shown in the middle of this */
    if (logarithmic && out->high < out->low * 1.000001) {
        out->low /= 2;
        out->high *= 2;
    } else if (!logarithmic && out->high - out->low < least) {
        const double middle = out->low / 2 + out->high / 2, half = size > 0 ? size * 0.1 : 1;
        out->low = middle - half;
        out->high = middle + half;
    }
    if (logarithmic)
        make_logarithmic(out, widen, about < 2 ? 2 : about);
    else
        make_linear(out, widen, about < 2 ? 2 : about);
}

double plot_axis_place(const PlotAxis *axis, double value)
{
    if (fabs(value) == HUGE_VAL || (axis->logarithmic && !(value > 0)))
        return NAN;
    if (!axis->logarithmic)
        return (value - axis->low) / (axis->high - axis->low);
    const double low = log2_of(axis->low);
    return (log2_of(value) - low) / (log2_of(axis->high) - low);
}
