/*
 * Feeds the control socket with anything: a stream of bytes, cut into frames and read as requests.
 * Besides not crashing, it must keep its promises: a frame is never longer than what is there, a
 * refusal has a sentence, and what was accepted can be written and reads back the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static void check_same(const struct wire_request *a, const struct wire_request *b)
{
	must(strcmp(a->cmd, b->cmd) == 0, "the command reads back the same");
	must(a->events == b->events && a->long_listing == b->long_listing, "so do the wishes");
	must(a->targets.count == b->targets.count, "so do the targets");
	for (size_t i = 0; i < a->targets.count; i++)
		must(strcmp(a->targets.items[i], b->targets.items[i]) == 0, "each of them");
	must((a->base == NULL) == (b->base == NULL), "so does the base");
	must(a->base == NULL || bson_equal(a->base, b->base), "with all that is in it");
}

static void read_back(const struct wire_request *request)
{
	struct buf bytes = BUF_INIT;
	struct wire_request again;
	struct cause cause;

	wire_write_request(request, &bytes);
	must(wire_frame(bytes.data, bytes.len, WIRE_REQUEST_MAX) == (ssize_t)bytes.len,
		"what is written is one frame");
	must(wire_read_request(bytes.data, bytes.len, &again, &cause) == 0, "which is read");
	check_same(request, &again);
	wire_request_release(&again);
	buf_release(&bytes);
}

static void read_frame(const uint8_t *data, size_t size)
{
	struct wire_request request;
	struct cause cause = {""};
	uint8_t *frame = malloc(size); /* of exactly its size, so that a byte too much is noticed */

	if (frame == NULL)
		abort();
	memcpy(frame, data, size);
	if (wire_read_request(frame, size, &request, &cause) == 0) {
		free(frame);
		must(request.targets.count <= WIRE_TARGETS_MAX, "there are not too many targets");
		read_back(&request);
		wire_request_release(&request);
		return;
	}
	free(frame);
	must(cause.text[0] != '\0', "a refusal has a sentence");
	must(request.targets.count == 0 && request.base == NULL, "and leaves nothing behind");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ssize_t frame;

	while ((frame = wire_frame(data, size, WIRE_REQUEST_MAX)) > 0) {
		must((size_t)frame <= size, "a frame is complete");
		read_frame(data, (size_t)frame);
		data += frame;
		size -= (size_t)frame;
	}
	must(frame < 0 || size < WIRE_REQUEST_MAX, "what is not complete is not too long");
	return 0;
}
