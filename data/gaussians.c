/* data/gaussians.c - four Gaussian clouds in the plane: the toy on which an unlearning method can be drawn.
 * Class k has its centre in quadrant k + 1: (1,1), (-1,1), (-1,-1), (1,-1); standard deviation 0.5 in each coordinate.
 * 10000 training and 1000 test points per class, image i of class i mod 4. The stream is fixed: it is always the same
 * data. A point is an image of two channels and one pixel. */
#include "base/random.h"
#include "data/data.h"
#include "data/set/build.h"

enum { CLASSES = 4, TRAIN = 10000, TEST = 1000 };
static const double SPREAD = 0.5;
static const int CENTRE[CLASSES][2] = {{1, 1}, {-1, 1}, {-1, -1}, {1, -1}};
static const char *const NAMES[CLASSES] = {"(1,1)", "(-1,1)", "(-1,-1)", "(1,-1)"};

static BaseStatus make(const char *name, const char *stream, int64_t per_class, DataSet **out)
{
    BaseStatus st = BASE_OK;
    DataSet *set = NULL;
    BASE_TRY(data_set_create(name, DATA_F32, CLASSES * per_class, 2, 1, 1, CLASSES, &set));
    BASE_TRY(data_set_name_classes(set, NAMES));
    BaseRandom r = base_random_make(0, stream, 0);
    float *x = set->images;
    for (int64_t i = 0; i < set->N; i++) {
        set->labels[i] = (int32_t)(i % CLASSES);
        for (int d = 0; d < 2; d++) x[2 * i + d] = (float)(CENTRE[i % CLASSES][d] + SPREAD * base_random_normal(&r));
    }
    BASE_TRY(data_set_finish(set, name, name));
    *out = set;
    set = NULL;
out:
    data_set_free(set);
    return st;
}

static BaseStatus open_points(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    (void)request;
    (void)path;
    BaseStatus st = make("gaussians train", "gaussians train", TRAIN, train);
    if (st == BASE_OK) st = make("gaussians test", "gaussians test", TEST, test);
    return st; /* data_open frees what there is */
}

const DataSource data_gaussians = {
    BASE_ENTRY_PLAIN("gaussians", "four clouds of points at (+-1,+-1), sd 0.5, 40000 + 4000 points, 2 features", ""),
    DATA_PATH_NONE, open_points, false};
