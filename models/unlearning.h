/* models/unlearning.h - one method on the weights of an opened model: what `expunge unlearn` does between its options and
 * its printing. The functions are called in the order in which they stand here. */
#ifndef MODELS_UNLEARNING_H
#define MODELS_UNLEARNING_H

#include "io/json.h"
#include "models/beside.h"
#include "session/answers.h"
#include "session/params.h"

/** Owned: model_unlearning_free, which leaves data and model alone. */
typedef struct {
    const UnlearnMethod *method;
    void *params;
    SessionCommon common;
    ModelBeside beside;
    SessionData *data; /* borrowed */
    SessionModel *model;
    const char *weights; /* what messages call the model's file; borrowed */
    DataForget forget;
    SessionSplit split;
    NnTrainConfig training;
    UnlearnContext context;
    UnlearnReport report;
    NnNet *net;                 /* the unlearned network */
    bool copies_go;             /* what stands beside the weights goes into the output */
    SessionTally before, after; /* on the test split; of listed images, the forgotten ones are counted there */
} ModelUnlearning;
void model_unlearning_free(ModelUnlearning *unlearning);

/** The method by its name, its parameters from "key=value" texts, and what is done to copies of the weights (NULL:
 *  unlearn). Before any file is read. BASE_ENOTFOUND, BASE_EUSAGE. */
BaseStatus model_unlearning_choose(const char *method, const char *const *set, size_t set_count, const char *beside,
                                   ModelUnlearning *out);
/**
 * What is forgotten, splits and how the weights were trained. Images that a coin left out of the training are neither kept nor to be
 * forgotten, and @p data gets the labels that canaries were trained with. @p options: those that the data were opened with, or
 * NULL.
 */
BaseStatus model_unlearning_prepare(ModelUnlearning *unlearning, SessionData *data, SessionModel *model,
                                    const char *weights, const DataForgetWish *forget, const DataOptions *options,
                                    NnPrecision precision, uint64_t seed);
/** Refuses what the method cannot do with this network; model_unlearning_run asks too, but later. */
BaseStatus model_unlearning_check(const ModelUnlearning *unlearning);
/**
 * Runs the method on a copy of the network, and on the copies that the weights' file holds, where they go into @p out
 * (NULL: a file of the container that was read). @p measures: right answers before and after are counted.
 */
BaseStatus model_unlearning_run(ModelUnlearning *unlearning, const char *out, bool measures);
/** Puts the unlearned numbers, and what made them, into @p tensors: the model's own, or a copy of them. */
BaseStatus model_unlearning_keep(const ModelUnlearning *unlearning, IoTensors *tensors);

/** What was done to a copy of the weights: "unlearned", "dropped", "kept", "not in the output". */
const char *model_unlearning_done(const ModelUnlearning *unlearning);
/** What `expunge unlearn --json` prints. */
IoJson *model_unlearning_json(const ModelUnlearning *unlearning);
/** Warns where little was forgotten, or much was lost of what was to be kept. */
BaseStatus model_unlearning_warn(const ModelUnlearning *unlearning);

#endif
