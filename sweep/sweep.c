/* sweep/sweep.c - the steps as they are added, and how far they are: states in the queue are counted, and the time that is
 * left extrapolated from finished steps of the same kind. */
#include "sweep/sweep.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

void sweep_steps_free(SweepSteps *s)
{
    base_free(s->step);
    base_free(s->row);
    base_free(s->group);
    *s = (SweepSteps){0};
}

BaseStatus sweep_steps_group(SweepSteps *s)
{
    BaseStatus st = BASE_GROW_BY_ONE(&s->group, s->group_count);
    if (st != BASE_OK) return st;
    s->group[s->group_count].first = s->count;
    s->group[s->group_count++].count = 0;
    return BASE_OK;
}

BaseStatus sweep_steps_add(SweepSteps *s, const SweepStep *step, size_t *at)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_GROW_BY_ONE(&s->step, s->count));
    if (step->row) {
        BASE_TRY(BASE_GROW_BY_ONE(&s->row, s->row_count));
        s->row[s->row_count++] = s->count;
    }
    SweepStep *own = &s->step[s->count];
    *own = *step;
    own->group = s->group_count - 1;
    own->need_count = 0;
    for (size_t i = 0; i < step->need_count; i++)
        if (step->needs[i] != SIZE_MAX) own->needs[own->need_count++] = step->needs[i];
    s->group[own->group].count++;
    if (step->alike >= s->alike_count) s->alike_count = step->alike + 1;
    *at = s->count++;
out:
    return st;
}

BaseStatus sweep_make(const SweepSteps *steps, Sweep *out)
{
    BaseStatus st = BASE_OK;
    *out = (Sweep){.steps = steps};
    BASE_TRY(BASE_ALLOC(steps->count, &out->states));
    BASE_TRY(BASE_ALLOC(steps->count, &out->seconds));
    BASE_TRY(BASE_ALLOC(steps->count, &out->counted));
out:
    return st; /* the caller frees, on failure too */
}

void sweep_free(Sweep *s)
{
    sweep_queue_close(s->queue);
    base_free(s->states);
    base_free(s->seconds);
    base_free(s->counted);
    *s = (Sweep){0};
}

/* What is still to do for the rows that are not settled: themselves and the steps before them. */
static void count_left(Sweep *s)
{
    const SweepSteps *g = s->steps;
    memset(s->counted, 0, g->count);
    for (size_t r = 0; r < g->row_count; r++) {
        const SweepStep *row = &g->step[g->row[r]];
        if (sweep_state_settled(s->states[g->row[r]])) continue;
        s->counted[g->row[r]] = 1;
        for (size_t n = 0; n < row->need_count; n++)
            if (!sweep_state_settled(s->states[row->needs[n]])) s->counted[row->needs[n]] = 1;
    }
}

/* Seconds of what is left: of each step the mean of those alike, else of all. */
static BaseStatus seconds_left(const Sweep *s, double *out)
{
    BaseStatus st = BASE_OK;
    const SweepSteps *g = s->steps;
    double *sum = NULL, all = 0, left = 0;
    int64_t *n = NULL, all_n = 0;
    BASE_TRY(BASE_ALLOC(g->alike_count, &sum));
    BASE_TRY(BASE_ALLOC(g->alike_count, &n));
    for (size_t i = 0; i < g->count; i++) {
        if (!(s->seconds[i] > 0)) continue;
        sum[g->step[i].alike] += s->seconds[i], n[g->step[i].alike]++;
        all += s->seconds[i], all_n++;
    }
    for (size_t i = 0; i < g->count; i++) {
        size_t kind = g->step[i].alike;
        if (s->counted[i]) left += n[kind] ? sum[kind] / (double)n[kind] : all / (double)all_n;
    }
    *out = left;
out:
    base_free(sum);
    base_free(n);
    return st;
}

BaseStatus sweep_progress(Sweep *s, SweepProgress *out)
{
    BaseStatus st = BASE_OK;
    const SweepSteps *g = s->steps;
    *out = (SweepProgress){0};
    BASE_TRY(sweep_queue_read(s->queue, s->states));
    BASE_TRY(sweep_queue_seconds(s->queue, s->seconds));
    for (size_t r = 0; r < g->row_count; r++) {
        uint8_t state = s->states[g->row[r]];
        out->done += state == SWEEP_STATE_DONE;
        out->failed += state == SWEEP_STATE_FAILED;
        out->skipped += state == SWEEP_STATE_SKIPPED;
    }
    for (size_t i = 0; i < g->count; i++)
        out->running += s->states[i] >= SWEEP_STATE_TAKEN && !sweep_state_settled(s->states[i]);
    count_left(s);
    BASE_TRY(seconds_left(s, &out->left));
    if (out->running > 1) out->left /= out->running;
out:
    return st;
}

void sweep_progress_text(const Sweep *s, const SweepProgress *p, char text[160])
{
    int used = snprintf(text, 160, "%d of %zu jobs done, %d failed, %d running", p->done + p->skipped,
                        s->steps->row_count, p->failed, p->running);
    if (isnan(p->left)) return;
    long t = lround(p->left);
    snprintf(text + used, 160 - (size_t)used, ", about %ld:%02ld:%02ld to go", t / 3600, t / 60 % 60, t % 60);
}
