/* Shadow models: which image trains which network, that the work can be stopped and shared, what shadows.json may say,
 * and the arrays made of it. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "experiment/shadows/make.h"
#include "io/file.h"
#include "models/shadows/shadows.h"
#include "tests/experiment/whole.h"

static const char CONFIG[] = "name: e\n"
                             "data: gaussians\n"
                             "arch: mlp\n"
                             "forget: [3]\n"
                             "validation: 0\n"
                             "train: {epochs: 2, batch_size: 64, lr: 0.1, augment: false}\n"
                             "relearn: false\n"
                             "probe: false\n"
                             "shadows: {pairs: 4, pool: 402, retrained: 2}\n"
                             "methods:\n"
                             "  - none\n"
                             "  - retrain\n"
                             "  - {name: svd, set: {retain_per_class: 0, forget_samples: 0}}\n";

static char *place(const char *format, const char *name)
{
    char *path = NULL;
    assert_ok(base_format(&path, format, support_scratch(), name));
    return path;
}

static BaseStatus run_st(const char *results, const char *const *set, size_t set_count, bool dry,
                         ExperimentOutcome *outcome, BaseText *terminal)
{
    const ExperimentTask how = {.assignments = set,
                                .assignment_count = set_count,
                                .results = results,
                                .dry_run = dry,
                                .threads = 1,
                                .columns = 400};
    return whole_run(CONFIG, how, outcome, terminal);
}

static ExperimentOutcome run(const char *results, const char *const *set, size_t set_count)
{
    ExperimentOutcome outcome;
    BaseText text = {0};
    assert_ok(run_st(results, set, set_count, false, &outcome, &text));
    base_text_free(&text);
    return outcome;
}

static ModelShadows *read_shadows(const char *results)
{
    char *folder = NULL;
    ModelShadows *s;
    assert_ok(base_format(&folder, "%s/e/shadows", results));
    assert_ok(model_shadows_read(folder, &s));
    base_free(folder);
    return s;
}

static void network_hash(const ModelShadows *s, SessionData *data, const char *file, char hash[BASE_HASH_HEX])
{
    SessionModel model;
    assert_ok(session_model_open(s->arch, file, data, &model));
    assert_ok(nn_net_hash(model.net, hash));
    session_model_free(&model);
}

/* ------------------------------------------------------------ the design */

/* Each image in exactly half of the networks, complements by two, classes alike, whatever the number of pairs; and the
 * first halves stay the same where more are asked for. */
static void test_design(void **state)
{
    (void)state;
    static const int64_t POOLS[] = {0, 402, 57}, PAIRS[] = {2, 4, 10};
    SessionData data;
    assert_ok(session_data_open("gaussians", NULL, &data));
    int64_t K = data.train->K;
    for (size_t p = 0; p < 3; p++) {
        ExperimentDesign few = {0};
        for (size_t c = 0; c < 3; c++) {
            const ExperimentShadows config = {PAIRS[c], POOLS[p], 7, 0};
            ExperimentDesign d;
            assert_ok(experiment_design_make(&data, &config, &d));
            int64_t n = d.pool.n, wanted = POOLS[p] ? POOLS[p] : data.train->N;
            assert_true(n >= wanted - K && n <= wanted + K); /* rounded in every class */
            for (int64_t i = 0; i < n; i++) {
                int64_t in = 0;
                for (int64_t s = 0; s < PAIRS[c]; s++) in += d.keep[s * n + i];
                assert_int_equal(in, PAIRS[c] / 2);
                for (int64_t s = 0; s < PAIRS[c]; s += 2)
                    assert_int_equal(d.keep[s * n + i] + d.keep[(s + 1) * n + i], 1);
                if (i > 0) assert_true(d.pool.at[i] > d.pool.at[i - 1]);
            }
            for (int64_t s = -1; s < PAIRS[c]; s++) {
                const uint8_t *in = s < 0 ? d.target : d.keep + s * n;
                int64_t all = 0;
                for (int64_t k = 0; k < K; k++) {
                    int64_t of = 0, kept = 0;
                    for (int64_t i = 0; i < n; i++) {
                        if (data.train->labels[d.pool.at[i]] != k) continue;
                        of++;
                        kept += in[i];
                    }
                    assert_true(kept == of / 2 || kept == of - of / 2);
                    all += kept;
                }
                assert_true(all == n / 2 || all == n - n / 2);
            }
            if (c == 0) {
                few = d;
                continue;
            }
            assert_memory_equal(d.keep, few.keep, (size_t)(2 * n));
            assert_memory_equal(d.target, few.target, (size_t)n);
            experiment_design_free(&d);
        }
        experiment_design_free(&few);
    }
    ExperimentShadows config = {2, data.train->N + 1, 0, 0};
    ExperimentDesign d;
    assert_fails(experiment_design_make(&data, &config, &d), BASE_EUSAGE, "the training split of gaussians has");
    config.pool = 4;
    assert_fails(experiment_design_make(&data, &config, &d), BASE_EUSAGE, "halves need 2 or more");
    session_data_free(&data);
}

/* Validation comes from outside the pool, so that nobody is trained on it and no half is smaller for it. */
static void test_split(void **state)
{
    (void)state;
    SessionData data;
    ExperimentDesign d;
    SessionSplit target, shadow;
    ExperimentShadows config = {2, 400, 1, 0};
    assert_ok(session_data_open("gaussians", NULL, &data));
    assert_ok(experiment_design_make(&data, &config, &d));
    assert_ok(experiment_design_split(&d, &data, MODEL_HALF_TARGET, 0.1, 5, &target));
    assert_int_equal(target.train.n, 200);
    assert_int_equal(target.validation.n, 20);
    for (int64_t i = 0; i < target.validation.n; i++)
        for (int64_t j = 0; j < d.pool.n; j++) assert_true(target.held.at[i] != d.pool.at[j]);
    assert_ok(experiment_design_split(&d, &data, 1, 0.1, 5, &shadow));
    assert_int_equal(shadow.train.n, 200);
    assert_int_equal(shadow.validation.n, 0);
    session_split_free(&shadow);
    session_split_free(&target);
    experiment_design_free(&d);
    config = (ExperimentShadows){2, 0, 1, 0};
    assert_ok(experiment_design_make(&data, &config, &d));
    assert_fails(experiment_design_split(&d, &data, MODEL_HALF_TARGET, 0.1, 5, &target), BASE_EUSAGE,
                 "outside the pool");
    experiment_design_free(&d);
    session_data_free(&data);
}

/* ------------------------------------------------------------ training */

static void compare(const ModelShadows *a, const ModelShadows *b, SessionData *data)
{
    char x[BASE_HASH_HEX], y[BASE_HASH_HEX];
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->target_count, b->target_count);
    for (size_t i = 0; i < a->count + a->target_count; i++) {
        const ModelShadow *p = i < a->count ? &a->model[i] : &a->target[i - a->count];
        const ModelShadow *q = i < a->count ? &b->model[i] : &b->target[i - a->count];
        assert_int_equal(p->role, q->role);
        assert_int_equal(p->pair, q->pair);
        assert_string_equal(p->forget, q->forget);
        network_hash(a, data, p->file, x);
        network_hash(b, data, q->file, y);
        assert_string_equal(x, y);
    }
}

/* What was taken away is made again with the same bits; the rest is not touched. */
static void test_resumed(void **state)
{
    (void)state;
    char *whole = place("%s/%s", "whole"), *cut = place("%s/%s", "cut"), *path = NULL;
    SessionData data;
    struct stat before, after;
    assert_ok(session_data_open("gaussians", NULL, &data));
    assert_int_equal(run(whole, NULL, 0).done, 4);
    static const char *const HALF[] = {"shadows.pairs=2"};
    run(cut, HALF, 1);
    ModelShadows *s = read_shadows(cut), *w = read_shadows(whole);
    assert_int_equal(s->count, 2 * 3);
    assert_ok(base_strdup(s->model[1].file, &path));
    assert_int_equal(stat(s->model[0].file, &before), 0);
    model_shadows_free(s);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(run(cut, NULL, 0).done, 0); /* the experiment's own jobs are those of fewer pairs */
    s = read_shadows(cut);
    assert_int_equal(stat(s->model[0].file, &after), 0);
    assert_true(before.st_ino == after.st_ino); /* not written again */
    assert_int_equal(w->count, 4 * 3);
    assert_int_equal(w->originals, 4);
    assert_int_equal(w->unlearned, 4);
    assert_int_equal(w->retrained, 4);
    assert_int_equal(w->target_count, 3 + 2); /* original, svd, retrained, and two more retrained */
    compare(w, s, &data);
    model_shadows_free(s);
    model_shadows_free(w);
    session_data_free(&data);
    base_free(path);
    base_free(whole);
    base_free(cut);
}

static void test_dry(void **state)
{
    (void)state;
    char *results = place("%s/%s", "whole"), *none = place("%s/%s", "dry");
    ExperimentOutcome outcome;
    BaseText text = {0};
    assert_ok(run_st(none, NULL, 0, true, &outcome, &text));
    assert_non_null(strstr(text.data, "shadows: original"));
    assert_non_null(strstr(text.data, "0 of 4"));
    assert_non_null(strstr(text.data, "0 of 6")); /* retrained: of each pair, and two of the target */
    assert_false(io_path_exists(none));
    double hours = outcome.hours;
    base_text_free(&text);
    static const char *const WITHOUT[] = {"shadows.pairs=2", "shadows.retrained=0"};
    assert_ok(run_st(none, WITHOUT, 2, true, &outcome, &text));
    assert_non_null(strstr(text.data, "0 of 2"));
    assert_true(hours > 0 && outcome.hours > 0);
    base_text_free(&text);
    assert_ok(run_st(results, NULL, 0, true, &outcome, &text));
    assert_int_equal(outcome.skipped, 4);
    assert_non_null(strstr(text.data, "6 of 6"));
    assert_true(outcome.hours < 1e-12);
    base_text_free(&text);
    base_free(results);
    base_free(none);
}

static void test_config(void **state)
{
    (void)state;
    static const struct {
        const char *set, *text;
    } WRONG[] = {
        {"shadows.pairs=3", "must be even"},
        {"shadows.pairs=0", "pairs"},
        {"shadows.pool=100000000", "training split of gaussians has"},
        {"shadows.methods=[nothing]", "no method of this experiment has that label"},
        {"shadows.methods=[retrain]", "is the reference"},
        {"shadows.half=1", "shadows has no key 'half'"},
        {"shadows=4", "must be a map"},
        {"methods=[none]", "put 'retrain' among the methods"},
        {"broken=skip", "shifts the positions"},
    };
    char *results = place("%s/%s", "wrong");
    for (size_t i = 0; i < BASE_COUNT(WRONG); i++) {
        ExperimentOutcome outcome;
        BaseText text = {0};
        assert_fails(run_st(results, &WRONG[i].set, 1, false, &outcome, &text), BASE_EUSAGE, WRONG[i].text);
        assert_false(io_path_exists(results));
        base_text_free(&text);
    }
    base_free(results);
}

/* Shadow models that cannot be trained are told at the end: the jobs are rows with their reasons, as without shadows.
 */
static void test_failing(void **state)
{
    (void)state;
    static const char *const SET[] = {"train.lr=100", "train.schedule=constant", "train.epochs=6"};
    char *results = place("%s/%s", "failing"), *report = NULL, *json = NULL;
    ExperimentOutcome outcome;
    BaseText text = {0};
    assert_fails(run_st(results, SET, 3, false, &outcome, &text), BASE_ENUMERIC, "shadow models: ");
    assert_non_null(strstr(base_error_text(), "report.html"));
    assert_int_equal(outcome.failed, 4);
    assert_ok(base_format(&report, "%s/e/report.html", results));
    assert_ok(base_format(&json, "%s/e/shadows/shadows.json", results));
    assert_true(io_path_exists(report));
    assert_false(io_path_exists(json));
    base_text_free(&text);
    base_free(report);
    base_free(json);
    base_free(results);
}

/* ------------------------------------------------------------ shadows.json */

/* The keys of a flat object of the text, each with a space behind it. */
static void keys_of(const char *object, const char *end, char keys[160])
{
    *keys = '\0';
    for (const char *at = object; (at = strstr(at, "\n      \"")) && at < end;) {
        const char *key = at + strlen("\n      \"");
        at = strchr(key, '"');
        snprintf(keys + strlen(keys), 160 - strlen(keys), "%.*s ", (int)(at - key), key);
    }
}

/* What it says of each network, none left out; the networks of a pair have the pair's seed, and that of a target that is
 * retrained once more is one of its own. */
static void test_rows(void **state)
{
    (void)state;
    char *results = place("%s/%s", "whole"), *path = NULL, *text = NULL, keys[160], want[160], *after;
    const ExperimentShadows config = {.pairs = 4, .pool = 402, .retrained = 2};
    size_t size, rows = 0;
    assert_ok(base_format(&path, "%s/e/shadows/shadows.json", results));
    assert_ok(io_file_read(path, 0, &text, &size));
    for (const char *at = text; (at = strstr(at, "      \"role\": \"")); rows++) {
        const char *end = strchr(at, '}'), *pair = strstr(at, "\"pair\": "), *seed = strstr(at, "\"seed\": ");
        bool original = strncmp(at + strlen("      \"role\": \""), "original", 8) == 0;
        keys_of(at - 1, end, keys);
        snprintf(want, sizeof want, "role %sfile sha256 members %sseed seconds images ", rows < 12 ? "pair " : "",
                 original ? "" : "forget forget_names method ");
        assert_string_equal(keys, want);
        uint64_t half = rows < 12 ? strtoull(pair + strlen("\"pair\": "), NULL, 10) : 0;
        uint64_t is = rows < 12   ? experiment_design_seed(&config, (int64_t)half)
                      : rows < 15 ? 0
                                  : experiment_design_seed(&config, EXPERIMENT_HALVES_MAX + (int64_t)rows - 15);
        assert_true(strtoull(seed + strlen("\"seed\": "), &after, 10) == is);
        assert_int_equal(*after, ',');
        at = end;
    }
    assert_int_equal(rows, 12 + 5);
    base_free(text);
    base_free(path);
    base_free(results);
}

static void write_json(const char *folder, const char *text)
{
    char *path = NULL;
    assert_ok(base_format(&path, "%s/shadows.json", folder));
    assert_ok(io_file_write(path, text, strlen(text)));
    base_free(path);
}

/* Three files of a folder written by hand; each case is a whole shadows.json, %1$s to %3$s their hashes. */
static void test_faults(void **state)
{
    (void)state;
#define HEAD "{\"format\": 1, \"arch\": \"mlp\", \"models\": ["
#define ONE(p, f, h)                                                                                                   \
    "{\"role\": \"original\", \"pair\": " p ", \"file\": \"" f "\", \"sha256\": \"" h "\", \"members\": \"in.txt\"}"
    static const struct {
        const char *json, *text;
        BaseStatus status;
    } CASES[] = {
        {"{\"format\": 1}", "no 'arch'", BASE_EFORMAT},
        {"{\"format\": 2, \"arch\": \"mlp\"}", "this program reads format 1", BASE_EFORMAT},
        {"{\"format\": 1, \"arch\": \"mlp\"}", "no 'models'", BASE_EFORMAT},
        {"{\"format\": 1, \"arch\": \"mlp\", \"modles\": []}", "did you mean", BASE_EUSAGE},
        {HEAD "]}", "the list is empty", BASE_EFORMAT},
        {HEAD "3]}", "must be a map", BASE_EFORMAT},
        {HEAD ONE("0", "a", "%1$s") "]}", "at least 2 shadow models", BASE_EFORMAT},
        {HEAD ONE("0", "a", "%1$s") ", " ONE("0", "b", "%2$s") "]}", "has an original already", BASE_EFORMAT},
        {HEAD ONE("0", "a", "%2$s") "]}", "it is not the file described", BASE_EFORMAT},
        {HEAD ONE("0", "a", "%1$s") ", " ONE("1", "a", "%1$s") "]}", "has the same content as", BASE_EFORMAT},
        {HEAD ONE("0", "gone", "%1$s") "]}", "there is no such file", BASE_EIO},
        {HEAD ONE("-1", "a", "%1$s") "]}", "pair '-1'", BASE_EFORMAT},
        {HEAD "{\"role\": \"shadow\"}]}", "must be original, unlearned or retrained", BASE_EFORMAT},
        {HEAD "{\"role\": \"original\", \"pair\": 0, \"file\": \"a\", \"members\": \"in.txt\"}]}", "no 'sha256'",
         BASE_EFORMAT},
        {HEAD "{\"role\": \"original\", \"pair\": 0, \"file\": \"a\", \"sha256\": \"%1$s\"}]}", "no 'members'",
         BASE_EFORMAT},
        {HEAD
         "{\"role\": \"original\", \"pair\": 0, \"file\": \"a\", \"sha256\": \"%1$s\", \"members\": \"twice.txt\"}]}",
         "names image 3 of the training split twice", BASE_EFORMAT},
        {HEAD
         "{\"role\": \"original\", \"pair\": 0, \"file\": \"a\", \"sha256\": \"%1$s\", \"members\": \"none.txt\"}]}",
         "names no image", BASE_EFORMAT},
        {HEAD
         "{\"role\": \"unlearned\", \"pair\": 0, \"file\": \"a\", \"sha256\": \"%1$s\", \"members\": \"in.txt\"}]}",
         "no 'forget'", BASE_EFORMAT},
        {HEAD "{\"role\": \"unlearned\", \"pair\": 0, \"file\": \"a\", \"sha256\": \"%1$s\", \"members\": \"in.txt\", "
              "\"forget\": \"3\", \"forget_index\": \"in.txt\"}]}",
         "'forget' names classes, 'forget_index' images", BASE_EFORMAT},
        {HEAD "{\"role\": \"retrained\", \"pair\": 0, \"file\": \"a\", \"sha256\": \"%1$s\", \"members\": \"in.txt\", "
              "\"forget_index\": \"twice.txt\"}]}",
         "twice.txt names image 3 of the training split twice", BASE_EFORMAT},
        {HEAD "{\"role\": \"original\", \"pair\": 0, \"file\": \"a\", \"sha256\": \"%1$s\", \"members\": \"in.txt\", "
              "\"forget_index\": \"in.txt\"}]}",
         "an original has nothing to 'forget'", BASE_EFORMAT},
        {HEAD ONE("0", "a", "%1$s") ", {\"role\": \"retrained\", \"pair\": 0, \"forget\": \"3\", \"file\": \"b\", "
                                    "\"sha256\": \"%2$s\", \"members\": \"more.txt\"}]}",
         "was trained on 3 images", BASE_EFORMAT},
        {HEAD ONE("0", "a", "%1$s") ", " ONE("1", "b", "%2$s") "]", "", BASE_EFORMAT},
    };
    char *folder = place("%s/%s", "hand"), *path = NULL, hash[3][BASE_HASH_HEX];
    static const char *const FILES[][2] = {
        {"a", "first"},       {"b", "second"},           {"c", "third"},
        {"in.txt", "1\n2\n"}, {"more.txt", "1\n2\n4\n"}, {"twice.txt", "3\n1\ntrain 3\n"},
        {"none.txt", "\n"}};
    ModelShadows *s;
    assert_ok(io_folder_make(folder));
    for (size_t i = 0; i < BASE_COUNT(FILES); i++) {
        assert_ok(base_format(&path, "%s/%s", folder, FILES[i][0]));
        assert_ok(io_file_write(path, FILES[i][1], strlen(FILES[i][1])));
        if (i < 3) assert_ok(base_hash_file(path, hash[i]));
        base_free(path);
    }
    assert_fails(model_shadows_read(folder, &s), BASE_EIO, "there is no such file");
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        char json[1024];
        /* %1$s .. by hand: a format with positions is no literal */
        size_t n = 0;
        for (const char *c = CASES[i].json; *c && n < sizeof json - BASE_HASH_HEX; c++) {
            if (*c != '%') {
                json[n++] = *c;
                continue;
            }
            memcpy(json + n, hash[c[1] - '1'], BASE_HASH_HEX - 1);
            n += BASE_HASH_HEX - 1;
            c += 3;
        }
        json[n] = '\0';
        write_json(folder, json);
        BaseStatus st = model_shadows_read(folder, &s);
        if (st != CASES[i].status && !(i == BASE_COUNT(CASES) - 1 && st != BASE_OK))
            fail_msg("case %zu: status %d: %s", i, (int)st, st == BASE_OK ? "" : base_error_text());
        if (!strstr(base_error_text(), CASES[i].text)) fail_msg("case %zu: %s", i, base_error_text());
        assert_null(strchr(base_error_text(), '\n'));
        assert_null(s);
    }
    base_free(folder);
}

/* ------------------------------------------------------------ arrays */

static BaseStatus gather(const ModelShadowTask *task)
{
    ModelShadowArrays arrays;
    BaseStatus st = model_shadows_gather(task, &arrays);
    if (st == BASE_OK) model_shadow_arrays_free(&arrays);
    return st;
}

/* Every row is the network's own predictions, and keep is what its index file says. */
static void test_gather(void **state)
{
    (void)state;
    char *results = place("%s/%s", "whole"), *in_file = NULL, *out_file = NULL, hash[BASE_HASH_HEX];
    ModelShadows *s = read_shadows(results);
    SessionData data;
    ModelPoints points = {0}, population = {0};
    DataForget forget;
    assert_ok(base_format(&in_file, "%s/target-in.txt", s->folder));
    assert_ok(base_format(&out_file, "%s/target-out.txt", s->folder));
    const DataOptions options = {.train_index = in_file, .test_index = out_file};
    assert_ok(session_data_open("gaussians", &options, &data));
    assert_int_equal(data.train->N + data.test->N, 404); /* 402 rounded in each of four classes */
    assert_ok(data_forget_classes(data.train, "3", &forget));
    assert_ok(model_points_add(&points, &data, false, NULL, true, 0, 0));
    assert_ok(model_points_add(&points, &data, true, &forget, true, 20, 0));
    assert_ok(model_points_add(&population, &data, true, &forget, false, 10, 0));
    assert_int_equal(points.n, data.train->N + 20);
    network_hash(s, &data, s->target[0].file, hash);
    const char *target = hash;
    ModelShadowTask task = {.shadows = s,
                            .data = &data,
                            .arch = "mlp",
                            .options = &options,
                            .points = &points,
                            .forget = &forget,
                            .targets = &target,
                            .target_count = 1,
                            .population = &population};
    ModelShadowArrays a;
    assert_ok(model_shadows_gather(&task, &a));
    assert_int_equal(a.S, 4);
    assert_int_equal(a.U, 4);
    assert_int_equal(a.R, 4);
    int64_t n = points.n, K = data.train->K;
    for (int64_t i = 0; i < n; i++) {
        int64_t in = 0;
        for (int64_t m = 0; m < 4; m++) {
            in += a.shadow_keep[m * n + i];
            assert_int_equal(a.shadow_keep[m * n + i], a.unlearned_keep[m * n + i]);
        }
        assert_int_equal(in, 2);
    }
    SessionModel model;
    SessionPredictions p;
    assert_ok(session_model_open("mlp", s->model[3].file, &data, &model)); /* original, retrained, svd by pair */
    assert_int_equal(s->model[3].pair, 1);
    DataView view = data_view_all(data.train);
    assert_ok(session_predict(model.net, &view, NN_F32, NULL, &p));
    for (int64_t i = 0; i < data.train->N * K; i++)
        assert_near(a.shadow_logits[n * K + i], (double)p.logits[i], 1e-5, 1e-5); /* batches are cut differently */
    session_predictions_free(&p);
    session_model_free(&model);
    assert_non_null(a.shadow_population_logits);
    model_shadow_arrays_free(&a);
    network_hash(s, &data, s->model[6].file, hash); /* the audited network is a shadow */
    assert_fails(gather(&task), BASE_EARG, "the weights of a network under audit");
    task.target_count = 0;
    task.arch = "convnet";
    assert_fails(gather(&task), BASE_EUSAGE, "the shadow models are mlp");
    task.arch = NULL;
    task.method = "salun";
    assert_ok(model_shadows_gather(&task, &a));
    assert_int_equal(a.U, 0);
    model_shadow_arrays_free(&a);
    const DataOptions skip = {.train_index = in_file, .test_index = out_file, .broken = "skip"};
    task.options = &skip;
    assert_fails(gather(&task), BASE_EUSAGE, "name images by position");
    data_forget_free(&forget);
    model_points_free(&points);
    model_points_free(&population);
    session_data_free(&data);
    model_shadows_free(s);
    base_free(in_file);
    base_free(out_file);
    base_free(results);
}

static BaseStatus read_once(void *folder)
{
    ModelShadows *s;
    BaseStatus st = model_shadows_read(folder, &s);
    model_shadows_free(s);
    return st;
}

static BaseStatus design_once(void *data)
{
    const ExperimentShadows config = {4, 100, 7, 0};
    ExperimentDesign d;
    BaseStatus st = experiment_design_make(data, &config, &d);
    experiment_design_free(&d);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    char *folder = place("%s/%s", "whole/e/shadows");
    SessionData data;
    support_fail_allocations(read_once, folder, 20000);
    assert_ok(session_data_open("gaussians", NULL, &data));
    support_fail_allocations(design_once, &data, 200);
    session_data_free(&data);
    base_free(folder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_design),  cmocka_unit_test(test_split),  cmocka_unit_test(test_resumed),
    cmocka_unit_test(test_rows),    cmocka_unit_test(test_dry),    cmocka_unit_test(test_config),
    cmocka_unit_test(test_faults),  cmocka_unit_test(test_gather), cmocka_unit_test(test_no_memory),
    cmocka_unit_test(test_failing),
};
SUPPORT_MAIN(tests)
