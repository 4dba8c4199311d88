/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the core costs, and what it cannot cost less than.
 *
 *     micro time ROUNDS FILE          of a report: JSON, microseconds of CPU
 *     micro run TASK TIMES FILE       one task alone, for callgrind
 *     micro command FILE              the command it becomes, for the floor:
 *                                     digest, its number, words, each as
 *                                     (length; bytes)
 *
 * Tasks take turns within a round, so that what disturbs one disturbs all.
 */

#define _POSIX_C_SOURCE  200809L

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zlib.h>

#include "tlsrpt_answer.h"
#include "tlsrpt_collect.h"
#include "tlsrpt_inflate.h"


#define MAX_SIZE    (10 * 1024 * 1024)
#define MAX_ROUNDS  64
#define ROUND       0.02                    /* seconds of a task in a round */
#define BUFFER      32768

typedef struct {
    unsigned char     *body;
    size_t             len;
    z_stream           z;
    tlsrpt_inflate_t  *gunzip;
    tlsrpt_reader_t   *reader;
} bench_t;

typedef struct {
    const char  *name;
    void       (*run)(bench_t *bench);
} task_t;


static void
die(const char *what)
{
    fprintf(stderr, "micro: %s\n", what);
    exit(1);
}


/* The floor: what anybody who takes gzip has to do. */

static void
run_inflate(bench_t *bench)
{
    int                   rc;
    static unsigned char  out[BUFFER];
    z_stream             *z = &bench->z;

    inflateReset(z);
    z->next_in = bench->body;
    z->avail_in = (uInt) bench->len;

    do {
        z->next_out = out;
        z->avail_out = sizeof(out);
        rc = inflate(z, Z_FINISH);
    } while (rc == Z_OK || (rc == Z_BUF_ERROR && z->avail_out == 0));

    if (rc != Z_STREAM_END) {
        die("inflate");
    }
}


static int
pass_over(void *ctx, const unsigned char *text, size_t len)
{
    (void) ctx;
    (void) text;
    (void) len;

    return TLSRPT_OK;
}


/* The part of reading that is libdeflate's or zlib's. */

static void
run_gunzip(bench_t *bench)
{
    tlsrpt_inflate_reset(bench->gunzip, MAX_SIZE, pass_over, NULL);

    if (tlsrpt_inflate_feed(bench->gunzip, bench->body, bench->len) != TLSRPT_OK
        || tlsrpt_inflate_finish(bench->gunzip) != TLSRPT_OK)
    {
        die("gunzip");
    }
}


static const tlsrpt_report_t *
read_report(bench_t *bench)
{
    const tlsrpt_report_t  *report = NULL;
    tlsrpt_reader_conf_t    conf = { .max_size = MAX_SIZE };

    tlsrpt_reader_reset(bench->reader, &conf);

    if (tlsrpt_reader_feed(bench->reader, bench->body, bench->len) != TLSRPT_OK
        || tlsrpt_reader_finish(bench->reader, &report) != TLSRPT_OK)
    {
        die(tlsrpt_error_text(tlsrpt_reader_error(bench->reader)->code));
    }

    return report;
}


static void
run_read(bench_t *bench)
{
    (void) read_report(bench);
}


static tlsrpt_command_t *
make_command(const tlsrpt_report_t *report, unsigned domain)
{
    tlsrpt_command_t  *command;
    tlsrpt_ingest_t    ingest = { .prefix = { "tlsrpt", 6 },
                                  .now = report->end, .retention_days = 400 };

    command = tlsrpt_ingest_command(report, domain, &ingest);

    if (command == NULL) {
        die("ingest");
    }

    return command;
}


static void
make_commands(const tlsrpt_report_t *report)
{
    for (unsigned i = 0; i < report->ndomains; i++) {
        tlsrpt_command_destroy(make_command(report, i));
    }
}


/* All that is done between the body and Redis. */

static void
run_ingest(bench_t *bench)
{
    make_commands(read_report(bench));
}


/* The same for a report that has been read. */

static void
run_tally(bench_t *bench)
{
    static const tlsrpt_report_t  *report;

    if (report == NULL) {
        report = read_report(bench);
    }

    make_commands(report);
}


static const task_t  tasks[] = {
    { "inflate", run_inflate },
    { "gunzip", run_gunzip },
    { "read", run_read },
    { "ingest", run_ingest },
    { "tally", run_tally }
};

#define NTASKS  (sizeof(tasks) / sizeof(tasks[0]))


static void
load(bench_t *bench, const char *path)
{
    long   len = 0;
    FILE  *file = fopen(path, "rb");

    if (file == NULL || fseek(file, 0, SEEK_END) != 0
        || (len = ftell(file)) <= 0 || fseek(file, 0, SEEK_SET) != 0)
    {
        die(path);
    }

    bench->len = (size_t) len;
    bench->body = malloc(bench->len);

    if (bench->body == NULL
        || fread(bench->body, 1, bench->len, file) != bench->len)
    {
        die(path);
    }

    fclose(file);

    bench->gunzip = tlsrpt_inflate_create();
    bench->reader = tlsrpt_reader_create();

    if (bench->gunzip == NULL || bench->reader == NULL
        || inflateInit2(&bench->z, 15 + 16) != Z_OK)
    {
        die("memory");
    }
}


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static double
time_task(bench_t *bench, const task_t *task, unsigned long times)
{
    double  start = now();

    for (unsigned long i = 0; i < times; i++) {
        task->run(bench);
    }

    return now() - start;
}


static void
time_all(bench_t *bench, unsigned rounds)
{
    double         us[NTASKS][MAX_ROUNDS];
    unsigned long  times[NTASKS];

    for (size_t t = 0; t < NTASKS; t++) {
        time_task(bench, &tasks[t], 3);
        times[t] = 1;

        while (time_task(bench, &tasks[t], times[t]) < ROUND) {
            times[t] *= 2;
        }
    }

    for (unsigned r = 0; r < rounds; r++) {
        for (size_t t = 0; t < NTASKS; t++) {
            us[t][r] = 1e6 * time_task(bench, &tasks[t], times[t])
                       / (double) times[t];
        }
    }

    for (size_t t = 0; t < NTASKS; t++) {
        printf("%s\"%s\":[", t ? "," : "{", tasks[t].name);

        for (unsigned r = 0; r < rounds; r++) {
            printf("%s%.3f", r ? "," : "", us[t][r]);
        }

        printf("]");
    }

    printf("}\n");
}


static void
put_word(const void *data, size_t len)
{
    uint32_t  size = (uint32_t) len;

    fwrite(&size, sizeof(size), 1, stdout);
    fwrite(data, 1, len, stdout);
}


static void
print_command(bench_t *bench)
{
    int64_t            digest;
    const char        *number;
    tlsrpt_command_t  *c = make_command(read_report(bench), 0);

    number = c->argv[c->key + strtoul(c->argv[2], NULL, 10) + 2];
    digest = strtoll(number, NULL, 10);
    put_word(&digest, sizeof(digest));
    put_word(number, strlen(number));

    for (size_t i = 0; i < c->argc; i++) {
        put_word(c->argv[i], c->argvlen[i]);
    }

    tlsrpt_command_destroy(c);
}


int
main(int argc, char **argv)
{
    bench_t  bench;

    memset(&bench, 0, sizeof(bench));

    if (argc == 4 && strcmp(argv[1], "time") == 0) {
        unsigned long  rounds = strtoul(argv[2], NULL, 10);

        load(&bench, argv[3]);
        time_all(&bench, rounds < MAX_ROUNDS ? (unsigned) rounds : MAX_ROUNDS);
        return 0;
    }

    if (argc == 3 && strcmp(argv[1], "command") == 0) {
        load(&bench, argv[2]);
        print_command(&bench);
        return 0;
    }

    if (argc == 5 && strcmp(argv[1], "run") == 0) {
        for (size_t t = 0; t < NTASKS; t++) {
            if (strcmp(argv[2], tasks[t].name) == 0) {
                load(&bench, argv[4]);
                time_task(&bench, &tasks[t], strtoul(argv[3], NULL, 10));
                return 0;
            }
        }
    }

    fprintf(stderr, "usage: micro time ROUNDS FILE | run TASK TIMES FILE "
                    "| command FILE\n");
    return 2;
}
