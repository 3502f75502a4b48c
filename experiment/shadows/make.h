/* experiment/shadows/make.h - the shadow models of an experiment: trained, unlearned, retrained, and described in
 * "<results>/<name>/shadows/shadows.json". */
#ifndef EXPERIMENT_SHADOWS_MAKE_H
#define EXPERIMENT_SHADOWS_MAKE_H

#include "experiment/seed.h"
#include "models/shadows/shadows.h"

/**
 * For each half of the setting's design an original; for each forget set what the marked methods make of it, and a
 * network retrained on the half without the set. Networks that the folder holds are taken from there, so a call that was
 * killed continues where it stopped. Beside them an index file for each half, and the target: the experiment's own
 * networks of every seed, and what else of them is not a file yet. At the end shadows.json, with the cost of every
 * network. Several processes that do the same share the halves: one that is at work on a half holds the lock of its
 * index file.
 */
BaseStatus experiment_shadows_make(const ExperimentSetting *setting);

/** Of the networks that @p method (NULL: originals) has there, how many are missing and how many are kept; none of a
 *  method that is not marked. */
BaseStatus experiment_shadows_count(const ExperimentSetting *setting, const ExperimentMethod *method, int networks[2]);

#endif
