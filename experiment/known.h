/* experiment/known.h - what reports are told beside the runs. */
#ifndef EXPERIMENT_KNOWN_H
#define EXPERIMENT_KNOWN_H

#include "report/known.h"

extern const ReportKnown experiment_known;

#endif
