/* The words that "did you mean" offers. */
#include "../../src/suggest.h"
#include "tap.h"

static const char *const commands[] = {
	"start", "stop", "restart", "ps", "logs", "events", NULL, "check", "daemon"};
enum {
	COUNT = sizeof commands / sizeof commands[0]
};

static const char *closest(const char *word)
{
	return suggest_closest(word, commands, COUNT);
}

static void slips(void)
{
	is_str(closest("strat"), "start", "two swapped letters are one slip");
	is_str(closest("stat"), "start", "a missing letter is found");
	is_str(closest("resstart"), "restart", "a doubled letter is found");
	is_str(closest("log"), "logs", "a singular is found");
	is_str(closest("PS"), "ps", "the case of letters does not matter");
	is_str(closest("chekc"), "check", "swapped letters at the end are found");
	is_str(closest("dae"), "daemon", "an unfinished word is found by its beginning");
	is_str(closest("stop"), "stop", "the word itself is the nearest");
}

static void strangers(void)
{
	char longest[200];

	is_str(closest("frobnicate"), NULL, "a strange word has no neighbour");
	is_str(closest(""), NULL, "nothing is near to an empty word");
	is_str(closest("x"), NULL, "one letter is not enough of a hint");
	is_str(closest("abcd"), NULL, "as many slips as letters are not believed");
	memset(longest, 's', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	is_str(closest(longest), NULL, "a word of 199 letters is not compared");
	is_str(suggest_closest("start", commands, 0), NULL, "without candidates there is nothing");
}

static void tables(void)
{
	static const struct {
		const char *name;
		int other;
	} table[] = {{"scale", 1}, {"umask", 2}};

	is_str(suggest_closest_in("sclae", table, 2, sizeof table[0]), "scale",
		"a table of structs is searched by its first member");
}

static const char *target(struct buf *out, const char *word)
{
	static const char *const types[] = {"web", "worker"};

	buf_reset(out);
	suggest_add_target(out, word, types, 2);
	return out->data;
}

static void targets(void)
{
	struct buf out = BUF_INIT;

	is_str(target(&out, "wroker"), "\"wroker\" (did you mean \"worker\"?)", "a type is meant");
	is_str(target(&out, "wbe.1"), "\"wbe.1\" (did you mean \"web\"?)", "of a dyno, its type");
	is_str(target(&out, "web.9"), "\"web.9\"", "a type that is right is not mended");
	is_str(target(&out, "elsewhere"), "\"elsewhere\"", "a strange word has no neighbour");
	buf_release(&out);
}

int main(void)
{
	slips();
	strangers();
	tables();
	targets();
	return tap_done();
}
