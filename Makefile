# expunge - build, test, install. `make help` lists the targets.
#
# Every folder of the architecture becomes one static library, and a test links only what its folder may use
# (scripts/layers.txt), so a forbidden call fails at link time too.

MODE ?= release
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
LIBEXECDIR ?= $(PREFIX)/libexec
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/expunge
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
CC ?= cc
BUILD := build/$(MODE)
LAYERS := scripts/layers.txt
FOLDERS := $(shell sed -n 's/^\([a-z]*\):.*/\1/p' $(LAYERS))
# what a folder may use, and what that uses: rows come from the ground up
$(foreach f,$(FOLDERS),$(eval DEPS_$(f) := $(shell sed -n 's/^$(f)://p' $(LAYERS)))$(eval DEPS_$(f) := $(sort $(DEPS_$(f)) $(foreach d,$(DEPS_$(f)),$(DEPS_$(d))))))
# everything but the command line
PARTS := $(filter-out cli,$(FOLDERS))

# an enum is how this code names an integer constant: clang 19 would have each one cast before it meets a double
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wno-format-nonliteral -Wno-enum-float-conversion
OPENMP := -fopenmp
ifeq ($(MODE),release)
OPT := -O3 -g
else ifeq ($(MODE),debug)
OPT := -O0 -g3
else ifeq ($(MODE),asan)
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
else ifeq ($(MODE),arm64) # make check-arm64
OPT := -O1
else ifeq ($(MODE),tsan) # make check-tsan: without OpenMP, whose barriers ThreadSanitizer does not know
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
OPENMP := -Wno-unknown-pragmas
else ifeq ($(MODE),fuzz) # make fuzz
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
else
$(error MODE=$(MODE): must be release, debug or asan)
endif

# this machine's, where CC is a cross compiler
NATIVE := $(if $(filter arm64,$(MODE)),cc,$(CC))
quote = '$(subst ','\'',$(1))'
ask = CC=$(call quote,$(NATIVE)) CPPFLAGS=$(call quote,$(CPPFLAGS)) LDFLAGS=$(call quote,$(LDFLAGS)) OPENBLAS=$(call quote,$(OPENBLAS))
# RPATH, not RUNPATH: liblapacke pulls in libblas and must find the OpenMP build too
BLAS := $(shell $(ask) scripts/find-openblas 2>/dev/null)
PKGS := hdf5 yaml-0.1 jansson nettle zlib libzip libjpeg libpng libwebp libwebpdemux
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
HEADERS := $(patsubst -I%,-isystem %,$(filter -I%,$(BLAS)) $(PKG_CFLAGS))
ifeq ($(MODE),arm64)
PREPARE := scripts/arm64-headers $(CC) $(BUILD)/include $(HEADERS) $(CPPFLAGS)
HEADERS := -isystem $(BUILD)/include
else
PREPARE := $(ask) scripts/check-deps
endif
# a caller's CPPFLAGS, CFLAGS, LDFLAGS and LDLIBS come behind ours, which stay
# one set of objects serves the program and the shared library: hidden names are called directly in both
COMPILING := -D_GNU_SOURCE -I. -I$(BUILD) -Iinclude $(HEADERS) $(CPPFLAGS) -std=c11 -fPIC -fvisibility=hidden -ffp-contract=off $(OPT) $(WARN) $(OPENMP) -pthread $(CFLAGS)
LINKING := $(OPT) -fopenmp -pthread -Wl,--as-needed $(LDFLAGS)
LIBS := $(filter-out -I%,$(BLAS)) -ldnnl -lsvm $(PKG_LIBS) -lm -Wl,--disable-new-dtags $(LDLIBS)
# stands in $(BUILD)/flags, on which all that is compiled or linked depends
FLAGS := $(CC) $(COMPILING) | $(LINKING) | $(LIBS)
WARNED := $(if $(WERROR),-Werror)

# make V=1 shows whole commands
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)' $@)

sources = $(sort $(shell find $(1) -name '*.c'))
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
archives = $(patsubst %,$(BUILD)/lib%.a,$(1))

MADE := $(BUILD)/share
PROGRAM := build/$(if $(filter release,$(MODE)),,$(MODE)/)expunge
# the same objects but for ranks.c, which alone knows MPI
MPICC ?= mpicc
MPI_PROGRAM := build/mpi/$(if $(filter release,$(MODE)),,$(MODE)/)expunge
TEST_SOURCES := $(sort $(wildcard tests/*/test_*.c))
TESTS := $(patsubst %.c,$(BUILD)/%,$(TEST_SOURCES))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
SUPPORT := $(call objects,$(call sources,tests/support))

# build with every core unless the caller says otherwise
ifeq ($(MAKELEVEL)$(filter -j% --jobs%,$(MAKEFLAGS)),0)
MAKEFLAGS += --jobs=$(shell nproc)
endif

.PHONY: all lib mpi test tests check-long check-tsan check-arm64 objects layers demo bench bench-long install uninstall dist clean help format fuzz fuzzers
all: $(if $(MPI),$(MPI_PROGRAM),$(PROGRAM) $(MADE)/made) lib
mpi: $(MPI_PROGRAM)

ifneq ($(strip $(FLAGS)),$(strip $(shell cat $(BUILD)/flags 2>/dev/null)))
.PHONY: $(BUILD)/flags
endif
$(BUILD)/flags:
	@$(PREPARE)
	@mkdir -p $(@D)
	@printf '%s\n' $(call quote,$(FLAGS)) >$@

# texts that C includes as one string literal for each line
EMBEDDED := $(patsubst %,$(BUILD)/%.inc,$(wildcard cli/help/*.txt report/page.css report/page.js))
$(EMBEDDED): $(BUILD)/%.inc: % $(BUILD)/flags
	@mkdir -p $(@D)
	@sed -e 's/[\\"]/\\&/g' -e 's/.*/"&",/' $< >$@

$(BUILD)/%.o: %.c $(BUILD)/flags | $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(COMPILING) $(WARNED) -MMD -MP -c $< -o $@

define folder_rules
$(BUILD)/lib$(1).a: $(call objects,$(call sources,$(1)))
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rules,$(f))))

$(PROGRAM): $(call archives,$(FOLDERS)) $(BUILD)/flags
	$(call say,LD)
	$(Q)$(CC) $(LINKING) $(BUILD)/cli/main.o -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -o $@

$(BUILD)/mpi/ranks.o: $(filter %/ranks.c,$(call sources,$(FOLDERS))) $(BUILD)/flags
	@command -v $(MPICC) >/dev/null || { echo 'MPI=1: $(MPICC) is missing (Debian: libopenmpi-dev openmpi-bin)' >&2; exit 1; }
	@mkdir -p $(@D)
	$(call say,MPICC)
	$(Q)OMPI_CC="$(CC)" MPICH_CC="$(CC)" $(MPICC) -DEXPUNGE_MPI $(COMPILING) $(WARNED) -MMD -MP -c $< -o $@

# given first, it stands in for the archive's own ranks.o
$(MPI_PROGRAM): $(BUILD)/mpi/ranks.o $(call archives,$(FOLDERS))
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)OMPI_CC="$(CC)" MPICH_CC="$(CC)" $(MPICC) $(LINKING) $(BUILD)/cli/main.o $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -o $@

# ---- the library: what api/ needs, in one object, of which only the names of include/expunge.h are seen
VERSION := $(shell sed -n 's/^.define SESSION_PROGRAM_VERSION "\(.*\)"/\1/p' session/program.h)
SONAME := libexpunge.so.$(firstword $(subst ., ,$(VERSION)))
SHARED := $(BUILD)/lib/$(SONAME)
STATIC := $(BUILD)/lib/libexpunge.a
# what runs in a process of its own, where the shared library looks for it
HELPER := $(BUILD)/libexec/expunge/expunge-helper
lib: $(SHARED) $(STATIC) $(HELPER)

$(BUILD)/lib/whole.o: $(filter-out %/helper.o,$(call objects,$(call sources,api))) $(call archives,$(DEPS_api))
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) -r -nostdlib -Wl,-d $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -o $@

$(SHARED): $(BUILD)/lib/whole.o api/expunge.map
	$(call say,LD)
	$(Q)$(CC) $(LINKING) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=api/expunge.map $(if $(filter asan,$(MODE)),,-Wl,-z,defs) $< $(LIBS) -o $@
	@ln -sf $(SONAME) $(@D)/libexpunge.so

$(STATIC): $(BUILD)/lib/whole.o
	@objcopy --wildcard --keep-global-symbol='expunge_*' --strip-debug $< $(@D)/libexpunge.o
	@rm -f $@
	@ar rcs $@ $(@D)/libexpunge.o

$(HELPER): $(BUILD)/api/helper.o $(call archives,io base) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LINKING) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -o $@

# tests/<folder>/test_x.c links <folder>, what <folder> may use, and io (to read fixtures); tests/contract and tests/coverage all but cli/
test_folder = $(word 2,$(subst /, ,$(1)))
define test_rules
$(BUILD)/$(1:.c=): $(BUILD)/$(1:.c=.o) $(SUPPORT) $(call archives,$(if $(filter contract coverage,$(call test_folder,$(1))),$(PARTS),$(sort $(call test_folder,$(1)) $(DEPS_$(call test_folder,$(1))) io base)))
	$$(call say,LD)
	$$(Q)$$(CC) $$(LINKING) $$(WRAP) $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LIBS) -lcmocka -o $$@
endef
$(foreach t,$(TEST_SOURCES),$(eval $(call test_rules,$(t))))
# what is counted, or made to fail, behind the callers' backs
$(BUILD)/tests/experiment/test_seed: WRAP := -Wl,--wrap=model_unlearned
$(BUILD)/tests/nn/test_tuning: WRAP := -Wl,--wrap=nn_program_run
$(BUILD)/tests/unlearn/test_edit: WRAP := -Wl,--wrap=unlearn_factor_make
$(BUILD)/tests/unlearn/test_costs: WRAP := -Wl,--wrap=nn_engine_forward

# fuzz targets: in MODE=fuzz with libFuzzer's main, else with driver.c, which runs a corpus
$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/file.o $(if $(filter fuzz,$(MODE)),,$(BUILD)/tests/fuzz/driver.o) $(call archives,$(PARTS))
	$(call say,LD)
	$(Q)$(CC) $(LINKING) $(WRAP) $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -o $@
$(BUILD)/tests/fuzz/fuzz_hdf5 $(BUILD)/tests/fuzz/fuzz_run: WRAP := -Wl,--wrap=io_hdf5_probe
fuzzers: $(FUZZERS)
.SECONDARY: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fuzz/*.c))
fuzz:
	@command -v clang >/dev/null || { echo 'fuzz: clang is missing (Debian: clang)' >&2; exit 1; }
	$(MAKE) MODE=fuzz CC=clang fuzzers
	@echo 'fuzz: now, for example: build/fuzz/tests/fuzz/fuzz_pickle -max_total_time=60 CORPUS tests/fuzz/corpus/pickle'

tests: $(TESTS) $(FUZZERS)
layers:
	scripts/check-layers
# every file for another processor; -k: all that fail are named
ARM64_CC ?= aarch64-linux-gnu-gcc
check-arm64:
	@command -v $(ARM64_CC) >/dev/null || { echo 'check-arm64: $(ARM64_CC) is missing (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross)' >&2; exit 1; }
	@$(MAKE) -k MODE=arm64 CC=$(ARM64_CC) WERROR=1 objects
# the library's own code with several of a host's threads: OpenBLAS and OpenMP have one of each
check-tsan:
	@$(MAKE) MODE=tsan build/tsan/tests/api/test_threads build/tsan/libexec/expunge/expunge-helper
	OMP_NUM_THREADS=1 TSAN_OPTIONS=suppressions=tests/support/tsan.supp:halt_on_error=1 setarch -R build/tsan/tests/api/test_threads
objects: $(call objects,$(call sources,$(FOLDERS) tests bench/rows))
# where MPI is installed its program is tested too
MPI_TESTED := $(if $(shell command -v $(MPICC) 2>/dev/null),$(MPI_PROGRAM))
test: $(PROGRAM) lib $(MPI_TESTED) $(TESTS) $(FUZZERS)
	@scripts/run-tests $(BUILD) $(PROGRAM) "$(T)"
check-long: $(PROGRAM) lib $(MPI_TESTED) $(TESTS) $(FUZZERS)
	@EXPUNGE_LONG=1 scripts/run-tests $(BUILD) $(PROGRAM) "$(T)"
demo: $(PROGRAM)
	$(PROGRAM) run demo --results results
# one program a group of rows
$(BUILD)/bench/rows/%: $(BUILD)/bench/rows/%.o $(call archives,$(PARTS))
	$(call say,LD)
	$(Q)$(CC) $(LINKING) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -o $@
BENCH_ROWS := $(patsubst %.c,$(BUILD)/%,$(wildcard bench/rows/*.c))
.SECONDARY: $(BENCH_ROWS:=.o)
bench bench-long: $(PROGRAM) $(BENCH_ROWS)
	@command -v python3 >/dev/null || { echo 'bench: python3 is missing (Debian: python3)' >&2; exit 1; }
	bench/run $(PROGRAM) $(BUILD)/bench/rows $(if $(filter bench-long,$@),--long)
# manual pages and completion scripts, which the program itself writes
$(MADE)/made: $(PROGRAM)
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@$(PROGRAM) help --man $(@D)/man
	@for shell in bash zsh fish; do $(PROGRAM) help --completion $$shell >$(@D)/$$shell || exit 1; done
	@touch $@
places = $(foreach v,DESTDIR PREFIX LIBDIR INCLUDEDIR LIBEXECDIR MANDIR DOCDIR BASHCOMPDIR ZSHCOMPDIR FISHCOMPDIR PROGRAM HELPER SHARED STATIC MADE VERSION SONAME,$(v)=$(call quote,$($(v))))
install: $(PROGRAM) lib $(MADE)/made
	@$(places) LIBS=$(call quote,-fopenmp -pthread $(LIBS)) scripts/install-files install
uninstall:
	@$(places) scripts/install-files uninstall
# what is committed, and nothing else
DIST := expunge-$(VERSION).tar.gz
DISTDIR ?= .
dist:
	@git rev-parse --verify --quiet HEAD >/dev/null || { echo 'dist: the list of files is that of git, and this is no clone' >&2; exit 1; }
	@git diff --quiet HEAD || echo 'dist: changes that are not committed are left out' >&2
	@mkdir -p $(DISTDIR)
	@git archive --prefix=expunge-$(VERSION)/ HEAD >$(DISTDIR)/$(DIST:.gz=)
	@gzip -9nf $(DISTDIR)/$(DIST:.gz=)
	@echo '$(DISTDIR)/$(DIST)'
format:
	clang-format -i $(shell git ls-files '*.c' '*.h')
clean:
	rm -rf build
help:
	@echo 'make               build/expunge (MODE=release|debug|asan, each in its own folder; WERROR=1; V=1; CC=clang);'
	@echo '                   CPPFLAGS, CFLAGS, LDFLAGS and LDLIBS are added to the built-in ones; a change rebuilds everything'
	@echo 'make OPENBLAS=X    build with the OpenBLAS in folder X, or the one that pkg-config knows as X (an OpenMP build)'
	@echo 'make lib           build/release/lib/libexpunge.so.0 and .a (include/expunge.h, docs/c-api.md); part of make'
	@echo 'make MPI=1         build/mpi/expunge, whose ranks share a sweep (libopenmpi-dev, openmpi-bin)'
	@echo 'make test          run the quick tests; ends with "N passed, N failed, N skipped"; T="mia/lira cli/data": only these'
	@echo 'make check-long    run the quick tests and the long ones'
	@echo 'make fuzz          build the fuzz targets of tests/fuzz with libFuzzer (clang): build/fuzz/tests/fuzz/'
	@echo 'make demo          train, forget, retrain, measure, attack, report on Fashion-MNIST: results/demo/report.html'
	@echo 'make bench         measure speed against PyTorch and scikit-learn (scripts/setup --dev; left out if missing)'
	@echo 'make bench-long    the same with five pairs of everything: takes an hour or more'
	@echo 'make layers        check which folder includes which'
	@echo 'make check-tsan    run the library with several threads under ThreadSanitizer'
	@echo 'make check-arm64   compile every file for arm64 (gcc-aarch64-linux-gnu, libc6-dev-arm64-cross)'
	@echo 'make install       install all of it (docs/install.md) in PREFIX (/usr/local), below DESTDIR; LIBDIR, INCLUDEDIR, LIBEXECDIR, MANDIR, ..'
	@echo 'make uninstall     remove what make install put there, with the same PREFIX and DESTDIR'
	@echo 'make dist          expunge-VERSION.tar.gz of what is committed (in DISTDIR), which builds without git'
	@echo 'make format clean'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
