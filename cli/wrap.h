/* cli/wrap.h - text laid out in lines of a given width. */
#ifndef CLI_WRAP_H
#define CLI_WRAP_H

#include "base/text.h"

/** Appends the words of @p text, from where @p out stands, in lines of at most @p columns where its words allow that; the
 *  second and further lines start with @p hang spaces. An option such as "--out FILE" is not parted from its value. */
void cli_wrap_words(BaseText *out, const char *text, int hang, int columns);
/** Appends a row of a table: @p indent spaces, @p name in @p width columns, a space and @p meaning, which hangs there. */
void cli_wrap_row(BaseText *out, int indent, int width, const char *name, const char *meaning, int columns);
/** Appends paragraphs and a line end. @p lines, the last one NULL: those that follow one another are one paragraph, an
 *  empty one ends it, and one that starts with two spaces is a row of a table, "  term   what it is". */
void cli_wrap_lines(BaseText *out, const char *const *lines, int columns);

#endif
