/* experiment/seed.h - what all jobs of one seed share: images, original, and the retrained network of a forget set. */
#ifndef EXPERIMENT_SEED_H
#define EXPERIMENT_SEED_H

#include "experiment/plan.h"
#include "experiment/setting.h"
#include "models/make.h"
#include "session/answers.h"
#include "session/model.h"

/** An unlearned network, and what is measured on it. */
typedef struct {
    NnNet *net;
    char hash[BASE_HASH_HEX], *path; /* path: of the stored weights; NULL: they are not kept */
    UnlearnReport report;
    ModelCost cost;
    SessionPredictions predictions[EVAL_SPLITS];
    EvalRelearned relearned;
    EvalProbed probed;
    EvalFeatures features, original_features; /* of this network, of the original */
} ExperimentUnlearned;
void experiment_unlearned_free(ExperimentUnlearned *unlearned);

/** What all jobs of one seed and forget set are compared with: a network retrained without the set. */
typedef struct {
    const DataForget *forget; /* NULL: none made yet */
    BaseStatus st;            /* of making it: the other jobs then go without what needs it */
    char *reason;
    ExperimentUnlearned made;
} ExperimentReference;

/** What all jobs of one seed share, made when the first of them needs it. */
typedef struct {
    uint64_t seed;
    BaseStatus st; /* of making it: a seed whose original cannot be trained fails each of its jobs */
    char *reason;
    bool made;
    bool trained; /* split, net and what stands beside it are there; predictions may not be */
    SessionSplit split;
    NnNet *net;
    char hash[BASE_HASH_HEX], *path;
    ModelCost cost;
    SessionPredictions predictions[EVAL_SPLITS];
    SessionPredictions untrained[EVAL_SPLITS]; /* of a network that was only initialised, from a stream of its own */
    ExperimentReference reference;             /* of the forget set at work */
} ExperimentSeed;
/** The images of a seed: what the design says, or the training split without its validation share. BASE_EUSAGE where
 *  none is left to train on. */
BaseStatus experiment_seed_split(const ExperimentSetting *setting, uint64_t seed, SessionSplit *out);
/** A network of the experiment's architecture and tuning, its weights zero. */
BaseStatus experiment_net_create(const ExperimentSetting *setting, SessionModel *out);
BaseStatus experiment_seed_make(const ExperimentSetting *setting, ExperimentSeed *seed);
/** Only the split and the original, without what is measured on it. */
BaseStatus experiment_seed_train(const ExperimentSetting *setting, ExperimentSeed *seed);
void experiment_seed_free(ExperimentSeed *seed);
/** What @p method makes of the seed's original without the job's set; on failure *out is empty. */
BaseStatus experiment_unlearned_make(const ExperimentSetting *setting, const ExperimentSeed *seed,
                                     const ExperimentJob *job, const ExperimentMethod *method, const void *params,
                                     ExperimentUnlearned *out);
/** Fills seed->reference for the job's set, retraining where the cache has no such network; nothing where the
 * experiment has no method to take it from. Fails where retraining does. */
BaseStatus experiment_reference_make(const ExperimentSetting *setting, ExperimentSeed *seed, const ExperimentJob *job);
/** Only makes its network and leaves it in the cache; needs no original. */
BaseStatus experiment_reference_train(const ExperimentSetting *setting, ExperimentSeed *seed, const ExperimentJob *job);
/** What the reference of the job's peer says of this seed's images, retraining it where the cache has no such network:
 *  another retrained network, beside which the reference of this seed shows what perfect unlearning gets. On failure *out may be
 *  half filled; the caller frees. */
BaseStatus experiment_peer_predict(const ExperimentSetting *setting, const ExperimentSeed *seed,
                                   const ExperimentJob *job, SessionPredictions out[EVAL_SPLITS],
                                   EvalFeatures *features, NnNet **net);
/** The reference of the job's set is known to have failed: nothing is tried again. */
BaseStatus experiment_reference_give_up(ExperimentSeed *seed, const ExperimentJob *job, BaseStatus why,
                                        const char *reason);
/** What relearning and probing of @p net look at. */
EvalSubject experiment_subject(const ExperimentSetting *setting, const ExperimentSeed *seed, const DataForget *forget,
                               const NnNet *net);
/** What makes a method's network of one forget set ("3,7"); borrows its arguments. */
ModelMaking experiment_making(const ExperimentSetting *setting, const ExperimentMethod *method, const void *params,
                              const UnlearnContext *context, const char *forget);
UnlearnContext experiment_context(const ExperimentSetting *setting, const SessionSplit *split, const NnNet *original,
                                  uint64_t seed, const DataForget *forget);

#endif
