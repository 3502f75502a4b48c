/* tests/report/folder.h - a folder for a report, what is said meanwhile, and the files that come to lie in it. */
#ifndef TESTS_REPORT_FOLDER_H
#define TESTS_REPORT_FOLDER_H

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "io/file.h"
#include "tests/support/support.h"

/* Warnings as they came, one per line. */
static char told[65536];

static inline void listen(void *user, BaseLogLevel level, const char *text)
{
    (void)user, (void)level;
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s\n", text);
}

static inline char *folder_of(const char *name)
{
    char *path = NULL;
    const BaseLogSink sink = {listen, NULL, NULL};
    base_log_sink(&sink);
    *told = '\0';
    assert_ok(base_format(&path, "%s/%s", support_scratch(), name));
    assert_ok(io_folder_make(path));
    return path;
}

/* Owned. */
static inline char *text_in(const char *folder, const char *name)
{
    char path[4300], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(io_file_read(path, 0, &text, &size));
    return text;
}

#endif
