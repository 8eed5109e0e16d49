#!/usr/bin/env bats
# The layers of the source: who may include whom, and who may write a state. The tables stand in tests/layers.

bats_require_minimum_version 1.5.0

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	# A tree to spoil.
	cp -R "$ROOT/src" "$ROOT/cmd" "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# assert_refused TEXT: the tree is refused, and the reason is told.
assert_refused() {
	run "$ROOT/tests/layers" .
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"$1"* ]]
}

@test "every file includes only headers of its own layer and of lower ones" {
	run "$ROOT/tests/layers" .
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a header of a higher layer is refused" {
	echo '#include "dyno.h"' >>src/config.c
	assert_refused "config (services) includes dyno.h of a higher layer (dyno)"
}

@test "the supervisor knows nothing of the command line" {
	echo '#include "client.h"' >>src/supervisor.c
	assert_refused "supervisor (supervisor) includes client.h of a higher layer (cli)"
}

@test "a module that stands in no layer is refused" {
	echo '#include "buf.h"' >src/newcomer.c
	assert_refused "the module newcomer stands in no layer"
}

@test "a library is included at its door only" {
	echo '#include <ini.h>' >>src/config.c
	assert_refused "src/config.c:$(wc -l <src/config.c): <ini.h> of inih is not included here, but in: src/config-ini.c"
	cp "$ROOT/src/config.c" src
	echo '# include <sqlite3.h>' >>cmd/demo-server/main.c
	assert_refused "<sqlite3.h> of sqlite is not included here"
}

@test "the demo server uses only the lowest layer" {
	echo '#include "config.h"' >>cmd/demo-server/main.c
	assert_refused "the demo server includes config.h, which is not of the layer util"
}

@test "a state is written by its machine only" {
	echo 'static void hasten(struct dyno *dyno) { dyno->state = DYNO_UP; }' >>src/formation.c
	assert_refused "src/formation.c:$(wc -l <src/formation.c): a state is written here, but only src/instance.c src/dyno-steps.c src/procstate.c may"
	cp "$ROOT/src/formation.c" src
	echo 'static bool is_up(struct dyno *dyno) { return dyno->state == DYNO_UP; }' >>src/formation.c
	run "$ROOT/tests/layers" .
	[ "$status" -eq 0 ]
}
