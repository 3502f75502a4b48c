/* report/columns.h - quantities as the columns of a table. */
#ifndef REPORT_COLUMNS_H
#define REPORT_COLUMNS_H

#include "report/load.h"
#include "report/table.h"

enum { REPORT_COLUMNS_MAX = 200 };
typedef int (*ReportImportance)(const ReportExperiment *e, const ReportQuantity *quantity);
/** Quantities with the most important first, equal ones as the runs have them; out [REPORT_COLUMNS_MAX]. Returns how
 *  many there are. */
int report_results_order(const ReportExperiment *e, ReportImportance importance, const ReportQuantity **out);
/** A quantity's column: title, unit, arrow, ideal. */
int report_results_column(ReportTable *table, const ReportQuantity *quantity, int importance);
/** The cell of a label in the last row; left empty where one of both is NULL or no run has it. */
void report_results_number(ReportTable *table, int column, const ReportLabel *label, const ReportQuantity *quantity);

#endif
