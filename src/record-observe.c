/* record-observe: see the header. */
#include "record-observe.h"

#include <stdio.h>
#include <string.h>

#include "doc.h"
#include "ladder.h"

static const struct {
	const char *key;
	size_t offset; /* of an unsigned in struct observe_report */
} counts[] = {
	{"processes", offsetof(struct observe_report, processes)},
	{"unseen", offsetof(struct observe_report, unseen)},
	{"listeners", offsetof(struct observe_report, listeners)},
	{"inbound", offsetof(struct observe_report, inbound)},
	{"outbound", offsetof(struct observe_report, outbound)},
	{"beside", offsetof(struct observe_report, beside)},
	{"accepted", offsetof(struct observe_report, accepted)},
	{"late", offsetof(struct observe_report, late)},
	{"reset", offsetof(struct observe_report, reset)},
	{"waited", offsetof(struct observe_report, waited)},
	{"in_at_exit", offsetof(struct observe_report, in_at_exit)},
	{"out_at_exit", offsetof(struct observe_report, out_at_exit)},
	{"cut", offsetof(struct observe_report, cut)},
	{"leaked", offsetof(struct observe_report, leaked)},
	{"unanswered", offsetof(struct observe_report, unanswered)},
	{"last_words", offsetof(struct observe_report, last_words)},
	{"inbound_then", offsetof(struct observe_report, inbound_then)},
	{"owed_then", offsetof(struct observe_report, owed_then)},
	{"used_then", offsetof(struct observe_report, used_then)},
};

static const struct {
	const char *key;
	size_t offset; /* of a nsec_t there */
} times[] = {
	{"not_accepting", offsetof(struct observe_report, not_accepting)},
	{"drained", offsetof(struct observe_report, drained)},
	{"released", offsetof(struct observe_report, released)},
};

enum {
	COUNTS = sizeof counts / sizeof *counts,
	TIMES = sizeof times / sizeof *times
};

static void *field(const struct observe_report *report, size_t offset)
{
	return (char *)report + offset;
}

static const char *key_of(size_t at, char key[static 16])
{
	const char *name;

	bson_uint32_to_string((uint32_t)at, &name, key, 16);
	return name;
}

static void put_signals(bson_t *doc, const struct stophistory *history)
{
	bson_t list, item;
	char key[16];

	bson_append_array_begin(doc, "signals", -1, &list);
	for (size_t i = 0; i < history->signal_count; i++) {
		const struct stophistory_signal *signal = &history->signals[i];
		bson_append_document_begin(&list, key_of(i, key), -1, &item);
		BSON_APPEND_INT64(&item, "at", signal->at);
		BSON_APPEND_INT32(&item, "signo", signal->signo);
		BSON_APPEND_INT32(&item, "processes", (int32_t)signal->processes);
		bson_append_document_end(&list, &item);
	}
	bson_append_array_end(doc, &list);
}

static void put_ports(bson_t *doc, const uint16_t *ports, size_t count)
{
	bson_t list;
	char key[16];

	bson_append_array_begin(doc, "ports", -1, &list);
	for (size_t i = 0; i < count; i++)
		bson_append_int32(&list, key_of(i, key), -1, ports[i]);
	bson_append_array_end(doc, &list);
}

static void put_report(bson_t *doc, const struct observe_report *report)
{
	BSON_APPEND_BOOL(doc, "visible", report->visible);
	BSON_APPEND_BOOL(doc, "order_wrong", report->order_wrong);
	doc_put_text(doc, "peers", report->peers);
	BSON_APPEND_UTF8(doc, "other_ports", report->other_ports);
	doc_put_text(doc, "left", report->left);
	for (size_t i = 0; i < COUNTS; i++)
		bson_append_int64(
			doc, counts[i].key, -1, *(const unsigned *)field(report, counts[i].offset));
	for (size_t i = 0; i < TIMES; i++)
		bson_append_int64(
			doc, times[i].key, -1, *(const nsec_t *)field(report, times[i].offset));
	put_signals(doc, &report->history);
}

void record_put_observed(
	bson_t *doc, const struct observer *observer, const struct observe_kept *kept)
{
	bool observes = observer != NULL && observer->app != NULL;
	bson_t child;

	if (!observes && kept == NULL)
		return;
	bson_append_document_begin(doc, "observed", -1, &child);
	BSON_APPEND_INT64(&child, "began", observes ? observer->began : kept->began);
	put_report(&child, observes ? &observer->report : &kept->report);
	put_ports(&child, observes ? observer->ports : kept->ports,
		observes ? observer->port_count : kept->port_count);
	bson_append_document_end(doc, &child);
}

static void get_signals(const bson_t *doc, struct stophistory *history)
{
	bson_t list, item;
	bson_iter_t iter;

	if (!doc_child(doc, "signals", &list) || !bson_iter_init(&iter, &list))
		return;
	while (bson_iter_next(&iter)) {
		int64_t signo = doc_at(&iter, &item) ? doc_int(&item, "signo") : 0;
		if (signo > 0 && signal_name((int)signo) != NULL)
			stophistory_add_signal(history, doc_int(&item, "at"), (int)signo,
				(unsigned)doc_int(&item, "processes"));
	}
}

static void get_ports(const bson_t *doc, struct observe_kept *kept)
{
	bson_iter_t iter;
	bson_t list;

	if (!doc_child(doc, "ports", &list) || !bson_iter_init(&iter, &list))
		return;
	while (kept->port_count < OBSERVE_PORTS && bson_iter_next(&iter))
		kept->ports[kept->port_count++] = (uint16_t)bson_iter_as_int64(&iter);
}

bool record_get_observed(const bson_t *doc, struct observe_kept *kept)
{
	struct observe_report *report = &kept->report;
	bson_t child;

	memset(kept, 0, sizeof *kept);
	if (!doc_child(doc, "observed", &child))
		return false;
	kept->began = doc_int(&child, "began");
	report->visible = doc_bool(&child, "visible");
	report->order_wrong = doc_bool(&child, "order_wrong");
	snprintf(report->peers, sizeof report->peers, "%s", doc_text(&child, "peers"));
	snprintf(report->other_ports, sizeof report->other_ports, "%s",
		doc_text(&child, "other_ports"));
	snprintf(report->left, sizeof report->left, "%s", doc_text(&child, "left"));
	for (size_t i = 0; i < COUNTS; i++)
		*(unsigned *)field(report, counts[i].offset) =
			(unsigned)doc_int(&child, counts[i].key);
	for (size_t i = 0; i < TIMES; i++)
		*(nsec_t *)field(report, times[i].offset) = doc_int(&child, times[i].key);
	get_ports(&child, kept);
	get_signals(&child, &report->history);
	return true;
}
