/* data/list.h - one row per file of data sets: X(name) exports `const DataSource data_<name>`, F(name) a family,
 * `const BaseRows data_<name>`. The order is that of `expunge list`. */
X(fashion_mnist)
X(mnist)
X(cifar10)
X(cifar100)
X(cifar100_coarse)
X(imagefolder)
X(hdf5)
X(gaussians)
#undef X
#undef F
