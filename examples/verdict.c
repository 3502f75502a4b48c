/* examples/verdict.c - the audit of an unlearned network beside its original, both in weights files: a folder with the report.
 *
 *     cc verdict.c $(pkg-config --cflags --libs expunge) -o verdict
 *     ./verdict unlearned.safetensors original.safetensors fashion-mnist 3 report
 */
#include <expunge.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    char original[4096], *json;
    const char *options[] = {original, "attacks=loss,entropy", "draws=200"}; /* few: an example */
    if (argc != 6) {
        fprintf(stderr, "usage: verdict UNLEARNED ORIGINAL DATA FORGET OUT\n");
        return 2;
    }
    snprintf(original, sizeof original, "original=%s", argv[2]);
    if (expunge_audit_models(argv[1], argv[3], argv[4], argv[5], options, 3, &json)) {
        fprintf(stderr, "%s\n", expunge_error_text());
        return 1;
    }
    fprintf(stderr, "%s\n", expunge_notices()); /* what a reader of the report should know */
    const char *verdict = strstr(json, "\"verdict\"");
    printf("%.*s\n%s/report.html\n", (int)strcspn(verdict, ",\n"), verdict, argv[5]);
    expunge_free(json);
    return 0;
}
