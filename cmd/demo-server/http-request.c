/* http-request: see the header. */
#include "http-request.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "conn.h"
#include "xmalloc.h"

struct http_request {
	struct requests *owner;
	struct MHD_Connection *mhd;
	struct conn *conn;
	TAILQ_ENTRY(http_request) entry;

	const char *method;
	const char *path;
	uint64_t bytes; /* of header and body; CONN_BYTES_UNKNOWN for a chunked one */
	struct buf body;
	bool whole; /* the body has been read to its end */

	bool suspended;		       /* the handler has not answered yet */
	struct MHD_Response *response; /* NULL until it has */
	unsigned status;

	void (*cancel)(void *arg);
	void *cancel_arg;
};

static struct conn *conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The path of a target that names a server too, as clients send it to a proxy: http://x/path. */
static const char *path_of(const char *target)
{
	static const char scheme[] = "http://";
	const char *path;

	if (strncasecmp(target, scheme, sizeof scheme - 1) != 0)
		return target;
	path = strchr(target + sizeof scheme - 1, '/');
	return path != NULL ? path : "/";
}

static struct http_request *request_new(
	struct requests *owner, struct MHD_Connection *mhd, const char *method, const char *path)
{
	struct http_request *request = xcalloc(1, sizeof *request);
	const union MHD_ConnectionInfo *size =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	request->owner = owner;
	request->mhd = mhd;
	request->conn = conn_of(mhd);
	request->method = method;
	request->path = path_of(path);
	request->bytes = CONN_BYTES_UNKNOWN;
	if (size != NULL && http_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) == NULL)
		request->bytes = size->header_size;
	TAILQ_INSERT_TAIL(&owner->list, request, entry);
	conn_request_begins(request->conn, method, request->path);
	return request;
}

/* libmicrohttpd has the path decoded, and tells no length: a NUL in it would end it there. */
void *requests_begun(void *arg, const char *uri, struct MHD_Connection *mhd)
{
	const char *nul = strstr(uri, "%00");
	(void)arg;

	conn_of(mhd)->nul_in_path = nul != NULL && nul < uri + strcspn(uri, "?");
	return NULL;
}

void requests_completed(
	void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct requests *owner = arg;
	struct http_request *request = *context;
	(void)mhd;
	(void)code;

	if (request == NULL)
		return;
	conn_request_ends(request->conn, request->whole, request->bytes);
	TAILQ_REMOVE(&owner->list, request, entry);
	if (request->response != NULL)
		MHD_destroy_response(request->response);
	buf_release(&request->body);
	free(request);
	*context = NULL;
}

/* Too large by its own account: refused before a byte of it is read. */
static bool declares_too_much(const struct http_request *request)
{
	const char *length = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length != NULL && strtoull(length, NULL, 10) > HTTP_BODY_MAX;
}

/* Its end cannot be told; chunked is the one coding that libmicrohttpd knows. */
static bool has_strange_coding(const struct http_request *request)
{
	const char *coding = http_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING);

	return coding != NULL && strcasecmp(coding, "chunked") != 0;
}

/* Returns whether the request was answered already, for its header. */
static bool refuse_header(struct http_request *request)
{
	if (has_strange_coding(request))
		http_reply_text(request, MHD_HTTP_NOT_IMPLEMENTED,
			"The transfer coding is unknown: only chunked is taken.");
	else if (declares_too_much(request))
		http_reply_text(request, MHD_HTTP_CONTENT_TOO_LARGE,
			"The body is too large: at most %d bytes are taken.", HTTP_BODY_MAX);
	return request->response != NULL;
}

/*
 * A chunked body does not say beforehand that it is too large, and libmicrohttpd takes no answer
 * in the middle of a body. So this one goes to the socket past it: nothing else has been sent,
 * and the connection ends with it.
 */
static enum MHD_Result refuse_rest(struct http_request *request)
{
	static const char answer[] = "HTTP/1.1 413 Content Too Large\r\n"
				     "Content-Length: 0\r\n"
				     "Connection: close\r\n\r\n";

	send(request->conn->fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return MHD_NO;
}

static enum MHD_Result take_body(struct http_request *request, const char *data, size_t *len)
{
	if (request->body.len + *len > HTTP_BODY_MAX)
		return refuse_rest(request);
	buf_append(&request->body, data, *len);
	if (request->bytes != CONN_BYTES_UNKNOWN)
		request->bytes += *len;
	*len = 0;
	return MHD_YES;
}

static enum MHD_Result send_response(struct http_request *request)
{
	if (request->owner->closing)
		MHD_add_response_header(request->response, MHD_HTTP_HEADER_CONNECTION, "close");
	return MHD_queue_response(request->mhd, request->status, request->response);
}

/* The handler answers now, or the connection sleeps until it does. */
static enum MHD_Result dispatch(struct http_request *request)
{
	if (request->conn->nul_in_path)
		http_reply_text(request, MHD_HTTP_BAD_REQUEST, "Bad request: a NUL in the path.");
	else
		request->owner->handler(request->owner->app, request);
	if (request->response != NULL)
		return send_response(request);
	request->suspended = true;
	MHD_suspend_connection(request->mhd);
	return MHD_YES;
}

/*
 * libmicrohttpd reads from a connection that was resumed before it asks for the answer, and takes a
 * client that sends no more for one that is gone. But a connection with a timeout of its own is
 * looked at first. So it has one from its resumption until its answer is handed over.
 */
static void resume(struct http_request *request)
{
	request->suspended = false;
	request->conn->spared = true;
	MHD_set_connection_option(
		request->mhd, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)(HTTP_IDLE_SECONDS + 1));
	MHD_resume_connection(request->mhd);
	request->owner->wake(request->owner->wake_arg);
}

static enum MHD_Result answer_resumed(struct http_request *request)
{
	request->conn->spared = false;
	MHD_set_connection_option(
		request->mhd, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)HTTP_IDLE_SECONDS);
	return send_response(request);
}

enum MHD_Result requests_handle(void *arg, struct MHD_Connection *mhd, const char *path,
	const char *method, const char *version, const char *data, size_t *len, void **context)
{
	struct http_request *request = *context;
	(void)version;

	if (request == NULL) {
		*context = request = request_new(arg, mhd, method, path);
		return refuse_header(request) ? send_response(request) : MHD_YES;
	}
	if (*len > 0)
		return take_body(request, data, len);
	request->whole = true;
	return request->response != NULL ? answer_resumed(request) : dispatch(request);
}

void requests_init(struct requests *requests)
{
	TAILQ_INIT(&requests->list);
}

void requests_cancel(struct requests *requests, bool (*is_meant)(struct conn *conn))
{
	struct http_request *request, *next;

	for (request = TAILQ_FIRST(&requests->list); request != NULL; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (request->suspended && request->cancel != NULL && is_meant(request->conn))
			request->cancel(request->cancel_arg);
	}
}

/* For handlers. */

const char *http_method(const struct http_request *request)
{
	return request->method;
}

const char *http_path(const struct http_request *request)
{
	return request->path;
}

const struct buf *http_body(const struct http_request *request)
{
	return &request->body;
}

const char *http_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const char *http_query(const struct http_request *request, const char *name, size_t *len)
{
	const char *value = NULL;

	if (MHD_lookup_connection_value_n(request->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name),
		    &value, len) != MHD_YES)
		return NULL;
	return value;
}

void http_on_cancel(struct http_request *request, void (*cancel)(void *arg), void *arg)
{
	request->cancel = cancel;
	request->cancel_arg = arg;
}

static ssize_t padding_cb(void *arg, uint64_t pos, char *buf, size_t max)
{
	(void)arg;
	(void)pos;
	memset(buf, '.', max);
	return (ssize_t)max;
}

static struct MHD_Response *make_response(const struct http_answer *answer)
{
	enum {
		BLOCK = 32 * 1024
	};
	const char *text = answer->text != NULL ? answer->text : "";
	struct MHD_Response *response =
		answer->padding > 0 ? MHD_create_response_from_callback(
					      answer->padding, BLOCK, padding_cb, NULL, NULL)
				    : MHD_create_response_from_buffer(strlen(text),
					      (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (response == NULL)
		abort(); /* out of memory, as in xmalloc */
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
		answer->type != NULL ? answer->type : "text/plain; charset=utf-8");
	if (answer->allow != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
	return response;
}

void http_reply(struct http_request *request, const struct http_answer *answer)
{
	request->status = answer->status;
	request->response = make_response(answer);
	if (request->suspended)
		resume(request);
}

void http_reply_text(struct http_request *request, unsigned status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *line = xvasprintf(fmt, ap);
	va_end(ap);
	char *text = xasprintf("%s\n", line);
	http_reply(request, &(struct http_answer){.status = status, .text = text});
	free(text);
	free(line);
}
