#include "nn/recognise.h"

#include <stdio.h>
#include <string.h>

#include "nn/weights.h"

typedef struct {
    NnRecognised best;
    double share; /* of its slices that are in the file */
    char reason[1024];
} Nearest;

/* BASE_OK with *fits false where @p arch is another one. */
static BaseStatus try_arch(const NnArch *arch, const IoTensors *tensors, const int64_t data[3], Nearest *nearest,
                           bool *fits)
{
    static const int64_t NONE[3] = {0, 0, 0};
    BaseStatus st = BASE_OK;
    NnNet *net = NULL;
    NnRecognised r = {.arch = arch};
    *fits = false;
    if (!arch->C && !data) return BASE_OK;
    nn_arch_shape(arch, data ? data : NONE, tensors, r.shape);
    if (nn_arch_classes(arch, data ? data : NONE, tensors, &r.K) != BASE_OK) r.K = 2; /* the fit will name the head */
    st = nn_arch_build_at(arch, r.shape, r.K, false, &net);
    if (st == BASE_OK) st = nn_weights_fit(net, tensors, "it");
    *fits = st == BASE_OK;
    if (*fits) nearest->best = r;
    double share = 0;
    if (st == BASE_ESHAPE && net && nn_weights_share(net, tensors, &share) != BASE_OK) st = BASE_ENOMEM;
    if (st == BASE_ESHAPE && share > nearest->share) {
        nearest->best = r;
        nearest->share = share;
        snprintf(nearest->reason, sizeof nearest->reason, "%s", base_error_text());
    }
    if (st == BASE_ESHAPE || st == BASE_EARG) st = BASE_OK; /* not this one */
    nn_net_free(net);
    return st;
}

BaseStatus nn_recognise(const IoTensors *tensors, const int64_t data[3], const char *where, NnRecognised *out)
{
    BaseStatus st = BASE_OK;
    Nearest nearest = {.share = 0};
    *out = (NnRecognised){0};
    for (size_t i = 0; i < nn_arch_registry.count; i++) {
        bool fits;
        BASE_TRY(try_arch((const NnArch *)nn_arch_registry.entries[i], tensors, data, &nearest, &fits));
        if (!fits) continue;
        *out = nearest.best;
        return BASE_OK;
    }
    if (!nearest.best.arch)
        BASE_FAIL(BASE_ESHAPE, "%s: no architecture of `expunge list archs` has any of its tensors", where);
    BASE_FAIL(BASE_ESHAPE, "%s: no architecture of `expunge list archs` has its tensors; nearest is %s, but %s", where,
              nearest.best.arch->entry.name, nearest.reason);
out:
    return st;
}
