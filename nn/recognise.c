/* nn/recognise.c - builds every architecture in outline and compares names and shapes; the nearest is named. */
#include "nn/recognise.h"

#include <stdio.h>
#include <string.h>

#include "base/index.h"
#include "base/memory.h"
#include "io/hub.h"
#include "nn/naming.h"
#include "nn/weights.h"

enum { WRAPPERS = 8 }; /* around a network, at most */

typedef struct {
    NnRecognised best;
    double share; /* of its slices that are in the file */
    char reason[1024];
} Nearest;

/* Where the checkpoint has no classifier, two: the fit will name the head. */
static BaseStatus classes_or_two(const NnArch *arch, const int64_t data[3], const IoTensors *tensors, int64_t *K)
{
    BaseStatus st = nn_arch_classes(arch, data, tensors, K);
    if (st == BASE_OK || st == BASE_ENOMEM) return st;
    *K = 2;
    return BASE_OK;
}

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
    if (!data) data = NONE;
    st = nn_arch_shape(arch, data, tensors, r.shape);
    if (st == BASE_OK) st = classes_or_two(arch, data, tensors, &r.K);
    if (st == BASE_OK) st = nn_arch_build_at(arch, r.shape, r.K, false, &net);
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

BaseStatus nn_recognise_outline(const NnArch *arch, const IoTensors *tensors, NnNet **out)
{
    /* names do not depend on the images' size; one that every architecture can be built for */
    const int64_t own[3] = {arch->C ? arch->C : 3, arch->C ? arch->H : 32, arch->C ? arch->W : 32};
    int64_t shape[3], K;
    *out = NULL;
    BaseStatus st = nn_arch_shape(arch, own, tensors, shape);
    if (st == BASE_OK) st = classes_or_two(arch, own, tensors, &K);
    return st == BASE_OK ? nn_arch_build_at(arch, shape, K, false, out) : st;
}

/* Whether all of the architecture's names are there, of whatever shape. */
static BaseStatus try_names(const NnArch *arch, const IoTensors *tensors, bool *fits)
{
    NnNet *net = NULL;
    *fits = false;
    BaseStatus st = nn_recognise_outline(arch, tensors, &net);
    if (st == BASE_OK) st = nn_weights_named(net, tensors, fits);
    if (st == BASE_ESHAPE || st == BASE_EARG) st = BASE_OK; /* not this one */
    nn_net_free(net);
    return st;
}

/* A member of a family, before the list if the checkpoint's folder tells more of it than its shapes do. */
static BaseStatus try_family(const IoTensors *tensors, const int64_t data[3], const char *where, Nearest *nearest,
                             bool *fits)
{
    const NnArch *arch;
    *fits = false;
    BaseStatus st = nn_arch_of(tensors, &arch);
    if (st != BASE_OK) return base_error_prefix(st, "%s", where), st;
    return arch ? try_arch(arch, tensors, data, nearest, fits) : BASE_OK;
}

/* That which a folder of timm names, which may have the tensors of another one. */
static BaseStatus try_named(const IoTensors *tensors, const int64_t data[3], Nearest *nearest, bool *fits)
{
    const IoHub *hub = tensors->hub;
    const NnArch *arch = NULL;
    *fits = false;
    if (!hub || !hub->timm || !*hub->model) return BASE_OK;
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry) && !arch; i++) {
        const NnArch *one = base_registry_at(&nn_arch_registry, i);
        if (strcmp(one->entry.name, hub->model) == 0) arch = one;
    }
    if (!arch && strncmp(hub->model, "tf_", 3) == 0)
        return base_error_set(BASE_EFORMAT, "%s: %.60s pads and normalises as TensorFlow does, which no tensor tells",
                              hub->config, hub->model);
    return arch ? try_arch(arch, tensors, data, nearest, fits) : BASE_OK;
}

BaseStatus nn_recognise(const IoTensors *tensors, const int64_t data[3], const char *where, NnRecognised *out)
{
    BaseStatus st = BASE_OK;
    Nearest nearest = {.share = 0};
    bool fits = false;
    *out = (NnRecognised){0};
    BASE_TRY(try_named(tensors, data, &nearest, &fits));
    if (tensors->hub && !fits) BASE_TRY(try_family(tensors, data, where, &nearest, &fits));
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry) && !fits; i++)
        BASE_TRY(try_arch(base_registry_at(&nn_arch_registry, i), tensors, data, &nearest, &fits));
    if (!fits && !tensors->hub) BASE_TRY(try_family(tensors, data, where, &nearest, &fits));
    if (fits) {
        *out = nearest.best;
        return BASE_OK;
    }
    out->nearest = nearest.best.arch;
    if (!nearest.best.arch)
        BASE_FAIL(BASE_ESHAPE, "%s: no architecture of `expunge list archs` has any of its tensors", where);
    BASE_FAIL(BASE_ESHAPE, "%s: no architecture of `expunge list archs` has its tensors; nearest is %s, but %s", where,
              nearest.best.arch->entry.name, nearest.reason);
out:
    return st;
}

BaseStatus nn_recognise_like(const NnArch *arch, const IoTensors *tensors, const NnArch **out)
{
    BaseStatus st = BASE_OK;
    bool named = false;
    *out = NULL;
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry) && !named; i++) {
        const NnArch *other = base_registry_at(&nn_arch_registry, i);
        if (!other->like || strcmp(other->like, arch->entry.name) != 0) continue;
        BASE_TRY(try_names(other, tensors, &named));
        if (named) *out = other;
    }
out:
    return st;
}

/* Sets aside what the architecture's graph file says that it has no use for. */
static BaseStatus set_aside(const NnArch *arch, IoTensors *tensors)
{
    BaseStatus st = BASE_OK;
    BaseIndex unused = {0};
    size_t old;
    if (!arch || !arch->file || !arch->file->unused_count) return BASE_OK;
    for (size_t i = 0; i < arch->file->unused_count; i++)
        BASE_TRY(base_index_add(&unused, arch->file->unused[i], i, &old));
    for (size_t i = 0; i < tensors->count; i++) {
        IoTensor *tensor = &tensors->items[i];
        if (tensor->aside || base_index_find(&unused, tensor->name) == SIZE_MAX) continue;
        tensor->aside = true;
        tensor->cut = tensors->prefix ? strlen(tensors->prefix) : 0;
    }
out:
    base_index_free(&unused);
    return st;
}

/* The tensors as if their names began @p skip characters later. */
static BaseStatus fits_without(const IoTensors *tensors, size_t skip, const NnArch *arch, const int64_t data[3],
                               bool *fits, size_t *next)
{
    BaseStatus st = BASE_OK;
    const NnArch *member = NULL;
    IoTensors view = {.count = tensors->count, .hub = tensors->hub};
    Nearest nearest = {.share = 0};
    *fits = false;
    BASE_TRY(BASE_ALLOC(tensors->count, &view.items));
    for (size_t i = 0; i < tensors->count; i++) {
        view.items[i] = tensors->items[i]; /* borrows all */
        view.items[i].alias = NULL;
        if (!view.items[i].aside) view.items[i].name += skip;
    }
    BASE_TRY(set_aside(arch, &view));
    if (!arch || !arch->file) BASE_TRY(nn_naming_apply(&view));
    if (arch) BASE_TRY(data ? try_arch(arch, &view, data, &nearest, fits) : try_names(arch, &view, fits));
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry) && !arch && !*fits; i++) {
        const NnArch *one = base_registry_at(&nn_arch_registry, i);
        BASE_TRY(data ? try_arch(one, &view, data, &nearest, fits) : try_names(one, &view, fits));
    }
    if (!arch && !*fits) {
        st = nn_arch_of(&view, &member);
        *fits = st == BASE_ESHAPE; /* a family's names, which is what is asked here */
        if (*fits) st = BASE_OK;
        BASE_TRY(st);
        if (member) BASE_TRY(try_names(member, &view, fits));
    }
    *next = io_tensors_common(&view);
out:
    for (size_t i = 0; view.items && i < view.count; i++) base_free(view.items[i].alias);
    base_free(view.items);
    return st;
}

BaseStatus nn_recognise_names(IoTensors *tensors, const NnArch *arch, const int64_t data[3])
{
    BaseStatus st = BASE_OK;
    size_t skip = 0, next;
    bool fits = false;
    BASE_TRY(set_aside(arch, tensors));
    next = io_tensors_common(tensors);
    for (int i = 0; next && i < WRAPPERS; i++) {
        BASE_TRY(fits_without(tensors, skip, arch, data, &fits, &next));
        if (fits) break;
        skip += next;
    }
    if (fits) BASE_TRY(io_tensors_cut(tensors, skip));
    BASE_TRY(set_aside(arch, tensors));
    if (arch && arch->file) goto out; /* its names are the checkpoint's */
    BASE_TRY(nn_naming_apply(tensors));
    for (size_t i = 0; i < tensors->copy_count; i++) BASE_TRY(nn_naming_apply(tensors->copies[i].tensors));
out:
    return st;
}
