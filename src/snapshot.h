/*
 * snapshot: a dyno as it is now, as one document. What ps shows, in text and as JSON, and nothing
 * else looks into a dyno.
 *
 * Fields: name, process (its type), number, command, state, since (RFC 3339), why, wanted ("up" or
 * "down"), pid, port, launch, restarts, crashes (in a row), next_try and next_restart (RFC 3339, ""
 * for none), last_status (-1: unknown), memory (bytes of the main process, only with long),
 * instances: [{launch, role, state, pid, port, since, signal, kill_at, boot, stop}].
 *
 * boot, of an instance that is starting: {elapsed_ms, kill_in_ms}.
 *
 * stop, of an instance that is being stopped: {signal (the last one), elapsed_ms (since the first
 * one), kill_in_ms, processes, phase ("accepting", "draining", "releasing" or "ending"), listeners,
 * inbound, outbound}; the last four are absent where its sockets cannot be seen. A dyno whose
 * current instance is being stopped has the same document itself.
 *
 * kill_in_ms is absent where there is no deadline, or where it has passed.
 */
#ifndef GRACECTL_SNAPSHOT_H
#define GRACECTL_SNAPSHOT_H

#include <bson/bson.h>
#include <stdbool.h>

#include "formation.h"

void snapshot_place(const struct place *place, bool with_memory, bson_t *doc);

#endif
