#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

Progress progress_begin(const char *name, bool quiet, uint64_t first)
{
    const double now = seconds_now();
    return (Progress){
        .name = name, .quiet = quiet, .terminal = isatty(2) != 0, .started = now, .first = first};
}

double progress_seconds(const Progress *p)
{
    return seconds_now() - p->started;
}

static const char *time_text(double seconds, char text[32])
{
    const long s = seconds < 0.0 ? 0 : seconds > 3.6e8 ? 360000000 : (long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, 32, "%ldh%02ldm", s / 3600, s / 60 % 60);
    else
        snprintf(text, 32, "%ldm%02lds", s / 60, s % 60);
    return text;
}

void progress_show(Progress *p, uint64_t done, uint64_t total, const char *note, bool line)
{
    enum { BAR = 24 };
    char bar[BAR + 1], left[32];
    const double now = seconds_now();
    if (p->quiet || (p->terminal ? now - p->shown < 0.1 && done != total : !line))
        return;
    p->shown = now;
    const double elapsed = now - p->started;
    const double rate = elapsed > 0.0 ? (double)(done - p->first) / elapsed : 0.0;
    time_text(rate > 0.0 ? (double)(total - done) / rate : 0.0, left);
    const unsigned filled = total > 0 ? (unsigned)(done * BAR / total) : BAR;
    for (unsigned i = 0; i < BAR; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR] = '\0';
    if (p->terminal)
        fprintf(stderr, "\r%s [%s] %llu/%llu  %.2f steps/s  %s left  %s\033[K", p->name, bar,
                (unsigned long long)done, (unsigned long long)total, rate, left, note);
    else
        fprintf(stderr, "%s %llu/%llu  %.2f steps/s  %s left  %s\n", p->name, (unsigned long long)done,
                (unsigned long long)total, rate, left, note);
}

void progress_end(Progress *p)
{
    if (!p->quiet && p->terminal && p->shown > 0.0)
        fputc('\n', stderr);
}
