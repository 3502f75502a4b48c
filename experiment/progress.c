/* experiment/progress.c - counts states on the board and extrapolates from steps of the same kind that are finished. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "experiment/sweep.h"

/* What is still to do for the jobs that are not settled: themselves and the steps before them. */
static void count_left(ExperimentSweep *s)
{
    const ExperimentGraph *g = &s->graph;
    memset(s->counted, 0, g->count);
    for (size_t r = 0; r < g->row_count; r++) {
        const ExperimentStep *row = &g->steps[g->rows[r]];
        if (sweep_state_settled(s->states[g->rows[r]])) continue;
        s->counted[g->rows[r]] = 1;
        for (size_t n = 0; n < row->need_count; n++)
            if (!sweep_state_settled(s->states[row->needs[n]])) s->counted[row->needs[n]] = 1;
    }
}

/* Seconds of what is left: of each step the mean of those alike, else of all. */
static BaseStatus seconds_left(const ExperimentSweep *s, double *out)
{
    BaseStatus st = BASE_OK;
    const ExperimentGraph *g = &s->graph;
    size_t kinds = (s->e->method_count + 1) * (EXPERIMENT_STEP_ROW + 1);
    double *sum = NULL, all = 0, left = 0;
    int64_t *n = NULL, all_n = 0;
    BASE_TRY(BASE_ALLOC(kinds, &sum));
    BASE_TRY(BASE_ALLOC(kinds, &n));
    for (size_t i = 0; i < g->count; i++) {
        if (!(s->seconds[i] > 0)) continue;
        sum[g->steps[i].alike] += s->seconds[i], n[g->steps[i].alike]++;
        all += s->seconds[i], all_n++;
    }
    for (size_t i = 0; i < g->count; i++) {
        size_t kind = g->steps[i].alike;
        if (s->counted[i]) left += n[kind] ? sum[kind] / (double)n[kind] : all / (double)all_n;
    }
    *out = left;
out:
    base_free(sum);
    base_free(n);
    return st;
}

BaseStatus experiment_progress(ExperimentSweep *s, ExperimentProgress *out)
{
    BaseStatus st = BASE_OK;
    const ExperimentGraph *g = &s->graph;
    *out = (ExperimentProgress){0};
    BASE_TRY(sweep_board_read(s->board, s->states));
    BASE_TRY(sweep_board_seconds(s->board, s->seconds));
    for (size_t r = 0; r < g->row_count; r++) {
        uint8_t state = s->states[g->rows[r]];
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

void experiment_progress_text(const ExperimentSweep *s, const ExperimentProgress *p, char text[160])
{
    int used = snprintf(text, 160, "%d of %zu jobs done, %d failed, %d running", p->done + p->skipped, s->job_count,
                        p->failed, p->running);
    if (isnan(p->left)) return;
    long t = lround(p->left);
    snprintf(text + used, 160 - (size_t)used, ", about %ld:%02ld:%02ld to go", t / 3600, t / 60 % 60, t % 60);
}
