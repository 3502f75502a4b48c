/* nn/ops/scale.c - channels scaled each by itself: by a gate that the image sets (squeeze-and-excitation, arXiv
 * 1709.01507), or by a learned vector (layer scale, arXiv 2103.17239). */
#include <string.h>

#include "nn/ops/op.h"

NnNode nn_vector(NnGraph *g, const char *name, int64_t C)
{
    if (!nn_graph_usable(g, 0, name) || !nn_graph_fresh_name(g, name, "a vector")) return -1;
    if (C < 1)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "%s: %lld channels: at least 1", name, (long long)C));
    NnNodeInfo info = {.kind = NN_NODE_VECTOR, .in = {-1, -1}, .C = C, .H = 1, .W = 1, .ones = {0, 2}};
    return nn_graph_add(g, info, name);
}

NnNode nn_scale(NnGraph *g, NnNode x, NnNode by)
{
    if (!nn_graph_usable(g, x, "scale") || !nn_graph_usable(g, by, "scale")) return -1;
    const NnNodeInfo *in = nn_graph_node(g, x), *gate = nn_graph_node(g, by);
    if (gate->C != in->C || gate->H != 1 || gate->W != 1)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE,
                                               "scale: a gate of [%lld, %lld, %lld] for %lld channels: must be one "
                                               "number per channel",
                                               (long long)gate->C, (long long)gate->H, (long long)gate->W,
                                               (long long)in->C));
    NnNodeInfo info = {.kind = NN_NODE_SCALE, .in = {x, by}, .C = in->C, .H = in->H, .W = in->W};
    return nn_graph_add(g, info, NULL);
}

static BaseStatus plan(NnPlan *plan, NnNodeInfo *node)
{
    int64_t shape[4] = {1, 1, 1, 1};
    shape[node->ones[0]] = node->C;
    return nn_plan_slice(plan, node->name, "", NN_SCALE, (int)(node->ones[0] + 1 + node->ones[1]), shape,
                         &node->weight);
}

static NnNode vector_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)in, (void)count;
    NnNode x = nn_vector(g, name, set->C);
    if (x >= 0) memcpy(nn_graph_edit(g, x)->ones, set->ones, sizeof set->ones);
    return x;
}

static NnNode scale_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name, (void)set;
    return nn_scale(g, in[0], in[1]);
}

static const NnAttribute CHANNELS[] = {
    NN_NEEDED("channels", C),
    {"shape", NN_ATTRIBUTE_SHAPE, offsetof(NnNodeInfo, ones), .usual = 2, .like = "channels"}};
static const NnForm VECTOR = {"parameter",
                              0,
                              0,
                              .tensors = "`<name>`",
                              .meaning = "a learned number per channel, for `mul`",
                              NN_ATTRIBUTES(CHANNELS),
                              .build = vector_of};
static const NnForm SCALE = {"mul", 2, 2, .meaning = "the second is `[C, 1, 1]`: a gate, or a `parameter`",
                             .build = scale_of};
const NnOperation nn_operation_vector = {"a vector", plan, NN_FORMS(&VECTOR)};
const NnOperation nn_operation_scale = {.title = "a scale", NN_FORMS(&SCALE)};
