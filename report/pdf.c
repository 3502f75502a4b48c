/* report/pdf.c - chromium and its kin print with a profile of their own; weasyprint takes the file. */
#include "report/pdf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/param.h"
#include "base/run.h"
#include "base/text.h"
#include "io/file.h"

static const double LIMIT = 180; /* seconds, on a loaded machine; a browser that hangs is killed */
static const char WEASYPRINT[] = "weasyprint";

BaseStatus report_pdf_program(const char **name)
{
    static const char *const NAMES[] = {"chromium", "chromium-browser", "google-chrome", WEASYPRINT};
    for (size_t i = 0; i < BASE_COUNT(NAMES); i++)
        if (base_run_finds(NAMES[i])) {
            *name = NAMES[i];
            return BASE_OK;
        }
    return base_error_set(BASE_EIO, "a PDF is printed by chromium or weasyprint, and neither is installed (Debian: apt "
                                    "install weasyprint)");
}

/* @p work: a folder that goes afterwards; the PDF is made in it. */
static BaseStatus print(const char *program, const char *html, const char *work, const char *made)
{
    BaseStatus st = BASE_OK;
    char *profile = NULL, *to = NULL, *url = NULL, *whole = realpath(html, NULL);
    int code;
    BASE_CHECK(whole, BASE_EIO, "%s: %s", html, strerror(errno));
    BASE_TRY(base_format(&profile, "--user-data-dir=%s/profile", work));
    BASE_TRY(base_format(&to, "--print-to-pdf=%s", made));
    BASE_TRY(base_format(&url, "file://%s", whole));
    char sandbox[] = "--no-sandbox", quiet[] = "--disable-gpu";
    char *const browser[] = {(char *)program,
                             "--headless",
                             "--no-pdf-header-footer",
                             "--no-first-run",
                             profile,
                             to,
                             geteuid() == 0 ? sandbox : quiet, /* a browser refuses to be root's otherwise */
                             url,
                             NULL};
    char *const plain[] = {(char *)program, whole, (char *)made, NULL};
    BASE_TRY(base_run(strcmp(program, WEASYPRINT) == 0 ? plain : browser, NULL, LIMIT, &code));
    BASE_CHECK(code == 0 && io_path_exists(made), BASE_EIO, "%s printed no PDF of %s (exit status %d)", program, html,
               code);
out:
    free(whole);
    base_free(profile);
    base_free(to);
    base_free(url);
    return st;
}

BaseStatus report_pdf_write(const char *html, const char *pdf, bool is_private)
{
    BaseStatus st = BASE_OK;
    const char *program = NULL;
    char *work = NULL, *made = NULL, *bytes = NULL;
    size_t size;
    BASE_TRY(report_pdf_program(&program));
    BASE_TRY(io_folder_temporary("pdf", &work));
    BASE_TRY(base_format(&made, "%s/page.pdf", work));
    BASE_TRY(print(program, html, work, made));
    BASE_TRY(io_file_read(made, (size_t)1 << 30, &bytes, &size));
    BASE_TRY(is_private ? io_file_write_private(pdf, bytes, size) : io_file_write(pdf, bytes, size));
out:
    if (work) io_folder_remove(work);
    base_free(work);
    base_free(made);
    base_free(bytes);
    return st;
}
