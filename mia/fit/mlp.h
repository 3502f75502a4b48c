/* mia/fit/mlp.h - a network with one hidden layer of ReLU, f(x) = v . relu(W x + b) + c, trained on
 *     L = sum_i weight_i log(1 + exp(-y_i f(x_i))) / sum_i weight_i + alpha / 2 (|W|^2 + |v|^2),   y = +-1,
 * by Adam (Kingma & Ba 2014) on mini-batches. */
#ifndef MIA_FIT_MLP_H
#define MIA_FIT_MLP_H

#include "mia/fit/cross.h"

typedef struct {
    int64_t hidden, epochs, batch_size;
    double lr, alpha;
} MiaMlp;

/* The members of a MiaFitKind, whose @p how is a MiaMlp. */
int64_t mia_mlp_size(int64_t d, const void *how); /* W [hidden, d], b [hidden], v [hidden], c */
/** Initial weights (He et al. 2015, uniform) and batch order follow the seed. One thread, same bits. BASE_ENOMEM,
 *  BASE_ENUMERIC where it diverges. O(epochs n d hidden). */
BaseStatus mia_mlp_fit(const MiaFitRows *rows, const void *how, uint64_t seed, double *model);
double mia_mlp_decide(const double *x, int64_t d, const void *how, const double *model);
/** L over the rows @p at [n] (NULL: the first n), with its gradient [size]. @p hidden [how->hidden] is scratch. */
double mia_mlp_loss(const MiaFitRows *rows, const int64_t *at, int64_t n, const MiaMlp *how, const double *model,
                    double *hidden, double *gradient);

#endif
