/* nn/ops/tokens.c - what makes tokens of a map, and a vector of tokens (arXiv 2010.11929). */
#include "nn/ops/op.h"

NnNode nn_class_token(NnGraph *g, const char *name, int64_t count, int64_t E)
{
    return nn_class_token_behind(g, -1, name, count, E);
}

NnNode nn_class_token_behind(NnGraph *g, NnNode first, const char *name, int64_t count, int64_t E)
{
    if (!nn_graph_usable(g, 0, name) || (first >= 0 && !nn_graph_usable(g, first, name)) ||
        !nn_graph_fresh_name(g, name, "a class token"))
        return -1;
    const NnNodeInfo *before = first < 0 ? NULL : nn_graph_node(g, first);
    if (before && (before->kind != NN_NODE_CLASS_TOKEN || before->C != E))
        return nn_graph_fail(
            g, base_error_set(BASE_ESHAPE, "%s: must stand behind class tokens of %lld features", name, (long long)E));
    if (E < 1 || count < 1)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE, "%s: %lld tokens of %lld features: must be at least 1",
                                               name, (long long)count, (long long)E));
    NnNodeInfo info = {.kind = NN_NODE_CLASS_TOKEN,
                       .in = {-1, first},
                       .C = E,
                       .H = (before ? before->H : 0) + count,
                       .W = 1,
                       .tokens = count};
    return nn_graph_add(g, info, name);
}

NnNode nn_tokens(NnGraph *g, NnNode x, NnNode first, const char *name)
{
    if (!nn_graph_usable(g, x, name) || (first >= 0 && !nn_graph_usable(g, first, name)) ||
        !nn_graph_fresh_name(g, name, "a position embedding"))
        return -1;
    const NnNodeInfo *in = nn_graph_node(g, x), *token = first < 0 ? NULL : nn_graph_node(g, first);
    if (token && (token->kind != NN_NODE_CLASS_TOKEN || token->C != in->C))
        return nn_graph_fail(g,
                             base_error_set(BASE_ESHAPE, "%s: the first tokens must be class tokens of %lld features",
                                            name, (long long)in->C));
    NnNodeInfo info = {
        .kind = NN_NODE_TOKENS, .in = {x, first}, .C = in->C, .H = (token ? token->H : 0) + in->H * in->W, .W = 1};
    return nn_graph_add(g, info, name);
}

NnNode nn_token(NnGraph *g, NnNode x, int64_t index)
{
    if (!nn_graph_usable(g, x, "first token")) return -1;
    if (index < 0 || index >= nn_graph_node(g, x)->H)
        return nn_graph_fail(
            g, base_error_set(BASE_ESHAPE, "token %lld of %lld", (long long)index, (long long)nn_graph_node(g, x)->H));
    if (nn_graph_node(g, x)->W != 1)
        return nn_graph_fail(g, base_error_set(BASE_ESHAPE,
                                               "the first token of a map %lld wide: turn the map into tokens first",
                                               (long long)nn_graph_node(g, x)->W));
    x = nn_graph_like(g, x, NN_NODE_FIRST_TOKEN, 1, NULL);
    if (x >= 0) nn_graph_edit(g, x)->token = index;
    return x;
}

NnNode nn_first_token(NnGraph *g, NnNode x) { return nn_token(g, x, 0); }

static BaseStatus plan(NnPlan *plan, NnNodeInfo *node)
{
    const int64_t shape[4] = {1, node->H, node->C};
    return nn_plan_slice(plan, node->name, "", NN_EMBEDDING, 3, shape, &node->weight);
}

static BaseStatus class_plan(NnPlan *plan, NnNodeInfo *node)
{
    const int64_t shape[4] = {1, node->tokens, node->C};
    return nn_plan_slice(plan, node->name, "", NN_EMBEDDING, 3, shape, &node->weight);
}

static NnNode class_token_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    return nn_class_token_behind(g, count ? in[0] : -1, name, set->tokens, set->C);
}

static NnNode tokens_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)set;
    return nn_tokens(g, in[0], count == 2 ? in[1] : -1, name);
}

static NnNode first_of(NnGraph *g, const NnNode *in, int count, const char *name, const NnNodeInfo *set)
{
    (void)count, (void)name;
    return nn_token(g, in[0], set->token);
}

static const NnAttribute CLASS[] = {
    NN_NEEDED("embed_dim", C),
    {"num_tokens", NN_ATTRIBUTE_COUNT, offsetof(NnNodeInfo, tokens), .usual = 1, .least = 1, .most = NN_GRAPH_LARGEST}};
static const NnForm CLASS_TOKEN = {"class_token",
                                   0,
                                   1,
                                   .tensors = "`<name>` `[1, num_tokens, embed_dim]`",
                                   .meaning = "learned tokens, for `tokens`, behind those of another `class_token` "
                                              "if there is an input",
                                   NN_ATTRIBUTES(CLASS),
                                   .build = class_token_of};
static const NnForm TOKENS = {"tokens",
                              1,
                              2,
                              .tensors = "`<name>` `[1, T, E]`",
                              .meaning = "the pixels of the first, row by row, as tokens, behind those of a "
                                         "`class_token` if there is a second; plus the positions `<name>`",
                              .build = tokens_of};
static const NnAttribute FIRST_INDEX[] = {
    {"index", NN_ATTRIBUTE_COUNT, offsetof(NnNodeInfo, token), .usual = 0, .least = 0, .most = NN_GRAPH_LARGEST}};
static const NnForm FIRST = {"first_token",
                             1,
                             1,
                             .meaning = "the first token of `[E, T, 1]`, as a vector, or the one at `index`",
                             NN_ATTRIBUTES(FIRST_INDEX),
                             .build = first_of};
const NnOperation nn_operation_class_token = {"a class token", class_plan, NN_FORMS(&CLASS_TOKEN)};
const NnOperation nn_operation_tokens = {"a token list", plan, NN_FORMS(&TOKENS)};
const NnOperation nn_operation_first_token = {.title = "a first token", NN_FORMS(&FIRST)};
