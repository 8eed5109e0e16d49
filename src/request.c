/* request: see the header. */
#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "wire.h"
#include "xmalloc.h"

/* What a wait may take beyond the deadlines of the configuration, and what stands for "forever". */
#define SLACK (10 * NSEC_PER_SEC)
#define FOREVER (24 * NSEC_PER_HOUR)

/* Without a readiness check a dyno is up as soon as it is executed. Most of what cannot work ends
 * at once, so it must have lived that long before it is called a success. */
#define SETTLING (200 * NSEC_PER_MSEC)

/* What became of a wait: not there yet, or a code and a sentence. */
struct outcome {
	bool there;
	bool already; /* nothing had to be done for it */
	nsec_t due;   /* not there yet: it will be then, if nothing happens; 0: not known */
	int code;
	struct cause text;
};

static void reached(struct outcome *outcome, int code, const char *text)
{
	outcome->there = true;
	outcome->code = code;
	cause_set(&outcome->text, "%s", text);
}

static void crashed(struct outcome *outcome, const struct request_wait *wait)
{
	const char *why = wait->place->dyno.why;

	outcome->there = true;
	outcome->code = WIRE_FAILED;
	cause_set(&outcome->text, "%s: %s", wait->good ? "was up, and crashed" : "did not come up",
		why[0] != '\0' ? why : "it crashed");
}

/* A restart has failed, and what was there before serves on: that is no crash. */
static bool goes_on(const struct dyno *dyno)
{
	return dyno->state == DYNO_UP && dyno->why[0] != '\0';
}

static void came_up(struct outcome *outcome, const struct dyno *dyno, const char *text)
{
	if (dyno->config->ready == READY_NONE && dyno->current != NULL)
		outcome->due = dyno->current->up_mono + SETTLING;
	if (outcome->due <= clock_mono())
		reached(outcome, WIRE_DONE, text);
}

static void check_start(const struct request_wait *wait, struct outcome *outcome)
{
	const struct dyno *dyno = &wait->place->dyno;

	if (dyno->failures > wait->failures && !goes_on(dyno))
		crashed(outcome, wait);
	else if (dyno->state == DYNO_UP)
		came_up(outcome, dyno, "up");
	else if (!dyno->wanted_up)
		reached(outcome, WIRE_FAILED,
			wait->good ? "was up, and was stopped by another request"
				   : "was stopped before it came up");
}

static const char *late_text(const struct dyno *dyno)
{
	if (dyno->kill_refused)
		return "did not end in time, and the supervisor may not kill it";
	return dyno->kill_hurried ? "had to be killed: it was asked to stop once more"
				  : "had to be killed: it did not end in time";
}

static void check_stop(const struct request_wait *wait, struct outcome *outcome)
{
	const struct dyno *dyno = &wait->place->dyno;
	bool killed = dyno->kills > wait->kills;

	if (dyno->state != DYNO_DOWN && dyno->launches == wait->launches)
		return;
	if (killed)
		reached(outcome, WIRE_FAILED, late_text(dyno));
	else if (dyno->state != DYNO_DOWN)
		reached(outcome, WIRE_FAILED,
			wait->was_down ? "was down already, and started by another request"
				       : "was stopped, and started again by another request");
	else
		reached(outcome, WIRE_DONE, wait->was_down ? "was down already" : "stopped");
	outcome->already = wait->was_down && outcome->code == WIRE_DONE;
}

static void not_restarted(struct outcome *outcome, const struct dyno *dyno)
{
	outcome->there = true;
	outcome->code = WIRE_FAILED;
	cause_set(&outcome->text, "was not restarted: %s", dyno->why);
}

static void check_restart(const struct request_wait *wait, struct outcome *outcome)
{
	const struct dyno *dyno = &wait->place->dyno;

	if (dyno->failures > wait->failures && !goes_on(dyno))
		crashed(outcome, wait);
	else if (dyno->failures > wait->failures && !wait->good)
		not_restarted(outcome, dyno);
	else if (!dyno->wanted_up)
		reached(outcome, WIRE_FAILED,
			wait->good ? "was restarted, and was stopped by another request"
				   : "is down; start it with `gracectl start`");
	else if (dyno->launches == wait->launches || dyno->state != DYNO_UP || dyno->old > 0 ||
		 dyno->next != NULL)
		return;
	else if (dyno->kills > wait->kills)
		reached(outcome, WIRE_FAILED,
			dyno->kill_refused ? "is up again, but the old instance did not end in time"
					   : "is up again, but the old instance had to be killed");
	else
		came_up(outcome, dyno, "restarted");
}

static nsec_t boot_time(const struct process_config *config)
{
	return config->ready != READY_NONE ? config->boot_timeout : 0;
}

static nsec_t stop_time(const struct process_config *config)
{
	nsec_t total = ladder_total(&config->stop);

	return total == LADDER_FOREVER ? FOREVER : total;
}

static nsec_t restart_time(const struct process_config *config)
{
	return boot_time(config) + stop_time(config);
}

static const struct {
	enum dyno_event event;
	void (*check)(const struct request_wait *, struct outcome *);
	nsec_t (*time)(const struct process_config *);
} kinds[REQUEST_KINDS] = {
	[REQUEST_START] = {DYNO_START, check_start,
		restart_time}, /* it may have to wait for a stop */
	[REQUEST_STOP] = {DYNO_STOP, check_stop, stop_time},
	[REQUEST_RESTART] = {DYNO_RESTART, check_restart, restart_time},
};

static bool is_meant(
	const struct request *request, const struct place *place, const struct strlist *targets)
{
	/* A restart of everything leaves alone what was stopped on purpose. */
	if (request->all)
		return request->kind != REQUEST_RESTART || place_is_wanted(place);
	for (size_t i = 0; i < targets->count; i++)
		if (place_matches(place, targets->items[i]))
			return true;
	return false;
}

struct request *request_new(
	enum request_kind kind, struct formation *formation, const struct strlist *targets)
{
	struct request *request = xcalloc(1, sizeof *request);

	request->kind = kind;
	request->all = targets->count == 0;
	request->waits = xcalloc(formation->count, sizeof *request->waits);
	for (size_t i = 0; i < formation->count; i++) {
		struct place *place = &formation->places[i];
		if (!is_meant(request, place, targets))
			continue;
		request->waits[request->count++] = (struct request_wait){
			.place = place,
			.launches = place->dyno.launches,
			.failures = place->dyno.failures,
			.kills = place->dyno.kills,
			.was_down = place->dyno.state == DYNO_DOWN,
		};
	}
	request->left = request->count;
	return request;
}

void request_put_base(const struct request *request, bson_t *list)
{
	char key[16];
	const char *name;
	bson_t doc;

	for (size_t i = 0; i < request->count; i++) {
		const struct request_wait *wait = &request->waits[i];
		bson_uint32_to_string((uint32_t)i, &name, key, sizeof key);
		bson_append_document_begin(list, name, -1, &doc);
		BSON_APPEND_UTF8(&doc, "dyno", wait->place->dyno.name);
		BSON_APPEND_INT64(&doc, "launches", (int64_t)wait->launches);
		BSON_APPEND_INT64(&doc, "failures", (int64_t)wait->failures);
		BSON_APPEND_INT64(&doc, "kills", (int64_t)wait->kills);
		BSON_APPEND_BOOL(&doc, "down", wait->was_down);
		bson_append_document_end(list, &doc);
	}
}

static struct request_wait *find_wait(struct request *request, const char *dyno)
{
	for (size_t i = 0; i < request->count; i++)
		if (strcmp(request->waits[i].place->dyno.name, dyno) == 0)
			return &request->waits[i];
	return NULL;
}

void request_take_base(struct request *request, const bson_t *list)
{
	bson_iter_t iter;
	bson_t doc;

	request->resumed = true;
	if (!bson_iter_init(&iter, list))
		return;
	while (bson_iter_next(&iter)) {
		struct request_wait *wait =
			doc_at(&iter, &doc) ? find_wait(request, doc_text(&doc, "dyno")) : NULL;
		if (wait == NULL)
			continue;
		wait->launches = (uint64_t)doc_int(&doc, "launches");
		wait->failures = (uint64_t)doc_int(&doc, "failures");
		wait->kills = (uint64_t)doc_int(&doc, "kills");
		wait->was_down = doc_bool(&doc, "down");
	}
}

/* Nobody is hurried because of others. */
static bool is_new_to_any(const struct request *request)
{
	for (size_t i = 0; i < request->count; i++)
		if (!place_is_being_stopped(request->waits[i].place))
			return true;
	return false;
}

/* Whether the dyno is on its way already; telling it again would make a stop hurry, or restart it
 * twice. */
static bool was_told(const struct request *request, const struct request_wait *wait)
{
	const struct dyno *dyno = &wait->place->dyno;

	if (request->kind == REQUEST_STOP)
		return request->gentle && place_is_being_stopped(wait->place);
	if (!request->resumed || request->kind == REQUEST_START)
		return false;
	return dyno->launches > wait->launches || (dyno->state == DYNO_STARTING && dyno->old > 0);
}

/* One that is down stays so, and one whose start is to come is as good as restarted. */
static bool needs_no_restart(const struct place *place)
{
	return !place->dyno.wanted_up || !place_is_wanted(place);
}

void request_begin(struct request *request)
{
	request->gentle |= request->resumed || is_new_to_any(request);
	for (size_t i = 0; i < request->count; i++) {
		struct request_wait *wait = &request->waits[i];
		if ((request->kind == REQUEST_RESTART && needs_no_restart(wait->place)) ||
			was_told(request, wait))
			continue;
		place_want(wait->place, kinds[request->kind].event);
	}
}

static void say_result(const struct request_wait *wait, const struct outcome *outcome, bool revised,
	struct buf *out)
{
	bson_t doc;

	wire_begin(&doc, "result");
	BSON_APPEND_UTF8(&doc, "dyno", wait->place->dyno.name);
	BSON_APPEND_INT32(&doc, "code", outcome->code);
	doc_put_text(&doc, "text", outcome->text.text);
	if (outcome->already)
		BSON_APPEND_BOOL(&doc, "already", true);
	if (revised)
		BSON_APPEND_BOOL(&doc, "revised", true);
	wire_add(&doc, out);
}

static void conclude(struct request *request, struct request_wait *wait,
	const struct outcome *outcome, struct buf *out)
{
	say_result(wait, outcome, wait->good, out);
	wait->good = outcome->code == WIRE_DONE;
	if (outcome->code > request->code)
		request->code = outcome->code;
}

/* While the others were waited for, one that had come up may have crashed or been stopped. */
static void look_again(struct request *request, struct buf *out)
{
	if (request->kind == REQUEST_STOP)
		return;
	for (size_t i = 0; i < request->count; i++) {
		struct request_wait *wait = &request->waits[i];
		struct outcome outcome = {0};
		if (!wait->good)
			continue;
		kinds[request->kind].check(wait, &outcome);
		if (outcome.there && outcome.code != WIRE_DONE)
			conclude(request, wait, &outcome, out);
	}
}

static bool is_to_come(const struct request *request, const struct place *place)
{
	return request->kind != REQUEST_STOP && place->is_due && place->due != DYNO_STOP;
}

bool request_check(struct request *request, struct buf *out)
{
	request->due = 0;
	for (size_t i = 0; i < request->count; i++) {
		struct request_wait *wait = &request->waits[i];
		struct outcome outcome = {0};
		if (wait->done || is_to_come(request, wait->place))
			continue;
		kinds[request->kind].check(wait, &outcome);
		if (outcome.there) {
			wait->done = true;
			request->left--;
			conclude(request, wait, &outcome, out);
		} else if (request->due == 0 || (outcome.due != 0 && outcome.due < request->due)) {
			request->due = outcome.due;
		}
	}
	look_again(request, out);
	return request->left == 0;
}

bool request_concerns(const struct request *request, const char *dyno)
{
	for (size_t i = 0; i < request->count; i++)
		if (strcmp(request->waits[i].place->dyno.name, dyno) == 0)
			return true;
	return false;
}

void request_lose_report(struct request *request, const struct cause *why)
{
	request->reports_lost++;
	request->why_lost = *why;
}

int64_t request_deadline_ms(const struct request *request)
{
	nsec_t longest = 0;

	for (size_t i = 0; i < request->count; i++) {
		nsec_t time = kinds[request->kind].time(request->waits[i].place->dyno.config);
		if (time > longest)
			longest = time;
	}
	return (longest + SLACK) / NSEC_PER_MSEC;
}

void request_free(struct request *request)
{
	free(request->waits);
	free(request);
}
