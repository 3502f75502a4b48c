/* examples/unlearn.c - classes are removed from a network in a weights file, as by `expunge unlearn --json`; Ctrl-C stops it.
 *
 *     cc unlearn.c $(pkg-config --cflags --libs expunge) -o unlearn
 *     ./unlearn weights.safetensors fashion-mnist 3 unlearned.safetensors
 */
#include <expunge.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void check(expunge_status status)
{
    if (*expunge_notices()) fprintf(stderr, "%s\n", expunge_notices());
    if (status == EXPUNGE_OK) return;
    fprintf(stderr, "%s: %s\n", expunge_status_name(status), expunge_error_text());
    exit(1);
}

static void stop(int signal)
{
    (void)signal;
    expunge_cancel(); /* which a signal handler may call */
}

int main(int argc, char **argv)
{
    static const char *const OPTIONS[] = {"alpha_r=100", "alpha_f=3", "seed=0"};
    expunge_data *data;
    expunge_model *original, *unlearned;
    char *json;
    if (argc != 5) {
        fprintf(stderr, "usage: unlearn WEIGHTS DATA FORGET OUT\n");
        return 2;
    }
    signal(SIGINT, stop);
    check(expunge_data_open(argv[2], NULL, 0, &data));
    check(expunge_model_open(argv[1], NULL, data, NULL, 0, &original));
    check(expunge_unlearn(original, "svd", argv[3], OPTIONS, 3, &unlearned, &json));
    printf("%s\n", json);
    expunge_free(json);
    check(expunge_model_save(unlearned, argv[4]));
    expunge_model_free(unlearned);
    expunge_model_free(original);
    expunge_data_free(data);
    return 0;
}
