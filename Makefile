# make              build/ldm99 (the program) and its library libldm99.a
# make check        layers and every test;  make test: the tests alone
# make demo         16 pictures from 8 prompts with the shipped model: out/demo.png
# make showcase     the sheets at the top of the README and docs/generalisation.png, with the shipped model: minutes
# make world-table  the numbers of docs/WORLD_MODEL.md, with the shipped model: three minutes of one core
# make valgrind     every test under valgrind, in a serial build of its own: minutes
# make golden       the hashes that every build must give, compared with tests/golden/;
#                   make golden-mutants: wrong programs on purpose, each caught and named by its golden set (a minute);
#                   make matrix: the same with other compilers, options and processors
# make conformance  reference cases made by other programs (docs/formats/cases.md), one line a tensor; CASES=DIR
# make recipes      the first 20 steps of every recipe in weights/recipes, against tests/golden/recipes.txt: a minute
# make retrain      everything in weights/ made again by the recipes, in out/retrain, and compared: some 13 hours of one
#                   core; call it again after a stop.  ONLY="vae unet": these alone
# make verify-math  each elementary function on all 2^32 floats, against libm and MPFR: half an hour of one core
# make true-size    a 512x512 picture by a model of Stable Diffusion 1's sizes (random weights)
# make bench        speed beside PyTorch and OpenBLAS where those are installed
# make install      program, libraries, ldm99.h, ldm99.pc to PREFIX (/usr/local); make uninstall takes them away;
#                   make install-check tries all of it in a scratch folder
# make port-check   the lists of C-library functions in docs/PORTING.md against the compiled library and program
# make amalgamation the whole library as build/amalgamation/ldm99.c and ldm99.h; make amalgamation-check compiles it
#                   alone and compares its golden hashes (a minute)
#
# Switches, alone or together; each combination builds in its own folder under build/
#   CC=clang        another compiler               OPENMP=0   one thread, no OpenMP
#   NATIVE=1        only this machine's instructions
#   SAN=1           address and undefined-behaviour sanitizers
#   DEBUG=1         -O0 -g                         WERROR=1   warnings are errors
#   CFLAGS='-O3'    replaces -O2 -g                V=1        show the commands
#   CROSS=s390x-linux-gnu-   another machine; RUN=qemu-s390x runs its tests (static build)

CC      := $(CROSS)$(if $(filter default,$(origin CC)),gcc,$(CC))
AR      := $(CROSS)ar
OPENMP  ?= 1
PREFIX  ?= /usr/local
variant := $(notdir $(CC))
quiet   := $(if $(V),,@)

ifneq ($(filter command environment%,$(firstword $(origin CFLAGS))),)
variant := $(variant)-$(shell printf '%s' '$(CFLAGS)' | cksum | cut -d' ' -f1)
isa_speed :=
else
isa_speed := -O3
endif
CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wpointer-arith -Wwrite-strings -Wundef -Wno-unknown-pragmas
# The contract's flags: no contraction, on any compiler.  The last two change no bit, they let loops be widened.
# _POSIX_C_SOURCE is for the few calls outside C99 (rename over a file, time, signals) in base/ and cli/.
CONTRACT   := -std=c99 -ffp-contract=off -fno-trapping-math -fno-math-errno -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64
ALL_CFLAGS  = $(CONTRACT) $(WARNINGS) -I. $(CFLAGS) $(EXTRA)
LDLIBS     := -lm

machine := $(shell $(CC) -dumpmachine 2>/dev/null)
levels  := base
ifneq ($(filter x86_64%,$(machine)),)
levels  := base avx2 avx512
endif
ifneq ($(filter i386% i486% i586% i686%,$(machine)),)
EXTRA   += -msse2 -mfpmath=sse
endif
ifneq ($(filter alpha%,$(machine)),)
EXTRA   += -mieee
endif
ifeq ($(NATIVE),1)
EXTRA   += -march=native
levels  := base
variant := $(variant)-native
endif
ifeq ($(OPENMP),1)
EXTRA   += -fopenmp
else
variant := $(variant)-serial
endif
ifeq ($(SAN),1)
EXTRA   += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DARENA_SEPARATE
isa_speed := -fno-var-tracking # with every access watched, -O3 takes gcc minutes and gains nothing
variant := $(variant)-san
endif
ifeq ($(VALGRIND),1)
EXTRA   += -DARENA_SEPARATE
variant := $(variant)-valgrind
endif
ifeq ($(DEBUG),1)
EXTRA   += -O0
isa_speed :=
variant := $(variant)-debug
endif
ifeq ($(WERROR),1)
EXTRA   += -Werror
endif
ifneq ($(CROSS),)
LDFLAGS += -static
endif
EXTRA   += -DISA_LEVELS=$(words $(levels))
# One set of objects serves program, tests and both installed libraries, which show what LDM_API marks.
EXTRA   += -fPIC -fvisibility=hidden

# Threads that wait may spin for some microseconds, not for milliseconds (cli/main.c does the same).
export GOMP_SPINCOUNT ?= 3000
export KMP_BLOCKTIME  ?= 0

BUILD   ?= build/$(variant)
EXTRA   += -I$(BUILD) -DLDM99_PREFIX='"$(PREFIX)"'
MAKEFLAGS += --no-print-directory -j$(shell nproc 2>/dev/null || echo 1)
# A new .c file in a library folder, or a new tests/test_*.c, needs no line here.
FOLDERS := base io nn weights diffusion guidance metrics api
SOURCES := $(foreach d,$(FOLDERS),$(wildcard $(d)/*.c))
ISA     := $(filter %_isa.c,$(SOURCES))
OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(ISA),$(SOURCES))) \
           $(foreach l,$(levels),$(ISA:%.c=$(BUILD)/%.$(l).o))
CLI     := $(filter-out cli/main.c,$(wildcard cli/*.c))
ALL_TESTS := $(sort $(patsubst tests/%.c,%,$(wildcard tests/test_*.c)))
# Those that run the program take longest, so they start first.
TESTS   := $(filter test_program_%,$(ALL_TESTS)) $(filter-out test_program_%,$(ALL_TESTS))
EXAMPLES := $(patsubst docs/examples/%.c,$(BUILD)/examples/%,$(wildcard docs/examples/*.c))
LIBRARY := $(BUILD)/libldm99.a
# What is installed; the library above is for us: it shows all names.
PUBLIC  := $(BUILD)/public
VERSION := $(shell sed -n 's/^.define LDM_VERSION "\(.*\)"/\1/p' api/ldm99.h)
SONAME  := libldm99.so.$(basename $(VERSION))
LIBDIR  ?= $(PREFIX)/lib

flags_base   :=
flags_avx2   := -mavx2
flags_avx512 := -mavx512f -mavx512vl -mavx512dq -mavx512bw -mprefer-vector-width=512

all: $(BUILD)/ldm99
	@mkdir -p build && ln -sf ../$(BUILD)/ldm99 build/ldm99

$(LIBRARY): $(OBJECTS)
	$(quiet)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/ldm99: $(BUILD)/cli/main.o $(CLI:%.c=$(BUILD)/%.o) $(LIBRARY)
	$(quiet)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(CLI:%.c=$(BUILD)/%.o) $(LIBRARY)
	$(quiet)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

# A .d file beside each .o: the headers that it used.  tcc knows the older spelling alone.
DEPENDENCIES := $(if $(findstring tcc,$(CC)),-MD,-MMD -MP)
$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(quiet)$(CC) $(ALL_CFLAGS) $(DEPENDENCIES) -c $< -o $@

define isa_rule
$(BUILD)/%_isa.$(1).o: %_isa.c Makefile
	@mkdir -p $$(@D)
	$(quiet)$$(CC) $$(CONTRACT) $$(WARNINGS) -I. $$(CFLAGS) $$(isa_speed) $$(EXTRA) $$(flags_$(1)) -DISA=$(1) $$(DEPENDENCIES) -c $$< -o $$@
endef
$(foreach l,$(levels),$(eval $(call isa_rule,$(l))))

# All handlers of reference cases: a new tests/conformance_KIND.c needs no line here.
CONFORMANCE := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/conformance*.c))
$(BUILD)/tests/conformance: $(CONFORMANCE) $(CLI:%.c=$(BUILD)/%.o) $(LIBRARY)
	$(quiet)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/test_conformance: | $(BUILD)/tests/conformance

# The table of golden hashes that the program compares itself with.
$(BUILD)/cli/golden_self.h: tests/golden/self.txt
	@mkdir -p $(@D)
	@sed -n 's/^\([0-9a-f]\{64\}\)  \(.*\)$$/    {"\2", "\1"},/p' $< > $@
$(BUILD)/cli/command_golden.o: $(BUILD)/cli/golden_self.h

# The programs of docs/examples, which know nothing but ldm99.h.
$(BUILD)/examples/%: docs/examples/%.c api/ldm99.h $(LIBRARY)
	@mkdir -p $(@D)
	$(quiet)$(CC) $(ALL_CFLAGS) -Iapi $(LDFLAGS) $< $(LIBRARY) $(LDLIBS) -o $@

$(BUILD)/examples/two_threads: LDLIBS += -lpthread

examples: $(EXAMPLES)
$(BUILD)/tests/test_examples: | $(EXAMPLES)
$(BUILD)/tests/test_ldm99: LDLIBS += -lpthread

tests: $(TESTS:%=$(BUILD)/tests/%)

# Runs every test even after a failure, fails if any did, and adds up what they say.
test: tests all
	@$(for_scripts) sh tools/run_tests.sh "$(RUN)" $(TESTS:%=$(BUILD)/tests/%) $(install_test) $(port_test)

layers:
	sh tools/check_layers.sh
	sh tools/check_reading_order.sh
	sh tools/check_math_pages.sh
	sh tools/check_sources.sh
	sh tools/check_snippets.sh
	sh tools/check_weights.sh
	@if command -v python3 >/dev/null; then python3 tools/check_argument_order.py; fi

check: layers
	$(MAKE) WERROR=1 test

# Every allocation is a block of its own here, so that valgrind sees its ends.  It shows no AVX-512 to the tests.
valgrind:
	$(MAKE) VALGRIND=1 OPENMP=0 RUN='valgrind -q --error-exitcode=99 --leak-check=full' test

# Chosen by docs/WORLD_MODEL.md.
SHOWCASE_STEPS ?= 25
SHOWCASE_SCALE ?= 3
TABLE_COUNT    ?= 200

demo: all
	$(RUN) $(BUILD)/ldm99 demo -o out

showcase: all
	$(RUN) $(BUILD)/ldm99 demo objects scenes generalisation --steps $(SHOWCASE_STEPS) --cfg-scale $(SHOWCASE_SCALE) -o docs

# The table between the marks of docs/WORLD_MODEL.md, made anew: about three minutes of one core.
world-table: all
	$(RUN) $(BUILD)/ldm99 table world -n $(TABLE_COUNT) --steps $(SHOWCASE_STEPS) --cfg-scale $(SHOWCASE_SCALE) > $(BUILD)/world-table.md
	sh tools/put_table.sh docs/WORLD_MODEL.md $(BUILD)/world-table.md

golden-mutants: all
	+sh tests/golden_mutants.sh $(BUILD)

golden: all
	for t in 1 2 3; do $(RUN) $(BUILD)/ldm99 golden self -t $$t || exit; done

matrix:
	sh tests/matrix.sh

.PHONY: conformance recipes retrain
# The folder may be one case; without CASES ../shared/cases, where that is.
conformance: $(BUILD)/tests/conformance
	@$(RUN) $(BUILD)/tests/conformance $(if $(CASES),'$(CASES)')

recipes: all
	sh tools/check_recipes.sh '$(RUN) $(BUILD)/ldm99'

RETRAIN ?= out/retrain
ONLY    ?=
retrain: all
	sh tools/retrain.sh $(BUILD)/ldm99 $(RETRAIN) $(ONLY)

# Finished parts are kept in $(BUILD)/verify/ until a function is compiled anew; a stopped run goes on from there.
VERIFY     := exp expm1 log log1p sin cos tanh erf sigmoid silu softplus
VERIFY_64  ?= 1000000
elementary := $(filter $(BUILD)/base/elementary%,$(OBJECTS)) $(BUILD)/base/fixed256.o $(BUILD)/base/fixed_functions.o
with_mpfr  := verify_math verify_math64 fit_math
$(with_mpfr:%=$(BUILD)/tests/%): LDLIBS := -lmpfr -lgmp -lm

verify-math:
	@if echo '#include <mpfr.h>' | $(CC) -E - >/dev/null 2>&1; then \
	    $(MAKE) $(VERIFY:%=verify-math-%) verify-math-64 verify-math-fit; \
	else echo "verify-math: skipped: MPFR is not installed (libmpfr-dev)"; fi

$(BUILD)/verify/started: $(elementary)
	@rm -rf $(@D) && mkdir -p $(@D) && touch $@

verify-math-self: $(BUILD)/tests/verify_math
	$(BUILD)/tests/verify_math self

$(VERIFY:%=verify-math-%): verify-math-%: verify-math-self $(BUILD)/verify/started
	@$(BUILD)/tests/verify_math -r $(BUILD)/verify/$*.txt $*

# The table of docs/math/VERIFICATION.md from what has been done so far.
verify-math-table: $(BUILD)/tests/verify_math
	@$(BUILD)/tests/verify_math table $(BUILD)/verify

verify-math-fit: $(BUILD)/tests/fit_math
	$(BUILD)/tests/fit_math

verify-math-64: $(BUILD)/tests/verify_math64
	$(BUILD)/tests/verify_math64 $(VERIFY_64)

# Needs python3; PyTorch and OpenBLAS are peers where they are installed.
bench: $(BUILD)/tests/bench_kernels $(BUILD)/tests/bench_train $(BUILD)/tests/prove_train
	python3 tools/bench_kernels.py $(BUILD)/tests/bench_kernels
	python3 tools/bench_train.py $(BUILD)/tests

# A picture by a model of Stable Diffusion 1's sizes with random weights, inside 12 GiB: minutes, and 2 GB below out/.
true-size: all $(BUILD)/tests/random_model
	sh tests/true_size.sh $(BUILD)/ldm99 $(BUILD)/tests/random_model out/true-size

# All objects become one, in which every name but LDM_API's is made local.
$(PUBLIC)/libldm99.a: $(OBJECTS)
	@mkdir -p $(@D)
	$(quiet)$(CROSS)ld -r -o $(PUBLIC)/ldm99.o $^
	$(quiet)$(CROSS)objcopy --localize-hidden $(PUBLIC)/ldm99.o
	$(quiet)rm -f $@ && $(AR) rcs $@ $(PUBLIC)/ldm99.o

$(PUBLIC)/$(SONAME): $(OBJECTS)
	@mkdir -p $(@D)
	$(quiet)$(CC) $(ALL_CFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,-z,defs $^ $(LDLIBS) -o $@

$(PUBLIC)/ldm99.pc: Makefile api/ldm99.h
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' '' 'Name: ldm99' \
	    'Description: latent diffusion in C99, the same bits everywhere' 'Version: $(VERSION)' \
	    'Libs: -L$${libdir} -lldm99' 'Libs.private: -lm $(filter -fopenmp,$(EXTRA))' \
	    'Cflags: -I$${includedir}' > $@

install: all $(PUBLIC)/libldm99.a $(if $(CROSS),,$(PUBLIC)/$(SONAME)) $(PUBLIC)/ldm99.pc
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(LIBDIR)/pkgconfig \
	    $(DESTDIR)$(PREFIX)/share/ldm99 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(BUILD)/ldm99 $(DESTDIR)$(PREFIX)/bin/ldm99
	install -m 644 api/ldm99.h $(DESTDIR)$(PREFIX)/include/ldm99.h
	install -m 644 $(PUBLIC)/libldm99.a $(DESTDIR)$(LIBDIR)/libldm99.a
	$(if $(CROSS),,install -m 755 $(PUBLIC)/$(SONAME) $(DESTDIR)$(LIBDIR)/libldm99.so.$(VERSION))
	$(if $(CROSS),,ln -sf libldm99.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME))
	$(if $(CROSS),,ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libldm99.so)
	install -m 644 $(PUBLIC)/ldm99.pc $(DESTDIR)$(LIBDIR)/pkgconfig/ldm99.pc
	install -m 644 docs/ldm99.1 $(DESTDIR)$(PREFIX)/share/man/man1/ldm99.1
	cp -R $(wildcard weights/model weights/segmentation weights/judge weights/classifier weights/features weights/style-noisy weights/clip-guide weights/clip-score weights/aesthetic) weights/recipes weights/world $(DESTDIR)$(PREFIX)/share/ldm99/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/ldm99 $(DESTDIR)$(PREFIX)/include/ldm99.h $(DESTDIR)$(LIBDIR)/libldm99.a \
	    $(DESTDIR)$(LIBDIR)/libldm99.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME) $(DESTDIR)$(LIBDIR)/libldm99.so \
	    $(DESTDIR)$(LIBDIR)/pkgconfig/ldm99.pc $(DESTDIR)$(PREFIX)/share/man/man1/ldm99.1
	rm -rf $(DESTDIR)$(PREFIX)/share/ldm99

# Not where the built programs cannot run, or where a program would have to be built for the sanitizers too.
install_test := $(if $(CROSS)$(RUN)$(filter 1,$(SAN)),,tools/check_install.sh)
for_scripts  := CC='$(CC)' OPENMP='$(OPENMP)' ARCHIVE='$(LIBRARY)'
.PHONY: install-check
install-check: all
	@$(for_scripts) $(install_test)

AMALGAMATION := build/amalgamation
$(BUILD)/tools/amalgamate: tools/amalgamate.c tools/c_tokens.c tools/c_tokens.h $(LIBRARY)
	@mkdir -p $(@D)
	$(quiet)$(CC) $(ALL_CFLAGS) $(LDFLAGS) tools/amalgamate.c tools/c_tokens.c $(LIBRARY) $(LDLIBS) -o $@

$(AMALGAMATION)/ldm99.c: $(BUILD)/tools/amalgamate $(wildcard $(FOLDERS:%=%/*.[ch]) cli/*.[ch]) $(BUILD)/cli/golden_self.h
	@mkdir -p $(@D)
	$(quiet)$(RUN) $(BUILD)/tools/amalgamate $@ $(BUILD) $(SOURCES) --program $(sort $(wildcard cli/*.c))

$(AMALGAMATION)/ldm99.h: api/ldm99.h
	@mkdir -p $(@D)
	@cp $< $@

.PHONY: amalgamation amalgamation-check
amalgamation: $(AMALGAMATION)/ldm99.c $(AMALGAMATION)/ldm99.h
	@ls -l $^

# Objects for a sanitizer or another machine ask for other names.
port_test := $(if $(CROSS)$(RUN)$(filter 1,$(SAN)),,tools/check_port_list.sh)
test: $(if $(port_test),$(AMALGAMATION)/ldm99.c)
.PHONY: port-check
port-check: $(AMALGAMATION)/ldm99.c $(LIBRARY)
	@CC='$(CC)' tools/check_port_list.sh $< $(LIBRARY)

amalgamation-check: amalgamation
	@$(for_scripts) tools/check_amalgamation.sh $(AMALGAMATION)

clean:
	rm -rf build out

.PHONY: all examples tests test layers check valgrind demo showcase world-table golden golden-mutants matrix bench true-size verify-math verify-math-self verify-math-64 verify-math-fit verify-math-table $(VERIFY:%=verify-math-%) install uninstall clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
