/* data/mnist.c - MNIST: 60000 + 10000 handwritten digits, 28 x 28. */
#include "data/idx/idx.h"

static const char *const CLASSES[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const DataIdxKind KIND = {
    "mnist",    CLASSES, 0.1307f, 0.3081f, "mnist:DIR names the folder that holds the four IDX files of MNIST",
    "MNIST/raw"};

static BaseStatus open_folder(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    (void)request;
    return data_idx_open(&KIND, path, train, test);
}

const DataSource data_mnist = {BASE_ENTRY_PLAIN("mnist",
                                                "handwritten digits, 10 classes, 28 x 28 grey, IDX files in DIR",
                                                "yann.lecun.com/exdb/mnist"),
                               DATA_PATH_REQUIRED, open_folder, false};
