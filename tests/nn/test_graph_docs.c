/* docs/graph.md and its schema say what the operations' own tables say; EXPUNGE_GRAPH_DOCS=DIR writes what they must hold. */
#include "base/param.h"
#include "nn/ops/op.h"
#include "tests/nn/graphs.h"

static void add_usual(const NnAttribute *a, BaseText *out)
{
    if (a->kind == NN_ATTRIBUTE_SHAPE)
        base_text_add(out, " (`[%s, 1, 1]`)", a->like);
    else if (a->like)
        base_text_add(out, " (`%s`)", a->like);
    else if (a->kind == NN_ATTRIBUTE_FLAG)
        base_text_add(out, " (%s)", a->usual != 0 ? "true" : "false");
    else if (a->kind == NN_ATTRIBUTE_CHOICE)
        base_text_add(out, " (\"%s\", or \"%s\")", a->words[0], a->words[1]);
    else if (!a->needed)
        base_text_add(out, " (%s%g)", "", a->usual);
}

/* The row of docs/graph.md that belongs to a form. */
static void add_row(const NnForm *form, BaseText *out)
{
    static const char *const KINDS[] = {[NN_ATTRIBUTE_SQUARE] = " square pair", [NN_ATTRIBUTE_PAIR] = " pair"};
    base_text_add(out, "| `%s` | ", form->name);
    if (form->least == form->most)
        base_text_add(out, "%d | %s | ", form->least, form->tensors ? form->tensors : "");
    else
        base_text_add(out, "%d to %d | %s | ", form->least, form->most, form->tensors ? form->tensors : "");
    for (size_t i = 0; i < form->attribute_count; i++) {
        const NnAttribute *a = &form->attributes[i];
        base_text_add(out, "%s`%s`", i ? ", " : "", a->name);
        if (a->kind == NN_ATTRIBUTE_SQUARE || a->kind == NN_ATTRIBUTE_PAIR) base_text_add(out, "%s", KINDS[a->kind]);
        add_usual(a, out);
    }
    base_text_add(out, "%s%s |\n", form->meaning && form->attribute_count ? "; " : "",
                  form->meaning ? form->meaning : "");
}

static void add_schema_attribute(const NnAttribute *a, BaseText *out)
{
    base_text_add(out, "\"%s\": ", a->name);
    switch (a->kind) {
    case NN_ATTRIBUTE_COUNT:
        base_text_add(out, "{\"type\": \"integer\", \"minimum\": %g, \"maximum\": %.0f}", a->least, a->most);
        break;
    case NN_ATTRIBUTE_SQUARE:
    case NN_ATTRIBUTE_PAIR: base_text_add(out, "{\"$ref\": \"#/$defs/pair_from_%.0f\"}", a->least); break;
    case NN_ATTRIBUTE_SHAPE: base_text_add(out, "{\"$ref\": \"#/$defs/shape\"}"); break;
    case NN_ATTRIBUTE_REAL:
        base_text_add(out, "{\"type\": \"number\", \"minimum\": %g, \"maximum\": %g}", a->least, a->most);
        break;
    case NN_ATTRIBUTE_FLAG: base_text_add(out, "{\"type\": \"boolean\"}"); break;
    case NN_ATTRIBUTE_CHOICE:
        base_text_add(out, "{\"enum\": [");
        for (int i = 0; a->words[i]; i++) base_text_add(out, "%s\"%s\"", i ? ", " : "", a->words[i]);
        base_text_add(out, "]}");
        break;
    }
}

static void add_schema_form(const NnForm *form, BaseText *out)
{
    bool first = true;
    base_text_add(
        out,
        "      {\"properties\": {\"name\": {}, \"op\": {\"const\": \"%s\"}, \"inputs\": {\"minItems\": %d, \"maxItems\": %d}",
        form->name, form->least, form->most);
    base_text_add(out, ", \"attributes\": {\"properties\": {");
    for (size_t i = 0; i < form->attribute_count; i++) {
        base_text_add(out, "%s", i ? ", " : "");
        add_schema_attribute(&form->attributes[i], out);
    }
    base_text_add(out, "}, \"additionalProperties\": false");
    for (size_t i = 0; i < form->attribute_count; i++) {
        if (!form->attributes[i].needed) continue;
        base_text_add(out, "%s\"%s\"", first ? ", \"required\": [" : ", ", form->attributes[i].name);
        first = false;
    }
    base_text_add(out, "%s}}, \"required\": [\"op\"%s%s]}", first ? "" : "]", form->least ? ", \"inputs\"" : "",
                  first ? "" : ", \"attributes\"");
}

static void add_schema(BaseText *out)
{
    static const int LEAST[] = {-NN_GRAPH_LARGEST, 0, 1}; /* of pairs */
    static const char PAIR[] =
        "    \"pair_from_%d\": {\"oneOf\": [{\"type\": \"integer\", \"minimum\": %d, \"maximum\": %d}, {\"type\": \"array\", "
        "\"minItems\": 2, \"maxItems\": 2, \"items\": {\"type\": \"integer\", \"minimum\": %d, \"maximum\": %d}}]},\n";
    base_text_add(
        out,
        "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": \"expunge graph file\",\n"
        "  \"type\": \"object\",\n  \"properties\": {\n    \"format\": {\"const\": \"expunge-graph\"},\n"
        "    \"version\": {\"const\": 1},\n    \"description\": {\"type\": \"string\"},\n"
        "    \"input\": {\"type\": \"array\", \"minItems\": 3, \"maxItems\": 3, \"items\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": %d}},\n"
        "    \"classes\": {\"type\": \"integer\", \"minimum\": 1},\n"
        "    \"normalize\": {\"type\": \"object\", \"properties\": {\"mean\": {\"$ref\": \"#/$defs/channels\"}, \"std\": {\"$ref\": \"#/$defs/channels\"}}, "
        "\"required\": [\"mean\", \"std\"], \"additionalProperties\": false},\n"
        "    \"unused\": {\"type\": \"array\", \"maxItems\": %d, \"items\": {\"$ref\": \"#/$defs/name\"}},\n"
        "    \"nodes\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": %d, \"items\": {\"$ref\": \"#/$defs/node\"}},\n"
        "    \"output\": {\"$ref\": \"#/$defs/name\"}\n  },\n"
        "  \"required\": [\"format\", \"version\", \"input\", \"classes\", \"nodes\", \"output\"],\n  \"additionalProperties\": false,\n  \"$defs\": {\n",
        NN_GRAPH_LARGEST, NN_GRAPH_FILE_NODES, NN_GRAPH_FILE_NODES);
    base_text_add(
        out,
        "    \"name\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": %d},\n"
        "    \"channels\": {\"type\": \"array\", \"minItems\": 1, \"items\": {\"type\": \"number\"}},\n"
        "    \"shape\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 4, \"items\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": %d}},\n",
        NN_GRAPH_FILE_NAME, NN_GRAPH_LARGEST);
    for (size_t i = 0; i < BASE_COUNT(LEAST); i++)
        base_text_add(out, PAIR, LEAST[i], LEAST[i], NN_GRAPH_LARGEST, LEAST[i], NN_GRAPH_LARGEST);
    base_text_add(
        out,
        "    \"node\": {\"type\": \"object\", \"properties\": {\"name\": {\"$ref\": \"#/$defs/name\"}, \"op\": {\"type\": \"string\"}, "
        "\"inputs\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/name\"}}, \"attributes\": {\"type\": \"object\"}}, "
        "\"required\": [\"name\", \"op\"], \"additionalProperties\": false, \"oneOf\": [\n");
    const NnForm *form;
    for (size_t i = 0; (form = nn_form_at(i)); i++) {
        base_text_add(out, "%s", i ? ",\n" : "");
        add_schema_form(form, out);
    }
    base_text_add(out, "\n    ]}\n  }\n}\n");
}

static void written(const char *name, const BaseText *text)
{
    const char *to = getenv("EXPUNGE_GRAPH_DOCS");
    char path[512];
    if (!to) return;
    snprintf(path, sizeof path, "%s/%s", to, name);
    assert_ok(io_file_write(path, text->data, text->size));
}

static void documents_follow_the_tables(void **state)
{
    (void)state;
    char *page = at_tests("../docs/graph.md"), *schema = at_tests("../docs/graph.schema.json");
    BaseText rows = {0}, want = {0};
    const NnForm *form;
    for (size_t i = 0; (form = nn_form_at(i)); i++) {
        for (size_t k = 0; k < i; k++) assert_string_not_equal(form->name, nn_form_at(k)->name);
        add_row(form, &rows);
    }
    add_schema(&want);
    assert_ok(rows.st);
    assert_ok(want.st);
    written("rows", &rows);
    written("graph.schema.json", &want);
    if (!strstr(page, rows.data)) fail_msg("docs/graph.md must have these rows:\n%s", rows.data);
    if (strcmp(schema, want.data) != 0) fail_msg("docs/graph.schema.json must be:\n%s", want.data);
    base_text_free(&rows);
    base_text_free(&want);
    base_free(page);
    base_free(schema);
}

/* The page's own example is a right file, and prints as itself but for names of nodes without parameters. */
static void the_example_is_right(void **state)
{
    (void)state;
    char *page = at_tests("../docs/graph.md");
    char *from = strstr(page, "```json\n"), *to = from ? strstr(from, "\n```\n") : NULL;
    assert_true(from && to);
    from += strlen("```json\n");
    *to = '\0';
    NnGraphFile *file = read_graph(from);
    assert_int_equal(file->classes, 10);
    assert_string_equal(file->mean, "0.5,0.5,0.5");
    nn_graph_file_free(file);
    base_free(page);
}

/* Every operation has a name in graph files. */
static void every_operation_has_a_form(void **state)
{
    (void)state;
    static const NnNodeKind KINDS[] = {
#define X(KIND, name) NN_NODE_##KIND,
#include "nn/ops/list.h"
    };
    for (size_t i = 0; i < BASE_COUNT(KINDS); i++) {
        const NnOperation *operation = nn_operation_of(KINDS[i]);
        if (!operation->forms || !operation->forms[0]) fail_msg("%s has no name in graph files", operation->title);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(documents_follow_the_tables),
    cmocka_unit_test(the_example_is_right),
    cmocka_unit_test(every_operation_has_a_form),
};
SUPPORT_MAIN(tests)
