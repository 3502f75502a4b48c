/* sweep/sweep.h - steps that several processes share: what waits for what, who does which next, how far all is.
 *
 * What a step does is its owner's business (SweepDoing); here it is a number with a state in the queue. */
#ifndef SWEEP_SWEEP_H
#define SWEEP_SWEEP_H

#include "sweep/queue.h"

enum { SWEEP_NEEDS_MAX = 3 };
typedef struct {
    bool row;     /* one of those the sweep is for; the others are done for the rows that need them */
    bool early;   /* others wait for it: taken before all else where several processes share the steps */
    size_t near;  /* steps of the same number share most of what they need in memory */
    size_t group; /* and of the same group all of it; a group's steps follow each other */
    size_t alike; /* steps of the same number take about as long; below SweepSteps.alike_count */
    size_t needs[SWEEP_NEEDS_MAX], need_count; /* steps that must be settled before; smaller numbers */
} SweepStep;

typedef struct {
    SweepStep *step; /* [count] */
    size_t count, alike_count;
    size_t *row; /* [row_count] the step of each row */
    size_t row_count;
    struct {
        size_t first, count;
    } * group; /* [group_count] */
    size_t group_count;
} SweepSteps;
void sweep_steps_free(SweepSteps *steps);
/** Opens a group: steps added from here on are its. */
BaseStatus sweep_steps_group(SweepSteps *steps);
/** Adds a step to the group opened last; needs of SIZE_MAX are none. *at: its number. */
BaseStatus sweep_steps_add(SweepSteps *steps, const SweepStep *step, size_t *at);

/** A sweep as one of its processes sees it. */
typedef struct {
    const SweepSteps *steps;
    SweepQueue *queue;
    uint8_t *states;  /* [steps->count] as last read */
    double *seconds;  /* [steps->count] */
    uint8_t *counted; /* [steps->count] scratch */
} Sweep;
/** Room for its states; the queue is opened by whoever lays out the steps. Freed with sweep_free, which closes it. */
BaseStatus sweep_make(const SweepSteps *steps, Sweep *out);
void sweep_free(Sweep *sweep);

typedef struct {
    int done, failed, skipped, running; /* rows, but running counts all steps */
    double left;                        /* seconds; NaN: not known yet */
} SweepProgress;
/** From the states in the job queue, and from the time that similar steps have taken. */
BaseStatus sweep_progress(Sweep *sweep, SweepProgress *out);
/** "3 of 18 jobs done, 1 failed, 2 running, about 1:05 to go" */
void sweep_progress_text(const Sweep *sweep, const SweepProgress *progress, char text[160]);

/** How this process does steps. */
typedef struct {
    void *user;
    /** Does the step, which this process holds, and settles it in the queue; @p deaths: processes that died doing it.
     *  A failure is for what ends the work of this process: the step is then given back. */
    BaseStatus (*step)(void *user, size_t step, int deaths);
    bool spread; /* early steps first, for there are several processes */
} SweepDoing;
/** Takes steps from the queue until every row is settled, by whomever. */
BaseStatus sweep_work(Sweep *sweep, const SweepDoing *doing);

#endif
