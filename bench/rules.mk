# The benchmark: see bench/run.

BENCH    = $(B)/bench
BENCH_CC = $(CC) $(CFLAGS) -fPIC $(HARDEN) -Ishared
BENCH_CORE = $(SHARED) $(B)/tlsrpt_ingest_script.c

.PHONY: bench bench-programs bench-check

bench:
	bench/install-peers $(BENCH)
	$(MAKE) --no-print-directory nginx rspamd bench-programs
	$(MAKE) --no-print-directory $(BENCH)/floor.so
	env TLSRPT_NGINX=$(NGINX) perl -It/lib bench/run

# Instruction counts of the core and of a policy, against bench/baseline.json.
bench-check: nginx bench-programs
	TLSRPT_NGINX=$(NGINX) prove -It/lib t/bench

bench-programs: $(BENCH)/micro $(BENCH)/load $(BENCH)/hgetall $(BENCH)/reports

$(BENCH)/micro: bench/micro.c $(BENCH_CORE) $(HEADERS)
	mkdir -p $(@D)
	$(BENCH_CC) -fvisibility=hidden -o $@ $< $(BENCH_CORE) $(LIBS)

$(BENCH)/load: bench/load.c
	mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $<

$(BENCH)/hgetall: bench/hgetall.c
	mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< -l:libhiredis.a

$(BENCH)/floor.so: bench/ngx_http_tlsrpt_floor_module.c $(BENCH_CORE) \
    $(wildcard ngx_tlsrpt_module/ngx_http_tlsrpt_redis*.c) $(HEADERS) \
    $(B)/nginx/Makefile
	$(BENCH_CC) -Wno-unused-parameter -shared -Ingx_tlsrpt_module \
	    $(NGINX_INCS) -o $@ $(filter %.c,$^) -l:libhiredis.a \
	    -Wl,--exclude-libs,libhiredis.a $(LIBS)

# Made anew each day: reports are of yesterday.
$(BENCH)/reports: bench/reports FORCE
	mkdir -p $(@D)
	today=$$(date -u +%F); [ "$$(cat $@ 2>/dev/null)" = $$today ] \
	    && [ ! bench/reports -nt $@ ] \
	    || { bench/reports $(@D) && echo $$today > $@; }
