/* nn/graph_file.h - a network's graph as a JSON file (docs/graph.md), read and printed. */
#ifndef NN_GRAPH_FILE_H
#define NN_GRAPH_FILE_H

#include "base/hash.h"
#include "base/text.h"
#include "nn/net.h"

enum { NN_GRAPH_FILE_BYTES = 16 << 20, NN_GRAPH_FILE_NODES = 1 << 14, NN_GRAPH_FILE_NAME = 200 };

/** What a file says. */
typedef struct {
    NnGraph *graph;
    NnNode output; /* made of the outputs of a layer, or of two, so that it can have other classes */
    int64_t classes;
    char *mean, *std; /* "0.5,0.5,0.5", as --mean has it; NULL: the file does not say */
    char **unused;    /* [unused_count] tensors of the checkpoint that the network has no use for */
    size_t unused_count;
    char hash[BASE_HASH_HEX]; /* of its bytes */
} NnGraphFile;

/** Sizes, names, shapes and order are checked before memory is taken for any of them. *out owned: nn_graph_file_free.
 *  BASE_EIO, BASE_ELIMIT (too large a file), BASE_EFORMAT with file and node, BASE_ENOMEM. */
BaseStatus nn_graph_file_read(const char *path, NnGraphFile **out);
/** The same of its bytes; @p path: for messages. */
BaseStatus nn_graph_file_parse(const char *path, const char *text, size_t size, NnGraphFile **out);
void nn_graph_file_free(NnGraphFile *file);
/** Appends the graph of @p net as such a file; what nn_graph_file_parse reads of it is the same graph. @p from: the file
 *  that it is from, for what else that says; NULL: none. BASE_EARG where an operation has no name in graph files;
 *  BASE_ENOMEM. */
BaseStatus nn_graph_file_print(const NnNet *net, const NnGraphFile *from, BaseText *out);

/** Whether the logits are made of one layer's outputs, or of two layers' that are added; their number becomes @p K (0: stays). */
bool nn_graph_file_classifier(NnGraph *graph, NnNode output, int64_t K);

#endif
