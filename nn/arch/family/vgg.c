#include "nn/arch/family/vgg.h"

const int nn_vgg_plan_a[] = {64,  NN_VGG_POOL, 128,         NN_VGG_POOL, 256, 256,         NN_VGG_POOL,
                             512, 512,         NN_VGG_POOL, 512,         512, NN_VGG_POOL, NN_VGG_END};
const int nn_vgg_plan_d[] = {64,  64,  NN_VGG_POOL, 128,         128,       NN_VGG_POOL, 256,
                             256, 256, NN_VGG_POOL, 512,         512,       512,         NN_VGG_POOL,
                             512, 512, 512,         NN_VGG_POOL, NN_VGG_END};

NnNode nn_vgg_draw(NnGraph *g, const int *plan, int64_t hidden, int64_t K)
{
    NnNode x = nn_input(g);
    for (int at = 0; *plan != NN_VGG_END; plan++) {
        if (*plan == NN_VGG_POOL) {
            x = nn_max_pool(g, x, 2, 2, 0);
            at++;
            continue;
        }
        x = nn_conv(g, x, nn_name(g, "features.%d", at), *plan, 3, 1, 1, true);
        x = nn_relu(g, nn_batch_norm(g, x, nn_name(g, "features.%d", at + 1)));
        at += 3;
    }
    x = nn_linear(g, nn_flatten(g, x), "classifier.0", hidden, true);
    x = nn_dropout(g, nn_relu(g, x), 0.5);
    x = nn_linear(g, x, "classifier.3", hidden, true);
    x = nn_dropout(g, nn_relu(g, x), 0.5);
    return nn_linear(g, x, "classifier.6", K, true);
}
