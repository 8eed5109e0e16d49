/*
 * The world of a dyno that is walked through everything that can happen to it: one situation at a
 * time, what the machine does in it, and the moves that lead to the next one. What breaks a rule on
 * the way is noted.
 */
#ifndef GRACECTL_WALKRIG_H
#define GRACECTL_WALKRIG_H

#include "dyno.h"

#include <stdlib.h>

#include "tap.h"

enum {
	SLOTS = 5,   /* instances that exist at the same time */
	CROWD = 3,   /* nobody asks for a restart when so many exist */
	DEATHS = 64, /* moments of one move at which the supervisor may die */
};

/* All that is true at one moment. */
struct situation {
	struct dyno dyno;
	struct instance slots[SLOTS];
	bool used[SLOTS];
	bool asked;    /* somebody asked for a launch that has not come yet */
	size_t parent; /* the situation that it came from */
	char move[32]; /* how */
};

static struct situation now;
static struct process_config config;
static unsigned told;	 /* how often changed() was called */
static char broken[128]; /* the rule that was broken, "" for none */

/* What the next supervisor finds when ours dies in the middle of a move. */
static struct situation deaths[DEATHS];
static size_t death_count;

static inline void must(bool condition, const char *rule)
{
	if (!condition && broken[0] == '\0')
		snprintf(broken, sizeof broken, "%s", rule);
}

/* ---- the world ---- */

static inline bool is_asked_to_end(const struct instance *instance)
{
	return instance->state == INSTANCE_STOPPING || instance->state == INSTANCE_GONE;
}

/* What may exist beside a new instance. */
static inline void check_launch(const struct dyno *dyno)
{
	for (int i = 0; i < SLOTS; i++) {
		const struct instance *other = &now.slots[i];
		if (!now.used[i])
			continue;
		must(config.order != ORDER_STOP_FIRST, "stop-first never has two instances");
		must(is_asked_to_end(other) || config.order == ORDER_START_FIRST,
			"a new instance is launched only beside those that are ending");
		must(is_asked_to_end(other) ||
				(other == dyno->current && other->state == INSTANCE_UP),
			"start-first launches only beside one that serves");
	}
}

static inline struct situation *die(const char *when)
{
	struct situation *death = &deaths[death_count];

	if (death_count == DEATHS) {
		printf("Bail out! more deaths than expected\n");
		exit(1);
	}
	death_count++;
	memcpy(death, &now, sizeof now);
	snprintf(death->move, sizeof death->move, "death %s", when);
	return death;
}

/* It lives, but the record says nothing of it: it is found by its own, and its role is guessed. */
static inline void find_unrecorded(struct situation *death, struct instance *instance)
{
	death->used[instance - now.slots] = true;
	memset(&death->slots[instance - now.slots], 0, sizeof *instance);
	if (death->dyno.current == NULL)
		death->dyno.current = instance;
	else
		death->dyno.next = instance;
}

static inline struct instance *fake_launch(struct dyno *dyno)
{
	check_launch(dyno);
	die("before a spawn");
	must(!now.asked || dyno->crashes == 0,
		"a launch that was asked for begins a new crash count");
	now.asked = false;
	for (int i = 0; i < SLOTS; i++)
		if (!now.used[i]) {
			find_unrecorded(die("after a spawn"), &now.slots[i]);
			now.used[i] = true;
			memset(&now.slots[i], 0, sizeof now.slots[i]);
			return &now.slots[i];
		}
	printf("Bail out! more instances than expected\n");
	exit(1);
}

static inline void fake_stop(struct dyno *dyno, struct instance *instance)
{
	(void)dyno;
	must(instance->state != INSTANCE_GONE, "what is gone is not stopped");
	if (instance->state == INSTANCE_STOPPING && instance->ending != ENDING_ITSELF)
		return;
	instance->ending = ENDING_ASKED;
	instance_restore(instance, INSTANCE_STOPPING);
	die("before a signal");
}

static inline void fake_stop_old(struct dyno *dyno)
{
	for (int i = 0; i < SLOTS; i++)
		if (now.used[i] && &now.slots[i] != dyno->current && &now.slots[i] != dyno->next)
			fake_stop(dyno, &now.slots[i]);
}

static inline void fake_timer(struct dyno *dyno, enum dyno_timer timer, nsec_t due)
{
	must(due == 0 || due == dyno->due[timer], "a timer that is armed is noted");
}

static inline void fake_publish(struct dyno *dyno, struct event *event)
{
	(void)dyno;
	(void)event;
}

static inline void fake_changed(struct dyno *dyno)
{
	(void)dyno;
	told++;
}

static inline uint64_t fake_random(struct dyno *dyno)
{
	(void)dyno;
	return 0;
}

static const struct dyno_ops ops = {
	.launch = fake_launch,
	.stop = fake_stop,
	.stop_old = fake_stop_old,
	.timer = fake_timer,
	.publish = fake_publish,
	.changed = fake_changed,
	.random = fake_random,
};

/* ---- what can happen ---- */

static inline unsigned living(void)
{
	unsigned count = 0;

	for (int i = 0; i < SLOTS; i++)
		count += now.used[i];
	return count;
}

static inline void request(enum dyno_event event)
{
	bool heard =
		event == DYNO_RESTART || (event == DYNO_START && now.dyno.state != DYNO_STARTING &&
						 now.dyno.state != DYNO_UP);

	now.asked = now.asked || heard;
	dyno_handle(&now.dyno, event);
	must(!heard || now.dyno.crashes == 0, "who asks for a start forgives the crashes");
}

static inline void request_stop(void)
{
	now.asked = false;
	dyno_handle(&now.dyno, DYNO_STOP);
}

static inline void timer(enum dyno_timer which, enum dyno_event event)
{
	unsigned crashes = now.dyno.crashes;

	now.dyno.due[which] = 0;
	dyno_handle(&now.dyno, event);
	must(which != DYNO_TIMER_CYCLE || now.dyno.crashes == crashes,
		"a cycle does not touch the crash count");
}

static inline void come_up(struct instance *instance)
{
	instance_restore(instance, INSTANCE_UP);
	dyno_instance_changed(&now.dyno, instance);
}

static inline void end(struct instance *instance, enum instance_ending why, unsigned rung)
{
	instance->ending = why;
	instance->rung = rung;
	instance_restore(instance, INSTANCE_STOPPING);
	dyno_instance_changed(&now.dyno, instance);
}

static inline void go(struct instance *instance)
{
	instance_restore(instance, INSTANCE_GONE);
	now.used[instance - now.slots] = false;
	dyno_instance_changed(&now.dyno, instance);
}

/* The fates of one instance; returns false for a number that is none. */
static inline bool fate(struct instance *instance, int number, const char **name)
{
	static const char *const names[] = {
		"is up", "ends leaving others", "ends", "boot timeout", "is gone"};
	bool ending = is_asked_to_end(instance);
	bool starting = instance->state == INSTANCE_STARTING;

	*name = names[number];
	if (number == 0 && starting)
		come_up(instance);
	else if (number == 1 && !ending)
		end(instance, ENDING_ITSELF, 1);
	else if (number == 2 && !ending)
		end(instance, ENDING_ITSELF, 0);
	else if (number == 3 && starting)
		end(instance, ENDING_BOOT, 2);
	else if (number == 4 && ending)
		go(instance);
	else
		return false;
	return true;
}

enum {
	FATES = 5,
	OTHERS = 6,
	MOVES = OTHERS + SLOTS * FATES
};

/* Requests as the control socket hands them in, timers as the formation does. */
static inline bool other(int number, const char **name)
{
	static const char *const names[OTHERS] = {
		"start", "stop", "restart", "cycle", "cooled", "stable"};
	const struct dyno *dyno = &now.dyno;

	*name = names[number];
	if (number == 0)
		request(DYNO_START);
	else if (number == 1)
		request_stop();
	else if (number == 2 && dyno->wanted_up && living() < CROWD)
		request(DYNO_RESTART);
	else if (number == 3 && dyno->state == DYNO_UP && living() < CROWD)
		timer(DYNO_TIMER_CYCLE, DYNO_CYCLE);
	else if (number == 4 && dyno->due[DYNO_TIMER_COOL] != 0)
		timer(DYNO_TIMER_COOL, DYNO_COOLED);
	else if (number == 5 && dyno->due[DYNO_TIMER_STABLE] != 0)
		timer(DYNO_TIMER_STABLE, DYNO_STABLE);
	else
		return false;
	return true;
}

static inline const char *role(const struct instance *instance)
{
	return instance == now.dyno.current ? "current"
	       : instance == now.dyno.next  ? "next"
					    : "old";
}

/* Makes a move in the situation, if it is possible there. */
static inline bool make_move(int number)
{
	const char *name;

	if (number < OTHERS) {
		if (!other(number, &name))
			return false;
		snprintf(now.move, sizeof now.move, "%s", name);
		return true;
	}
	int slot = (number - OTHERS) / FATES;
	if (!now.used[slot])
		return false;
	const char *who = role(&now.slots[slot]);
	if (!fate(&now.slots[slot], (number - OTHERS) % FATES, &name))
		return false;
	snprintf(now.move, sizeof now.move, "%s %s", who, name);
	return true;
}

#endif
