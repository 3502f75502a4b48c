/* data/list.h - one row per data set: X(name) is data/<name>.c exporting `const DataSource data_<name>`. */
#ifndef DATA_LIST_H
#define DATA_LIST_H

#define DATA_LIST(X)                                                                                                   \
    X(fashion_mnist)                                                                                                   \
    X(mnist)                                                                                                           \
    X(cifar10)                                                                                                         \
    X(cifar100)                                                                                                        \
    X(cifar100_coarse)                                                                                                 \
    X(imagefolder)                                                                                                     \
    X(hdf5)                                                                                                            \
    X(gaussians)

#endif
