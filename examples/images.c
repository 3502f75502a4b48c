/* examples/images.c - the answers of a network in a weights file to images of one's own, which are arrays: here four points of the
 * plane as images of two channels and one pixel, as `expunge train --arch mlp --data gaussians -o weights.safetensors` learns them.
 *
 *     cc images.c $(pkg-config --cflags --libs expunge) -o images && ./images weights.safetensors
 */
#include <expunge.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINTS = 4, CLASSES = 4 };

static void check(expunge_status status)
{
    if (*expunge_notices()) printf("%s\n", expunge_notices());
    if (status == EXPUNGE_OK) return;
    fprintf(stderr, "%s: %s\n", expunge_status_name(status), expunge_error_text());
    exit(1);
}

int main(int argc, char **argv)
{
    static const float POINT[POINTS][2] = {{1, 1}, {-1, 1}, {-1, -1}, {1, -1}};
    static const int32_t LABEL[POINTS] = {0, 1, 2, 3};
    static const int64_t SHAPE[] = {2, 1, 1}; /* channels, height, width */
    const expunge_split points = {POINT, LABEL, POINTS};
    float logits[POINTS][CLASSES];
    expunge_data *data;
    expunge_model *model;
    if (argc != 2) {
        fprintf(stderr, "usage: images WEIGHTS\n");
        return 2;
    }
    check(expunge_data_create(&points, &points, EXPUNGE_F32, SHAPE, CLASSES, NULL, NULL, 0, &data));
    check(expunge_model_open(argv[1], "auto", data, NULL, 0, &model));
    expunge_data_free(data); /* the model keeps what it needs */
    check(expunge_model_logits(model, "test", &logits[0][0], POINTS, CLASSES));
    for (int i = 0; i < POINTS; i++) {
        int best = 0;
        for (int k = 1; k < CLASSES; k++)
            if (logits[i][k] > logits[i][best]) best = k;
        printf("(%g, %g): class %d\n", (double)POINT[i][0], (double)POINT[i][1], best);
    }
    expunge_model_free(model);
    return 0;
}
