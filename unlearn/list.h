/* unlearn/list.h - one row per method: X(name) is unlearn/<name>.c exporting `const UnlearnMethod unlearn_<name>`. */
#ifndef UNLEARN_LIST_H
#define UNLEARN_LIST_H

#define UNLEARN_LIST(X)                                                                                                \
    X(none)                                                                                                            \
    X(svd)                                                                                                             \
    X(retrain)                                                                                                         \
    X(finetune)                                                                                                        \
    X(neggrad)                                                                                                         \
    X(neggrad_plus)                                                                                                    \
    X(random_label)                                                                                                    \
    X(salun)                                                                                                           \
    X(ssd)                                                                                                             \
    X(scrub)                                                                                                           \
    X(unsir)                                                                                                           \
    X(cf_k)                                                                                                            \
    X(eu_k)                                                                                                            \
    X(l1_sparse)                                                                                                       \
    X(bad_teacher)                                                                                                     \
    X(boundary_shrink)                                                                                                 \
    X(boundary_expand)                                                                                                 \
    X(fisher)                                                                                                          \
    X(influence)                                                                                                       \
    X(mask_logit)                                                                                                      \
    X(last_layer)                                                                                                      \
    X(random_projection)

#endif
