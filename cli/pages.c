/* cli/pages.c - `expunge help --man DIR` and `expunge help --completion SHELL`. */
#include "cli/pages.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "io/file.h"

/* Today, or what builds that can be repeated say it is (reproducible-builds.org/specs/source-date-epoch). */
static BaseStatus today(char date[16])
{
    const char *given = getenv("SOURCE_DATE_EPOCH");
    int64_t seconds = (int64_t)time(NULL);
    if (given && *given && !base_parse_i64(given, &seconds))
        return base_error_set(BASE_EUSAGE, "SOURCE_DATE_EPOCH = '%.100s': must be a number of seconds", given);
    time_t when = (time_t)seconds;
    struct tm utc;
    if (!gmtime_r(&when, &utc) || strftime(date, 16, "%Y-%m-%d", &utc) == 0)
        return base_error_set(BASE_EUSAGE, "SOURCE_DATE_EPOCH = '%.100s': is no date of four-digit years", given);
    return BASE_OK;
}

static BaseStatus write_page(const CliCommand *command, const char *date, const char *folder)
{
    BaseStatus st = BASE_OK;
    BaseText page = {0};
    char *path = NULL;
    BASE_TRY(base_format(&path, "%s/expunge%s%s.1", folder, command ? "-" : "", command ? command->name : ""));
    cli_man_page(command, date, &page);
    BASE_TRY(page.st);
    BASE_TRY(io_file_write(path, page.data, strlen(page.data)));
out:
    base_text_free(&page);
    base_free(path);
    return st;
}

static BaseStatus write_pages(const char *folder)
{
    BaseStatus st = BASE_OK;
    char date[16];
    BASE_TRY(today(date));
    BASE_TRY(io_folder_make(folder));
    BASE_TRY(write_page(NULL, date, folder));
    for (size_t i = 0; i < cli_command_count; i++) BASE_TRY(write_page(cli_commands[i], date, folder));
out:
    return st;
}

BaseStatus cli_pages(int argc, char **argv)
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    bool man = strcmp(argv[0], "--man") == 0;
    BASE_CHECK(argc > 1 && *argv[1], BASE_EUSAGE, "help: %s needs a value: %s", argv[0],
               man ? "folder for the manual pages" : "bash, zsh or fish");
    BASE_CHECK(argc == 2, BASE_EUSAGE, "help: '%.100s' is one argument too many; see `expunge --help`", argv[2]);
    if (man) return write_pages(argv[1]);
    BASE_TRY(cli_completion(argv[1], &text));
    return cli_print_text_take(&text);
out:
    base_text_free(&text);
    return st;
}
