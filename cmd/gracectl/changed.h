/*
 * changed: whether the configuration says something else now than what the supervisor runs with.
 *
 * A supervisor goes on with what it was started with. Who edits the file and restarts a dyno would
 * be told "done", and wonder; so commands that show or restart the dynos say what was not taken up.
 */
#ifndef GRACECTL_CHANGED_H
#define GRACECTL_CHANGED_H

#include "cli.h"

/* Says so on the standard error, if it has changed. */
void changed_tell(const struct cli *cli, const struct config *config);

/* A supervisor did not know this target ("": it has not said so). Says when the file by now does.
 */
void changed_tell_target(const struct cli *cli, const struct config *config, const char *target);

#endif
