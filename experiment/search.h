/* experiment/search.h - a method's parameters chosen by ACC_r (1 - ACC_f) on the validation split (Kodge, Saha, Roy
 * 2024): on images that no model was trained on, never on the test set, and under one budget for every method. */
#ifndef EXPERIMENT_SEARCH_H
#define EXPERIMENT_SEARCH_H

#include "experiment/config.h"

#define EXPERIMENT_OBJECTIVE "ACC_r (1 - ACC_f) on the validation split"
/* Of listed images: a network that never saw them knows as many of them as of other unseen ones. */
#define EXPERIMENT_OBJECTIVE_IMAGES                                                                                    \
    "ACC_r on the validation split times 1 - its distance from ACC_f on the forgotten images"

#define EXPERIMENT_OBJECTIVE_MIXED                                                                                     \
    EXPERIMENT_OBJECTIVE " where whole classes are forgotten; " EXPERIMENT_OBJECTIVE_IMAGES " where images are listed"

typedef struct {
    size_t axis_count, points; /* points: trials made */
    int64_t *at;               /* [points] which point of the grid */
    double *value; /* [axis_count, points] the parameter's number; where it is not a number, its place in the list */
    double *score; /* [points] mean over the sets searched on; NaN where the method failed */
    double *acc_retain, *acc_forget; /* [points] percent, means over those sets */
    double *cost;                    /* [points] seconds of all its unlearnings and judgements */
    int64_t chosen;                  /* the first of the best */
    int64_t n;                       /* validation images */
    double seconds, passes;          /* whole search; passes: images through the network, judging not counted */
    double
        evaluations; /* of each set on average: one a trial, and what the method itself judged in units of n images; NaN: not
                           known */
} ExperimentSearch;
void experiment_search_free(ExperimentSearch *search);

typedef struct {
    const ExperimentMethod *method;
    const ExperimentBudget *budget;
    const UnlearnContext *contexts; /* [context_count] the same but for their forget sets */
    size_t context_count;
    const DataView *validation;
} ExperimentSearchTask;

/** Validation images that an equal search takes at least; fewer only where they are a fifth of all training images. */
enum { EXPERIMENT_VALIDATION_LEAST = 2000 };

/** Makes the trials (the whole grid, or points of it drawn by stream "search"; of an equal search the published point first, and
 *  as many as the evaluations suffice for) and leaves the best values in @p params
 *  (a block of the method's size; budget->epochs is not left in it). One prepare() serves all trials of one set that
 *  differ in tunable parameters alone. BASE_EUSAGE where @p validation lacks retained or forgotten images,
 *  BASE_ENUMERIC where every trial failed. */
BaseStatus experiment_search(const ExperimentSearchTask *task, void *params, ExperimentSearch *out);
/** Points of the method's grid; 1 without axes. */
size_t experiment_search_grid(const ExperimentMethod *method);
/** In words, what a search over these sets maximises. */
const char *experiment_search_objective(const DataForget *sets, size_t count);
/** The search's chosen values put into @p params. */
BaseStatus experiment_search_choose(const ExperimentMethod *method, const ExperimentSearch *search, void *params);
/** "{alpha_r: 10, alpha_f: 3}" of trial @p i. */
void experiment_search_text(const ExperimentMethod *method, const ExperimentSearch *search, size_t i, BaseText *out);

/** Room for @p points trials, none of them made. */
BaseStatus experiment_search_alloc(const ExperimentMethod *method, size_t points, ExperimentSearch *out);
/** The parameters' numbers of the points in search->at; false where one of them is not on the method's grid. */
bool experiment_search_values(const ExperimentMethod *method, ExperimentSearch *search);

#endif
