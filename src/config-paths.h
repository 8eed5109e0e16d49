/*
 * config-paths: names and directories, and where a configuration comes from.
 *
 * Symbolic links are kept: an application in a directory "current" that a deploy points elsewhere
 * must follow it at its next start. Only a path with ".." in it is resolved, because what is above
 * depends on the link.
 */
#ifndef GRACECTL_CONFIG_PATHS_H
#define GRACECTL_CONFIG_PATHS_H

#include "config.h"

/*
 * The longest path of a unix socket, and the longest run_dir: that leaves 39 bytes
 * for the name of a socket.
 */
enum {
	SOCKET_PATH_MAX = 107,
	RUN_DIR_MAX = SOCKET_PATH_MAX - 39
};

/* 0, or -1 with what would be right for a run_dir that is too long; it was given, or is the
 * default.
 */
int run_dir_check(const char *run_dir, bool given, struct cause *cause);

/* path below base (itself absolute; NULL: the current directory), without "." and "//". To free. */
char *path_absolute(const char *base, const char *path);

/* The directory part of an absolute path. To free. */
char *path_directory(const char *path);

/* A valid application name made from any text: other characters become "-". To free. */
char *app_name_from(const char *text);

/* Sets state_dir and run_dir to their defaults where they are NULL, from name. */
void paths_set_defaults(struct config *config);

#endif
