/* eval/accuracy.c - 100 * #{i : argmax z_i = y_i} / n over all images of a split, or those of retained or of forgotten
 * classes together (a micro-average), with the Clopper-Pearson interval. */
#include "eval/score/score.h"

#define ACCURACY(name, part, summary, source, ...)                                                                     \
    static BaseStatus name(const EvalContext *context, EvalSplit split, MathEstimate *out)                             \
    {                                                                                                                  \
        return eval_part_accuracy(context, split, part, out);                                                          \
    }
#define ACCURACIES                                                                                                     \
    ACCURACY(accuracy, EVAL_PART_ALL, "share of the split's images that are predicted correctly", "", .title = "ACC",  \
             .direction = EVAL_UP)                                                                                     \
    ACCURACY(acc_retain, EVAL_PART_RETAIN, "accuracy on the retained classes, over their images together",             \
             "Kodge et al. 2024", .title = "ACC_r", .direction = EVAL_UP, .role = EVAL_ROLE_RETAINED,                  \
             .in_results = 100)                                                                                        \
    ACCURACY(acc_forget, EVAL_PART_FORGET, "accuracy on the forgotten classes, over their images together",            \
             "Kodge et al. 2024", .title = "ACC_f", .direction = EVAL_DOWN, .role = EVAL_ROLE_FORGOTTEN,               \
             .in_results = 99, .of_forgotten = true)
ACCURACIES
#undef ACCURACY

static const EvalMetric TABLE[] = {
#define ACCURACY(name, part, summary, source, ...)                                                                     \
    {.entry = BASE_ENTRY_PLAIN(#name, summary, source),                                                                \
     .unit = "%",                                                                                                      \
     .ideal = EVAL_IDEAL_RETRAINED,                                                                                    \
     .range = {0, 100},                                                                                                \
     .decimals = 2,                                                                                                    \
     .per_split = true,                                                                                                \
     .compute = name,                                                                                                  \
     __VA_ARGS__},
    ACCURACIES
#undef ACCURACY
};
const BaseRows eval_accuracy = BASE_ROWS(TABLE);
