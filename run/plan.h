/* run/plan.h - the jobs of an experiment, each with the id that says whether it was done before. */
#ifndef RUN_PLAN_H
#define RUN_PLAN_H

#include "run/models.h"

typedef struct {
    uint64_t seed;
    const RunMethod *method;   /* NULL: the original of this seed */
    const DataClasses *forget; /* NULL for the original */
    char *forget_text;         /* "3,7"; "" for the original */
    char *forget_both;         /* "3,7 (Dress, Sneaker)"; "" for the original */
    char *config;              /* canonical: what the id hashes */
    char id[BASE_HASH_HEX];
    char *file; /* <label>-<forget>-s<seed>-<first 12 of id>.h5 */
} RunJob;

/** For each seed: the original, then each forget set with each method. *jobs owned: run_plan_free. Borrows its
 * arguments. */
BaseStatus run_plan_make(const RunExperiment *e, const RunData *data, const DataClasses *forget, size_t forget_count,
                         RunJob **jobs, size_t *count);
void run_plan_free(RunJob *jobs, size_t count);

#endif
