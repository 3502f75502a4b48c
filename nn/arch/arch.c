/* nn/arch/arch.c - which input an architecture takes for given data and weights, and how many classes those have. */
#include "nn/arch/arch.h"

#include "base/order.h"
#include "data/data.h"

#define X(name) extern const NnArch nn_arch_##name;
#define F(name) extern const BaseRows nn_arch_##name;
#include "nn/arch/list.h"
static const BaseRows *const FILES[] = {
#define X(name) BASE_ROW(nn_arch_##name),
#define F(name) &nn_arch_##name,
#include "nn/arch/list.h"
};
const BaseRegistry nn_arch_registry = {"architecture", FILES, BASE_COUNT(FILES), sizeof(NnArch)};

/* The family of row @p i, where the row before has another one or none. */
static const NnArchFamily *family_at(size_t i)
{
    const NnArch *arch = base_registry_at(&nn_arch_registry, i),
                 *before = i ? base_registry_at(&nn_arch_registry, i - 1) : NULL;
    return before && before->family == arch->family ? NULL : arch->family;
}

BaseStatus nn_arch_find(const char *name, const NnArch **out)
{
    *out = NULL;
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry); i++) {
        const NnArchFamily *family = family_at(i);
        BaseStatus st = family ? family->named(name, out) : BASE_OK;
        if (st != BASE_OK || *out) return st;
    }
    return base_registry_find(&nn_arch_registry, name, (const BaseEntry **)out); /* the entry is its first member */
}

BaseStatus nn_arch_of(const IoTensors *tensors, const NnArch **out)
{
    *out = NULL;
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry); i++) {
        const NnArchFamily *family = family_at(i);
        BaseStatus st = family ? family->of(tensors, out) : BASE_OK;
        if (st != BASE_OK || *out) return st;
    }
    return BASE_OK;
}

/* Channels of the images a checkpoint is made for: what its first convolution has; 0 where it does not say. */
static BaseStatus stem_channels(const NnArch *arch, const int64_t shape[3], const IoTensors *tensors, int64_t *C)
{
    NnNet *net = NULL;
    int layers, slices;
    *C = 0;
    BaseStatus st = nn_arch_build_at(arch, shape, 2, false, &net);
    if (st != BASE_OK) return st == BASE_ENOMEM ? st : BASE_OK;
    const char *name = nn_net_param_slices(net, &slices)[nn_net_layers(net, &layers)[0].weight].name;
    const IoTensor *weight = io_tensors_find(tensors, name);
    if (weight && weight->ndim == 4 && weight->shape[1] <= DATA_CHANNELS_MAX) *C = weight->shape[1];
    nn_net_free(net);
    return BASE_OK;
}

BaseStatus nn_arch_shape(const NnArch *arch, const int64_t data[3], const IoTensors *tensors, int64_t shape[3])
{
    const int64_t own[3] = {arch->C, arch->H, arch->W}, given[3] = {data[0], data[1], data[2]};
    int64_t side = arch->side && tensors ? arch->side(arch->form, tensors) : 0;
    for (int i = 0; i < 3; i++) shape[i] = own[i] ? own[i] : given[i];
    for (int i = 1; i < 3; i++) {
        if (side) shape[i] = side;
        if (arch->larger && given[i] > shape[i]) shape[i] = given[i];
        if (arch->smaller && given[i] > 0 && given[i] < shape[i]) shape[i] = base_larger(given[i], arch->least);
    }
    if (!arch->C || !tensors) return BASE_OK;
    int64_t C;
    BaseStatus st = stem_channels(arch, shape, tensors, &C);
    if (C > 0) shape[0] = C;
    return st;
}

BaseStatus nn_arch_build(const NnArch *arch, const int64_t data[3], int64_t K, NnNet **out)
{
    int64_t shape[3];
    *out = NULL;
    BaseStatus st = nn_arch_shape(arch, data, NULL, shape);
    return st == BASE_OK ? nn_arch_build_at(arch, shape, K, true, out) : st;
}

BaseStatus nn_arch_build_at(const NnArch *arch, const int64_t shape[3], int64_t K, bool numbers, NnNet **out)
{
    BaseStatus st = BASE_OK;
    NnGraph *graph = NULL;
    *out = NULL;
    BASE_CHECK(K >= 1, BASE_EARG, "%s: %lld classes", arch->entry.name, (long long)K);
    BASE_TRY(nn_graph_create(shape[0], shape[1], shape[2], &graph));
    NnNode output = arch->build(graph, arch->form, K);
    st = numbers ? nn_net_create_take(graph, output, out) : nn_net_outline_take(graph, output, out);
    if (st != BASE_OK)
        base_error_prefix(st, "%s for images of %lldx%lldx%lld", arch->entry.name, (long long)shape[0],
                          (long long)shape[1], (long long)shape[2]);
out:
    return st;
}

BaseStatus nn_arch_classes(const NnArch *arch, const int64_t data[3], const IoTensors *tensors, int64_t *K)
{
    BaseStatus st = BASE_OK;
    NnNet *net = NULL;
    int layers = 0, slices = 0;
    int64_t shape[3];
    *K = 0;
    BASE_TRY(nn_arch_shape(arch, data, tensors, shape));
    BASE_TRY(nn_arch_build_at(arch, shape, 2, false, &net));
    const NnLayer *last = nn_net_layers(net, &layers) + layers - 1;
    const char *name = nn_net_param_slices(net, &slices)[last->weight].name;
    const IoTensor *weight = io_tensors_find(tensors, name);
    BASE_CHECK(weight && weight->ndim == 2 && weight->shape[0] >= 1, BASE_ESHAPE,
               "the checkpoint is not a %s: it has no classifier weight %s [classes, %lld]", arch->entry.name, name,
               (long long)last->features);
    *K = weight->shape[0];
out:
    nn_net_free(net);
    return st;
}
