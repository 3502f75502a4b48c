#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "data/pipeline/loader.h"
#include "nn/train.h"

enum { BATCH = 256 };

BaseStatus nn_predict(NnNet *net, const DataView *view, NnPrecision precision, const char *label, float *logits)
{
    BaseStatus st = BASE_OK;
    DataLoader *loader = NULL;
    NnEngine *engine = NULL;
    int64_t shape[3], K = nn_net_classes(net), batch = view->n < BATCH ? view->n : BATCH;
    if (view->n == 0) goto out;
    nn_net_input_shape(net, shape);
    const DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    BASE_TRY(data_loader_create(view, &config, &loader));
    BASE_TRY(nn_engine_create(net, NN_MODE_EVAL, precision, batch, &engine));
    BASE_TRY(data_loader_start(loader, 0));
    double started = base_clock_wall();
    for (int64_t done = 0; done < view->n;) {
        DataBatch part;
        BASE_TRY(data_loader_next(loader, &part));
        BASE_TRY(nn_engine_forward(engine, part.x, part.n, 0, logits + done * K));
        done += part.n;
        char detail[64];
        snprintf(detail, sizeof detail, "%.0f img/s", (double)done / (base_clock_wall() - started + 1e-9));
        base_progress(label, done, view->n, detail);
    }
out:
    nn_engine_free(engine);
    data_loader_free(loader);
    return st;
}
