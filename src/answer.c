/* answer: see the header. */
#include "answer.h"

#include <unistd.h>

#include "doc.h"
#include "suggest.h"
#include "supervisor.h"
#include "wire.h"

static void begin_done(bson_t *doc, int code, const char *text)
{
	wire_begin(doc, "done");
	BSON_APPEND_INT32(doc, "code", code);
	doc_put_text(doc, "text", text);
}

static void end_done(struct conn *conn, bson_t *doc)
{
	wire_add(doc, &conn->out);
	conn_end(conn);
}

void answer_done(struct conn *conn, int code, const char *text)
{
	bson_t doc;

	begin_done(&doc, code, text);
	end_done(conn, &doc);
}

static void add_warning(bson_t *doc, const struct request *request)
{
	struct buf text = BUF_INIT;

	if (request->reports_lost == 1)
		buf_adds(&text, "the report of the stop is lost: ");
	else
		buf_addf(&text, "the reports of %u stops are lost: ", request->reports_lost);
	buf_adds(&text, request->why_lost.text);
	doc_put_text(doc, "warning", text.data);
	buf_release(&text);
}

void answer_request(struct conn *conn, const struct request *request)
{
	bson_t doc;

	begin_done(&doc, request->code, "");
	if (request->reports_lost > 0)
		add_warning(&doc, request);
	end_done(conn, &doc);
}

static void add_types(const struct formation *formation, struct strlist *types)
{
	for (size_t i = 0; i < formation->type_count; i++)
		strlist_add(types, formation->types[i].config->name);
}

void answer_unknown(
	struct conn *conn, const struct formation *formation, const struct strlist *targets)
{
	struct strlist types = STRLIST_INIT;
	struct buf text = BUF_INIT;
	bson_t doc;

	add_types(formation, &types);
	buf_adds(&text, "there is no dyno or process type ");
	for (size_t i = 0; i < targets->count; i++) {
		buf_adds(&text, i > 0 ? ", " : "");
		suggest_add_target(
			&text, targets->items[i], (const char *const *)types.items, types.count);
	}
	buf_adds(&text, "; the types are:");
	for (size_t i = 0; i < formation->type_count; i++)
		buf_addf(&text, "%s %s (%u)", i > 0 ? "," : "", formation->types[i].config->name,
			formation->types[i].config->scale);
	begin_done(&doc, WIRE_USAGE, text.data);
	doc_put_text(&doc, "unknown", targets->items[0]);
	end_done(conn, &doc);
	strlist_release(&types);
	buf_release(&text);
}

void answer_ending(struct conn *conn, struct formation *formation)
{
	static const struct strlist all = STRLIST_INIT;
	struct request *stop = request_new(REQUEST_STOP, formation, &all);
	bson_t doc;

	begin_done(&doc, WIRE_FAILED,
		"the supervisor is ending; `gracectl start` waits for that and starts everything "
		"anew");
	BSON_APPEND_INT32(&doc, "pid", getpid());
	BSON_APPEND_INT32(&doc, "guard", formation->app->guard_pid);
	BSON_APPEND_INT64(&doc, "deadline_ms", request_deadline_ms(stop));
	end_done(conn, &doc);
	request_free(stop);
}

/* Who we are. */
static void begin_accepted(bson_t *doc, const struct app *app)
{
	wire_begin(doc, "accepted");
	BSON_APPEND_INT32(doc, "pid", getpid());
	BSON_APPEND_INT32(doc, "guard", app->guard_pid);
	BSON_APPEND_UTF8(doc, "version", GRACECTL_VERSION);
}

static void end_accepted(struct conn *conn, bson_t *doc)
{
	wire_add(doc, &conn->out);
	conn_flush(conn);
}

void answer_accepted(struct conn *conn, const struct app *app, const struct request *request)
{
	bson_t doc, base;

	begin_accepted(&doc, app);
	BSON_APPEND_INT64(&doc, "deadline_ms", request_deadline_ms(request));
	bson_append_array_begin(&doc, "base", -1, &base);
	request_put_base(request, &base);
	bson_append_array_end(&doc, &base);
	end_accepted(conn, &doc);
}

void answer_alive(struct conn *conn, const struct app *app, bool ending)
{
	bson_t doc;

	begin_accepted(&doc, app);
	BSON_APPEND_BOOL(&doc, "ending", ending);
	end_accepted(conn, &doc);
}
