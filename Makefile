# gracectl: builds, tests, checks and installs. GNU make.
#
#   make              build/gracectl and build/demo-server
#   make demo         install what is missing, build, and show it at work with the demo server
#   make test         everything, with a summary in the last line
#   make chaos        kills supervisors and guards at random moments: KILLS= (2000), SEED= to replay
#   make killpoints   kills a supervisor, and a guard, once at every single system call
#   make bench        what many dynos, the observation of a stop, and the log cost
#   make ferretdb     a MongoDB server for the tests, for who has none: built with Go, kept in the cache directory
#   make asan         the same under AddressSanitizer and UndefinedBehaviorSanitizer
#   make valgrind     the unit tests under valgrind
#   make fuzz         the fuzz targets, FUZZ_SECONDS= (60) each
#   make check-style  formatting, linters, layers, manual pages
#   make deps         install what all of these need from the distribution
#   make install      PREFIX= (default /usr/local), DESTDIR=
#
# CC=clang works as well as gcc. B= is the build directory.

CC      ?= gcc
B       ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc

WARN   = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
CFLAGS ?= -O2 -g
SANITIZE =
PACKAGES = libbson-1.0 inih
override CPPFLAGS += -D_GNU_SOURCE -DGRACECTL_ETC='"$(SYSCONFDIR)/gracectl"' -Isrc
override CFLAGS   += -std=gnu17 $(WARN) $(SANITIZE) $(shell pkg-config --cflags $(PACKAGES) libmongoc-1.0 libmicrohttpd sqlite3 2>/dev/null)
override LDFLAGS  += $(SANITIZE)
LIBS      = $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lev -lm
DEMO_LIBS = $(shell pkg-config --libs libmongoc-1.0 inih libmicrohttpd sqlite3 2>/dev/null) -lev -lpthread

SRC   := $(wildcard src/*.c)
CLI   := $(wildcard cmd/gracectl/*.c)
DEMO  := $(wildcard cmd/demo-server/*.c)
UNIT  := $(wildcard tests/unit/test_*.c)
FUZZ  := $(wildcard tests/fuzz/fuzz_*.c)
TOOLS := $(filter-out $(UNIT),$(wildcard tests/unit/*.c)) $(wildcard tests/bench/*.c) tests/chaos/writer.c
OBJ   := $(SRC:%.c=$(B)/%.o)

all: $(B)/gracectl $(B)/demo-server

$(B)/gracectl: $(CLI:%.c=$(B)/%.o) $(B)/libgracectl.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/demo-server: $(DEMO:%.c=$(B)/%.o) $(B)/libgracectl.a
	$(CC) $(LDFLAGS) -o $@ $^ $(DEMO_LIBS)

$(B)/libgracectl.a: $(OBJ)
	rm -f $@
	ar rcs $@ $(OBJ)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests and test tools: one source file each, and those parts of the demo server that it tests.
$(B)/tests/%: tests/%.c $(B)/libgracectl.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(filter %.o,$^) $(B)/libgracectl.a $(LIBS) -lpthread

$(B)/tests/unit/test_calls: $(patsubst %,$(B)/cmd/demo-server/%.o,calls worker)
$(B)/tests/unit/test_user: $(B)/cmd/demo-server/user.o
$(B)/tests/unit/test_news: $(B)/cmd/demo-server/news.o
$(B)/tests/unit/test_mongo_uri: $(B)/cmd/demo-server/mongo-uri.o
$(B)/tests/unit/test_mongo_uri: LIBS += $(DEMO_LIBS)

# Preloaded into programs of any kind, so it has no sanitizer itself.
$(B)/tests/chaos/killpoint.so: tests/chaos/killpoint.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu17 $(WARN) -O2 -g -shared -fPIC -o $@ $<

# Static, as one that many of are started should be: what the loader does is not what is measured.
$(B)/tests/bench/bench_child: tests/bench/bench_child.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu17 $(WARN) -O2 -static -o $@ $<

unit-programs: $(UNIT:%.c=$(B)/%) $(TOOLS:%.c=$(B)/%) $(B)/tests/chaos/killpoint.so

test: all unit-programs
	B=$(B) tests/run $(TESTS)

# Go's first build takes two minutes, so the program is kept outside of the tree.
GO       ?= $(firstword $(wildcard /usr/local/go/bin/go) go)
FERRETDB ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gracectl/ferretdb-v1.24.2
ferretdb: $(FERRETDB)
$(FERRETDB): tests/ferretdb/main.go tests/ferretdb/go.mod tests/ferretdb/go.sum
	@mkdir -p $(@D)
	cd tests/ferretdb && $(GO) build -trimpath -ldflags="-s -w" -o $@.new . && mv $@.new $@

demo:
	tests/install-deps build
	$(MAKE) all
	B=$(B) tests/demo

deps:
	tests/install-deps test

KILLS ?= 2000
chaos: all unit-programs
	B=$(B) tests/chaos/chaos --kills $(KILLS) $(if $(SEED),--seed $(SEED))

killpoints: all unit-programs
	B=$(B) tests/chaos/killpoints
	B=$(B) tests/chaos/killpoints --role guard

bench: all unit-programs
	B=$(B) tests/bench/dynos
	$(B)/tests/bench/bench_observe
	$(B)/tests/bench/bench_segment

# ASAN_TESTS: only these files and unit programs; without it, every test.
asan:
	$(MAKE) B=build-asan CFLAGS="-O1 -g -fno-omit-frame-pointer" SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined" TESTS="$(ASAN_TESTS)" test

# Not those that look at what valgrind changes: signals, limits, command lines, the pace.
VALGRIND_UNIT = $(filter-out test_deathwatch test_guard test_logfollow test_observe test_observe_accepts test_observe_cases test_observe_cost test_observe_crowd test_observe_deaths test_observe_order test_port test_proc \
	test_procsock test_proctree test_procwatch test_spawn,$(UNIT:tests/unit/%.c=%))
valgrind: unit-programs
	B=$(B) UNDER="valgrind --quiet --leak-check=full --error-exitcode=99 --child-silent-after-fork=yes" \
		tests/run $(VALGRIND_UNIT)

# Fuzz targets: libFuzzer makes main() of them. They are built in a directory of their own, with clang.
FUZZ_SECONDS ?= 60
$(B)/tests/fuzz/%: tests/fuzz/%.c $(B)/libgracectl.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -MMD -MP -o $@ $< $(B)/libgracectl.a $(LIBS)

fuzz-programs: $(FUZZ:%.c=$(B)/%)

fuzz:
	$(MAKE) B=build-fuzz CC=clang CFLAGS="-O1 -g" SANITIZE="-fsanitize=address,undefined,fuzzer-no-link" fuzz-programs
	B=build-fuzz tests/fuzz/run $(FUZZ_SECONDS)

SOURCES := $(wildcard src/*.[ch] cmd/*/*.[ch] tests/*/*.[ch])
SCRIPTS := $(wildcard tests/run tests/demo tests/layers tests/install-deps tests/fuzz/run .ci/run \
	tests/*.bash completions/gracectl.bash)

# cppcheck does not look for system headers, but must know the loops of queue.h. It takes what a function fills in
# (ctuuninitvar) for uninitialised. SC2154: what the helpers of the tests set is not seen from the tests.
check-style: QUEUE_H = $(filter %/queue.h,$(shell printf '\043include <sys/queue.h>\n' | $(CC) -E -M -xc -))
check-style:
	clang-format --dry-run -Werror $(SOURCES)
	cppcheck --quiet --std=c11 --enable=warning,performance --inline-suppr --error-exitcode=1 --suppress=ctuuninitvar \
		--include=$(QUEUE_H) -Isrc -D_GNU_SOURCE src cmd
	shellcheck --severity=warning $(SCRIPTS)
	shellcheck --severity=warning --shell=bats --exclude=SC2154 $(wildcard tests/*.bats)
	tests/layers
	mandoc -Tlint -W warning $(wildcard man/*)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d $(DESTDIR)$(PREFIX)/share/doc/gracectl/examples
	install -m 755 $(B)/gracectl $(B)/demo-server $(DESTDIR)$(PREFIX)/bin
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 completions/gracectl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/gracectl
	install -m 644 completions/_gracectl $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_gracectl
	install -m 644 completions/gracectl.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/gracectl.fish
	cp -R etc/. $(DESTDIR)$(PREFIX)/share/doc/gracectl/examples

clean:
	rm -rf build build-asan build-fuzz

-include $(shell find $(B) -name '*.d' 2>/dev/null)

.PHONY: all test bench ferretdb demo deps asan valgrind fuzz fuzz-programs install clean unit-programs check-style
