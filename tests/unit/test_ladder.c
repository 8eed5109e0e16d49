/* The stop ladder: reading, writing, reckoning; and the names of signals. */
#include <signal.h>

#include "../../src/ladder.h"
#include "tap.h"

static void signals(void)
{
	is_str(signal_name(SIGTERM), "SIGTERM", "15 is SIGTERM");
	is_str(signal_name(SIGKILL), "SIGKILL", "9 is SIGKILL");
	is_str(signal_name(SIGRTMIN), "SIGRTMIN", "the first real-time signal has its name");
	is_str(signal_name(SIGRTMIN + 3), "SIGRTMIN+3", "the others are counted from it");
	is_str(signal_name(0), "signal 0", "a number without a name is told as a number");
	is_str(signal_name(99), "signal 99", "a number beyond all signals too");
	is_int(signal_number("TERM"), SIGTERM, "TERM is found");
	is_int(signal_number("SIGTERM"), SIGTERM, "SIGTERM is found");
	is_int(signal_number("sigusr1"), SIGUSR1, "small letters are accepted");
	is_int(signal_number("RTMIN+3"), SIGRTMIN + 3, "RTMIN+3 is found");
	is_int(signal_number("RTMAX-1"), SIGRTMAX - 1, "RTMAX-1 is found");
	is_int(signal_number("RTMIN+99"), -1, "a real-time signal beyond the last is refused");
	is_int(signal_number("RTMIN-1"), -1, "a real-time signal below the first is refused");
	is_int(signal_number("RTMIN+"), -1, "RTMIN+ without a number is refused");
	is_int(signal_number("15"), -1, "a number is not a name");
	is_int(signal_number(""), -1, "an empty name is refused");
	is_int(signal_number("SIG"), -1, "SIG alone is refused");
	for (int signo = 1; signo <= SIGRTMAX; signo++)
		if ((signo < 32 || signo >= SIGRTMIN) && signal_number(signal_name(signo)) != signo)
			ok(false, signal_name(signo));
	ok(true, "the name of every signal reads back as its number");
}

struct reading {
	const char *text;
	const char *written;
	nsec_t grace;
	nsec_t total;
};

#define S NSEC_PER_SEC

static const struct reading readings[] = {
	{"TERM/30/KILL/5", "TERM/30/KILL/5", 30 * S, 35 * S},
	{"TERM/30/KILL", "TERM/30/KILL/5", 30 * S, 35 * S},
	{"SIGQUIT/1m/sigkill/5s", "QUIT/60/KILL/5", 60 * S, 65 * S},
	{"INT/10/TERM/500ms/KILL/1.5s", "INT/10/TERM/500ms/KILL/1.5s", 10 * S + S / 2, 12 * S},
	{"TERM/forever", "TERM/forever", LADDER_FOREVER, LADDER_FOREVER},
	{"TERM/FOREVER/KILL/5", "TERM/forever/KILL/5", LADDER_FOREVER, LADDER_FOREVER},
	{"TERM/5/KILL/forever", "TERM/5/KILL/forever", 5 * S, LADDER_FOREVER},
	{"TERM", "TERM/5", 5 * S, 5 * S},
	{"KILL", "KILL/5", 0, 5 * S},
	{"TERM/0/KILL/1", "TERM/0/KILL/1", 0, S},
	{"TERM/2h/KILL/1", "TERM/2h/KILL/1", 7200 * S, 7201 * S},
	{"TERM/TERM", NULL, 0, 0},
	{"RTMIN+3/1/KILL/1", "RTMIN+3/1/KILL/1", S, 2 * S},
	{"HUP/1/INT/1/QUIT/1/USR1/1/USR2/1/TERM/1/ABRT/1/KILL/1",
		"HUP/1/INT/1/QUIT/1/USR1/1/USR2/1/TERM/1/ABRT/1/KILL/1", 7 * S, 8 * S},
	{"", NULL, 0, 0},
	{"/", NULL, 0, 0},
	{"30/TERM", NULL, 0, 0},
	{"TERM/", NULL, 0, 0},
	{"TERM/30/", NULL, 0, 0},
	{"TERM//KILL/5", NULL, 0, 0},
	{"TERM/30 /KILL/5", NULL, 0, 0},
	{"TERM/-1/KILL/5", NULL, 0, 0},
	{"TERM/3x/KILL/5", NULL, 0, 0},
	{"TERM/367d/KILL/5", NULL, 0, 0},
	{"KILL/5/TERM/5", NULL, 0, 0},
	{"KILL/5/KILL/5", NULL, 0, 0},
	{"STOP/5/KILL/5", NULL, 0, 0},
	{"TSTP/5/KILL/5", NULL, 0, 0},
	{"TREM/30/KILL/5", NULL, 0, 0},
	{"HUP/1/HUP/1/HUP/1/HUP/1/HUP/1/HUP/1/HUP/1/HUP/1/KILL/1", NULL, 0, 0},
};

static void ladders(void)
{
	for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
		const struct reading *reading = &readings[i];
		struct ladder ladder = {.count = 77}, again;
		struct cause cause = {""};
		char text[LADDER_TEXT], name[200];
		int result = ladder_parse(reading->text, &ladder, &cause);

		snprintf(name, sizeof name, "\"%s\" is %s", reading->text,
			reading->written != NULL ? "a ladder" : "refused");
		is_int(result, reading->written != NULL ? 0 : -1, name);
		if (result < 0) {
			snprintf(name, sizeof name, "\"%s\" leaves the ladder as it was",
				reading->text);
			is_int((int64_t)ladder.count, 77, name);
			ok(strstr(cause.text, "such as") != NULL ||
					strstr(cause.text, "TERM/30") != NULL ||
					strstr(cause.text, "at most") != NULL ||
					strstr(cause.text, "more than") != NULL ||
					strstr(cause.text, "366d") != NULL,
				cause.text);
			continue;
		}
		is_str(ladder_format(&ladder, text), reading->written, "it is written as expected");
		ok(ladder_parse(text, &again, &cause) == 0 && again.count == ladder.count &&
				memcmp(again.rung, ladder.rung,
					again.count * sizeof again.rung[0]) == 0,
			"what is written reads back the same");
		is_int(ladder_grace(&ladder), reading->grace, "the time until SIGKILL is right");
		is_int(ladder_total(&ladder), reading->total, "the time until the end is right");
	}
}

static void limits(void)
{
	char text[400] = "TERM/";
	struct ladder ladder;
	struct cause cause;

	memset(text + 5, '0', 300);
	strcpy(text + 305, "1");
	is_int(ladder_parse(text, &ladder, &cause), -1, "300 zeros before a wait are refused");
	strcpy(text, "");
	for (int i = 0; i < 8; i++)
		strcat(text, "USR1/1d1h1m1.25s/");
	text[strlen(text) - 1] = '\0';
	is_int(ladder_parse(text, &ladder, &cause), 0, "eight long waits still fit");
	strcpy(text, "");
	for (int i = 0; i < 8; i++)
		strcat(text, "STKFLT/361234567ms/");
	text[strlen(text) - 1] = '\0';
	is_int(ladder_parse(text, &ladder, &cause), -1,
		"a ladder that could not be written again is refused");
}

int main(void)
{
	signals();
	ladders();
	limits();
	return tap_done();
}
