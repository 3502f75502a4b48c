/* nn/ops/scale.c - channels scaled each by itself: by a gate that the image sets (squeeze-and-excitation, arXiv
 * 1709.01507), or by a learned vector (layer scale, arXiv 2103.17239). */
#include "nn/ops/op.h"

NnNode nn_vector(NnGraph *g, const char *name, int64_t C)
{
    if (!nn_graph_usable(g, 0, name) || !nn_graph_fresh_name(g, name, "a vector")) return -1;
    if (C < 1)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "%s: %lld channels: at least 1", name, (long long)C));
    return nn_graph_add(g, (NnNodeInfo){.kind = NN_NODE_VECTOR, .in = {-1, -1}, .C = C, .H = 1, .W = 1}, name);
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
    const int64_t shape[4] = {node->C, 1, 1};
    return nn_plan_slice(plan, node->name, "", NN_SCALE, 3, shape, &node->weight);
}

const NnOperation nn_operation_vector = {"a vector", plan};
const NnOperation nn_operation_scale = {.title = "a scale"};
