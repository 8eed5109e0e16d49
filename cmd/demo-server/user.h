/*
 * user: what the demo stores, and its forms on the wire.
 *
 * A user name is 1 to USER_NAME_MAX bytes of UTF-8 without control characters.
 * This is the only part of the program that knows libbson.
 */
#ifndef GRACECTL_DEMO_USER_H
#define GRACECTL_DEMO_USER_H

#include <stdint.h>

#include "buf.h"
#include "cause.h"

enum {
	USER_NAME_MAX = 256
};

struct user {
	int64_t id;	    /* SQLite's */
	char oid[25];	    /* MongoDB's, in hex; "" when there is none */
	int64_t created_ms; /* since 1970 */
	char name[USER_NAME_MAX + 1];
};

/* Takes a name from a caller's bytes. Returns 0, or -1 with a sentence for the client. */
int user_set_name(struct user *user, const char *bytes, size_t len, struct cause *cause);

/*
 * Reads the body of a request by its content type (NULL when it had none): a JSON object
 * or an urlencoded form with "username". Returns 0, or -1 with a sentence for the client.
 */
int user_from_body(
	struct user *user, const char *type, const struct buf *body, struct cause *cause);

/* The user as relaxed extended JSON; the caller frees it. */
char *user_to_json(const struct user *user);

#endif
