/* tests/experiment/whole.h - a whole experiment from the text of its config, as `expunge run` does it. */
#ifndef TESTS_EXPERIMENT_WHOLE_H
#define TESTS_EXPERIMENT_WHOLE_H

#include <stdlib.h>
#include <string.h>

#include "experiment/experiment.h"
#include "io/file.h"
#include "session/program.h"
#include "tests/support/support.h"

/** @p how but for its config, which is @p yaml, and its command; e.yaml of the scratch folder. On one thread, for
 * networks this small only wait for a second one, and without gnuplot: the figures are tested elsewhere. */
static inline BaseStatus whole_run(const char *yaml, ExperimentTask how, ExperimentOutcome *outcome, BaseText *terminal)
{
    char *path = NULL, *before = NULL;
    assert_ok(session_threads_set(1, NULL));
    assert_ok(base_format(&path, "%s/e.yaml", support_scratch()));
    assert_ok(io_file_write(path, yaml, strlen(yaml)));
    how.config = path;
    how.command = "test";
    assert_ok(base_strdup(getenv("PATH"), &before));
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    BaseStatus st = experiment_run(&how, outcome, terminal);
    assert_int_equal(setenv("PATH", before, 1), 0);
    base_free(before);
    base_free(path);
    return st;
}

#endif
