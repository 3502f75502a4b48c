/* nn/graph_attributes.h - what a node of a graph file sets of its operation, and answers to words that nobody knows. */
#ifndef NN_GRAPH_ATTRIBUTES_H
#define NN_GRAPH_ATTRIBUTES_H

#include "base/text.h"
#include "io/json_tree.h"
#include "nn/ops/op.h"

/** Fills @p set with the attributes in @p map (NULL: none) and the defaults of the others. BASE_EFORMAT, BASE_ENOMEM. */
BaseStatus nn_graph_attributes(const NnForm *form, const IoJsonTree *map, NnNodeInfo *set);

/** Appends "; did you mean 'x'?", or nothing. */
void nn_graph_near(BaseText *out, const char *word, const char *const *candidates, size_t count);
/** BASE_EFORMAT: "@p what no @p kind 'word'; did you mean 'x'? There are: x, y"; BASE_ENOMEM. */
BaseStatus nn_graph_unknown(const char *what, const char *kind, const char *word, const char *const *names,
                            size_t count);

#endif
