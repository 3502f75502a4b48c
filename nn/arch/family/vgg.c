#include "nn/arch/family/vgg.h"

enum { STAGES = 5 };

/* Convolutions of a stage; each step from 13 to 16 to 19 gives one more to each of the three deep stages. */
static int stage_size(int depth, int stage)
{
    if (depth == 11) return stage < 2 ? 1 : 2;
    return stage < 2 ? 2 : 2 + (depth - 13) / 3;
}

NnNode nn_vgg_draw(NnGraph *g, const NnVgg *form, int64_t K)
{
    static const int CHANNELS[STAGES] = {64, 128, 256, 512, 512};
    NnNode x = nn_input(g);
    int at = 0;
    for (int stage = 0; stage < STAGES; stage++) {
        for (int i = 0; i < stage_size(form->depth, stage); i++) {
            x = nn_conv(g, x, nn_name(g, "features.%d", at++), CHANNELS[stage], 3, 1, 1, true);
            if (form->norm) x = nn_batch_norm(g, x, nn_name(g, "features.%d", at++));
            x = nn_relu(g, x);
            at++;
        }
        x = nn_max_pool(g, x, 2, 2, 0);
        at++;
    }
    x = nn_linear(g, nn_flatten(g, x), "classifier.0", form->hidden, true);
    x = nn_dropout(g, nn_relu(g, x), 0.5);
    x = nn_linear(g, x, "classifier.3", form->hidden, true);
    x = nn_dropout(g, nn_relu(g, x), 0.5);
    return nn_linear(g, x, "classifier.6", K, true);
}
