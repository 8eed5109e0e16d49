/*
 * config: what the user wants, read from gracectl.ini or a Procfile and checked.
 *
 * One table of options (config-options.c) gives the parsing, the defaults, the range checks, the
 * text of `check --print` and the list in the manual. Reading never stops at the first mistake:
 * every problem is kept with file, line, key, value and what would be right.
 *
 * Order of precedence for a process: [process NAME], then [defaults], then the built-in default.
 * After config_load() a configuration is never changed, but for config_set_run_dir(); whoever needs
 * a new one loads it anew.
 */
#ifndef GRACECTL_CONFIG_H
#define GRACECTL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "cause.h"
#include "clock.h"
#include "ladder.h"
#include "schedule.h"
#include "strlist.h"

enum {
	SCALE_MAX = 10000,
	PROCESS_NAME_MAX = 63,
	READY_PATH_MAX = 1024,
	CONFIG_LINE_MAX = 16384
};

enum ready_kind {
	READY_NONE,   /* up as soon as it is launched */
	READY_PORT,   /* up when something listens on its port */
	READY_HTTP,   /* up when GET ready_path on its port answers 200-399 */
	READY_NOTIFY, /* up when it says READY=1, see sd_notify(3) */
};

enum port_kind {
	PORT_NONE,
	PORT_AUTO,  /* a free port, another one at each start */
	PORT_FIXED, /* port, port + 1, ... for dyno 1, 2, ... */
};

enum restart_order {
	ORDER_OVERLAP,	   /* signal the old one, start the new one at once (as Heroku) */
	ORDER_STOP_FIRST,  /* start the new one when the old one is gone */
	ORDER_START_FIRST, /* stop the old one when the new one is up */
};

enum stop_to {
	STOP_ALL,  /* the stop signal goes to every process of the dyno (as Heroku) */
	STOP_MAIN, /* only to the launched process; SIGKILL still goes to all */
};

/* One process type. All strings are owned by the struct config. */
struct process_config {
	char *name;	/* "web" */
	char *command;	/* as written */
	unsigned scale; /* how many dynos */
	enum port_kind port_kind;
	uint16_t port;	    /* for PORT_FIXED */
	struct strlist env; /* env.KEY = VALUE of [defaults] and of the process, "KEY=VALUE" */
	char *workdir;	    /* absolute; the app's root by default */
	char *user;	    /* NULL: as the supervisor */
	char *group;	    /* NULL: the user's primary group */
	uid_t uid;	    /* resolved; meaningful when user != NULL */
	char *user_name;    /* as the system writes it; NULL when user is */
	char *home;	    /* of the user; NULL when user is */
	gid_t gid;	    /* resolved; meaningful when user or group != NULL */
	mode_t umask;	    /* 022 */
	struct ladder
		stop; /* TERM/30/KILL/5; "stop_timeout = T" is short for changing the first wait */
	enum stop_to stop_to;
	enum ready_kind ready;	  /* READY_PORT for a process with a port, else READY_NONE */
	char *ready_path;	  /* for READY_HTTP, starts with "/" */
	nsec_t boot_timeout;	  /* 60 s */
	enum restart_order order; /* ORDER_OVERLAP; ORDER_STOP_FIRST for PORT_FIXED */
	struct backoff backoff;	  /* 0 20m 40m 60m 180m 320m */
	nsec_t backoff_reset;	  /* up that long: the crash count starts anew; 10 min */
	nsec_t cycle;		  /* 24 h; 0 = never */
	nsec_t cycle_jitter;	  /* 216 min */
	char *restart_at_text;	  /* cron expression, NULL when not set; replaces the cycle */
	struct cron restart_at;
	nsec_t restart_window; /* how late a missed restart_at is made up; 1 h */
	uint64_t log_segment;  /* bytes of one log file before the next begins; 64 MiB */
	uint64_t log_keep;     /* bytes of log kept for each dyno; 256 MiB */
	int line;	       /* where the section begins, for messages */
};

struct config {
	char *path;	    /* absolute path of the file read; owned, as all below */
	char *name;	    /* the application: -a, else [app] name, else the last part of root */
	char *own_name;	    /* [app] name; NULL: it has none */
	char *root;	    /* absolute directory; that of the file by default */
	char *env_file;	    /* absolute; root/.env by default, which may be missing */
	char *state_dir;    /* logs, journal, state, lock; $XDG_STATE_HOME/gracectl/NAME, root:
			       /var/lib/gracectl/NAME */
	char *run_dir;	    /* socket, pipes; $XDG_RUNTIME_DIR/gracectl/NAME (else
			       /tmp/gracectl-UID/NAME), root: /run/gracectl/NAME */
	char *timezone;	    /* NULL: the machine's */
	struct strlist env; /* from env_file */
	struct process_config *process; /* in the order of the file */
	size_t process_count;
};

/* A mistake in the configuration. */
struct config_problem {
	char *file;
	int line;     /* 0 when it belongs to no line */
	char *text;   /* "key `scale`: \"many\" is not a whole number from 0 to 10000" */
	bool warning; /* told, but does not stop anything */
};

struct config_problems {
	struct config_problem *items;
	size_t count;
	size_t errors; /* of them not warnings */
};

/*
 * Finds the configuration file: `given` (-c) if not NULL; else $GRACECTL_CONFIG; else
 * /etc/gracectl/APP.ini for -a APP; else ./gracectl.ini; else ./Procfile; else
 * /etc/gracectl/gracectl.ini. What stands in one of these places and is no file is not passed over.
 * Returns a path to free, or NULL with a sentence; errno is ENOENT when nothing was given and
 * nothing is there, else another.
 */
char *config_find(const char *given, const char *app, struct cause *cause);

/*
 * Reads and checks a file; a file named Procfile* is read by Heroku's grammar, any other as ini.
 * app (-a), if not NULL, replaces the name. The result always has name, root, state_dir and run_dir
 * set, even when there were errors, so that a running application can still be spoken to with a
 * broken file; nothing else of it may be used when problems->errors > 0.
 */
void config_load(
	const char *path, const char *app, struct config *out, struct config_problems *problems);

/*
 * The same from a text in memory, as if it stood in the file `path`. For tests and fuzzing; the
 * files and users that it names are looked up all the same.
 */
void config_load_text(const char *path, const char *text, size_t len, const char *app,
	struct config *out, struct config_problems *problems);

/* For -a APP without any file: only name and the two directories. */
void config_for_app(const char *app, struct config *out);

/* The application runs, or did, in this run directory, and stays there whatever the file says. For
 * who has just loaded it. */
void config_set_run_dir(struct config *config, const char *run_dir);

/* Adds the applications that -a can name without a file in this directory: those with a file in the
 * directory of the machine, and those that have left a state where it is kept by default. */
void config_apps(struct strlist *names);

/* Make the directories where they are not there. Return 0, or -1 with what each is for, and what
 * sets it to another place. */
int config_make_run_dir(const struct config *config, struct cause *cause);
int config_make_state_dir(const struct config *config, struct cause *cause);

void config_release(struct config *config);
void config_problems_release(struct config_problems *problems);

/* Prints one problem as "FILE:LINE: error: TEXT". */
void config_problem_print(const struct config_problem *problem, FILE *out);

/* Prints the effective configuration as an ini file that reads back the same. */
void config_print(const struct config *config, FILE *out);

/* True when each target is a type ("web") or a dyno ("web.2") of the configuration; otherwise a
 * sentence names those that are neither. */
bool config_has_targets(
	const struct config *config, const struct strlist *targets, struct cause *cause);

/* True when name may be the name of an application: letters, digits, "-", "_", "."; at most 63. */
bool app_name_is_valid(const char *name);

/* True when name may be the name of a process type: letters, digits, "-", "_"; at most 63. */
bool process_name_is_valid(const char *name);

/* How the words are written in the file, for messages and for ps. */
extern const char *const ready_names[];
extern const char *const order_names[];
extern const char *const stop_to_names[];

#endif
