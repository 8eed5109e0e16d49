/*
 * config-types: the types of options, each a parser and a printer.
 *
 * A parser takes the text of a setting and writes the field that the option's row names; a few
 * write two fields that belong together (a port and its kind). What a printer writes reads back as
 * the same value.
 */
#ifndef GRACECTL_CONFIG_TYPES_H
#define GRACECTL_CONFIG_TYPES_H

#include "config-options.h"

extern const struct option_type type_text;
extern const struct option_type type_path;
extern const struct option_type type_app_name;
extern const struct option_type type_enum;
extern const struct option_type type_count;
extern const struct option_type type_umask;
extern const struct option_type type_size;
extern const struct option_type type_duration;
extern const struct option_type type_env;
extern const struct option_type type_port;
extern const struct option_type type_ready;
extern const struct option_type type_stop;
extern const struct option_type type_stop_timeout;
extern const struct option_type type_backoff;
extern const struct option_type type_restart_at;

#endif
