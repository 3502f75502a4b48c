/* report/write.c - joins folder, stem and suffix, and writes only texts that are complete. */
#include "report/write.h"

#include "base/memory.h"
#include "io/file.h"

static BaseStatus write_as(BaseStatus (*write)(const char *, const void *, size_t), const char *folder,
                           const char *stem, const char *suffix, const BaseText *text)
{
    BaseStatus st = BASE_OK;
    char *path = NULL;
    BASE_TRY(text->st);
    BASE_TRY(base_format(&path, "%s/%s%s", folder, stem, suffix));
    BASE_TRY(write(path, text->data ? text->data : "", text->size));
out:
    base_free(path);
    return st;
}

BaseStatus report_write_text(const char *folder, const char *stem, const char *suffix, const BaseText *text)
{
    return write_as(io_file_write, folder, stem, suffix, text);
}

BaseStatus report_write_private(const char *folder, const char *stem, const char *suffix, const BaseText *text)
{
    return write_as(io_file_write_private, folder, stem, suffix, text);
}
