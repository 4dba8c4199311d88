/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What bodies made to be dear cost between the body and Redis, against the
 * dearest honest one of their size, all in one process:
 *
 *     hostile time SEED [FAMILY]      the worst of each family, as JSON
 *     hostile write SEED FAMILY SIZE TIMES POOL
 *                                     a pool of bench/load; "honest" is one
 *                                     that tells each session apart
 */

#define _POSIX_C_SOURCE  200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bodies.h"
#include "tlsrpt_collect.h"

#define MAX_SIZE    (10 * 1024 * 1024)
#define MAX_BODY    (1024 * 1024)
#define SMALL       1024                    /* bytes of a body */
#define DRAWS       4                       /* of each family and packing */
#define TURNS       4
#define TURN        5e-4                    /* seconds, at least */
#define ENOUGH      30e-3                   /* no need to look again */

static tlsrpt_reader_t  *reader;
static int               today;


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


/* All that is done between the body and Redis.  The verdict. */

static int
take(const body_t *body)
{
    tlsrpt_reader_conf_t    conf = { .max_size = MAX_SIZE };
    const tlsrpt_report_t  *report;

    tlsrpt_reader_reset(reader, &conf);

    if (tlsrpt_reader_feed(reader, body->data, body->len) != TLSRPT_OK
        || tlsrpt_reader_finish(reader, &report) != TLSRPT_OK)
    {
        return tlsrpt_reader_error(reader)->code;
    }

    for (unsigned i = 0; i < report->ndomains; i++) {
        tlsrpt_ingest_t  ingest = { .prefix = { "tlsrpt", 6 },
                                    .now = report->end,
                                    .retention_days = 400 };

        tlsrpt_command_destroy(tlsrpt_ingest_command(report, i, &ingest));
    }

    return TLSRPT_OK;
}


/* Seconds of CPU: the least of some turns. */

static double
cost(const body_t *body)
{
    double  least = 1e9;

    (void) take(body);

    for (int turn = 0; turn < TURNS; turn++) {
        unsigned  n = 0;
        double    start = now(), t;

        do {
            (void) take(body);
            n++;
            t = now() - start;
        } while (t < TURN);

        least = t / n < least ? t / n : least;

        if (t / n > ENOUGH) {
            break;
        }
    }

    return least;
}


/* splitmix64 */

static uint64_t
next(uint64_t *seed)
{
    uint64_t  x = *seed += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);

    return x ^ x >> 31;
}


/*
 * The dearest honest body that is no longer, a line between those that were
 * looked at.
 */

#define NSIZES  14

typedef struct {
    double  len;
    double  cost;
} point_t;

static point_t  points[16 * NSIZES];
static size_t   npoints;


static int
by_len(const void *a, const void *b)
{
    const point_t  *x = a, *y = b;

    return x->len < y->len ? -1 : x->len > y->len;
}


static void
learn_honest(uint64_t seed)
{
    size_t  n = 0;

    for (unsigned kind = 0; kind < bodies_nhonest(); kind++) {
        for (size_t i = 0, size = 512; i < NSIZES; i++, size *= 2) {
            body_t  body = bodies_honest(kind, size, seed, today);

            if (take(&body) != TLSRPT_OK) {
                fprintf(stderr, "%s: refused: %s\n", body.name,
                        tlsrpt_error_text(tlsrpt_reader_error(reader)->code));
                exit(1);
            }

            points[npoints].len = (double) body.len;
            points[npoints++].cost = cost(&body);
            free(body.data);
        }
    }

    /* only those that are dearer than all that are shorter */
    qsort(points, npoints, sizeof(point_t), by_len);

    for (size_t i = 0; i < npoints; i++) {
        if (n == 0 || points[i].cost > points[n - 1].cost) {
            points[n++] = points[i];
        }
    }

    npoints = n;
}


static double
honest_cost(size_t len)
{
    size_t  i;
    double  x = (double) len;

    if (x <= points[0].len) {
        return points[0].cost;
    }

    for (i = 1; i < npoints; i++) {
        if (x < points[i].len) {
            break;
        }
    }

    if (i == npoints) {
        return points[i - 1].cost * x / points[i - 1].len;
    }

    return points[i - 1].cost + (points[i].cost - points[i - 1].cost)
           * (x - points[i - 1].len) / (points[i].len - points[i - 1].len);
}


/* The honest one to hold a body against: that of its size, or of 1 kB, where
   honest bodies have about the 64 kB of text that any may have. */

static double
against(size_t len)
{
    return honest_cost(len > SMALL ? len : SMALL);
}


static size_t
draw_size(uint64_t *seed)
{
    double  octave = 13.0 * (double) (next(seed) >> 11) / (double) (1ULL << 53);
    double  size = 512;

    for ( ; octave >= 1; octave--) {
        size *= 2;
    }

    return (size_t) (size * (1 + octave));
}


typedef struct {
    double  cost;
    double  ratio;
    size_t  len;
    char    name[64];
} worst_t;


static void
print_worst(const char *what, const worst_t *worst)
{
    printf("\"%s\":{\"us\":%.1f,\"ratio\":%.2f,\"bytes\":%zu,\"body\":\"%s\"}",
           what, 1e6 * worst->cost, worst->ratio, worst->len, worst->name);
}


static void
note(worst_t *worst, const worst_t *one, int is_worse)
{
    if (is_worse) {
        *worst = *one;
    }
}


static void
time_family(unsigned family, uint64_t *seed, worst_t *small, worst_t *ratio)
{
    for (unsigned packing = 0; packing < bodies_npackings(); packing++) {

        /* how it is packed does not matter to every text */
        unsigned  draws = packing < 2 ? DRAWS : family % 8 == 6;

        while (draws--) {
            worst_t  one;
            body_t   body = bodies_hostile(family, packing, draw_size(seed),
                                           next(seed), today);

            if (body.len <= MAX_BODY) {
                one.cost = cost(&body);
                one.ratio = one.cost / against(body.len);
                one.len = body.len;
                memcpy(one.name, body.name, sizeof(one.name));

                note(small, &one, one.len <= SMALL && one.cost > small->cost);
                note(ratio, &one, one.ratio > ratio->ratio);
            }

            free(body.data);
        }
    }
}


static void
time_all(uint64_t seed, const char *only)
{
    worst_t  all_small = { 0 }, all_ratio = { 0 };

    learn_honest(seed);
    printf("{\"seed\":%llu,\"families\":{", (unsigned long long) seed);

    for (unsigned f = 0, n = 0; f < bodies_nfamilies(); f++) {
        worst_t  small = { 0 }, ratio = { 0 };

        if (only && strcmp(only, bodies_family(f)) != 0) {
            continue;
        }

        time_family(f, &seed, &small, &ratio);
        printf("%s\n", n++ ? "," : "");
        print_worst(bodies_family(f), &ratio);
        note(&all_small, &small, small.cost > all_small.cost);
        note(&all_ratio, &ratio, ratio.ratio > all_ratio.ratio);
    }

    printf("},\n\"honest\":{\"bytes\":%d,\"us\":%.1f},\n", SMALL,
           1e6 * honest_cost(SMALL));
    print_worst("small", &all_small);
    printf(",\n");
    print_worst("ratio", &all_ratio);
    printf("}\n");
}


static void
spew(FILE *file, const body_t *body)
{
    uint32_t  len = (uint32_t) body->len;

    if (fwrite(&len, sizeof(len), 1, file) != 1
        || fwrite(body->data, 1, body->len, file) != body->len)
    {
        perror("write");
        exit(1);
    }
}


static void
write_pool(uint64_t seed, const char *family, size_t size, unsigned times,
    FILE *file)
{
    unsigned  f = 0;

    while (f < bodies_nfamilies() && strcmp(family, bodies_family(f)) != 0) {
        f++;
    }

    while (times--) {
        body_t  body = f < bodies_nfamilies()
                       ? bodies_hostile(f, 0, size, next(&seed), today)
                       : bodies_honest(1, size, next(&seed), today);

        spew(file, &body);
        free(body.data);
    }
}


int
main(int argc, char **argv)
{
    today = (int) (time(NULL) / 86400) - 1;
    reader = tlsrpt_reader_create();

    if (argc >= 3 && strcmp(argv[1], "time") == 0) {
        time_all(strtoull(argv[2], NULL, 10), argc > 3 ? argv[3] : NULL);

    } else if (argc == 7 && strcmp(argv[1], "write") == 0) {
        FILE  *file = fopen(argv[6], "wb");

        if (file == NULL) {
            perror(argv[6]);
            return 1;
        }

        write_pool(strtoull(argv[2], NULL, 10), argv[3],
                   strtoull(argv[4], NULL, 10),
                   (unsigned) strtoul(argv[5], NULL, 10), file);

        if (fclose(file) != 0) {
            perror(argv[6]);
            return 1;
        }

    } else {
        fprintf(stderr, "usage: hostile time SEED [FAMILY] | "
                        "write SEED FAMILY|honest SIZE TIMES POOL\n");
        return 2;
    }

    tlsrpt_reader_destroy(reader);
    return 0;
}
