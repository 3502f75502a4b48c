/* run/audit/audit.c - collect, judge, write into a temporary folder, and put that in place at the very end. */
#include "run/audit/audit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/file.h"
#include "run/audit/manifest.h"
#include "run/audit/page.h"

static BaseStatus write_all(const RunAuditTask *t, const RunAuditCollected *c, const RunAuditResult *r,
                            const char *folder, char **json)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    RunAuditPage page = {.task = t, .collected = c, .result = r};
    BASE_TRY(base_format(&path, "%s/figures", folder));
    BASE_TRY(io_folder_make(path));
    base_free(path);
    path = NULL;
    BASE_TRY(base_format(&path, "%s/signals.h5", folder));
    BASE_TRY(run_audit_signals_write(&c->signals, path));
    base_free(path);
    path = NULL;
    BASE_TRY(base_format(&path, "%s/report.json", folder));
    BASE_TRY(run_audit_page_json(&page, json));
    BASE_TRY(io_file_write(path, *json, strlen(*json)));
    BASE_TRY(run_audit_page(&page, folder));
    BASE_TRY(run_audit_manifest_write(&page, folder));
out:
    base_free(path);
    return st;
}

/* "a/b/" names the folder a/b: what is written beside it would else be written into it. */
static BaseStatus folder_name(const char *out, char **name)
{
    BaseStatus st = base_strdup(out, name);
    for (size_t n = st == BASE_OK ? strlen(*name) : 0; n > 1 && (*name)[n - 1] == '/'; n--) (*name)[n - 1] = '\0';
    return st;
}

BaseStatus run_audit(const RunAuditTask *task, char **json, BaseText *terminal)
{
    BaseStatus st = BASE_OK;
    RunAuditTask t = *task;
    RunAuditCollected collected = {0};
    RunAuditResult result = {0};
    char *name = NULL, *temporary = NULL;
    bool made = false;
    *json = NULL;
    BASE_TRY(folder_name(task->out, &name));
    t.out = name;
    BASE_TRY(run_audit_manifest_replaceable(name));
    BASE_TRY(base_format(&temporary, "%s.%lld.tmp", name, (long long)getpid()));
    BASE_TRY(io_path_writable(temporary));
    BASE_TRY(run_audit_collect(&t, &collected));
    BASE_TRY(run_audit_judge(&collected.signals, &result));
    made = true;
    BASE_TRY(write_all(&t, &collected, &result, temporary, json));
    BASE_TRY(run_audit_manifest_replaceable(name)); /* it took a while */
    BASE_TRY(io_folder_replace(temporary, name));
    made = false;
    RunAuditPage page = {.task = &t, .collected = &collected, .result = &result};
    run_audit_words_terminal(&page, terminal);
    base_text_add(terminal, "\n%s/report.html\n", name);
    st = terminal->st;
out:
    if (made) io_folder_remove(temporary);
    if (st != BASE_OK) {
        base_free(*json);
        *json = NULL;
    }
    base_free(name);
    base_free(temporary);
    run_audit_result_free(&result);
    run_audit_collected_free(&collected);
    return st;
}
