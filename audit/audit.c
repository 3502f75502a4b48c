/* audit/audit.c - collect, judge, write into a temporary folder, and put that in place at the very end. */
#include "audit/audit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/judge.h"
#include "audit/manifest.h"
#include "audit/provenance.h"
#include "audit/report.h"
#include "audit/words.h"
#include "base/memory.h"
#include "io/file.h"

static BaseStatus write_all(const AuditTask *t, const AuditCollected *c, const AuditResult *r, const char *folder,
                            char **json)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    AuditPage page = {.task = t, .collected = c, .result = r};
    BASE_TRY(base_format(&path, "%s/figures", folder));
    BASE_TRY(io_folder_make(path));
    base_free(path);
    path = NULL;
    BASE_TRY(base_format(&path, "%s/signals.h5", folder));
    BASE_TRY(audit_signals_write(&c->signals, path));
    base_free(path);
    path = NULL;
    BASE_TRY(base_format(&path, "%s/report.json", folder));
    BASE_TRY(audit_page_json(&page, json));
    BASE_TRY(io_file_write(path, *json, strlen(*json)));
    BASE_TRY(audit_page(&page, folder));
    BASE_TRY(audit_provenance_write(&page, folder));
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

BaseStatus audit_run(const AuditTask *task, char **json, BaseText *terminal, MiaVerdict *verdict)
{
    BaseStatus st = BASE_OK;
    AuditTask t = *task;
    AuditCollected collected = {0};
    AuditResult result = {0};
    char *name = NULL, *temporary = NULL;
    bool made = false;
    *json = NULL;
    BASE_TRY(folder_name(task->out, &name));
    t.out = name;
    BASE_TRY(audit_manifest_replaceable(name));
    BASE_TRY(base_format(&temporary, "%s.%lld.tmp", name, (long long)getpid()));
    BASE_TRY(io_path_writable(temporary));
    BASE_TRY(audit_collect(&t, &collected));
    BASE_TRY(audit_judge(&collected.signals, &result));
    made = true;
    BASE_TRY(write_all(&t, &collected, &result, temporary, json));
    BASE_TRY(audit_manifest_replaceable(name)); /* it took a while */
    BASE_TRY(io_folder_replace(temporary, name));
    made = false;
    AuditPage page = {.task = &t, .collected = &collected, .result = &result};
    audit_words_terminal(&page, terminal);
    base_text_add(terminal, "\n%s/report.html\n", name);
    *verdict = result.audit.verdict;
    st = terminal->st;
out:
    if (made) io_folder_remove(temporary);
    if (st != BASE_OK) {
        base_free(*json);
        *json = NULL;
    }
    base_free(name);
    base_free(temporary);
    audit_result_free(&result);
    audit_collected_free(&collected);
    return st;
}
