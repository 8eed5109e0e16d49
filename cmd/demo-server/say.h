/*
 * say: the lines of this program, which wait for nobody who reads them.
 *
 * A reader that has stopped makes a pipe full, and a line that waited for it would hold
 * up the loop: every request, and even the deadline of a shutdown. So stdout and stderr
 * become streams that write what can be written at once. What cannot be waits in a small
 * buffer; lines that do not fit into it are dropped, and their number is said in their
 * place. printf() and its like are used as always, by all threads.
 *
 * Whether there is room is asked before each write, since to make the descriptor itself
 * non-blocking would do that to everybody who shares it, down to the user's terminal.
 */
#ifndef GRACECTL_DEMO_SAY_H
#define GRACECTL_DEMO_SAY_H

struct ev_loop;

/* Once, before any thread is started. */
void say_init(struct ev_loop *loop);

/* The last words: waits for the reader, but not longer than a second. The loop is not needed. */
void say_end(void);

#endif
