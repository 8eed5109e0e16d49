/* Tests of instance: every cell of its table. The courses are in test_instance_courses.c. */
#include "instancerig.h"
#include "warnings.h"

/* ---- the table ---- */

static void bring_to(enum instance_state state)
{
	launch("TERM/30/KILL/5", READY_PORT);
	if (state == INSTANCE_UP)
		handle(INSTANCE_READY);
	if (state == INSTANCE_STOPPING || state == INSTANCE_GONE)
		handle(INSTANCE_STOP);
	if (state == INSTANCE_GONE) {
		main_exits(0, 0, 0);
		handle(INSTANCE_EMPTY);
	}
	done();
	world.left = 2;
	world.instance.main_ended = state == INSTANCE_GONE;
}

static bool warns(enum instance_event event)
{
	struct warnings warnings = warnings_begin();

	handle(event);
	return warnings_end(&warnings);
}

#define SAME INSTANCE_STATES

/* Every cell of the table in the header, in its order. */
static const struct cell {
	enum instance_state from;
	enum instance_event event;
	enum instance_state to; /* SAME: it stays */
	bool impossible;	/* is ignored with a warning */
	const char *does;
} cells[] = {
	{INSTANCE_STARTING, INSTANCE_READY, INSTANCE_UP, false, "boot off; -> up"},
	{INSTANCE_STARTING, INSTANCE_BOOT_OVER, INSTANCE_STOPPING, false,
		"boot-timeout; boot-kill; boot off; -> stopping; rung 1s; KILL all"},
	{INSTANCE_STARTING, INSTANCE_STOP, INSTANCE_STOPPING, false,
		"boot off; -> stopping; rung 30s; TERM all; stop"},
	{INSTANCE_STARTING, INSTANCE_RUNG_OVER, SAME, true, ""},
	{INSTANCE_STARTING, INSTANCE_MAIN_EXIT, INSTANCE_STOPPING, false,
		"main-exit; boot off; -> stopping; rung 30s; TERM all; stop"},
	{INSTANCE_STARTING, INSTANCE_EMPTY, SAME, true, ""},

	{INSTANCE_UP, INSTANCE_READY, SAME, false, ""},
	{INSTANCE_UP, INSTANCE_BOOT_OVER, SAME, false, ""},
	{INSTANCE_UP, INSTANCE_STOP, INSTANCE_STOPPING, false,
		"-> stopping; rung 30s; TERM all; stop"},
	{INSTANCE_UP, INSTANCE_RUNG_OVER, SAME, true, ""},
	{INSTANCE_UP, INSTANCE_MAIN_EXIT, INSTANCE_STOPPING, false,
		"main-exit; -> stopping; rung 30s; TERM all; stop"},
	{INSTANCE_UP, INSTANCE_EMPTY, SAME, true, ""},

	{INSTANCE_STOPPING, INSTANCE_READY, SAME, false, ""},
	{INSTANCE_STOPPING, INSTANCE_BOOT_OVER, SAME, false, ""},
	{INSTANCE_STOPPING, INSTANCE_STOP, SAME, false, "stop-kill; left; rung 5s; KILL all"},
	{INSTANCE_STOPPING, INSTANCE_RUNG_OVER, SAME, false,
		"stop-timeout; stop-kill; left; rung 5s; KILL all"},
	{INSTANCE_STOPPING, INSTANCE_MAIN_EXIT, SAME, false, "main-exit"},
	{INSTANCE_STOPPING, INSTANCE_EMPTY, INSTANCE_GONE, false,
		"exit-unknown; rung off; -> gone"},

	{INSTANCE_GONE, INSTANCE_READY, SAME, false, ""},
	{INSTANCE_GONE, INSTANCE_BOOT_OVER, SAME, false, ""},
	{INSTANCE_GONE, INSTANCE_STOP, SAME, false, ""},
	{INSTANCE_GONE, INSTANCE_RUNG_OVER, SAME, true, ""},
	{INSTANCE_GONE, INSTANCE_MAIN_EXIT, SAME, true, ""},
	{INSTANCE_GONE, INSTANCE_EMPTY, SAME, true, ""},
};

enum {
	CELLS = sizeof cells / sizeof *cells
};

static void test_cell(const struct cell *cell)
{
	enum instance_state to = cell->to == SAME ? cell->from : cell->to;
	char name[160], place[64];

	snprintf(place, sizeof place, "%s x %s", instance_state_names[cell->from],
		instance_event_names[cell->event]);
	bring_to(cell->from);
	is_int(world.instance.state, cell->from, "the test has brought it into the state");
	if (cell->event == INSTANCE_MAIN_EXIT && !cell->impossible)
		world.instance.main_ended = true;
	bool warned = warns(cell->event);
	snprintf(name, sizeof name, "%s does this and nothing else", place);
	is_str(done(), cell->does, name);
	snprintf(name, sizeof name, "%s leads to %s", place, instance_state_names[to]);
	is_str(instance_state_names[world.instance.state], instance_state_names[to], name);
	snprintf(name, sizeof name, "%s is %s", place,
		cell->impossible ? "ignored with a warning" : "no surprise");
	is_int(warned, cell->impossible, name);
	snprintf(name, sizeof name, "%s leaves no deadline of another state", place);
	ok(timers_fit_state(), name);
}

static void test_table(void)
{
	bool seen[INSTANCE_STATES][INSTANCE_EVENTS] = {{false}};
	int count = 0;

	for (size_t i = 0; i < CELLS; i++) {
		count += !seen[cells[i].from][cells[i].event];
		seen[cells[i].from][cells[i].event] = true;
		test_cell(&cells[i]);
	}
	is_int(count, INSTANCE_STATES * INSTANCE_EVENTS, "no cell of the table is left out");
	lines();
}

int main(void)
{
	test_table();
	buf_release(&doings.words);
	buf_release(&world.lines);
	return tap_done();
}
