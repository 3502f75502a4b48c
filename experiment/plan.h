/* experiment/plan.h - the jobs of an experiment, each with the id that says whether it was done before. */
#ifndef EXPERIMENT_PLAN_H
#define EXPERIMENT_PLAN_H

#include "experiment/config.h"

/** Grows whenever the same config would give other numbers or another file: part of every run's id. */
enum { EXPERIMENT_FORMAT_VERSION = 6 };

typedef struct {
    uint64_t seed;
    const ExperimentMethod *method; /* NULL: the original of this seed */
    int64_t unlearn;                /* number of the unlearning of its network, from 0 */
    uint64_t draw; /* seed of what the unlearning draws: of number 0 that of the training, of the others below 2^31 */
    bool has_peer; /* of the reference, where there are several seeds: its row compares it with that of the next one */
    uint64_t peer;
    const DataForget *forget; /* NULL for the original */
    char *forget_text;        /* "3,7"; "" for the original */
    char *forget_both;        /* "3,7 (Dress, Sneaker)"; "" for the original */
    const char *forget_map;   /* as the config writes listed images; "" for classes and the original */
    char *config;             /* canonical: what the id hashes */
    char id[BASE_HASH_HEX];
    char *file; /* <label>-<forget>-s<seed>-<first 12 of id>.h5; of later unlearnings -s<seed>-u<unlearn>- */
} ExperimentJob;

/** For each seed: the original, then each forget set with each method and each of its unlearnings. @p search_sets: experiment_config_bind_search.
 *  *jobs owned: experiment_plan_free. Borrows its arguments. */
BaseStatus experiment_plan_make(const ExperimentConfig *e, const SessionData *data, const DataForget *forget,
                                size_t forget_count, const DataForget *search_sets, ExperimentJob **jobs,
                                size_t *count);
/** How many jobs of one seed and set stand before those of method @p number; of method_count: how many there are. A method whose
 *  networks are not made from the original by draws (none, retrain, external) has one unlearning whatever the config says. */
size_t experiment_plan_place(const ExperimentConfig *e, size_t number);
void experiment_plan_free(ExperimentJob *jobs, size_t count);

#endif
