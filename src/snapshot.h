/*
 * snapshot: a dyno as it is now, as one document. What ps shows, in text and as JSON, and nothing
 * else looks into a dyno.
 *
 * Fields: name, type, number, command, state, since (RFC 3339), why, wanted ("up" or "down"), pid,
 * port, launch, restarts, crashes (in a row), next_try and next_restart (RFC 3339, "" for none),
 * last_status (-1: unknown), memory (bytes of the main process, only with long), instances:
 * [{launch, role, state, pid, port, since, signal, kill_at}].
 */
#ifndef GRACECTL_SNAPSHOT_H
#define GRACECTL_SNAPSHOT_H

#include <bson/bson.h>
#include <stdbool.h>

#include "formation.h"

void snapshot_place(const struct place *place, bool with_memory, bson_t *doc);

#endif
