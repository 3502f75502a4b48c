/* tests/nn/graphs.h - graph files of the tests and of docs/. */
#ifndef TESTS_NN_GRAPHS_H
#define TESTS_NN_GRAPHS_H

#include <stdio.h>
#include <stdlib.h>

#include "io/file.h"
#include "nn/graph_file.h"
#include "tests/support/support.h"

/** A file beside the tests. Owned. */
static inline char *at_tests(const char *name)
{
    char path[512], *text = NULL;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", getenv("EXPUNGE_TESTS") ? getenv("EXPUNGE_TESTS") : "tests", name);
    assert_ok(io_file_read(path, 0, &text, &size));
    return text;
}

static inline NnGraphFile *read_graph(const char *text)
{
    NnGraphFile *file = NULL;
    assert_ok(nn_graph_file_parse("net.json", text, strlen(text), &file));
    return file;
}

#endif
