/* experiment/representation.c - the numbers of eval/probe/layers.h as columns, a layer a row. */
#include "experiment/representation.h"

#include <stdio.h>

#include "base/memory.h"
#include "eval/probe/layers.h"

BaseStatus experiment_record_representation(const EvalSubject *subject, const EvalProbeConfig *config,
                                            const NnNet *retrained, StoreRun *run)
{
    static const char *const ENDS[] = {"", "_lo", "_hi"}, GROUP[] = "/representation";
    BaseStatus st = BASE_OK;
    EvalLayers made = {0};
    const char **names = NULL;
    double *column = NULL;
    int count;
    const NnLayer *layers = nn_net_layers(subject->net, &count);
    BASE_TRY(eval_probe_layers(subject, config, retrained, EVAL_LAYERS_HELD, &made));
    if (made.count == 0) goto out;
    BASE_TRY(BASE_ALLOC(count, &names));
    BASE_TRY(BASE_ALLOC(count, &column));
    for (int l = 0; l < count; l++) names[l] = layers[l].name;
    store_run_set_i64(run, GROUP, "n", made.n);
    store_run_set_texts(run, "/representation/names", names, (size_t)count);
    const struct {
        const char *name;
        const MathEstimate *of;
    } FIGURES[] = {{"cka_to_retrained", made.cka_retrained}, {"cka_to_original", made.cka_original}, {"knn", made.knn}};
    for (size_t f = 0; f < BASE_COUNT(FIGURES); f++)
        for (int end = 0; end < 3; end++) {
            char name[32];
            for (int l = 0; l < count; l++) {
                const MathEstimate *of = &FIGURES[f].of[l];
                column[l] = end == 0 ? of->value : end == 1 ? of->lo : of->hi;
            }
            snprintf(name, sizeof name, "%s%s", FIGURES[f].name, ENDS[end]);
            store_run_set_column(run, GROUP, name, STORE_F64, count, column);
        }
out:
    eval_layers_free(&made);
    base_free(names);
    base_free(column);
    return st;
}
