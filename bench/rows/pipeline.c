/* bench/rows/pipeline.c - the row pipeline_over_network: batches of Fashion-MNIST at 3x32x32, shuffled, mirrored and
 * cut, as fast as the loader makes them.
 *
 *   pipeline    reads lines "load SECONDS", answers {"images_per_second": r}, or "check", answers {"same": true}:
 *               batches without augmentation are those of data_image, bit for bit
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "data/data.h"
#include "data/pipeline/loader.h"

enum { BATCH = 128, CHANNELS = 3, SIDE = 32, PIXELS = CHANNELS * SIDE * SIDE, CROP = 4 };

static BaseStatus load(const DataView *view, double seconds, double *rate)
{
    BaseStatus st = BASE_OK;
    DataLoader *loader = NULL;
    DataBatch batch = {.n = 0};
    DataLoaderConfig config = {
        .batch = BATCH, .C = CHANNELS, .H = SIDE, .W = SIDE, .shuffle = true, .flip = true, .crop = CROP};
    int64_t images = 0, epoch = 0;
    BASE_TRY(data_loader_create(view, &config, &loader));
    double start = base_clock_wall(), spent = 0;
    while (spent < seconds) {
        if (batch.n == 0) BASE_TRY(data_loader_start(loader, epoch++));
        BASE_TRY(data_loader_next(loader, &batch));
        images += batch.n;
        spent = base_clock_wall() - start;
    }
    *rate = (double)images / spent;
out:
    data_loader_free(loader);
    return st;
}

static BaseStatus check(const DataView *view, bool *same)
{
    BaseStatus st = BASE_OK;
    DataLoader *loader = NULL;
    DataBatch batch;
    float image[PIXELS];
    DataLoaderConfig config = {.batch = BATCH, .C = CHANNELS, .H = SIDE, .W = SIDE};
    *same = true;
    BASE_TRY(data_loader_create(view, &config, &loader));
    BASE_TRY(data_loader_start(loader, 0));
    BASE_TRY(data_loader_next(loader, &batch));
    for (int64_t i = 0; i < batch.n; i++) {
        BASE_TRY(data_image(view->set, batch.index[i], CHANNELS, SIDE, SIDE, image));
        if (memcmp(image, batch.x + i * PIXELS, sizeof image) != 0) *same = false;
    }
out:
    data_loader_free(loader);
    return st;
}

static BaseStatus serve(void)
{
    BaseStatus st = BASE_OK;
    DataSet *train = NULL, *test = NULL;
    char line[64];
    double seconds, rate;
    bool same;
    BASE_TRY(data_open("fashion-mnist", NULL, &train, &test));
    DataView view = data_view_all(train);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "load %lf", &seconds) == 1) {
            BASE_TRY(load(&view, seconds, &rate));
            printf("{\"images_per_second\": %.6g}\n", rate);
        } else {
            BASE_TRY(check(&view, &same));
            printf("{\"same\": %s}\n", same ? "true" : "false");
        }
        fflush(stdout);
    }
out:
    data_set_free(train);
    data_set_free(test);
    return st;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc != 1) {
        fprintf(stderr, "usage: pipeline\n");
        return 2;
    }
    BaseStatus st = serve();
    if (st != BASE_OK) fprintf(stderr, "pipeline: %s\n", base_error_text());
    return st == BASE_OK ? 0 : 1;
}
