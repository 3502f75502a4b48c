/* data/cifar10.c - CIFAR-10: 50000 + 10000 colour photographs, 32 x 32, ten classes. */
#include "data/cifar/cifar.h"

static const char *const CLASSES[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                      "dog",      "frog",       "horse", "ship", "truck"};
static const DataCifarKind KIND = {
    .name = "cifar10",
    .classes = CLASSES,
    .K = 10,
    .binary = {"cifar-10-batches-bin",
               {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
               {"test_batch.bin"}},
    .python = {"cifar-10-batches-py",
               {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"},
               {"test_batch"}},
    .labels = 1,
    .label = 0,
    .key = "labels",
    .mean = {0.4914f, 0.4822f, 0.4465f},
    .std = {0.2470f, 0.2435f, 0.2616f},
};

static BaseStatus open_folder(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    (void)request;
    return data_cifar_open(&KIND, path, train, test);
}

const DataSource data_cifar10 = {
    BASE_ENTRY_PLAIN("cifar10", "colour photographs, 10 classes, 32 x 32, 50000 + 10000 images, files in DIR",
                     "www.cs.toronto.edu/~kriz/cifar.html"),
    DATA_PATH_REQUIRED, open_folder, false};
