/*
 * A walk of dyno through everything that can happen to it.
 *
 * From a new dyno, every request, timer and fate of an instance that is possible is tried in every
 * state that can be reached, for each restart_order and crash policy, until nothing new turns up.
 * Two situations count as the same when the machine and its instances are in the same states. Since
 * the walk goes by breadth, a rule that is broken is reported with the shortest course that leads
 * there.
 *
 * The supervisor may die at any moment, and the next one finds the record that was written last: at
 * the end of the turn before, before a launch, or between two signals of the same turn. From each
 * of these the walk goes on, too, as the next supervisor would.
 */
#include "walkrig.h"
#include "warnings.h"
#include "xmalloc.h"

enum {
	CRASHES = 3,	    /* as good as more, with two pauses in the list */
	SITUATIONS = 20000, /* far more than there are */
};

static struct situation *reached; /* in the order of the walk */
static size_t reached_count;

/* ---- the rules ---- */

static void check_wish(const struct dyno *dyno)
{
	bool rests = dyno->state == DYNO_COOLING || dyno->state == DYNO_CRASHED;

	must(dyno->state != DYNO_DOWN || !dyno->wanted_up, "what is wanted up is not down");
	must(dyno->state == DYNO_DOWN || dyno->state == DYNO_STOPPING || dyno->wanted_up,
		"what is not wanted up is stopping or down");
	must(dyno_instances(dyno) > 0 || dyno->state == DYNO_DOWN || rests,
		"without an instance it waits for nothing");
	must(dyno_instances(dyno) > 0 || !dyno->start_asked || !rests,
		"who asks for a start while a rest is ending is heard when it has ended");
	must(dyno_instances(dyno) > 0 || dyno->state != DYNO_CRASHED || config.backoff.count == 0,
		"it rests for good only when the policy is never");
	must(dyno->state != DYNO_COOLING || dyno->due[DYNO_TIMER_COOL] != 0,
		"the pause after a crash has an end");
}

static void check_instances(const struct dyno *dyno)
{
	must(dyno_instances(dyno) == living(), "every instance is counted");
	must(dyno->next == NULL || dyno->current != NULL || dyno->state == DYNO_STOPPING,
		"next is there to replace current");
	must(dyno->next == NULL || dyno->state == DYNO_STARTING || dyno->state == DYNO_STOPPING,
		"next belongs to a replacement");
	must(dyno->state != DYNO_UP || dyno->current != NULL, "what is up has an instance");
	must(dyno->state != DYNO_UP || dyno->current == NULL ||
			dyno->current->state != INSTANCE_STARTING,
		"what is up is not still starting");
	must(dyno->state != DYNO_DOWN || dyno_instances(dyno) == 0, "what is down has none");
	must(dyno->state != DYNO_COOLING || dyno->current == NULL, "what cools has none");
	for (int i = 0; i < SLOTS; i++)
		must(!now.used[i] || is_asked_to_end(&now.slots[i]) ||
				((&now.slots[i] == dyno->current || &now.slots[i] == dyno->next) &&
					dyno->state != DYNO_STOPPING),
			"what is neither current nor next has been asked to end");
}

static void check_timers(const struct dyno *dyno)
{
	must(dyno->due[DYNO_TIMER_COOL] == 0 || dyno->state == DYNO_COOLING,
		"the pause runs only while it cools");
	must(dyno->due[DYNO_TIMER_STABLE] == 0 || dyno->state == DYNO_UP,
		"only what is up becomes stable");
	must(dyno->due[DYNO_TIMER_CYCLE] == 0 || dyno->state == DYNO_UP ||
			dyno->state == DYNO_STARTING,
		"only what runs is cycled");
	must(dyno->state != DYNO_UP || dyno->due[DYNO_TIMER_CYCLE] != 0,
		"what is up will be cycled");
	must(dyno->state != DYNO_UP || dyno->crashes == 0 || dyno->due[DYNO_TIMER_STABLE] != 0,
		"what is up after crashes can become stable");
}

/* ---- the walk ---- */

/* Pointers into now.slots are the same in every situation, since each is copied there before it is
 * used. */
static bool same_instance(const struct situation *a, const struct situation *b, int i)
{
	return a->used[i] == b->used[i] &&
	       (!a->used[i] || (a->slots[i].state == b->slots[i].state &&
				       a->slots[i].ending == b->slots[i].ending &&
				       (a->slots[i].rung > 0) == (b->slots[i].rung > 0)));
}

static bool is_same(const struct situation *a, const struct situation *b)
{
	const struct dyno *x = &a->dyno, *y = &b->dyno;

	if (x->state != y->state || x->wanted_up != y->wanted_up ||
		x->start_asked != y->start_asked || x->crashes != y->crashes ||
		x->current != y->current || x->next != y->next || x->old != y->old ||
		a->asked != b->asked)
		return false;
	for (int i = 0; i < DYNO_TIMERS; i++)
		if ((x->due[i] != 0) != (y->due[i] != 0))
			return false;
	for (int i = 0; i < SLOTS; i++)
		if (!same_instance(a, b, i))
			return false;
	return true;
}

enum {
	BUCKETS = 4096
};
static size_t buckets[BUCKETS]; /* index + 1 of the newest situation with that hash */
static size_t *same_hash;	/* index + 1 of the next one */

static unsigned hash(const struct situation *at)
{
	unsigned value = at->dyno.state * 2U + at->dyno.wanted_up;

	value = value * 31 + at->dyno.crashes;
	for (int i = 0; i < SLOTS; i++)
		value = value * 31 +
			(at->used[i] ? 1U + at->slots[i].state * 5 + at->slots[i].ending : 0);
	return (value ^ value >> 12) % BUCKETS;
}

/* Adds the situation unless it was reached before. */
static void arrive(size_t parent)
{
	unsigned bucket = hash(&now);

	for (size_t i = buckets[bucket]; i != 0; i = same_hash[i - 1])
		if (is_same(&reached[i - 1], &now))
			return;
	if (reached_count == SITUATIONS) {
		printf("Bail out! the walk has no end\n");
		exit(1);
	}
	now.parent = parent;
	memcpy(&reached[reached_count], &now, sizeof now);
	same_hash[reached_count] = buckets[bucket];
	buckets[bucket] = ++reached_count;
}

static void tell_course(size_t at, const char *last)
{
	if (at != 0)
		tell_course(reached[at].parent, reached[at].move);
	printf("%s%s", at != 0 ? ", " : "#   the course: ", last);
}

/* Each rule is reported once, with the shortest course. */
static void report(size_t at, struct strlist *rules)
{
	if (broken[0] != '\0' && !strlist_has(rules, broken)) {
		strlist_add(rules, broken);
		printf("# broken: %s\n", broken);
		tell_course(at, now.move);
		printf(" (%s)\n", dyno_state_names[now.dyno.state]);
	}
	broken[0] = '\0';
}

static void check_rules(const struct warnings *warnings)
{
	if (now.dyno.crashes > CRASHES)
		now.dyno.crashes = CRASHES;
	check_wish(&now.dyno);
	check_instances(&now.dyno);
	check_timers(&now.dyno);
	must(!warnings_come(warnings), "no event comes where it is impossible");
}

/* What is not in the record begins anew. */
static void resume(const struct warnings *warnings)
{
	now.dyno.abandoned = false;
	now.dyno.unlaunched = 0;
	dyno_resume(&now.dyno);
	check_rules(warnings);
}

static bool try_move(size_t at, int move, const struct warnings *warnings)
{
	memcpy(&now, &reached[at], sizeof now);
	told = 0;
	if (!make_move(move))
		return false;
	must(!reached[at].asked || now.dyno.failures == reached[at].dyno.failures,
		"what crashed before it was asked to start is no failure of that start");
	must(told <= 1 && (told == 1 || move >= OTHERS), "each event is told once");
	check_rules(warnings);
	return true;
}

/* Whatever came of it is somewhere to go on from, unless it is not sound. */
static void conclude(size_t at, struct strlist *rules)
{
	bool sound = broken[0] == '\0';

	report(at, rules);
	if (sound)
		arrive(at);
}

static bool died_so_before(size_t death)
{
	for (size_t i = 0; i < death; i++)
		if (is_same(&deaths[i], &deaths[death]))
			return true;
	return false;
}

/* A supervisor that takes over may die in its turn, which adds to the list. */
static void try_deaths(size_t at, struct strlist *rules, const struct warnings *warnings)
{
	for (size_t i = 0; i < death_count; i++) {
		if (died_so_before(i))
			continue;
		memcpy(&now, &deaths[i], sizeof now);
		resume(warnings);
		conclude(at, rules);
	}
	death_count = 0;
}

static void try_moves(size_t at, struct strlist *rules, const struct warnings *warnings)
{
	for (int move = 0; move < MOVES; move++) {
		if (try_move(at, move, warnings))
			conclude(at, rules);
		try_deaths(at, rules, warnings);
	}
	memcpy(&now, &reached[at], sizeof now);
	die("between two turns");
	try_deaths(at, rules, warnings);
}

static void walk(struct strlist *rules)
{
	struct warnings warnings;

	memset(buckets, 0, sizeof buckets);
	memset(&now, 0, sizeof now);
	dyno_init(&now.dyno, &ops, NULL, &config, 1);
	reached_count = 0;
	arrive(0);
	warnings = warnings_begin();
	for (size_t at = 0; at < reached_count; at++)
		try_moves(at, rules, &warnings);
	warnings_end(&warnings);
}

static void test_walk(enum restart_order order, const char *backoff)
{
	static const char *const names[] = {"overlap", "stop-first", "start-first"};
	struct strlist rules = STRLIST_INIT;
	struct cause cause;
	char name[128];

	config = (struct process_config){.name = "web",
		.order = order,
		.ready = READY_PORT,
		.cycle = NSEC_PER_HOUR,
		.backoff_reset = NSEC_PER_MIN};
	backoff_parse(backoff, &config.backoff, &cause);
	walk(&rules);
	snprintf(name, sizeof name, "no course breaks a rule with restart_order = %s, backoff = %s",
		names[order], backoff);
	is_int((int64_t)rules.count, 0, name);
	printf("# %zu situations\n", reached_count);
	ok(reached_count > 25, "the walk has gone far");
	strlist_release(&rules);
}

int main(void)
{
	static const enum restart_order orders[] = {
		ORDER_OVERLAP, ORDER_STOP_FIRST, ORDER_START_FIRST};
	static const char *const backoffs[] = {"0 20m", "20m", "0", "never"};

	reached = xcalloc(SITUATIONS, sizeof *reached);
	same_hash = xcalloc(SITUATIONS, sizeof *same_hash);
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
		for (size_t j = 0; j < sizeof backoffs / sizeof *backoffs; j++)
			test_walk(orders[i], backoffs[j]);
	free(reached);
	free(same_hash);
	return tap_done();
}
