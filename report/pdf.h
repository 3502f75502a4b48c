/* report/pdf.h - a page as PDF, by a program that is there. */
#ifndef REPORT_PDF_H
#define REPORT_PDF_H

#include "base/status.h"

/** The program that would do it; BASE_EIO names those that could and how to get one. */
BaseStatus report_pdf_program(const char **name);
/** Prints the page at @p html to @p pdf, whole or not at all; @p is_private: readable by its owner alone. BASE_EIO. A browser's
 *  profile lives in a temporary folder and goes with it. Takes seconds. */
BaseStatus report_pdf_write(const char *html, const char *pdf, bool is_private);

#endif
