/* Logits of points: the network's own, several queries against a naive twin, and the cache. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/random.h"
#include "io/file.h"
#include "models/logits.h"
#include "nn/train.h"
#include "session/answers.h"
#include "session/program.h"

static void set_up(SessionData *data, SessionModel *model, const char *spec, const char *arch)
{
    assert_ok(session_threads_set(1, NULL));
    assert_ok(session_data_open(spec, NULL, data));
    assert_ok(session_model_create(arch, data, model));
    nn_net_init(model->net, 3);
}

static char *image_file(void)
{
    static uint8_t images[2][12 * 2 * 8 * 8];
    int32_t labels[2][12];
    IoHdf5 *file;
    char *path = NULL;
    BaseRandom r = base_random_make(1, "test_images", 0);
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; i < sizeof images[s]; i++) images[s][i] = (uint8_t)base_random_below(&r, 256);
        for (int i = 0; i < 12; i++) labels[s][i] = i % 3;
    }
    assert_ok(io_hdf5_create(&file));
    static const char *const NAMES[] = {"train", "test"};
    for (int s = 0; s < 2; s++) {
        char name[32];
        snprintf(name, sizeof name, "/%s/images", NAMES[s]);
        assert_ok(io_hdf5_write(file, name, IO_H5_U8, 4, (int64_t[]){12, 2, 8, 8}, images[s]));
        snprintf(name, sizeof name, "/%s/labels", NAMES[s]);
        assert_ok(io_hdf5_write(file, name, IO_H5_I32, 1, (int64_t[]){12}, labels[s]));
    }
    assert_ok(base_format(&path, "%s/images.h5", support_scratch()));
    assert_ok(io_hdf5_save_take(file, path));
    return path;
}

/* The points of both splits in any order; a seeded part of a class. */
static void test_points(void **state)
{
    (void)state;
    SessionData data;
    ModelPoints points = {0}, again = {0};
    DataForget classes;
    assert_ok(session_data_open("gaussians", NULL, &data));
    assert_ok(data_forget_classes(data.train, "2", &classes));
    for (int i = 0; i < 2; i++) {
        ModelPoints *p = i ? &again : &points;
        assert_ok(model_points_add(p, &data, true, &classes, true, 5, 9));
        assert_ok(model_points_add(p, &data, false, &classes, false, 7, 9));
        assert_ok(model_points_add(p, &data, false, &classes, true, 0, 9));
    }
    int64_t twos = 0;
    for (int64_t i = 0; i < data.train->N; i++) twos += data.train->labels[i] == 2;
    assert_int_equal(points.n, 12 + twos);
    int32_t labels[12 + 100000];
    assert_true(points.n < 100000);
    model_points_labels(&points, &data, labels);
    for (int64_t i = 0; i < points.n; i++) {
        assert_int_equal(points.item[i].at, again.item[i].at);
        assert_int_equal(points.item[i].test, i < 5);
        assert_int_equal(labels[i] == 2, i < 5 || i >= 12);
    }
    model_points_free(&points);
    model_points_free(&again);
    data_forget_free(&classes);
    session_data_free(&data);
}

/* Without queries: what the network says, in the points' order, over splits that take turns. */
static void test_plain(void **state)
{
    (void)state;
    SessionData data;
    SessionModel model;
    SessionPredictions p[2];
    set_up(&data, &model, "gaussians", "mlp");
    enum { N = 60 };
    ModelPoint item[N];
    for (int i = 0; i < N; i++) item[i] = (ModelPoint){(i * 37) % 100, i % 3 == 1};
    const ModelPoints points = {item, N};
    const ModelLogitsTask task = {.data = &data, .points = &points};
    int64_t K = data.train->K;
    double logits[N * 10];
    assert_true(K <= 10);
    assert_ok(model_logits(&task, &model, "original", logits, NULL));
    for (int s = 0; s < 2; s++) {
        DataView view = data_view_all(s ? data.test : data.train);
        assert_ok(session_predict(model.net, &view, NN_F32, NULL, &p[s]));
    }
    for (int i = 0; i < N; i++)
        for (int64_t k = 0; k < K; k++) /* float32 sums in batches of other sizes */
            assert_near(logits[i * K + k], (double)p[item[i].test].logits[item[i].at * K + k], 1e-5, 1e-5);
    session_predictions_free(&p[0]);
    session_predictions_free(&p[1]);
    session_model_free(&model);
    session_data_free(&data);
}

/* The naive twin: each form of the image by the definition, one network call an image, phi from its formula. */
static int64_t mirror(int64_t i, int64_t n)
{
    while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (n - 1) - i;
    return i;
}

static void form(const DataSet *set, int64_t at, bool flip, int64_t dy, int64_t dx, uint8_t *out)
{
    const uint8_t *image = (const uint8_t *)set->images + at * set->C * set->H * set->W;
    for (int64_t c = 0; c < set->C; c++)
        for (int64_t y = 0; y < set->H; y++)
            for (int64_t x = 0; x < set->W; x++) {
                int64_t from = mirror(x - dx, set->W);
                if (flip) from = set->W - 1 - from;
                out[(c * set->H + y) * set->W + x] = image[(c * set->H + mirror(y - dy, set->H)) * set->W + from];
            }
}

static double phi_of(const double *z, int64_t K, int64_t y)
{
    double sum = 0;
    for (int64_t k = 0; k < K; k++)
        if (k != y) sum += exp(z[k] - z[y]);
    return -log(sum);
}

static void test_queries(void **state)
{
    (void)state;
    static const ModelQueries QUERIES[] = {{true, 0}, {false, 2}, {true, 3}};
    static const int64_t COUNT[] = {2, 9, 18};
    SessionData data;
    SessionModel model;
    char *path = image_file(), *spec = NULL;
    assert_ok(base_format(&spec, "hdf5:%s", path));
    set_up(&data, &model, spec, "mlp");
    ModelPoint item[] = {{3, false}, {5, true}, {0, false}, {11, true}};
    const ModelPoints points = {item, 4};
    double got[4 * 3];
    for (size_t q = 0; q < BASE_COUNT(QUERIES); q++) {
        const ModelLogitsTask task = {.data = &data, .points = &points, .queries = QUERIES[q]};
        assert_int_equal(model_queries_count(&task.queries), COUNT[q]);
        assert_ok(model_logits(&task, &model, "original", got, NULL));
        for (int i = 0; i < 4; i++) {
            const DataSet *set = item[i].test ? data.test : data.train;
            double phi = 0, share[3] = {0}, others = 0;
            int32_t y = set->labels[item[i].at];
            int64_t n = 0, reach = QUERIES[q].shift;
            for (int flip = 0; flip <= QUERIES[q].flip; flip++)
                for (int64_t dy = -reach; dy <= reach; dy += reach ? reach : 1)
                    for (int64_t dx = -reach; dx <= reach; dx += reach ? reach : 1) {
                        uint8_t image[2 * 8 * 8];
                        float z[3];
                        double row[3];
                        form(set, item[i].at, flip, dy, dx, image);
                        DataSet one = *set;
                        one.images = image;
                        one.labels = &y;
                        one.N = 1;
                        DataView view = data_view_all(&one);
                        assert_ok(nn_predict(model.net, &view, NN_F32, NULL, z));
                        for (int k = 0; k < 3; k++) row[k] = (double)z[k];
                        double rest = row[y] - phi_of(row, 3, y);
                        phi += phi_of(row, 3, y);
                        for (int k = 0; k < 3; k++) share[k] += row[k] - rest; /* log share among the others */
                        n++;
                    }
            assert_int_equal(n, COUNT[q]);
            for (int k = 0; k < 3; k++)
                if (k != y) others += exp(share[k] / (double)n);
            /* 18 float32 networks' rounding, in batches of other sizes */
            assert_near(phi_of(got + i * 3, 3, y), phi / (double)n, 1e-5, 1e-5);
            for (int k = 0; k < 3; k++)
                if (k != y) assert_near(got[i * 3 + k], share[k] / (double)n - log(others), 1e-5, 1e-5);
            assert_near(got[i * 3 + y], phi / (double)n, 1e-5, 1e-5);
        }
    }
    base_free(spec);
    base_free(path);
    session_model_free(&model);
    session_data_free(&data);
}

static size_t files_in(const char *folder)
{
    char **names;
    size_t count;
    assert_ok(io_folder_list(folder, ".h5", &names, &count));
    io_names_free(names, count);
    return count;
}

/* One file a combination of what decides the numbers; a second call reads it; a damaged one is made again. */
static void test_cache(void **state)
{
    (void)state;
    SessionData data;
    SessionModel model;
    char *cache = NULL, *file = NULL, **names, hash[BASE_HASH_HEX], want[BASE_HASH_HEX];
    size_t count;
    struct stat before, after;
    set_up(&data, &model, "gaussians", "mlp");
    assert_ok(base_format(&cache, "%s/cache", support_scratch()));
    ModelPoint item[] = {{0, false}, {1, false}, {0, true}}, other[] = {{0, false}, {1, false}, {1, true}};
    ModelPoints points = {item, 3};
    ModelLogitsTask task = {.data = &data, .points = &points, .cache = cache};
    double first[30], second[30];
    int64_t numbers = 3 * data.train->K;
    assert_ok(model_logits(&task, &model, "original", first, hash));
    assert_ok(nn_net_hash(model.net, want));
    assert_string_equal(hash, want);
    assert_ok(io_folder_list(cache, ".h5", &names, &count));
    assert_int_equal(count, 1);
    assert_ok(base_format(&file, "%s/%s", cache, names[0]));
    assert_int_equal(stat(file, &before), 0);
    assert_ok(model_logits(&task, &model, "original", second, NULL));
    assert_int_equal(stat(file, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_memory_equal(first, second, (size_t)numbers * sizeof *first);
    IoHdf5 *h5;
    char *text;
    assert_ok(io_hdf5_open(file, &h5));
    assert_ok(io_hdf5_get_text(h5, "/", "mode", &text));
    assert_string_equal(text, "eval");
    base_free(text);
    assert_ok(io_hdf5_get_text(h5, "/", "role", &text));
    assert_string_equal(text, "original");
    base_free(text);
    io_hdf5_close(h5);
    assert_ok(io_file_write(file, "no HDF5", 7));
    assert_ok(model_logits(&task, &model, "original", second, NULL));
    assert_memory_equal(first, second, (size_t)numbers * sizeof *first);
    assert_int_equal(files_in(cache), 1);
    points.item = other; /* other points, another network, another query: other files */
    assert_ok(model_logits(&task, &model, "original", second, NULL));
    assert_int_equal(files_in(cache), 2);
    nn_net_edit_params(model.net)[0] += 1;
    assert_ok(model_logits(&task, &model, "original", second, NULL));
    assert_int_equal(files_in(cache), 3);
    task.queries.flip = true;
    assert_ok(model_logits(&task, &model, "original", second, NULL));
    assert_int_equal(files_in(cache), 4);
    points.n = 0;
    assert_fails(model_logits(&task, &model, "original", second, NULL), BASE_EARG, "no image");
    io_names_free(names, count);
    base_free(file);
    base_free(cache);
    session_model_free(&model);
    session_data_free(&data);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_points),
    cmocka_unit_test(test_plain),
    cmocka_unit_test(test_queries),
    cmocka_unit_test(test_cache),
};
SUPPORT_MAIN(tests)
