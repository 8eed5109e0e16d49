/*
 * ask: a question that the supervisor answers at once, with a document for each dyno or instance.
 */
#ifndef GRACECTL_ASK_H
#define GRACECTL_ASK_H

#include <stddef.h>

#include "cli.h"
#include "doc.h"
#include "wire.h"

struct question {
	struct wire_request request;
	const char *type; /* of the messages that are the answer: "dyno" */
	const char *none; /* what it means that no supervisor runs; ends a sentence */
};

/* Owned copies, without what belongs to the protocol. */
struct answers {
	bson_t **items;
	size_t count;
	bool interrupted; /* Ctrl-C came, for who catches it; then there are none */
};

/*
 * Asks until there is a whole answer: a supervisor that dies while it is asked has a successor,
 * which knows it as well. Replaces what was in answers, to be released in any case. Returns an exit
 * code, after telling why when it is not EXIT_DONE.
 */
int ask_supervisor(const struct cli *cli, const struct config *config,
	const struct question *question, struct answers *answers);

void answers_release(struct answers *answers);

#endif
