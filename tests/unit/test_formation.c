/* Tests of formation: whose main process a pid is. */
#include "formation.h"
#include "tap.h"

static struct place places[2];
static struct formation formation = {.places = places, .count = 2};

/* A runner of the second place. */
static void add(struct runner *runner, pid_t pid, bool is_child)
{
	runner->tree.main = (struct proc_id){.pid = pid, .start_ticks = 7};
	runner->instance.main = runner->tree.main;
	runner->tree.main_is_child = is_child;
	TAILQ_INSERT_TAIL(&places[1].runners, runner, link);
}

int main(void)
{
	static struct runner adopted, launched, reaped, again;

	TAILQ_INIT(&places[0].runners);
	TAILQ_INIT(&places[1].runners);
	ok(formation_find_main(&formation, 40) == NULL, "without runners a pid is nobody's");
	add(&adopted, 40, false);
	add(&launched, 41, true);
	ok(formation_find_main(&formation, 41) == &launched, "a child of ours is found by its pid");
	ok(formation_find_main(&formation, 40) == NULL,
		"an adopted process is not, whoever has its pid now");
	add(&reaped, 42, true);
	runner_reaped(&reaped);
	ok(formation_find_main(&formation, 42) == NULL, "nor is one that was reaped");
	add(&again, 42, true);
	ok(formation_find_main(&formation, 42) == &again, "but a later one with its pid is");
	return tap_done();
}
