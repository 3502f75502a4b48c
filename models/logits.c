/* models/logits.c - points are gathered in blocks, queried as themselves and as moved copies, and averaged as log-odds. */
#include "models/logits.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "io/file.h"
#include "io/hdf5.h"
#include "math/threads.h"
#include "mia/signal/signal.h"
#include "nn/arch/arch.h"
#include "nn/train.h"
#include "session/params.h"
#include "session/program.h"

const BaseParam model_query_params[] = {
    BASE_PARAM_BOOL(ModelQueries, flip, false, "query each image mirrored left to right, too"),
    BASE_PARAM_I64(ModelQueries, shift, 0, 0, 64,
                   "pixels by which each image is also moved along each axis and both, its border reflected; 0: none"),
};
const size_t model_query_param_count = BASE_COUNT(model_query_params);

int64_t model_queries_count(const ModelQueries *q) { return (q->flip ? 2 : 1) * (q->shift > 0 ? 9 : 1); }

/* ------------------------------------------------------------ points */

int model_point_order(const void *a, const void *b)
{
    const ModelPoint *x = a, *y = b;
    if (x->test != y->test) return x->test ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}

void model_points_free(ModelPoints *points)
{
    base_free(points->item);
    *points = (ModelPoints){0};
}

BaseStatus model_points_take(ModelPoints *points, bool test, const int64_t *at, int64_t n, int64_t most, uint64_t seed)
{
    BaseStatus st = BASE_OK;
    int64_t *chosen = NULL, take = most > 0 && most < n ? most : n;
    BASE_TRY(BASE_ALLOC_RAW(take, &chosen));
    BaseRandom random = base_random_make(seed, "points", test);
    base_random_choose(&random, n, take, chosen);
    BASE_TRY(BASE_GROW(&points->item, points->n, points->n + take));
    for (int64_t i = 0; i < take; i++) points->item[points->n++] = (ModelPoint){at[chosen[i]], test};
out:
    base_free(chosen);
    return st;
}

BaseStatus model_points_add(ModelPoints *points, const SessionData *data, bool test, const DataForget *forget,
                            bool inside, int64_t most, uint64_t seed)
{
    BaseStatus st = BASE_OK;
    const DataSet *set = test ? data->test : data->train;
    int64_t *at = NULL, n = 0;
    BASE_TRY(BASE_ALLOC_RAW(set->N, &at));
    for (int64_t i = 0; i < set->N; i++)
        if (!forget || data_forget_holds(forget, set->labels[i], test ? -1 : i) == inside) at[n++] = i;
    BASE_TRY(model_points_take(points, test, at, n, most, seed));
out:
    base_free(at);
    return st;
}

void model_points_labels(const ModelPoints *points, const SessionData *data, int32_t *labels)
{
    for (int64_t i = 0; i < points->n; i++) {
        const ModelPoint *p = &points->item[i];
        labels[i] = (p->test ? data->test : data->train)->labels[p->at];
    }
}

/* ------------------------------------------------------------ queries */

/* Query 0 is the image as it is; then mirrored or not, moved by (dy, dx). */
static void query_at(const ModelQueries *q, int64_t number, bool *flip, int64_t *dy, int64_t *dx)
{
    static const int MOVE[9][2] = {{0, 0}, {-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 1}, {1, -1}, {1, 0}, {1, 1}};
    int64_t moves = q->shift > 0 ? 9 : 1;
    *flip = number >= moves;
    *dy = MOVE[number % moves][0] * q->shift;
    *dx = MOVE[number % moves][1] * q->shift;
}

/* Reflected at the border, the border itself not doubled: -1 is 1, n is n - 2. */
static int64_t reflect(int64_t i, int64_t n)
{
    if (n == 1) return 0;
    int64_t period = 2 * (n - 1);
    i = ((i % period) + period) % period;
    return i < n ? i : period - i;
}

/* @p from: the image's pixels. */
static void copy_moved(const DataSet *set, const char *from, bool flip, int64_t dy, int64_t dx, char *to)
{
    size_t size = set->type == DATA_U8 ? 1 : sizeof(float);
    for (int64_t c = 0; c < set->C; c++)
        for (int64_t y = 0; y < set->H; y++)
            for (int64_t x = 0; x < set->W; x++, to += size) {
                int64_t sy = reflect(y - dy, set->H), sx = reflect(x - dx, set->W);
                if (flip) sx = set->W - 1 - sx;
                memcpy(to, from + (size_t)((c * set->H + sy) * set->W + sx) * size, size);
            }
}

static void add_query(const float *z, int64_t K, int32_t y, double *row, double *sum)
{
    for (int64_t k = 0; k < K; k++) row[k] = (double)z[k];
    double others = mia_signal_log_sum_exp(row, K, y);
    for (int64_t k = 0; k < K; k++) sum[k] += row[k] - others;
}

static void finish_queries(double *sum, int64_t K, int32_t y, int64_t queries)
{
    for (int64_t k = 0; k < K; k++) sum[k] /= (double)queries;
    double others = mia_signal_log_sum_exp(sum, K, y);
    for (int64_t k = 0; k < K; k++)
        if (k != y) sum[k] -= others;
}

/* ------------------------------------------------------------ logits */

/* The points of one split, in blocks that are built in memory as a data set of their own. */
typedef struct {
    const ModelLogitsTask *task;
    NnNet *net;
    DataSet block;  /* images and labels owned; the rest is the split's */
    int64_t *point; /* [N] which point each image of the block is */
    int64_t *at;    /* [N] and where it is in the split */
    char *raw;      /* the block's images as they are, where more than one query is made of them */
    int64_t most;
    float *z;    /* [most, K] */
    double *row; /* [K] */
} Blocks;

static void blocks_free(Blocks *b)
{
    base_free(b->block.images);
    base_free(b->block.labels);
    base_free(b->point);
    base_free(b->at);
    base_free(b->raw);
    base_free(b->z);
    base_free(b->row);
}

enum { BLOCK_BYTES = 64 << 20, BLOCK_IMAGES = 4096 };

static BaseStatus blocks_make(const ModelLogitsTask *task, NnNet *net, const DataSet *set, Blocks *b)
{
    BaseStatus st = BASE_OK;
    int64_t K = nn_net_classes(net), image = set->C * set->H * set->W;
    size_t size = set->type == DATA_U8 ? 1 : sizeof(float);
    *b = (Blocks){.task = task, .net = net, .block = *set};
    b->block.images = NULL;
    b->block.reader = NULL;
    b->block.labels = NULL;
    b->most = BLOCK_BYTES / (image * (int64_t)size);
    if (b->most > BLOCK_IMAGES) b->most = BLOCK_IMAGES;
    if (b->most < 1) b->most = 1;
    if (b->most > task->points->n) b->most = task->points->n;
    BASE_TRY(base_alloc_raw((size_t)(b->most * image), size, &b->block.images));
    BASE_TRY(BASE_ALLOC_RAW(b->most, &b->block.labels));
    BASE_TRY(BASE_ALLOC_RAW(b->most, &b->point));
    BASE_TRY(BASE_ALLOC_RAW(b->most, &b->at));
    if (model_queries_count(&task->queries) > 1)
        BASE_TRY(base_alloc_raw((size_t)b->most, data_image_bytes(set), (void **)&b->raw));
    BASE_TRY(BASE_ALLOC_RAW(b->most * K, &b->z));
    BASE_TRY(BASE_ALLOC_RAW(K, &b->row));
out:
    return st; /* the caller frees, on failure too */
}

/* Every query of the block's images; b->block.N of them. */
static BaseStatus do_block(Blocks *b, const DataSet *set, double *logits)
{
    BaseStatus st = BASE_OK;
    int64_t K = nn_net_classes(b->net), queries = model_queries_count(&b->task->queries);
    size_t bytes = data_image_bytes(set);
    if (b->block.N == 0) return BASE_OK;
    BASE_TRY(data_fetch(set, b->at, b->block.N, b->raw ? b->raw : b->block.images));
    for (int64_t q = 0; q < queries; q++) {
        bool flip;
        int64_t dy, dx;
        query_at(&b->task->queries, q, &flip, &dy, &dx);
        for (int64_t i = 0; b->raw && i < b->block.N; i++)
            copy_moved(set, b->raw + (size_t)i * bytes, flip, dy, dx, (char *)b->block.images + (size_t)i * bytes);
        DataView view = data_view_all(&b->block);
        BASE_TRY(nn_predict(b->net, &view, b->task->precision, NULL, b->z));
        for (int64_t i = 0; i < b->block.N; i++) {
            double *out = logits + b->point[i] * K;
            if (queries > 1)
                add_query(b->z + i * K, K, b->block.labels[i], b->row, out);
            else
                for (int64_t k = 0; k < K; k++) out[k] = (double)b->z[i * K + k];
        }
    }
    for (int64_t i = 0; queries > 1 && i < b->block.N; i++)
        finish_queries(logits + b->point[i] * K, K, b->block.labels[i], queries);
out:
    b->block.N = 0;
    return st;
}

static BaseStatus do_split(const ModelLogitsTask *task, NnNet *net, bool test, double *logits)
{
    BaseStatus st = BASE_OK;
    const DataSet *set = test ? task->data->test : task->data->train;
    Blocks b;
    BASE_TRY(blocks_make(task, net, set, &b));
    b.block.N = 0;
    for (int64_t i = 0; i < task->points->n; i++) {
        const ModelPoint *p = &task->points->item[i];
        if (p->test != test) continue;
        b.block.labels[b.block.N] = set->labels[p->at];
        b.at[b.block.N] = p->at;
        b.point[b.block.N++] = i;
        if (b.block.N == b.most) BASE_TRY(do_block(&b, set, logits));
    }
    BASE_TRY(do_block(&b, set, logits));
out:
    blocks_free(&b);
    return st;
}

/* ------------------------------------------------------------ cache */

static BaseStatus points_hash(const ModelPoints *points, char hex[BASE_HASH_HEX])
{
    int64_t *place = NULL;
    BaseStatus st = BASE_ALLOC_RAW(points->n, &place);
    if (st != BASE_OK) return st;
    for (int64_t i = 0; i < points->n; i++) place[i] = 2 * points->item[i].at + points->item[i].test;
    base_hash_bytes(place, (size_t)points->n * sizeof *place, hex);
    base_free(place);
    return BASE_OK;
}

/* Threads and instruction set too: sums may be split otherwise, and a cached number should be the one that would be
 * computed. */
static BaseStatus make_key(const ModelLogitsTask *task, const char *arch, const char *network, BaseText *made,
                           char key[BASE_HASH_HEX])
{
    BaseStatus st = BASE_OK;
    char points[BASE_HASH_HEX];
    BASE_TRY(points_hash(task->points, points));
    base_text_add(made, "network: %s\narch: ", network);
    nn_arch_key(arch, made);
    base_text_add(made, "\nprecision: %s\ndata: %s\npreparation: %s\npoints: %lld, %s\nqueries: ",
                  nn_precision_name(task->precision), task->data->hash, task->data->prep, (long long)task->points->n,
                  points);
    session_params_text(model_query_params, model_query_param_count, &task->queries, made);
    base_text_add(made, "\nmode: eval\nthreads: %d\ninstructions: %s\ntuning: %s\nversion: %d\n", math_threads_get(),
                  nn_backend_isa(), task->tuning ? nn_tuning_hash(task->tuning) : "", MODEL_LOGITS_VERSION);
    BASE_TRY(made->st);
    base_hash_bytes(made->data, made->size, key);
out:
    return st;
}

/* @p found false where there is no such file, or it cannot be used (reported with a notice). */
static BaseStatus load(const char *path, const char *key, int64_t n, int64_t K, double *logits, bool *found)
{
    IoHdf5 *file = NULL;
    IoH5Info info;
    char *stored = NULL;
    *found = false;
    if (!io_path_exists(path)) return BASE_OK;
    BaseStatus st = io_hdf5_open(path, &file);
    if (st == BASE_OK) st = io_hdf5_get_text(file, "/", "key", &stored);
    if (st == BASE_OK) st = io_hdf5_info(file, "/logits", &info);
    bool fits = st == BASE_OK && strcmp(stored, key) == 0 && info.ndim == 2 && info.shape[0] == n && info.shape[1] == K;
    if (st == BASE_OK && !fits)
        st = base_error_set(BASE_EFORMAT, "%s: holds different logits from what its name says", path);
    if (st == BASE_OK) st = io_hdf5_read(file, "/logits", IO_H5_F64, logits);
    *found = st == BASE_OK;
    if (!*found && st != BASE_ENOMEM) {
        base_notice("%s; it is computed again", base_error_text());
        st = BASE_OK;
    }
    base_free(stored);
    io_hdf5_close(file);
    return st;
}

static BaseStatus save(const char *path, const char *key, const char *made, const char *role, int64_t n, int64_t K,
                       const double *logits)
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    BASE_TRY(io_hdf5_create(&file));
    BASE_TRY(io_hdf5_write(file, "/logits", IO_H5_F64, 2, (int64_t[]){n, K}, logits));
    BASE_TRY(io_hdf5_set_text(file, "/", "key", key));
    BASE_TRY(io_hdf5_set_text(file, "/", "made_from", made));
    BASE_TRY(io_hdf5_set_text(file, "/", "role", role));
    BASE_TRY(io_hdf5_set_text(file, "/", "mode", "eval"));
    BASE_TRY(io_hdf5_set_text(file, "/", "program", SESSION_PROGRAM_VERSION));
    io_hdf5_private(file);
    st = io_hdf5_save_take(file, path);
    file = NULL;
out:
    io_hdf5_close(file);
    return st;
}

BaseStatus model_logits(const ModelLogitsTask *task, const SessionModel *model, const char *role, double *logits,
                        char *hash)
{
    BaseStatus st = BASE_OK;
    char network[BASE_HASH_HEX], key[BASE_HASH_HEX], *path = NULL;
    BaseText made = {0};
    bool found = false;
    int64_t n = task->points->n, K = nn_net_classes(model->net);
    BASE_CHECK(K == task->data->train->K, BASE_ESHAPE, "the network has %lld classes, the data %s has %lld",
               (long long)K, task->data->spec, (long long)task->data->train->K);
    BASE_CHECK(n > 0, BASE_EARG, "there is no image to take logits of");
    BASE_TRY(nn_net_hash(model->net, network));
    if (hash) memcpy(hash, network, sizeof network);
    if (task->cache) {
        BASE_TRY(make_key(task, model->arch->entry.name, network, &made, key));
        BASE_TRY(io_folder_make(task->cache));
        BASE_TRY(base_format(&path, "%s/logits-%s-%.12s.h5", task->cache, role, key));
        BASE_TRY(load(path, key, n, K, logits, &found));
    }
    if (found) goto out;
    memset(logits, 0, (size_t)(n * K) * sizeof *logits);
    nn_net_set_tuning(model->net, task->tuning);
    BASE_TRY(do_split(task, model->net, false, logits));
    BASE_TRY(do_split(task, model->net, true, logits));
    if (path) BASE_TRY(save(path, key, made.data, role, n, K, logits));
out:
    base_text_free(&made);
    base_free(path);
    return st;
}
