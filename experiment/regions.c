/* experiment/regions.c - decision regions: what the network answers on a grid over the plane that 2-D data lie in. */
#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "experiment/record.h"

enum { GRID = 161, POINTS = 600 };

static BaseStatus record_axis(const char *path, double lo, double hi, float *images, int64_t channel, StoreRun *run)
{
    double axis[GRID];
    int64_t n = GRID;
    for (int64_t i = 0; i < GRID; i++) axis[i] = lo + (hi - lo) * (double)i / (GRID - 1);
    for (int64_t i = 0; i < GRID * GRID; i++) images[2 * i + channel] = (float)axis[channel == 0 ? i % GRID : i / GRID];
    return store_run_set_array(run, path, STORE_F64, 1, &n, axis);
}

/* Some test points, drawn at random (classes may alternate in the file), to lay over the regions. */
static BaseStatus record_points(const DataSet *test, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    double *points = NULL;
    int32_t *labels = NULL;
    int64_t *chosen = NULL, n = test->N < POINTS ? test->N : POINTS, shape[2] = {n, 2};
    const float *x = test->images;
    BaseRandom random = base_random_make(0, "region_points", 0);
    BASE_TRY(BASE_ALLOC(n, &chosen));
    base_random_choose(&random, test->N, n, chosen);
    BASE_TRY(BASE_ALLOC(n * 2, &points));
    BASE_TRY(BASE_ALLOC(n, &labels));
    for (int64_t i = 0; i < n; i++) {
        int64_t at = chosen[i];
        points[2 * i] = (double)x[2 * at];
        points[2 * i + 1] = (double)x[2 * at + 1];
        labels[i] = test->labels[at];
    }
    BASE_TRY(store_run_set_array(run, "/regions/points", STORE_F64, 2, shape, points));
    BASE_TRY(store_run_set_array(run, "/regions/point_label", STORE_I32, 1, &n, labels));
out:
    base_free(chosen);
    base_free(points);
    base_free(labels);
    return st;
}

BaseStatus experiment_record_regions(const SessionData *data, NnNet *net, NnPrecision precision, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    const DataSet *train = data->train;
    SessionPredictions predictions = {0};
    float *images = NULL;
    int32_t *labels = NULL;
    if (train->C * train->H * train->W != 2 || train->type != DATA_F32) return BASE_OK;
    int64_t n = GRID * GRID, shape[2] = {GRID, GRID};
    BASE_TRY(BASE_ALLOC(2 * n, &images));
    BASE_TRY(BASE_ALLOC(n, &labels));
    double lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
    const float *x = data->test->images;
    for (int64_t i = 0; i < 2 * data->test->N; i++) {
        lo[i % 2] = fmin(lo[i % 2], (double)x[i]);
        hi[i % 2] = fmax(hi[i % 2], (double)x[i]);
    }
    BASE_TRY(record_axis("/regions/x", lo[0], hi[0], images, 0, run));
    BASE_TRY(record_axis("/regions/y", lo[1], hi[1], images, 1, run));
    DataSet grid = *train; /* borrows its class names; never freed as a set */
    grid.N = n;
    grid.images = images;
    grid.labels = labels;
    DataView view = data_view_all(&grid);
    BASE_TRY(session_predict(net, &view, precision, "decision regions", &predictions));
    eval_predicted(&predictions.p, labels);
    BASE_TRY(store_run_set_array(run, "/regions/label", STORE_I32, 2, shape, labels));
    BASE_TRY(record_points(data->test, run));
out:
    session_predictions_free(&predictions);
    base_free(images);
    base_free(labels);
    return st;
}
