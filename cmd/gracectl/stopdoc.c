/* stopdoc: see the header. */
#include "stopdoc.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "event.h"
#include "ladder.h"

#define MS_MAX (DURATION_MAX / NSEC_PER_MSEC)

int64_t stopdoc_ms(const bson_t *stop)
{
	int64_t ms = doc_int(stop, "ms");

	return ms < 0 ? 0 : ms > MS_MAX ? MS_MAX : ms;
}

bool stopdoc_is_at_most(const bson_t *stop)
{
	return doc_int(stop, "ms_at_most") != 0;
}

int64_t stopdoc_time(const bson_t *stop, const char *key)
{
	int64_t ms = doc_int(stop, key);

	return bson_has_field(stop, key) && ms >= 0 && ms <= MS_MAX ? ms : STOPDOC_NEVER;
}

int64_t stopdoc_allowed(const bson_t *stop)
{
	struct ladder ladder;
	struct cause cause;

	if (bson_has_field(stop, "allowed_ms"))
		return stopdoc_time(stop, "allowed_ms");
	if (ladder_parse(doc_text(stop, "ladder"), &ladder, &cause) < 0 ||
		ladder.rung[ladder.count - 1].signo != SIGKILL)
		return STOPDOC_NEVER;
	nsec_t grace = ladder_grace(&ladder);
	return grace != LADDER_FOREVER ? grace / NSEC_PER_MSEC : STOPDOC_NEVER;
}

nsec_t stopdoc_began(const bson_t *stop)
{
	nsec_t ended = event_time(stop);

	return ended != 0 ? ended - stopdoc_ms(stop) * NSEC_PER_MSEC : 0;
}

const char *stopdoc_reason(const bson_t *stop)
{
	const char *reason = doc_text(stop, "reason");

	return strcmp(reason, "exit") == 0 ? "crash" : reason;
}

size_t stopdoc_type_len(const char *dyno)
{
	const char *dot = strrchr(dyno, '.');

	return dot != NULL ? (size_t)(dot - dyno) : strlen(dyno);
}

const char *stopdoc_next_verdict(const char **at, size_t *len)
{
	const char *part = *at + strspn(*at, ", ");

	*len = strcspn(part, ",");
	*at = part + *len;
	return *len > 0 ? part : NULL;
}

const char *stopdoc_seconds(int64_t ms, char text[static STOPDOC_TEXT])
{
	if (ms < 1000)
		snprintf(text, STOPDOC_TEXT, "%lldms", (long long)ms);
	else
		snprintf(text, STOPDOC_TEXT, "%.2fs", (double)ms / 1000.);
	return text;
}

const char *stopdoc_allowed_text(int64_t ms, char text[static DURATION_TEXT])
{
	if (ms == STOPDOC_NEVER)
		return strcpy(text, "-");
	return duration_format(ms * NSEC_PER_MSEC, text);
}

/* ---- filters ---- */

const char *const stopfilter_reasons[] = {
	"manual", "stop", "restart", "cycle", "crash", "config", "boot timeout", NULL};
const char *const stopfilter_verdicts[] = {"clean", "forced", "refused", "cut", "leaked",
	"unanswered", "reset", "late accepts", "order wrong", "status", NULL};

static bool begins(const char *text, size_t len, const char *with)
{
	size_t wanted = strlen(with);

	return wanted <= len && memcmp(text, with, wanted) == 0;
}

static bool is_known(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (word[0] != '\0' && begins(*words, strlen(*words), word))
			return true;
	return false;
}

static int refuse(
	struct cause *cause, const char *option, const char *word, const char *const *words)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; words[i] != NULL; i++)
		buf_addf(&text, "%s%s", i == 0 ? "" : ", ", words[i]);
	cause_set(cause, "%s: there is no \"%s\"; there are: %s", option, word, text.data);
	buf_release(&text);
	return -1;
}

int stopfilter_check(const struct stopfilter *filter, struct cause *cause)
{
	const char *verdict = filter->verdict, *reason = filter->reason;

	/* The status has a number behind it. */
	if (verdict != NULL && !begins(verdict, strlen(verdict), "status ") &&
		!is_known(verdict, stopfilter_verdicts))
		return refuse(cause, "--verdict", verdict, stopfilter_verdicts);
	if (reason != NULL && strcmp(reason, "exit") != 0 && !is_known(reason, stopfilter_reasons))
		return refuse(cause, "--reason", reason, stopfilter_reasons);
	if (verdict != NULL && filter->not_clean && begins("clean", 5, verdict))
		return cause_set(cause, "--verdict clean and --not-clean exclude each other");
	return 0;
}

static bool has_reason(const bson_t *stop, const char *wanted)
{
	const char *raw = doc_text(stop, "reason"), *reason = stopdoc_reason(stop);

	if (begins("manual", 6, wanted))
		return strcmp(raw, "stop") == 0 || strcmp(raw, "restart") == 0;
	return begins(reason, strlen(reason), wanted) || strcmp(raw, wanted) == 0;
}

static bool has_verdict(const bson_t *stop, const char *wanted)
{
	const char *at = doc_text(stop, "verdict"), *part;
	size_t len;

	while ((part = stopdoc_next_verdict(&at, &len)) != NULL)
		if (begins(part, len, wanted))
			return true;
	return false;
}

bool stopfilter_accepts(const struct stopfilter *filter, const bson_t *stop)
{
	if (filter->reason != NULL && !has_reason(stop, filter->reason))
		return false;
	if (filter->verdict != NULL && !has_verdict(stop, filter->verdict))
		return false;
	return !filter->not_clean || strcmp(doc_text(stop, "verdict"), "clean") != 0;
}
