/* eval/probe/probe.h - what can be read of the forgotten classes from a network's last features, by a linear classifier
 * (probe_forget) and by nearest neighbours (knn_forget); and these features, for what compares them (cka_retrained).
 *
 * The features are the inputs of the network's classifier (of two whose logits are averaged, of both), in eval mode. A new linear layer with a softmax (all
 * classes, the forgotten ones too) is trained on those of a sample of training images, each feature scaled to mean 0
 * and standard deviation 1 over that sample, and judged on every test image of the forgotten classes. The neighbours are
 * images of the same sample, by the features as they are (nearest.h). The network is not changed.
 */
#ifndef EVAL_PROBE_PROBE_H
#define EVAL_PROBE_PROBE_H

#include "eval/relearn/relearn.h"

typedef struct {
    bool enabled;
    int64_t per_class, epochs;
    double lr;
    bool layers; /* eval/probe/layers.h; the last row of the parameters */
} EvalProbeConfig;
extern const BaseParam eval_probe_params[];
extern const size_t eval_probe_param_count;

/** @p out: n 0 where switched off or where train or test holds no image of a forgotten class. Cost: a forward pass of
 *  the images named above; the probe itself is a matter of a second. */
BaseStatus eval_probe(const EvalSubject *subject, const EvalProbeConfig *config, EvalProbed *out);

/** Features of @p net on the test images of forgotten classes; n 0 where switched off or where there are none. By
 *  eval_features_free. */
BaseStatus eval_probe_forgotten(const EvalSubject *subject, const EvalProbeConfig *config, const NnNet *net,
                                EvalFeatures *out);
void eval_features_free(EvalFeatures *features);

/** Inputs of the network's classifier or classifiers, [view->n, their features]; of maps the means
 *  (eval/probe/features.h); owned (base_free). */
BaseStatus eval_probe_features(const NnNet *net, const DataView *view, NnPrecision precision, float **out);

/** The images that are looked at. */
typedef struct {
    DataIndex sample, forgotten; /* of the training set, of the test set */
    DataView known, judged;      /* their images */
    bool taught;                 /* forgotten images are among the known */
} EvalProbeSets;
BaseStatus eval_probe_sets(const EvalSubject *subject, const EvalProbeConfig *config, EvalProbeSets *out);
void eval_probe_sets_free(EvalProbeSets *sets);

/** *near: how many of the judged images have a majority of their own class among their neighbours in the known
 *  (nearest.h); @p known [train->n, width], @p features [judged->n, width]; both >= 1 image. */
BaseStatus eval_probe_near(const float *known, const DataView *train, const float *features, const DataView *judged,
                           int64_t width, int64_t *near);

#endif
