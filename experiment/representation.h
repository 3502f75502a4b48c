/* experiment/representation.h - what each layer still tells of the forgotten classes, put into a run. */
#ifndef EXPERIMENT_REPRESENTATION_H
#define EXPERIMENT_REPRESENTATION_H

#include "eval/probe/probe.h"
#include "store/store.h"

/** /representation of subject->net, layer by layer, where the config asks for it. @p retrained: NULL, there is none. */
BaseStatus experiment_record_representation(const EvalSubject *subject, const EvalProbeConfig *config,
                                            const NnNet *retrained, StoreRun *run);

#endif
