/* nn/train.c - batch, loss, gradient, step; a number that is not finite ends the training and says where. */
#include "nn/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"
#include "data/pipeline/loader.h"

static const char *const OPTIMIZERS[] = {"sgd", "adam", NULL};
static const char *const SCHEDULES[] = {"constant", "step", "cosine", "one_cycle", "plateau", NULL};

const BaseParam nn_train_params[] = {
    BASE_PARAM_I64(NnTrainConfig, epochs, 6, 1, 100000, "passes over the training split"),
    BASE_PARAM_I64(NnTrainConfig, batch_size, 128, 1, 65536, "images per step"),
    BASE_PARAM_F64(NnTrainConfig, lr, 0.05, 0, 100, "learning rate; the highest one if the schedule changes it"),
    BASE_PARAM_F64(NnTrainConfig, momentum, 0.9, 0, 0.9999, "sgd: fraction of the last update carried over"),
    BASE_PARAM_F64(NnTrainConfig, weight_decay, 5e-4, 0, 10, "multiple of a parameter added to its gradient"),
    BASE_PARAM_BOOL(NnTrainConfig, nesterov, true, "use Nesterov momentum (sgd)"),
    BASE_PARAM_CHOICE(NnTrainConfig, optimizer, NN_SGD, OPTIMIZERS, "optimiser"),
    BASE_PARAM_CHOICE(NnTrainConfig, schedule, NN_SCHEDULE_ONE_CYCLE, SCHEDULES, "schedule of the learning rate"),
    BASE_PARAM_F64(NnTrainConfig, gamma, 0.1, 0, 1, "factor by which lr falls (step, plateau)"),
    BASE_PARAM_I64(NnTrainConfig, step_epochs, 30, 1, 100000, "number of epochs between two falls of lr (step)"),
    BASE_PARAM_F64(NnTrainConfig, warmup, 0.3, 0, 1, "share of all steps during which lr rises (one_cycle)"),
    BASE_PARAM_I64(NnTrainConfig, patience, 5, 1, 100000,
                   "number of epochs without a lower training loss before lr falls (plateau)"),
    BASE_PARAM_BOOL(NnTrainConfig, augment, false,
                    "random mirroring and shifts of up to an eighth of the side; pays off over several dozen epochs"),
    BASE_PARAM_F64(NnTrainConfig, label_smoothing, 0, 0, 0.9999, "share of the target that is spread over all classes"),
};
const size_t nn_train_param_count = BASE_COUNT(nn_train_params);

typedef struct {
    NnNet *net;
    const NnTrainConfig *config;
    DataLoader *loader;
    NnEngine *engine;
    NnOptimizer *optimizer;
    NnSchedule schedule;
    float *logits, *dlogits, *grads; /* [batch, K], [batch, K], [param_count] */
    uint64_t seed;
    const char *label;
    int64_t steps, images; /* per epoch, a left out last image not counted */
    NnTrainPosition at;
    NnTrainKeep *keep;           /* NULL: the position is not kept */
    double started, started_cpu; /* of this process, on the clocks */
    double kept, writing;        /* when the position was last written, and what that took */
} Trainer;

static void trainer_free(Trainer *t)
{
    data_loader_free(t->loader);
    nn_engine_free(t->engine);
    nn_optimizer_free(t->optimizer);
    base_free(t->logits);
    base_free(t->dlogits);
    base_free(t->grads);
    base_free(t->at.history);
}

BaseStatus nn_train_loader(const NnNet *net, const DataView *view, int64_t batch, bool augment, uint64_t seed,
                           DataLoader **out)
{
    int64_t shape[3];
    nn_net_input_shape(net, shape);
    int64_t side = base_smaller(shape[1], shape[2]);
    augment = augment && side > 1;
    const DataLoaderConfig config = {.batch = batch,
                                     .C = shape[0],
                                     .H = shape[1],
                                     .W = shape[2],
                                     .shuffle = true,
                                     .flip = augment,
                                     .crop = augment ? side / 8 : 0,
                                     .seed = seed};
    return data_loader_create(view, &config, out);
}

static BaseStatus trainer_make(Trainer *t, NnNet *net, const DataView *view, const NnTrainConfig *c,
                               NnPrecision precision)
{
    BaseStatus st = BASE_OK;
    int64_t K = nn_net_classes(net), batch = base_smaller(view->n, c->batch_size);
    BASE_CHECK(view->n > 0, BASE_EARG, "nothing to train on: the training split holds no image");
    BASE_CHECK(view->set->K <= K, BASE_ESHAPE, "%s has %lld classes, the network only %lld outputs", view->set->name,
               (long long)view->set->K, (long long)K);
    BASE_TRY(nn_train_loader(net, view, batch, c->augment, t->seed, &t->loader));
    BASE_TRY(nn_engine_create(net, NN_MODE_TRAIN, precision, batch, &t->engine));
    BASE_TRY(nn_optimizer_create((NnOptimizerKind)c->optimizer, nn_net_param_count(net), c->momentum, c->weight_decay,
                                 c->nesterov, &t->optimizer));
    BASE_TRY(BASE_ALLOC(batch * K, &t->logits));
    BASE_TRY(BASE_ALLOC(batch * K, &t->dlogits));
    BASE_TRY(BASE_ALLOC(nn_net_param_count(net), &t->grads));
    bool single = batch > 1 && view->n % batch == 1;
    t->steps = (view->n + batch - 1) / batch - single;
    t->images = view->n - single;
    t->schedule = nn_schedule_make(c, t->steps);
    BASE_TRY(BASE_ALLOC(c->epochs, &t->at.history));
    t->at.schedule = &t->schedule;
    t->at.optimizer = t->optimizer;
out:
    return st;
}

static int64_t count_right(const float *logits, const int32_t *y, int64_t n, int64_t K)
{
    int64_t right = 0;
    for (int64_t i = 0; i < n; i++) right += base_largest_at(logits + i * K, K) == y[i];
    return right;
}

static BaseStatus train_step(Trainer *t, const DataBatch *batch, int64_t number, double lr)
{
    BaseStatus st = BASE_OK;
    int64_t K = nn_net_classes(t->net);
    BaseRandom dropout = base_random_make(t->seed, "dropout", (uint64_t)number);
    BASE_TRY(nn_engine_forward(t->engine, batch->x, batch->n, base_random_u64(&dropout), t->logits));
    double loss = nn_loss_cross_entropy(t->logits, batch->y, batch->n, K, t->config->label_smoothing, t->dlogits);
    BASE_CHECK(isfinite(loss), BASE_ENUMERIC, "the loss is %g", loss);
    BASE_TRY(nn_engine_backward(t->engine, t->dlogits, t->grads));
    nn_optimizer_step(t->optimizer, nn_net_edit_params(t->net), t->grads, NULL, lr);
    t->at.loss += loss * (double)batch->n;
    t->at.right += (double)count_right(t->logits, batch->y, batch->n, K);
    t->at.seen += batch->n;
out:
    return st;
}

/* A kill costs the time between two writes; writing, no more than a twentieth of it. A full disk stops no training. */
static void keep_position(Trainer *t)
{
    double now = base_clock_wall();
    NnTrainKeep *keep = t->keep;
    if (!keep || !keep->path || keep->foreign) return;
    if (keep->seconds > 0 && now - t->kept < fmax(keep->seconds, 20 * t->writing)) return;
    NnTrainPosition at = t->at;
    at.wall_seconds += now - t->started;
    at.cpu_seconds += base_clock_cpu() - t->started_cpu;
    if (nn_keep_write(keep, t->net, &at) != BASE_OK) base_notice("%s", base_error_text());
    t->kept = base_clock_wall();
    t->writing = t->kept - now;
}

static void show_progress(const Trainer *t)
{
    const NnTrainPosition *at = &t->at;
    int64_t done = at->epoch * t->images + at->seen, earlier = t->keep ? t->keep->steps * t->config->batch_size : 0;
    char detail[128];
    snprintf(detail, sizeof detail, "loss %.3f  acc %.1f%%  %.0f img/s", at->loss / (double)at->seen,
             100 * at->right / (double)at->seen,
             (double)(done - base_smaller(done, earlier)) / fmax(base_clock_wall() - t->started, 1e-9));
    base_progress(t->label, done, t->config->epochs * t->images, detail);
}

/* From the step on at which the training stands. */
static BaseStatus train_epoch(Trainer *t, double *lr)
{
    BaseStatus st = BASE_OK;
    NnTrainPosition *at = &t->at;
    *lr = nn_schedule_lr(&t->schedule, at->epoch, at->step > 0 ? at->step - 1 : 0);
    BASE_TRY(data_loader_start_at(t->loader, at->epoch, at->step));
    for (; at->step < t->steps; at->step++) {
        DataBatch batch;
        keep_position(t);
        BASE_TRY(base_cancel_check());
        BASE_TRY(data_loader_next(t->loader, &batch));
        *lr = nn_schedule_lr(&t->schedule, at->epoch, at->step);
        st = train_step(t, &batch, at->epoch * t->steps + at->step, *lr);
        if (st == BASE_ENUMERIC)
            base_error_prefix(st, "training diverged at epoch %lld, step %lld, lr %g (try a smaller lr)",
                              (long long)at->epoch + 1, (long long)at->step + 1, *lr);
        BASE_TRY(st);
        show_progress(t);
    }
out:
    return st;
}

static BaseStatus go_on(Trainer *t)
{
    bool found = false;
    if (!t->keep || !t->keep->path) return BASE_OK;
    t->keep->steps = t->keep->peak_memory = 0;
    t->keep->wall_seconds = t->keep->cpu_seconds = 0;
    t->keep->ours = t->keep->foreign = false;
    BaseStatus st = nn_keep_read(t->keep, t->net, &t->at, &found);
    if (found)
        base_notice("%s goes on at epoch %lld of %lld, step %lld of %lld, where it was stopped", t->label,
                    (long long)t->at.epoch + 1, (long long)t->config->epochs, (long long)t->at.step + 1,
                    (long long)t->steps);
    return st;
}

BaseStatus nn_train_kept(NnNet *net, const DataView *view, const NnTrainConfig *config, NnPrecision precision,
                         uint64_t seed, const char *label, NnTrainEpoch *history, NnTrainKeep *keep)
{
    BaseStatus st = BASE_OK;
    Trainer t = {.net = net, .config = config, .seed = seed, .label = label, .keep = keep};
    t.started = t.kept = base_clock_wall();
    t.started_cpu = base_clock_cpu();
    NnTrainPosition *at = &t.at;
    BASE_TRY(trainer_make(&t, net, view, config, precision));
    BASE_TRY(go_on(&t));
    for (; at->epoch < config->epochs; at->epoch++, at->step = 0) {
        double lr, before = 0;
        if (at->step == 0) at->loss = at->right = 0, at->seen = 0;
        BASE_TRY(train_epoch(&t, &lr));
        double loss = at->loss / (double)at->seen, spent = at->wall_seconds + base_clock_wall() - t.started;
        for (int64_t i = 0; i < at->epoch; i++) before += at->history[i].seconds;
        nn_schedule_epoch_end(&t.schedule, loss);
        at->history[at->epoch] = (NnTrainEpoch){at->epoch + 1, loss, at->right / (double)at->seen, lr, spent - before};
    }
    if (history) memcpy(history, at->history, (size_t)config->epochs * sizeof *history);
out:
    trainer_free(&t);
    return st;
}

BaseStatus nn_train(NnNet *net, const DataView *view, const NnTrainConfig *config, NnPrecision precision, uint64_t seed,
                    const char *label, NnTrainEpoch *history)
{
    return nn_train_kept(net, view, config, precision, seed, label, history, NULL);
}
