/*
 * log: the supervisor's own diagnostics, for whoever mends gracectl itself.
 *
 * What happens to dynos goes into the journal. Here goes what no dyno is to blame for: a failed
 * write, a strange client, a state file that cannot be read. One line each on stderr, with time and
 * pid. What stderr does not take at once is lost, and counted there later. Debug lines are off
 * until log_set_debug() or SIGUSR1 turns them on.
 */
#ifndef GRACECTL_LOG_H
#define GRACECTL_LOG_H

#include <stdbool.h>

void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_set_debug(bool on);
bool log_is_debug(void);

#endif
