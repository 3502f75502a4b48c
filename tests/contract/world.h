/* tests/contract/world.h - a tiny network trained on a tiny set, for tests that run every unlearning method. */
#ifndef TESTS_CONTRACT_WORLD_H
#define TESTS_CONTRACT_WORLD_H

#include "tests/support/support.h"

#include "base/random.h"
#include "unlearn/unlearn.h"

enum { N = 60, C = 2, SIDE = 8, K = 5 };

typedef struct {
    DataSet set;
    DataForget forget;
    NnTrainConfig training;
    NnNet *original;
    UnlearnContext context;
} World;

static inline NnNet *tiny_net(void)
{
    NnGraph *g = NULL;
    NnNet *net = NULL;
    assert_ok(nn_graph_create(C, SIDE, SIDE, &g));
    NnNode x = nn_relu(g, nn_batch_norm(g, nn_conv(g, nn_input(g), "conv", 4, 1, 1, 0, false), "bn"));
    x = nn_max_pool(g, nn_relu(g, nn_conv(g, x, "deep", 6, 3, 2, 1, true)), 2, 2, 0);
    x = nn_linear(g, nn_relu(g, nn_linear(g, nn_flatten(g, x), "hidden", 12, true)), "head", K, true);
    assert_ok(nn_net_create_take(g, x, &net));
    return net;
}

/* Class k lights up row k of channel 0: learnable in a moment. @p forget: classes, or "*" for a fifth of the images of
 * every class. */
static inline void world_open(World *w, const char *forget)
{
    static char *names[] = {"a", "b", "c", "d", "e"};
    float *x = NULL;
    BaseRandom random = base_random_make(3, "test", 0);
    *w = (World){
        .set = {.name = "tiny", .N = N, .C = C, .H = SIDE, .W = SIDE, .K = K, .type = DATA_F32, .class_names = names}};
    assert_ok(BASE_ALLOC(N * C * SIDE * SIDE, &x));
    assert_ok(BASE_ALLOC(N, &w->set.labels));
    w->set.images = x;
    for (int i = 0; i < N; i++) {
        w->set.labels[i] = i % K;
        for (int j = 0; j < C * SIDE * SIDE; j++)
            x[i * C * SIDE * SIDE + j] =
                (float)(0.3 * base_random_normal(&random) + (j < SIDE * SIDE && j / SIDE == i % K));
    }
    assert_ok(*forget == '*' ? data_forget_draw(&w->set, NULL, 0.2, 0, &w->forget)
                             : data_forget_classes(&w->set, forget, &w->forget));
    base_param_defaults(nn_train_params, nn_train_param_count, &w->training);
    w->training.epochs = 3;
    w->training.batch_size = 20;
    w->training.augment = false;
    w->training.lr = 0.05;
    w->original = tiny_net();
    nn_net_init(w->original, 1);
    DataView all = data_view_all(&w->set);
    assert_ok(nn_train(w->original, &all, &w->training, NN_F32, 1, "original", NULL));
    w->context = (UnlearnContext){.original = w->original,
                                  .train = all,
                                  .forget = &w->forget,
                                  .training = &w->training,
                                  .precision = NN_F32,
                                  .seed = 21};
}

static inline void world_close(World *w)
{
    nn_net_free(w->original);
    data_forget_free(&w->forget);
    base_free(w->set.images);
    base_free(w->set.labels);
}

/* It has no defaults to run with: tests/unlearn/test_foreign.c */
static inline bool made_elsewhere(const UnlearnMethod *m)
{
    return m->identify && strcmp(m->entry.name, "retrain") != 0;
}

#endif
