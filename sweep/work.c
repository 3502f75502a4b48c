/* sweep/work.c - one process of a sweep: takes steps from the queue and has them done. */
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "sweep/sweep.h"

typedef struct {
    Sweep *sweep;
    bool spread;
    const SweepStep *last; /* step of this process; NULL: none yet */
    size_t *candidates;    /* [steps] that could be taken now */
    size_t candidate_count;
} Worker;

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); }

/* ------------------------------------------------------------ which step */

static bool is_ready(const Sweep *s, size_t at)
{
    const SweepStep *step = &s->steps->step[at];
    bool ready = !sweep_state_settled(s->states[at]) && !s->counted[at];
    for (size_t n = 0; n < step->need_count && ready; n++) ready = sweep_state_settled(s->states[step->needs[n]]);
    return ready;
}

static void add_candidate(Worker *w, size_t at)
{
    if (!is_ready(w->sweep, at)) return;
    w->sweep->counted[at] = 1;
    w->candidates[w->candidate_count++] = at;
}

/* Unsettled rows whose needs are settled, and of the others the needs that are ready. *left: rows to settle. */
static BaseStatus list_candidates(Worker *w, size_t *left)
{
    BaseStatus st = BASE_OK;
    Sweep *s = w->sweep;
    const SweepSteps *g = s->steps;
    *left = 0;
    w->candidate_count = 0;
    BASE_TRY(sweep_queue_read(s->queue, s->states));
    memset(s->counted, 0, g->count);
    for (size_t r = 0; r < g->row_count; r++) {
        const SweepStep *row = &g->step[g->row[r]];
        if (sweep_state_settled(s->states[g->row[r]])) continue;
        (*left)++;
        for (size_t n = 0; n < row->need_count; n++) add_candidate(w, row->needs[n]);
        add_candidate(w, g->row[r]);
    }
out:
    return st;
}

enum { EARLY, SAME_GROUP, NEAR, FREE_GROUP, ANY, WISHES };

/* First what others wait for; then what the last step left in memory serves; then where nobody else is. */
static bool wanted(const Worker *w, int wish, size_t at)
{
    const Sweep *s = w->sweep;
    const SweepStep *step = &s->steps->step[at];
    bool near = w->last && step->near == w->last->near;
    switch (wish) {
    case EARLY: return w->spread && step->early;
    case SAME_GROUP: return w->last && step->group == w->last->group;
    case NEAR:
    case FREE_GROUP:
        if (wish == NEAR && !near) return false;
        return !sweep_queue_busy(s->queue, s->steps->group[step->group].first, s->steps->group[step->group].count);
    default: return true;
    }
}

/* *found false: nothing can be taken now. */
static BaseStatus take(Worker *w, size_t *at, int *deaths, bool *found)
{
    BaseStatus st = BASE_OK;
    *found = false;
    for (int wish = 0; wish < WISHES && !*found; wish++) {
        for (size_t c = 0; c < w->candidate_count && !*found; c++) {
            *at = w->candidates[c];
            if (wanted(w, wish, *at)) BASE_TRY(sweep_queue_claim(w->sweep->queue, *at, found, deaths));
        }
    }
out:
    return st;
}

BaseStatus sweep_work(Sweep *sweep, const SweepDoing *doing)
{
    BaseStatus st = BASE_OK;
    Worker w = {.sweep = sweep, .spread = doing->spread};
    size_t at = 0, left;
    int deaths = 0;
    bool found;
    BASE_TRY(BASE_ALLOC(sweep->steps->count, &w.candidates));
    for (;;) {
        BASE_TRY(list_candidates(&w, &left));
        if (left == 0) {
            st = sweep_queue_finish(sweep->queue);
            break;
        }
        BASE_TRY(take(&w, &at, &deaths, &found));
        if (!found) {
            nap(); /* others have what there is; one of them may die */
            continue;
        }
        w.last = &sweep->steps->step[at];
        st = doing->step(doing->user, at, deaths);
        if (st != BASE_OK) sweep_queue_give_back(sweep->queue, at);
        BASE_TRY(st);
    }
out:
    base_free(w.candidates);
    return st;
}
