/* cli/configs.h - the shipped configs: `expunge run` takes their names, `expunge list configs` prints them. */
#ifndef CLI_CONFIGS_H
#define CLI_CONFIGS_H

#include <stddef.h>

#include "base/status.h"

typedef struct {
    char *name;  /* "demo", "fashion-mnist/svd" */
    char *path;  /* of its file */
    char *about; /* its first line, a comment: one sentence */
} CliConfig;
typedef struct {
    char *folder; /* in which they lie; NULL: none were found, and count is 0 */
    CliConfig *config;
    size_t count;
} CliConfigs;

/** Those of the folder itself, then those of each folder in it, by name. Owned: cli_configs_free. */
BaseStatus cli_configs_read(CliConfigs *out);
void cli_configs_free(CliConfigs *configs);

/** The file that @p word means: the file of that name, else the shipped config. Owned. BASE_EUSAGE where there is neither
 *  ("did you mean"), BASE_EIO where @p word can only be a file. */
BaseStatus cli_configs_find(const char *word, char **path);

#endif
