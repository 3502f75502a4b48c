/* examples/attack.c - membership-inference attacks on a file of signals (docs/signals.md), or without one on made-up logits.
 *
 *     cc attack.c $(pkg-config --cflags --libs expunge) -o attack && ./attack loss,logistic [signals.h5]
 */
#include <expunge.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINTS = 400, CLASSES = 5 };

static void check(expunge_status status)
{
    if (*expunge_notices()) fprintf(stderr, "%s\n", expunge_notices());
    if (status == EXPUNGE_OK) return;
    fprintf(stderr, "%s: %s\n", expunge_status_name(status), expunge_error_text());
    exit(1);
}

/* A model that is surer of the points that it was trained on. The arrays stay: they are not copied. */
static expunge_signals *make_up(void)
{
    static float logits[POINTS][CLASSES];
    static int32_t labels[POINTS];
    static uint8_t role[POINTS];
    const int64_t shape[] = {POINTS, CLASSES};
    expunge_signals *signals;
    for (int i = 0; i < POINTS; i++) {
        labels[i] = i % CLASSES;
        role[i] = i % 2 == 0; /* 1: member, 0: non-member */
        for (int k = 0; k < CLASSES; k++) logits[i][k] = (float)(rand() % 1000) / 250;
        logits[i][labels[i]] += role[i] ? 3 : 2;
    }
    check(expunge_signals_create(&signals));
    check(expunge_signals_set(signals, "target/logits", logits, EXPUNGE_F32, 2, shape, NULL));
    check(expunge_signals_set(signals, "target/labels", labels, EXPUNGE_I32, 1, shape, NULL));
    check(expunge_signals_set(signals, "target/role", role, EXPUNGE_U8, 1, shape, NULL));
    return signals;
}

int main(int argc, char **argv)
{
    expunge_signals *signals;
    expunge_attacks *attacks;
    if (argc > 2)
        check(expunge_signals_open(argv[2], &signals));
    else
        signals = make_up();
    check(expunge_attack(signals, argc > 1 ? argv[1] : "loss", NULL, 0, 0, &attacks));
    puts(expunge_attacks_json(attacks));
    expunge_attacks_free(attacks);
    expunge_signals_free(signals);
    return 0;
}
