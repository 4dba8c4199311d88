# Targets
#
#     all         the nginx module and the rspamd plugin's C module (default)
#     install     into the nginx and rspamd found here; DESTDIR is honoured
#     uninstall
#     deps        installs the Debian packages that are missing
#     run         a server of its own to play with; PORT=8460, until Ctrl-C
#     test        installs what is missing, runs every test, two at a time
#     fuzz        fuzzes each target for FUZZ_SECONDS
#     bench       what it costs, beside other ways, as a table
#     clean
#
# Variables
#
#     NGINX       the nginx binary to build for and to test with
#     NGINX_SRC   its source, of the same version; Debian's nginx-dev if unset
#     CHART_JS    Chart.js 3, chart.min.js; that of Debian if unset
#     V=1         shows the commands

SHELL     = /bin/bash
B         = build

NGINX     = $(firstword $(wildcard /usr/sbin/nginx /usr/local/sbin/nginx) nginx)
NGINX_SRC = /usr/share/nginx/src
PORT     ?= 8460
RSPAMD_PORT ?= 8461
FUZZ_SECONDS = 20

CC        = gcc
CLANG     = clang
WARN      = -Wall -Wextra -Werror
HARDEN    = -fstack-protector-strong -Wformat -Werror=format-security \
            -D_FORTIFY_SOURCE=2
SANITIZE  = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
            -fno-omit-frame-pointer
CFLAGS    = -std=c11 -O2 -g $(WARN)
LIBS      = -lz -ldeflate -ljansson -lidn2 -lcrypto

# The core: a folder a floor, each an include path.  The module: a folder a room.
SHARED    = $(wildcard shared/*/*.c)
INCS      = -Ishared $(patsubst %/,-I%,$(sort $(wildcard shared/*/)))
HOST      = $(wildcard ngx_tlsrpt_module/*.c ngx_tlsrpt_module/*/*.c)
HOST_INCS = $(addprefix -I,$(sort $(dir $(HOST))))
HEADERS   = $(wildcard shared/*.h shared/*/*.h ngx_tlsrpt_module/*.h \
                ngx_tlsrpt_module/*/*.h)
MODULE    = ngx_http_tlsrpt_module.so

.PHONY: all nginx rspamd deps run test programs prove check-clang fuzz clean
.PHONY: install install-nginx install-rspamd uninstall FORCE
.DELETE_ON_ERROR:

ifndef V
MAKEFLAGS += -s
endif

# In the environment it would be nginx's own list of inherited sockets.
unexport NGINX

all: nginx rspamd

nginx: $(B)/$(MODULE)


# What is generated

$(B)/tlsrpt_ingest_script.c: shared/store/ingest.lua tools/script-to-c
	mkdir -p $(@D)
	tools/script-to-c ingest $< > $@

# Changes when files come and go, so that nginx is configured again.
$(B)/sources: FORCE
	mkdir -p $(@D)
	echo $(sort $(SHARED) $(HOST) \
	    $(wildcard ngx_tlsrpt_module/dashboard/*)) $(HEADERS) \
	    $(NGINX) $(NGINX_SRC) > $@.tmp
	cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@


# nginx: configured and built by nginx's own means, out of its tree.  The
# second one, under the sanitizers, is what the tests run.

CC_OPT_nginx      = -g -O2 -fPIC $(HARDEN)
LD_OPT_nginx      = -Wl,-z,relro -Wl,-z,now
CC_OPT_nginx-asan = -g -O1 -fPIC $(SANITIZE)
LD_OPT_nginx-asan = $(SANITIZE)

$(B)/nginx/Makefile $(B)/nginx-asan/Makefile: $(B)/%/Makefile: \
    config config.make Makefile $(B)/sources tools/nginx-configure
	echo "Configuring $(NGINX_SRC) in $(B)/$*"
	tools/nginx-configure "$(NGINX)" "$(NGINX_SRC)" \
	    "$(CURDIR)/$(B)/$*" "-std=c11 $(CC_OPT_$*)" "$(LD_OPT_$*)"

$(B)/nginx/$(MODULE) $(B)/nginx-asan/$(MODULE): $(B)/%/$(MODULE): \
    $(B)/%/Makefile FORCE
	echo "Building $@"
	$(MAKE) --no-print-directory -C $(NGINX_SRC) \
	    -f $(CURDIR)/$(B)/$*/Makefile modules

$(B)/$(MODULE): $(B)/nginx/$(MODULE)
	cp $< $@.new && mv $@.new $@


# rspamd: the Lua C module, where rspamd is

RSPAMD    = $(wildcard /usr/bin/rspamd)
RSPAMD_C  = $(wildcard rspamd_plugin/*.c)
RSPAMD_SO = $(RSPAMD_C:rspamd_plugin/%.c=$(B)/%.so)

rspamd: $(if $(RSPAMD),$(RSPAMD_SO))

$(RSPAMD_SO): $(B)/%.so: rspamd_plugin/%.c $(SHARED) $(HEADERS) \
    $(B)/tlsrpt_ingest_script.c
	echo "Building $@"
	$(CC) $(CFLAGS) $(HARDEN) -fPIC -fvisibility=hidden -shared $(INCS) \
	    -I/usr/include/luajit-2.1 -Wl,-z,relro -Wl,-z,now \
	    -o $@ $< $(SHARED) $(B)/tlsrpt_ingest_script.c $(LIBS)


# Tests of the core: one program a file of t/core, under the sanitizers

CORE_OBJS  = $(SHARED:shared/%.c=$(B)/core/%.o) $(B)/core/tlsrpt_ingest_script.o
CORE_TESTS = $(patsubst t/core/%.c,$(B)/t/core/%,$(wildcard t/core/*.c))
FUZZERS    = $(patsubst t/fuzz/%.c,$(B)/t/fuzz/%,$(wildcard t/fuzz/*.c))

$(B)/core/%.o: shared/%.c
	mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SANITIZE) $(INCS) -MMD -MP -c -o $@ $<

$(B)/core/%.o: $(B)/%.c
	mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SANITIZE) $(INCS) -MMD -MP -c -o $@ $<

$(CORE_TESTS): $(B)/t/core/%: t/core/%.c $(CORE_OBJS) $(wildcard t/core/*.h)
	mkdir -p $(@D)
	echo "Building $@"
	$(CC) $(CFLAGS) $(SANITIZE) $(INCS) -o $@ $< $(CORE_OBJS) $(LIBS)

# This one fails each allocation in turn.
$(B)/t/core/alloc: LIBS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

$(FUZZERS): $(B)/t/fuzz/%: t/fuzz/%.c $(wildcard t/fuzz/*.h) $(SHARED) $(HEADERS) \
    $(B)/tlsrpt_ingest_script.c
	mkdir -p $(@D)
	echo "Building $@"
	$(CLANG) $(CFLAGS) -fsanitize=fuzzer,address,undefined \
	    -fno-sanitize-recover=undefined $(INCS) -o $@ $< \
	    $(SHARED) $(B)/tlsrpt_ingest_script.c $(LIBS)

-include $(wildcard $(B)/core/*/*.d)

# Everything once more by clang, for its warnings.
NGINX_INCS = $(addprefix -isystem $(NGINX_SRC)/src/,core event event/modules \
               event/quic os/unix http http/modules http/v2 http/v3) -isystem $(B)/nginx

check-clang: $(B)/tlsrpt_ingest_script.c $(B)/nginx/Makefile
	echo "Checking with $(CLANG)"
	$(CLANG) $(CFLAGS) -fsyntax-only $(INCS) $(SHARED) $<
	$(CLANG) $(CFLAGS) -Wno-unused-parameter -fsyntax-only $(INCS) \
	    $(HOST_INCS) $(NGINX_INCS) $(HOST)


# Tests: the quick ones first.  TESTS= runs some of them.

TESTS = $(CORE_TESTS) $(foreach d,build core redis nginx rspamd e2e bench fuzz,\
            $(sort $(wildcard t/$(d)/*.t)))

JOBS = -j$(shell nproc) -O

test: deps
	$(MAKE) --no-print-directory $(JOBS) programs
	$(MAKE) --no-print-directory prove

programs: all check-clang bench-programs $(CORE_TESTS) $(FUZZERS) $(B)/nginx-asan/$(MODULE)

prove: programs
	TLSRPT_NGINX=$(NGINX) FUZZ_SECONDS=$(FUZZ_SECONDS) \
	    TLSRPT_SANITIZE=$$($(CC) -print-file-name=libasan.so) \
	    prove -j2 -It/lib $(TESTS)

fuzz: $(FUZZERS)
	FUZZ_SECONDS=$(FUZZ_SECONDS) prove -v -It/lib t/fuzz/run.t


deps:
	tools/install-deps test

run:
	tools/install-deps run
	$(MAKE) --no-print-directory $(JOBS) all
	exec env TLSRPT_NGINX=$(NGINX) PORT=$(PORT) RSPAMD_PORT=$(RSPAMD_PORT) \
	    perl -It/lib run/run


include bench/rules.mk


# Install: each half where its host is

MODULES_PATH = $(shell $(NGINX) -V 2>&1 | tr ' ' '\n' \
                   | sed -n 's/^--modules-path=//p')
MODULES_DIR  = $(DESTDIR)$(or $(MODULES_PATH),/usr/lib/nginx/modules)
AVAILABLE    = $(DESTDIR)/usr/share/nginx/modules-available
ENABLED      = $(DESTDIR)/etc/nginx/modules-enabled
LUA_DIR      = $(DESTDIR)/usr/lib/$(shell $(CC) -print-multiarch)/lua/5.1
RSPAMD_CONF  = $(DESTDIR)/etc/rspamd

HAVE_NGINX   = $(shell command -v $(NGINX))

install: $(if $(HAVE_NGINX),install-nginx) \
         $(if $(and $(RSPAMD),$(RSPAMD_C)),install-rspamd)

install-nginx: nginx
	install -D -m 644 $(B)/$(MODULE) $(MODULES_DIR)/$(MODULE)
	install -d $(AVAILABLE) $(ENABLED)
	echo "load_module modules/$(MODULE);" > $(AVAILABLE)/mod-http-tlsrpt.conf
	ln -sf /usr/share/nginx/modules-available/mod-http-tlsrpt.conf \
	    $(ENABLED)/50-mod-http-tlsrpt.conf

install-rspamd: rspamd
	install -D -m 644 -t $(LUA_DIR) $(RSPAMD_SO)
	install -D -m 644 rspamd_plugin/tlsrpt.lua $(RSPAMD_CONF)/plugins.d/tlsrpt.lua
	install -D -m 644 rspamd_plugin/tlsrpt.conf $(RSPAMD_CONF)/modules.d/tlsrpt.conf

uninstall:
	rm -f $(MODULES_DIR)/$(MODULE) $(AVAILABLE)/mod-http-tlsrpt.conf \
	    $(ENABLED)/50-mod-http-tlsrpt.conf \
	    $(patsubst $(B)/%,$(LUA_DIR)/%,$(RSPAMD_SO)) \
	    $(RSPAMD_CONF)/plugins.d/tlsrpt.lua \
	    $(RSPAMD_CONF)/modules.d/tlsrpt.conf

clean:
	rm -rf $(B)
