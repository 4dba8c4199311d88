# The benchmark: see bench/run.

BENCH    = $(B)/bench
BENCH_CC = $(CC) $(OURS) $(HARDEN) $(GIVEN) -fPIC $(INCS)
BENCH_CORE = $(SHARED) $(GENERATED)

.PHONY: bench bench-programs bench-check

bench:
	bench/install-peers $(BENCH)
	$(MAKE) --no-print-directory nginx rspamd bench-programs \
	    $(BENCH)/hgetall $(BENCH)/floor.so $(BENCH)/pools
	env TLSRPT_NGINX=$(NGINX) perl -It/lib bench/run

# Instruction counts of the core and of a policy, against bench/baseline.json.
bench-check: nginx bench-programs
	TLSRPT_NGINX=$(NGINX) prove -It/lib t/bench

bench-programs: $(BENCH)/micro $(BENCH)/hostile $(BENCH)/load $(BENCH)/stay.so \
    $(BENCH)/store $(BENCH)/typical.json.gz

$(BENCH)/micro: bench/micro.c $(BENCH_CORE) $(HEADERS)
	mkdir -p $(@D)
	$(BENCH_CC) -fvisibility=hidden -o $@ $< $(BENCH_CORE) $(LIBS)

$(BENCH)/hostile: bench/hostile.c bench/bodies.c bench/bodies.h $(BENCH_CORE) \
    $(HEADERS)
	mkdir -p $(@D)
	$(BENCH_CC) -fvisibility=hidden -o $@ $(filter %.c,$^) $(LIBS)

$(BENCH)/store: t/redis/store.c $(BENCH_CORE) $(HEADERS)
	mkdir -p $(@D)
	$(BENCH_CC) -fvisibility=hidden -o $@ $< $(BENCH_CORE) $(LIBS) \
	    -l:libhiredis.a

$(BENCH)/load: bench/load.c
	mkdir -p $(@D)
	$(CC) $(OURS) $(GIVEN) -o $@ $<

$(BENCH)/stay.so: bench/stay.c
	mkdir -p $(@D)
	$(CC) $(CFLAGS) -fPIC -shared -o $@ $< -ldl

$(BENCH)/hgetall: bench/hgetall.c
	mkdir -p $(@D)
	$(CC) $(OURS) $(GIVEN) -o $@ $< -l:libhiredis.a

$(BENCH)/floor.so: bench/ngx_http_tlsrpt_floor_module.c $(BENCH_CORE) \
    $(wildcard ngx_tlsrpt_module/redis/*.c) $(HEADERS) \
    $(B)/nginx/Makefile
	$(BENCH_CC) -Wno-unused-parameter -shared $(HOST_INCS) \
	    $(NGINX_INCS) -o $@ $(filter %.c,$^) -l:libhiredis.a \
	    -Wl,--exclude-libs,libhiredis.a $(LIBS)

$(BENCH)/typical.json.gz: bench/reports
	mkdir -p $(@D)
	bench/reports $(@D)

# Made anew each day: reports are of yesterday.
$(BENCH)/pools: bench/reports FORCE
	mkdir -p $(@D)
	today=$$(date -u +%F); \
	[ "$$(cat $@ 2>/dev/null)" = $$today ] && [ ! $< -nt $@ ] \
	    || { bench/reports $(@D) pools && echo $$today > $@; }
