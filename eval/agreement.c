/* eval/agreement.c - 100 * #{i : argmax z_u(x_i) = argmax z_r(x_i)} / n, u the network under test and r the retrained
 * one, over all images of a split, or those of retained or of forgotten classes, with the Clopper-Pearson interval (the
 * two networks are taken as given). Unlike a difference of accuracies it sees which wrong answers are given. A second
 * retraining does not reach 100 either. Where no retrained network is at hand it is not measurable, and left out. */
#include <math.h>

#include "eval/compare/compare.h"

static BaseStatus agree(const EvalContext *context, EvalSplit split, EvalPart part, MathEstimate *out)
{
    int64_t same, n;
    *out = math_estimate(NAN, 0);
    BaseStatus st = eval_compare_answers(context, split, part, context->retrained_split, &same, &n);
    if (st != BASE_OK) return st;
    MathEstimate share = math_stats_share(same, n, 0.95);
    *out = (MathEstimate){100 * share.value, 100 * share.lo, 100 * share.hi, share.n};
    return BASE_OK;
}

#define AGREEMENT(name, part, summary, ...)                                                                            \
    static BaseStatus name(const EvalContext *context, EvalSplit split, MathEstimate *out)                             \
    {                                                                                                                  \
        return agree(context, split, part, out);                                                                       \
    }
#define AGREEMENTS                                                                                                     \
    AGREEMENT(agreement, EVAL_PART_ALL, "share of images that get the retrained network's answer", .title = "agree")   \
    AGREEMENT(agreement_retain, EVAL_PART_RETAIN,                                                                      \
              "share of images of the retained classes that get the retrained network's answer", .title = "agree_r",   \
              .in_scores = 86)                                                                                         \
    AGREEMENT(agreement_forget, EVAL_PART_FORGET,                                                                      \
              "share of images of the forgotten classes that get the retrained network's answer", .title = "agree_f",  \
              .in_scores = 87, .of_forgotten = true)
AGREEMENTS
#undef AGREEMENT

static const EvalMetric TABLE[] = {
#define AGREEMENT(name, part, summary, ...)                                                                            \
    {.entry = BASE_ENTRY_PLAIN(#name, summary, "completeness in the code of supreme-unlearning"),                      \
     .unit = "%",                                                                                                      \
     .ideal = EVAL_IDEAL_NUMBER,                                                                                       \
     .ideal_value = 100,                                                                                               \
     .direction = EVAL_UP,                                                                                             \
     .range = {0, 100},                                                                                                \
     .decimals = 2,                                                                                                    \
     .per_split = true,                                                                                                \
     .compute = name,                                                                                                  \
     __VA_ARGS__},
    AGREEMENTS
#undef AGREEMENT
};
const BaseRows eval_agreement = BASE_ROWS(TABLE);
