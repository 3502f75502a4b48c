/* experiment/saliency.c - where the network looks, before and after. */
#include <stdio.h>

#include "base/memory.h"
#include "eval/saliency/saliency.h"
#include "experiment/record.h"

static BaseStatus record_maps(const EvalSaliency *s, const char *suffix, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    int64_t maps[] = {s->n, s->h, s->w};
    char path[64];
    snprintf(path, sizeof path, "/saliency/maps%s", suffix);
    BASE_TRY(store_run_set_array(run, path, STORE_F32, 3, maps, s->maps));
    snprintf(path, sizeof path, "/saliency/predicted%s", suffix);
    BASE_TRY(store_run_set_array(run, path, STORE_I32, 1, &s->n, s->predicted));
    snprintf(path, sizeof path, "/saliency/confidence%s", suffix);
    BASE_TRY(store_run_set_array(run, path, STORE_F64, 1, &s->n, s->confidence));
out:
    return st;
}

BaseStatus experiment_record_saliency(const EvalSubject *subject, const EvalSaliencyConfig *config, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    EvalSaliency before = {0}, after = {0};
    BASE_TRY(eval_saliency(subject, subject->original, config, &before));
    BASE_TRY(eval_saliency(subject, subject->net, config, &after));
    if (after.n == 0) goto out;
    int64_t pictures[] = {after.n, after.C, after.H, after.W};
    BASE_TRY(store_run_set_array(run, "/saliency/pictures", STORE_F32, 4, pictures, after.pictures));
    BASE_TRY(store_run_set_array(run, "/saliency/labels", STORE_I32, 1, &after.n, after.labels));
    BASE_TRY(store_run_set_array(run, "/saliency/forgotten", STORE_U8, 1, &after.n, after.forgotten));
    BASE_TRY(record_maps(&after, "", run));
    BASE_TRY(record_maps(&before, "_original", run));
out:
    eval_saliency_free(&before);
    eval_saliency_free(&after);
    return st;
}
