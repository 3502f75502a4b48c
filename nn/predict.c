/* nn/predict.c - logits of a whole view, in batches as large as the widest layer's output lets memory stay small. */
#include <stdio.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/pipeline/loader.h"
#include "nn/node.h"
#include "nn/train.h"

enum { BATCH = 256 };
static const int64_t VALUE_BYTES = (int64_t)128
                                   << 20; /* of the widest layer's output, one batch; a few live at a time */

int64_t nn_predict_batch(const NnNet *net, int64_t images)
{
    const NnGraph *graph = nn_net_graph(net);
    int64_t widest = 1;
    for (int i = 0; i < nn_graph_size(graph); i++) {
        const NnNodeInfo *node = nn_graph_node(graph, i);
        int64_t size = node->C * node->H * node->W;
        if (size > widest) widest = size;
    }
    int64_t most = VALUE_BYTES / (widest * (int64_t)sizeof(float));
    most = most < 1 ? 1 : most < BATCH ? most : BATCH;
    return images < most ? images : most;
}

BaseStatus nn_predict(NnNet *net, const DataView *view, NnPrecision precision, const char *label, float *logits)
{
    BaseStatus st = BASE_OK;
    DataLoader *loader = NULL;
    NnEngine *engine = NULL;
    int64_t shape[3], K = nn_net_classes(net), batch = nn_predict_batch(net, view->n);
    if (view->n == 0) goto out;
    nn_net_input_shape(net, shape);
    const DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    BASE_TRY(data_loader_create(view, &config, &loader));
    BASE_TRY(nn_engine_create(net, NN_MODE_EVAL, precision, batch, &engine));
    BASE_TRY(nn_engine_keep(engine, NULL));
    BASE_TRY(data_loader_start(loader, 0));
    double started = base_clock_wall();
    for (int64_t done = 0; done < view->n;) {
        DataBatch part;
        BASE_TRY(base_cancel_check());
        BASE_TRY(data_loader_next(loader, &part));
        BASE_TRY(nn_engine_forward(engine, part.x, part.n, 0, logits + done * K));
        done += part.n;
        char detail[96];
        double seconds = base_clock_wall() - started + 1e-9;
        snprintf(detail, sizeof detail, "%.0f img/s, %.0f%% of the time waiting for images", (double)done / seconds,
                 100 * data_loader_waited(loader) / seconds);
        base_progress(label, done, view->n, detail);
    }
out:
    nn_engine_free(engine);
    data_loader_free(loader);
    return st;
}
