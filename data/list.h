/* data/list.h - one row per file of data sets: X(name) exports `const DataSource data_<name>`, F(name) a family,
 * `const BaseRows data_<name>`. The order is that of `expunge list`. */
X(fashion_mnist)
X(mnist)
F(cifar)
X(imagefolder)
X(wds)
X(hdf5)
X(gaussians)
#undef X
#undef F
