/* schedule.c - learning rates. */
#include "train/schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* From `start` to `end` along half a cosine, at share x of the way. */
static double anneal(double start, double end, double x)
{
    return end + (start - end) / 2 * (1 + cos(pi * x));
}

static double one_cycle(const struct schedule *s, uint64_t step, uint64_t total)
{
    double first = s->rate / s->div, last = first / s->final_div;
    double peak = s->rise * (double)total - 1, end = (double)total - 1, at = (double)step;
    if (at <= peak)
        return peak > 0 ? anneal(first, s->rate, at / peak) : s->rate;
    return end > peak ? anneal(s->rate, last, (at - peak) / (end - peak)) : last;
}

/* Multiplied again and again, as torch does. */
static double stepped(const struct schedule *s, uint64_t step)
{
    uint64_t drops = s->every && step >= s->after ? (step - s->after) / s->every : 0;
    double rate = s->rate;
    for (; drops && rate > 0; drops--)
        rate *= s->factor;
    return rate;
}

double schedule_rate(const struct schedule *schedule, uint64_t step, uint64_t total)
{
    if (step >= total)
        step = total ? total - 1 : 0;
    if (schedule->kind == SCHEDULE_ONE_CYCLE)
        return one_cycle(schedule, step, total);
    uint64_t warmup = schedule->warmup < total ? schedule->warmup : total;
    if (step < warmup)
        return schedule->rate * (double)(step + 1) / (double)warmup;
    if (schedule->kind == SCHEDULE_STEP)
        return stepped(schedule, step);
    if (schedule->kind == SCHEDULE_CONSTANT || total == warmup)
        return schedule->rate;
    return anneal(schedule->rate, schedule->rate * schedule->floor, (double)(step - warmup) / (double)(total - warmup));
}

double plateau_rate(const struct plateau *plateau, const struct plateau_state *state, double rate)
{
    for (int64_t i = 0; i < state->drops; i++)
        rate /= plateau->divisor;
    return rate;
}

void plateau_see(const struct plateau *plateau, struct plateau_state *state, double rate, double value)
{
    double delta = state->drops ? plateau->later_delta : plateau->delta;
    if (plateau->patience < 1 || state->stop)
        return;
    if (!state->seen || value >= state->best + delta) {
        state->seen = true;
        state->best = value;
        state->waited = 0;
    } else if (++state->waited >= plateau->patience) {
        state->drops++;
        state->waited = 0;
        state->seen = false;
        state->stop = plateau_rate(plateau, state, rate) < plateau->floor;
    }
}
