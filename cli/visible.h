/* cli/visible.h - text as it leaves the program: names out of files may hold anything, and a terminal obeys it. */
#ifndef CLI_VISIBLE_H
#define CLI_VISIBLE_H

#include <stdio.h>

#include "base/text.h"

/** Writes @p text with each character that moves a cursor or changes what follows as its number: \u001b. That is what
 *  Unicode calls control characters, its line separators and changes of direction; bytes that are not UTF-8 are \x9b.
 *  @p lines: line ends and tabs stay, as in text of several lines; else they are numbers too. false: not written. */
bool cli_visible_put(const char *text, bool lines, FILE *to);
/** The same, as one line, appended: for names within text of several lines. */
void cli_visible_add(BaseText *out, const char *text);

#endif
