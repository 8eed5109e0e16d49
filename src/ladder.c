/* ladder: see the header. */
#include "ladder.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	LAST_WAIT = 5,	    /* seconds after a last signal that names no wait */
	SIGNAL_LIMIT = 128, /* no kernel has as many */
};

static const char example[] = "TERM/30/KILL/5";

/*
 * Signals
 */

const char *signal_name(int signo)
{
	static _Thread_local char text[32];
	const char *name = sigabbrev_np(signo);

	if (name != NULL)
		snprintf(text, sizeof text, "SIG%s", name);
	else if (signo == SIGRTMIN)
		return "SIGRTMIN";
	else if (signo > SIGRTMIN && signo <= SIGRTMAX)
		snprintf(text, sizeof text, "SIGRTMIN+%d", signo - SIGRTMIN);
	else
		snprintf(text, sizeof text, "signal %d", signo);
	return text;
}

/* The number for "RTMIN", "RTMIN+3", "RTMAX" or "RTMAX-1", or -1. */
static int realtime_number(const char *name)
{
	bool from_top = strncasecmp(name, "RTMAX", 5) == 0;

	if (!from_top && strncasecmp(name, "RTMIN", 5) != 0)
		return -1;
	int base = from_top ? SIGRTMAX : SIGRTMIN;
	const char *step = name + 5;
	if (*step == '\0')
		return base;
	if (*step != (from_top ? '-' : '+') || strspn(step + 1, "0123456789") != strlen(step + 1) ||
		step[1] == '\0' || strlen(step) > 3)
		return -1;
	int signo = base + atoi(step);
	return signo >= SIGRTMIN && signo <= SIGRTMAX ? signo : -1;
}

int signal_number(const char *name)
{
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (int signo = 1; signo < SIGNAL_LIMIT; signo++) {
		const char *known = sigabbrev_np(signo);

		if (known != NULL && strcasecmp(known, name) == 0)
			return signo;
	}
	return realtime_number(name);
}

/* A stopped process cannot end, so these would only make a stop hang. */
static bool signal_suspends(int signo)
{
	return signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU;
}

/*
 * Reading
 */

/* Takes the next word up to "/" from *at, which is shorter than LADDER_TEXT; false at its end. */
static bool next_word(const char **at, char word[static LADDER_TEXT])
{
	if (*at == NULL)
		return false;
	size_t len = strcspn(*at, "/");
	memcpy(word, *at, len);
	word[len] = '\0';
	*at = (*at)[len] == '/' ? *at + len + 1 : NULL;
	return true;
}

static int parse_signal(const char *text, const char *word, int *signo, struct cause *cause)
{
	*signo = signal_number(word);
	if (*signo < 0)
		return cause_set(cause,
			"\"%.80s\" is not a stop ladder: \"%s\" is not the name of a signal; "
			"write signals and waits in turn, such as %s",
			text, word, example);
	if (signal_suspends(*signo))
		return cause_set(cause,
			"\"%.80s\" is not a stop ladder: %s suspends a process, it does not end "
			"it; write for example %s",
			text, word, example);
	return 0;
}

static int parse_wait(const char *text, const char *word, nsec_t *wait, struct cause *cause)
{
	struct cause why;

	if (strcasecmp(word, "forever") == 0) {
		*wait = LADDER_FOREVER;
		return 0;
	}
	if (duration_parse(word, wait, &why) == 0)
		return 0;
	if (signal_number(word) >= 0)
		return cause_set(cause,
			"\"%.80s\" is not a stop ladder: there is no wait before %s; write signals "
			"and waits in turn, such as %s",
			text, word, example);
	return cause_set(
		cause, "\"%.80s\" is not a stop ladder: %.300s or \"forever\"", text, why.text);
}

static int too_long(const char *text, struct cause *cause)
{
	return cause_set(cause, "\"%.40s...\" is too long for a stop ladder; write for example %s",
		text, example);
}

static int check_rungs(const char *text, const struct ladder *ladder, struct cause *cause)
{
	char written[LADDER_TEXT];

	for (size_t i = 0; i + 1 < ladder->count; i++)
		if (ladder->rung[i].signo == SIGKILL)
			return cause_set(cause,
				"\"%.80s\" is not a stop ladder: KILL leaves nothing to stop, so "
				"it may only stand last, as in %s",
				text, example);
	if (strlen(ladder_format(ladder, written)) == LADDER_TEXT - 1)
		return too_long(text, cause);
	return 0;
}

int ladder_parse(const char *text, struct ladder *out, struct cause *cause)
{
	struct ladder ladder = {0};
	const char *at = text;
	char word[LADDER_TEXT];

	if (strlen(text) >= LADDER_TEXT)
		return too_long(text, cause);
	while (next_word(&at, word)) {
		if (ladder.count == LADDER_MAX)
			return cause_set(cause,
				"\"%.80s\" is not a stop ladder: it has more than %d signals", text,
				LADDER_MAX);
		struct ladder_rung *rung = &ladder.rung[ladder.count++];
		if (parse_signal(text, word, &rung->signo, cause) < 0)
			return -1;
		rung->wait = LAST_WAIT * NSEC_PER_SEC;
		if (next_word(&at, word) && parse_wait(text, word, &rung->wait, cause) < 0)
			return -1;
	}
	if (check_rungs(text, &ladder, cause) < 0)
		return -1;
	*out = ladder;
	return 0;
}

/*
 * Writing and reckoning
 */

/* A wait to the second keeps a ladder short as people write it: 30, not 30s. */
static void format_wait(nsec_t wait, char text[static DURATION_TEXT])
{
	if (wait == LADDER_FOREVER)
		strcpy(text, "forever");
	else if (wait % NSEC_PER_SEC == 0 && wait < NSEC_PER_HOUR)
		snprintf(text, DURATION_TEXT, "%d", (int)(wait / NSEC_PER_SEC));
	else
		duration_format(wait, text);
}

const char *ladder_format(const struct ladder *ladder, char text[static LADDER_TEXT])
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ladder->count && len < LADDER_TEXT; i++) {
		char wait[DURATION_TEXT];

		format_wait(ladder->rung[i].wait, wait);
		len += (size_t)snprintf(text + len, LADDER_TEXT - len, "%s%s/%s", i > 0 ? "/" : "",
			signal_name(ladder->rung[i].signo) + 3, wait);
	}
	return text;
}

static nsec_t sum_until(const struct ladder *ladder, int signo)
{
	nsec_t sum = 0;

	for (size_t i = 0; i < ladder->count && ladder->rung[i].signo != signo; i++) {
		if (ladder->rung[i].wait == LADDER_FOREVER)
			return LADDER_FOREVER;
		sum += ladder->rung[i].wait;
	}
	return sum;
}

nsec_t ladder_grace(const struct ladder *ladder)
{
	return sum_until(ladder, SIGKILL);
}

nsec_t ladder_total(const struct ladder *ladder)
{
	return sum_until(ladder, 0);
}
