/*
 * cause: why something failed, as a sentence for a person.
 *
 * The low layer explains, the high layer speaks: a function that can fail for a
 * reason which a user can mend takes a struct cause, fills it and returns -1 (or
 * NULL). Only the caller knows whether the sentence goes to a terminal, to the
 * journal or to a client. A fixed buffer: nothing to free, nothing that can fail.
 */
#ifndef GRACECTL_CAUSE_H
#define GRACECTL_CAUSE_H

enum {
	CAUSE_MAX = 512
};

struct cause {
	char text[CAUSE_MAX]; /* always terminated; too long a text is cut */
};

/* Sets the text and returns -1, so that a failing function can end with it. */
int cause_set(struct cause *cause, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same, followed by ": " and the text of the current errno. */
int cause_errno(struct cause *cause, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
