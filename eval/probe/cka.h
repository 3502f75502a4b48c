/* eval/probe/cka.h - how alike two networks' features of the same images are:
 *   CKA(X, Y) = H(X, Y) / sqrt(H(X, X) H(Y, Y))        (linear; Kornblith et al. 2019, arXiv 1905.00414)
 * with H not the biased estimator of HSIC, which tends to 1 with fewer images than features, but the
 * unbiased one of Song et al. (JMLR 13, 2012), as the code of Kornblith et al. has it:
 *   H = sum_{i != j} A_ij B_ij / (n (n - 3))
 *   A_ij = K_ij - r_i / (n - 2) - r_j / (n - 2) + R / ((n - 1) (n - 2)),   K = X X^T,
 *   r_i = sum_{j != i} K_ij,   R = sum_i r_i,   B likewise of Y
 * (that this is the same: Szekely and Rizzo, Annals of Statistics 42, 2014). H is an inner product of A
 * and B, so that CKA lies in [-1, 1]; about 0: nothing in common. Interval over images, the networks
 * taken as given: the delta method with h_i = sum_{j != i} A_ij B_ij / (n - 3), whose mean is H, and
 * Student's quantile on the scale of atanh. */
#ifndef EVAL_PROBE_CKA_H
#define EVAL_PROBE_CKA_H

#include "eval/eval.h"

/** @p out: value NaN where it is not measurable: one of them NULL or without images, fewer than four images, or a network
 *  that gives all of them the same features. BASE_ESHAPE where the images are not as many. Memory: the features of both
 *  in double. */
BaseStatus eval_probe_cka(const EvalFeatures *u, const EvalFeatures *other, MathEstimate *out);

#endif
