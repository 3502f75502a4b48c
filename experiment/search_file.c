/* experiment/search_file.c - every column must have the length and type it was written with. */
#include "experiment/search_file.h"

#include <string.h>

#include "experiment/record.h"

BaseStatus experiment_search_save(const char *path, const char *key, const ExperimentMethod *m,
                                  const ExperimentSearch *s)
{
    BaseStatus st = BASE_OK;
    StoreRun *run = NULL;
    BASE_TRY(store_run_create(&run));
    store_run_set_text(run, "/", "id", key);
    store_run_set_text(run, "/", "status", "ok");
    store_run_set_text(run, "/", "kind", "search");
    store_run_set_text(run, "/", "label", m->label);
    BASE_TRY(experiment_record_search(m, s, run));
    BASE_TRY(store_run_write(run, path));
out:
    store_run_free(run);
    return st;
}

static bool read_column(const StoreRun *run, const char *path, StoreType type, size_t points, void *out)
{
    StoreArray array;
    if (!store_run_array(run, path, &array) || array.type != type || array.count != (int64_t)points) return false;
    memcpy(out, array.data, points * 8);
    return true;
}

BaseStatus experiment_search_load(const char *path, const char *key, const ExperimentMethod *m, ExperimentSearch *out,
                                  bool *found)
{
    BaseStatus st = BASE_OK;
    StoreRun *run = NULL;
    StoreArray array;
    ExperimentSearch s = {0};
    *found = false;
    *out = (ExperimentSearch){0};
    if (!store_run_complete(path, key)) return BASE_OK;
    BASE_TRY(store_run_read(path, &run));
    if (!store_run_array(run, "/search/point", &array) || array.count < 1) goto out;
    BASE_TRY(experiment_search_alloc(m, (size_t)array.count, &s));
    bool whole = read_column(run, "/search/point", STORE_I64, s.points, s.at) &&
                 read_column(run, "/search/score", STORE_F64, s.points, s.score) &&
                 read_column(run, "/search/acc_retain", STORE_F64, s.points, s.acc_retain) &&
                 read_column(run, "/search/acc_forget", STORE_F64, s.points, s.acc_forget) &&
                 read_column(run, "/search/trial_seconds", STORE_F64, s.points, s.cost);
    double chosen = store_run_f64(run, "/search", "chosen");
    if (!whole || !experiment_search_values(m, &s) || !(chosen >= 0 && chosen < (double)s.points)) goto out;
    s.chosen = (int64_t)chosen;
    s.n = (int64_t)store_run_f64(run, "/search", "n");
    s.seconds = store_run_f64(run, "/search", "seconds");
    s.passes = store_run_f64(run, "/search", "passes");
    s.evaluations = store_run_f64(run, "/search", "evaluations");
    *out = s;
    *found = true;
    s = (ExperimentSearch){0};
out:
    store_run_free(run);
    experiment_search_free(&s);
    return st;
}
