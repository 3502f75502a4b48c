#include "report/write.h"

#include "base/memory.h"
#include "io/file.h"

BaseStatus report_write_text(const char *folder, const char *stem, const char *suffix, const BaseText *text)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    BASE_TRY(text->st);
    BASE_TRY(base_format(&path, "%s/%s%s", folder, stem, suffix));
    BASE_TRY(io_file_write(path, text->data ? text->data : "", text->size));
out:
    base_free(path);
    return st;
}
