/* A graph file: whatever is read is printed, read again as the same text, and can be laid out with its own parameters. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/graph_file.h"
#include "nn/node.h"
#include "tests/fuzz/fuzz.h"

static NnNet *outline(const NnGraphFile *file)
{
    NnGraph *graph = NULL;
    NnNet *net = NULL;
    FUZZ_CHECK(nn_graph_clone(file->graph, &graph) == BASE_OK);
    FUZZ_CHECK(nn_net_outline_take(graph, file->output, &net) == BASE_OK);
    return net;
}

static void print(const NnGraphFile *file, BaseText *out)
{
    NnNet *net = outline(file);
    FUZZ_CHECK(nn_graph_file_print(net, file, out) == BASE_OK);
    nn_net_free(net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NnGraphFile *file = NULL, *again = NULL;
    BaseText text = {0}, second = {0};
    if (nn_graph_file_parse("net.json", (const char *)data, size, &file) != BASE_OK) {
        fuzz_check_error();
        return 0;
    }
    print(file, &text);
    FUZZ_CHECK(nn_graph_file_parse("net.json", text.data, text.size, &again) == BASE_OK);
    print(again, &second);
    FUZZ_CHECK(strcmp(text.data, second.data) == 0);
    base_text_free(&text);
    base_text_free(&second);
    nn_graph_file_free(file);
    nn_graph_file_free(again);
    return 0;
}
