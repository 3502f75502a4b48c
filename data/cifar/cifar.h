/* data/cifar/cifar.h - the CIFAR data sets (Krizhevsky 2009): 32 x 32 RGB, in the binary distribution. */
#ifndef DATA_CIFAR_CIFAR_H
#define DATA_CIFAR_CIFAR_H

#include "data/data.h"

enum { DATA_CIFAR_FILES = 5 };
typedef struct {
    const char *name;   /* "cifar10" */
    const char *folder; /* as its archive unpacks: looked for in the folder given, else that folder itself is it */
    const char *const *classes; /* [K] */
    int64_t K;
    int labels, label;                                 /* label bytes before each image; which of them counts */
    const char *train[DATA_CIFAR_FILES + 1], *test[2]; /* file names, NULL-ended */
    float mean[3], std[3];                             /* of the training pixels scaled to 0..1 */
} DataCifarKind;

/** BASE_EIO where a file is missing, BASE_EFORMAT for a wrong size or label, naming the file. */
BaseStatus data_cifar_open(const DataCifarKind *kind, const char *folder, DataSet **train, DataSet **test);

#endif
