/* unlearn/list.h - one row per method: X(name) is unlearn/<name>.c exporting `const UnlearnMethod unlearn_<name>`. */
#ifndef UNLEARN_LIST_H
#define UNLEARN_LIST_H

#define UNLEARN_LIST(X)                                                                                                \
    X(none)                                                                                                            \
    X(svd)                                                                                                             \
    X(retrain)                                                                                                         \
    X(mask_logit)                                                                                                      \
    X(random_projection)

#endif
