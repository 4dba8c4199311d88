# Targets
#
#     all         the nginx module and the rspamd plugin's C module (default)
#     install     into the nginx and rspamd found here; DESTDIR is honoured
#     uninstall   unless nginx's configuration needs the module; FORCE=1: always
#     deps        installs the Debian packages that are missing
#     run         a server of its own to play with; PORT=8460, until Ctrl-C
#     test        installs what is missing, runs every test, a few at a time
#     soak        the long forms of the tests that kill (ROUNDS=300, SEED=)
#     fuzz        fuzzes each target for FUZZ_SECONDS
#     coverage    the lines that tests do not reach, as a table (TESTS= narrows)
#     mutants     deliberate faults, and whether tests notice (MUTANTS=WORD)
#     bench       what it costs, beside other ways, as a table
#     clean
#
# Variables
#
#     NGINX       the nginx binary to build for and to test with
#     NGINX_SRC   its source, of the same version; Debian's nginx-dev if unset
#     CFLAGS, CPPFLAGS, LDFLAGS
#                 come behind our own, in both halves and in the tests
#     WERROR=     lets warnings be warnings
#     V=1         shows the commands

SHELL     = /bin/bash
B         = build

NGINX     = $(firstword $(wildcard /usr/sbin/nginx /usr/local/sbin/nginx) nginx)
NGINX_SRC = /usr/share/nginx/src
PORT     ?= 8460
RSPAMD_PORT ?= 8461
FUZZ_SECONDS = 10

ifeq ($(origin CC),default)
CC        = gcc
endif
CLANG     = clang
WERROR   ?= -Werror
WARN      = -Wall -Wextra $(WERROR)
HARDEN    = -fstack-protector-strong -Wformat -Werror=format-security $(FORTIFY)
# Not twice, and not without optimization: both are warnings.
FORTIFY   = $(if $(findstring _FORTIFY_SOURCE,$(GIVEN))$(filter -O0,$(GIVEN)),,\
            -D_FORTIFY_SOURCE=2)
SANITIZE  = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
            -fno-omit-frame-pointer
OURS      = -std=c11 -O2 -g $(WARN)
GIVEN     = $(CPPFLAGS) $(CFLAGS)
LIBS      = -lz -ldeflate -lzstd -ljansson -lidn2 -lpsl -lcrypto

# The core: a folder a floor, each an include path.  The module: a folder a room.
SHARED    = $(wildcard shared/*/*.c)
INCS      = -Ishared $(patsubst %/,-I%,$(sort $(wildcard shared/*/)))
HOST      = $(wildcard ngx_tlsrpt_module/*.c ngx_tlsrpt_module/*/*.c)
HOST_INCS = $(addprefix -I,$(sort $(dir $(HOST))))
HEADERS   = $(wildcard shared/*.h shared/*/*.h ngx_tlsrpt_module/*.h \
                ngx_tlsrpt_module/*/*.h)
MODULE    = ngx_http_tlsrpt_module.so

.PHONY: all nginx rspamd deps run test programs prove check-clang fuzz clean
.PHONY: coverage mutants soak
.PHONY: install install-nginx install-rspamd FORCE
.PHONY: uninstall uninstall-nginx uninstall-rspamd
.DELETE_ON_ERROR:

ifndef V
MAKEFLAGS += -s
endif

# In the environment it would be nginx's own list of inherited sockets.
unexport NGINX

all: nginx rspamd

nginx: $(B)/$(MODULE)


# What is generated

SCRIPTS   = $(patsubst %.lua,tlsrpt_%_script,\
                $(notdir $(wildcard shared/*/*.lua)))
GENERATED = $(SCRIPTS:%=$(B)/%.c) $(B)/tlsrpt_explain_texts.c \
            $(B)/tlsrpt_version.c $(B)/tlsrpt_dictionaries.c

vpath %.lua $(sort $(dir $(wildcard shared/*/*.lua)))

$(B)/tlsrpt_%_script.c: %.lua tools/script-to-c
	mkdir -p $(@D)
	tools/script-to-c $* $< > $@

$(B)/tlsrpt_explain_texts.c: shared/base/explain.txt tools/explain-to-c
	mkdir -p $(@D)
	tools/explain-to-c $< > $@

$(B)/tlsrpt_version.c: VERSION tools/version-to-c
	mkdir -p $(@D)
	tools/version-to-c $< > $@

$(B)/tlsrpt_dictionaries.c: shared/store/report-1.dict \
    shared/store/problem-1.dict tools/dictionary-to-c
	mkdir -p $(@D)
	tools/dictionary-to-c $(filter %.dict,$^) > $@

# What changes when the files beside it are to be made anew.
changed = cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@
quoted  = '$(subst ','\'',$1)'

$(B)/flags: FORCE
	mkdir -p $(@D)
	echo $(call quoted,$(CC) $(OURS) $(HARDEN) $(GIVEN) $(LDFLAGS)) > $@.tmp
	$(changed)

# When files come and go, or nginx is another, nginx is configured again.
$(B)/sources: FORCE
	mkdir -p $(@D)
	echo $(sort $(SHARED) $(HOST) \
	    $(wildcard ngx_tlsrpt_module/dashboard/*)) $(HEADERS) \
	    $(NGINX) $(NGINX_SRC) > $@.tmp
	$(NGINX) -V >> $@.tmp 2>&1 || :
	cat $(sort $(wildcard $(NGINX_SRC)/conf_flags $(NGINX_SRC)/src/*/*.h \
	    $(NGINX_SRC)/src/*/*/*.h)) /dev/null | cksum >> $@.tmp
	$(changed)


# nginx: configured and built by nginx's own means, out of its tree.  The
# second one, under the sanitizers, is what the tests run.

CC_OPT_nginx      = -g -O2 -fPIC $(HARDEN)
LD_OPT_nginx      = -Wl,-z,relro -Wl,-z,now
CC_OPT_nginx-asan = -g -O1 -fPIC $(SANITIZE)
LD_OPT_nginx-asan = $(SANITIZE)

# nginx says -Werror itself.
NO_WERROR = $(if $(WERROR),,-Wno-error)

$(B)/nginx/Makefile $(B)/nginx-asan/Makefile: $(B)/%/Makefile: \
    config config.make Makefile $(B)/sources $(B)/flags tools/nginx-configure
	echo "Configuring $(NGINX_SRC) in $(B)/$*"
	tools/nginx-configure "$(NGINX)" "$(NGINX_SRC)" "$(abspath $(B))/$*" \
	    "$(CC)" \
	    $(call quoted,-std=c11 $(CC_OPT_$*) $(GIVEN) $(NO_WERROR)) \
	    $(call quoted,$(LD_OPT_$*) $(LDFLAGS))

# nginx's makefile has variables of the same names, which those of our command
# line would replace; these stand behind " -- ".
$(B)/nginx/$(MODULE) $(B)/nginx-asan/$(MODULE): $(B)/%/$(MODULE): \
    $(B)/%/Makefile FORCE
	modules() { MAKEFLAGS="$${MAKEFLAGS%% -- *}" $(MAKE) -C $(NGINX_SRC) \
	    -f $(abspath $(B))/$*/Makefile --no-print-directory modules "$$@"; }; \
	modules -q > /dev/null 2>&1 || { echo "Building $@"; modules; }

$(B)/$(MODULE): $(B)/nginx/$(MODULE)
	cp $< $@.new && mv $@.new $@


# rspamd: the Lua C module, where rspamd is

RSPAMD    = $(wildcard /usr/bin/rspamd)
RSPAMD_C  = $(wildcard rspamd_plugin/*.c)
RSPAMD_SO = $(B)/tlsrpt_lua.so $(B)/tlsrpt_send.so
LUA_BUILD = $(CC) $(OURS) $(HARDEN) $(GIVEN) -fPIC -fvisibility=hidden -shared \
            -I/usr/include/luajit-2.1 -Wl,-z,relro -Wl,-z,now

rspamd: $(if $(RSPAMD),$(RSPAMD_SO))

$(B)/tlsrpt_lua.so: $(RSPAMD_C) $(wildcard rspamd_plugin/*.h) $(SHARED) \
    $(HEADERS) $(GENERATED) $(B)/flags
	echo "Building $@"
	$(LUA_BUILD) $(INCS) -o $@ $(RSPAMD_C) $(SHARED) $(GENERATED) \
	    $(LDFLAGS) $(LIBS) -lresolv -lssl

# By itself, so that only who has alerts loads libcurl.
$(B)/tlsrpt_send.so: $(wildcard rspamd_plugin/send/*.[ch]) $(B)/flags
	echo "Building $@"
	$(LUA_BUILD) -o $@ $(filter %.c,$^) $(LDFLAGS) -lcurl


# Tests of the core: one program a file of t/core, under the sanitizers

CORE_OBJS  = $(SHARED:shared/%.c=$(B)/core/%.o) $(GENERATED:$(B)/%.c=$(B)/core/%.o)
CORE_TESTS = $(patsubst t/core/%.c,$(B)/t/core/%,$(wildcard t/core/*.c))
FUZZERS    = $(patsubst t/fuzz/%.c,$(B)/t/fuzz/%,$(wildcard t/fuzz/*.c))

$(B)/core/%.o: shared/%.c $(B)/flags
	mkdir -p $(@D)
	$(CC) $(OURS) $(SANITIZE) $(GIVEN) $(INCS) -MMD -MP -c -o $@ $<

$(B)/core/%.o: $(B)/%.c $(B)/flags
	mkdir -p $(@D)
	$(CC) $(OURS) $(SANITIZE) $(GIVEN) $(INCS) -MMD -MP -c -o $@ $<

$(CORE_TESTS): $(B)/t/core/%: t/core/%.c $(CORE_OBJS) $(wildcard t/core/*.h)
	mkdir -p $(@D)
	echo "Building $@"
	$(CC) $(OURS) $(SANITIZE) $(GIVEN) $(INCS) -o $@ $< $(CORE_OBJS) \
	    $(LDFLAGS) $(LIBS)

# This one fails each allocation in turn.
$(B)/t/core/alloc: LIBS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

# The fuzzers share objects of their own.
FUZZ      = $(CLANG) $(OURS) -fno-sanitize-recover=undefined $(INCS)
FUZZ_OBJS = $(CORE_OBJS:$(B)/core/%=$(B)/fuzz-core/%)

$(B)/fuzz-core/%.o: shared/%.c $(B)/flags
	mkdir -p $(@D)
	$(FUZZ) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<

$(B)/fuzz-core/%.o: $(B)/%.c $(B)/flags
	mkdir -p $(@D)
	$(FUZZ) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<

$(FUZZERS): $(B)/t/fuzz/%: t/fuzz/%.c $(wildcard t/fuzz/*.h) $(FUZZ_OBJS)
	mkdir -p $(@D)
	echo "Building $@"
	$(FUZZ) -fsanitize=fuzzer,address,undefined -o $@ $< $(FUZZ_OBJS) $(LIBS)

$(B)/t/fuzz/dns_answer: LIBS += -lresolv

-include $(wildcard $(B)/fuzz-core/*/*.d)
-include $(wildcard $(B)/core/*/*.d)

# Everything once more by clang, for its warnings.
NGINX_INCS = $(addprefix -isystem $(NGINX_SRC)/src/,core event event/modules \
               event/quic os/unix http http/modules http/v2 http/v3) -isystem $(B)/nginx

check-clang: $(GENERATED) $(B)/nginx/Makefile
	echo "Checking with $(CLANG)"
	$(CLANG) $(OURS) -fsyntax-only $(INCS) $(SHARED) $(GENERATED)
	$(CLANG) $(OURS) -Wno-unused-parameter -fsyntax-only $(INCS) \
	    $(HOST_INCS) $(NGINX_INCS) $(HOST)
	$(CLANG) $(OURS) -fsyntax-only $(INCS) -isystem /usr/include/luajit-2.1 \
	    $(RSPAMD_C) $(wildcard rspamd_plugin/send/*.c)


# The Redis client, but for its directives, on a loop of the test's own:
# t/replay/loop.h

REPLAY     = $(B)/t/replay/redis
REPLAY_SRC = $(wildcard t/replay/*.c) \
             $(filter-out %_conf.c,$(wildcard ngx_tlsrpt_module/redis/*.c))
REPLAY_OBJ = $(filter %/tlsrpt_reply.o %_script.o,$(CORE_OBJS))

$(REPLAY): $(REPLAY_SRC) $(wildcard t/replay/*.h) $(REPLAY_OBJ) $(HEADERS) \
    $(B)/nginx/Makefile
	mkdir -p $(@D)
	echo "Building $@"
	$(CC) $(OURS) -Wno-unused-parameter $(SANITIZE) $(GIVEN) $(INCS) \
	    $(HOST_INCS) -It/replay $(NGINX_INCS) -o $@ $(REPLAY_SRC) \
	    $(REPLAY_OBJ) -l:libhiredis.a \
	    -Wl,--wrap=random,--wrap=clock_gettime,--wrap=getsockopt


# The core on a real Redis, for t/redis.
STORE = $(B)/t/redis/store

$(STORE): t/redis/store.c $(CORE_OBJS)
	mkdir -p $(@D)
	echo "Building $@"
	$(CC) $(OURS) $(SANITIZE) $(GIVEN) $(INCS) -o $@ $< $(CORE_OBJS) \
	    $(LDFLAGS) $(LIBS) -l:libhiredis.a


# Tests: the quick ones first.  TESTS= runs some of them.

TESTS = $(CORE_TESTS) $(foreach d,build core replay redis nginx rspamd soak e2e bench \
            fuzz,\
            $(sort $(wildcard t/$(d)/*.t)))

JOBS = -j$(shell nproc) -O

test: deps
	$(MAKE) --no-print-directory $(JOBS) programs
	$(MAKE) --no-print-directory prove

programs: all check-clang bench-programs $(CORE_TESTS) $(REPLAY) $(STORE) \
          $(FUZZERS) \
          $(B)/nginx-asan/$(MODULE)

prove: programs
	TLSRPT_NGINX=$(NGINX) FUZZ_SECONDS=$(FUZZ_SECONDS) \
	    TLSRPT_SANITIZE=$$($(CC) -print-file-name=libasan.so) \
	    tools/prove $(B)/prove.state $(TESTS)

ROUNDS = 300

soak: deps
	$(MAKE) --no-print-directory $(JOBS) programs
	ROUNDS=$(ROUNDS) TLSRPT_NGINX=$(NGINX) \
	    TLSRPT_SANITIZE=$$($(CC) -print-file-name=libasan.so) \
	    prove -v -It/lib t/soak

fuzz: $(FUZZERS)
	FUZZ_SECONDS=$(FUZZ_SECONDS) prove -v -It/lib t/fuzz/run.t

# In a copy of the tree, whose objects count, and which is built without the
# sanitizers.
COVERAGE = SANITIZE= WERROR= CFLAGS="--coverage -O0" LDFLAGS=--coverage

coverage:
	tools/copy-tree $(B)/coverage
	$(MAKE) --no-print-directory $(JOBS) -C $(B)/coverage $(COVERAGE) \
	    all $(CORE_TESTS) $(REPLAY)
	find $(B)/coverage -name '*.gcda' -delete
	cd $(B)/coverage && TLSRPT_NGINX=$(NGINX) prove -j2 -It/lib \
	    $(filter-out t/bench/% t/build/% t/e2e/% t/fuzz/%,$(TESTS))
	tools/coverage $(B)/coverage

mutants:
	JOBS=$(shell nproc) tools/mutants $(MUTANTS)


deps:
	tools/install-deps test

run:
	tools/install-deps run
	$(MAKE) --no-print-directory $(JOBS) all
	exec env TLSRPT_NGINX=$(NGINX) PORT=$(PORT) RSPAMD_PORT=$(RSPAMD_PORT) \
	    perl -It/lib run/run


include bench/rules.mk


# Install: each half where its host is

NGINX_PREFIX = $(or $(shell $(NGINX) -h 2>&1 \
                   | sed -n 's|.*set prefix path (default: \(.*\)/)$$|\1|p'),\
                   $(DEBIAN_PREFIX))
MODULES_PATH = $(or $(shell $(NGINX) -V 2>&1 | tr ' ' '\n' \
                   | sed -n 's/^--modules-path=//p'),\
                   $(if $(DEBIANS),/usr/lib/nginx/modules),\
                   $(NGINX_PREFIX)/modules)
MODULES_DIR  = $(DESTDIR)$(MODULES_PATH)
LUA_DIR      = $(DESTDIR)/usr/lib/$(shell $(CC) -print-multiarch)/lua/5.1
LUALIB_DIR   = $(DESTDIR)/usr/share/rspamd/lualib
RSPAMD_CONF  = $(DESTDIR)/etc/rspamd

RSPAMD_LUA   = $(wildcard rspamd_plugin/lualib/*/*.lua)

# Debian's nginx reads these folders, others read only what they are told.
DEBIAN_PREFIX = /usr/share/nginx
DEBIANS      = $(filter $(DEBIAN_PREFIX),$(NGINX_PREFIX))
AVAILABLE    = /usr/share/nginx/modules-available/mod-http-tlsrpt.conf
ENABLED      = /etc/nginx/modules-enabled/50-mod-http-tlsrpt.conf

HAVE_NGINX   = $(shell command -v $(NGINX))

install: $(if $(HAVE_NGINX),install-nginx) \
         $(if $(and $(RSPAMD),$(RSPAMD_C)),install-rspamd)

install-nginx: nginx
	tools/check-module $(NGINX) $(B)/$(MODULE)
	install -D -m 644 $(B)/$(MODULE) $(MODULES_DIR)/$(MODULE)
	$(if $(DEBIANS),$(enable),$(tell))

define enable
install -d $(dir $(DESTDIR)$(AVAILABLE) $(DESTDIR)$(ENABLED))
	echo "load_module modules/$(MODULE);" > $(DESTDIR)$(AVAILABLE)
	ln -sf $(AVAILABLE) $(DESTDIR)$(ENABLED)
endef

define tell
echo "Installed.  nginx loads it by a line at the top of its configuration:"
	echo "    load_module $(MODULES_PATH)/$(MODULE);"
endef

install-rspamd: rspamd
	install -D -m 644 -t $(LUA_DIR) $(RSPAMD_SO)
	for f in $(RSPAMD_LUA:rspamd_plugin/lualib/%=%); do \
	    install -D -m 644 rspamd_plugin/lualib/$$f $(LUALIB_DIR)/$$f || exit; \
	done
	install -D -m 644 rspamd_plugin/tlsrpt.lua $(RSPAMD_CONF)/plugins.d/tlsrpt.lua
	install -D -m 644 rspamd_plugin/tlsrpt.conf $(RSPAMD_CONF)/modules.d/tlsrpt.conf

uninstall: uninstall-nginx uninstall-rspamd

# With directives of a module that is gone, nginx does not start again.
uninstall-nginx:
ifndef DESTDIR
	! tools/uses-module $(NGINX) $(MODULE) $(ENABLED) || $(in-use)
endif
	rm -f $(MODULES_DIR)/$(MODULE) \
	    $(if $(DEBIANS),$(DESTDIR)$(AVAILABLE) $(DESTDIR)$(ENABLED))

ifeq ($(FORCE),1)
in-use = echo "With these lines nginx does not start again."
else
in-use = { echo "With these lines nginx would not start again.  Take them" \
               "out first, or: make uninstall FORCE=1" >&2; exit 1; }
endif

uninstall-rspamd:
	rm -f $(patsubst $(B)/%,$(LUA_DIR)/%,$(RSPAMD_SO)) \
	    $(RSPAMD_LUA:rspamd_plugin/lualib/%=$(LUALIB_DIR)/%) \
	    $(RSPAMD_CONF)/plugins.d/tlsrpt.lua \
	    $(RSPAMD_CONF)/modules.d/tlsrpt.conf
	rmdir $(LUALIB_DIR)/tlsrpt 2> /dev/null || true

clean:
	rm -rf $(B)
