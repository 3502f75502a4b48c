/* eval/relearn/relearn.h - how fast a network learns the forgotten classes again: what relearn_steps and anamnesis
 * read; and how much of them comes back without any of their images: what recovered_forget reads.
 *
 * As the code of zero-shot-unlearning (metrics.py): Adam from the network's present weights, judged
 * after every step, until the accuracy on forgotten classes is (1 - margin) of the original's. Theirs trains on the
 * whole training set and judges on all of it; here both are bounded samples, the judged images are test images, and the
 * steps are repeated with other orders, so that the figure has a spread. The network given is not changed.
 *
 * As arXiv 2505.22310 asks it: the network is trained on retained images alone, and what it then answers right of the
 * forgotten classes was not forgotten. Ours: the retained images of the same sample, a fixed number of epochs with the
 * same optimiser, the same judged images, and the most right answers after any of these epochs, since ever longer
 * training without a class makes a network forget it.
 */
#ifndef EVAL_RELEARN_RELEARN_H
#define EVAL_RELEARN_RELEARN_H

#include "eval/eval.h"
#include "nn/backend.h"

typedef struct {
    bool enabled;
    int64_t per_class, judge_per_class, batch_size, max_steps, repeats, retain_epochs;
    double lr, margin;
} EvalRelearnConfig;
extern const BaseParam eval_relearn_params[];
extern const size_t eval_relearn_param_count;

/** What relearning and probing look at; borrowed. */
typedef struct {
    const NnNet *net, *original;
    DataView train, test;
    const DataForget *forget;
    NnPrecision precision;
    uint64_t seed; /* the same for networks that are compared: same images, same batches */
} EvalSubject;

/** @p out: repeats 0 where it cannot be asked: switched off, no forgotten image in train or test, or an original that
 *  answers none of them right; retain_repeats 0: switched off, no forgotten image in test, or fewer than two retained
 *  ones in train. Cost: at most repeats * max_steps steps, and repeats * retain_epochs passes over the retained images.
 *  BASE_ENUMERIC where the training diverges. */
BaseStatus eval_relearn(const EvalSubject *subject, const EvalRelearnConfig *config, EvalRelearned *out);

#endif
