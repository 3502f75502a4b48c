/* examples/audit.c - the audit of a model that was to forget class 0, from logits: the folder `audit-report` gets the report.
 *
 *     cc audit.c $(pkg-config --cflags --libs expunge) -o audit && ./audit
 */
#include <expunge.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EACH = 150, POINTS = 4 * EACH, CLASSES = 4, RETRAINED = 3 };

static void check(expunge_status status)
{
    if (*expunge_notices()) fprintf(stderr, "%s\n", expunge_notices());
    if (status == EXPUNGE_OK) return;
    fprintf(stderr, "%s: %s\n", expunge_status_name(status), expunge_error_text());
    exit(1);
}

static int32_t labels[POINTS];
static uint8_t group[POINTS]; /* 0 forgotten, trained on; 1 forgotten, held out; 2 kept, trained on; 3 kept, held out */
static float difficulty[POINTS];

/* rise: how much surer the model is of the forgotten points that it was trained on. */
static void fill(float rise, float logits[POINTS][CLASSES])
{
    for (int i = 0; i < POINTS; i++) {
        for (int k = 0; k < CLASSES; k++) logits[i][k] = (float)(rand() % 1000) / 500;
        logits[i][labels[i]] += difficulty[i] + (group[i] == 0 ? rise : 0);
    }
}

int main(void)
{
    static float unlearned[POINTS][CLASSES], original[POINTS][CLASSES], retrained[RETRAINED][POINTS][CLASSES];
    static const char *const OPTIONS[] = {"attacks=loss,entropy", "draws=200", "meta.purpose=an example"};
    const int64_t flat[] = {POINTS, CLASSES}, all[] = {RETRAINED, POINTS, CLASSES};
    expunge_signals *signals;
    char *json;
    for (int i = 0; i < POINTS; i++) {
        group[i] = (uint8_t)(i / EACH);
        labels[i] = i < 2 * EACH ? 0 : 1 + i % 3;
        difficulty[i] = (float)(rand() % 1000) / 250;
    }
    fill(0, unlearned);
    fill(4, original);
    for (int r = 0; r < RETRAINED; r++) fill(0, retrained[r]);
    check(expunge_signals_create(&signals));
    check(expunge_signals_set(signals, "points/labels", labels, EXPUNGE_I32, 1, flat, NULL));
    check(expunge_signals_set(signals, "points/group", group, EXPUNGE_U8, 1, flat, NULL));
    check(expunge_signals_set(signals, "unlearned/logits", unlearned, EXPUNGE_F32, 2, flat, NULL));
    check(expunge_signals_set(signals, "original/logits", original, EXPUNGE_F32, 2, flat, NULL));
    check(expunge_signals_set(signals, "retrained/logits", retrained, EXPUNGE_F32, 3, all, NULL));
    check(expunge_audit(signals, "audit-report", OPTIONS, 3, &json));
    const char *verdict = strstr(json, "\"verdict\"");
    printf("%.*s\naudit-report/report.html\n", (int)strcspn(verdict, ",\n"), verdict);
    expunge_free(json);
    expunge_signals_free(signals);
    return 0;
}
