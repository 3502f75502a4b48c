/* Networks that were unlearned elsewhere: read back bit for bit, what a command is given, what decides a row, errors. The
 * pages' own commands: tests/cli/own_method.sh. */
#include <unistd.h>

#include "io/file.h"
#include "nn/weights.h"
#include "tests/unlearn/small_data.h"

static void write_net(const NnNet *net, const char *path)
{
    NnNet *copy = NULL;
    IoTensors *tensors = NULL;
    assert_ok(nn_net_clone(net, &copy));
    assert_ok(nn_weights_export(copy, &tensors));
    assert_ok(io_tensors_write(tensors, path));
    io_tensors_free(tensors);
    nn_net_free(copy);
}

static void write_text(const char *path, const char *text) { assert_ok(io_file_write(path, text, strlen(text))); }

/* The network with its first bias moved, so that it is another than the original. */
static NnNet *other_net(const Small *s)
{
    NnNet *net = NULL;
    assert_ok(nn_net_clone(s->net, &net));
    nn_net_edit_params(net)[0] += 1;
    return net;
}

static void assert_same_net(const NnNet *a, const NnNet *b)
{
    assert_memory_equal(nn_net_params(a), nn_net_params(b), (size_t)nn_net_param_count(a) * sizeof(float));
    assert_memory_equal(nn_net_buffers(a), nn_net_buffers(b), (size_t)nn_net_buffer_count(a) * sizeof(float));
}

static void test_external(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    NnNet *want = other_net(s), *got = NULL;
    UnlearnReport report;
    write_net(want, support_at("mine-2,4-s11.safetensors"));
    s->context.beside = support_at("config.yaml");
    assert_ok(small_run(s, "external", SETTINGS("weights=mine-{forget}-s{seed}.safetensors"), &got, &report));
    assert_same_net(got, want);
    assert_int_equal(report.cost, UNLEARN_COST_UNKNOWN);
    nn_net_free(got);
    s->context.seed = 12;
    assert_int_equal(small_run(s, "external", SETTINGS("weights=mine-{forget}-s{seed}.safetensors"), &got, NULL),
                     BASE_EUSAGE);
    assert_non_null(strstr(base_error_text(), "mine-2,4-s12.safetensors does not exist"));
    nn_net_free(got);
    nn_net_free(want);
    small_close(s);
}

/* Logits name a file by the same places, and are no network. */
static void test_logits(void **state)
{
    (void)state;
    Small *s = small_open("2,4");
    const UnlearnMethod *external = NULL;
    NnNet *got = NULL;
    char *path = NULL;
    BaseText id = {0};
    assert_ok(unlearn_find("external", &external));
    write_text(support_at("mine-2,4-s11.h5"), "logits");
    s->context.beside = support_at("config.yaml");
    void *params = small_params_of(external, SETTINGS("logits=mine-{forget}-s{seed}.h5"));
    assert_ok(external->check(&s->context, params));
    assert_ok(external->logits(&s->context, params, &path));
    assert_string_equal(path, support_at("mine-2,4-s11.h5"));
    assert_ok(external->identify(&s->context, params, &id));
    assert_int_equal(strncmp(id.data, "logits: ", 8), 0);
    base_text_free(&id);
    base_free(path);
    base_free(params);
    params = small_params_of(external, SETTINGS("weights=mine.pt"));
    assert_ok(external->logits(&s->context, params, &path));
    assert_null(path);
    base_free(params);
    assert_int_equal(small_run(s, "external", SETTINGS("logits=mine-{forget}-s{seed}.h5"), &got, NULL), BASE_EUSAGE);
    assert_non_null(strstr(base_error_text(), "logits: a network is asked for here"));
    nn_net_free(got);
    assert_int_equal(small_run(s, "external", SETTINGS("logits=[a.h5]", "weights=b.pt"), &got, NULL), BASE_EUSAGE);
    assert_non_null(strstr(base_error_text(), "a row has one of them"));
    nn_net_free(got);
    small_close(s);
}

/* The command tells in its weights' place what it was given: it copies, and says the rest. */
static void test_command(void **state)
{
    (void)state;
    Small *s = small_open("3");
    NnNet *got = NULL;
    UnlearnReport report;
    char run[400];
    write_text(support_at("beside.txt"), "seen\n");
    s->context.beside = support_at("config.yaml");
    snprintf(run, sizeof run,
             "run=cat beside.txt && echo {forget} of {seed} && wc -l <{forget_index} && "
             "sort -n {forget_index} {retain_index} | uniq | wc -l && touch mark && cp {original} {out}");
    assert_ok(small_run(s, "command", SETTINGS(run), &got, &report));
    assert_same_net(got, s->net);
    int64_t forgotten = 0;
    char want[100];
    for (int64_t i = 0; i < s->set.N; i++) forgotten += s->set.labels[i] == 3;
    snprintf(want, sizeof want, "seen\n3 of 11\n%lld\n48", (long long)forgotten);
    assert_string_equal(report.said, want);
    assert_int_equal(report.cost, UNLEARN_COST_ITS_OWN);
    assert_true(report.own_wall_seconds > 0 && report.own_cpu_seconds >= 0);
    assert_int_equal(report.samples_forget, forgotten);
    assert_int_equal(report.samples_retain, 48 - forgotten);
    assert_false(io_path_exists(support_at("mark"))); /* what it wrote stood in its own folder */
    unlearn_report_free(&report);
    nn_net_free(got);
    small_close(s);
}

static void test_long_output(void **state)
{
    (void)state;
    Small *s = small_open("1");
    NnNet *got = NULL;
    UnlearnReport report;
    assert_ok(small_run(s, "command", SETTINGS("run=seq 100000; cp {original} {out}"), &got, &report));
    assert_true(strlen(report.said) <= 2000);
    assert_string_equal(report.said + strlen(report.said) - 6, "100000");
    assert_true(strspn(report.said, "0123456789") == 5); /* from a whole line on */
    unlearn_report_free(&report);
    nn_net_free(got);
    small_close(s);
}

static void test_identity(void **state)
{
    (void)state;
    Small *s = small_open("1");
    const UnlearnMethod *command = NULL;
    BaseText first = {0}, second = {0};
    assert_ok(unlearn_find("command", &command));
    s->context.beside = support_at("config.yaml");
    write_text(support_at("my.py"), "one");
    void *params = small_params_of(command, SETTINGS("run=python3 my.py --out={out}"));
    assert_ok(command->identify(&s->context, params, &first));
    assert_non_null(strstr(first.data, "my.py: "));
    write_text(support_at("my.py"), "two");
    assert_ok(command->identify(&s->context, params, &second));
    assert_string_not_equal(first.data, second.data);
    base_text_free(&first);
    base_text_free(&second);
    base_free(params);
    small_close(s);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *text;
        BaseStatus status;
    } CASES[] = {
        {"run=", "a command is needed", BASE_EUSAGE},
        {"run=true", "has no {out}", BASE_EUSAGE},
        {"run=cp {orignal} {out}", "'{orignal}'", BASE_EUSAGE},
        {"run=cp {original {out}", "stands for nothing", BASE_EUSAGE},
        {"run=: {out}; echo no; exit 3", "status 3 after", BASE_EBACKEND},
        {"run=echo late {out}", "left no file {out}; it said last: late", BASE_EBACKEND},
        {"run=echo {out} >{out}", "unlearned.pt", BASE_EFORMAT},
    };
    Small *s = small_open("1");
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        NnNet *got = NULL;
        assert_int_equal(small_run(s, "command", SETTINGS(CASES[i].setting), &got, NULL), CASES[i].status);
        if (!strstr(base_error_text(), CASES[i].text)) fail_msg("%s: %s", CASES[i].setting, base_error_text());
        nn_net_free(got);
    }
    NnNet *got = NULL;
    assert_int_equal(small_run(s, "command", SETTINGS("run=exec sleep 100 # {out}", "limit=1"), &got, NULL),
                     BASE_ELIMIT);
    assert_non_null(strstr(base_error_text(), "did not end within 1 s"));
    nn_net_free(got);
    small_close(s);
}

/* What the shell has started is measured, and ended with it. */
static void test_children(void **state)
{
    (void)state;
    Small *s = small_open("1");
    NnNet *got = NULL;
    UnlearnReport report;
    char run[300];
    assert_ok(small_run(s, "command",
                        SETTINGS("run=head -c 200000000 /dev/zero | tail -c 200000000 >/dev/null; cp {original} {out}"),
                        &got, &report));
    assert_true(report.own_peak_memory > 150000000);
    unlearn_report_free(&report);
    nn_net_free(got);
    snprintf(run, sizeof run, "run=(sleep 2; touch %s; true); true {out}", support_at("late"));
    assert_int_equal(small_run(s, "command", SETTINGS(run, "limit=1"), &got, NULL), BASE_ELIMIT);
    nn_net_free(got);
    sleep(2);
    assert_false(io_path_exists(support_at("late")));
    small_close(s);
}

static BaseStatus once(void *user)
{
    const Small *s = user;
    const UnlearnMethod *method = NULL;
    NnNet *net = NULL;
    UnlearnReport report = {0};
    double params[400];
    BaseStatus st = unlearn_find("command", &method);
    base_param_defaults(method->entry.params, method->entry.param_count, params);
    if (st == BASE_OK)
        st = base_param_set(method->entry.params, method->entry.param_count, params, "command", "run",
                            "cp {original} {out}", "test");
    if (st == BASE_OK) st = nn_net_clone(s->net, &net);
    if (st == BASE_OK) st = unlearn_run(method, &s->context, params, net, &report);
    unlearn_report_free(&report);
    nn_net_free(net);
    return st;
}

static void test_without_memory(void **state)
{
    (void)state;
    Small *s = small_open("2");
    s->context.beside = support_at("config.yaml");
    support_fail_some_allocations(once, s, 7, 20000);
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_external),       cmocka_unit_test(test_logits),   cmocka_unit_test(test_command),
    cmocka_unit_test(test_long_output),    cmocka_unit_test(test_identity), cmocka_unit_test(test_refusals),
    cmocka_unit_test(test_without_memory), cmocka_unit_test(test_children),
};
SUPPORT_MAIN(tests)
