/*
 * http-request: requests from their header to their answer, the inner half of http.h.
 *
 * libmicrohttpd calls requests_begun() when a request line is there, requests_handle() when a
 * header is there, for each part of a body, when all of it is there, and once more after a request
 * that had to wait was answered; and requests_completed() when the answer has been sent, or the
 * connection is lost. The functions of http.h that are for handlers are here too.
 */
#ifndef GRACECTL_DEMO_HTTP_REQUEST_H
#define GRACECTL_DEMO_HTTP_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "http.h"

struct conn;

struct requests {
	http_handler_fn *handler;
	void *app;
	void (*wake)(void *arg); /* a connection was touched outside of MHD_run() */
	void *wake_arg;
	bool closing; /* answers say "Connection: close" */
	TAILQ_HEAD(request_list, http_request) list;
};

/* The four fields above the list are the caller's to fill in. */
void requests_init(struct requests *requests);

/* For MHD_OPTION_URI_LOG_CALLBACK; returns NULL, the context that a request begins with. */
void *requests_begun(void *arg, const char *uri, struct MHD_Connection *mhd);

/* An MHD_AccessHandlerCallback; its arg is the struct requests. */
enum MHD_Result requests_handle(void *arg, struct MHD_Connection *mhd, const char *path,
	const char *method, const char *version, const char *data, size_t *len, void **context);

/* An MHD_RequestCompletedCallback; its arg is the struct requests. */
void requests_completed(void *arg, struct MHD_Connection *mhd, void **context,
	enum MHD_RequestTerminationCode code);

/* Cancels those that wait, can be cancelled, and are of a connection that is meant. */
void requests_cancel(struct requests *requests, bool (*is_meant)(struct conn *conn));

#endif
