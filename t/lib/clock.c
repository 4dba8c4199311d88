/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * LD_PRELOADed, it moves the time of day of a process by as many seconds as the
 * file $TLSRPT_CLOCK holds, a native int64_t, at any time.  (libfaketime does
 * not get along with the allocator of redis-server.)
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


static const volatile int64_t  *moved;


__attribute__((constructor)) static void
begin(void)
{
    int          fd;
    void        *p;
    const char  *path = getenv("TLSRPT_CLOCK");

    if (path == NULL || (fd = open(path, O_RDONLY)) == -1) {
        return;
    }

    p = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);

    if (p != MAP_FAILED) {
        moved = p;
    }
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int  rc = (int) syscall(SYS_clock_gettime, id, ts);

    if (rc == 0 && id == CLOCK_REALTIME && moved != NULL) {
        ts->tv_sec += *moved;
    }

    return rc;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict unused)
{
    struct timespec  ts;

    (void) unused;

    if (clock_gettime(CLOCK_REALTIME, &ts) != 0) {
        return -1;
    }

    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;

    return 0;
}


time_t
time(time_t *t)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    if (t != NULL) {
        *t = ts.tv_sec;
    }

    return ts.tv_sec;
}
