/* nn/net.c - places every parameter in the flat block, shares the plan between clones, fills and hashes the numbers. */
#include "nn/net.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/param.h"
#include "base/random.h"
#include "nn/ops/op.h"

/* What clones share: it never changes after nn_net_create_take. */
struct NnPlan {
    _Atomic int64_t users;
    NnGraph *graph;
    NnNode output;
    char **names; /* [name_count] of slices */
    int name_count;
    NnSlice *params, *buffers;
    NnLayer *layers;
    int n_params, n_buffers, n_layers;
    int64_t param_count, buffer_count, flops;
};

struct NnNet {
    NnPlan *plan;
    float *params, *buffers;
    uint64_t version;
    int64_t tracked;
    const NnTuning *tuning; /* borrowed */
    char prefix[NN_PREFIX_SIZE];
};

static void plan_release(NnPlan *plan)
{
    if (!plan || atomic_fetch_sub(&plan->users, 1) > 1) return;
    nn_graph_free(plan->graph);
    for (int i = 0; i < plan->name_count; i++) base_free(plan->names[i]);
    base_free(plan->names);
    base_free(plan->params);
    base_free(plan->buffers);
    base_free(plan->layers);
    base_free(plan);
}

BaseStatus nn_plan_slice(NnPlan *plan, const char *layer, const char *suffix, NnRole role, int ndim,
                         const int64_t shape[4], int *index)
{
    BaseStatus st = BASE_OK;
    bool buffer = role == NN_RUNNING_MEAN || role == NN_RUNNING_VAR;
    char *name;
    BASE_TRY(base_format(&name, "%s%s", layer, suffix));
    plan->names[plan->name_count++] = name;
    int64_t *total = buffer ? &plan->buffer_count : &plan->param_count;
    *index = buffer ? plan->n_buffers++ : plan->n_params++;
    NnSlice *slice = buffer ? &plan->buffers[*index] : &plan->params[*index];
    *slice = (NnSlice){.name = name, .role = role, .offset = *total, .count = 1, .ndim = ndim};
    for (int d = 0; d < ndim; d++) {
        slice->shape[d] = shape[d];
        BASE_CHECK(!__builtin_mul_overflow(slice->count, shape[d], &slice->count), BASE_ESHAPE,
                   "%s has too many elements", name);
    }
    BASE_CHECK(!__builtin_add_overflow(*total, slice->count, total) && *total <= INT64_MAX / 64, BASE_ESHAPE,
               "the network has too many parameters at %s", name);
out:
    return st;
}

const NnNodeInfo *nn_plan_node(const NnPlan *plan, NnNode x) { return nn_graph_node(plan->graph, x); }
void nn_plan_count(NnPlan *plan, int64_t flops)
{
    if (__builtin_add_overflow(plan->flops, flops, &plan->flops)) plan->flops = INT64_MAX;
}

BaseStatus nn_plan_layer(NnPlan *plan, NnNodeInfo *node, int ndim)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *in = nn_graph_node(plan->graph, node->in[0]);
    int64_t shape[4] = {node->C, in->C / node->groups, node->kernel_h, node->kernel_w};
    const char *weight = node->packed ? "_weight" : ".weight", *bias = node->packed ? "_bias" : ".bias";
    BASE_TRY(nn_plan_slice(plan, node->name, weight, NN_WEIGHT, ndim, shape, &node->weight));
    if (node->bias) BASE_TRY(nn_plan_slice(plan, node->name, bias, NN_BIAS, 1, shape, &node->bias_slice));
    node->layer = plan->n_layers++;
    NnLayer *layer = &plan->layers[node->layer];
    *layer = (NnLayer){.name = node->name,
                       .kind = node->kind == NN_NODE_CONV ? NN_LAYER_CONV : NN_LAYER_LINEAR,
                       .weight = node->weight,
                       .bias = node->bias_slice,
                       .C = in->C,
                       .H = in->H,
                       .W = in->W,
                       .K = node->C,
                       .kernel_h = node->kernel_h,
                       .kernel_w = node->kernel_w,
                       .stride = node->stride,
                       .pad_h = node->pad_h,
                       .pad_w = node->pad_w,
                       .more_h = node->more_h,
                       .more_w = node->more_w,
                       .dilation = node->dilation,
                       .groups = node->groups,
                       .out_h = node->H,
                       .out_w = node->W,
                       .features = in->C / node->groups * node->kernel_h * node->kernel_w};
    int64_t flops = 2;
    const int64_t factors[] = {layer->K, layer->features, layer->out_h, layer->out_w};
    for (int i = 0; i < 4; i++)
        BASE_CHECK(!__builtin_mul_overflow(flops, factors[i], &flops), BASE_ESHAPE, "%s has too many multiplications",
                   node->name);
    nn_plan_count(plan, flops);
out:
    return st;
}

BaseStatus nn_plan_norm(NnPlan *plan, NnNodeInfo *node)
{
    BaseStatus st = BASE_OK;
    const int64_t shape[4] = {node->C};
    BASE_TRY(nn_plan_slice(plan, node->name, ".weight", NN_NORM_WEIGHT, 1, shape, &node->weight));
    BASE_TRY(nn_plan_slice(plan, node->name, ".bias", NN_NORM_BIAS, 1, shape, &node->bias_slice));
out:
    return st;
}

static BaseStatus plan_node(NnPlan *plan, NnNodeInfo *node)
{
    if (node->kind == NN_NODE_INPUT) return BASE_OK;
    const NnOperation *operation = nn_operation_of(node->kind);
    return operation->plan ? operation->plan(plan, node) : BASE_OK;
}

/* What has parameters and no input is read by one node, as its second input. */
static const struct {
    NnNodeKind kind, reader;
    const char *title;
} SOURCES[] = {{NN_NODE_VECTOR, NN_NODE_SCALE, "scale"},
               {NN_NODE_CLASS_TOKEN, NN_NODE_TOKENS, "token list"},
               {NN_NODE_POSITION_BIAS, NN_NODE_WINDOW_ATTENTION, "window attention"}};

static BaseStatus check_sources(const NnGraph *g)
{
    BaseStatus st = BASE_OK;
    int size = nn_graph_size(g);
    bool *used = NULL;
    BASE_TRY(BASE_ALLOC(size, &used));
    for (int i = 0; i < size; i++)
        for (int k = 0; k < 2; k++) {
            const NnNodeInfo *node = nn_graph_node(g, i), *in = node->in[k] < 0 ? NULL : nn_graph_node(g, node->in[k]);
            size_t s = 0;
            while (s < BASE_COUNT(SOURCES) && (!in || in->kind != SOURCES[s].kind)) s++;
            if (s == BASE_COUNT(SOURCES)) continue;
            bool behind = node->kind == NN_NODE_CLASS_TOKEN && in->kind == NN_NODE_CLASS_TOKEN;
            BASE_CHECK(k == 1 && (behind || node->kind == SOURCES[s].reader), BASE_EARG,
                       "%s can only be the second input of a %s", in->name, SOURCES[s].title);
            BASE_CHECK(!used[node->in[k]], BASE_EARG, "%s is read twice: each parameter belongs to one node", in->name);
            used[node->in[k]] = true;
        }
out:
    base_free(used);
    return st;
}

/* Every node must lead to the output: a loose layer would have parameters that nothing trains. */
static BaseStatus check_reach(const NnGraph *g, NnNode output)
{
    BaseStatus st = BASE_OK;
    int size = nn_graph_size(g);
    bool *used = NULL;
    BASE_TRY(BASE_ALLOC(size, &used));
    used[output] = true;
    for (int i = size - 1; i >= 0; i--) {
        const NnNodeInfo *node = nn_graph_node(g, i);
        BASE_CHECK(used[i], BASE_EARG, "node %d%s%s does not lead to the network's output", i, node->name ? ", " : "",
                   node->name ? node->name : "");
        for (int k = 0; k < 2; k++)
            if (node->in[k] >= 0) used[node->in[k]] = true;
    }
out:
    base_free(used);
    return st;
}

static BaseStatus plan_create(NnGraph *graph, NnNode output, NnPlan **out)
{
    BaseStatus st = BASE_OK;
    NnPlan *plan = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &plan));
    atomic_store(&plan->users, 1);
    BASE_TRY(nn_graph_status(graph));
    int size = nn_graph_size(graph);
    BASE_CHECK(output > 0 && output < size, BASE_EARG, "output node %d: must be from 1 to %d", (int)output, size - 1);
    const NnNodeInfo *last = nn_graph_node(graph, output);
    BASE_CHECK(last->H == 1 && last->W == 1, BASE_ESHAPE, "the output is a %lldx%lld map: logits must be flat",
               (long long)last->H, (long long)last->W);
    BASE_TRY(check_reach(graph, output));
    BASE_TRY(check_sources(graph));
    BASE_TRY(BASE_ALLOC(4 * size, &plan->names));
    BASE_TRY(BASE_ALLOC(2 * size, &plan->params));
    BASE_TRY(BASE_ALLOC(2 * size, &plan->buffers));
    BASE_TRY(BASE_ALLOC(size, &plan->layers));
    plan->graph = graph;
    plan->output = output;
    for (int i = 0; i < size && st == BASE_OK; i++) st = plan_node(plan, nn_graph_edit(graph, i));
    if (st == BASE_OK && plan->n_layers == 0)
        st = base_error_set(BASE_EARG, "the network has no convolution and no linear layer");
    if (st != BASE_OK) {
        plan->graph = NULL; /* still the caller's */
        goto out;
    }
    *out = plan;
    plan = NULL;
out:
    plan_release(plan);
    return st;
}

static BaseStatus net_create(NnPlan *plan, bool numbers, NnNet **out)
{
    BaseStatus st = BASE_OK;
    NnNet *net = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &net));
    if (numbers) BASE_TRY(BASE_ALLOC(plan->param_count, &net->params));
    if (numbers) BASE_TRY(BASE_ALLOC(plan->buffer_count, &net->buffers));
    net->version = 1;
    atomic_fetch_add(&plan->users, 1);
    net->plan = plan;
    *out = net;
    net = NULL;
out:
    nn_net_free(net);
    return st;
}

static BaseStatus create_take(NnGraph *graph, NnNode output, bool numbers, NnNet **out)
{
    NnPlan *plan;
    *out = NULL;
    BaseStatus st = plan_create(graph, output, &plan);
    if (st != BASE_OK) {
        nn_graph_free(graph);
        return st;
    }
    st = net_create(plan, numbers, out);
    plan_release(plan);
    return st;
}

BaseStatus nn_net_create_take(NnGraph *graph, NnNode output, NnNet **out)
{
    return create_take(graph, output, true, out);
}

BaseStatus nn_net_outline_take(NnGraph *graph, NnNode output, NnNet **out)
{
    return create_take(graph, output, false, out);
}

BaseStatus nn_net_clone(const NnNet *net, NnNet **out)
{
    BaseStatus st = net_create(net->plan, true, out);
    if (st == BASE_OK) {
        nn_net_copy(*out, net);
        (*out)->tuning = net->tuning;
        nn_net_set_prefix(*out, net->prefix);
    }
    return st;
}

bool nn_net_ends_linear(const NnNet *net)
{
    return nn_graph_node(net->plan->graph, net->plan->output)->kind == NN_NODE_LINEAR;
}

/* The first node from @p node towards the input that is a layer or a sum. */
static const NnNodeInfo *made_by(const NnGraph *graph, const NnNodeInfo *node)
{
    while (node->layer < 0 && node->kind != NN_NODE_ADD && node->in[0] >= 0) node = nn_graph_node(graph, node->in[0]);
    return node;
}

int nn_net_classifiers(const NnNet *net, int layers[NN_CLASSIFIERS])
{
    const NnGraph *graph = net->plan->graph;
    const NnNodeInfo *sum = made_by(graph, nn_graph_node(graph, net->plan->output));
    layers[0] = net->plan->n_layers - 1;
    if (sum->kind != NN_NODE_ADD) return 1;
    int a = made_by(graph, nn_graph_node(graph, sum->in[0]))->layer;
    int b = made_by(graph, nn_graph_node(graph, sum->in[1]))->layer;
    if (a < 0 || b < 0 || a == b) return 1; /* no sum of two classifiers */
    layers[0] = a < b ? a : b;
    layers[1] = a < b ? b : a;
    return NN_CLASSIFIERS;
}

BaseStatus nn_net_widen(const NnNet *net, int64_t K, NnNet **out)
{
    BaseStatus st = BASE_OK;
    const NnPlan *plan = net->plan;
    NnGraph *graph = NULL;
    NnNet *wide = NULL;
    *out = NULL;
    const NnNodeInfo *last = nn_graph_node(plan->graph, plan->output);
    BASE_CHECK(nn_net_ends_linear(net), BASE_ESHAPE, "the network does not end in a linear layer");
    BASE_CHECK(K >= last->C, BASE_EARG, "%lld outputs: at least the network's %lld", (long long)K, (long long)last->C);
    BASE_TRY(nn_graph_clone(plan->graph, &graph));
    nn_graph_edit(graph, plan->output)->C = K;
    st = nn_net_create_take(graph, plan->output, &wide);
    graph = NULL;
    BASE_TRY(st);
    for (int i = 0; i < plan->n_params; i++)
        memcpy(wide->params + wide->plan->params[i].offset, net->params + plan->params[i].offset,
               (size_t)plan->params[i].count * sizeof *net->params);
    memcpy(wide->buffers, net->buffers, (size_t)plan->buffer_count * sizeof *net->buffers);
    wide->tracked = net->tracked;
    wide->tuning = net->tuning;
    nn_net_set_prefix(wide, net->prefix);
    *out = wide;
    wide = NULL;
out:
    nn_graph_free(graph);
    nn_net_free(wide);
    return st;
}

void nn_net_free(NnNet *net)
{
    if (!net) return;
    plan_release(net->plan);
    base_free(net->params);
    base_free(net->buffers);
    base_free(net);
}

void nn_net_copy(NnNet *to, const NnNet *from)
{
    if (to == from) return;
    memcpy(to->params, from->params, (size_t)from->plan->param_count * sizeof *to->params);
    memcpy(to->buffers, from->buffers, (size_t)from->plan->buffer_count * sizeof *to->buffers);
    to->tracked = from->tracked;
    to->version++;
}

const NnGraph *nn_net_graph(const NnNet *net) { return net->plan->graph; }
NnNode nn_net_output(const NnNet *net) { return net->plan->output; }
void nn_net_input_shape(const NnNet *net, int64_t shape[3]) { nn_node_shape(net->plan->graph, 0, shape); }
int64_t nn_net_classes(const NnNet *net) { return nn_graph_node(net->plan->graph, net->plan->output)->C; }
int64_t nn_net_param_count(const NnNet *net) { return net->plan->param_count; }
int64_t nn_net_buffer_count(const NnNet *net) { return net->plan->buffer_count; }
const float *nn_net_params(const NnNet *net) { return net->params; }
const float *nn_net_buffers(const NnNet *net) { return net->buffers; }
uint64_t nn_net_version(const NnNet *net) { return net->version; }
int64_t *nn_net_batches_tracked(NnNet *net) { return &net->tracked; }
void nn_net_set_tuning(NnNet *net, const NnTuning *tuning) { net->tuning = tuning; }
const NnTuning *nn_net_tuning(const NnNet *net) { return net->tuning; }
void nn_net_set_prefix(NnNet *net, const char *prefix)
{
    bool fits = prefix && strlen(prefix) < sizeof net->prefix;
    snprintf(net->prefix, sizeof net->prefix, "%s", fits ? prefix : "");
}
const char *nn_net_prefix(const NnNet *net) { return net->prefix; }

int64_t nn_net_flops(const NnNet *net) { return net->plan->flops; }

float *nn_net_edit_params(NnNet *net)
{
    net->version++;
    return net->params;
}

float *nn_net_edit_buffers(NnNet *net)
{
    net->version++;
    return net->buffers;
}

const NnSlice *nn_net_param_slices(const NnNet *net, int *count)
{
    *count = net->plan->n_params;
    return net->plan->params;
}

const NnSlice *nn_net_buffer_slices(const NnNet *net, int *count)
{
    *count = net->plan->n_buffers;
    return net->plan->buffers;
}

const NnLayer *nn_net_layers(const NnNet *net, int *count)
{
    *count = net->plan->n_layers;
    return net->plan->layers;
}

static void fill(float *values, int64_t count, float value)
{
    for (int64_t i = 0; i < count; i++) values[i] = value;
}

void nn_net_init(NnNet *net, uint64_t seed)
{
    const NnPlan *plan = net->plan;
    float *params = nn_net_edit_params(net), *buffers = nn_net_edit_buffers(net);
    net->tracked = 0;
    double bound = 0; /* a bias has its weight's fan-in, and follows it */
    for (int i = 0; i < plan->n_params; i++) {
        const NnSlice *slice = &plan->params[i];
        float *values = params + slice->offset;
        if (slice->role == NN_NORM_WEIGHT || slice->role == NN_NORM_BIAS) {
            fill(values, slice->count, slice->role == NN_NORM_WEIGHT ? 1 : 0);
            continue;
        }
        if (slice->role == NN_SCALE || slice->role == NN_SLOPE) {
            fill(values, slice->count, slice->role == NN_SCALE ? 1e-6F : 0.25F);
            continue;
        }
        if (slice->role == NN_WEIGHT) bound = 1 / sqrt((double)(slice->count / slice->shape[0]));
        BaseRandom stream = base_random_make(seed, "init", base_hash_fnv1a(slice->name));
        if (slice->role == NN_EMBEDDING || slice->role == NN_POSITION_BIAS) {
            for (int64_t k = 0; k < slice->count; k++) values[k] = (float)(0.02 * base_random_normal(&stream));
            continue;
        }
        for (int64_t k = 0; k < slice->count; k++) values[k] = (float)(bound * (2 * base_random_uniform(&stream) - 1));
    }
    for (int i = 0; i < plan->n_buffers; i++) {
        const NnSlice *slice = &plan->buffers[i];
        fill(buffers + slice->offset, slice->count, slice->role == NN_RUNNING_VAR ? 1 : 0);
    }
}

static void hash_slices(BaseHash *hash, const NnSlice *slices, int count, const float *values)
{
    for (int i = 0; i < count; i++) {
        base_hash_add_text(hash, slices[i].name);
        char shape[128];
        int used = snprintf(shape, sizeof shape, "%d", slices[i].ndim);
        for (int d = 0; d < slices[i].ndim; d++)
            used += snprintf(shape + used, sizeof shape - (size_t)used, ",%lld", (long long)slices[i].shape[d]);
        base_hash_add_text(hash, shape);
        base_hash_add(hash, values + slices[i].offset, (size_t)slices[i].count * sizeof *values);
    }
}

BaseStatus nn_net_hash(const NnNet *net, char hex[BASE_HASH_HEX])
{
    BaseStatus st = BASE_OK;
    BaseHash *hash = NULL;
    BASE_TRY(base_hash_create(&hash));
    hash_slices(hash, net->plan->params, net->plan->n_params, net->params);
    hash_slices(hash, net->plan->buffers, net->plan->n_buffers, net->buffers);
    base_hash_finish(hash, hex);
out:
    base_hash_free(hash);
    return st;
}
