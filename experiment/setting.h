/* experiment/setting.h - what all jobs of an experiment share. */
#ifndef EXPERIMENT_SETTING_H
#define EXPERIMENT_SETTING_H

#include "experiment/shadows/design.h"

/** Whoever fills it owns what is not const. */
typedef struct {
    const ExperimentConfig *e;
    const SessionData *data;
    char *models;       /* folder of trained networks */
    char *shadows;      /* folder of shadow models */
    DataForget *forget; /* [forget_count] */
    size_t forget_count;
    DataForget *search_sets; /* [search_set_count] what every search looks at; none: each job's own set */
    size_t search_set_count;
    const ExperimentDesign *design; /* whose half the jobs train on; NULL: no shadow models, the whole training split */
    const char *command;
    int threads;
} ExperimentSetting;

#endif
