/* eval/relearn/relearn.c - each repeat trains a fresh copy of the network, until it is as good as asked. */
#include "eval/relearn/relearn.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"
#include "data/pipeline/loader.h"
#include "nn/train.h"

const BaseParam eval_relearn_params[] = {
    BASE_PARAM_BOOL(EvalRelearnConfig, enabled, true, "measure relearn_steps, anamnesis and recovered_forget"),
    BASE_PARAM_I64(EvalRelearnConfig, per_class, 100, 1, 100000, "training images per class to relearn from"),
    BASE_PARAM_I64(EvalRelearnConfig, judge_per_class, 200, 1, 100000,
                   "test images per forgotten class on which relearning is judged"),
    BASE_PARAM_I64(EvalRelearnConfig, batch_size, 64, 2, 65536, "images per step"),
    BASE_PARAM_I64(EvalRelearnConfig, max_steps, 100, 1, 100000, "number of steps after which a repeat gives up"),
    BASE_PARAM_I64(EvalRelearnConfig, repeats, 3, 1, EVAL_REPEATS_MAX,
                   "repeats, each with another order of the images"),
    BASE_PARAM_F64(EvalRelearnConfig, lr, 1e-3, 1e-9, 10, "learning rate of Adam"),
    BASE_PARAM_F64(EvalRelearnConfig, margin, 0.05, 0, 1, "share of the original's accuracy that may still be missing"),
    BASE_PARAM_I64(EvalRelearnConfig, retain_epochs, 5, 0, 10000,
                   "largest number of epochs on the retained images alone, for recovered_forget; 0: not measured"),
};
const size_t eval_relearn_param_count = BASE_COUNT(eval_relearn_params);

/* One repeat's workspace, and the judged images ready for the network. */
typedef struct {
    const EvalSubject *subject;
    const EvalRelearnConfig *config;
    DataIndex train, retain, judge; /* retain: the retained images of train */
    int64_t shape[3], pixels, batch, K;
    float *images;  /* [judge.n, C, H, W] */
    float *logits;  /* [max(batch, judged at once), K] */
    float *dlogits; /* [batch, K] */
    float *grads;   /* [param_count] */
    int64_t target; /* right answers wanted among judge.n */
} Relearn;
enum { JUDGED_AT_ONCE = 256 };

static void relearn_free(Relearn *r)
{
    data_index_free(&r->train);
    data_index_free(&r->retain);
    data_index_free(&r->judge);
    base_free(r->images);
    base_free(r->logits);
    base_free(r->dlogits);
    base_free(r->grads);
}

static BaseStatus sample(Relearn *r)
{
    BaseStatus st = BASE_OK;
    const EvalSubject *s = r->subject;
    DataIndex inside = {0}, outside = {0}, taught = {0};
    BASE_TRY(data_sample(&s->train, r->config->per_class, s->seed, "relearn_train", &r->train));
    DataView drawn = data_view_of(s->train.set, &r->train);
    BASE_TRY(data_forget_partition(&drawn, s->forget, &taught, &r->retain));
    BASE_TRY(data_forget_partition_unseen(&s->test, s->forget, &inside, &outside));
    DataView forgotten = data_view_of(s->test.set, &inside);
    BASE_TRY(data_sample(&forgotten, r->config->judge_per_class, s->seed, "relearn_judge", &r->judge));
out:
    data_index_free(&taught);
    data_index_free(&inside);
    data_index_free(&outside);
    return st;
}

static BaseStatus make(Relearn *r)
{
    BaseStatus st = BASE_OK;
    const EvalSubject *s = r->subject;
    BASE_TRY(sample(r));
    nn_net_input_shape(s->net, r->shape);
    r->pixels = r->shape[0] * r->shape[1] * r->shape[2];
    r->K = nn_net_classes(s->net);
    r->batch = base_smaller(r->config->batch_size, r->train.n);
    int64_t rows = base_larger(r->batch, JUDGED_AT_ONCE);
    BASE_TRY(BASE_ALLOC_RAW(r->judge.n * r->pixels, &r->images));
    BASE_TRY(BASE_ALLOC_RAW(rows * r->K, &r->logits));
    BASE_TRY(BASE_ALLOC_RAW(r->batch * r->K, &r->dlogits));
    BASE_TRY(BASE_ALLOC_RAW(nn_net_param_count(s->net), &r->grads));
    for (int64_t i = 0; i < r->judge.n; i++)
        BASE_TRY(
            data_image(s->test.set, r->judge.at[i], r->shape[0], r->shape[1], r->shape[2], r->images + i * r->pixels));
out:
    return st;
}

static BaseStatus judge(const Relearn *r, NnEngine *engine, int64_t *right)
{
    BaseStatus st = BASE_OK;
    *right = 0;
    for (int64_t done = 0; done < r->judge.n; done += JUDGED_AT_ONCE) {
        int64_t n = base_smaller(JUDGED_AT_ONCE, r->judge.n - done);
        BASE_TRY(nn_engine_forward(engine, r->images + done * r->pixels, n, 0, r->logits));
        for (int64_t i = 0; i < n; i++)
            *right +=
                base_largest_at(r->logits + i * r->K, r->K) == r->subject->test.set->labels[r->judge.at[done + i]];
    }
out:
    return st;
}

/* The accuracy to come back to, in right answers. */
static BaseStatus aim(Relearn *r)
{
    BaseStatus st = BASE_OK;
    NnNet *original = NULL;
    NnEngine *engine = NULL;
    int64_t right;
    BASE_TRY(nn_net_clone(r->subject->original, &original));
    BASE_TRY(nn_engine_create(original, NN_MODE_EVAL, r->subject->precision, base_smaller(JUDGED_AT_ONCE, r->judge.n),
                              &engine));
    BASE_TRY(judge(r, engine, &right));
    double least = (1 - r->config->margin) * (double)right;
    r->target = (int64_t)least;
    r->target += (double)r->target < least;
out:
    nn_engine_free(engine);
    nn_net_free(original);
    return st;
}

/* What one repeat trains with. */
typedef struct {
    NnNet *net;
    NnEngine *trainer, *judged;
    NnOptimizer *optimizer;
    DataLoader *loader;
    const char *dropout; /* its random stream */
} Repeat;

static void repeat_free(Repeat *w)
{
    data_loader_free(w->loader);
    nn_optimizer_free(w->optimizer);
    nn_engine_free(w->trainer);
    nn_engine_free(w->judged);
    nn_net_free(w->net);
}

/* @p stream: of the order of the images. */
static BaseStatus repeat_make(const Relearn *r, const DataView *view, const char *stream, int64_t number, Repeat *w)
{
    BaseStatus st = BASE_OK;
    const EvalSubject *s = r->subject;
    BaseRandom order = base_random_make(s->seed, stream, (uint64_t)number);
    const DataLoaderConfig config = {.batch = base_smaller(r->batch, view->n),
                                     .C = r->shape[0],
                                     .H = r->shape[1],
                                     .W = r->shape[2],
                                     .shuffle = true,
                                     .drop_last = true,
                                     .seed = base_random_u64(&order)};
    BASE_TRY(nn_net_clone(s->net, &w->net));
    BASE_TRY(nn_engine_create(w->net, NN_MODE_TRAIN, s->precision, r->batch, &w->trainer));
    BASE_TRY(
        nn_engine_create(w->net, NN_MODE_EVAL, s->precision, base_smaller(JUDGED_AT_ONCE, r->judge.n), &w->judged));
    BASE_TRY(nn_optimizer_create(NN_ADAM, nn_net_param_count(w->net), 0, 0, false, &w->optimizer));
    BASE_TRY(data_loader_create(view, &config, &w->loader));
out:
    return st;
}

static BaseStatus step(const Relearn *r, Repeat *w, int64_t taken)
{
    BaseStatus st = BASE_OK;
    DataBatch batch;
    int64_t per_epoch = data_loader_batches(w->loader);
    if (taken % per_epoch == 0) BASE_TRY(data_loader_start(w->loader, taken / per_epoch));
    BASE_TRY(data_loader_next(w->loader, &batch));
    BaseRandom dropout = base_random_make(r->subject->seed, w->dropout, (uint64_t)taken);
    BASE_TRY(nn_engine_forward(w->trainer, batch.x, batch.n, base_random_u64(&dropout), r->logits));
    nn_loss_cross_entropy(r->logits, batch.y, batch.n, r->K, 0, r->dlogits);
    BASE_TRY(nn_engine_backward(w->trainer, r->dlogits, r->grads));
    nn_optimizer_step(w->optimizer, nn_net_edit_params(w->net), r->grads, NULL, r->config->lr);
out:
    return st;
}

static BaseStatus repeat(const Relearn *r, int64_t number, EvalRelearned *out)
{
    BaseStatus st = BASE_OK;
    Repeat w = {.dropout = "relearn_dropout"};
    DataView view = data_view_of(r->subject->train.set, &r->train);
    int64_t taken = 0, right;
    BASE_TRY(repeat_make(r, &view, "relearn_order", number, &w));
    BASE_TRY(judge(r, w.judged, &right));
    while (right < r->target && taken < r->config->max_steps) {
        BASE_TRY(step(r, &w, taken++));
        BASE_TRY(judge(r, w.judged, &right));
        base_progress("relearning", number * r->config->max_steps + taken, r->config->repeats * r->config->max_steps,
                      NULL);
    }
    out->steps[number] = taken;
    out->reached[number] = right >= r->target;
out:
    repeat_free(&w);
    return st;
}

static BaseStatus recover(const Relearn *r, int64_t number, EvalRelearned *out)
{
    BaseStatus st = BASE_OK;
    Repeat w = {.dropout = "recover_dropout"};
    DataView view = data_view_of(r->subject->train.set, &r->retain);
    BASE_TRY(repeat_make(r, &view, "recover_order", number, &w));
    int64_t epoch = data_loader_batches(w.loader), steps = r->config->retain_epochs * epoch, right;
    out->recovered[number] = 0;
    for (int64_t taken = 1; taken <= steps; taken++) {
        BASE_TRY(step(r, &w, taken - 1));
        base_progress("relearning from retained images", number * steps + taken, r->config->repeats * steps, NULL);
        if (taken % epoch != 0) continue;
        BASE_TRY(judge(r, w.judged, &right));
        out->recovered[number] = base_larger(out->recovered[number], right);
    }
    out->retain_steps = steps;
out:
    repeat_free(&w);
    return st;
}

static BaseStatus relearn(Relearn *r, EvalRelearned *out)
{
    BaseStatus st = BASE_OK;
    const EvalRelearnConfig *config = r->config;
    BASE_TRY(aim(r));
    if (r->target == 0) goto out;
    for (int64_t i = 0; i < config->repeats; i++) BASE_TRY(repeat(r, i, out));
    base_progress("relearning", config->repeats * config->max_steps, config->repeats * config->max_steps, NULL);
    out->repeats = config->repeats;
out:
    return st;
}

BaseStatus eval_relearn(const EvalSubject *subject, const EvalRelearnConfig *config, EvalRelearned *out)
{
    BaseStatus st = BASE_OK;
    Relearn r = {.subject = subject, .config = config};
    EvalRelearned made = {.limit = config->max_steps};
    *out = (EvalRelearned){0};
    if (!config->enabled) return BASE_OK;
    BASE_TRY(make(&r));
    made.judged = r.judge.n;
    if (r.judge.n == 0) goto out;
    if (r.retain.n < r.train.n && r.train.n >= 2) BASE_TRY(relearn(&r, &made));
    if (config->retain_epochs > 0 && r.retain.n >= 2) {
        for (int64_t i = 0; i < config->repeats; i++) BASE_TRY(recover(&r, i, &made));
        made.retain_repeats = config->repeats;
    }
    *out = made;
out:
    relearn_free(&r);
    return st == BASE_OK ? st : base_error_prefix(st, "relearning");
}
