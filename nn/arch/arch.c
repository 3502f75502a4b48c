/* nn/arch/arch.c - which input an architecture takes for given data and weights, and how many classes those have;
 * architectures that are read from graph files. */
#include "nn/arch/arch.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "data/data.h"
#include "nn/node.h"

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

/* ---- graph files ---- */

enum { PIN = 16 }; /* digits of a content's hash in a name, behind '#' */

/* The digits behind the last '#' where @p name, of a graph file, ends in as many; else NULL. */
static const char *pin_of(const char *name)
{
    const char *mark = strrchr(name, '#');
    return mark && strlen(mark + 1) == PIN && strspn(mark + 1, "0123456789abcdef") == PIN ? mark + 1 : NULL;
}

static bool is_graph(const char *name) { return strncmp(name, NN_ARCH_GRAPH, strlen(NN_ARCH_GRAPH)) == 0; }

static NnNode build_file(NnGraph *g, const void *form, int64_t K)
{
    const NnGraphFile *file = form;
    int64_t shape[3], own[3];
    NnNode output = nn_graph_append(g, file->graph);
    nn_node_shape(g, 0, shape);
    nn_node_shape(file->graph, 0, own);
    if (output < 0) return output;
    if (memcmp(shape, own, sizeof own) != 0)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "the graph file is for images of %lldx%lldx%lld",
                                               (long long)own[0], (long long)own[1], (long long)own[2]));
    nn_graph_file_classifier(g, output, K);
    return output;
}

/* Until nn_arch_release: architectures are borrowed. */
typedef struct Made {
    NnArch arch;
    NnGraphFile *file;
    char *name;
    struct Made *next;
} Made;
static Made *made;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void made_free(Made *one)
{
    if (!one) return;
    nn_graph_file_free(one->file);
    base_free(one->name);
    base_free(one);
}

void nn_arch_release(void)
{
    pthread_mutex_lock(&lock);
    for (Made *one = made, *next; one; one = next) {
        next = one->next;
        made_free(one);
    }
    made = NULL;
    pthread_mutex_unlock(&lock);
}

static BaseStatus make_take(const char *path, NnGraphFile *file, const NnArch **out)
{
    BaseStatus st = BASE_OK;
    Made *fresh = NULL, *one;
    int64_t shape[3];
    st = BASE_ALLOC(1, &fresh);
    if (st != BASE_OK) {
        nn_graph_file_free(file);
        return st;
    }
    fresh->file = file;
    BASE_TRY(base_format(&fresh->name, NN_ARCH_GRAPH "%s#%.*s", path, PIN, file->hash));
    nn_node_shape(file->graph, 0, shape);
    fresh->arch = (NnArch){.entry = BASE_ENTRY_PLAIN(fresh->name, "a network from a graph file", ""),
                           .C = shape[0],
                           .H = shape[1],
                           .W = shape[2],
                           .form = file,
                           .build = build_file,
                           .file = file};
    pthread_mutex_lock(&lock);
    for (one = made; one; one = one->next)
        if (strcmp(one->name, fresh->name) == 0 && strcmp(one->file->hash, file->hash) == 0) break;
    if (!one) {
        one = fresh;
        one->next = made;
        made = one;
        fresh = NULL;
    }
    pthread_mutex_unlock(&lock);
    *out = &one->arch;
out:
    made_free(fresh);
    return st;
}

static BaseStatus find_file(const char *name, const NnArch **out)
{
    BaseStatus st = BASE_OK;
    NnGraphFile *file = NULL;
    char *path = NULL;
    const char *pin = pin_of(name);
    BASE_TRY(base_strdup(name + strlen(NN_ARCH_GRAPH), &path));
    if (pin) path[strlen(path) - PIN - 1] = '\0';
    BASE_CHECK(*path, BASE_EUSAGE, "architecture '%.100s': must be graph:FILE.json", name);
    BASE_TRY(nn_graph_file_read(path, &file));
    BASE_CHECK(!pin || strncmp(pin, file->hash, PIN) == 0, BASE_EFORMAT,
               "%s: the graph file is not the one that was named: the hash of its content begins with %.*s, not %s",
               path, PIN, file->hash, pin);
    st = make_take(path, file, out);
    file = NULL;
out:
    nn_graph_file_free(file);
    base_free(path);
    return st;
}

void nn_arch_key(const char *name, BaseText *out)
{
    const NnArch *arch;
    if (is_graph(name) && !pin_of(name)) {
        BaseStatus st = find_file(name, &arch);
        if (st != BASE_OK && out->st == BASE_OK) out->st = st;
        if (st != BASE_OK) return;
        name = arch->entry.name;
    }
    base_text_add(out, "%s%s", is_graph(name) ? NN_ARCH_GRAPH : "", is_graph(name) ? pin_of(name) : name);
}

bool nn_arch_same(const char *a, const char *b)
{
    BaseText x = {0}, y = {0};
    if (strcmp(a, b) == 0) return true;
    if (!is_graph(a) || !is_graph(b)) return false;
    nn_arch_key(a, &x);
    nn_arch_key(b, &y);
    bool same = x.st == BASE_OK && y.st == BASE_OK && strcmp(x.data, y.data) == 0;
    base_text_free(&x);
    base_text_free(&y);
    return same;
}

/* ---- by name or checkpoint ---- */

BaseStatus nn_arch_find(const char *name, const NnArch **out)
{
    *out = NULL;
    if (is_graph(name)) return find_file(name, out);
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
    if (arch->file) {
        memcpy(shape, own, sizeof own);
        return BASE_OK;
    }
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
    int ndim = nn_net_param_slices(net, &slices)[last->weight].ndim;
    BASE_CHECK(weight && weight->ndim == ndim && weight->shape[0] >= 1, BASE_ESHAPE,
               "the checkpoint is not a %s: it has no classifier weight %s [classes, %lld%s]", arch->entry.name, name,
               (long long)last->features, ndim == 4 ? ", 1, 1" : "");
    *K = weight->shape[0];
out:
    nn_net_free(net);
    return st;
}
