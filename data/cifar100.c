/* data/cifar100.c - CIFAR-100: 50000 + 10000 colour photographs, 32 x 32, by its 100 fine labels. */
#include "data/cifar/cifar.h"

static const char *const CLASSES[] = {
    "apple",      "aquarium_fish", "baby",         "bear",       "beaver",      "bed",         "bee",
    "beetle",     "bicycle",       "bottle",       "bowl",       "boy",         "bridge",      "bus",
    "butterfly",  "camel",         "can",          "castle",     "caterpillar", "cattle",      "chair",
    "chimpanzee", "clock",         "cloud",        "cockroach",  "couch",       "crab",        "crocodile",
    "cup",        "dinosaur",      "dolphin",      "elephant",   "flatfish",    "forest",      "fox",
    "girl",       "hamster",       "house",        "kangaroo",   "keyboard",    "lamp",        "lawn_mower",
    "leopard",    "lion",          "lizard",       "lobster",    "man",         "maple_tree",  "motorcycle",
    "mountain",   "mouse",         "mushroom",     "oak_tree",   "orange",      "orchid",      "otter",
    "palm_tree",  "pear",          "pickup_truck", "pine_tree",  "plain",       "plate",       "poppy",
    "porcupine",  "possum",        "rabbit",       "raccoon",    "ray",         "road",        "rocket",
    "rose",       "sea",           "seal",         "shark",      "shrew",       "skunk",       "skyscraper",
    "snail",      "snake",         "spider",       "squirrel",   "streetcar",   "sunflower",   "sweet_pepper",
    "table",      "tank",          "telephone",    "television", "tiger",       "tractor",     "train",
    "trout",      "tulip",         "turtle",       "wardrobe",   "whale",       "willow_tree", "wolf",
    "woman",      "worm"};
static const DataCifarKind KIND = {
    .name = "cifar100",
    .classes = CLASSES,
    .K = 100,
    .binary = {"cifar-100-binary", {"train.bin"}, {"test.bin"}},
    .python = {"cifar-100-python", {"train"}, {"test"}},
    .labels = 2,
    .label = 1,
    .key = "fine_labels",
    .mean = {0.5071f, 0.4865f, 0.4409f},
    .std = {0.2673f, 0.2564f, 0.2762f},
};

static BaseStatus open_folder(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    (void)request;
    return data_cifar_open(&KIND, path, train, test);
}

const DataSource data_cifar100 = {
    BASE_ENTRY_PLAIN("cifar100", "colour photographs, 100 classes, 32 x 32, 50000 + 10000 images, files in DIR",
                     "www.cs.toronto.edu/~kriz/cifar.html"),
    DATA_PATH_REQUIRED, open_folder, false};
