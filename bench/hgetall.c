/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What it takes to read 90 days of a domain from 90 hashes: 90 HGETALL in one
 * pipeline, replies parsed.
 *
 *     hgetall SOCKET TIMES        hashes bench:0 to bench:89 are there;
 *                                 microseconds of each time, on stdout as JSON
 */

#define _POSIX_C_SOURCE  200809L

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <hiredis/hiredis.h>


#define DAYS  90


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static void
read_days(redisContext *redis)
{
    redisReply  *reply;

    for (int day = 0; day < DAYS; day++) {
        redisAppendCommand(redis, "HGETALL bench:%d", day);
    }

    for (int day = 0; day < DAYS; day++) {
        if (redisGetReply(redis, (void **) &reply) != REDIS_OK
            || reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
        {
            fprintf(stderr, "hgetall: bench:%d\n", day);
            exit(1);
        }

        freeReplyObject(reply);
    }
}


int
main(int argc, char **argv)
{
    int            times = argc == 3 ? atoi(argv[2]) : 0;
    double         start;
    redisContext  *redis = times > 0 ? redisConnectUnix(argv[1]) : NULL;

    if (redis == NULL || redis->err) {
        fprintf(stderr, "usage: hgetall SOCKET TIMES\n");
        return 2;
    }

    for (int i = 0; i < times; i++) {
        start = now();
        read_days(redis);
        printf("%s%.1f", i ? "," : "[", 1e6 * (now() - start));
    }

    printf("]\n");
    redisFree(redis);

    return 0;
}
