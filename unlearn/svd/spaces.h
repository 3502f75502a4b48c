/* unlearn/svd/spaces.h - the retain and forget spaces of every edited layer: sampling, forward passes and
 * factorisation, done once; then the edit of any layer for any alphas. Shared by svd and by the controls that must
 * match its size. */
#ifndef UNLEARN_SVD_SPACES_H
#define UNLEARN_SVD_SPACES_H

#include "unlearn/svd/patches.h"
#include "unlearn/svd/space.h"
#include "unlearn/unlearn.h"

typedef struct {
    double alpha_r, alpha_f;
    int64_t retain_per_class, forget_samples;
    int64_t patches, max_patches;
    int64_t route;
    BaseParamText layers, retain_without;
    bool spectra;
} UnlearnSpaceParams;

extern const char *const unlearn_patch_names[];
extern const UnlearnMethod unlearn_svd;

/** Rows of a parameter table whose struct is UnlearnSpaceParams; PLAIN: without the choice of layers. */
#define UNLEARN_SPACE_PLAIN_ROWS                                                                                       \
    BASE_PARAM_F64(UnlearnSpaceParams, alpha_r, 100, 1e-6, 1e9, "scaling of the retain space: larger protects more"),  \
        BASE_PARAM_F64(UnlearnSpaceParams, alpha_f, 3, 1e-6, 1e9, "scaling of the forget space: larger removes more"), \
        BASE_PARAM_I64(UnlearnSpaceParams, retain_per_class, 100, 0, 1e12, "images of each retained class; 0: all"),   \
        BASE_PARAM_I64(UnlearnSpaceParams, forget_samples, 900, 0, 1e12,                                               \
                       "images of the forgotten classes, in total; 0: all"),                                           \
        BASE_PARAM_CHOICE(UnlearnSpaceParams, patches, 0, unlearn_patch_names,                                         \
                          "paper: one random 3k x 3k window, then max_patches of it; all: every patch"),               \
        BASE_PARAM_I64(UnlearnSpaceParams, max_patches, 10000, 0, 1e12,                                                \
                       "rows (patches, tokens) kept of a layer with patches: paper; 0: all"),                          \
        BASE_PARAM_CHOICE(UnlearnSpaceParams, route, 0, unlearn_route_names,                                           \
                          "svd, eigen, closed (Cholesky) or reference (float64, slow): one answer"),                   \
        BASE_PARAM_TEXT(UnlearnSpaceParams, retain_without, "",                                                        \
                        "classes left out of the retained sample, though kept: what their absence costs")
#define UNLEARN_SPACE_ROWS                                                                                             \
    UNLEARN_SPACE_PLAIN_ROWS,                                                                                          \
        BASE_PARAM_TEXT(UnlearnSpaceParams, layers, "all",                                                             \
                        "all, last, first K, last K, only K (the Kth layer), or a list of layer names")

/** BASE_EUSAGE on a layer that does not exist, or fewer forget samples than classes. */
BaseStatus unlearn_spaces_check(const UnlearnContext *context, const UnlearnSpaceParams *params);

typedef struct UnlearnSpaces UnlearnSpaces;
/** Two forward passes of the original (retained, forgotten sample), then every layer's factorisation. */
BaseStatus unlearn_spaces_create(const UnlearnContext *context, const UnlearnSpaceParams *params, UnlearnSpaces **out);
void unlearn_spaces_free(UnlearnSpaces *spaces);

/** 1 where a layer is edited. */
const uint8_t *unlearn_spaces_selected(const UnlearnSpaces *spaces);
/** out = D = W (I - P_r) P_f of layer @p layer; w, out [K, features], apart. Where the context said grid, @p w must be
 *  the original's each time: what one pair of alphas shares with the next is kept (unlearn/svd/edit.h). */
BaseStatus unlearn_spaces_edit(UnlearnSpaces *spaces, int layer, double alpha_r, double alpha_f, const float *w,
                               int64_t K, float *out);
/** The same, taken from w in place: w -= D. @p row: its row of the report, filled (of a grid without the shares). */
BaseStatus unlearn_spaces_subtract(UnlearnSpaces *spaces, int layer, double alpha_r, double alpha_f, float *w,
                                   int64_t K, UnlearnLayer *row);
/** Fills @p report but for times: one row a selected layer, in order, sample counts, cost. Edits are added after it. */
BaseStatus unlearn_spaces_report(const UnlearnSpaces *spaces, const NnNet *net, UnlearnReport *report);
/** tr(P_r P_f) / tr(P_f) of layer @p layer; NaN where the forget space is empty. Four products with f rows. */
BaseStatus unlearn_spaces_shared(const UnlearnSpaces *spaces, int layer, double alpha_r, double alpha_f, double *out);
/** The same row for an edit of another making: what taking @p delta from W [K, features] does to layer @p layer. */
BaseStatus unlearn_spaces_measure(const UnlearnSpaces *spaces, int layer, const float *w, const float *delta, int64_t K,
                                  UnlearnLayer *row);

#endif
