/* eval/probe/layers.h - what knn_forget, cka_retrained and cka_original ask of the last features (eval/representation.c),
 * asked of the inputs of every layer with weights: where in the network a class is forgotten. At the last layer the numbers
 * are those of the three metrics. */
#ifndef EVAL_PROBE_LAYERS_H
#define EVAL_PROBE_LAYERS_H

#include "eval/eval.h"
#include "eval/probe/probe.h"

/** By layer, from front to back; a value is NaN where it is not defined: CKA as in cka.h; kNN where no forgotten image is
 *  among the known, and where the known inputs of a layer have one direction, so that each cosine is 1 or -1: one channel, or a grey image in three. */
typedef struct {
    int count;                                        /* 0: not made */
    int64_t n;                                        /* judged images */
    MathEstimate *cka_retrained, *cka_original, *knn; /* [count]; knn: percent */
} EvalLayers;
void eval_layers_free(EvalLayers *layers);

enum { EVAL_LAYERS_HELD = 256 << 20 };
/** @p retrained: of the same graph, or NULL. @p held: bytes of features that may be there at a time: layers are measured in as
 *  many passes as that takes, at least one layer in each; no number depends on it, but for the rounding of other batches. Beside
 *  them, the features of a layer in double (eval_probe_cka). @p out: count 0 where switched off or where test holds no image of a forgotten
 *  class. Cost of a pass: the known and the judged images through the network, the latter through the two others. */
BaseStatus eval_probe_layers(const EvalSubject *subject, const EvalProbeConfig *config, const NnNet *retrained,
                             int64_t held, EvalLayers *out);

#endif
