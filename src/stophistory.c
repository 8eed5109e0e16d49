/* stophistory: see the header. */
#include "stophistory.h"

#include <stdio.h>

#include "ladder.h"

void stophistory_add_signal(struct stophistory *history, nsec_t at, int signo, unsigned processes)
{
	if (history->signal_count < STOPHISTORY_SIGNALS)
		history->signals[history->signal_count++] = (struct stophistory_signal){
			.at = at, .signo = signo, .processes = processes};
}

/* Every other one goes. All that are kept have a number that is a multiple of the stride, and so it
 * is afterwards. */
static void thin(struct stophistory *history)
{
	for (size_t i = 0; i < STOPHISTORY_STEPS / 2; i++)
		history->steps[i] = history->steps[2 * i];
	history->step_count = STOPHISTORY_STEPS / 2;
	history->stride *= 2;
}

void stophistory_add_step(
	struct stophistory *history, nsec_t at, unsigned inbound, unsigned outbound)
{
	struct stophistory_step step = {.at = at, .inbound = inbound, .outbound = outbound};
	size_t last = history->step_count - 1;

	if (history->step_count == 0) {
		history->stride = 1;
	} else {
		if (history->steps[last].inbound == inbound &&
			history->steps[last].outbound == outbound)
			return;
		history->number++;
	}
	if (history->is_passing)
		history->step_count--;
	if (history->step_count == STOPHISTORY_STEPS)
		thin(history);
	history->steps[history->step_count++] = step;
	history->is_passing = history->number % history->stride != 0;
}

void stophistory_add_exit(struct stophistory *history, nsec_t at, pid_t pid, const char *name)
{
	struct stophistory_exit *exit = &history->exits[history->exit_count];

	if (history->exit_count == STOPHISTORY_EXITS)
		return;
	history->exit_count++;
	exit->at = at;
	exit->pid = pid;
	snprintf(exit->name, sizeof exit->name, "%s", name);
}

static void fill_signal(const void *arg, size_t at, struct event *row)
{
	const struct stophistory_signal *signal = &((const struct stophistory *)arg)->signals[at];

	event_int(row, "ms", signal->at / NSEC_PER_MSEC);
	event_str(row, "signal", signal_name(signal->signo));
	event_int(row, "processes", signal->processes);
}

static void fill_step(const void *arg, size_t at, struct event *row)
{
	const struct stophistory_step *step = &((const struct stophistory *)arg)->steps[at];

	event_int(row, "ms", step->at / NSEC_PER_MSEC);
	event_int(row, "inbound", step->inbound);
	event_int(row, "outbound", step->outbound);
}

static void fill_exit(const void *arg, size_t at, struct event *row)
{
	const struct stophistory_exit *exit = &((const struct stophistory *)arg)->exits[at];

	event_int(row, "ms", exit->at / NSEC_PER_MSEC);
	event_int(row, "pid", exit->pid);
	event_str(row, "name", exit->name);
}

void stophistory_fill(const struct stophistory *history, struct event *event)
{
	event_list(event, "signals", history->signal_count, fill_signal, history);
	event_list(event, "connections", history->step_count, fill_step, history);
	event_list(event, "exits", history->exit_count, fill_exit, history);
}
