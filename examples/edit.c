/* examples/edit.c - makes a linear layer forget: its inputs are streamed in batches, and its weights edited in place.
 *
 *     cc edit.c $(pkg-config --cflags --libs expunge) -lm -o edit && ./edit
 */
#include <expunge.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FEATURES = 64, OUTPUTS = 10, BATCH = 100, BATCHES = 20 };

static void check(expunge_status status)
{
    if (status == EXPUNGE_OK) return;
    fprintf(stderr, "%s: %s\n", expunge_status_name(status), expunge_error_text());
    exit(1);
}

/* Inputs of one kind: noise around a direction of their own. */
static void next_batch(int kind, float batch[BATCH][FEATURES])
{
    for (int i = 0; i < BATCH; i++)
        for (int j = 0; j < FEATURES; j++)
            batch[i][j] = (float)(rand() % 2001 - 1000) / 4000 + (j % 2 == kind ? 1.0f : 0.0f);
}

static expunge_space *space_of(int kind)
{
    static float batch[BATCH][FEATURES];
    expunge_space *space;
    check(expunge_space_create(FEATURES, 0, NULL, &space));
    for (int i = 0; i < BATCHES; i++) {
        next_batch(kind, batch);
        check(expunge_space_add(space, batch, BATCH, FEATURES, EXPUNGE_F32));
    }
    check(expunge_space_finish(space));
    return space;
}

/* Mean square of the layer's answers to inputs of one kind. */
static double response(int kind, float weight[OUTPUTS][FEATURES])
{
    static float batch[BATCH][FEATURES];
    double squares = 0;
    next_batch(kind, batch);
    for (int i = 0; i < BATCH; i++)
        for (int o = 0; o < OUTPUTS; o++) {
            double sum = 0;
            for (int j = 0; j < FEATURES; j++) sum += (double)weight[o][j] * (double)batch[i][j];
            squares += sum * sum;
        }
    return squares / BATCH / OUTPUTS;
}

int main(void)
{
    static float weight[OUTPUTS][FEATURES];
    expunge_edit_info info;
    for (int o = 0; o < OUTPUTS; o++)
        for (int j = 0; j < FEATURES; j++) weight[o][j] = (float)(rand() % 2001) / 10000;
    expunge_space *retain = space_of(0), *forget = space_of(1);
    printf("before: %.3f on retained inputs, %.3f on forgotten ones\n", response(0, weight), response(1, weight));
    check(expunge_edit(retain, forget, weight, OUTPUTS, FEATURES, EXPUNGE_F32, 100, 100, weight, FEATURES, &info));
    printf("after:  %.3f on retained inputs, %.3f on forgotten ones\n", response(0, weight), response(1, weight));
    printf("taken:  %.1f%% and %.1f%%, |D| = %.3f\n", 100 * info.retain_share, 100 * info.forget_share,
           sqrt(info.changed));
    expunge_space_free(retain);
    expunge_space_free(forget);
    return info.forget_share > 0.5 && info.retain_share < 0.1 ? 0 : 1;
}
