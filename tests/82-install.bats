#!/usr/bin/env bats
#
# What `make install` puts where, that it works from there, and the examples for other programs.

# Variables such as $error are set by the helpers.
# shellcheck disable=SC2154

load helpers
bats_require_minimum_version 1.5.0

# make_install VARIABLE=VALUE...: into ./root. What is built already is not built again.
make_install() {
	env -u MAKEFLAGS -u MAKELEVEL make -C "$ROOT" --silent B="${B:-build}" DESTDIR="$PWD/root" "$@" install
}

installed() {
	(cd root && find . -type f -printf '%m %P\n' | sort -k 2)
}

@test "make install puts everything below DESTDIR and PREFIX, for everybody to read" {
	make_install PREFIX=/opt/grace
	assert_equal "the files" "755 opt/grace/bin/demo-server
755 opt/grace/bin/gracectl
644 opt/grace/share/bash-completion/completions/gracectl
644 opt/grace/share/doc/gracectl/examples/Procfile
644 opt/grace/share/doc/gracectl/examples/cron.d/gracectl
644 opt/grace/share/doc/gracectl/examples/gracectl.ini
644 opt/grace/share/doc/gracectl/examples/logrotate.note
644 opt/grace/share/doc/gracectl/examples/systemd/gracectl@.service
644 opt/grace/share/fish/vendor_completions.d/gracectl.fish
644 opt/grace/share/man/man1/demo-server.1
644 opt/grace/share/man/man1/gracectl.1
644 opt/grace/share/man/man5/gracectl.ini.5
644 opt/grace/share/zsh/site-functions/_gracectl" "$(installed)"
}

@test "what is installed starts an application, and its completion knows the commands" {
	make_install PREFIX=/usr
	GRACECTL=$PWD/root/usr/bin/gracectl
	write_config <<<$'[process app]\ncommand = sleep 1000'
	g start
	assert_equal "the supervisor's program" "$GRACECTL" "$(readlink "/proc/$(supervisor_pid)/exe")"
	g stop
	bash -c 'source root/usr/share/bash-completion/completions/gracectl && complete -p gracectl'
}

# The command of the line that is to be switched on, for the configuration of this test.
cron_command() {
	sed -n 's/^#[0-9*]\S* \S* \S* \S* \S* root //p' "$ROOT/etc/cron.d/gracectl" | sed "s|/etc/gracectl/gracectl.ini|$CONFIG|"
}

# cron's environment is short, and a % would end the command.
run_as_cron() {
	local command

	command=$(cron_command)
	assert_has "the command" "gracectl -c $CONFIG restart" "$command"
	refute_has "the command" "%" "$command"
	output=$(cd / && env -i SHELL=/bin/sh LOGNAME=root HOME=/ PATH="$(dirname "$GRACECTL"):/usr/bin:/bin" \
		GRACECTL_TEST="$GRACECTL_TEST" /bin/sh -c "$command" 2>&1)
}

@test "the line for cron restarts every dyno, and has something to say only when that fails" {
	write_config <<<$'[process app]\ncommand = sleep 1000\nscale = 2'
	run_as_cron
	assert_equal "without a supervisor" "gracectl: no supervisor of shop runs; \`gracectl start\` starts one" "$output"
	g start
	run_as_cron
	assert_equal "when all is well" "" "$output"
	assert_field app.1 launch 2
	assert_field app.2 launch 2
}
