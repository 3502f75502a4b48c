/* Graph files: every architecture printed and read is the same graph; whatever is wrong in a file is one sentence that names
 * file and node. */
#include "tests/nn/graphs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/file.h"
#include "io/json_tree.h"
#include "nn/arch/arch.h"
#include "nn/backend.h"
#include "nn/ops/op.h"

/* ------------------------------------------------------------ every architecture */

static NnNet *outline(const NnArch *arch)
{
    NnNet *net = NULL;
    const int64_t shape[3] = {arch->C ? arch->C : 1, arch->C ? arch->H : 28, arch->C ? arch->W : 28};
    assert_ok(nn_arch_build_at(arch, shape, 7, false, &net));
    return net;
}

static void same_graph(const NnGraph *a, const NnGraph *b)
{
    assert_int_equal(nn_graph_size(a), nn_graph_size(b));
    for (int i = 0; i < nn_graph_size(a); i++) {
        NnNodeInfo x = *nn_graph_node(a, i), y = *nn_graph_node(b, i);
        assert_int_equal(!x.name, !y.name);
        if (x.name) assert_string_equal(x.name, y.name);
        assert_int_equal(x.kind, y.kind);
        assert_memory_equal(x.in, y.in, sizeof x.in);
        assert_true(x.C == y.C && x.H == y.H && x.W == y.W && x.kernel_h == y.kernel_h && x.kernel_w == y.kernel_w);
        assert_true(x.stride == y.stride && x.pad_h == y.pad_h && x.pad_w == y.pad_w && x.dilation == y.dilation);
        assert_true(x.more_h == y.more_h && x.more_w == y.more_w);
        assert_true(x.groups == y.groups && x.bias == y.bias && x.packed == y.packed && x.heads == y.heads);
        assert_true(x.p == y.p && x.whole == y.whole && x.epsilon == y.epsilon && x.momentum == y.momentum);
        assert_true(x.function == y.function && x.slope == y.slope && x.ones[0] == y.ones[0] && x.ones[1] == y.ones[1]);
        assert_true(x.token == y.token && x.tokens == y.tokens);
    }
}

static void every_architecture_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < base_registry_count(&nn_arch_registry); i++) {
        const NnArch *arch = base_registry_at(&nn_arch_registry, i);
        NnNet *net = outline(arch), *again = NULL;
        BaseText text = {0}, second = {0};
        NnGraphFile *file = NULL;
        NnGraph *graph = NULL;
        assert_ok(nn_graph_file_print(net, NULL, &text));
        assert_ok(nn_graph_file_parse("it", text.data, text.size, &file));
        assert_int_equal(file->classes, 7);
        assert_null(file->mean);
        same_graph(nn_net_graph(net), file->graph);
        assert_ok(nn_graph_clone(file->graph, &graph));
        assert_ok(nn_net_outline_take(graph, file->output, &again));
        assert_ok(nn_graph_file_print(again, NULL, &second));
        assert_string_equal(text.data, second.data);
        base_text_free(&text);
        base_text_free(&second);
        nn_graph_file_free(file);
        nn_net_free(net);
        nn_net_free(again);
    }
}

/* ------------------------------------------------------------ right files */

#define HEAD "{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [3, 8, 6], \"classes\": 2, \"nodes\": ["
#define NODE(name, op, inputs, attributes)                                                                             \
    "{\"name\": \"" name "\", \"op\": \"" op "\", \"inputs\": [" inputs "], \"attributes\": {" attributes "}}"
#define POOL NODE("p", "adaptive_avg_pool2d", "\"input\"", "\"output_size\": 1")
#define FC   NODE("fc", "linear", "\"p\"", "\"out_features\": 2")
#define TAIL "], \"output\": \"fc\"}"

static void rich_file(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"c.weight",
                                        "g.weight",
                                        "g.bias",
                                        "s",
                                        "r.weight",
                                        "pos",
                                        "q.weight",
                                        "q.bias",
                                        "k.weight",
                                        "v.weight",
                                        "v.bias",
                                        "mha.in_proj_weight",
                                        "mha.in_proj_bias",
                                        "mha.out_proj.weight",
                                        "mha.out_proj.bias",
                                        "fc.weight",
                                        "fc.bias"};
    char *rich = at_tests("fuzz/corpus/graph/rich.json");
    NnGraphFile *file = read_graph(rich);
    base_free(rich);
    NnGraph *graph = NULL;
    NnNet *net = NULL;
    BaseText text = {0};
    int count;
    assert_string_equal(file->mean, "0.5,0.25,0.125");
    assert_string_equal(file->std, "1");
    assert_int_equal(file->unused_count, 2);
    assert_string_equal(file->unused[1], "pooler.weight");
    assert_ok(nn_graph_clone(file->graph, &graph));
    assert_ok(nn_net_outline_take(graph, file->output, &net));
    const NnSlice *slices = nn_net_param_slices(net, &count);
    assert_int_equal(count, BASE_COUNT(NAMES));
    for (int i = 0; i < count; i++) assert_string_equal(slices[i].name, NAMES[i]);
    assert_memory_equal(slices[0].shape, ((int64_t[]){12, 1, 3, 1}), 4 * sizeof(int64_t));
    assert_int_equal(slices[3].ndim, 3);
    assert_memory_equal(slices[3].shape, ((int64_t[]){1, 12, 1}), 3 * sizeof(int64_t));
    assert_memory_equal(slices[5].shape, ((int64_t[]){1, 48, 12}), 3 * sizeof(int64_t));
    const NnNodeInfo *norm = nn_graph_node(file->graph, 2);
    assert_true(norm->groups == 3 && norm->epsilon == 0.001);
    assert_ok(nn_graph_file_print(net, file, &text));
    NnGraphFile *again = read_graph(text.data);
    same_graph(file->graph, again->graph);
    assert_string_equal(again->mean, file->mean);
    assert_string_equal(again->unused[1], file->unused[1]);
    assert_string_not_equal(again->hash, file->hash);
    nn_graph_file_free(again);
    nn_graph_file_free(file);
    nn_net_free(net);
    base_text_free(&text);
}

/* Both forms of GELU compute what they are called, and are printed so. torch.nn.functional.gelu states the formulas (arXiv
 * 1606.08415); a float32 function that is right to a few units in its last place is within 1e-5, and the two
 * forms differ by up to 4.7e-4. */
static void gelu_by_its_word(void **state)
{
    (void)state;
    static const char *const FILES[] = {
#define GELU_FILE(attributes)                                                                                          \
    "{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [9, 1, 1], \"classes\": 9, \"nodes\": [" NODE(         \
        "l", "linear", "\"input\"",                                                                                    \
        "\"out_features\": 9, \"bias\": false") "," NODE("g", "gelu", "\"l\"", attributes) "], \"output\": \"g\"}"
        GELU_FILE(""), GELU_FILE("\"approximate\": \"none\""), GELU_FILE("\"approximate\": \"tanh\"")};
    static const float X[] = {-5, -2.3F, -1, -0.2F, 0, 0.3F, 1, 2.2F, 6};
    for (size_t i = 0; i < BASE_COUNT(FILES); i++) {
        NnGraphFile *file = read_graph(FILES[i]);
        NnGraph *graph = NULL;
        NnNet *net = NULL;
        NnEngine *engine = NULL;
        BaseText text = {0};
        float y[BASE_COUNT(X)];
        assert_ok(nn_graph_clone(file->graph, &graph));
        assert_ok(nn_net_create_take(graph, file->output, &net));
        assert_ok(nn_graph_file_print(net, NULL, &text));
        assert_int_equal(strstr(text.data, "\"tanh\"") != NULL, i == 2);
        for (size_t k = 0; k < BASE_COUNT(X); k++)
            nn_net_edit_params(net)[k * BASE_COUNT(X) + k] = 1; /* the identity */
        assert_ok(nn_engine_create(net, NN_MODE_EVAL, NN_F32, 1, &engine));
        assert_ok(nn_engine_forward(engine, X, 1, 0, y));
        for (size_t k = 0; k < BASE_COUNT(X); k++) {
            double x = X[k], inner = sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x);
            double want = i == 2 ? x * (1 + tanh(inner)) / 2 : x * (1 + erf(x / sqrt(2))) / 2;
            if (!(fabs(y[k] - want) < 1e-5)) fail_msg("file %zu: gelu(%g) = %.7g, not %.7g", i, x, (double)y[k], want);
        }
        nn_engine_free(engine);
        nn_net_free(net);
        nn_graph_file_free(file);
        base_text_free(&text);
    }
}

/* ------------------------------------------------------------ wrong files */

static const struct {
    const char *text, *says;
} WRONG[] = {
    {"", "net.json: a graph file is not JSON"},
    {"[]", "must be an object"},
    {"{}", "'format' must be \"expunge-graph\""},
    {"{\"format\": \"expunge-graph\", \"version\": 2}", "'version' must be 1"},
    {"{\"format\": \"expunge-graph\", \"version\": 1, \"node\": []}", "no key 'node'; did you mean 'nodes'?"},
    {"{\"format\": \"expunge-graph\", \"format\": \"expunge-graph\"}", "duplicate"},
    {"{\"format\": \"expunge-graph\", \"version\": 1, \"description\": 1}", "'description' must be text"},
    {"{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [3, 8]}", "'input' must be [C, H, W]"},
    {"{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [3, -8, 8]}", "'input' must be [C, H, W]"},
    {"{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [3, 1048576, 1048576]}", "'input' must be [C, H, W]"},
    {"{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [3, 99999999999999999999, 8]}", "too big"},
    {"{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [3, 8, 8], \"unused\": {}, \"nodes\": [1]}",
     "'unused' must be a list"},
    {"{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [3, 8, 8], \"unused\": [1], \"nodes\": [1]}",
     "'unused' must be a list of names"},
    {HEAD POOL "," FC "], \"output\": \"fc\", \"unused\": [\"m\", \"fc.bias\"]}",
     "'unused' names 'fc.bias', which is named already"},
    {HEAD POOL "," FC "], \"output\": \"fc\", \"unused\": [\"m\", \"m\"]}",
     "'unused' names 'm', which is named already"},
    {HEAD TAIL, "'nodes' must be a list of 1 to 16384"},
    {HEAD "1" TAIL, "node 0: must be an object with a 'name'"},
    {HEAD "{\"op\": \"relu\"}" TAIL, "node 0: must be an object with a 'name'"},
    {HEAD NODE("", "relu", "", "") TAIL, "'name' of 1 to 200 bytes"},
    {HEAD NODE("a\\nb", "relu", "", "") TAIL, "without control characters"},
    {HEAD NODE("input", "relu", "\"input\"", "") TAIL, "called 'input'"},
    {HEAD POOL "," POOL TAIL, "nodes 0 and 1 are both called 'p'"},
    {HEAD "{\"name\": \"a\"}" TAIL, "node 'a': it needs an 'op'"},
    {HEAD "{\"name\": \"a\", \"op\": \"relu\", \"input\": []}" TAIL, "no key 'input'; did you mean 'inputs'?"},
    {HEAD NODE("a", "conv3d", "\"input\"", "") TAIL,
     "no operation 'conv3d'; did you mean 'conv2d'? There are: conv2d, linear"},
    {HEAD NODE("a", "relu", "", "") TAIL, "relu takes 1 input, not 0"},
    {HEAD NODE("a", "add", "\"input\"", "") TAIL, "add takes 2 inputs, not 1"},
    {HEAD NODE("a", "concat", "\"input\"", "") TAIL, "concat takes 2 to 64 inputs, not 1"},
    {HEAD NODE("a", "relu", "7", "") TAIL, "'inputs' must be a list of names"},
    {HEAD "{\"name\": \"a\", \"op\": \"relu\", \"inputs\": \"input\"}" TAIL, "'inputs' must be a list of names"},
    {HEAD NODE("a", "relu", "\"inpt\"", "") TAIL, "node 'a': there is no node 'inpt'"},
    {HEAD POOL "," NODE("fc", "relu", "\"q\"", "") TAIL, "there is no node 'q' for its input"},
    {HEAD NODE("a", "relu", "\"a\"", "") TAIL, "its input 'a' is itself"},
    {HEAD NODE("a", "relu", "\"p\"", "") "," POOL TAIL, "its input 'p' comes later"},
    {HEAD NODE("a", "conv2d", "\"input\"", "\"kernel_size\": 3") TAIL, "conv2d needs the attribute 'out_channels'"},
    {HEAD NODE("a", "conv2d", "\"input\"", "\"strid\": 3") TAIL,
     "conv2d has no attribute 'strid'; did you mean 'stride'? There are: out_channels, kernel_size"},
    {HEAD NODE("a", "relu", "\"input\"", "\"x\": 3") TAIL, "relu has no attribute 'x'; there are: none"},
    {HEAD "{\"name\": \"a\", \"op\": \"relu\", \"inputs\": [\"input\"], \"attributes\": 1}" TAIL,
     "'attributes' must be an object"},
    {HEAD NODE("a", "conv2d", "\"input\"", "\"out_channels\": -1, \"kernel_size\": 3") TAIL,
     "'out_channels' must be a whole number from 1 to 1048576"},
    {HEAD NODE("a", "conv2d", "\"input\"", "\"out_channels\": 1.5, \"kernel_size\": 3") TAIL, "'out_channels' must be"},
    {HEAD NODE("a", "conv2d", "\"input\"", "\"out_channels\": 9223372036854775807, \"kernel_size\": 3") TAIL,
     "'out_channels' must be"},
    {HEAD NODE("a", "conv2d", "\"input\"", "\"out_channels\": 4, \"kernel_size\": [3]") TAIL,
     "or a pair [height, width]"},
    {HEAD NODE("a", "conv2d", "\"input\"", "\"out_channels\": 4, \"kernel_size\": 3, \"stride\": [1, 2]") TAIL,
     "or a pair of equal ones"},
    {HEAD NODE("a", "conv2d", "\"input\"", "\"out_channels\": 4, \"kernel_size\": 3, \"bias\": 0") TAIL,
     "'bias' must be true or false"},
    {HEAD NODE("a", "conv2d", "\"input\"", "\"out_channels\": 4, \"kernel_size\": 9") TAIL, "the kernel must fit"},
    {HEAD NODE("a", "conv2d", "\"input\"", "\"out_channels\": 4, \"kernel_size\": 1, \"groups\": 2") TAIL,
     "2 groups: must divide evenly"},
    {HEAD NODE("a", "batch_norm", "\"input\"", "\"eps\": -1") TAIL, "'eps' must be a number from"},
    {HEAD NODE("a", "gelu", "\"input\"", "\"approximate\": \"tan\"") TAIL,
     "'approximate' has no value 'tan'; did you mean 'tanh'?"},
    {HEAD NODE("a", "parameter", "", "\"channels\": 4, \"shape\": [4, 4]") TAIL, "'shape' must be a list of up to 4"},
    {HEAD NODE("a", "parameter", "", "\"channels\": 4, \"shape\": []") TAIL, "'shape' must be a list of up to 4"},
    {HEAD NODE("a", "prelu", "\"input\"", "\"num_parameters\": 2") TAIL, "2 slopes for 3 channels"},
    {HEAD NODE("a", "scaled_dot_product_attention", "\"input\"", "\"num_heads\": 1") TAIL, "must be tokens"},
    {HEAD POOL "," NODE("a", "add", "\"p\", \"input\"", "") TAIL, "node 'a': add: [3, 1, 1] and [3, 8, 6] differ"},
    {HEAD NODE("a", "adaptive_avg_pool2d", "\"input\"", "\"output_size\": 1048576") TAIL,
     "has more than 2147483648 numbers"},
    {HEAD POOL "," NODE("a", "multi_head_attention", "\"p\"",
                        "\"num_heads\": 1") "," NODE("a.in_proj", "linear", "\"a\"", "\"out_features\": 2") TAIL,
     "two layers are called 'a.in_proj'"},
    {HEAD POOL
     "," NODE("b", "batch_norm", "\"p\"", "") "," NODE("b.running_mean", "parameter", "", "\"channels\": 3") "," NODE(
         "m", "mul", "\"b\", \"b.running_mean\"", "") "," NODE("fc", "linear", "\"m\"", "\"out_features\": 2") TAIL,
     "two nodes have a tensor 'b.running_mean'"},
    {HEAD POOL "," NODE("fd", "linear", "\"p\"", "\"out_features\": 2") TAIL,
     "'output' must be the name of a node, not 'fc'; did you mean 'fd'?"},
    {HEAD POOL "," FC "," NODE("r", "relu", "\"p\"", "") TAIL, "node 'r' does not lead to the output"},
    {HEAD POOL "," NODE("fc", "linear", "\"p\"", "\"out_features\": 3") TAIL,
     "node 'fc' is the output, [3, 1, 1], but must be [2, 1, 1]"},
    {HEAD NODE("fc", "linear", "\"input\"", "\"out_features\": 2") TAIL, "is the output, [2, 8, 6]"},
    {HEAD POOL "," NODE("w", "parameter", "", "\"channels\": 3") "," NODE("a", "add", "\"p\", \"w\"", "") "," NODE(
         "fc", "linear", "\"a\"", "\"out_features\": 2") TAIL,
     "w can only be the second input of a scale"},
    {HEAD NODE("w", "parameter", "", "\"channels\": 3") "," NODE("fc", "linear", "\"w\"", "\"out_features\": 2") TAIL,
     "no node has 'input', the images, as its input"},
    {HEAD POOL "," NODE("w", "parameter", "", "\"channels\": 3") "," NODE("m", "mul", "\"p\", \"w\"", "") "," NODE(
         "n", "mul", "\"m\", \"w\"", "") "," NODE("fc", "linear", "\"n\"", "\"out_features\": 2") TAIL,
     "w is read twice"},
    {HEAD POOL "], \"output\": \"p\"}", "is the output, [3, 1, 1]"},
    {HEAD POOL "," NODE("h", "linear", "\"p\"", "\"out_features\": 2") "," NODE(
         "l", "linear", "\"h\"", "\"out_features\": 2") "," NODE("fc", "add", "\"h\", \"l\"", "") TAIL,
     "'fc' is the output, but no linear layer"},
    {HEAD POOL "," NODE("h", "linear", "\"p\"", "\"out_features\": 2") "," NODE(
         "l", "linear", "\"p\"",
         "\"out_features\": 2") "," NODE("s", "add", "\"h\", \"l\"",
                                         "") "," NODE("m", "linear", "\"p\"",
                                                      "\"out_features\": 2") "," NODE("fc", "add", "\"s\", \"m\"", "")
         TAIL,
     "'fc' is the output, but no linear layer"},
    {HEAD NODE("c", "conv2d", "\"input\"", "\"out_channels\": 2, \"kernel_size\": 1") "," NODE(
         "n", "batch_norm", "\"c\"", "") "," NODE("p", "adaptive_avg_pool2d", "\"n\"",
                                                  "\"output_size\": 1") "], \"output\": \"p\"}",
     "node 'p' is the output, but no linear layer"},
};

static void wrong_files(void **state)
{
    (void)state;
    NnGraphFile *file = NULL;
    for (size_t i = 0; i < BASE_COUNT(WRONG); i++) {
        assert_fails(nn_graph_file_parse("net.json", WRONG[i].text, strlen(WRONG[i].text), &file), BASE_EFORMAT,
                     WRONG[i].says);
        assert_non_null(strstr(base_error_text(), "net.json"));
        assert_null(file);
    }
}

/* What sums of all nodes only show, or how deep and how large a file is. */
static void too_much(void **state)
{
    (void)state;
    NnGraphFile *file = NULL;
    BaseText text = {0};
    base_text_add(&text, "%s%s," NODE("f0", "linear", "\"p\"", "\"out_features\": 1048576") ",", HEAD, POOL);
    for (int i = 1; i < 40; i++)
        base_text_add(&text, NODE("f%d", "linear", "\"f%d\"", "\"out_features\": 1048576") ",", i, i - 1);
    base_text_add(&text, "%s", NODE("fc", "linear", "\"f39\"", "\"out_features\": 2") TAIL);
    assert_fails(nn_graph_file_parse("net.json", text.data, text.size, &file), BASE_EFORMAT,
                 "more than 34359738368 parameters");
    base_text_free(&text);
    /* one layer whose multiplications overflow 64 bits */
    base_text_add(
        &text, "%s,%s,%s" TAIL,
        "{\"format\": \"expunge-graph\", \"version\": 1, \"input\": [3, 30000, 20000], \"classes\": 2, "
        "\"nodes\": [" NODE("d", "conv2d", "\"input\"",
                            "\"out_channels\": 3, \"kernel_size\": [60000, 40000], \"padding\": [30000, 20000]"),
        NODE("p", "adaptive_avg_pool2d", "\"d\"", "\"output_size\": 1"), FC);
    assert_fails(nn_graph_file_parse("net.json", text.data, text.size, &file), BASE_EFORMAT,
                 "d has too many multiplications");
    base_text_free(&text);
    for (int i = 0; i < 5000; i++) base_text_add(&text, "[");
    assert_fails(nn_graph_file_parse("net.json", text.data, text.size, &file), BASE_EFORMAT, "maximum parsing depth");
    base_text_free(&text);
    assert_fails(nn_graph_file_read(support_at("none.json"), &file), BASE_EIO, "none.json");
}

/* ------------------------------------------------------------ by name */

static void write_file(const char *path, const char *text) { assert_ok(io_file_write(path, text, strlen(text))); }

/* DeiT's two tokens, each a tensor of its own, and its two classifiers, which take other numbers of classes together. */
static void two_classifiers(void **state)
{
    (void)state;
    static const char TEXT[] = HEAD
        NODE("patch", "conv2d", "\"input\"", "\"out_channels\": 4, \"kernel_size\": 2, \"stride\": 2") "," NODE("cls", "class_token", "", "\"embed_dim\": 4, \"num_tokens\": 2") "," NODE(
            "dist", "class_token", "\"cls\"",
            "\"embed_dim\": 4") "," NODE("pos", "tokens", "\"patch\", \"dist\"",
                                         "") "," NODE("a", "first_token", "\"pos\"",
                                                      "") "," NODE("b", "first_token", "\"pos\"",
                                                                   "\"index\": 2") "," NODE("head", "linear", "\"a\"",
                                                                                            "\"out_features\": 2") "," NODE("head_dist",
                                                                                                                            "linear",
                                                                                                                            "\"b\"",
                                                                                                                            "\"out_features\": 2") "," NODE("sum",
                                                                                                                                                            "add",
                                                                                                                                                            "\"head\", \"head_dist\"",
                                                                                                                                                            "") "," NODE("fc",
                                                                                                                                                                         "half",
                                                                                                                                                                         "\"sum\"",
                                                                                                                                                                         "")
            TAIL;
    static const struct {
        const char *name;
        int64_t rows;
    } WANT[] = {{"cls", 2}, {"dist", 1}, {"pos", 15}, {"head.weight", 7}, {"head_dist.weight", 7}};
    const NnArch *arch;
    NnNet *net = NULL;
    BaseText text = {0};
    char name[512];
    int count;
    write_file(support_at("two.json"), TEXT);
    snprintf(name, sizeof name, "graph:%s", support_at("two.json"));
    assert_ok(nn_arch_find(name, &arch));
    assert_ok(nn_arch_build_at(arch, (int64_t[]){3, 8, 6}, 7, true, &net));
    assert_int_equal(nn_net_classes(net), 7);
    const NnSlice *slices = nn_net_param_slices(net, &count);
    for (size_t w = 0; w < BASE_COUNT(WANT); w++) {
        int i = 0;
        while (i < count && strcmp(slices[i].name, WANT[w].name) != 0) i++;
        assert_true(i < count);
        assert_int_equal(slices[i].shape[slices[i].ndim == 3], WANT[w].rows);
    }
    assert_ok(nn_graph_file_print(net, NULL, &text));
    NnGraphFile *again = read_graph(text.data);
    same_graph(nn_net_graph(net), again->graph);
    nn_graph_file_free(again);
    base_text_free(&text);
    nn_net_free(net);
    nn_arch_release();
}

static void by_name(void **state)
{
    (void)state;
    const NnArch *a, *b, *c;
    NnNet *net = NULL;
    BaseText key = {0}, other = {0};
    char name[512], path[256], moved[512];
    int64_t shape[3];
    snprintf(path, sizeof path, "%s", support_at("net.json"));
    snprintf(moved, sizeof moved, "graph:%s", support_at("moved.json"));
    snprintf(name, sizeof name, "graph:%s", path);
    write_file(path, HEAD POOL "," FC TAIL);
    write_file(support_at("moved.json"), HEAD POOL "," FC TAIL);
    assert_ok(nn_arch_find(name, &a));
    assert_ok(nn_arch_find(name, &b));
    assert_ptr_equal(a, b);
    assert_int_equal(strncmp(a->entry.name, name, strlen(name)), 0);
    assert_int_equal(strlen(a->entry.name), strlen(name) + 17);
    assert_ok(nn_arch_find(a->entry.name, &b)); /* its own name is one */
    assert_ptr_equal(a, b);
    assert_ok(nn_arch_shape(a, (int64_t[]){1, 28, 28}, NULL, shape));
    assert_memory_equal(shape, ((int64_t[]){3, 8, 6}), sizeof shape);
    assert_ok(nn_arch_build_at(a, shape, 5, true, &net)); /* a linear output takes any number of classes */
    assert_int_equal(nn_net_classes(net), 5);
    nn_net_free(net);
    assert_fails(nn_arch_build_at(a, (int64_t[]){3, 8, 8}, 2, true, &net), BASE_ESHAPE, "for images of 3x8x6");
    nn_arch_key(name, &key);
    nn_arch_key(moved, &other);
    assert_ok(key.st);
    assert_string_equal(key.data, other.data); /* wherever it is */
    assert_true(nn_arch_same(name, moved));
    assert_true(nn_arch_same("mlp", "mlp") && !nn_arch_same("mlp", name));
    base_text_free(&other);
    write_file(path, HEAD POOL
               "," NODE("r", "relu", "\"p\"", "") "," NODE("fc", "linear", "\"r\"", "\"out_features\": 2") TAIL);
    assert_fails(nn_arch_find(a->entry.name, &b), BASE_EFORMAT, "is not the one that was named");
    assert_ok(nn_arch_find(name, &c));
    assert_ptr_not_equal(a, c);
    assert_false(nn_arch_same(name, moved));
    nn_arch_key(name, &other);
    assert_string_not_equal(key.data, other.data);
    base_text_free(&other);
    nn_arch_key("resnet18", &other);
    assert_string_equal(other.data, "resnet18");
    base_text_free(&other);
    nn_arch_key("graph:/no/such.json", &other);
    assert_int_equal(other.st, BASE_EIO);
    assert_fails(nn_arch_find("graph:", &b), BASE_EUSAGE, "must be graph:FILE.json");
    base_text_free(&key);
    base_text_free(&other);
    nn_arch_release();
}

static BaseStatus parse_once(void *user)
{
    NnGraphFile *file = NULL;
    BaseStatus st = nn_graph_file_parse("net.json", user, strlen(user), &file);
    nn_graph_file_free(file);
    return st;
}

static BaseStatus find_once(void *user)
{
    const NnArch *arch;
    NnNet *net = NULL;
    BaseText text = {0};
    BaseStatus st = nn_arch_find(user, &arch);
    if (st == BASE_OK) st = nn_arch_build_at(arch, (int64_t[]){3, 8, 6}, 2, false, &net);
    if (st == BASE_OK) st = nn_graph_file_print(net, NULL, &text);
    base_text_free(&text);
    nn_net_free(net);
    nn_arch_release();
    return st;
}

static void memory_runs_out(void **state)
{
    (void)state;
    static char name[512];
    char *text = at_tests("fuzz/corpus/graph/rich.json");
    support_fail_some_allocations(parse_once, text, 7, 5000);
    base_free(text);
    write_file(support_at("small.json"), HEAD POOL "," FC TAIL);
    snprintf(name, sizeof name, "graph:%s", support_at("small.json"));
    support_fail_some_allocations(find_once, name, 3, 2000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_architecture_reads_back),
    cmocka_unit_test(rich_file),
    cmocka_unit_test(gelu_by_its_word),
    cmocka_unit_test(wrong_files),
    cmocka_unit_test(too_much),
    cmocka_unit_test(two_classifiers),
    cmocka_unit_test(by_name),
    cmocka_unit_test(memory_runs_out),
};
SUPPORT_MAIN(tests)
