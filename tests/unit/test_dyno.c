/* Tests of dyno: every cell of its table. The courses are in test_dyno_courses.c, and those that
 * are too many to be written down in test_dyno_walk.c. */
#include "dynorig.h"
#include "warnings.h"

/* ---- the table ---- */

#define SAME DYNO_STATES

/*
 * Every cell of the table in the header, in its order; some more than once, where it matters what
 * exists. Where an instance has to be gone for the event, `gone` is its number.
 */
static const struct cell {
	enum dyno_event event;
	void (*situation)(void);
	int gone;
	enum dyno_state to; /* SAME: it stays */
	bool impossible;    /* is ignored with a warning */
	const char *does;
} cells[] = {
	{DYNO_START, down, 0, DYNO_STARTING, false, "down>starting; cycle 1d; launch 1"},
	{DYNO_START, starting, 0, SAME, false, ""},
	{DYNO_START, up, 0, SAME, false, ""},
	{DYNO_START, stopping, 0, SAME, false, ""},
	{DYNO_START, cooling, 0, DYNO_STARTING, false,
		"cool off; crashed>starting; cycle 1d; launch 3"},
	{DYNO_START, cooling_beside_old, 0, SAME, false, ""},
	{DYNO_START, crashed, 0, DYNO_STARTING, false, "crashed>starting; cycle 1d; launch 2"},
	{DYNO_START, crashed_leaving_others, 0, SAME, false, ""},

	{DYNO_STOP, down, 0, SAME, false, ""},
	{DYNO_STOP, starting, 0, DYNO_STOPPING, false, "cycle off; starting>down; stop 1"},
	{DYNO_STOP, starting_beside_old, 0, DYNO_STOPPING, false,
		"cycle off; starting>down; stop 2"},
	{DYNO_STOP, starting_after_old, 0, DYNO_STOPPING, false, "cycle off; starting>down"},
	{DYNO_STOP, starting_before_old, 0, DYNO_STOPPING, false,
		"cycle off; starting>down; stop 1; stop 2"},
	{DYNO_STOP, up, 0, DYNO_STOPPING, false, "stable off; cycle off; up>down; stop 1"},
	{DYNO_STOP, stopping, 0, SAME, false, "stop 1"},
	{DYNO_STOP, stopping_and_wanted, 0, SAME, false, ""},
	{DYNO_STOP, stopping_both, 0, SAME, false, "stop 1; stop 2"},
	{DYNO_STOP, stopping_beside_old, 0, SAME, false, "stop 2; stop old"},
	{DYNO_STOP, cooling, 0, DYNO_DOWN, false, "cool off; crashed>down"},
	{DYNO_STOP, cooling_beside_old, 0, DYNO_STOPPING, false, "cool off; crashed>down"},
	{DYNO_STOP, crashed, 0, DYNO_DOWN, false, "crashed>down"},
	{DYNO_STOP, crashed_leaving_others, 0, DYNO_STOPPING, false, "crashed>down; stop 1"},

	{DYNO_RESTART, down, 0, SAME, false, ""},
	{DYNO_RESTART, starting, 0, SAME, false, "restart; stop 1; cycle off; cycle 1d; launch 2"},
	{DYNO_RESTART, starting_before_old, 0, SAME, false,
		"restart; stop 2; cycle off; cycle 1d; launch 3"},
	{DYNO_RESTART, starting_after_old, 0, SAME, false, "restart"},
	{DYNO_RESTART, up, 0, DYNO_STARTING, false,
		"restart; stable off; up>starting; stop 1; cycle off; cycle 1d; launch 2"},
	{DYNO_RESTART, stopping, 0, SAME, false, ""},
	{DYNO_RESTART, cooling, 0, DYNO_STARTING, false,
		"restart; cool off; crashed>starting; cycle 1d; launch 3"},
	{DYNO_RESTART, crashed, 0, DYNO_STARTING, false,
		"restart; crashed>starting; cycle 1d; launch 2"},

	{DYNO_CYCLE, down, 0, SAME, false, ""},
	{DYNO_CYCLE, starting, 0, SAME, false, ""},
	{DYNO_CYCLE, up, 0, DYNO_STARTING, false,
		"cycle; stable off; up>starting; stop 1; cycle off; cycle 1d; launch 2"},
	{DYNO_CYCLE, stopping, 0, SAME, false, ""},
	{DYNO_CYCLE, cooling, 0, SAME, false, ""},
	{DYNO_CYCLE, crashed, 0, SAME, false, ""},

	{DYNO_READY, down, 0, SAME, true, ""},
	{DYNO_READY, starting, 0, DYNO_UP, false, "starting>up; stable 10m"},
	{DYNO_READY, starting_before_old, 0, DYNO_UP, false, "stop 1; starting>up; stable 10m"},
	{DYNO_READY, up, 0, SAME, false, ""},
	{DYNO_READY, stopping, 0, SAME, false, ""},
	{DYNO_READY, cooling, 0, SAME, true, ""},
	{DYNO_READY, crashed, 0, SAME, false, ""},

	{DYNO_ENDING, down, 0, SAME, true, ""},
	{DYNO_ENDING, starting, 0, DYNO_CRASHED, false, "cycle off; starting>crashed"},
	{DYNO_ENDING, starting_before_old, 0, SAME, false, ""},
	{DYNO_ENDING, up, 0, DYNO_CRASHED, false, "stable off; cycle off; up>crashed"},
	{DYNO_ENDING, stopping, 0, SAME, false, ""},
	{DYNO_ENDING, cooling, 0, SAME, true, ""},
	{DYNO_ENDING, crashed, 0, SAME, false, ""},

	{DYNO_GONE, down, 0, SAME, true, ""},
	{DYNO_GONE, starting, 1, SAME, false,
		"cycle off; starting>crashed; crashed>starting; cycle 1d; launch 2"},
	{DYNO_GONE, starting_beside_old, 2, DYNO_CRASHED, false, "cycle off; starting>crashed"},
	{DYNO_GONE, starting_before_old, 1, SAME, false, ""},
	{DYNO_GONE, up, 1, DYNO_STARTING, false,
		"stable off; cycle off; up>crashed; crashed>starting; cycle 1d; launch 2"},
	{DYNO_GONE, stopping, 1, DYNO_DOWN, false, ""},
	{DYNO_GONE, stopping_and_wanted, 1, DYNO_STARTING, false,
		"down>starting; cycle 1d; launch 2"},
	{DYNO_GONE, stopping_both, 1, SAME, false, ""},
	{DYNO_GONE, cooling, 0, SAME, true, ""},
	{DYNO_GONE, crashed_leaving_others, 1, DYNO_STARTING, false,
		"crashed>starting; cycle 1d; launch 2"},

	{DYNO_NEXT_GONE, down, 0, SAME, true, ""},
	{DYNO_NEXT_GONE, starting_before_old, 2, DYNO_UP, false, "note; starting>up; stable 10m"},
	{DYNO_NEXT_GONE, up, 0, SAME, true, ""},
	{DYNO_NEXT_GONE, stopping_both, 2, SAME, false, ""},
	{DYNO_NEXT_GONE, cooling, 0, SAME, true, ""},
	{DYNO_NEXT_GONE, crashed, 0, SAME, true, ""},

	{DYNO_OLD_GONE, down, 0, SAME, false, ""},
	{DYNO_OLD_GONE, starting_beside_old, 1, SAME, false, ""},
	{DYNO_OLD_GONE, starting_after_old, 1, SAME, false, "cycle off; cycle 1d; launch 2"},
	{DYNO_OLD_GONE, up_beside_old, 1, SAME, false, ""},
	{DYNO_OLD_GONE, stopping_beside_old, 1, SAME, false, ""},
	{DYNO_OLD_GONE, cooling_beside_old, 1, SAME, false, ""},
	{DYNO_OLD_GONE, crashed_beside_old, 1, DYNO_STARTING, false,
		"crashed>starting; cycle 1d; launch 3"},

	{DYNO_COOLED, down, 0, SAME, false, ""},
	{DYNO_COOLED, starting, 0, SAME, false, ""},
	{DYNO_COOLED, up, 0, SAME, false, ""},
	{DYNO_COOLED, stopping, 0, SAME, false, ""},
	{DYNO_COOLED, cooling, 0, DYNO_STARTING, false,
		"cool off; crashed>starting; cycle 1d; launch 3"},
	{DYNO_COOLED, crashed, 0, SAME, false, ""},

	{DYNO_STABLE, down, 0, SAME, false, ""},
	{DYNO_STABLE, starting, 0, SAME, false, ""},
	{DYNO_STABLE, up, 0, SAME, false, ""},
	{DYNO_STABLE, stopping, 0, SAME, false, ""},
	{DYNO_STABLE, cooling, 0, SAME, false, ""},
	{DYNO_STABLE, crashed, 0, SAME, false, ""},
};

enum {
	CELLS = sizeof cells / sizeof *cells
};

/* Runs it and tells whether it warns, and keeps what was done. */
static bool warns(const struct cell *cell, struct buf *what)
{
	struct warnings warnings = warnings_begin();

	did_begin();
	if (cell->gone > 0) {
		instance_restore(&world.instances[cell->gone], INSTANCE_GONE);
		dyno_instance_changed(&world.dyno, &world.instances[cell->gone]);
	} else {
		dyno_handle(&world.dyno, cell->event);
	}
	buf_adds(what, done());
	return warnings_end(&warnings);
}

/* Timers that may run in a state. */
static bool timers_fit_state(void)
{
	const struct dyno *dyno = &world.dyno;
	bool runs = dyno->state == DYNO_STARTING || dyno->state == DYNO_UP;

	return (dyno->state == DYNO_COOLING) == (dyno->due[DYNO_TIMER_COOL] != 0) &&
	       (dyno->state == DYNO_UP) == (dyno->due[DYNO_TIMER_STABLE] != 0) &&
	       runs == (dyno->due[DYNO_TIMER_CYCLE] != 0);
}

static void test_cell(const struct cell *cell)
{
	char name[160], place[64];
	struct buf what = BUF_INIT;

	cell->situation();
	enum dyno_state from = world.dyno.state;
	enum dyno_state to = cell->to == SAME ? from : cell->to;
	snprintf(place, sizeof place, "%s x %s", dyno_state_names[from],
		dyno_event_names[cell->event]);
	world.told = 0;
	bool warned = warns(cell, &what);
	snprintf(name, sizeof name, "%s does this and nothing else", place);
	is_str(what.data, cell->does, name);
	snprintf(name, sizeof name, "%s leads to %s", place, dyno_state_names[to]);
	is_str(dyno_state_names[world.dyno.state], dyno_state_names[to], name);
	snprintf(name, sizeof name, "%s is %s", place,
		cell->impossible ? "ignored with a warning" : "no surprise");
	is_int(warned, cell->impossible, name);
	snprintf(name, sizeof name, "%s is told once", place);
	is_int(world.told, 1, name);
	snprintf(name, sizeof name, "%s leaves the timers of its state", place);
	ok(timers_fit_state(), name);
	buf_release(&what);
}

static void test_table(void)
{
	bool seen[DYNO_STATES][DYNO_EVENTS] = {{false}};
	int count = 0;

	for (size_t i = 0; i < CELLS; i++) {
		cells[i].situation();
		enum dyno_state from = world.dyno.state;
		count += !seen[from][cells[i].event];
		seen[from][cells[i].event] = true;
		test_cell(&cells[i]);
	}
	is_int(count, DYNO_STATES * DYNO_EVENTS, "no cell of the table is left out");
	for (int state = 0; state < DYNO_STATES; state++)
		for (int event = 0; event < DYNO_EVENTS; event++)
			if (!seen[state][event])
				printf("# left out: %s x %s\n", dyno_state_names[state],
					dyno_event_names[event]);
}

int main(void)
{
	test_table();
	buf_release(&doings.words);
	return tap_done();
}
