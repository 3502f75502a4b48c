/* nn/ops/list.h - one row per operation: X(KIND, name) makes NN_NODE_KIND; `const NnOperation nn_operation_<name>` is in
 * a file of nn/ops, `const NnOpBackend nn_op_<name>` in one of nn/onednn/ops. */
X(CONV, convolution)
X(LINEAR, linear)
X(NORM, batch_norm)
X(RELU, relu)
X(MAX_POOL, max_pool)
X(AVG_POOL, avg_pool)
X(FLATTEN, flatten)
X(ADD, add)
X(DROPOUT, dropout)
X(CLASS_TOKEN, class_token)
X(TOKENS, tokens)
X(FIRST_TOKEN, first_token)
X(LAYER_NORM, layer_norm)
X(ACTIVATION, activation)
X(ATTENTION, attention)
#undef X
