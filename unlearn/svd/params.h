/* unlearn/svd/params.h - the parameters of the method, shared by the controls that must match its size. */
#ifndef UNLEARN_SVD_PARAMS_H
#define UNLEARN_SVD_PARAMS_H

#include "base/param.h"
#include "unlearn/svd/space.h"

typedef struct {
    double alpha_r, alpha_f;
    int64_t retain_per_class, forget_samples;
    int64_t patches, max_patches;
    int64_t route;
    BaseParamText layers, retain_without;
    bool spectra;
} UnlearnSpaceParams;

extern const char *const unlearn_patch_names[];

/** Rows of a parameter table whose struct is UnlearnSpaceParams; PLAIN: without the choice of layers. */
#define UNLEARN_SPACE_PLAIN_ROWS                                                                                       \
    BASE_PARAM_F64(UnlearnSpaceParams, alpha_r, 100, 1e-6, 1e9, "scaling of the retain space: larger protects more"),  \
        BASE_PARAM_F64(UnlearnSpaceParams, alpha_f, 3, 1e-6, 1e9, "scaling of the forget space: larger removes more"), \
        BASE_PARAM_I64(UnlearnSpaceParams, retain_per_class, 100, 0, 1e12,                                             \
                       "number of images of each retained class; 0: all"),                                             \
        BASE_PARAM_I64(UnlearnSpaceParams, forget_samples, 900, 0, 1e12,                                               \
                       "number of images of the forgotten classes in total; 0: all"),                                  \
        BASE_PARAM_CHOICE(UnlearnSpaceParams, patches, 0, unlearn_patch_names,                                         \
                          "patches of a convolution: paper, at most max_patches from one random 3k x 3k window; all"), \
        BASE_PARAM_I64(UnlearnSpaceParams, max_patches, 10000, 0, 1e12,                                                \
                       "largest number of rows (patches, tokens) of a layer with patches: paper; 0: all"),             \
        BASE_PARAM_CHOICE(UnlearnSpaceParams, route, 0, unlearn_route_names,                                           \
                          "how the edit is computed: svd, eigen, closed (Cholesky) or reference (float64, slow)"),     \
        BASE_PARAM_TEXT(UnlearnSpaceParams, retain_without, "",                                                        \
                        "retained classes left out of the retained sample, to see what their absence costs")
#define UNLEARN_SPACE_ROWS                                                                                             \
    UNLEARN_SPACE_PLAIN_ROWS,                                                                                          \
        BASE_PARAM_TEXT(UnlearnSpaceParams, layers, "all",                                                             \
                        "layers that are edited: all, last, first K, last K, only K (the Kth), or a list of names")

#endif
