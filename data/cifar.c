/* data/cifar.c - CIFAR-10 and CIFAR-100: 50000 + 10000 colour photographs, 32 x 32, of ten classes, of 100, or of 20
 * coarse ones with five fine ones each. */
#include "data/cifar/cifar.h"

/* clang-format off */
static const char *const TEN[] = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
static const char *const FINE[] = {
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
    "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
    "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
    "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
    "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm"};
static const char *const COARSE[] = {
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables", "household_electrical_devices",
    "household_furniture", "insects", "large_carnivores", "large_man-made_outdoor_things",
    "large_natural_outdoor_scenes", "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates",
    "people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2"};
/* clang-format on */

static const DataCifarKind CIFAR10 = {
    .name = "cifar10",
    .classes = TEN,
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
    .std = {0.2470f, 0.2435f, 0.2616f}};
#define OF_100                                                                                                         \
    .binary = {"cifar-100-binary", {"train.bin"}, {"test.bin"}}, .python = {"cifar-100-python", {"train"}, {"test"}},  \
    .labels = 2, .mean = {0.5071f, 0.4865f, 0.4409f}, .std = {0.2673f, 0.2564f, 0.2762f}
static const DataCifarKind CIFAR100 = {
    .name = "cifar100", .classes = FINE, .K = 100, .label = 1, .key = "fine_labels", OF_100};
static const DataCifarKind CIFAR100_COARSE = {
    .name = "cifar100-coarse", .classes = COARSE, .K = 20, .label = 0, .key = "coarse_labels", OF_100};

#define OPEN(name, kind)                                                                                               \
    static BaseStatus name(const char *path, const DataRequest *request, DataSet **train, DataSet **test)              \
    {                                                                                                                  \
        (void)request;                                                                                                 \
        return data_cifar_open(&kind, path, train, test);                                                              \
    }
OPEN(open_10, CIFAR10)
OPEN(open_100, CIFAR100)
OPEN(open_coarse, CIFAR100_COARSE)

#define SOURCE "www.cs.toronto.edu/~kriz/cifar.html"
static const DataSource TABLE[] = {
    {BASE_ENTRY_PLAIN("cifar10", "colour photographs, 10 classes, 32 x 32, 50000 + 10000 images, files in DIR", SOURCE),
     DATA_PATH_REQUIRED, open_10, false},
    {BASE_ENTRY_PLAIN("cifar100", "colour photographs, 100 classes, 32 x 32, 50000 + 10000 images, files in DIR",
                      SOURCE),
     DATA_PATH_REQUIRED, open_100, false},
    {BASE_ENTRY_PLAIN("cifar100-coarse", "cifar100 with its 20 coarse labels, each of which covers five fine ones",
                      SOURCE),
     DATA_PATH_REQUIRED, open_coarse, false},
};
const BaseRows data_cifar = BASE_ROWS(TABLE);
