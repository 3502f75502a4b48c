#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/yaml.h"

static BaseStatus parse(const char *text, BaseYaml **out) { return base_yaml_parse(text, strlen(text), "c.yaml", out); }

static void assert_canonical(const BaseYaml *node, const char *want)
{
    BaseText text = {0};
    base_yaml_canonical(node, &text);
    assert_ok(text.st);
    assert_string_equal(text.data, want);
    base_text_free(&text);
}

static const char CONFIG[] = "# a comment\n"
                             "name: demo\n"
                             "data: fashion-mnist\n"
                             "train:\n"
                             "  lr: 0.1\n"
                             "  steps: [1, 2, 'three # not a comment']\n"
                             "methods:\n"
                             "  - name: svd\n"
                             "    alpha_r: 100\n"
                             "  - {name: \"neg\\tgrad\", on: yes}\n"
                             "nothing:\n"
                             "text: |\n"
                             "  two\n"
                             "  lines\n";

static void test_tree(void **state)
{
    (void)state;
    BaseYaml *root;
    assert_ok(parse(CONFIG, &root));
    assert_int_equal(root->kind, BASE_YAML_MAP);
    assert_string_equal(base_yaml_get(root, "name")->text, "demo");
    assert_string_equal(base_yaml_get(root, "name")->where, "c.yaml:2");
    assert_string_equal(base_yaml_get(root, "train")->where, "c.yaml:4");
    const BaseYaml *steps = base_yaml_get(base_yaml_get(root, "train"), "steps");
    assert_int_equal(steps->kind, BASE_YAML_LIST);
    assert_int_equal(steps->count, 3);
    assert_string_equal(steps->items[2]->text, "three # not a comment");
    assert_null(steps->items[0]->key);
    assert_string_equal(base_yaml_get(base_yaml_get(root, "methods")->items[0], "alpha_r")->where, "c.yaml:9");
    assert_string_equal(base_yaml_get(root, "nothing")->text, "");
    assert_null(base_yaml_get(root, "none"));
    assert_null(base_yaml_get(NULL, "none"));
    assert_null(base_yaml_get(steps, "none"));
    assert_canonical(root,
                     "{\"data\":\"fashion-mnist\",\"methods\":[{\"alpha_r\":\"100\",\"name\":\"svd\"},{\"name\":"
                     "\"neg\\u0009grad\",\"on\":\"yes\"}],\"name\":\"demo\",\"nothing\":\"\",\"text\":\"two\\u000a"
                     "lines\\u000a\",\"train\":{\"lr\":\"0.1\",\"steps\":[\"1\",\"2\",\"three # not a comment\"]}}");
    base_yaml_free(root);
    base_yaml_free(NULL);
    assert_ok(parse("# nothing but this\n", &root));
    assert_string_equal(root->text, "");
    base_yaml_free(root);
}

/* Editors of Windows begin a text with a byte-order mark; lines are counted as without it. */
static void test_mark(void **state)
{
    (void)state;
    BaseYaml *root;
    assert_ok(parse("\xef\xbb\xbf# made by\nname: demo\nprobe: False\n", &root));
    assert_string_equal(base_yaml_get(root, "name")->text, "demo");
    assert_string_equal(base_yaml_get(root, "probe")->where, "c.yaml:3");
    base_yaml_free(root);
    assert_ok(parse("\xef\xbb\xbf", &root));
    assert_int_equal(root->kind, BASE_YAML_SCALAR);
    base_yaml_free(root);
}

static void test_same_content_same_text(void **state)
{
    (void)state;
    BaseYaml *a, *b;
    BaseText one = {0}, two = {0};
    assert_ok(parse("x: [1, {p: 2, q: 3}]\ny: 'z'\n", &a));
    assert_ok(parse("y:   z # !\n\n\"x\":\n- 1\n- q: 3\n  p: 2\n", &b));
    base_yaml_canonical(a, &one);
    base_yaml_canonical(b, &two);
    assert_string_equal(one.data, two.data);
    base_text_free(&one);
    base_text_free(&two);
    base_yaml_free(a);
    base_yaml_free(b);
}

static void test_flow(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {"x", "x"},
        {"'a, b'", "a, b"},
        {"[a, b.c, 1.5, -2, 'd, e', '', '[f', 'g: h', '#', 'i\"j', '- k', '&l']",
         "[a, b.c, 1.5, -2, \"d, e\", \"\", \"[f\", \"g: h\", \"#\", \"i\\\"j\", \"- k\", \"&l\"]"},
        {"{a: [1, {b: c}], 'd:': \"e\\nf\"}", "{a: [1, {b: c}], \"d:\": \"e\\u000af\"}"},
        /* what libyaml takes in quotes only: control characters, other line ends, a byte order mark; and "a:?" in
           braces */
        {"[\"a\\x82\", \"\\x7f\", \"b\\u0085\\u2028\", \"\\ufeff\", \xc3\xa9, 'a:?b']",
         "[\"a\\u0082\", \"\\u007f\", \"b\\u0085\\u2028\", \"\\ufeff\", \xc3\xa9, \"a:?b\"]"},
        {"[]", "[]"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        BaseYaml *node, *back;
        BaseText flow = {0}, one = {0}, two = {0};
        assert_ok(parse(CASES[i][0], &node));
        base_yaml_flow(node, &flow);
        assert_string_equal(flow.data, CASES[i][1]);
        if (node->kind != BASE_YAML_SCALAR) { /* and it reads back to the same */
            assert_ok(parse(flow.data, &back));
            base_yaml_canonical(node, &one);
            base_yaml_canonical(back, &two);
            assert_string_equal(one.data, two.data);
            base_yaml_free(back);
        }
        base_text_free(&flow);
        base_text_free(&one);
        base_text_free(&two);
        base_yaml_free(node);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } CASES[] = {
        {"a: 1\nb: &x 2\n", "c.yaml:2: anchors"},
        {"a: *x\n", "c.yaml:1: aliases"},
        {"a: 1\n*x : 2\n", "c.yaml:2: aliases"},
        {"a: !!str 1\n", "c.yaml:1: tags"},
        {"a: &l [1]\n", "anchors"},
        {"a: !m {b: 1}\n", "tags"},
        {"a: 1\n---\nb: 2\n", "c.yaml:2: a second document"},
        {"a: 1\nb: 2\na: 3\n", "c.yaml:3: key 'a' is given twice (c.yaml:1)"},
        {"m: {x: 1, y: 2, x: 3}\n", "key 'x' is given twice"},
        {"a: [1, 2\nb: 3\n", "c.yaml:2: not valid YAML"},
        {"a: 1\n b: 2\n", "c.yaml:2: not valid YAML"},
        {"a:\n\t- 1\n", "c.yaml:2: not valid YAML"},
        {"a: \"x\n", "not valid YAML"},
        {"? [a]\n: b\n", "a key must be a plain word"},
        {"a: \"b\\0c\"\n", "zero byte"},
        {"a: \xff\xfe\n", "not readable as UTF-8 text"},
        {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "nested deeper than 16"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        BaseYaml *root;
        assert_fails(parse(CASES[i].text, &root), BASE_EUSAGE, CASES[i].part);
        assert_null(root);
    }
    BaseYaml *root;
    size_t big = (1 << 20) + 1;
    char *text = malloc(big);
    memset(text, '#', big);
    assert_fails(base_yaml_parse(text, big, "big", &root), BASE_EUSAGE, "at most 1048576");
    assert_ok(base_yaml_parse(text, big - 1, "big", &root));
    base_yaml_free(root);
    /* the most keys and the deepest brackets that fit, in no time */
    size_t used = 0;
    for (int i = 0; used + 16 < big; i++) used += (size_t)sprintf(text + used, "k%d: 1\n", i);
    assert_ok(base_yaml_parse(text, used, "many", &root));
    assert_true(root->count > 50000);
    base_yaml_free(root);
    memset(text, '[', big);
    assert_fails(base_yaml_parse(text, big - 1, "deep", &root), BASE_EUSAGE, "deep");
    free(text);
}

static void test_read(void **state)
{
    (void)state;
    char path[4200];
    BaseYaml *root;
    snprintf(path, sizeof path, "%s/x.yaml", support_scratch());
    assert_fails(base_yaml_read(path, &root), BASE_EIO, "x.yaml: cannot be opened");
    assert_fails(base_yaml_read(support_scratch(), &root), BASE_EIO, "cannot be read");
    FILE *file = fopen(path, "w");
    fputs(CONFIG, file);
    fclose(file);
    assert_ok(base_yaml_read(path, &root));
    snprintf(path, sizeof path, "%s/x.yaml:3", support_scratch());
    assert_string_equal(base_yaml_get(root, "data")->where, path);
    base_yaml_free(root);
    snprintf(path, sizeof path, "%s/x.yaml", support_scratch());
    file = fopen(path, "w");
    for (int i = 0; i < (1 << 20) + 1; i++) fputc('#', file);
    fclose(file);
    assert_fails(base_yaml_read(path, &root), BASE_EUSAGE, "more than 1048576 bytes");
}

static void test_set(void **state)
{
    (void)state;
    BaseYaml *root;
    assert_ok(parse("a: {b: [1, {c: 2}]}\nempty:\n", &root));
    assert_ok(base_yaml_set(root, "a.b.1.c=new"));
    assert_ok(base_yaml_set(root, "a.b.0=[3, 4]"));
    assert_ok(base_yaml_set(root, "a.b.2=x=y"));
    assert_ok(base_yaml_set(root, "p.q.r= 7 "));
    assert_ok(base_yaml_set(root, "empty.x={y: 1}"));
    assert_ok(base_yaml_set(root, "none="));
    assert_canonical(root, "{\"a\":{\"b\":[[\"3\",\"4\"],{\"c\":\"new\"},\"x=y\"]},\"empty\":{\"x\":{\"y\":\"1\"}},"
                           "\"none\":\"\",\"p\":{\"q\":{\"r\":\"7\"}}}");
    assert_string_equal(base_yaml_get(base_yaml_get(root, "a"), "b")->items[0]->where, "--set");
    assert_string_equal(base_yaml_get(base_yaml_get(root, "p"), "q")->where, "--set");
    assert_fails(base_yaml_set(root, "a"), BASE_EUSAGE, "--set a: must be a name, '=' and a value");
    assert_fails(base_yaml_set(root, "=1"), BASE_EUSAGE, "must be a name");
    assert_fails(base_yaml_set(root, "a..b=1"), BASE_EUSAGE, "empty name");
    assert_fails(base_yaml_set(root, "a.=1"), BASE_EUSAGE, "empty name");
    assert_fails(base_yaml_set(root, "a.b.x=1"), BASE_EUSAGE, "'x' must be an index from 0 to 3");
    assert_fails(base_yaml_set(root, "a.b.4=1"), BASE_EUSAGE, "'4' must be an index from 0 to 3");
    assert_fails(base_yaml_set(root, "a.b.-1=1"), BASE_EUSAGE, "'-1' must be an index");
    assert_fails(base_yaml_set(root, "a.b.00000000000000000000000000001=1"), BASE_EUSAGE, "must be an index");
    assert_fails(base_yaml_set(root, "p.q.r.s=1"), BASE_EUSAGE, "there is a single value");
    assert_fails(base_yaml_set(root, "x=[1"), BASE_EUSAGE, "--set: not valid YAML");
    assert_fails(base_yaml_set(root, "x=*y"), BASE_EUSAGE, "--set: aliases");
    assert_fails(base_yaml_set(root, "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1"), BASE_EUSAGE, "nested");
    base_yaml_free(root);
}

static void test_inherit(void **state)
{
    (void)state;
    BaseYaml *root, *base;
    assert_ok(parse("own: 1\nboth: new\nmap: {a: 1, deep: {x: 1}}\nlist: [1]\nkind: {k: 1}\n", &root));
    assert_ok(parse("p: {q: [2]}\nboth: old\nmap: {a: 0, b: 2, deep: {x: 0, y: 3}}\nlist: [7, 8]\nkind: no\nz: 9\n"
                    "r: 1\ns: 2\nt: 3\n",
                    &base));
    assert_ok(base_yaml_inherit(root, base));
    assert_canonical(root, "{\"both\":\"new\",\"kind\":{\"k\":\"1\"},\"list\":[\"1\"],\"map\":{\"a\":\"1\",\"b\":\"2\","
                           "\"deep\":{\"x\":\"1\",\"y\":\"3\"}},\"own\":\"1\",\"p\":{\"q\":[\"2\"]},\"r\":\"1\","
                           "\"s\":\"2\",\"t\":\"3\",\"z\":\"9\"}");
    assert_canonical(base, "{\"both\":\"old\",\"kind\":\"no\",\"list\":[\"7\",\"8\"],\"map\":{\"a\":\"0\","
                           "\"deep\":{\"x\":\"0\"}}}");
    base_yaml_free(base);
    assert_string_equal(base_yaml_get(root, "r")->text, "1"); /* moved, not shared */
    base_yaml_free(root);
}

static void test_only(void **state)
{
    (void)state;
    static const char *const KEYS[] = {"name", "methods", "train"};
    BaseYaml *root;
    assert_ok(parse("name: x\ntrain: {}\n", &root));
    assert_ok(base_yaml_only(root, "the config", KEYS, 3));
    assert_ok(base_yaml_only(NULL, "the config", KEYS, 3));
    assert_fails(base_yaml_only(base_yaml_get(root, "name"), "train", KEYS, 3), BASE_EUSAGE, "train must be a map");
    base_yaml_free(root);
    assert_ok(parse("name: x\nmetods: 1\n", &root));
    assert_fails(base_yaml_only(root, "the config", KEYS, 3), BASE_EUSAGE,
                 "c.yaml:2: the config has no key 'metods'; did you mean 'methods'?; it has: name, methods, train");
    base_yaml_free(root);
}

static BaseStatus everything(void *user)
{
    (void)user;
    BaseYaml *root = NULL, *base = NULL;
    BaseText text = {0};
    BaseStatus st = parse(CONFIG, &root);
    if (st == BASE_OK) st = parse("a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n", &base);
    if (st == BASE_OK) st = base_yaml_inherit(root, base);
    if (st == BASE_OK) st = base_yaml_set(root, "methods.0.new.deeper=[1, 2]");
    if (st == BASE_OK) {
        base_yaml_flow(root, &text);
        base_yaml_canonical(root, &text);
        st = text.st;
    }
    base_text_free(&text);
    base_yaml_free(root);
    base_yaml_free(base);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    support_fail_allocations(everything, NULL, 300);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_tree),      cmocka_unit_test(test_mark),    cmocka_unit_test(test_same_content_same_text),
    cmocka_unit_test(test_flow),      cmocka_unit_test(test_refused), cmocka_unit_test(test_read),
    cmocka_unit_test(test_set),       cmocka_unit_test(test_inherit), cmocka_unit_test(test_only),
    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
