#!/usr/bin/env bats
# One death at one chosen system call: a sample of `make killpoints`, spread over the whole session.

bats_require_minimum_version 1.5.0

load helpers

# visit_points ROLE SECONDS
visit_points() {
	"$ROOT/tests/chaos/killpoints" --role "$1" --seconds "$2" ${CHAOS_SEED:+--seed "$CHAOS_SEED"} >points.out 2>&1 3>&- ||
		fail "$(<points.out)"
	sed 's/^/# /' points.out >&3
}

@test "a supervisor that dies before or after any system call of its work leaves nothing lost, doubled or untrue" {
	visit_points supervisor 35
}

@test "a guard that dies before or after any system call of its work leaves nothing lost, doubled or untrue" {
	visit_points guard 15
}
