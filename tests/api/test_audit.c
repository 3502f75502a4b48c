/* The audit of the public interface: arrays give the report that a file gives, the folder can be checked, options are those of
 * the command line, and what cannot be audited is one sentence. */
#include <stdio.h>

#include "audit/verify.h"
#include "io/file.h"
#include "tests/api/world.h"

static World world;
static const char *const FEW[] = {"attacks=loss,entropy", "draws=100", "seed=5", "meta.owner=ACME Inc.", "forget=2"};
enum { OPTIONS = sizeof FEW / sizeof *FEW };

static char *text_of(const char *folder, const char *name)
{
    char path[1200], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(io_file_read(path, (size_t)1 << 24, &text, &size));
    return text;
}

static void test_arrays_and_file(void **state)
{
    (void)state;
    static const char *const OTHERWISE[] = {"\"command\"", "\"date\"", "seconds\"", "\"weights\"", "\"out\"", NULL};
    char folder[2][1024], *json[2], *stored;
    expunge_signals *arrays = world_models(&world), *file;
    BaseText lines = {0};
    AuditVerdict verdict;
    world_write_models(&world, support_at("signals.h5"));
    assert_done(expunge_signals_open(support_at("signals.h5"), &file));
    for (int i = 0; i < 2; i++) {
        snprintf(folder[i], sizeof folder[i], "%s", support_at(i ? "of_file" : "of_arrays"));
        assert_done(expunge_audit(i ? file : arrays, folder[i], FEW, OPTIONS, &json[i]));
        stored = text_of(folder[i], "report.json");
        assert_string_equal(stored, json[i]);
        base_free(stored);
        assert_ok(audit_verify(folder[i], &(AuditSigner){NULL, NULL}, NULL, &lines, &verdict));
        assert_int_equal(verdict.differences, 0);
    }
    assert_same_but(json[0], json[1], OTHERWISE);
    assert_non_null(strstr(json[0], "\"verdict\": \""));
    assert_non_null(strstr(json[0], "\"coins\": {"));
    assert_non_null(strstr(json[0], "/of_arrays/signals.h5 --attacks loss,entropy --set draws=100 --seed 5 "
                                    "--meta 'owner=ACME Inc.' --forget 2 -o again"));
    stored = text_of(folder[0], "report.md");
    assert_non_null(strstr(stored, "the logits in arrays of the calling program"));
    assert_non_null(strstr(stored, "ACME Inc."));
    base_free(stored);
    assert_non_null(strstr(lines.data, "follow from signals.h5"));
    base_text_free(&lines);
    for (int i = 0; i < 2; i++) expunge_free(json[i]);
    expunge_signals_free(arrays), expunge_signals_free(file);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        BaseStatus status;
        const char *part;
    } WRONG[] = {{"alpha", BASE_EUSAGE, "option alpha: must be key=value"},
                 {"alpha=2", BASE_EUSAGE, "alpha"},
                 {"alhpa=0.1", BASE_EUSAGE, "did you mean"},
                 {"pictures=3", BASE_EUSAGE, "has no images"},
                 {"seed=-1", BASE_EUSAGE, "seed=-1"},
                 {"attacks=los", BASE_ENOTFOUND, "did you mean 'loss'"},
                 {"forget=1", BASE_EARG, "of class 2"},
                 {"svc.C=1", BASE_EUSAGE, "attack 'svc' is not run"}};
    char *json, kept[1024];
    const int64_t flat[] = {POINTS, CLASSES};
    int32_t group[POINTS];
    expunge_signals *s = world_models(&world);
    for (size_t i = 0; i < BASE_COUNT(WRONG); i++) {
        support_fails((BaseStatus)expunge_audit(s, support_at("none"), &WRONG[i].option, 1, &json), WRONG[i].status,
                      WRONG[i].part, WRONG[i].option, __FILE__, __LINE__);
        assert_null(json);
    }
    assert_refused(expunge_audit(s, "", NULL, 0, &json), EARG, "out is empty");
    assert_refused(expunge_audit(s, support_at("none"), (const char *[]){"seed=1", NULL}, 2, &json), EARG,
                   "options[1] is NULL");
    assert_refused(expunge_audit(s, support_at("none"), NULL, 1, &json), EARG, "options is NULL");
    snprintf(kept, sizeof kept, "%s", support_at("kept"));
    assert_ok(io_folder_make(kept));
    assert_ok(io_file_write(support_at("kept/mine"), "mine", 4));
    assert_refused(expunge_audit(s, kept, FEW, OPTIONS, &json), EUSAGE, "kept");
    assert_true(io_path_exists(support_at("kept/mine")));
    for (int i = 0; i < POINTS; i++) group[i] = world.group[i];
    group[7] = -1; /* once a forgotten point, since a byte cannot hold it */
    assert_done(expunge_signals_set(s, "points/group", group, EXPUNGE_I32, 1, flat, NULL));
    assert_refused(expunge_audit(s, support_at("none"), FEW, OPTIONS, &json), EFORMAT, "holds -1 at place 7");
    assert_done(expunge_signals_set(s, "points/group", world.group, EXPUNGE_U8, 1, flat, NULL));
    assert_done(expunge_signals_set(s, "original/logits", world.original, EXPUNGE_F64, 1, flat, NULL));
    assert_refused(expunge_audit(s, support_at("none"), FEW, OPTIONS, &json), EFORMAT, "/original/logits");
    assert_false(io_path_exists(support_at("none")));
    expunge_signals_free(s);
    assert_done(expunge_signals_create(&s));
    assert_refused(expunge_audit(s, support_at("none"), NULL, 0, &json), ENOTFOUND, "/unlearned/logits is missing");
    expunge_signals_free(s);
}

static int make_world(void **state)
{
    (void)state;
    world_make(&world);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest TESTS[] = {cmocka_unit_test(test_arrays_and_file), cmocka_unit_test(test_refusals)};
    (void)argv;
    if (argc > 1) return 3; /* the library starts its helper, never the host */
    return support_end(cmocka_run_group_tests(TESTS, make_world, NULL));
}
