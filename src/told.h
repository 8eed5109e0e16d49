/*
 * told: what a dead supervisor has written into the journal though no record tells of it.
 *
 * Whatever happens is told at once, and is in the dyno's record at the end of the turn at the
 * latest. A successor that goes on from the record comes to the same events once more; those that
 * stand in the journal already are not told again. Each record holds the number of the newest event
 * at the time of its writing ("seq"), and one before which every record was complete ("saved"), so
 * that the journal is read no farther back than needed; and the numbers of what an earlier
 * supervisor had told and nobody has come to yet ("told").
 */
#ifndef GRACECTL_TOLD_H
#define GRACECTL_TOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct told_dyno;
struct told_event;

/* All zero: nothing was told. */
struct told {
	struct told_dyno *dynos; /* until the journal was read */
	size_t dyno_count;
	struct told_event *events; /* in the order of the journal */
	size_t count;
	uint64_t saved; /* the newest of all records */
	bool is_saved_known;
};

/* A dyno and its record. NULL: there is none, so that what the end of the journal tells of its
 * launches counts. Once for each dyno, before told_read(). */
void told_expect(struct told *told, const char *dyno, const bson_t *record);

/* Reads the journal of a state directory. */
void told_read(struct told *told, int state_dir);

/* Whether an event of that kind was told of a launch. */
bool told_has(const struct told *told, const char *dyno, uint64_t launch, enum event_kind kind);

/* The newest launch of which something was told, 0: none. */
uint64_t told_newest(const struct told *told, const char *dyno);

/* What the state of a dyno became, in the words of the log; NULL: its record knows. */
const char *told_state(const struct told *told, const char *dyno);

/*
 * True when the event was told already, which is then forgotten: the next one of its kind is news.
 * A change of state that differs from those told goes on from the last of them.
 */
bool told_before(struct told *told, struct event *event);

/* A launch is over: nobody comes to what was told of it, or of those before. */
void told_forget(struct told *told, const char *dyno, uint64_t launch);

/* Appends "seq", "saved" and "told" to a record. */
void told_put(
	const struct told *told, const char *dyno, uint64_t seq, uint64_t saved, bson_t *record);

void told_release(struct told *told);

#endif
