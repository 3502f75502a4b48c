/* report/write.h - one file of a report. */
#ifndef REPORT_WRITE_H
#define REPORT_WRITE_H

#include "base/text.h"

/** Writes @p text to "<folder>/<stem><suffix>", whole or not at all. @return text->st where building it failed; else
 *  as io_file_write. */
BaseStatus report_write_text(const char *folder, const char *stem, const char *suffix, const BaseText *text);
/** The same for what shows images: readable by its owner alone. */
BaseStatus report_write_private(const char *folder, const char *stem, const char *suffix, const BaseText *text);

#endif
