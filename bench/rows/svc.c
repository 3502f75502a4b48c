/* bench/rows/svc.c - our side of the row svc_60000: the svc attack as the program runs it, from confidences.
 *
 *   svc FILE    reads float64 confidences: 54000 members, 6000 non-members, 1000 audited; then for each line on
 *               stdin fits and scores all of them, and answers {"seconds": s, "scores": FILE.scores} */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "mia/mia.h"

enum { MEMBERS = 54000, NONMEMBERS = 6000, AUDITED = 1000, N = MEMBERS + NONMEMBERS + AUDITED };

static BaseStatus serve(const char *path)
{
    BaseStatus st = BASE_OK;
    double *confidence = NULL, *logits = NULL;
    int32_t *labels = NULL;
    uint8_t *role = NULL;
    char line[64], scores[512];
    const MiaAttack *svc;
    FILE *file = fopen(path, "rb");
    snprintf(scores, sizeof scores, "%s.scores", path);
    BASE_CHECK(file, BASE_EIO, "cannot read %s", path);
    BASE_TRY(BASE_ALLOC(N, &confidence));
    BASE_TRY(BASE_ALLOC(2 * N, &logits));
    BASE_TRY(BASE_ALLOC(N, &labels));
    BASE_TRY(BASE_ALLOC(N, &role));
    BASE_CHECK(fread(confidence, sizeof *confidence, N, file) == N, BASE_EFORMAT, "%s: not %d numbers", path, (int)N);
    for (int i = 0; i < N; i++) {
        logits[2 * i] = log(confidence[i]) - log1p(-confidence[i]); /* of two classes; the true one is 0 */
        role[i] = (uint8_t)(i < MEMBERS ? MIA_MEMBER : i < MEMBERS + NONMEMBERS ? MIA_NONMEMBER : MIA_AUDITED);
    }
    MiaInput input = {.N = N, .K = 2, .logits = logits, .labels = labels, .role = role};
    BASE_TRY(mia_find("svc", &svc));
    while (fgets(line, sizeof line, stdin)) {
        MiaResult result;
        double start = base_clock_wall();
        BASE_TRY(mia_attack(svc, &input, NULL, &result));
        double seconds = base_clock_wall() - start;
        FILE *out = fopen(scores, "wb");
        bool written = out && fwrite(result.score, sizeof(double), N, out) == N;
        if (out && fclose(out) != 0) written = false;
        mia_result_free(&result);
        BASE_CHECK(written, BASE_EIO, "cannot write %s", scores);
        printf("{\"seconds\": %.6g}\n", seconds);
        fflush(stdout);
    }
out:
    if (file) fclose(file);
    base_free(confidence);
    base_free(logits);
    base_free(labels);
    base_free(role);
    return st;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: svc FILE\n");
        return 2;
    }
    BaseStatus st = serve(argv[1]);
    if (st != BASE_OK) fprintf(stderr, "svc: %s\n", base_error_text());
    return st == BASE_OK ? 0 : 1;
}
